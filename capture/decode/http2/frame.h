/*
 * Splits one direction of an HTTP/2 connection into frames (RFC 9113, 4.1), without holding any of them: the header,
 * the fields before the content (Pad Length, priority, promised stream: 6.1, 6.2, 6.6) and the padding are taken off,
 * and the content is given as it comes.
 */
#ifndef MITM_CAPTURE_DECODE_HTTP2_FRAME_H
#define MITM_CAPTURE_DECODE_HTTP2_FRAME_H

#include <stdbool.h>

#include "capture/decode/piece.h"

#define FRAME_HEADER_BYTES   9
#define FRAME_PRIORITY_BYTES 5
/* Pad Length and priority. */
#define FRAME_PREFIX_BYTES 6

/* RFC 9113, 6; RFC 9218, 7.1. */
enum frame_type {
    FRAME_DATA = 0x0,
    FRAME_HEADERS = 0x1,
    FRAME_PRIORITY = 0x2,
    FRAME_RST_STREAM = 0x3,
    FRAME_SETTINGS = 0x4,
    FRAME_PUSH_PROMISE = 0x5,
    FRAME_PING = 0x6,
    FRAME_GOAWAY = 0x7,
    FRAME_WINDOW_UPDATE = 0x8,
    FRAME_CONTINUATION = 0x9,
    FRAME_PRIORITY_UPDATE = 0x10
};

#define FRAME_FLAG_ACK         0x1
#define FRAME_FLAG_END_STREAM  0x1
#define FRAME_FLAG_END_HEADERS 0x4
#define FRAME_FLAG_PADDED      0x8
#define FRAME_FLAG_PRIORITY    0x20

enum frame_result {
    FRAME_MORE,    /* the bytes used are none of the following */
    FRAME_HEADER,  /* with the last of them the frame's header was complete */
    FRAME_CONTENT, /* they are content */
    FRAME_INVALID  /* the payload is too short for its fields, or for its padding */
};

/* All zero before the first frame. */
struct frame {
    uint64_t offset;  /* of its first byte, */
    uint64_t t_ns;    /* and when that arrived */
    uint32_t len;     /* of the payload */
    uint32_t left;    /* of the payload, to come, */
    uint32_t padding; /* of which so much is padding */
    uint32_t stream;
    uint8_t type;
    uint8_t flags;
    uint8_t have, need; /* bytes of header and prefix */
    uint8_t bytes[FRAME_HEADER_BYTES + FRAME_PREFIX_BYTES];
};

/* Return the number in the 4 bytes at `bytes`, without its first bit, which is reserved, or a flag. */
static inline uint32_t frame_get_31(const uint8_t *bytes)
{
    return (uint32_t)(bytes[0] & 0x7f) << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/*
 * Read on from `piece`, which is not empty and follows what was read before, and set *used (≥ 1) to how many of its
 * bytes the result is about. After FRAME_INVALID no more is read.
 */
enum frame_result frame_read(struct frame *frame, const struct piece *piece, size_t *used)
    __attribute__((warn_unused_result));

/* Return whether the last byte read was the last one of a frame. */
static inline bool frame_is_complete(const struct frame *frame)
{
    return frame->have >= FRAME_HEADER_BYTES && frame->left == 0;
}

/* Return whether the direction may end here: nothing was read, or the last frame is complete. */
static inline bool frame_is_between(const struct frame *frame)
{
    return frame->have == 0 || frame_is_complete(frame);
}

/* Return the fields of the frame that stand before its content, without Pad Length. */
static inline const uint8_t *frame_prefix(const struct frame *frame)
{
    return frame->bytes + FRAME_HEADER_BYTES + (frame->flags & FRAME_FLAG_PADDED ? 1 : 0);
}

#endif
