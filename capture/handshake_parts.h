/* What the modules of the handshake share; see capture/handshake.h. */
#ifndef MITM_CAPTURE_HANDSHAKE_PARTS_H
#define MITM_CAPTURE_HANDSHAKE_PARTS_H

#include "capture/conn_private.h"
#include "capture/decode/socks.h"
#include "capture/handshake.h"

struct handshake {
    struct socks from_client, from_server;
    struct socks_message message;
    uint8_t methods[2]; /* that the client offers and we can pass on */
    size_t methods_n;
    bool upstream_down; /* the upstream cannot be reached: we answer in its place */
    struct event timer;
    uint64_t connect_delay_ns; /* of the request, in CONN_DELAYED */
    struct dial *dial;
    struct resolve_job *job;
    /* What the client sent ahead of its turn. */
    uint8_t *early;
    size_t early_len;
    uint64_t early_t_ns;
};

/* Record SocksResponseEnd at `t_ns`; `address` NULL: the reply has none. */
void handshake_emit_response(struct conn *conn, uint64_t t_ns, uint8_t reply, Mitm__ReplyOrigin origin,
                             const char *address, size_t address_len, uint16_t port);

/* Refuse the request with REP `reply`. */
void handshake_refuse(struct conn *conn, uint8_t reply);

/* Choose the authentication method `method`, and wait for what follows from it. */
void handshake_choose(struct conn *conn, uint8_t method);

/* Choose as Tor does: user name and password if they are offered. */
void handshake_choose_ourselves(struct conn *conn);

/* Answer user name and password with `status`: 0 is accepted. */
void handshake_answer_credentials(struct conn *conn, uint8_t status);

/* Do what the request in handshake->message asks for, without an upstream. */
void handshake_serve(struct conn *conn);

#endif
