#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../replay/builder.h"
#include "analyze/intake.h"
#include "analyze/repair.h"

struct reading {
    struct intake_verdict verdict;
    size_t events, losses_made;
    uint64_t times; /* sum of the times of all events but first and last ones and losses */
    struct repair *repair;
};

static void record(void *ctx, const Mitm__Record *record, bool made)
{
    struct reading *reading = ctx;
    reading->events += !made;
    reading->losses_made += made;
    if (record->has_connection)
        reading->times += record->t_ns;
    if (reading->repair)
        repair_record(reading->repair, record, made);
}

static void damage(void *ctx, const struct intake_damage *damage)
{
    struct reading *reading = ctx;
    if (reading->repair && damage->truncated)
        repair_truncated(reading->repair, damage->len_bytes);
}

static void end_file(void *ctx, const struct intake_verdict *verdict)
{
    ((struct reading *)ctx)->verdict = *verdict;
}

static struct reading read_path(const char *path, const char *out)
{
    struct reading reading = {0};
    if (out)
        reading.repair = repair_new(out, true);
    const struct intake_handler handler = {.ctx = &reading, .record = record, .damage = damage, .end_file = end_file};
    intake_run((const char *const[]){path}, 1, &handler);
    uint64_t records;
    if (out)
        cr_assert_eq(repair_finish(reading.repair, &records), 0);
    return reading;
}

/* Judge the `len` bytes; then repair them: the result must be whole, hold the same events, and say what is missing. */
static struct reading judge_and_repair(const uint8_t *data, size_t len, size_t place)
{
    char *in = builder_file(data, len), *out = builder_file("", 0);
    struct reading before = read_path(in, out);
    if (before.events > 0) {
        struct reading after = read_path(out, NULL);
        cr_assert_eq(after.verdict.state, INTAKE_WHOLE, "byte %zu: state %d", place, (int)after.verdict.state);
        cr_assert_eq(after.times, before.times, "byte %zu", place);
        bool damaged = before.verdict.damage_count > 0 || before.verdict.truncated_bytes > 0;
        cr_assert_eq(after.verdict.loss_count > 0, damaged || before.verdict.missing_records > 0, "byte %zu", place);
    }
    unlink(in);
    unlink(out);
    free(in);
    free(out);
    return before;
}

static struct builder small_session(void)
{
    struct builder builder = {.session = 7};
    builder_start(&builder);
    builder_fill(&builder, 7);
    builder_end(&builder, 9000000);
    return builder;
}

Test(repair, a_whole_file)
{
    struct builder builder = small_session();
    struct reading reading = judge_and_repair(builder.data, builder.len, 0);
    cr_expect_eq(reading.verdict.state, INTAKE_WHOLE);
    cr_expect_eq(reading.verdict.records, 9);
    cr_expect_eq(reading.verdict.stream_bytes, builder.len);
    cr_expect_eq(reading.verdict.duration_ns, 9000000);
    cr_expect_eq(reading.losses_made, 0);
    builder_fini(&builder);
}

Test(repair, cut_at_every_byte)
{
    struct builder builder = small_session();
    for (size_t len = 1; len < builder.len; len++) {
        struct reading reading = judge_and_repair(builder.data, len, len);
        cr_assert_eq(reading.verdict.state, INTAKE_CUT_OFF, "cut at %zu: %d", len, (int)reading.verdict.state);
        cr_assert_eq(reading.events, builder_whole(&builder, len), "cut at %zu", len);
    }
    builder_fini(&builder);
}

