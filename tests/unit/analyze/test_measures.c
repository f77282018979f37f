/* Measures: every expected value is computed by hand from the times of the events and the definitions in
 * analyze/measures.h and analyze/page_parts.h. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "analyze/measures.h"
#include "scene.h"

static struct model *model;
static struct event_sink sink;
static struct pages *pages;

static void setup(void)
{
    model = model_new(&(struct model_options){0});
    sink = scene_to_model(model);
    scene_session_start(&sink, 1);
    pages = NULL;
}

static void teardown(void)
{
    pages_free(pages);
    model_free(model);
}

TestSuite(measures, .init = setup, .fini = teardown);

static struct measure_values collect(const char *name)
{
    const struct measure *measure = measures_find(name);
    cr_assert_not_null(measure, "%s", name);
    if (!pages)
        pages = pages_new(model_session(model, 0), NULL);
    return measures_collect(measure, model_session(model, 0), pages);
}

/* Expect exactly `n` values, and `missing` ones. */
static void expect(const char *name, size_t n, const double *expected, size_t missing)
{
    struct measure_values values = collect(name);
    cr_expect_eq(values.count, n, "%s: %zu values", name, values.count);
    cr_expect_eq(values.missing, missing, "%s: %zu are missing", name, values.missing);
    for (size_t i = 0; i < n && i < values.count; i++)
        cr_expect(fabs(values.values[i].value - expected[i]) <= 1e-12 * fabs(expected[i]),
                  "%s[%zu] is %.17g, not %.17g", name, i, values.values[i].value, expected[i]);
    measures_free(&values);
}

#define EXPECT(name, missing, ...)                                                                                     \
    expect(name, sizeof((double[]){__VA_ARGS__}) / sizeof(double), (double[]){__VA_ARGS__}, missing)

static const double ms = 1e6;

/* A connection that asks for its server at t_ms and gets the reply after `socks_ms`. */
static void connect_to(uint32_t connection, uint64_t t_ms, uint64_t socks_ms)
{
    scene_connection_start(&sink, connection, t_ms);
    scene_socks(&sink, connection, t_ms, 1, "a.test", 80);
    scene_reply(&sink, connection, t_ms + socks_ms, 0);
}

static void request(uint32_t connection, uint32_t exchange, uint64_t t_ms)
{
    scene_request(&sink, connection, exchange, t_ms, "/");
    scene_request_head(&sink, connection, exchange, t_ms);
    scene_request_end(&sink, connection, exchange, t_ms);
}

static void response(uint32_t connection, uint32_t exchange, uint64_t from_ms, uint64_t to_ms, uint64_t bytes)
{
    scene_response(&sink, connection, exchange, from_ms, 200);
    scene_response_end(&sink, connection, exchange, to_ms, bytes, MITM__HTTP_END_CAUSE__CONTENT_LENGTH);
}

/*
 * 1: SOCKS 0–100, "/" 100 → 300–400; "/2" 450 → 500–600.
 * 2: SOCKS 400–550, "/3" 560 → 700–1000. End of the session: 1200.
 */
static void page_of_two_connections(void)
{
    connect_to(1, 0, 100);
    request(1, 1, 100);
    response(1, 1, 300, 400, 1000);
    connect_to(2, 400, 150);
    request(1, 2, 450);
    response(1, 2, 500, 600, 2000);
    request(2, 1, 560);
    response(2, 1, 700, 1000, 3000);
    scene_connection_end(&sink, 1, 1100, MITM__END_CAUSE__FIN);
    scene_connection_end(&sink, 2, 1150, MITM__END_CAUSE__FIN);
    scene_session_end(&sink, 1, 1200);
}

Test(measures, of_a_page)
{
    page_of_two_connections();
    EXPECT("load-time", 0, 1000 * ms);
    EXPECT("page-ttfb", 0, 300 * ms);
    EXPECT("page-requests", 0, 3);
    EXPECT("page-connections", 0, 2);
    EXPECT("page-servers", 0, 1);
    EXPECT("page-bytes", 0, 6000);
    EXPECT("page-failures", 0, 0);
    /* Waits: 0–100, 100–300, 400–550, 450–500, 560–700: the third and the fourth overlap. */
    EXPECT("page-round-trips", 0, 4);
    /* Transfer 300–400, 500–600, 700–1000. Waiting less that: 100–300, 450–500, 600–700. SOCKS: 0–100, 400–450. */
    EXPECT("page-transfer-share", 0, 0.5);
    EXPECT("page-waiting-share", 0, 0.35);
    EXPECT("page-socks-share", 0, 0.15);
    EXPECT("page-idle-share", 0, 0);
    EXPECT("page-reuse", 0, 1. / 3);
    EXPECT("page-parallelism", 0, 2); /* 560–600: "/2" and "/3" */
}

