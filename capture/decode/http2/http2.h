/*
 * Watches an HTTP/2 connection (RFC 9113). The contract of app.h holds: bytes and times in, events out,
 * split-invariant, bounded, and what cannot be followed is one Violation for its direction, from which on its bytes are
 * OpaqueData. The directions must be fed in an order in which no answer comes before what it answers.
 *
 * Each stream that carries a request is an exchange, with the same events as in HTTP/1: requests, informational and
 * final responses, bodies, trailers; pushed requests, too. A request that the server answers or resets before its
 * header block is complete begins with that answer, with what is there of it. Messages end with END_STREAM,
 * STREAM_RESET, TRUNCATED or NOT_FOLLOWED. Connection-wide frames and RST_STREAM, PRIORITY and PRIORITY_UPDATE have
 * events of their own; WINDOW_UPDATE shows in Http2Stall. Frames of unknown types are skipped (RFC 9113, 4.1), and
 * frames on closed streams, which were under way when the stream was reset, but for the header table and the
 * connection's window. A piece gives one body event for each stretch of DATA of one stream without another event
 * between them.
 *
 * The target of CONNECT is :path where there is one (RFC 8441), else :authority. When CONNECT is accepted, both
 * messages end with TUNNEL, and the stream's data are OpaqueData with its exchange; for the protocol "websocket" they
 * are followed as WebSocket, whose offsets count the stream's data from there on.
 *
 * Violations: offset_bytes is the first byte of the frame with which it showed, and from exactly there on the
 * direction's bytes are OpaqueData; the other direction goes on. HTTP2_TRUNCATED: the direction's end.
 * - HTTP2_PREFACE: the client's or the server's connection preface is missing: 24 bytes of the client, then SETTINGS.
 * - HTTP2_FRAME: a frame whose length or place breaks RFC 9113, 4 to 6 (a stream that was not opened, too); one longer
 *   than the receiver's SETTINGS_MAX_FRAME_SIZE is followed all the same.
 * - HTTP2_HEADERS: a header block that cannot be decoded, uses a dynamic table of more than HTTP2_TABLE_MAX_BYTES,
 *   exceeds HTTP2_BLOCK_MAX_BYTES or, inflated, 1 MiB (block.h); a request without :method, a response without :status.
 * - HTTP2_STREAM: more than HTTP2_STREAMS_MAX streams open at once, or a new stream whose identifier does not grow.
 * - HTTP2_FLOOD: more than HTTP2_CONTROL_BURST frames that carry nothing (SETTINGS, PING, GOAWAY, RST_STREAM, PRIORITY,
 *   PRIORITY_UPDATE, WINDOW_UPDATE beyond one for each 1,024 bytes of data in the other direction, empty DATA without
 *   END_STREAM, empty CONTINUATION, unknown ones) beyond HTTP2_CONTROL_PER_S a second. SETTINGS that change all
 * streams' windows count once more for every 64 open streams.
 * - HTTP2_TRUNCATED: the peer ended the direction (FIN, RESET, CONNECTION_ERROR) within a frame of another type than
 *   DATA, within a header block or the preface.
 * When requests are not followed any more, responses to unknown ones have no exchange; when responses are not, the
 * requests go on.
 *
 * What is recorded of header sections: see block.h.
 *
 * Memory: 4 KiB; per direction HPACK's dynamic table (HTTP2_TABLE_MAX_BYTES: below 512 KiB if its entries are of the
 * shortest), while a header block comes in below 256 KiB, and the size of a piece for gathering DATA; below 256 bytes
 * per open stream, and as much again if it is a WebSocket.
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
