/*
 * The model: what a sequence of events amounts to. model_apply() is the only thing that changes it; everything that is
 * shown (statistics, tables, pictures) is computed from it, in files and while recording alike.
 *
 * - Nothing in an event is trusted. Events may be missing, come twice or in any order, and carry any number. Of each
 *   fact that can be true only once the first report counts.
 * - What was not recorded is absent: times and sizes are MODEL_NONE, texts have no data, `has_` is false.
 * - Times are nanoseconds since the start of the session, 0 … INT64_MAX.
 * - Memory is proportional to the numbers of connections and exchanges, of which there are at most
 *   MODEL_MAX_CONNECTIONS and MODEL_MAX_EXCHANGES; data of bodies are not kept. What does not fit is counted.
 * - Sessions, connections and exchanges are read through their pointers, which hold until the next model_apply().
 */
#ifndef MITM_ANALYZE_MODEL_H
#define MITM_ANALYZE_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/rate.h"
#include "analyze/texts.h"
#include "proto/event.h"

#define MODEL_NONE            INT64_C(-1)
#define MODEL_MAX_SESSIONS    4096
#define MODEL_MAX_CONNECTIONS 1000000
#define MODEL_MAX_EXCHANGES   4000000
#define MODEL_MAX_SETTINGS    1000
#define MODEL_MAX_MARKS       1000
#define MODEL_MAX_PAUSES      1000
#define MODEL_NO_INDEX        UINT32_MAX

/* The directions of a connection, as indices. */
enum { MODEL_TO_SERVER, MODEL_TO_CLIENT, MODEL_DIRECTIONS };

/* The fields of a message's head, or its trailers, as recorded; read them with model_headers_next(). */
struct model_headers {
    const uint8_t *data;
    size_t len;
    uint32_t omitted; /* fields that were not recorded */
};

struct model_message {
    int64_t start_ns, head_ns, end_ns;
    int64_t body_bytes; /* as its end says; if that is missing, what was seen of it */
    int64_t head_bytes;
    uint32_t pieces; /* reads that brought bytes of the body */
    uint32_t chunks; /* of the chunked transfer coding */
    uint32_t cause;  /* HttpEndCause; 0: not ended */
    struct text version;
    struct model_headers headers, trailers; /* empty unless headers are kept */
};

/* What the answer to a request is for: Sec-Fetch-Dest (W3C Fetch Metadata). */
enum model_destination { MODEL_DESTINATION_UNKNOWN, MODEL_DOCUMENT, MODEL_FRAME, MODEL_OTHER_DESTINATION };

/* Sizes of a response's body of which the model keeps when they were reached: 51,200, 524,288, 1,048,576 and 5,242,880
 * bytes, as transferred. (Those of the files that Tor Metrics measures, and 0.5 MiB for its throughput.) */
enum model_mass { MODEL_50_KIB, MODEL_512_KIB, MODEL_1_MIB, MODEL_5_MIB, MODEL_MASSES };

/* Messages of a WebSocket, control frames included. */
struct model_messages {
    uint64_t count, bytes;
    int64_t first_ns, last_ns; /* MODEL_NONE: there were none */
};

/* A time in which flow control held data back (Http2Stall). */
struct model_stall {
    int64_t from_ns, to_ns; /* from_ns < to_ns */
};

enum { MODEL_STALLS = 256 };

/* Those of one window, one after the other. Where there are more than MODEL_STALLS, so many neighbours are kept as one
 * as it takes, which is as long as they are together and ends with the last of them. */
struct model_stalls {
    size_t count, capacity; /* at most MODEL_STALLS */
    uint64_t each, last;    /* how many each one stands for, and the last one */
    struct model_stall stalls[];
};

/* What only an exchange of HTTP/2, or one that became a WebSocket, has. */
struct model_h2 {
    uint32_t stream; /* 0: none */
    bool pushed;     /* by the server */
    struct text scheme, authority;
    int64_t reset_ns;                      /* MODEL_NONE: the stream was not reset */
    uint32_t reset_direction, reset_error; /* index of a direction; the error code */
    uint32_t weight;                       /* the first priority told: 1 … 256; 0: none */
    uint64_t stalls[MODEL_DIRECTIONS];     /* Http2Stall of this stream, and for how long in all */
    int64_t stalled_ns[MODEL_DIRECTIONS];
    struct model_stalls *stall_times[MODEL_DIRECTIONS]; /* NULL: none */
    struct model_messages messages[MODEL_DIRECTIONS];
};

