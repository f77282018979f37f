/* What conn.c (the connection and its relay) and handshake.c (the way there) share. Nobody else includes this. */
#ifndef MITM_CAPTURE_CONN_PRIVATE_H
#define MITM_CAPTURE_CONN_PRIVATE_H

#include "capture/conn.h"
#include "capture/decrypting.h"
#include "capture/held.h"
#include "capture/side.h"

enum conn_state {
    /* The client's messages. */
    CONN_GREETING,
    CONN_AUTH,
    CONN_REQUEST,
    CONN_DELAYED, /* the request is held back, as the settings want it */
    /* Waiting for the upstream: connection, method, status of user name and password, reply. */
    CONN_DIALING_UPSTREAM,
    CONN_METHOD,
    CONN_STATUS,
    CONN_REPLY,
    /* The built-in server at work. */
    CONN_RESOLVING,
    CONN_DIALING_SERVER,

    CONN_RELAY,
    /* Refused: the client gets the rest of the answer, what it still says is dropped. */
    CONN_LINGER,
    CONN_DEAD
};

/* Whether a connection is part of the measurement: that is known with its SOCKS request. */
enum conn_part {
    CONN_UNDECIDED, /* its records are held */
    CONN_MEASURED,
    CONN_LEFT_OUT /* the live view's: it is not recorded, counted or changed in any way */
};

struct app;
struct delays;
struct handshake;

struct conn {
    TAILQ_ENTRY(conn) link;
    struct proxy *proxy;
    uint32_t id; /* Record.connection; 0: no record of it has been written yet */
    bool direct; /* served by the built-in server, as the settings were when it was accepted */
    enum conn_part part;
    struct held held; /* its records, while `id` is 0; `held_n` of them */
    uint64_t held_n;
    uint8_t *held_login; /* its SOCKS_AUTH message, for the number in the SocksAuthStart held; NULL: none */
    size_t held_login_len;
    enum conn_state state;
    struct side client, server;
    struct handshake *handshake; /* NULL from CONN_RELAY on */
    struct delays *delays;       /* what is held back of the client's bytes; NULL: nothing has been */
    struct app *app;             /* NULL before the first byte behind the handshake */
    struct decrypting_part decrypting;
    struct event_sink sink;
    uint64_t to_server_bytes, to_client_bytes; /* behind the handshake */
    bool to_server_ended, to_client_ended;     /* EndOfStream has been emitted */
};

/* Return the session time. */
uint64_t conn_now(const struct conn *conn);

/* Enter `state`: reads from the sides that it wants to be read. */
void conn_set_state(struct conn *conn, enum conn_state state);

/*
 * `conn`, undecided so far, is part of the measurement: it gets its number, and what was held is recorded. Does nothing
 * if that is decided.
 */
void conn_measure(struct conn *conn);

/* `conn`, undecided so far, is none of the measurement's: no trace remains of it. The upstream's side is closed, and
 * the server's side can be opened anew. */
void conn_leave_out(struct conn *conn);

/* Hold the `len` bytes at `login` (SOCKS_AUTH) until the SocksAuthStart held gets its number. */
void conn_hold_login(struct conn *conn, const uint8_t *login, size_t len);

/* Decode and count `len` bytes behind the handshake. */
void conn_tap(struct conn *conn, Mitm__Direction direction, uint64_t t_ns, const uint8_t *data, size_t len);

/* Take `len` bytes of the client, before the relay, that arrived at `t_ns` and are for the server: pass them on and
 * decode them, or hold them back. */
void conn_client_data(struct conn *conn, uint64_t t_ns, const uint8_t *data, size_t len);

/* What was held back of the client's bytes has been passed on, maybe all: its FIN follows, or the end; else read on. */
void conn_passed_on(struct conn *conn);

/* `side`, which a rate limit held back, is read again. */
void conn_take_turn(struct side *side);

/* Whether bytes of the client are wanted in `state`, or of the server. */
bool conn_wants_client(enum conn_state state);
bool conn_wants_server(enum conn_state state);

/* The handshake has succeeded: free it and relay. */
void conn_begin_relay(struct conn *conn);

/*
 * Send the client its last `len` bytes at `answer`, close the server's side, and end the connection when the client
 * closes, or CONN_LINGER_MS later.
 */
void conn_refuse(struct conn *conn, const uint8_t *answer, size_t len);

/* Free `conn`, which has ended and which no list holds. */
void conn_free(struct conn *conn);

/* End the connection: its directions that have not ended do so because of `cause` and `error` (errno). */
void conn_finish(struct conn *conn, Mitm__EndCause cause, int error);

#endif
