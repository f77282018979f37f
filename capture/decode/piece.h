/* A piece: what one read brought in one direction, or the part of it that is yet to be decoded. */
#ifndef MITM_CAPTURE_DECODE_PIECE_H
#define MITM_CAPTURE_DECODE_PIECE_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

struct piece {
    uint64_t t_ns;   /* when it arrived */
    uint64_t offset; /* of its first byte in its direction */
    const uint8_t *data;
    size_t len;
};

/* Take `n` bytes (≤ piece->len) off the front of `piece`. */
static inline void piece_skip(struct piece *piece, size_t n)
{
    assert(n <= piece->len);
    piece->offset += n;
    piece->data += n;
    piece->len -= n;
}

#endif
