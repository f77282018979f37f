#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/stats.h"
#include "scene.h"

static struct model *model;
static struct stats stats;

static int64_t ms(int64_t t_ms)
{
    return t_ms * 1000000;
}

/*
 * Three servers and a look-up, computed by hand:
 *   a.example:80   connection 1: SOCKS 0 → 1000; exchange 1: request 1000, response 1300 → 1340, 100 bytes;
 *                  exchange 2: request 1400, response 1650 → 1660, 50 bytes; closed at 2000
 *                  connection 2: SOCKS 100 → 2100; exchange 1: request 2100, response 2500 → cut off at 2600; closed
 * 2700 b.example:443  connection 3: SOCKS 200 → 3700; opaque 3800 1000 bytes; still open c.example:80   connections 4
 * and 5: reply 5 at 400; connection 6: reply F0 at 500; closed at 600 connection 7:  RESOLVE, reply 4 at 600;
 * connection 8: no request
 */
static void setup(void)
{
    model = model_new(&(struct model_options){0});
    struct event_sink sink = scene_to_model(model);
    scene_session_start(&sink, 5);
    scene_socks(&sink, 1, 0, 1, "a.example", 80);
    scene_socks(&sink, 2, 100, 1, "a.example", 80);
    scene_socks(&sink, 3, 200, 1, "b.example", 443);
    scene_reply(&sink, 1, 1000, 0);
    scene_request(&sink, 1, 1, 1000, "/");
    scene_response(&sink, 1, 1, 1300, 200);
    scene_response_end(&sink, 1, 1, 1340, 100, MITM__HTTP_END_CAUSE__CONTENT_LENGTH);
    scene_request(&sink, 1, 2, 1400, "/b");
    scene_response(&sink, 1, 2, 1650, 200);
    scene_response_end(&sink, 1, 2, 1660, 50, MITM__HTTP_END_CAUSE__LAST_CHUNK);
    scene_connection_end(&sink, 1, 2000, MITM__END_CAUSE__FIN);
    scene_reply(&sink, 2, 2100, 0);
    scene_request(&sink, 2, 1, 2100, "/c");
    scene_response(&sink, 2, 1, 2500, 200);
    scene_response_end(&sink, 2, 1, 2600, 7, MITM__HTTP_END_CAUSE__TRUNCATED);
    scene_connection_end(&sink, 2, 2700, MITM__END_CAUSE__RESET);
    scene_reply(&sink, 3, 3700, 0);
    scene_opaque(&sink, 3, 3800, MITM__DIRECTION__TO_CLIENT, 1000);
    scene_connection_end(&sink, 3, 9000, MITM__END_CAUSE__SESSION_ENDED);
    for (uint32_t id = 4; id <= 6; id++) {
        scene_socks(&sink, id, 300, 1, "c.example", 80);
        scene_reply(&sink, id, id < 6 ? 400 : 500, id < 6 ? 5 : 0xF0);
        scene_connection_end(&sink, id, 600, MITM__END_CAUSE__FIN);
    }
    scene_socks(&sink, 7, 300, 0xF0, "d.example", 0);
    scene_reply(&sink, 7, 600, 4);
    scene_connection_end(&sink, 7, 700, MITM__END_CAUSE__FIN);
    scene_connection_start(&sink, 8, 800);
    scene_connection_end(&sink, 8, 900, MITM__END_CAUSE__FIN);
    scene_session_end(&sink, 5, 9000);
    stats_init(&stats, model_session(model, 0), QUANTILE_TYPE);
}

static void teardown(void)
{
    stats_fini(&stats);
    model_free(model);
}

TestSuite(stats, .init = setup, .fini = teardown);

static void expect_summary(const struct stats_summary *s, size_t count, const int64_t values[5])
{
    cr_expect_eq(s->count, count);
    const int64_t got[] = {s->min, s->median, s->p90, s->p99, s->max};
    for (size_t i = 0; i < 5; i++)
        cr_expect_eq(got[i], values[i], "value %zu: %lld, not %lld", i, (long long)got[i], (long long)values[i]);
}

Test(stats, counts)
{
    cr_assert_eq(stats.row_count, 5);
    static const uint64_t expected[5][5] = {/* connections, open, requests, responses, incomplete */
                                            {2, 0, 3, 3, 1},
                                            {1, 1, 0, 0, 0},
                                            {3, 0, 0, 0, 0},
                                            {1, 0, 0, 0, 0},
                                            {1, 0, 0, 0, 0}};
    for (size_t i = 0; i < 5; i++) {
        const struct stats_row *row = &stats.rows[i];
        cr_expect_eq(row->connections, expected[i][0]);
        cr_expect_eq(row->open, expected[i][1]);
        cr_expect_eq(row->requests, expected[i][2]);
        cr_expect_eq(row->responses, expected[i][3]);
        cr_expect_eq(row->incomplete, expected[i][4]);
    }
    cr_expect_eq(stats.total.connections, 8);
    cr_expect_eq(stats.total.open, 1);
    cr_expect_eq(stats.rows[3].server->kind, MODEL_SERVER_LOOKUP);
    cr_expect_null(stats.rows[4].server);
}

