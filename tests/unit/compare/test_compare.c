/* Comparisons of made sessions whose waiting times are known; tests and intervals as R 4.2 has them:
 *   b <- c(31,35,38,42,47,51,58); a <- c(20,22,26,27,29,30,33)
 *   wilcox.test(a, b, conf.int = TRUE); wilcox.test(a - b, conf.int = TRUE); p.adjust(…, "holm") */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../analyze/scene_tls.h"
#include "base/memory.h"
#include "compare/compare.h"

enum { N = 7, MS = 1000000 };
static const uint64_t slow[N] = {31, 35, 38, 42, 47, 51, 58}, fast[N] = {20, 22, 26, 27, 29, 30, 33};

/* Options of all tests. */
static struct compare_options options = {.confidence = 0.95, .alpha = 0.05, .quantile_type = 7};
static const struct measure *measures[2];
static struct compare_group groups[3];
static size_t group_count;

static void choose(const char *first, const char *second)
{
    measures[0] = measures_find(first);
    measures[1] = second ? measures_find(second) : NULL;
    options.measures = measures;
    options.measure_count = second ? 2 : 1;
}

static struct event_sink begin(const char *name)
{
    struct compare_group *group = &groups[group_count++];
    *group = (struct compare_group){.name = name, .model = model_new(&(struct model_options){0})};
    return scene_to_model(group->model);
}

static void end(void)
{
    struct compare_group *group = &groups[group_count - 1];
    size_t n = model_session_count(group->model);
    group->pages = memory_new(n, sizeof *group->pages);
    for (size_t s = 0; s < n; s++)
        group->pages[s] = pages_new(model_session(group->model, s), NULL);
}

/* A request in a connection of its own to `host`, 10 s after the one before: a page load. */
static void load(const struct event_sink *sink, uint32_t i, const char *host, const char *target, uint64_t wait_ms)
{
    uint64_t t_ms = 10000 * (uint64_t)i;
    scene_connection_start(sink, i, t_ms);
    scene_socks(sink, i, t_ms, 1, host, 80);
    scene_reply(sink, i, t_ms, 0);
    scene_request(sink, i, 1, t_ms, target);
    scene_fields(sink, i, 1, t_ms, false, (const char *const[4]){"accept", "text/html"});
    scene_request_end(sink, i, 1, t_ms);
    scene_response(sink, i, 1, t_ms + wait_ms, 200);
    scene_response_end(sink, i, 1, t_ms + wait_ms, 100, MITM__HTTP_END_CAUSE__CONTENT_LENGTH);
    scene_connection_end(sink, i, t_ms + wait_ms, MITM__END_CAUSE__FIN);
}

static void one_session(const char *name, const uint64_t *waits, size_t n, const char *host)
{
    struct event_sink sink = begin(name);
    scene_session_start(&sink, 1);
    for (uint32_t i = 0; i < n; i++)
        load(&sink, i + 1, host, "/", waits[i]);
    scene_session_end(&sink, 1, 1000000);
    end();
}

static void fini(void)
{
    compare_unload(groups, group_count);
    group_count = 0;
}

TestSuite(compare, .fini = fini);

static void near(double value, double expected)
{
    cr_expect_float_eq(value, expected, 1e-9 * fabs(expected) + 1e-300, "%.17g, not %.17g", value, expected);
}

static bool has_note(const struct comparison *c, const char *code, const char *part)
{
    for (size_t i = 0; i < c->note_count; i++) {
        if (strcmp(c->notes[i].code, code) == 0 && strstr(c->notes[i].text, part))
            return true;
    }
    return false;
}