Test(measures, of_connections)
{
    page_of_two_connections();
    EXPECT("socks", 0, 100 * ms, 150 * ms);
    EXPECT("connection-ttfb", 0, 300 * ms, 300 * ms);
    EXPECT("connection-time", 0, 1100 * ms, 750 * ms);
    EXPECT("connection-requests", 0, 2, 1);
    EXPECT("connection-bytes", 0, 3000, 3000);
    EXPECT("connection-sent-bytes", 0, 200, 100); /* heads of 100 bytes */
}

Test(measures, of_requests)
{
    page_of_two_connections();
    EXPECT("waiting", 0, 200 * ms, 50 * ms, 140 * ms);
    EXPECT("ttfb", 0, 200 * ms, 50 * ms, 140 * ms);
    EXPECT("transfer", 0, 100 * ms, 100 * ms, 300 * ms);
    EXPECT("ttlb", 0, 300 * ms, 150 * ms, 440 * ms);
    EXPECT("body-bytes", 0, 1000, 2000, 3000);
    expect("goodput", 0, NULL, 3);
    expect("ttlb-50k", 0, NULL, 3);
    struct measure_values values = collect("waiting");
    cr_expect_eq(values.values[2].connection, 1);
    cr_expect_eq(values.values[2].page, 1);
    cr_expect_eq(values.values[2].server, 0);
    cr_expect_eq(values.values[2].t_ns, 560000000);
    measures_free(&values);
}

Test(measures, of_the_session)
{
    page_of_two_connections();
    EXPECT("session-duration", 0, 1200 * ms);
    EXPECT("session-pages", 0, 1);
    EXPECT("session-requests", 0, 3);
    EXPECT("session-connections", 0, 2);
    EXPECT("session-servers", 0, 1);
    EXPECT("session-bytes", 0, 6000);
    EXPECT("session-failures", 0, 0);
}

Test(measures, of_a_session_without_anything)
{
    for (size_t i = 0; i < measures_count(); i++) {
        struct measure_values values = collect(measures_get(i)->name);
        cr_expect_eq(values.count, measures_get(i)->level == MEASURE_OF_SESSION && values.missing == 0);
        cr_expect_eq(values.count + values.missing, measures_get(i)->level == MEASURE_OF_SESSION);
        measures_free(&values);
    }
    EXPECT("session-bytes", 0, 0);
}

Test(measures, have_names_of_their_own)
{
    size_t usual = 0;
    cr_expect_null(measures_find("load"));
    for (size_t i = 0; i < measures_count(); i++) {
        cr_expect_eq(measures_find(measures_get(i)->name), measures_get(i));
        usual += measures_get(i)->usual;
    }
    cr_expect_eq(usual, 9);
}

/* ---------------------------------------------------------------- large bodies */

/* A body of 6 MiB in pieces: 0–50 KiB at 1100 but for its last byte, which comes at 1200; then at 1500 up to 0.5 MiB,
 * at 1900 up to 1 MiB and one byte, the rest at 5000. The request is sent at 1000, the response begins at 1090. */
static void large_body(void)
{
    connect_to(1, 0, 100);
    request(1, 1, 1000);
    scene_response(&sink, 1, 1, 1090, 200);
    scene_body(&sink, 1, 1, 1100, 51199);
    scene_body(&sink, 1, 1, 1200, 1);
    scene_body(&sink, 1, 1, 1500, 524288 - 51200);
    scene_body(&sink, 1, 1, 1900, 524289);
    scene_body(&sink, 1, 1, 5000, 6291456 - 1048577);
}

Test(measures, of_large_bodies)
{
    large_body();
    scene_response_end(&sink, 1, 1, 5000, 6291456, MITM__HTTP_END_CAUSE__CONTENT_LENGTH);
    EXPECT("ttlb-50k", 0, 200 * ms);
    EXPECT("ttlb-1m", 0, 900 * ms);
    EXPECT("ttlb-5m", 0, 4000 * ms);
    EXPECT("ttlb", 0, 4000 * ms);
    EXPECT("throughput", 0, 4194304 / 0.4);
    EXPECT("goodput", 0, 6291456 * 8 / 3.91);
}