/* R: mean(c(300, 250, 400)) = 316.66666666666669 */
Test(stats, mean_response_time)
{
    cr_expect_eq(stats.rows[0].mean_response_ns, 316666667);
    cr_expect_eq(stats.rows[1].mean_response_ns, MODEL_NONE);
}

Test(stats, total_connection_time)
{
    cr_expect_eq(stats.rows[0].connection_ns, ms(2000 + 2600));
    cr_expect_eq(stats.rows[1].connection_ns, MODEL_NONE);
    cr_expect_eq(stats.rows[2].connection_ns, ms(3 * 300));
    cr_expect_eq(stats.rows[4].connection_ns, ms(100));
    cr_expect_eq(stats.total.connection_ns, MODEL_NONE);
}

/* R: quantile(c(1000, 2000), c(0, .5, .9, .99, 1), type = 7): 1000 1500 1900 1990 2000; of c(300, 250, 400): 250 300
 * 380 398 400; of c(40, 10): 10 25 37 39.7 40; of c(1000, 2000, 3500): 1000 2000 3200 3470 3500. The response that was
 * cut off has a waiting time, but neither transfer time nor size. */
Test(stats, distributions)
{
    const struct stats_row *a = &stats.rows[0];
    expect_summary(&a->quantities[STATS_SOCKS], 2, (const int64_t[]){ms(1000), ms(1500), ms(1900), ms(1990), ms(2000)});
    expect_summary(&a->quantities[STATS_WAITING], 3, (const int64_t[]){ms(250), ms(300), ms(380), ms(398), ms(400)});
    expect_summary(&a->quantities[STATS_TRANSFER], 2, (const int64_t[]){ms(10), ms(25), ms(37), 39700000, ms(40)});
    expect_summary(&a->quantities[STATS_BYTES], 2, (const int64_t[]){50, 75, 95, 100, 100});
    expect_summary(&stats.total.quantities[STATS_SOCKS], 3,
                   (const int64_t[]){ms(1000), ms(2000), ms(3200), ms(3470), ms(3500)});
    const int64_t none[5] = {MODEL_NONE, MODEL_NONE, MODEL_NONE, MODEL_NONE, MODEL_NONE};
    expect_summary(&stats.rows[2].quantities[STATS_SOCKS], 0, none);
    expect_summary(&stats.rows[3].quantities[STATS_SOCKS], 0, none);
}

Test(stats, failures)
{
    const struct stats_row *c = &stats.rows[2];
    cr_assert_eq(c->failure_count, 2);
    cr_expect_eq(c->failures[0].reply, 5);
    cr_expect_eq(c->failures[0].count, 2);
    cr_expect_eq(c->failures[1].reply, 0xF0);
    cr_expect_eq(c->failures[1].count, 1);
    cr_expect_eq(stats.total.failure_count, 3);
}

/* Return what a function writes; the caller frees it. */
static char *written(void (*write)(FILE *out))
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    cr_assert_not_null(out);
    write(out);
    fclose(out);
    return text;
}

static void write_text(FILE *out)
{
    stats_text(out, &stats, 1, 0);
}

static void write_narrow(FILE *out)
{
    stats_text(out, &stats, 1, 60);
}

static void write_terminal(FILE *out)
{
    stats_text(out, &stats, 1, 80);
}

static void write_json(FILE *out)
{
    stats_json(out, &stats, 1);
}

static void write_csv(FILE *out)
{
    stats_csv(out, &stats, 1);
}

static void expect_within(char *text, const char *const *parts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        cr_expect(strstr(text, parts[i]), "'%s' is missing in:\n%s", parts[i], text);
    free(text);
}

Test(stats, text)
{
    static const char *const parts[] = {
        "a.example:80               2                          3          3            316.7 ms     157 B  4.600 s\n",
        "b.example:443              1  (still open: 1)         0          0                   –   1.00 kB  there are",
        "–   1.00 kB  there are still open connections\n",
        "a.example:80   2  1.000 s  1.500 s  1.900 s  1.990 s  2.000 s\n",
        "c.example:80   0        –        –        –        –        –\n",
        "c.example:80     2  connection refused (05)\n",
        "c.example:80     1  onion service descriptor not found (F0)\n",
        "(name look-ups)  1  host unreachable (04)\n",
        "(no request)",
    };
    expect_within(written(write_text), parts, sizeof parts / sizeof *parts);
}

Test(stats, text_for_a_narrow_terminal)
{
    struct event_sink sink = scene_to_model(model);
    scene_session_start(&sink, 6);
    scene_socks(&sink, 1, 0, 1, "a-very-long-name.of-a-server.example", 80);
    stats_fini(&stats);
    stats_init(&stats, model_session(model, 1), QUANTILE_TYPE);
    static const char *const parts[] = {"a-very-long-name.of…  "};
    expect_within(written(write_narrow), parts, 1);
}

