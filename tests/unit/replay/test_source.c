#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "builder.h"
#include "replay/filetype.h"
#include "replay/source.h"

/* What a source gave, up to its end. */
struct outcome {
    size_t records, damages, truncations, not_sessions, errors, agains;
    uint64_t damage_bytes, truncated_bytes;
    uint64_t last_end; /* where the last record ended */
    bool in_order;     /* each record's time was that of its place */
    char message[512];
};

static void note_record(struct outcome *outcome, const struct source_item *item)
{
    outcome->in_order &= item->offset_bytes >= outcome->last_end;
    outcome->last_end = item->offset_bytes + item->len_bytes;
    outcome->records++;
}

/* Read until SOURCE_END, or SOURCE_AGAIN of a growing file. */
static enum source_result drain(struct source *source, struct outcome *outcome)
{
    for (;;) {
        struct source_item item;
        enum source_result result = source_next(source, &item);
        if (item.message)
            snprintf(outcome->message, sizeof outcome->message, "%s", item.message);
        if (result == SOURCE_RECORD) {
            note_record(outcome, &item);
        } else if (result == SOURCE_DAMAGE) {
            outcome->damages++;
            outcome->damage_bytes += item.len_bytes;
        } else if (result == SOURCE_TRUNCATED) {
            outcome->truncations++;
            outcome->truncated_bytes += item.len_bytes;
        } else if (result == SOURCE_NOT_A_SESSION) {
            outcome->not_sessions++;
        } else if (result == SOURCE_ERROR) {
            outcome->errors++;
        } else {
            return result;
        }
    }
}

static struct outcome read_files(const char *const *paths, size_t n)
{
    struct outcome outcome = {.in_order = true};
    struct source *source = source_open(paths, n, false);
    cr_assert_eq(drain(source, &outcome), SOURCE_END);
    source_free(source);
    return outcome;
}

static struct outcome read_bytes(const void *data, size_t len)
{
    char *path = builder_file(data, len);
    struct outcome outcome = read_files((const char *const[]){path}, 1);
    unlink(path);
    free(path);
    return outcome;
}

static struct builder small_session(size_t records)
{
    struct builder builder = {.session = 7};
    builder_start(&builder);
    builder_fill(&builder, records);
    builder_end(&builder, 99000000);
    return builder;
}

/* Compress a session: a frame for each `per_frame` records. Return the bytes; store where each frame ends. */
static uint8_t *compress(const struct builder *builder, size_t per_frame, size_t *len, size_t *frame_ends,
                         size_t *frame_count)
{
    size_t capacity = builder->len * 2 + (builder->count + 1) * 128;
    uint8_t *out = malloc(capacity);
    cr_assert(out);
    *len = *frame_count = 0;
    for (size_t i = 0; i < builder->count; i += per_frame) {
        size_t last = i + per_frame < builder->count ? i + per_frame : builder->count;
        size_t from = i == 0 ? 0 : builder->ends[i - 1];
        size_t n = ZSTD_compress(out + *len, capacity - *len, builder->data + from, builder->ends[last - 1] - from, 1);
        cr_assert(!ZSTD_isError(n));
        *len += n;
        frame_ends[(*frame_count)++] = *len;
    }
    return out;
}

/* ---------------------------------------------------------------- plain files */

Test(source, whole_file)
{
    struct builder builder = small_session(1000);
    struct outcome outcome = read_bytes(builder.data, builder.len);
    cr_expect_eq(outcome.records, builder.count);
    cr_expect_eq(outcome.last_end, builder.len);
    cr_expect_eq(outcome.damages + outcome.truncations + outcome.not_sessions + outcome.errors, 0);
    cr_expect(outcome.in_order);
    builder_fini(&builder);
}

Test(source, cut_at_every_byte)
{
    struct builder builder = small_session(9);
    for (size_t len = 1; len < builder.len; len++) {
        struct outcome outcome = read_bytes(builder.data, len);
        size_t whole = builder_whole(&builder, len);
        size_t rest = len - (whole > 0 ? builder.ends[whole - 1] : 0);
        cr_assert_eq(outcome.records, whole, "cut at %zu", len);
        cr_assert_eq(outcome.truncations, rest > 0, "cut at %zu", len);
        cr_assert_eq(outcome.truncated_bytes, rest, "cut at %zu", len);
        cr_assert_eq(outcome.damages + outcome.not_sessions + outcome.errors, 0, "cut at %zu", len);
    }
    builder_fini(&builder);
}