/* A request and its response. */
struct model_exchange {
    uint32_t id;   /* 0: a response that no request asked for */
    uint32_t next; /* the connection's next exchange, in the order of appearance, or MODEL_NO_INDEX */
    bool has_request, has_response, has_status;
    bool accepts_html;   /* Accept begins with text/html: browsers ask for documents and frames so */
    uint8_t destination; /* enum model_destination */
    uint32_t status;
    struct model_message request, response;
    struct text method, target, reason;
    struct text referer, location; /* of the request; of the response, with a 3xx status */
    uint64_t target_omitted_bytes;
    uint32_t informational; /* 1xx responses before the final one */
    uint32_t informational_status;
    int64_t informational_ns; /* of the last of them */
    int64_t sent_ns;          /* when the request was passed on after a delay asked for; MODEL_NONE: at once */
    int64_t decoded_bytes; /* size of the response's body with Content-Encoding undone; MODEL_NONE: none, not known */
    struct model_h2 *h2;   /* NULL: neither HTTP/2 nor a WebSocket */
    int64_t *reached_ns;   /* by enum model_mass: when the piece of the body with its last byte came; NULL: none did */
};

struct model_violation {
    int64_t t_ns; /* MODEL_NONE: none */
    uint32_t kind;
    bool has_offset;
    uint64_t offset_bytes;
    struct text detail;
};

/* That a rate limit of the settings held bytes back. */
struct model_hold {
    int64_t first_ns, last_ns; /* when that began and was last reported; MODEL_NONE: never */
    uint64_t held_ns;          /* for how long in all within that time */
};

struct model_stream {
    int64_t end_ns; /* EndOfStream */
    uint32_t end_cause, end_error;
    uint64_t opaque_bytes, opaque_pieces; /* OpaqueData, and TlsData that are not decrypted */
    int64_t opaque_first_ns, opaque_last_ns;
    uint64_t seen_bytes; /* opaque bytes, heads and bodies; of a TLS connection TlsData alone: what was on the wire */
    bool sized;          /* some such size was recorded */
    struct model_violation violation;
    struct model_hold hold;
};

/* Opaque bytes that came to the client without a long pause. */
struct model_burst {
    int64_t from_ns, to_ns;
    uint64_t bytes;
};

enum { MODEL_BURSTS = 64 };

struct model_bursts {
    int64_t gap_ns;         /* a longer pause begins a new burst */
    size_t count, capacity; /* at most MODEL_BURSTS */
    struct model_burst bursts[];
};

/*
 * A turn of an encrypted connection, as far as it can be seen without keys: the client sends application data, the
 * server answers. Times are those of the first and the last read (TlsData); the rule that makes turns of them is in
 * fold_tls.c and in mitm-analyze(1).
 */
struct model_turn {
    int64_t request_first_ns, request_last_ns;
    int64_t response_first_ns, response_last_ns; /* MODEL_NONE: not answered */
    uint64_t request_bytes, response_bytes;      /* on the wire */
};

enum { MODEL_TURNS = 1024 };

struct model_turns {
    size_t count, capacity; /* at most MODEL_TURNS */
    uint64_t omitted;       /* further ones */
    /* For fold_tls.c: the current turn, the last one or an omitted one, has been answered; what each direction sent
     * last belongs to it. */
    bool answered, counted[MODEL_DIRECTIONS];
    struct model_turn turns[];
};

/* What was read at once (TlsData). */
struct model_read {
    int64_t t_ns;
    uint64_t len_bytes;
    uint32_t records, largest_bytes;
};

struct model_alert {
    int64_t t_ns; /* MODEL_NONE: none */
    bool readable;
    uint32_t level, description;
};

/* Return whether `alert` says that something went wrong, other than with a warning. */
static inline bool model_alert_fatal(const struct model_alert *alert)
{
    enum { CLOSE_NOTIFY = 0, FATAL = 2 };
    return alert->readable && alert->level == FATAL && alert->description != CLOSE_NOTIFY;
}

/* The TLS of a connection. */
struct model_tls {
    int64_t client_hello_ns, retry_ns, server_hello_ns; /* the first ClientHello; HelloRetryRequest; ServerHello */
    int64_t end_ns;                                     /* TlsHandshakeEnd, the exact one if there is one */
    bool end_inferred;
    int64_t inferred_end_ns; /* the first inferred TlsHandshakeEnd, also if there is an exact one */
    bool ech, resumption_offered, early_data_offered;
    bool has_resumed, resumed, has_early_data_accepted, early_data_accepted;
    uint32_t version, cipher_suite, group; /* chosen; 0: not known */
    uint64_t client_hello_bytes;
    struct text server_name, offered_alpn, alpn; /* offered: separated by commas; chosen */
    uint64_t early_bytes;                        /* of records that came before ServerHello, on the wire */
    struct model_alert alerts[MODEL_DIRECTIONS]; /* the first fatal one of a direction, else its first */
    bool decrypted;                              /* TlsDecryption: from the beginning … */
    uint32_t failure;                            /* … or not, or not to the end: TlsDecryptionStatus; 0: none */
    int64_t failure_ns;
    struct text failure_detail;
    bool unreadable[MODEL_DIRECTIONS];       /* not, or no longer, decrypted: this direction counts as opaque */
    int64_t data_first_ns[MODEL_DIRECTIONS]; /* the first byte on the wire */
    struct model_read finished;              /* for fold_tls.c: the client's last one before the handshake's end */
    struct model_turns *turns;               /* whether decrypted or not; NULL: none */
};