/* A terminal of 80 columns shows no line in two. */
Test(stats, fits_a_terminal)
{
    char *text = written(write_terminal);
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        size_t width = 0;
        for (const char *p = line; *p; p++)
            width += ((unsigned char)*p & 0xC0) != 0x80;
        cr_expect_leq(width, 80, "%s", line);
    }
    free(text);
}

Test(stats, json)
{
    static const char *const parts[] = {
        "\"host\":\"a.example\",\"port\":80,\"connections\":2,\"open_connections\":0,",
        "\"mean_response_ns\":316666667,\"total_connection_ns\":4600000000,",
        "\"socks_ns\":{\"n\":0,\"min\":null,",
        "\"total_connection_ns\":null",
        "{\"reply\":240,\"words\":\"onion service descriptor not found\",\"n\":1}",
        "\"kind\":\"name look-ups\",\"host\":null,\"port\":null,",
    };
    expect_within(written(write_json), parts, sizeof parts / sizeof *parts);
}

Test(stats, csv)
{
    static const char *const parts[] = {
        "1,,,a.example,80,2,0,3,3,1,0,157,,316666667,4600000000,2,1000000000,1500000000,1900000000,1990000000,",
        ",2000000000,3,250000000,300000000,380000000,398000000,400000000,2,10000000,25000000,37000000,39700000,",
        ",39700000,40000000,2,50,75,95,100,100,,0,0,,,,,,,,,0,0,0\r\n",
        "1,,,c.example,80,3,0,0,0,0,0,0,0,,900000000,0,,,,,,0,,,,,,0,,,,,,0,,,,,,05:2 F0:1,0,0,,,,,,,,,0,0,0\r\n",
    };
    expect_within(written(write_csv), parts, sizeof parts / sizeof *parts);
}

/* ---------------------------------------------------------------- of the user's doing */

/* Add settings, marks, a pause, a delay, a limit and an address asked for, and compute the statistics again. */
static void add_control(void)
{
    struct model *other = model_new(&(struct model_options){0});
    struct event_sink sink = scene_to_model(other);
    scene_session_start(&sink, 5);
    scene_settings(&sink, 0, 0, MITM__UPSTREAM_KIND__SOCKS5);
    scene_socks(&sink, 1, 0, 1, "192.0.2.1", 80);
    scene_settings(&sink, 1500, 300, MITM__UPSTREAM_KIND__SOCKS5);
    scene_mark(&sink, 2000, "<b>\x1b[2J");
    scene_request(&sink, 1, 1, 2100, "/");
    scene_delay(&sink, 1, 1, 2100, 2400);
    scene_response(&sink, 1, 1, 2500, 200);
    scene_response_end(&sink, 1, 1, 2600, 1, MITM__HTTP_END_CAUSE__CONTENT_LENGTH);
    scene_rate_limited(&sink, 1, MITM__DIRECTION__TO_CLIENT, 2550, 2560);
    scene_pause(&sink, 3000);
    scene_resume(&sink, 4000, 42);
    scene_session_end(&sink, 5, 5000);
    stats_fini(&stats);
    model_free(model);
    model = other;
    stats_init(&stats, model_session(model, 0), QUANTILE_TYPE);
}

Test(stats, what_the_user_did_as_text)
{
    static const char *const parts[] = {
        "  settings    connect delay 300.0 ms; 50.0 kB/s down per connection; the latest of 2, set at 001.500\n",
        "  mark        002.000  <b>",
        "  paused      1 time, 1.000 s in all; 42 events were not recorded\n",
        "  rate limits 1 transfer time is left out: a rate limit held the response back\n",
        "  warning     1 connection asked for an IP address although a SOCKS5 upstream was set: perhaps a DNS leak\n",
    };
    add_control();
    expect_within(written(write_text), parts, sizeof parts / sizeof *parts);
    char *text = written(write_text);
    cr_expect_null(strstr(text, "\x1b"), "a control character of a mark came through");
    cr_expect_null(strstr(text, "Transfer time"), "the only transfer time was limited");
    free(text);
}

Test(stats, what_the_user_did_as_json_and_csv)
{
    static const char *const json[] = {
        "\"settings\":[{\"t_ns\":0,\"origin\":\"VIEW\",\"connect_delay\":null",
        "{\"t_ns\":1500000000,\"origin\":\"VIEW\",\"connect_delay\":{\"min_ns\":300000000,\"max_ns\":300000000},",
        "\"request_delay\":null,\"seed\":null,\"rate_down\":50000,\"rate_up\":null,",
        "\"marks\":[{\"t_ns\":2000000000,\"text\":\"<b>",
        "\"pauses\":[{\"t_ns\":3000000000,\"resumed\":false},{\"t_ns\":4000000000,\"resumed\":true,\"events\":42}]",
        "\"limited_transfers\":1,\"possible_leaks\":1,",
        "\"mean_response_ns\":100000000,",
    };
    static const char *const csv[] = {",1,1,300000000,300000000,,,50000,,,,2,1,1\r\n"};
    add_control();
    expect_within(written(write_json), json, sizeof json / sizeof *json);
    expect_within(written(write_csv), csv, sizeof csv / sizeof *csv);
}