Test(source, damage_anywhere_costs_one_record)
{
    struct builder builder = small_session(9);
    for (size_t i = 0; i < builder.len; i++) {
        builder.data[i] ^= 0x55;
        struct outcome outcome = read_bytes(builder.data, builder.len);
        builder.data[i] ^= 0x55;
        cr_assert_eq(outcome.records, builder.count - 1, "byte %zu: %zu records", i, outcome.records);
        cr_assert_eq(outcome.damages + outcome.truncations, 1, "byte %zu", i);
        cr_assert_eq(outcome.not_sessions + outcome.errors, 0, "byte %zu", i);
    }
    builder_fini(&builder);
}

Test(source, concatenation_and_several_files)
{
    struct builder a = small_session(20);
    a.session = 8;
    builder_start(&a);
    builder_fill(&a, 5);
    builder_end(&a, 1);
    struct builder b = small_session(3);
    char *first = builder_file(a.data, a.len), *second = builder_file(b.data, b.len);
    struct source *source = source_open((const char *const[]){first, second}, 2, false);
    struct source_item item;
    size_t per_file[2] = {0, 0};
    while (source_next(source, &item) == SOURCE_RECORD) {
        per_file[item.file_index]++;
        cr_assert_eq(item.file, item.file_index == 0 ? first : second);
    }
    cr_expect_eq(per_file[0], a.count);
    cr_expect_eq(per_file[1], b.count);
    uint64_t total, done = source_progress(source, &total);
    cr_expect_eq(total, a.len + b.len);
    cr_expect_eq(done, total);
    source_free(source);
    unlink(first);
    unlink(second);
    free(first);
    free(second);
    builder_fini(&a);
    builder_fini(&b);
}

Test(source, an_unreadable_file_does_not_stop_the_others)
{
    struct builder builder = small_session(3);
    char *path = builder_file(builder.data, builder.len);
    struct outcome outcome = read_files((const char *const[]){"/nonexistent/x.mitm", "/tmp", path}, 3);
    cr_expect_eq(outcome.errors, 1);
    cr_expect_eq(outcome.not_sessions, 1);
    cr_expect_eq(outcome.records, builder.count);
    unlink(path);
    free(path);
    builder_fini(&builder);
}

Test(source, standard_input)
{
    struct builder builder = small_session(100);
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    cr_assert_eq(write(ends[1], builder.data, builder.len), (ssize_t)builder.len);
    close(ends[1]);
    cr_assert_eq(dup2(ends[0], 0), 0);
    struct outcome outcome = read_files((const char *const[]){"-"}, 1);
    cr_expect_eq(outcome.records, builder.count);
    builder_fini(&builder);
}

/* ---------------------------------------------------------------- growing files */

/* Append to the file behind `fd` one byte after the other; after each, exactly the whole records must have come. */
static void grow(const struct builder *builder, const uint8_t *data, size_t len, const size_t *ends, size_t count,
                 bool exact)
{
    char *path = builder_file("", 0);
    int fd = open(path, O_WRONLY | O_APPEND);
    struct source *source = source_open((const char *const[]){path}, 1, true);
    struct outcome outcome = {.in_order = true};
    size_t whole = 0;
    for (size_t i = 0; i < len; i++) {
        cr_assert_eq(write(fd, data + i, 1), 1);
        cr_assert_eq(drain(source, &outcome), SOURCE_AGAIN);
        while (whole < count && ends[whole] <= i + 1)
            whole++;
        /* The first bytes may be held back until it is clear what the file is. */
        cr_assert(!exact || outcome.records == whole || i < 33, "byte %zu: %zu, not %zu", i, outcome.records, whole);
    }
    cr_expect_eq(outcome.records, builder->count);
    cr_assert_eq(write(fd, "\x20\x08", 2), 2);
    cr_assert_eq(drain(source, &outcome), SOURCE_AGAIN);
    source_stop_following(source);
    cr_assert_eq(drain(source, &outcome), SOURCE_END);
    cr_expect_eq(outcome.damages + outcome.not_sessions + outcome.errors, exact ? 0 : 1);
    cr_expect_eq(outcome.truncations, exact ? 1 : 0);
    source_free(source);
    close(fd);
    unlink(path);
    free(path);
}

