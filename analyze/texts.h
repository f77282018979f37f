/*
 * A store of recorded texts: each is kept once and lives as long as the store. Texts are bytes from the network: any
 * byte may occur in them, NUL included.
 */
#ifndef MITM_ANALYZE_TEXTS_H
#define MITM_ANALYZE_TEXTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/map.h"

/* All zero: no text was recorded. An empty text has data, but no length. */
struct text {
    const uint8_t *data;
    uint32_t len;
};

struct texts_block;

/* All zero is an empty store; texts_fini() frees it with all its texts. */
struct texts {
    struct texts_block *first;
    struct map by_hash;
    struct text *short_texts;
    size_t count, capacity;
};

void texts_fini(struct texts *texts);

/* Return a copy of the `len` bytes at `data`; short texts are kept once: equal ones up to 320 bytes have
 * the same data pointer (but for texts made to have equal hashes). */
struct text texts_keep(struct texts *texts, const void *data, size_t len);

/* Return room for a text of `len` bytes (at least 1), which the caller fills in. */
uint8_t *texts_reserve(struct texts *texts, size_t len);

bool text_equal(struct text a, struct text b);

#endif
