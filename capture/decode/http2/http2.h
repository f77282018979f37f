/*
 * Watches an HTTP/2 connection (RFC 9113). The contract of app.h holds: bytes and times in, events out,
 * split-invariant, bounded, and what cannot be followed is one Violation for its direction, from which on its bytes are
 * OpaqueData.
 *
 * Each stream that carries a request is an exchange, with the same events as in HTTP/1: requests, informational and
 * final responses, bodies, trailers; pushed requests, too. Messages end with END_STREAM, STREAM_RESET, TRUNCATED or
 * NOT_FOLLOWED. Connection-wide frames and RST_STREAM, PRIORITY and PRIORITY_UPDATE have events of their own;
 * WINDOW_UPDATE shows in Http2Stall. Frames of unknown types are skipped (RFC 9113, 4.1).
 * An extended CONNECT for "websocket" (RFC 8441) that is accepted is followed as WebSocket.
 *
 * Violations: HTTP2_PREFACE: the client's or the server's connection preface is missing. HTTP2_FRAME: a frame whose
 * length or place breaks RFC 9113, 4 and 6; one longer than the receiver's SETTINGS_MAX_FRAME_SIZE is followed all the
 * same. HTTP2_HEADERS: a header block that cannot be decoded, or exceeds HTTP2_BLOCK_MAX_BYTES. HTTP2_STREAM: more than
 * HTTP2_STREAMS_MAX streams open at once, or a new stream whose identifier does not grow. HTTP2_FLOOD: more than
 * HTTP2_CONTROL_BURST frames that carry nothing (SETTINGS, PING, RST_STREAM, PRIORITY, WINDOW_UPDATE, empty DATA, empty
 * CONTINUATION, unknown ones) beyond HTTP2_CONTROL_PER_S a second. HTTP2_TRUNCATED: the direction ended within a frame
 * of another type than DATA.
 *
 * Memory: per direction one header block (HTTP2_BLOCK_MAX_BYTES, and its fields as far as they are recorded), HPACK's
 * dynamic table (HTTP2_TABLE_MAX_BYTES), and a control frame's first 1,280 bytes; below 256 bytes per open stream.
 */
#ifndef MITM_CAPTURE_DECODE_HTTP2_HTTP2_H
#define MITM_CAPTURE_DECODE_HTTP2_HTTP2_H

#include "proto/event.h"

#define HTTP2_BLOCK_MAX_BYTES ((size_t)256 * 1024)
#define HTTP2_TABLE_MAX_BYTES ((size_t)64 * 1024)
#define HTTP2_STREAMS_MAX     4096
#define HTTP2_CONTROL_BURST   2000
#define HTTP2_CONTROL_PER_S   500

struct http2;

/*
 * Return a new decoder that emits to `sink`, which must outlive it, and records at most `body_limit_bytes` of the data
 * of each body. The caller frees it with http2_free().
 */
struct http2 *http2_new(const struct event_sink *sink, uint64_t body_limit_bytes)
    __attribute__((returns_nonnull, warn_unused_result));

/*
 * The same for a connection that was upgraded from HTTP/1 (RFC 7540, 3.2): the request was the exchange `exchange`, and
 * is complete; its response comes on stream 1. Further exchanges are numbered from there on, and offsets count from
 * `offsets` (index 0: TO_SERVER, 1: TO_CLIENT) on.
 */
struct http2 *http2_new_upgraded(const struct event_sink *sink, uint64_t body_limit_bytes, uint32_t exchange,
                                 const uint64_t offsets[2]) __attribute__((returns_nonnull, warn_unused_result));
void http2_free(struct http2 *http2);

/* See app_feed(). */
void http2_feed(struct http2 *http2, Mitm__Direction direction, uint64_t t_ns, const uint8_t *data, size_t len);

/* See app_end(). */
void http2_end(struct http2 *http2, Mitm__Direction direction, uint64_t t_ns, Mitm__EndCause cause);

#endif
