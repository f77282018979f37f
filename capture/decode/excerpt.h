/*
 * An excerpt: a stretch of one direction's bytes that is wanted later, whole and contiguous. While all of it lies in
 * one piece nothing is copied; what of it lies in earlier pieces has been copied by excerpt_keep(). At most `max` bytes
 * of it are kept, the later ones are dropped.
 */
#ifndef MITM_CAPTURE_DECODE_EXCERPT_H
#define MITM_CAPTURE_DECODE_EXCERPT_H

#include "capture/decode/piece.h"

struct excerpt {
    uint64_t start; /* offset of its first byte */
    uint32_t max;
    uint32_t len, room; /* of the copy */
    uint8_t *copy;
};

/* Begin an excerpt at `start` of at most `max` bytes. */
static inline void excerpt_init(struct excerpt *excerpt, uint64_t start, uint32_t max)
{
    *excerpt = (struct excerpt){.start = start, .max = max};
}

/* Let the excerpt end at `end`. */
void excerpt_close(struct excerpt *excerpt, uint64_t end);

/* Copy what `piece` has of the excerpt. To be called for every piece that is left before the excerpt is used. */
void excerpt_keep(struct excerpt *excerpt, const struct piece *piece);

/*
 * Return a pointer to the excerpt's first byte, behind which all bytes up to the end of `piece`, or to the excerpt's
 * greatest length, can be read. `piece` is the last one so far, or what is left of it. The pointer is valid as long as
 * the piece and until the next call with this excerpt.
 */
const uint8_t *excerpt_bytes(struct excerpt *excerpt, const struct piece *piece);

/* Free what the excerpt keeps. */
void excerpt_fini(struct excerpt *excerpt);

#endif