Test(source, follows_a_growing_file)
{
    struct builder builder = small_session(30);
    grow(&builder, builder.data, builder.len, builder.ends, builder.count, true);
    builder_fini(&builder);
}

Test(source, follows_a_growing_zstd_file)
{
    struct builder builder = small_session(30);
    size_t len, frame_ends[64], frames;
    uint8_t *data = compress(&builder, 4, &len, frame_ends, &frames);
    grow(&builder, data, len, frame_ends, frames, false);
    free(data);
    builder_fini(&builder);
}

/* ---------------------------------------------------------------- zstd */

Test(source, zstd_one_frame_and_many)
{
    struct builder builder = small_session(3000);
    for (size_t per_frame = 1; per_frame <= builder.count; per_frame *= 9) {
        size_t len, frame_ends[BUILDER_RECORDS], frames;
        uint8_t *data = compress(&builder, per_frame, &len, frame_ends, &frames);
        struct outcome outcome = read_bytes(data, len);
        cr_expect_eq(outcome.records, builder.count);
        cr_expect_eq(outcome.last_end, builder.len);
        cr_expect_eq(outcome.damages + outcome.truncations + outcome.not_sessions + outcome.errors, 0);
        free(data);
    }
    builder_fini(&builder);
}

Test(source, zstd_cut_at_every_byte)
{
    struct builder builder = small_session(20);
    size_t len, frame_ends[64], frames;
    uint8_t *data = compress(&builder, 5, &len, frame_ends, &frames);
    for (size_t cut = 4; cut < len; cut++) {
        struct outcome outcome = read_bytes(data, cut);
        size_t whole_frames = 0;
        while (frame_ends[whole_frames] <= cut)
            whole_frames++;
        bool at_frame_end = whole_frames > 0 && frame_ends[whole_frames - 1] == cut;
        cr_assert_geq(outcome.records, whole_frames * 5, "cut at %zu", cut);
        cr_assert_eq(outcome.truncations > 0, !at_frame_end, "cut at %zu", cut);
        cr_assert_eq(outcome.damages + outcome.not_sessions + outcome.errors, 0, "cut at %zu", cut);
    }
    free(data);
    builder_fini(&builder);
}

Test(source, zstd_damage_costs_one_frame)
{
    struct builder builder = small_session(50);
    size_t len, frame_ends[64], frames;
    uint8_t *data = compress(&builder, 5, &len, frame_ends, &frames);
    /* The frame header's descriptor, a block header, and the last byte before the next frame, of the third frame. */
    const size_t places[] = {frame_ends[1], frame_ends[1] + 4, frame_ends[1] + 6, frame_ends[2] - 1};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        data[places[i]] ^= 0xff;
        struct outcome outcome = read_bytes(data, len);
        data[places[i]] ^= 0xff;
        cr_expect_geq(outcome.records, builder.count - 5, "place %zu: %zu of %zu", i, outcome.records, builder.count);
        cr_expect_lt(outcome.records, builder.count);
        cr_expect_geq(outcome.damages, 1);
        cr_expect_eq(outcome.not_sessions + outcome.errors, 0);
    }
    free(data);
    builder_fini(&builder);
}

Test(source, zstd_flips_never_lose_other_frames)
{
    struct builder builder = small_session(40);
    size_t len, frame_ends[64], frames;
    uint8_t *data = compress(&builder, 6, &len, frame_ends, &frames);
    for (size_t bit = frame_ends[0] * 8; bit < len * 8; bit++) {
        data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        struct outcome outcome = read_bytes(data, len);
        data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        cr_assert_geq(outcome.records, builder.count - 6, "bit %zu: %zu of %zu", bit, outcome.records, builder.count);
        cr_assert_eq(outcome.not_sessions + outcome.errors, 0, "bit %zu", bit);
    }
    free(data);
    builder_fini(&builder);
}

/* A file made of nothing but beginnings of frames: reading must stay linear and end. */
Test(source, zstd_hostile_frames)
{
    /* RFC 8878: magic number, frame header (no content size, window of 8 MiB), header of a raw block of 128 KiB. */
    static const uint8_t frame[] = {0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x68, 0x00, 0x00, 0x10};
    size_t len = sizeof frame * 400000;
    uint8_t *data = malloc(len);
    cr_assert(data);
    for (size_t i = 0; i < len; i++)
        data[i] = frame[i % sizeof frame];
    struct outcome outcome = read_bytes(data, len);
    cr_expect_eq(outcome.records, 0);
    free(data);
}

