/* What the parts of the HTTP/2 decoder have in common: the connection, and what happens to its streams. */
#ifndef MITM_CAPTURE_DECODE_HTTP2_HTTP2_PARTS_H
#define MITM_CAPTURE_DECODE_HTTP2_HTTP2_PARTS_H

#include "capture/decode/body.h"
#include "capture/decode/flood.h"
#include "capture/decode/http2/block.h"
#include "capture/decode/http2/frame.h"
#include "capture/decode/http2/streams.h"

/* So much of a control frame is looked into. */
#define CONTROL_MAX_BYTES 1280

/* A header section: what its first frame says, HEADERS or PUSH_PROMISE, and how long it is. */
struct section {
    bool open; /* it has begun, and END_HEADERS did not come */
    bool promise;
    bool end_stream;
    bool has_priority;
    bool begun; /* the request was begun before the section was complete */
    uint8_t priority[FRAME_PRIORITY_BYTES];
    uint32_t stream;   /* that it belongs to: the promised one */
    uint32_t received; /* the frames' own */
    uint64_t offset, t_ns;
    uint64_t head_bytes; /* of the frames so far */
};

/* One direction. */
struct side {
    Mitm__Direction direction;
    bool lost;            /* by a Violation */
    bool ended;           /* by http2_end() */
    bool greeted;         /* its first frame was SETTINGS */
    uint8_t preface_left; /* bytes of the client's preface to come */
    uint64_t offset;      /* of the first byte not yet decoded; when it is lost: not yet told as opaque */
    struct frame frame;
    struct section section;
    struct block block;
    struct flood flood;
    uint64_t data_credit;   /* bytes of data of the other direction that WINDOW_UPDATE may still answer */
    struct window window;   /* of the connection, for the data in this direction */
    int64_t window_initial; /* of streams, likewise */
    uint32_t messages;      /* begun, and not at their end */
    uint32_t control_len;
    uint8_t control[CONTROL_MAX_BYTES]; /* the content of the control frame being read */
};

struct http2 {
    const struct event_sink *sink;
    struct event_sink ordered; /* `sink`, behind the body that is being collected: all else goes there */
    uint64_t body_limit_bytes;
    struct side sides[2]; /* 0: TO_SERVER */
    struct streams streams;
    uint32_t exchanges;                  /* the latest */
    uint32_t last_client, last_promised; /* identifiers of the latest streams that the sides opened */
    struct body body;                    /* of one stream, in the piece being decoded: */
    struct message body_message;
    uint64_t body_t_ns;
    uint64_t body_offset; /* of its first byte */
};

/* Return 0 for TO_SERVER, 1 for TO_CLIENT. */
static inline int side_index(const struct side *side)
{
    return side->direction == MITM__DIRECTION__TO_SERVER ? 0 : 1;
}

/* Stop following `side`, at the first byte of the frame being read. Its streams may be gone afterwards. */
void http2_violate(struct http2 *http2, struct side *side, uint64_t t_ns, Mitm__ViolationKind kind, const char *detail);

/*
 * Return the open stream `id`, NULL if there is none. If its request's header section is not complete but has a
 * :method, the request is begun at `t_ns`: the server answers it already.
 */
struct stream *http2_find_answered(struct http2 *http2, uint32_t id, uint64_t t_ns);

/* Return whether the stream `id` was not opened yet, as far as is known. */
bool http2_is_idle(const struct http2 *http2, uint32_t id);

/* The header section of `side` is complete at `t_ns`, and inflated (messages.c). */
void http2_complete_section(struct http2 *http2, struct side *side, uint64_t t_ns);

/*
 * End the half `i` of `stream` at `t_ns`, unless it is at its end: what it carries ends because of `cause`, and has
 * `trailers` or (NULL) none. The stream stays until http2_release().
 */
void http2_close_half(struct http2 *http2, struct stream *stream, int i, uint64_t t_ns, Mitm__HttpEndCause cause,
                      const struct head_fields *trailers);

/* Remove `stream` if both its halves are closed. */
void http2_release(struct http2 *http2, struct stream *stream);

/* End the half `i` of all streams at `t_ns`. */
void http2_close_all(struct http2 *http2, int i, uint64_t t_ns, Mitm__HttpEndCause cause);

/* The control frame of `side`, whose place and length are right, is complete at `t_ns` (control.c). */
void http2_complete_control(struct http2 *http2, struct side *side, uint64_t t_ns);

/* Emit the priority of `stream` that the bytes at `fields` say (RFC 7540, 6.3). */
void http2_emit_priority(struct http2 *http2, uint32_t stream, const uint8_t *fields, uint64_t t_ns);

#endif