Test(compare, as_r)
{
    choose("waiting", NULL);
    one_session("before", slow, N, "a.example");
    one_session("after", fast, N, "a.example");
    struct comparison *c = compare_new(groups, 2, &options);
    cr_assert_eq(c->row_count, 1);
    const struct compare_row *row = &c->rows[0];
    cr_expect_eq(row->before.n, 7);
    near(row->before.median, 42.0 * MS);
    near(row->after.median, 27.0 * MS);
    near(row->before.interval.low, 31.0 * MS); /* of 7 values at 0.95: the least and the greatest */
    near(row->before.interval.high, 58.0 * MS);
    near(row->shift.estimate, -16.0 * MS);
    near(row->shift.interval.low, -27.0 * MS);
    near(row->shift.interval.high, -6.0 * MS);
    near(row->change, -16.0 / 42);
    near(row->change_low, -27.0 / 42);
    near(row->change_high, -6.0 / 42);
    near(row->test.statistic, 1);
    near(row->test.p, 0.0011655011655011655);
    cr_expect(row->test.exact);
    near(row->delta, -0.95918367346938771);
    cr_expect_str_eq(row->effect, "large");
    cr_expect_str_eq(row->verdict, "faster");
    cr_expect(has_note(c, "dependent-samples", "--by session"));
    compare_free(c);
}

/* A second row with p 1 doubles the first one's p. */
Test(compare, holm)
{
    choose("waiting", "page-requests");
    one_session("before", slow, N, "a.example");
    one_session("after", fast, N, "a.example");
    struct comparison *c = compare_new(groups, 2, &options);
    cr_assert_eq(c->row_count, 2);
    near(c->rows[0].p_holm, 0.0011655011655011655); /* all pages have one request: no variation, no test */
    cr_expect(isnan(c->rows[1].p_holm));
    cr_expect_str_eq(c->rows[1].verdict, "~");
    cr_expect(has_note(c, "no-variation", "requests"));
    compare_free(c);
    choose("waiting", "ttfb");
    c = compare_new(groups, 2, &options);
    near(c->rows[0].p_holm, 0.0023310023310023310);
    compare_free(c);
}

Test(compare, paired)
{
    choose("waiting", NULL);
    options.paired = true;
    one_session("before", slow, N, "a.example");
    one_session("after", fast, N, "a.example");
    struct comparison *c = compare_new(groups, 2, &options);
    const struct compare_row *row = &c->rows[0];
    near(row->test.statistic, 0);
    near(row->test.p, 0.015625);
    near(row->shift.estimate, -16.25 * MS);
    near(row->shift.interval.low, -21.5 * MS);
    near(row->shift.interval.high, -12.0 * MS);
    cr_expect_eq(row->unpaired_before + row->unpaired_after, 0);
    cr_expect_str_eq(row->verdict, "faster");
    compare_free(c);
}

/* One connection to a.example, decrypted, whose streams overlap and wait as told; half of them for another authority.
 */
static void streams(const char *name, const uint64_t *waits)
{
    struct event_sink sink = begin(name);
    scene_decrypted_session(&sink, 1);
    scene_socks(&sink, 1, 0, 1, "a.example", 443);
    scene_reply(&sink, 1, 50, 0);
    scene_handshake(&sink, 1, 50, false);
    scene_decryption(&sink, 1, 160, MITM__TLS_DECRYPTION_STATUS__DECRYPTED, 0);
    for (uint32_t i = 1; i <= N; i++) {
        scene_stream(&sink, 1, i, 200, 2 * i - 1, i % 2 ? "a.example" : "B.example:443", "/");
        scene_response(&sink, 1, i, 200 + waits[i - 1], 200);
        scene_response_end(&sink, 1, i, 300, 100, MITM__HTTP_END_CAUSE__END_STREAM);
    }
    scene_session_end(&sink, 1, 400);
    end();
}

/* Each stream is a request, and has its partner. */
Test(compare, streams_are_requests)
{
    choose("waiting", NULL);
    options.paired = true;
    streams("before", slow);
    streams("after", fast);
    struct comparison *c = compare_new(groups, 2, &options);
    const struct compare_row *row = &c->rows[0];
    cr_expect_eq(row->before.n, N);
    near(row->test.p, 0.015625);
    near(row->shift.estimate, -16.25 * MS);
    cr_expect_eq(row->unpaired_before + row->unpaired_after, 0);
    compare_free(c);
}