/* ---------------------------------------------------------------- other files */

Test(source, says_what_else_a_file_is)
{
    /* Beginnings from the formats' specifications: tnetstrings.info; draft-ietf-opsawg-pcap and -pcapng; RFC 1952;
     * HAR 1.2; RFC 8878 is a session only if one is inside. */
    static const struct {
        const char *bytes;
        size_t len;
        const char *says;
    } files[] = {
#define FILE_OF(text, says) {text, sizeof(text) - 1, says}
        FILE_OF("1234:9:websocket;0:~8:response;", "mitmproxy"),
        FILE_OF("\xd4\xc3\xb2\xa1\x02\x00\x04\x00", "pcap"),
        FILE_OF("\xa1\xb2\xc3\xd4\x00\x02\x00\x04", "pcap"),
        FILE_OF("\x0a\x0d\x0d\x0a\x1c\x00\x00\x00\x4d\x3c\x2b\x1a", "pcapng"),
        FILE_OF("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", "gzip"),
        FILE_OF("{\n  \"log\": {\n    \"version\": \"1.2\"", "HAR"),
        FILE_OF("{\"t_ns\":249000000,\"connection\":435,\"event\":\"x\"}\n", "jsonl"),
        FILE_OF("[1, 2, 3, 4]", "JSON"),
        FILE_OF("hello, this is no session at all\n", "text"),
        FILE_OF("%PDF-1.5\n", "PDF"),
        FILE_OF("", "empty"),
        FILE_OF("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "holds no record"),
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct outcome outcome = read_bytes(files[i].bytes, files[i].len);
        cr_expect_eq(outcome.not_sessions, 1, "%s", files[i].says);
        cr_expect_eq(outcome.records + outcome.damages + outcome.truncations, 0, "%s", files[i].says);
        cr_expect(strstr(outcome.message, files[i].says), "%s: %s", files[i].says, outcome.message);
    }
}

Test(source, a_long_file_without_records_is_not_read_to_its_end)
{
    size_t len = (size_t)12 << 20;
    uint8_t *data = malloc(len);
    cr_assert(data);
    memset(data, 0xff, len);
    char *path = builder_file(data, len);
    struct source *source = source_open((const char *const[]){path}, 1, false);
    struct source_item item;
    cr_expect_eq(source_next(source, &item), SOURCE_NOT_A_SESSION);
    uint64_t total;
    cr_expect_lt(source_progress(source, &total), (uint64_t)6 << 20);
    source_free(source);
    unlink(path);
    free(path);
    free(data);
}

/* A small file that unpacks to much: 12 MiB without a record in 1 KiB. */
Test(source, a_bomb_is_not_read_to_its_end)
{
    size_t len = (size_t)12 << 20;
    uint8_t *data = calloc(1, len);
    cr_assert(data);
    size_t bound = ZSTD_compressBound(len);
    uint8_t *packed = malloc(bound);
    cr_assert(packed);
    size_t packed_len = ZSTD_compress(packed, bound, data, len, 1);
    cr_assert(!ZSTD_isError(packed_len));
    struct outcome outcome = read_bytes(packed, packed_len);
    cr_expect_eq(outcome.not_sessions, 1);
    cr_expect(strstr(outcome.message, "first 4 MiB"), "%s", outcome.message);
    free(packed);
    free(data);
}

Test(filetype, zstd_magic_numbers)
{
    /* RFC 8878, 3.1.1: 0xFD2FB528; 3.1.2: 0x184D2A50 to 0x184D2A5F, little-endian. */
    cr_expect(filetype_is_zstd((const uint8_t[]){0x28, 0xb5, 0x2f, 0xfd}, 4));
    cr_expect(filetype_is_zstd((const uint8_t[]){0x50, 0x2a, 0x4d, 0x18}, 4));
    cr_expect(filetype_is_zstd((const uint8_t[]){0x5f, 0x2a, 0x4d, 0x18}, 4));
    cr_expect(!filetype_is_zstd((const uint8_t[]){0x60, 0x2a, 0x4d, 0x18}, 4));
    cr_expect(!filetype_is_zstd((const uint8_t[]){0x28, 0xb5, 0x2f}, 3));
}