/* What an HTTP/2 connection has beside its streams. */
struct model_http2 {
    uint64_t pings, settings, resets, pushes;
    int64_t ping_sent_ns;                 /* of the client's oldest unanswered one; MODEL_NONE: none */
    uint64_t ping_count;                  /* of the client (the server's are answered beside us), answered: … */
    int64_t ping_min_ns, ping_sum_ns;     /* … time to the acknowledgement, as seen here; MODEL_NONE, 0: none */
    int64_t go_away_ns[MODEL_DIRECTIONS]; /* the first GOAWAY with an error, else the first; MODEL_NONE: none */
    uint32_t go_away_error[MODEL_DIRECTIONS];
    uint64_t stalls[MODEL_DIRECTIONS]; /* of the connection's window; see struct model_h2 */
    int64_t stalled_ns[MODEL_DIRECTIONS];
    struct model_stalls *stall_times[MODEL_DIRECTIONS];
};

struct model_connection {
    uint32_t id;
    uint32_t server;           /* index of a model_server, or MODEL_NO_INDEX: no request was seen */
    int64_t first_ns, last_ns; /* of all its events */
    int64_t start_ns;
    struct text client_address;
    uint32_t client_port;

    int64_t methods_ns, method_ns, auth_start_ns, auth_end_ns;
    struct text methods, username;
    uint32_t method, auth_status, credential;

    int64_t socks_start_ns, socks_end_ns;
    int64_t socks_sent_ns; /* when the request was passed on after a delay asked for; MODEL_NONE: at once */
    uint32_t command, address_type, port;
    uint8_t upstream_kind; /* UpstreamKind that was set when the connection began; 0: not known */
    struct text host;
    uint32_t reply, reply_origin;
    struct text bound_address;
    uint32_t bound_port;

    int64_t resolve_start_ns, resolve_end_ns;
    uint32_t resolve_addresses;
    struct text resolve_first_address, resolve_error;
    int64_t connect_start_ns, connect_end_ns; /* the first attempt's start, the last one's end */
    uint32_t connect_attempts, connect_error, connect_port;
    struct text connect_address; /* of the last attempt */

    int64_t protocol_ns; /* behind SOCKS */
    uint32_t protocol;
    int64_t inner_protocol_ns; /* within TLS, decrypted */
    uint32_t inner_protocol;
    struct model_tls *tls;     /* NULL: no TLS */
    struct model_http2 *http2; /* NULL: no HTTP/2 */

    uint32_t first_exchange, last_exchange;
    uint32_t exchange_count, request_count, response_count;
    struct model_stream streams[MODEL_DIRECTIONS];
    struct model_bursts *bursts; /* of opaque data to the client; NULL: none */

    int64_t end_ns;
    uint32_t end_cause;
    int64_t end_bytes[MODEL_DIRECTIONS]; /* as ConnectionEnd counts */
};

enum model_server_kind {
    MODEL_SERVER_CONNECT, /* host and port of a CONNECT request */
    MODEL_SERVER_LOOKUP   /* all RESOLVE and RESOLVE_PTR requests of the session: they reach no server */
};

struct model_server {
    enum model_server_kind kind;
    struct text host; /* as first seen; compared without regard to case */
    uint32_t port;
};

struct model_loss {
    uint64_t count; /* Loss events */
    uint64_t events;
    uint64_t len_bytes;
};

/* A delay that the user asked for; {MODEL_NONE, MODEL_NONE}: none. */
struct model_delay {
    int64_t min_ns, max_ns;
};

/* All settings, as they are from t_ns on (Settings). */
struct model_settings {
    int64_t t_ns;    /* MODEL_NONE: none were recorded; nothing else is known then */
    uint32_t origin; /* SettingsOrigin; 0: not known */
    struct model_delay connect_delay, request_delay;
    bool has_seed, all_headers;
    uint64_t seed;
    int64_t rates[MODEL_DIRECTIONS], rates_total[MODEL_DIRECTIONS]; /* bytes per second; MODEL_NONE: no limit */
    uint32_t upstream_kind;                                         /* 0: not said */
    struct text upstream_address;
};

