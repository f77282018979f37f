/*
 * The SOCKS5 handshake of a connection: with the client, and with the upstream or in place of one.
 *
 * Each function belongs to a connection between its acceptance and CONN_RELAY (or its end) and may change its state,
 * refuse the client, or end the connection.
 */
#ifndef MITM_CAPTURE_HANDSHAKE_H
#define MITM_CAPTURE_HANDSHAKE_H

#include "capture/conn_private.h"

/* Begin the handshake of `conn`: its greeting is waited for, for settings.handshake_ms. */
void handshake_start(struct conn *conn);

/* Free what the handshake of `conn` holds, if it is still there. */
void handshake_free(struct conn *conn);

/* Take `len` bytes that arrived from the client at `t_ns`: messages of the handshake, then data for the server. */
void handshake_client_bytes(struct conn *conn, uint64_t t_ns, const uint8_t *data, size_t len);

/* Take `len` bytes that arrived from the upstream at `t_ns`. */
void handshake_upstream_bytes(struct conn *conn, uint64_t t_ns, const uint8_t *data, size_t len);

/* Whether it is the client's turn to send a message of the handshake. */
bool handshake_client_speaks(const struct conn *conn);

/* The client has ended its direction when it was its turn. */
void handshake_client_left(struct conn *conn);

/* The upstream has ended the connection (`fin`), or it failed. */
void handshake_upstream_left(struct conn *conn, bool fin);

/* Wait for the client to close no longer than CONN_LINGER_MS. */
void handshake_linger(struct conn *conn);

#endif
