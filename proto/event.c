#include "proto/event.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <isa-l/crc.h>

/* The trailer's first bytes: field 1000, wire type 5 (fixed32), as a varint. */
enum { CRC_TAG_0 = 0xC5, CRC_TAG_1 = 0x3E };

/* CRC-32C as RFC 3720 has it: initial value and final complement all ones. */
static uint32_t crc32c(const uint8_t *data, size_t len)
{
    return ~crc32_iscsi((unsigned char *)(uintptr_t)data, (int)len, UINT32_MAX);
}

static size_t put_varint(uint8_t *out, size_t value)
{
    size_t n = 0;
    while (value >= 0x80) {
        out[n++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    out[n++] = (uint8_t)value;
    return n;
}

size_t event_encoded_size(const Mitm__Record *record)
{
    return EVENT_MAX_PREFIX_BYTES + mitm__record__get_packed_size(record) + EVENT_TRAILER_BYTES;
}

size_t event_encode(const Mitm__Record *record, uint8_t *out)
{
    assert(record->has_t_ns);
    Mitm__Record without_crc = *record;
    without_crc.has_crc32c = false;
    size_t payload = mitm__record__get_packed_size(&without_crc);
    size_t len = payload + EVENT_TRAILER_BYTES;
    if (len > EVENT_MAX_BYTES)
        return 0;
    size_t prefix = put_varint(out, len);
    uint8_t *p = out + prefix;
    size_t packed = mitm__record__pack(&without_crc, p);
    assert(packed == payload);
    uint32_t crc = crc32c(p, payload);
    p += payload;
    *p++ = CRC_TAG_0;
    *p++ = CRC_TAG_1;
    for (int i = 0; i < 4; i++)
        *p++ = (uint8_t)(crc >> (8 * i));
    return prefix + len;
}

bool event_crc_valid(const uint8_t *data, size_t len)
{
    if (len < EVENT_TRAILER_BYTES || len > EVENT_MAX_BYTES)
        return false;
    const uint8_t *p = data + len - EVENT_TRAILER_BYTES;
    if (p[0] != CRC_TAG_0 || p[1] != CRC_TAG_1)
        return false;
    uint32_t stored = (uint32_t)p[2] | (uint32_t)p[3] << 8 | (uint32_t)p[4] << 16 | (uint32_t)p[5] << 24;
    return stored == crc32c(data, len - EVENT_TRAILER_BYTES);
}

/* ---------------------------------------------------------------- decoding */

/*
 * What one record may take when decoded. protobuf-c turns two bytes of input (an empty submessage) into some hundred
 * bytes of memory: without a limit, a hostile record of 1 MiB would take 50 MiB.
 */
#define ARENA_LIMIT_BYTES ((size_t)8 << 20)
#define ARENA_FIRST_BYTES ((size_t)64 << 10)

struct arena_block {
    struct arena_block *next;
    size_t used;
    size_t size;
    max_align_t data[];
};

struct event_arena {
    ProtobufCAllocator allocator;
    struct arena_block *first; /* the newest block; the oldest one is kept for the next record */
    size_t total;
};

static struct arena_block *arena_block_new(size_t size, struct arena_block *next)
{
    struct arena_block *block = malloc(sizeof *block + size);
    if (block)
        *block = (struct arena_block){.next = next, .size = size};
    return block;
}

static void *arena_alloc(void *ctx, size_t size)
{
    struct event_arena *arena = ctx;
    if (size > ARENA_LIMIT_BYTES)
        return NULL;
    size = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    struct arena_block *block = arena->first;
    if (block->size - block->used < size) {
        size_t want = size > 2 * block->size ? size : 2 * block->size;
        if (arena->total + want > ARENA_LIMIT_BYTES)
            want = size;
        if (arena->total + want > ARENA_LIMIT_BYTES)
            return NULL;
        block = arena_block_new(want, arena->first);
        if (!block)
            return NULL;
        arena->first = block;
        arena->total += want;
    }
    void *p = (uint8_t *)block->data + block->used;
    block->used += size;
    return p;
}

static void arena_no_free(void *ctx, void *p)
{
    (void)ctx;
    (void)p;
}

/* Drop all but the oldest block, and empty that one. */
static void arena_reset(struct event_arena *arena)
{
    while (arena->first->next) {
        struct arena_block *block = arena->first;
        arena->first = block->next;
        arena->total -= block->size;
        free(block);
    }
    arena->first->used = 0;
}

struct event_arena *event_arena_new(void)
{
    struct event_arena *arena = malloc(sizeof *arena);
    struct arena_block *block = arena_block_new(ARENA_FIRST_BYTES, NULL);
    if (!arena || !block)
        abort();
    *arena = (struct event_arena){.allocator = {.alloc = arena_alloc, .free = arena_no_free, .allocator_data = arena},
                                  .first = block,
                                  .total = ARENA_FIRST_BYTES};
    return arena;
}

void event_arena_free(struct event_arena *arena)
{
    if (!arena)
        return;
    arena_reset(arena);
    free(arena->first);
    free(arena);
}

Mitm__Record *event_decode(struct event_arena *arena, const uint8_t *data, size_t len)
{
    arena_reset(arena);
    Mitm__Record *record = mitm__record__unpack(&arena->allocator, len, data);
    return record && record->has_t_ns ? record : NULL;
}

/* ---------------------------------------------------------------- names */

const char *event_name(const Mitm__Record *record)
{
    if (record->event_case == MITM__RECORD__EVENT__NOT_SET)
        return "Unknown";
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field(&mitm__record__descriptor, (unsigned)record->event_case);
    assert(field);
    return ((const ProtobufCMessageDescriptor *)field->descriptor)->short_name;
}

const char *event_enum_name(const ProtobufCEnumDescriptor *descriptor, int value)
{
    const ProtobufCEnumValue *found = protobuf_c_enum_descriptor_get_value(descriptor, value);
    return found ? found->name : NULL;
}
