/* The open streams of an HTTP/2 connection, in the order of their identifiers. */
#ifndef MITM_CAPTURE_DECODE_HTTP2_STREAMS_H
#define MITM_CAPTURE_DECODE_HTTP2_STREAMS_H

#include "capture/decode/http2/flow.h"
#include "capture/decode/http2/http2.h"
#include "capture/decode/websocket.h"

/* One direction of a stream. */
struct half {
    uint64_t body_bytes;
    struct window window; /* for the data in this direction */
    bool started;         /* the message's Start was emitted, and not its End */
    bool closed;          /* nothing more is told */
};

/* What CONNECT makes of a stream. */
enum tunnel {
    TUNNEL_NONE,
    TUNNEL_ASKED,           /* CONNECT was not answered yet (RFC 9113, 8.5) */
    TUNNEL_ASKED_WEBSOCKET, /* nor was one for a WebSocket (RFC 8441) */
    TUNNEL_OPEN             /* accepted: `websocket`, or opaque */
};

struct stream {
    uint32_t id;
    uint32_t exchange; /* 0: not known */
    enum tunnel tunnel;
    struct websocket *websocket;
    struct half halves[2]; /* 0: TO_SERVER */
};

/* All zero while there are none. */
struct streams {
    struct stream **list;
    uint32_t n, room;
    struct stream *found; /* latest */
};

/* Return the open stream `id`, NULL if there is none. */
struct stream *streams_find(struct streams *streams, uint32_t id) __attribute__((warn_unused_result));

/* Add the stream `id`, which is not there, and return it; there must be less than HTTP2_STREAMS_MAX. */
struct stream *streams_add(struct streams *streams, uint32_t id) __attribute__((returns_nonnull));

/* Remove and free `stream`, which is there. */
void streams_remove(struct streams *streams, struct stream *stream);

/* Remove and free the streams of which both halves are closed. */
void streams_sweep(struct streams *streams);

/* Free all. */
void streams_fini(struct streams *streams);

#endif
