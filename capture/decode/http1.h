/*
 * Watches an HTTP/1.0 or HTTP/1.1 connection (RFC 9110, RFC 9112). The contract of app.h holds: bytes and times in,
 * events out, split-invariant, bounded, and what cannot be followed is one Violation for its direction.
 *
 * Requests and responses are paired by their order. A body is framed as RFC 9112, 6.3 says: Transfer-Encoding overrides
 * Content-Length; HEAD, 1xx, 204 and 304 have no body; a response without framing lasts until the close. Empty lines
 * between messages belong to no message. HttpRequestStart, HttpResponseStart: emitted when the start line is complete.
 *
 * Tunnels: behind CONNECT, and behind a request that offers Upgrade, the client's bytes are held back until the final
 * response's head or a 101 is there. Then they belong to the tunnel, or are further requests, with the times of their
 * arrival. The tunnel's bytes go to struct http1_tunnel, whatever they are. A 101 that begins h2c is an
 * HttpInformational: the response proper comes as HTTP/2 (RFC 7540, 3.2); as long as h2c is offered, a 101 is told when
 * its head is complete.
 * More than HTTP1_HOLD_MAX_BYTES, or bytes whose response cannot be seen any more, are a Violation (HTTP_OTHER).
 *
 * Violations: offset_bytes is where following stopped, and from exactly there on the direction's bytes are OpaqueData.
 * The message begun, if its Start was emitted, gets its End with NOT_FOLLOWED. The other direction goes on; once the
 * requests are lost, responses beyond the known requests have no exchange, and are read as if to GET.
 * - HTTP_START_LINE, HTTP_HEADER, HTTP_FRAMING: see head.h for what is refused. HTTP_FRAMING is also a request whose
 *   Transfer-Encoding does not end in chunked (RFC 9112, 6.3, rule 4).
 * - HTTP_CHUNK: see chunk.h.
 * - HTTP_TOO_MANY_REQUESTS: at the first byte of a request while EXCHANGES_MAX others wait for their response.
 * - HTTP_UNREQUESTED_RESPONSE: at the first byte of a response while no request waits whose start line is complete.
 * - HTTP_OTHER: 101 to a request that offered no Upgrade; see also Tunnels.
 * - HTTP_TRUNCATED: the peer's end of the direction (FIN, RESET, CONNECTION_ERROR) lies within a head, whose bytes
 * would otherwise leave no trace. A message cut off in its body needs no Violation: its End says TRUNCATED.
 *
 * Memory: less than 768 bytes between messages; in all less than 2 × 256 KiB for heads, the size of a piece for
 * gathering chunks, and for the hold 2 × (1 + 16) × HTTP1_HOLD_MAX_BYTES if every held byte came in a piece of its own.
 */
#ifndef MITM_CAPTURE_DECODE_HTTP1_H
#define MITM_CAPTURE_DECODE_HTTP1_H

#include <stdbool.h>

#include "proto/event.h"

#define HTTP1_HOLD_MAX_BYTES ((size_t)64 * 1024)

enum http1_tunnel_kind {
    HTTP1_TUNNEL_OTHER, /* CONNECT, or an upgrade to something else */
    HTTP1_TUNNEL_WEBSOCKET,
    HTTP1_TUNNEL_H2C
};

/* The exchange that made a tunnel, and where the tunnel begins in either direction (0: to the server). */
struct http1_tunnel_start {
    enum http1_tunnel_kind kind;
    uint32_t exchange; /* 0: not known */
    uint64_t offsets[2];
};

/* Takes what flows in a tunnel: `begin` first, then the other two as http1_feed() and http1_end() are called. */
struct http1_tunnel {
    void (*begin)(void *ctx, const struct http1_tunnel_start *start);
    void (*feed)(void *ctx, Mitm__Direction direction, uint64_t t_ns, const uint8_t *data, size_t len);
    void (*end)(void *ctx, Mitm__Direction direction, uint64_t t_ns, Mitm__EndCause cause);
    void *ctx;
};

struct http1;

/*
 * Return a new decoder that emits to `sink`, which must outlive it, and records at most `body_limit_bytes` of the data
 * of each body. The bytes of a tunnel go to `tunnel` (copied). The caller frees it with http1_free().
 */
struct http1 *http1_new(const struct event_sink *sink, uint64_t body_limit_bytes, const struct http1_tunnel *tunnel)
    __attribute__((returns_nonnull, warn_unused_result));
void http1_free(struct http1 *http1);

/* See app_feed(). `len` must be below 2^30. */
void http1_feed(struct http1 *http1, Mitm__Direction direction, uint64_t t_ns, const uint8_t *data, size_t len);

/* See app_pending(). */
bool http1_pending(const struct http1 *http1, uint64_t *offset_bytes, uint64_t *t_ns)
    __attribute__((warn_unused_result));

/* See app_end(). */
void http1_end(struct http1 *http1, Mitm__Direction direction, uint64_t t_ns, Mitm__EndCause cause);

#endif