/* A point in time that the user named. */
struct model_mark {
    int64_t t_ns;
    struct text text;
};

/* A moment at which recording paused, or went on. */
struct model_pause {
    int64_t t_ns;
    bool resumed;
    uint64_t events; /* resumed: how many were not recorded in between */
};

enum { MODEL_LOSS_CAUSES = 5 }; /* index: LossCause; 0: another one */

struct model_session {
    const char *file; /* as given to model_begin_file(), or NULL */
    bool has_id;
    uint32_t id;         /* Record.session */
    bool started, ended; /* its first and its last record were seen */
    bool has_wall_clock;
    uint64_t wall_clock_ns;
    struct text tool, label, upstream_address, listen_address, command; /* words of the command separated by spaces */
    uint32_t upstream_kind, time_source;
    bool decrypted; /* a key log was read */
    uint32_t end_cause;
    bool has_command_status, has_recorded;
    uint32_t command_status;
    uint64_t recorded; /* records that were written, as SessionEnd counts */

    uint64_t records; /* records that were applied */
    int64_t first_ns, last_ns;
    struct model_loss losses[MODEL_LOSS_CAUSES];
    uint64_t delay_count, delay_sum_ns, delay_max_ns;
    uint64_t clock_steps;
    int64_t clock_step_max_ns; /* the widest, with its sign */
    uint64_t unknown_events;
    uint64_t overflow; /* events of connections and exchanges for which there was no room; in the last session also
                          those of further sessions */

    struct model_settings settings;                  /* the latest */
    bool paused;                                     /* by the latest Pause or Resume */
    uint64_t setting_total, mark_total, pause_total; /* of these events, … */
    size_t setting_count, mark_count, pause_count;   /* … of which the first so many are kept, in order: */
    struct model_settings *changes;
    struct model_mark *marks;
    struct model_pause *pauses;

    size_t connection_count, server_count;
    struct rate received; /* bytes to clients */

    /* Read through the functions below. */
    struct model_connection *connections;
    struct model_exchange *exchanges;
    struct model_server *servers;
    size_t exchange_count, connection_capacity, exchange_capacity, server_capacity;
    size_t setting_capacity, mark_capacity, pause_capacity;
};

/* Return `value` as a time or size of the model: the greatest one that it can hold if it is beyond that. */
static inline int64_t model_number(uint64_t value)
{
    return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

struct model_options {
    bool keep_headers;    /* header fields and trailers */
    bool decode_contents; /* undo Content-Encoding for model_exchange.decoded_bytes */
    /* At most so many in all sessions together; 0: MODEL_MAX_CONNECTIONS, MODEL_MAX_EXCHANGES. */
    uint64_t max_connections, max_exchanges;
};

struct model;

/* Return a new, empty model; the caller frees it with model_free(). */
struct model *model_new(const struct model_options *options);
void model_free(struct model *model);

/* Say that the following events come from the file `name` (which must outlive the model): they belong to new sessions.
 */
void model_begin_file(struct model *model, const char *name);

/* Add the event `record`, which is not needed afterwards. `made`: it is a Loss that stands for damage of the file, and
 * is not counted as a record. */
void model_apply(struct model *model, const Mitm__Record *record, bool made);

size_t model_session_count(const struct model *model);
const struct model_session *model_session(const struct model *model, size_t index);

/* Return the session's connection number `index` (< connection_count), in the order of appearance. */
const struct model_connection *model_connection(const struct model_session *session, size_t index);

/* Return the session's server number `index` (< server_count), in the order of appearance. */
const struct model_server *model_server(const struct model_session *session, size_t index);

/* Return whether `name` names `server`, which connections went to: its host, or host:port, without regard to case. */
bool model_server_named(const struct model_server *server, const char *name);

/* Return the first exchange of `connection`, and the one behind `exchange`; NULL when there is none. */
const struct model_exchange *model_first_exchange(const struct model_session *session,
                                                  const struct model_connection *connection);
const struct model_exchange *model_next_exchange(const struct model_session *session,
                                                 const struct model_exchange *exchange);

/* Step through `headers` with *at, at first 0: store the next field's name and value; return false when there is none.
 */
bool model_headers_next(const struct model_headers *headers, size_t *at, struct text *name, struct text *value);

/* Return whether the connection was open when the recording, as far as it is known, ended. */
bool model_connection_open(const struct model_connection *connection);

/* Return the payload bytes of `connection` in one direction: as its end says, or else what was seen of them; MODEL_NONE
 * if messages were seen, but no size. */
int64_t model_connection_bytes(const struct model_connection *connection, int direction);

#endif
