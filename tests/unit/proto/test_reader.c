#include <criterion/criterion.h>
#include <string.h>

#include "proto/reader.h"
#include "sample.h"

enum { BODY_LEN = 600 };

/* What came out of a reader. */
struct outcome {
    size_t records;
    uint64_t offset[64];
    size_t damages, truncations;
    uint64_t damaged_bytes;
};

/* Read `len` bytes, fed in pieces of `piece` bytes. */
static struct outcome read_all(const uint8_t *bytes, size_t len, size_t piece)
{
    struct outcome outcome = {0};
    struct reader *reader = reader_new();
    size_t fed = 0;
    for (;;) {
        struct reader_item item;
        enum reader_result result = reader_next(reader, &item);
        if (result == READER_END)
            break;
        if (result == READER_MORE) {
            size_t n = piece < len - fed ? piece : len - fed, got;
            uint8_t *room = reader_reserve(reader, n + 1, &got);
            cr_assert_gt(got, n);
            memcpy(room, bytes + fed, n);
            reader_commit(reader, n);
            fed += n;
            if (fed == len)
                reader_finish(reader);
        } else if (result == READER_RECORD) {
            cr_assert_lt(outcome.records, 64);
            outcome.offset[outcome.records++] = item.offset_bytes;
        } else {
            outcome.damages += result == READER_DAMAGE;
            outcome.truncations += result == READER_TRUNCATED;
            outcome.damaged_bytes += item.len_bytes;
        }
    }
    reader_free(reader);
    return outcome;
}

static void make(struct sample *sample)
{
    uint8_t body[BODY_LEN];
    for (size_t i = 0; i < sizeof body; i++)
        body[i] = (uint8_t)(i * 7);
    sample_make(sample, 0x12345678, body, sizeof body);
}

Test(reader, whole_in_pieces_of_any_size)
{
    struct sample sample;
    make(&sample);
    for (size_t piece = 1; piece <= sample.len; piece++) {
        struct outcome outcome = read_all(sample.bytes, sample.len, piece);
        cr_assert_eq(outcome.records, SAMPLE_RECORDS, "pieces of %zu", piece);
        cr_assert_eq(outcome.damages + outcome.truncations, 0);
        for (size_t i = 0; i < SAMPLE_RECORDS; i++)
            cr_assert_eq(outcome.offset[i], i ? sample.end[i - 1] : 0);
    }
}

Test(reader, cut_at_any_byte_yields_the_whole_records)
{
    struct sample sample;
    make(&sample);
    for (size_t len = 0; len < sample.len; len++) {
        size_t whole = 0;
        while (whole < SAMPLE_RECORDS && sample.end[whole] <= len)
            whole++;
        size_t end = whole ? sample.end[whole - 1] : 0;
        struct outcome outcome = read_all(sample.bytes, len, 13);
        cr_assert_eq(outcome.records, whole, "cut at %zu", len);
        cr_assert_eq(outcome.damages, 0, "cut at %zu", len);
        cr_assert_eq(outcome.truncations, len > end, "cut at %zu", len);
        cr_assert_eq(outcome.damaged_bytes, len - end, "cut at %zu", len);
    }
}

