/*
 * Watches a WebSocket (RFC 6455): one WebSocketMessage for each message and each control frame, with opcode, size and
 * time, never its content. The contract of app.h holds: split-invariant, bounded (below 256 bytes), and what cannot be
 * followed is one Violation for its direction, from which on its bytes are OpaqueData.
 *
 * RSV1 on a message's first frame says that it is compressed (RFC 7692, 6): whether that was agreed is not looked into.
 * All events carry the exchange.
 *
 * Violations: offset_bytes is the byte with which it showed, and from exactly there on the direction's bytes are
 * OpaqueData; the other direction goes on. WEB_SOCKET_FRAME: a reserved opcode, RSV2 or RSV3, RSV1 on a control or
 * continuation frame, a control frame that is fragmented or longer than 125 bytes, a continuation without a beginning,
 * a new message within another one, a data frame behind a close frame, a length not in its shortest form or above 2^63
 * − 1, a client's frame that is not masked or a server's that is (RFC 6455, 5.1, 5.2, 5.4, 5.5). WEB_SOCKET_FLOOD: more
 * than WEBSOCKET_BURST frames beyond WEBSOCKET_PER_S a second, and beyond one for each WEBSOCKET_FRAME_BYTES of payload
 * in the direction.
 */
#ifndef MITM_CAPTURE_DECODE_WEBSOCKET_H
#define MITM_CAPTURE_DECODE_WEBSOCKET_H

#include "proto/event.h"

#define WEBSOCKET_BURST       20000
#define WEBSOCKET_PER_S       2000
#define WEBSOCKET_FRAME_BYTES 1024

struct websocket;

/*
 * Return a new decoder for the WebSocket that the exchange `exchange` opened; its offsets count from `offsets` (index
 * 0: TO_SERVER, 1: TO_CLIENT) on. It emits to `sink`, which must outlive it. The caller frees it with websocket_free().
 */
struct websocket *websocket_new(const struct event_sink *sink, uint32_t exchange, const uint64_t offsets[2])
    __attribute__((returns_nonnull, warn_unused_result));
void websocket_free(struct websocket *websocket);

/* See app_feed(). */
void websocket_feed(struct websocket *websocket, Mitm__Direction direction, uint64_t t_ns, const uint8_t *data,
                    size_t len);

/* See app_end(): a message begun stays without an event. */
void websocket_end(struct websocket *websocket, Mitm__Direction direction, uint64_t t_ns, Mitm__EndCause cause);

#endif
