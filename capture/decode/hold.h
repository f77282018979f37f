/*
 * Bytes held back, with the times of the pieces in which they came, until it is known what they are: the client's first
 * bytes, and what a client sends behind a request for a tunnel before the answer is there. Takes no memory while empty;
 * else the bytes and 16 bytes for each piece (pieces of the same time count as one), up to twice that while growing.
 */
#ifndef MITM_CAPTURE_DECODE_HOLD_H
#define MITM_CAPTURE_DECODE_HOLD_H

#include "capture/decode/piece.h"

struct hold {
    uint8_t *data;
    struct hold_time *times;
    uint32_t start, len, room;           /* `len` bytes are held, from data[start] on */
    uint32_t first, pieces, pieces_room; /* in `pieces` pieces, from times[first] on */
};

/* Add `piece` to the end of `hold`, or abort when there is no memory. The caller bounds hold->len. */
void hold_add(struct hold *hold, const struct piece *piece);

/*
 * Return the piece of `hold` with the number `i` (0 … hold->pieces − 1); its offset is its position in the hold. The
 * data belong to the hold and are valid until it is changed.
 */
struct piece hold_piece(const struct hold *hold, uint32_t i);

/* Take `n` bytes (≤ hold->len) off the front of `hold`. */
void hold_skip(struct hold *hold, size_t n);

/* Free what `hold` keeps; it is empty afterwards. */
void hold_fini(struct hold *hold);

#endif