Test(reader, any_flipped_bit_costs_one_record)
{
    struct sample sample;
    make(&sample);
    for (size_t bit = 0; bit < 8 * sample.len; bit++) {
        size_t hit = 0;
        while (sample.end[hit] <= bit / 8)
            hit++;
        sample.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        struct outcome outcome = read_all(sample.bytes, sample.len, 4096);
        cr_assert_eq(outcome.records, SAMPLE_RECORDS - 1, "bit %zu: %zu records", bit, outcome.records);
        cr_assert_eq(outcome.damages, 1, "bit %zu: %zu damages", bit, outcome.damages);
        cr_assert_eq(outcome.truncations, 0, "bit %zu", bit);
        cr_assert_eq(outcome.damaged_bytes, sample.end[hit] - (hit ? sample.end[hit - 1] : 0), "bit %zu", bit);
        sample.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

Test(reader, garbage_before_between_and_behind)
{
    struct sample sample;
    make(&sample);
    uint8_t bytes[SAMPLE_SIZE + 300];
    size_t len = 0;
    const uint8_t garbage[100] = {0x08, 0x10, 0x03};
    memcpy(bytes, garbage, 100);
    len += 100;
    memcpy(bytes + len, sample.bytes, sample.end[2]);
    len += sample.end[2];
    memcpy(bytes + len, garbage, 100);
    len += 100;
    memcpy(bytes + len, sample.bytes + sample.end[2], sample.len - sample.end[2]);
    len += sample.len - sample.end[2];
    memcpy(bytes + len, garbage, 100);
    len += 100;
    struct outcome outcome = read_all(bytes, len, 1);
    cr_assert_eq(outcome.records, SAMPLE_RECORDS);
    cr_assert_eq(outcome.damages + outcome.truncations, 3);
    cr_assert_eq(outcome.damaged_bytes, 300);
}

Test(reader, recorded_session_is_not_mistaken_for_ours)
{
    /* Somebody downloads a session file; the record that holds it is damaged: the records in it are not taken. */
    struct sample inner, outer;
    make(&inner);
    sample_make(&outer, 0xCAFE, inner.bytes + inner.end[0], inner.len - inner.end[0]);
    size_t first = outer.end[1];
    outer.bytes[first + 8] ^= 1;
    struct outcome outcome = read_all(outer.bytes, outer.len, 4096);
    cr_assert_eq(outcome.records, SAMPLE_RECORDS - 1);
    cr_assert_eq(outcome.damages, 1);
    cr_assert_eq(outcome.damaged_bytes, outer.end[2] - outer.end[1]);
    /* The same where the file ends in the middle of that record. */
    outer.bytes[first + 8] ^= 1;
    outcome = read_all(outer.bytes, outer.end[2] - 10, 4096);
    cr_assert_eq(outcome.records, 2);
    cr_assert_eq(outcome.truncations, 1);
}

Test(reader, concatenation_of_a_cut_session_and_a_whole_one)
{
    struct sample a, b;
    make(&a);
    sample_make(&b, 99, (const uint8_t *)"x", 1);
    uint8_t bytes[2 * SAMPLE_SIZE];
    size_t cut = a.end[3] - 5;
    memcpy(bytes, a.bytes, cut);
    memcpy(bytes + cut, b.bytes, b.len);
    struct outcome outcome = read_all(bytes, cut + b.len, 100);
    cr_assert_eq(outcome.records, 3 + SAMPLE_RECORDS);
    cr_assert_eq(outcome.damages, 1);
    /* With a clean end before it, the second session is read even if its first record is damaged. */
    memcpy(bytes, a.bytes, a.len);
    memcpy(bytes + a.len, b.bytes, b.len);
    bytes[a.len + 4] ^= 0x10;
    outcome = read_all(bytes, a.len + b.len, 100);
    cr_assert_eq(outcome.records, 2 * SAMPLE_RECORDS - 1);
    cr_assert_eq(outcome.damages, 1);
}

Test(reader, memory_is_bounded)
{
    /* 8 MiB that look like the beginnings of long records: never more is kept than one of them and what was just fed.
     */
    struct reader *reader = reader_new();
    size_t fed = 0, most = 0;
    while (fed < (size_t)8 << 20) {
        struct reader_item item;
        enum reader_result result = reader_next(reader, &item);
        cr_assert_neq(result, READER_RECORD);
        if (result != READER_MORE)
            continue;
        size_t got;
        uint8_t *room = reader_reserve(reader, 65536, &got);
        most = got > most ? got : most;
        for (size_t i = 0; i < 65536; i++)
            room[i] = (const uint8_t[]){0xff, 0xff, 0x3f, 0x08}[i % 4];
        reader_commit(reader, 65536);
        fed += 65536;
    }
    cr_assert_leq(most, EVENT_MAX_BYTES + 2 * 65536);
    reader_free(reader);
}
