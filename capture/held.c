#include "capture/held.h"

#include <assert.h>
#include <stdlib.h>

/* What the handshake of a usual client needs. */
#define FIRST_BYTES ((size_t)512)

static void make_room(struct held *held, size_t need)
{
    size_t size = held->size_bytes ? held->size_bytes : FIRST_BYTES;
    while (size - held->len_bytes < need)
        size *= 2;
    if (size == held->size_bytes)
        return;
    held->bytes = realloc(held->bytes, size);
    if (!held->bytes)
        abort();
    held->size_bytes = size;
}

void held_take(struct held *held, const Mitm__Record *record)
{
    size_t need = event_encoded_size(record);
    assert(held->len_bytes + need <= HELD_MAX_BYTES);
    make_room(held, need);
    held->len_bytes += event_encode(record, held->bytes + held->len_bytes);
}

/* Read the length prefix at bytes[*at], as event_encode() wrote it, and step over it. */
static size_t take_prefix(const uint8_t *bytes, size_t *at)
{
    size_t len = 0;
    for (unsigned shift = 0;; shift += 7) {
        uint8_t byte = bytes[(*at)++];
        len |= (size_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return len;
    }
}

void held_release(struct held *held, struct event_arena *arena, const struct event_sink *sink)
{
    struct held taken = *held; /* the sink may hold records again */
    *held = (struct held){0};
    for (size_t at = 0; at < taken.len_bytes;) {
        size_t len = take_prefix(taken.bytes, &at);
        Mitm__Record *record = event_decode(arena, taken.bytes + at, len);
        assert(record);
        event_emit(sink, record);
        at += len;
    }
    held_drop(&taken);
}

void held_drop(struct held *held)
{
    free(held->bytes);
    *held = (struct held){0};
}