Test(measures, of_large_bodies_cut_off)
{
    large_body();
    scene_response_end(&sink, 1, 1, 5500, 6291456, MITM__HTTP_END_CAUSE__TRUNCATED);
    EXPECT("ttlb-5m", 0, 4000 * ms);
    EXPECT("throughput", 0, 4194304 / 0.4);
    expect("ttlb", 0, NULL, 1);
    expect("goodput", 0, NULL, 1);
}

Test(measures, of_large_bodies_held_back)
{
    large_body();
    scene_response_end(&sink, 1, 1, 5000, 6291456, MITM__HTTP_END_CAUSE__CONTENT_LENGTH);
    scene_rate_limited(&sink, 1, MITM__DIRECTION__TO_CLIENT, 1600, 1700);
    EXPECT("ttlb-50k", 0, 200 * ms);
    expect("ttlb-1m", 0, NULL, 1);
    expect("throughput", 0, NULL, 1);
    expect("ttlb", 0, NULL, 1);
    expect("page-idle-share", 0, NULL, 1);
    EXPECT("load-time", 0, 4000 * ms); /* what the user waited for, from the request on */
}

/* The piece with the byte number 51,200 was lost: when that came is not known, though later bytes were seen. */
Test(measures, of_bodies_with_lost_pieces)
{
    static const struct {
        uint64_t offset, len, t_ms;
    } pieces[] = {{0, 50000, 1100}, {60000, 464287, 1200}, {524287, 1, 1300}, {524288, 524288, 1500}};
    connect_to(1, 0, 100);
    request(1, 1, 1000);
    scene_response(&sink, 1, 1, 1100, 200);
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        EVENT_NEW(record, ev, pieces[i].t_ms * 1000000, HttpResponseBody, HTTP_RESPONSE_BODY, http_response_body);
        EVENT_SET(ev, offset_bytes, pieces[i].offset);
        EVENT_SET(ev, len_bytes, pieces[i].len);
        EVENT_SET(record, session, 1);
        EVENT_SET(record, connection, 1);
        EVENT_SET(record, exchange, 1);
        event_emit(&sink, &record);
    }
    expect("ttlb-50k", 0, NULL, 1);
    EXPECT("ttlb-1m", 0, 500 * ms);
    EXPECT("throughput", 0, 4194304 / 0.2); /* 0.5 MiB at 1300 */
}

/* Numbers as only a forger writes them. */
Test(measures, of_a_body_beyond_all_bounds)
{
    connect_to(1, 0, 100);
    request(1, 1, 1000);
    scene_response(&sink, 1, 1, 1100, 200);
    scene_body(&sink, 1, 1, 1200, UINT64_MAX);
    scene_body(&sink, 1, 1, 1300, UINT64_MAX);
    scene_response_end(&sink, 1, 1, 1100, UINT64_MAX, MITM__HTTP_END_CAUSE__CONTENT_LENGTH);
    EXPECT("ttlb-5m", 0, 200 * ms);
    expect("throughput", 0, NULL, 1);
    expect("goodput", 0, NULL, 1);
    EXPECT("body-bytes", 0, 0x1p63);
    EXPECT("page-parallelism", 0, 1);
}

Test(measures, of_a_body_that_came_at_once)
{
    connect_to(1, 0, 100);
    request(1, 1, 1000);
    scene_response(&sink, 1, 1, 1100, 200);
    scene_body(&sink, 1, 1, 1100, 1048576);
    scene_response_end(&sink, 1, 1, 1100, 1048576, MITM__HTTP_END_CAUSE__CONTENT_LENGTH);
    EXPECT("ttlb-1m", 0, 100 * ms);
    expect("throughput", 0, NULL, 1); /* there is no rate in no time */
    expect("goodput", 0, NULL, 1);
    expect("ttlb-5m", 0, NULL, 1);
}

/* ---------------------------------------------------------------- what is not there */

Test(measures, without_responses)
{
    connect_to(1, 0, 100);
    request(1, 1, 100);
    scene_connection_end(&sink, 1, 400, MITM__END_CAUSE__RESET);
    EXPECT("page-failures", 0, 1);
    EXPECT("page-round-trips", 0, 1); /* SOCKS; the request got no answer */
    EXPECT("page-parallelism", 0, 1);
    EXPECT("page-reuse", 0, 0);
    expect("load-time", 0, NULL, 1);
    expect("page-ttfb", 0, NULL, 1);
    expect("page-socks-share", 0, NULL, 1);
    expect("waiting", 0, NULL, 1);
    expect("connection-ttfb", 0, NULL, 1);
    EXPECT("session-failures", 0, 1);
}