/* A request is the same over HTTP/1 and HTTP/2. */
Test(compare, one_request_over_two_protocols)
{
    choose("waiting", NULL);
    options.paired = true;
    for (int h2 = 0; h2 < 2; h2++) {
        struct event_sink sink = begin(h2 ? "after" : "before");
        scene_decrypted_session(&sink, 1);
        scene_socks(&sink, 1, 0, 1, "a.example", 443);
        scene_client_hello(&sink, 1, 10, "a.example");
        if (h2)
            scene_stream(&sink, 1, 1, 200, 1, "a.example", "/x");
        else
            scene_request(&sink, 1, 1, 200, "/x");
        scene_response(&sink, 1, 1, 300, 200);
        end();
    }
    struct comparison *c = compare_new(groups, 2, &options);
    cr_expect_eq(c->rows[0].before.n, 1);
    cr_expect_eq(c->rows[0].unpaired_before + c->rows[0].unpaired_after, 0);
    compare_free(c);
}

/* Sessions with TLS handshakes can be compared by them, whether their ends were seen or inferred. */
Test(compare, by_tls)
{
    choose("tls-handshake", "tls-exact");
    options.by = COMPARE_SERVER;
    streams("before", slow);
    streams("after", fast);
    struct comparison *c = compare_new(groups, 2, &options);
    cr_assert_eq(c->row_count, 2);
    near(c->rows[0].before.median, 101.0 * MS);
    near(c->rows[1].before.median, 101.0 * MS);
    compare_free(c);
}

/* What has no partner is left out, counted, and said. */
Test(compare, unpaired)
{
    choose("load-time", NULL);
    options.paired = true;
    struct event_sink sink = begin("before");
    scene_session_start(&sink, 1);
    load(&sink, 1, "a.example", "/", 10);
    load(&sink, 2, "b.example", "/", 20);
    load(&sink, 3, "a.example", "/", 30);
    end();
    sink = begin("after");
    scene_session_start(&sink, 1);
    load(&sink, 1, "A.example", "/", 40);
    load(&sink, 2, "a.example", "/", 60);
    load(&sink, 3, "c.example", "/", 70);
    load(&sink, 4, "a.example", "/", 80);
    end();
    struct comparison *c = compare_new(groups, 2, &options);
    const struct compare_row *row = &c->rows[0];
    cr_expect_eq(row->before.n, 2);
    cr_expect_eq(row->unpaired_before, 1);
    cr_expect_eq(row->unpaired_after, 2);
    near(row->before.median, 20.0 * MS);
    near(row->shift.estimate, 30.0 * MS); /* 40 - 10 and 60 - 30 are 30; the third of a.example has no partner */
    cr_expect(has_note(c, "unpaired", "1 and 2 values"));
    compare_free(c);
}

Test(compare, by_page)
{
    choose("load-time", NULL);
    options.by = COMPARE_PAGE;
    struct event_sink sink = begin("before");
    scene_session_start(&sink, 1);
    load(&sink, 1, "b.example", "/x", 10);
    load(&sink, 2, "a.example", "/", 20);
    load(&sink, 3, "b.example", "/x", 14);
    load(&sink, 4, "old.example\n", "/", 14);
    end();
    sink = begin("after");
    scene_session_start(&sink, 1);
    load(&sink, 1, "a.example", "/", 25);
    load(&sink, 2, "b.example", "/x", 13);
    load(&sink, 3, "new.example", "/", 13);
    end();
    struct comparison *c = compare_new(groups, 2, &options);
    cr_assert_eq(c->row_count, 2);
    cr_expect_eq(memcmp(c->rows[0].subject.data, "b.example/x", c->rows[0].subject.len), 0);
    cr_expect_eq(c->rows[0].before.n, 2);
    near(c->rows[0].before.median, 12.0 * MS);
    near(c->rows[1].shift.estimate, 5.0 * MS);
    cr_expect(isnan(c->rows[1].shift.interval.low));
    cr_expect_str_eq(c->rows[1].verdict, "~");
    cr_expect(has_note(c, "one-sided", "not in 'after': old.example\\x0A/;"));
    cr_expect(has_note(c, "one-sided", "not in 'before': new.example/;"));
    cr_expect(has_note(c, "few-samples", "b.example/x"));
    compare_free(c);
}

/* What is the same of several rows is said once. */
Test(compare, notes_together)
{
    choose("waiting", "load-time");
    one_session("before", slow, 2, "a.example");
    one_session("after", fast, 2, "a.example");
    struct comparison *c = compare_new(groups, 2, &options);
    size_t few = 0;
    for (size_t i = 0; i < c->note_count; i++)
        few += strcmp(c->notes[i].code, "few-samples") == 0;
    cr_expect_eq(few, 1);
    cr_expect(has_note(c, "few-samples", "waiting time, page load time: 2 and 2 values are too few") ||
              has_note(c, "few-samples", "page load time, waiting time: 2 and 2 values are too few"));
    compare_free(c);
}

