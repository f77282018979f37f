/*
 * Fuzz target: the reader of session files. The first byte chooses how the rest is cut. However it is cut, the same
 * records and damages come out, and every byte of the input is accounted for once.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static uint64_t mix(uint64_t hash, uint64_t value)
{
    return (hash ^ value) * 1099511628211u;
}

/* Return a digest of all that comes out of a reader for `len` bytes, fed in pieces. */
static uint64_t run(const uint8_t *data, size_t len, size_t piece, FILE *null)
{
    struct reader *reader = reader_new();
    uint64_t hash = 14695981039346656037u, accounted = 0;
    for (size_t fed = 0;;) {
        struct reader_item item;
        enum reader_result result = reader_next(reader, &item);
        if (result == READER_END)
            break;
        if (result == READER_MORE) {
            size_t n = piece < len - fed ? piece : len - fed, got;
            uint8_t *room = reader_reserve(reader, n + 1, &got);
            if (n > 0)
                memcpy(room, data + fed, n);
            reader_commit(reader, n);
            fed += n;
            if (fed == len)
                reader_finish(reader);
            continue;
        }
        if (item.offset_bytes != accounted || item.len_bytes == 0)
            abort();
        accounted += item.len_bytes;
        hash = mix(mix(hash, result), item.len_bytes);
        if (result == READER_RECORD) {
            hash = mix(hash, item.record->t_ns);
            event_print_text(null, item.record);
            event_print_json(null, item.record);
        }
    }
    if (accounted != len)
        abort();
    reader_free(reader);
    return hash;
}

/* Decode and print the bytes as one record, although no CRC vouches for them: the fuzzer does not guess a CRC. */
static void decode_unchecked(const uint8_t *data, size_t len, FILE *null)
{
    struct event_arena *arena = event_arena_new();
    const Mitm__Record *record = event_decode(arena, data, len);
    if (record) {
        event_print_text(null, record);
        event_print_json(null, record);
        uint8_t *again = malloc(event_encoded_size(record));
        if (!again || event_encode(record, again) == 0)
            abort();
        free(again);
    }
    event_arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static FILE *null;
    if (!null)
        null = fopen("/dev/null", "w");
    if (len < 1 || !null)
        return 0;
    uint64_t whole = run(data + 1, len - 1, len, null);
    if (run(data + 1, len - 1, (size_t)data[0] + 1, null) != whole)
        abort();
    decode_unchecked(data, len, null);
    return 0;
}
