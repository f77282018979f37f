#include "capture/decode/excerpt.h"

#include <stdlib.h>
#include <string.h>

#include "capture/decode/grow.h"

void excerpt_close(struct excerpt *excerpt, uint64_t end)
{
    uint64_t len = end - excerpt->start;
    if (len < excerpt->max) {
        excerpt->max = (uint32_t)len;
    }
}

void excerpt_keep(struct excerpt *excerpt, const struct piece *piece)
{
    uint64_t from = excerpt->start + excerpt->len;
    uint64_t end = piece->offset + piece->len;
    if (from >= end || excerpt->len >= excerpt->max) {
        return;
    }
    assert(from >= piece->offset);
    uint64_t n = end - from;
    if (n > excerpt->max - excerpt->len) {
        n = excerpt->max - excerpt->len;
    }
    excerpt->copy = grow(excerpt->copy, &excerpt->room, excerpt->len + (uint32_t)n, 1);
    memcpy(excerpt->copy + excerpt->len, piece->data + (from - piece->offset), n);
    excerpt->len += (uint32_t)n;
}

const uint8_t *excerpt_bytes(struct excerpt *excerpt, const struct piece *piece)
{
    if (excerpt->len == 0) {
        assert(excerpt->start >= piece->offset);
        return piece->data + (excerpt->start - piece->offset);
    }
    excerpt_keep(excerpt, piece);
    return excerpt->copy;
}

void excerpt_fini(struct excerpt *excerpt)
{
    free(excerpt->copy);
    *excerpt = (struct excerpt){0};
}