/* Each session is one value: the median of its own. */
Test(compare, by_session)
{
    choose("waiting", NULL);
    options.by = COMPARE_SESSION;
    for (int g = 0; g < 2; g++) {
        struct event_sink sink = begin(g ? "after" : "before");
        for (uint32_t s = 0; s < N; s++) {
            uint64_t wait = (g ? fast : slow)[s];
            scene_session_start(&sink, s + 1);
            load(&sink, 1, "a.example", "/", wait);
            load(&sink, 2, "a.example", "/", wait + 1000);
            load(&sink, 3, "a.example", "/", 1);
            scene_session_end(&sink, s + 1, 100000);
        }
        end();
    }
    struct comparison *c = compare_new(groups, 2, &options);
    cr_expect_eq(c->rows[0].before.n, 7);
    near(c->rows[0].before.median, 42.0 * MS);
    near(c->rows[0].test.p, 0.0011655011655011655);
    cr_expect_not(has_note(c, "dependent-samples", ""));
    compare_free(c);
}

/* Each group is compared with the first. */
Test(compare, three_groups)
{
    choose("waiting", NULL);
    one_session("a", slow, N, "a.example");
    one_session("b", fast, N, "a.example");
    one_session("c", slow, N, "a.example");
    struct comparison *c = compare_new(groups, 3, &options);
    cr_assert_eq(c->row_count, 2);
    cr_expect_eq(c->rows[0].group, 1);
    cr_expect_str_eq(c->rows[0].verdict, "faster");
    cr_expect_eq(c->rows[1].group, 2);
    near(c->rows[1].shift.estimate, 0);
    cr_expect_str_eq(c->rows[1].verdict, "~");
    compare_free(c);
}

Test(compare, nothing_recorded)
{
    choose("waiting", "load-time");
    begin("before");
    end();
    one_session("after", fast, 1, "a.example");
    struct comparison *c = compare_new(groups, 2, &options);
    cr_expect_eq(c->row_count, 2);
    cr_expect_str_eq(c->rows[0].verdict, "~");
    cr_expect(has_note(c, "no-session", "'before'"));
    compare_free(c);
}

Test(compare, different_settings)
{
    choose("waiting", NULL);
    for (int g = 0; g < 2; g++) {
        struct event_sink sink = begin(g ? "after" : "before");
        scene_session_start(&sink, 1);
        scene_settings(&sink, 0, g ? 300 : 0, MITM__UPSTREAM_KIND__DIRECT);
        load(&sink, 1, "a.example", "/", 5);
        if (g) {
            scene_connection_start(&sink, 9, 19000);
            scene_handshake(&sink, 9, 19000, true);
            scene_pause(&sink, 20000);
            scene_resume(&sink, 21000, 5);
        } else {
            scene_session_end(&sink, 1, 30000);
        }
        end();
    }
    struct comparison *c = compare_new(groups, 2, &options);
    cr_expect(has_note(c, "different-delays", "'before' no delays; 'after' connect delay 300"));
    cr_expect(has_note(c, "paused", "'after': 1 of 1"));
    cr_expect(has_note(c, "cut-off", "'after': 1 of 1"));
    cr_expect(has_note(c, "not-decrypted", "'after': 1 of 1"));
    cr_expect_not(has_note(c, "not-decrypted", "'before'"));
    cr_expect_not(has_note(c, "cut-off", "'before'"));
    cr_expect_not(has_note(c, "different-limits", ""));
    compare_free(c);
}

Test(compare, fits)
{
    cr_expect_not(compare_fits(measures_find("load-time"), COMPARE_SERVER));
    cr_expect(compare_fits(measures_find("socks"), COMPARE_SERVER));
    cr_expect(compare_fits(measures_find("waiting"), COMPARE_PAGE));
    cr_expect_not(compare_fits(measures_find("session-bytes"), COMPARE_PAGE));
    cr_expect(compare_fits(measures_find("session-bytes"), COMPARE_SESSION));
}