Test(repair, every_byte_damaged)
{
    struct builder builder = small_session();
    for (size_t i = 0; i < builder.len; i++) {
        builder.data[i] ^= (uint8_t)(1 << i % 8);
        struct reading reading = judge_and_repair(builder.data, builder.len, i);
        builder.data[i] ^= (uint8_t)(1 << i % 8);
        /* All records but the one that was hit; the last one, if it seems to reach beyond the end, is cut off. */
        bool in_last = i >= builder.ends[builder.count - 2];
        cr_assert_eq(reading.events, builder.count - 1, "byte %zu: %zu events", i, reading.events);
        cr_assert(reading.verdict.state == INTAKE_DAMAGED || (in_last && reading.verdict.state == INTAKE_CUT_OFF),
                  "byte %zu: %d", i, (int)reading.verdict.state);
    }
    builder_fini(&builder);
}

/* Records cut out exactly: no bytes are damaged, but the end of the session counts more of them. */
Test(repair, missing_records)
{
    struct builder builder = small_session();
    size_t from = builder.ends[2], to = builder.ends[4];
    memmove(builder.data + from, builder.data + to, builder.len - to);
    struct reading reading = judge_and_repair(builder.data, builder.len - (to - from), 0);
    cr_expect_eq(reading.verdict.state, INTAKE_DAMAGED);
    cr_expect_eq(reading.verdict.missing_records, 2);
    builder_fini(&builder);
}

Test(repair, missing_beginning)
{
    struct builder builder = small_session();
    struct reading reading =
        judge_and_repair(builder.data + builder.ends[0], builder.len - builder.ends[0], builder.ends[0]);
    cr_expect_eq(reading.verdict.state, INTAKE_DAMAGED);
    cr_expect_eq(reading.verdict.sessions_without_start, 1);
    cr_expect_eq(reading.events, builder.count - 1);
    builder_fini(&builder);
}

/* Two sessions in one file, the first of them cut off, between records or within one. */
Test(repair, two_sessions)
{
    for (size_t cut = 0; cut < 40; cut += 13) {
        struct builder builder = {.session = 7};
        builder_start(&builder);
        builder_fill(&builder, 6);
        builder.len -= cut;
        builder.session = 8;
        builder_start(&builder);
        builder_fill(&builder, 4);
        builder_end(&builder, 9000000);
        struct reading reading = judge_and_repair(builder.data, builder.len, cut);
        cr_expect_eq(reading.verdict.sessions, 2);
        cr_expect_eq(reading.verdict.sessions_without_end, 1);
        cr_expect_eq(reading.verdict.state, cut > 0 ? INTAKE_DAMAGED : INTAKE_CUT_OFF);
        builder_fini(&builder);
    }
}

Test(repair, second_session_without_its_beginning)
{
    struct builder builder = small_session();
    size_t second = builder.len;
    builder.session = 8;
    builder_start(&builder);
    builder_fill(&builder, 4);
    builder_end(&builder, 9000000);
    builder.data[second + 5] ^= 1;
    struct reading reading = judge_and_repair(builder.data, builder.len, second + 5);
    cr_expect_eq(reading.verdict.sessions, 2);
    cr_expect_eq(reading.verdict.sessions_without_start, 1);
    cr_expect_eq(reading.verdict.sessions_without_end, 0);
    cr_expect_eq(reading.verdict.state, INTAKE_DAMAGED);
    cr_expect_eq(reading.losses_made, 1);
    builder_fini(&builder);
}

Test(repair, does_not_replace_a_file)
{
    struct builder builder = small_session();
    char *in = builder_file(builder.data, builder.len), *out = builder_file("precious", 8);
    struct reading reading = {.repair = repair_new(out, false)};
    const struct intake_handler handler = {.ctx = &reading, .record = record};
    intake_run((const char *const[]){in}, 1, &handler);
    uint64_t records;
    cr_expect_neq(repair_finish(reading.repair, &records), 0);
    char kept[9] = "";
    FILE *file = fopen(out, "r");
    cr_assert_not_null(file);
    cr_expect_eq(fread(kept, 1, 8, file), 8);
    cr_expect_str_eq(kept, "precious");
    fclose(file);
    unlink(in);
    unlink(out);
    free(in);
    free(out);
    builder_fini(&builder);
}
