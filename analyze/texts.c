#include "analyze/texts.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define BLOCK_BYTES ((size_t)16384)
/* Longer ones hardly ever come twice. */
#define SHORT_TEXT_BYTES ((size_t)320)

struct texts_block {
    struct texts_block *next;
    size_t used, size;
    uint8_t data[];
};

void texts_fini(struct texts *texts)
{
    while (texts->first) {
        struct texts_block *block = texts->first;
        texts->first = block->next;
        free(block);
    }
    map_fini(&texts->by_hash);
    free(texts->short_texts);
    *texts = (struct texts){0};
}

uint8_t *texts_reserve(struct texts *texts, size_t len)
{
    struct texts_block *block = texts->first;
    if (!block || block->size - block->used < len) {
        size_t size = len > BLOCK_BYTES ? len : BLOCK_BYTES;
        block = malloc(sizeof *block + size);
        if (!block)
            abort();
        *block = (struct texts_block){.next = texts->first, .size = size};
        texts->first = block;
    }
    uint8_t *p = block->data + block->used;
    block->used += len;
    return p;
}

bool text_equal(struct text a, struct text b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* FNV-1a. Texts with equal hashes are merely stored twice, so that it need not withstand an attacker. */
static uint64_t hash(const uint8_t *data, size_t len)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < len; i++)
        h = (h ^ data[i]) * UINT64_C(0x100000001b3);
    return h;
}

struct text texts_keep(struct texts *texts, const void *data, size_t len)
{
    static const uint8_t empty[1];
    if (len == 0)
        return (struct text){empty, 0};
    assert(len <= UINT32_MAX); /* records are at most 1 MiB long */
    struct text wanted = {data, (uint32_t)len};
    uint64_t h = 0;
    bool known = false;
    if (len <= SHORT_TEXT_BYTES) {
        h = hash(data, len);
        uint32_t index;
        known = map_get(&texts->by_hash, h, &index);
        if (known && text_equal(texts->short_texts[index], wanted))
            return texts->short_texts[index];
    }
    uint8_t *copy = texts_reserve(texts, len);
    memcpy(copy, data, len);
    wanted.data = copy;
    if (len <= SHORT_TEXT_BYTES && !known && texts->count < UINT32_MAX) {
        texts->short_texts =
            memory_grow(texts->short_texts, texts->count, &texts->capacity, sizeof *texts->short_texts);
        map_put(&texts->by_hash, h, (uint32_t)texts->count);
        texts->short_texts[texts->count++] = wanted;
    }
    return wanted;
}
