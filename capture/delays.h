/*
 * The delays that the user asked for, on one connection: what the client sends is decoded first, held back, and passed
 * on when it is due. A connection without such a delay has none of this (capture/conn.c passes its bytes on first).
 */
#ifndef MITM_CAPTURE_DELAYS_H
#define MITM_CAPTURE_DELAYS_H

#include "capture/conn_private.h"

/* No more is read from the client while so much is held. */
#define DELAYS_HELD_MAX_BYTES ((size_t)262144)

/* Whether what the client of `conn` sends now behind its SOCKS request is to go through delays_take(). */
bool delays_wanted(const struct conn *conn);

/* Take `len` bytes that arrived at `t_ns`: decode them, then pass on what is due. */
void delays_take(struct conn *conn, uint64_t t_ns, const uint8_t *data, size_t len);

/* Pass on what is due and what the server's side takes. */
void delays_pass_on(struct conn *conn);

/* Return how many bytes are held. */
size_t delays_held_bytes(const struct conn *conn);

/* The decoder has announced the request `exchange`, whose first byte arrived at `t_ns` and stands at `offset`. */
void delays_request(struct conn *conn, uint64_t offset, uint64_t t_ns, uint32_t exchange);

/* The decoder has been fed: something may be known now that was not. */
void delays_decoded(struct conn *conn);

/* Emit a Delay event: a request of `kind` that arrived at `arrived_t_ns` was passed on at `t_ns`; `exchange`: 0 for
 * CONNECT. */
void delays_emit(struct conn *conn, Mitm__DelayKind kind, uint64_t t_ns, uint64_t arrived_t_ns, uint64_t drawn_ns,
                 uint32_t exchange);

/* Free what is held. */
void delays_free(struct conn *conn);

#endif
