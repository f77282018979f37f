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

static size_t varint_len(uint64_t value)
{
    size_t n = 1;
    for (; value >= 0x80; value >>= 7)
        n++;
    return n;
}

static uint8_t *put_varint(uint8_t *out, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        *out++ = (uint8_t)(value | 0x80);
    *out++ = (uint8_t)value;
    return out;
}

static uint8_t *put_fixed32(uint8_t *out, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        *out++ = (uint8_t)(value >> (8 * i));
    return out;
}

/*
 * A Record is encoded here, its event by protobuf-c: protobuf-c looks at each of the Record's many fields three times,
 * which took twice the instructions of everything else that is done for an event. The bytes are the same, and a test
 * holds every field of the schema against protobuf-c's own encoding.
 */
enum { WIRE_VARINT = 0, WIRE_BYTES = 2 };
enum { FIELD_T_NS = 1, FIELD_CONNECTION = 2, FIELD_EXCHANGE = 3, FIELD_T_SLACK_NS = 4 };
/* Field 999, wire type 5 (fixed32), as a varint. */
enum { SESSION_TAG_0 = 0xBD, SESSION_TAG_1 = 0x3E, SESSION_BYTES = 6 };

/* Return the event of `record`: each member of the union points to a message. NULL: left to protobuf-c. */
static const ProtobufCMessage *event_of(const Mitm__Record *record)
{
    bool plain = record->event_case != MITM__RECORD__EVENT__NOT_SET && record->base.n_unknown_fields == 0;
    return plain ? (const ProtobufCMessage *)record->session_start : NULL;
}

static uint64_t event_tag(const Mitm__Record *record)
{
    return (uint64_t)record->event_case << 3 | WIRE_BYTES;
}

static size_t optional_len(bool has, uint64_t value)
{
    return has ? 1 + varint_len(value) : 0;
}

static uint8_t *put_optional(uint8_t *out, bool has, int field, uint64_t value)
{
    if (!has)
        return out;
    *out++ = (uint8_t)(field << 3 | WIRE_VARINT);
    return put_varint(out, value);
}

/* Return the length of `record` without prefix and trailer; store that of its event in *event_len. */
static size_t payload_len(const Mitm__Record *record, const ProtobufCMessage *event, size_t *event_len)
{
    *event_len = protobuf_c_message_get_packed_size(event);
    return 1 + varint_len(record->t_ns) + optional_len(record->has_connection, record->connection) +
           optional_len(record->has_exchange, record->exchange) +
           optional_len(record->has_t_slack_ns, record->t_slack_ns) + varint_len(event_tag(record)) +
           varint_len(*event_len) + *event_len + (record->has_session ? SESSION_BYTES : 0);
}

static uint8_t *put_payload(uint8_t *out, const Mitm__Record *record, const ProtobufCMessage *event, size_t event_len)
{
    out = put_optional(out, true, FIELD_T_NS, record->t_ns);
    out = put_optional(out, record->has_connection, FIELD_CONNECTION, record->connection);
    out = put_optional(out, record->has_exchange, FIELD_EXCHANGE, record->exchange);
    out = put_optional(out, record->has_t_slack_ns, FIELD_T_SLACK_NS, record->t_slack_ns);
    out = put_varint(out, event_tag(record));
    out = put_varint(out, event_len);
    out += protobuf_c_message_pack(event, out);
    if (record->has_session) {
        *out++ = SESSION_TAG_0;
        *out++ = SESSION_TAG_1;
        out = put_fixed32(out, record->session);
    }
    return out;
}

size_t event_encoded_size(const Mitm__Record *record)
{
    const ProtobufCMessage *event = event_of(record);
    size_t event_len;
    size_t payload = event ? payload_len(record, event, &event_len) : mitm__record__get_packed_size(record);
    return EVENT_MAX_PREFIX_BYTES + payload + EVENT_TRAILER_BYTES;
}

size_t event_encode(const Mitm__Record *record, uint8_t *out)
{
    assert(record->has_t_ns);
    Mitm__Record without_crc = *record;
    without_crc.has_crc32c = false;
    const ProtobufCMessage *event = event_of(record);
    size_t event_len = 0;
    size_t payload = event ? payload_len(record, event, &event_len) : mitm__record__get_packed_size(&without_crc);
    size_t len = payload + EVENT_TRAILER_BYTES;
    if (len > EVENT_MAX_BYTES)
        return 0;
    uint8_t *start = put_varint(out, len);
    uint8_t *end =
        event ? put_payload(start, record, event, event_len) : start + mitm__record__pack(&without_crc, start);
    assert((size_t)(end - start) == payload);
    uint32_t crc = crc32c(start, payload);
    *end++ = CRC_TAG_0;
    *end++ = CRC_TAG_1;
    return (size_t)(put_fixed32(end, crc) - out);
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
