/*
 * Collects what a decoder emits and shows it as lines of text, for comparisons. Adjacent HttpRequestBody,
 * HttpResponseBody and OpaqueData events of the same message or direction are taken together, as the decoder contract
 * allows.
 *
 * A line is: time, exchange (or "-"), event, fields. The time of events that were taken together is "*".
 *     12 1 HttpRequestStart "GET" "/" 1.1 @0            method, target, version, offset
 *     30 1 HttpRequestHeaders 37 "Host: a"              head_bytes, fields
 *     *  1 HttpRequestBody 0+2 chunks=1 "ok"            offset, length, chunks, data
 *     40 1 HttpRequestEnd 2 CONTENT_LENGTH "T: x"       body_bytes, cause, trailers
 *     50 1 HttpInformational 1.1 103 "Early Hints" 31 "Link: x"
 *     60 1 HttpResponseStart 1.1 200 "OK" @0
 *     *  - OpaqueData > 17                              direction (> to the server), length
 *     70 - Violation HTTP_CHUNK > @93                   kind, direction, offset
 *     3  - ProtocolDetected HTTP1
 *     80 1 WebSocketMessage > 1 5 frames=1 first=75 compressed=0
 *                                                       direction, opcode, payload; and close=1000
 * HTTP/2:
 *     12 1 HttpRequestStart "GET" "/" 2 @24 stream=1 "http" "a" pushed    and scheme, authority
 *     20 - Http2Settings > 1=4096 4=65535              direction, settings; or "ack"
 *     21 1 Http2Reset < 1 8                            direction, stream, error
 *     22 - Http2GoAway < 5 0 "bye"                     direction, last stream, error, debug
 *     23 - Http2Ping > ack
 *     24 1 Http2Priority 1 weight=16 depends=0 exclusive    or the field value: 1 "u=2"
 *     25 1 Http2Stall < 1 first=20                     direction, stream (0: the connection), beginning
 * TLS:
 *     4  - TlsClientHello 512 "a.example" alpn="h2","http/1.1" versions=0304,0303 suites=1301 groups=001d ech
 *          resumption early                            on one line
 *     5  - TlsHelloRetryRequest 1301 group=0018
 *     6  - TlsServerHello 0303 c02b group=001d resumed=0 alpn="h2"
 *     7  - TlsHandshakeEnd inferred resumed=0 group=001d alpn="h2" early=1
 *     8  - TlsAlert < 2 40                              direction, level, description; or "encrypted"
 *     9  - TlsDecryption DECRYPTION_FAILED <            status, direction
 *     *  - TlsData > 900 records=3 largest=400 early    all of a direction, at the end of the text
 */
#ifndef MITM_TESTS_UNIT_DECODE_EVENT_LOG_H
#define MITM_TESTS_UNIT_DECODE_EVENT_LOG_H

#include "proto/event.h"

struct event_log_entry;

struct event_log {
    struct event_sink sink;
    struct event_log_entry *entries;
    size_t n, room;
    /* Per direction (0: to the server): bytes that are told by head_bytes, body and payload lengths and OpaqueData. */
    uint64_t told_bytes[2];
    uint64_t opaque_bytes[2];
    /* Per direction: what TlsData told. */
    struct {
        uint64_t events, len_bytes, records;
        uint32_t largest_bytes;
        bool early;
    } tls_data[2];
    /* Per direction: the offset of the Violation, UINT64_MAX without one. */
    uint64_t violation_offset[2];
    bool violated[2]; /* by one that is not a WebSocket's */
    /* Events before any were taken together, and the largest of them, encoded. */
    size_t emitted;
    size_t largest_bytes;
};

/* Initialise `log`; events go to log->sink. event_log_fini() frees what it holds. */
void event_log_init(struct event_log *log);
void event_log_fini(struct event_log *log);

/*
 * Return the log as one text, a line for each event. A time in it is shown as `t_ns`, in decimal. The caller frees it.
 */
char *event_log_text(const struct event_log *log);

#endif