Test(measures, of_a_page_that_is_loading)
{
    connect_to(1, 0, 100);
    request(1, 1, 100);
    scene_response(&sink, 1, 1, 300, 200);
    EXPECT("page-ttfb", 0, 300 * ms);
    expect("load-time", 0, NULL, 1);
    expect("page-requests", 0, NULL, 1);
    expect("page-round-trips", 0, NULL, 1);
    expect("connection-time", 0, NULL, 1);
    EXPECT("waiting", 0, 200 * ms);
    expect("transfer", 0, NULL, 1);
}

Test(measures, of_opaque_connections)
{
    connect_to(1, 0, 100);
    scene_opaque(&sink, 1, 110, MITM__DIRECTION__TO_SERVER, 500);
    scene_opaque(&sink, 1, 200, MITM__DIRECTION__TO_CLIENT, 4000);
    scene_opaque(&sink, 1, 210, MITM__DIRECTION__TO_CLIENT, 1000);
    scene_connection_end(&sink, 1, 300, MITM__END_CAUSE__FIN);
    EXPECT("connection-ttfb", 0, 200 * ms);
    EXPECT("load-time", 0, 210 * ms);
    EXPECT("page-round-trips", 0, 1);
    EXPECT("page-transfer-share", 0, 10. / 210);
    EXPECT("page-socks-share", 0, 100. / 210);
    EXPECT("page-idle-share", 0, 100. / 210);
    EXPECT("page-requests", 0, 0);
    expect("page-reuse", 0, NULL, 1);
    expect("page-parallelism", 0, NULL, 1);
    expect("waiting", 0, NULL, 0);
    EXPECT("connection-bytes", 0, 5000);
}

/* SOCKS asked 0, held to 300, reply 400; request 400, held to 450, response 600–700. */
Test(measures, delays_do_not_count)
{
    scene_connection_start(&sink, 1, 0);
    scene_socks(&sink, 1, 0, 1, "a.test", 80);
    scene_delay(&sink, 1, 0, 0, 300);
    scene_reply(&sink, 1, 400, 0);
    request(1, 1, 400);
    scene_delay(&sink, 1, 1, 400, 450);
    response(1, 1, 600, 700, 100);
    EXPECT("socks", 0, 100 * ms);
    EXPECT("ttfb", 0, 150 * ms);
    EXPECT("ttlb", 0, 250 * ms);
    EXPECT("connection-ttfb", 0, 250 * ms);
    EXPECT("load-time", 0, 700 * ms); /* what the user waited for; the delays are idle time: */
    EXPECT("page-idle-share", 0, 350. / 700);
    EXPECT("page-socks-share", 0, 100. / 700);
    EXPECT("page-waiting-share", 0, 150. / 700);
    EXPECT("page-transfer-share", 0, 100. / 700);
}

/* The request is sent before the SOCKS reply, while the SOCKS request is held back (0–300): one delay, not two. */
Test(measures, delays_that_overlap_count_once)
{
    scene_connection_start(&sink, 1, 0);
    scene_socks(&sink, 1, 0, 1, "a.test", 80);
    scene_delay(&sink, 1, 0, 0, 300);
    request(1, 1, 10);
    scene_delay(&sink, 1, 1, 10, 320);
    scene_reply(&sink, 1, 400, 0);
    response(1, 1, 600, 700, 100);
    EXPECT("connection-ttfb", 0, 280 * ms);
    EXPECT("waiting", 0, 200 * ms);
    EXPECT("page-round-trips", 0, 2);
}

/* Three requests at once, of which two end when a fourth begins; the last takes no time. */
Test(measures, parallelism)
{
    connect_to(1, 0, 10);
    connect_to(2, 0, 10);
    connect_to(3, 0, 10);
    for (uint32_t i = 1; i <= 3; i++) {
        request(i, 1, 100);
        response(i, 1, 150, i < 3 ? 200 : 300, 10);
    }
    request(1, 2, 200);
    response(1, 2, 250, 260, 10);
    request(1, 3, 400);
    response(1, 3, 400, 400, 10);
    EXPECT("page-parallelism", 0, 3);
    EXPECT("page-reuse", 0, 0.4);
    /* 0–10, 100–150, 200–250, 400–400. */
    EXPECT("page-round-trips", 0, 4);
}
