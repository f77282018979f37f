/* What conn.c (the connection and its relay) and handshake.c (the way there) share. Nobody else includes this. */
#ifndef MITM_CAPTURE_CONN_PRIVATE_H
#define MITM_CAPTURE_CONN_PRIVATE_H

#include "capture/conn.h"
#include "capture/side.h"

enum conn_state {
    /* The client's messages. */
    CONN_GREETING,
    CONN_AUTH,
    CONN_REQUEST,
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

struct app;
struct handshake;

struct conn {
    TAILQ_ENTRY(conn) link;
    struct proxy *proxy;
    uint32_t id;
    enum conn_state state;
    struct side client, server;
    struct handshake *handshake; /* NULL from CONN_RELAY on */
    struct app *app;             /* NULL before the first byte behind the handshake */
    struct event_sink sink;
    uint64_t to_server_bytes, to_client_bytes; /* behind the handshake */
    bool to_server_ended, to_client_ended;     /* EndOfStream has been emitted */
};

/* Return the session time. */
uint64_t conn_now(const struct conn *conn);

/* Enter `state`: reads from the sides that it wants to be read. */
void conn_set_state(struct conn *conn, enum conn_state state);

/* Decode and count `len` bytes behind the handshake. */
void conn_tap(struct conn *conn, Mitm__Direction direction, uint64_t t_ns, const uint8_t *data, size_t len);

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

/* End the connection: its directions that have not ended do so because of `cause` and `error` (errno). */
void conn_finish(struct conn *conn, Mitm__EndCause cause, int error);

#endif
