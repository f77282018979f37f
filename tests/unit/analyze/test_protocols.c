/* What is computed of TLS, HTTP/2 and WebSocket: every expected value follows by hand from the times of the events and
 * the definitions in analyze/metrics.h, analyze/page_parts.h, analyze/measures.c and analyze/inference.h. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/inference.h"
#include "analyze/measures.h"
#include "analyze/metrics.h"
#include "analyze/stats.h"
#include "analyze/stats_by.h"
#include "analyze/words.h"
#include "scene_tls.h"

static const Mitm__Direction UP = MITM__DIRECTION__TO_SERVER, DOWN = MITM__DIRECTION__TO_CLIENT;

static struct model *model;
static struct event_sink sink;
static struct pages *pages;

static void setup(void)
{
    model = model_new(&(struct model_options){0});
    sink = scene_to_model(model);
    pages = NULL;
}

static void teardown(void)
{
    pages_free(pages);
    model_free(model);
}

TestSuite(protocols, .init = setup, .fini = teardown);

static const struct model_session *session(void)
{
    return model_session(model, 0);
}

static const struct model_connection *connection(size_t index)
{
    return model_connection(session(), index);
}

static const struct model_exchange *exchange(size_t index)
{
    const struct model_exchange *x = model_first_exchange(session(), connection(0));
    for (size_t i = 0; x && i < index; i++)
        x = model_next_exchange(session(), x);
    cr_assert_not_null(x);
    return x;
}

static int64_t ms(int64_t t_ms)
{
    return t_ms * 1000000;
}

static struct measure_values collect(const char *name)
{
    const struct measure *measure = measures_find(name);
    cr_assert_not_null(measure, "%s", name);
    if (!pages)
        pages = pages_new(session(), NULL);
    return measures_collect(measure, session(), pages);
}

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

static const double MS = 1e6;

/* A connection whose SOCKS request takes from 0 to 100. */
static void connect_to(uint32_t id, const char *host)
{
    scene_connection_start(&sink, id, 0);
    scene_socks(&sink, id, 0, 1, host, 443);
    scene_reply(&sink, id, 100, 0);
}

/* … and whose TLS handshake takes from 100 to `end_ms`; its keys are known. */
static void decrypted_connection(uint32_t id, const char *host, uint64_t end_ms)
{
    connect_to(id, host);
    scene_protocol(&sink, id, 100, MITM__PROTOCOL__TLS, false);
    scene_client_hello(&sink, id, 100, host);
    scene_server_hello(&sink, id, 200);
    scene_handshake_end(&sink, id, end_ms, false);
    scene_decryption(&sink, id, end_ms, MITM__TLS_DECRYPTION_STATUS__DECRYPTED, 0);
    scene_protocol(&sink, id, end_ms, MITM__PROTOCOL__HTTP2, true);
}

static void response(uint32_t id, uint32_t x, uint64_t from_ms, uint64_t to_ms)
{
    scene_response(&sink, id, x, from_ms, 200);
    scene_response_end(&sink, id, x, to_ms, 1000, MITM__HTTP_END_CAUSE__END_STREAM);
}

/* ---------------------------------------------------------------- metrics */

Test(protocols, tls_time_begins_with_the_later_of_hello_and_socks_reply)
{
    scene_session_start(&sink, 1);
    scene_client_hello(&sink, 1, 50, "a.test"); /* sent ahead of the reply */
    connect_to(1, "a.test");
    cr_expect_eq(metrics_tls_ns(connection(0)), MODEL_NONE);
    scene_handshake_end(&sink, 1, 350, true);
    cr_expect_eq(metrics_tls_start_ns(connection(0)), ms(100));
    cr_expect_eq(metrics_tls_ns(connection(0)), ms(250));
    cr_expect_eq(metrics_ready_ns(connection(0)), ms(350));
    scene_handshake_end(&sink, 2, 10, true);
    cr_expect_eq(metrics_tls_ns(connection(1)), MODEL_NONE); /* no hello */
    scene_client_hello(&sink, 2, 20, "a.test");
    cr_expect_eq(metrics_tls_ns(connection(1)), MODEL_NONE); /* it would be negative */
}

Test(protocols, a_limit_takes_the_tls_time)
{
    scene_session_start(&sink, 1);
    decrypted_connection(1, "a.test", 300);
    scene_rate_limited(&sink, 1, DOWN, 250, 280);
    cr_expect_eq(metrics_tls_ns(connection(0)), MODEL_NONE);
}

/* A request that was sent in early data waits for the handshake, unless its response came before that ended. */
Test(protocols, a_request_waits_for_tls_first)
{
    scene_decrypted_session(&sink, 1);
    decrypted_connection(1, "a.test", 250);
    scene_stream(&sink, 1, 1, 150, 1, "a.test", "/");
    scene_stream(&sink, 1, 2, 160, 3, "a.test", "/early");
    scene_stream(&sink, 1, 3, 300, 5, "a.test", "/later");
    scene_response(&sink, 1, 1, 400, 200);
    scene_response(&sink, 1, 2, 240, 200);
    scene_response(&sink, 1, 3, 390, 200);
    EXPECT("waiting", 0, 150 * MS, 80 * MS, 90 * MS);
}

Test(protocols, nobody_waits_for_what_was_pushed)
{
    scene_decrypted_session(&sink, 1);
    decrypted_connection(1, "a.test", 250);
    EVENT_NEW(record, ev, 300000000, HttpRequestStart, HTTP_REQUEST_START, http_request_start);
    EVENT_SET(ev, stream, 2);
    EVENT_SET(ev, pushed, true);
    scene_emit(&sink, &record, 1, 1);
    response(1, 1, 400, 500);
    cr_expect(metrics_pushed(exchange(0)));
    cr_expect_eq(connection(0)->http2->pushes, 1);
    expect("waiting", 0, NULL, 1);
    expect("ttfb", 0, NULL, 1);
    EXPECT("transfer", 0, 100 * MS);
    expect("page-parallelism", 0, NULL, 1);
}

/* ---------------------------------------------------------------- pages */

/* Two streams of one connection that overlap. */
static void page_of_two_streams(void)
{
    scene_decrypted_session(&sink, 1);
    decrypted_connection(1, "a.test", 250);
    scene_stream(&sink, 1, 1, 250, 1, "a.test", "/");
    scene_stream(&sink, 1, 2, 260, 3, "a.test", "/x");
    response(1, 2, 380, 500);
    response(1, 1, 400, 600);
    scene_connection_end(&sink, 1, 700, MITM__END_CAUSE__FIN);
}

Test(protocols, parts_of_a_page)
{
    page_of_two_streams();
    EXPECT("load-time", 0, 600 * MS);
    EXPECT("page-ttfb", 0, 380 * MS);
    EXPECT("page-requests", 0, 2);
    /* Transfer 380–600, waiting less that 250–380, TLS 100–250, SOCKS 0–100. */
    EXPECT("page-transfer-share", 0, 220. / 600);
    EXPECT("page-waiting-share", 0, 130. / 600);
    EXPECT("page-tls-share", 0, 150. / 600);
    EXPECT("page-socks-share", 0, 100. / 600);
    EXPECT("page-idle-share", 0, 0);
    /* SOCKS, TLS, and one of the two requests, which overlap. */
    EXPECT("page-round-trips", 0, 3);
    EXPECT("page-parallelism", 0, 2);
    EXPECT("page-reuse", 0, 0.5);
    EXPECT("waiting", 0, 150 * MS, 120 * MS);
    EXPECT("transfer", 0, 200 * MS, 120 * MS);
    EXPECT("tls-handshake", 0, 150 * MS);
    EXPECT("tls-exact", 0, 150 * MS);
    expect("tls-inferred", 0, NULL, 1);
    EXPECT("connection-requests", 0, 2);
    expect("inferred-waiting", 0, NULL, 1); /* what was decrypted is not inferred */
}

/* Without keys: handshake 100–201, turns 210 → 400–420 and 600 → 650. */
static void page_without_keys(void)
{
    scene_session_start(&sink, 1);
    connect_to(1, "a.test");
    scene_handshake(&sink, 1, 100, true);
    scene_tls_data(&sink, 1, 210, UP, 300, 1, 300);
    scene_tls_data(&sink, 1, 400, DOWN, 5000, 1, 4000);
    scene_tls_data(&sink, 1, 420, DOWN, 5000, 0, 0);
    scene_tls_data(&sink, 1, 600, UP, 300, 1, 300);
    scene_tls_data(&sink, 1, 650, DOWN, 100, 1, 100);
    scene_connection_end(&sink, 1, 700, MITM__END_CAUSE__FIN);
}

Test(protocols, what_is_seen_without_keys)
{
    page_without_keys();
    EXPECT("inferred-waiting", 0, 120 * MS); /* 190 and 50 */
    EXPECT("inferred-transfer", 0, 10 * MS); /* 20 and 0 */
    EXPECT("turns", 0, 2);
    EXPECT("tls-handshake", 0, 101 * MS);
    EXPECT("tls-inferred", 0, 101 * MS);
    expect("tls-exact", 0, NULL, 1);
    expect("waiting", 0, NULL, 0); /* never mixed into what is exact */
    expect("transfer", 0, NULL, 0);
    /* The handshake's bytes, at 200, are neither the page's first ones nor a transfer. */
    EXPECT("page-ttfb", 0, 400 * MS);
    EXPECT("load-time", 0, 650 * MS);
    expect("page-requests", 0, NULL, 1);
    /* When requests were on their way is not known: the rest of the load time is not idle. */
    expect("page-idle-share", 0, NULL, 1);
    expect("page-transfer-share", 0, NULL, 1);
    expect("page-tls-share", 0, NULL, 1);
    EXPECT("page-bytes", 0, 3000 + 10100);
    EXPECT("connection-ttfb", 0, 200 * MS); /* the server's first byte is its hello's */
}

/* In the connection's first byte it makes no difference whether the keys were there. */
Test(protocols, first_byte_of_a_decrypted_connection)
{
    scene_decrypted_session(&sink, 1);
    connect_to(1, "a.test");
    scene_handshake(&sink, 1, 100, false);
    scene_decryption(&sink, 1, 250, MITM__TLS_DECRYPTION_STATUS__DECRYPTED, 0);
    scene_stream(&sink, 1, 1, 250, 1, "a.test", "/");
    response(1, 1, 400, 500);
    EXPECT("connection-ttfb", 0, 200 * MS);
    EXPECT("page-ttfb", 0, 400 * MS);
}

/* The client gave one up, the server another: only the latter is a failure, and neither keeps the page open. */
Test(protocols, resets_of_a_page)
{
    scene_decrypted_session(&sink, 1);
    decrypted_connection(1, "a.test", 250);
    scene_stream(&sink, 1, 1, 250, 1, "a.test", "/");
    scene_stream(&sink, 1, 2, 260, 3, "a.test", "/unwanted");
    scene_stream(&sink, 1, 3, 260, 5, "a.test", "/refused");
    scene_reset(&sink, 1, 300, UP, 3, 8);
    scene_reset(&sink, 1, 310, DOWN, 5, 7);
    response(1, 1, 400, 600);
    cr_expect(metrics_canceled(exchange(1)));
    cr_expect_not(metrics_canceled(exchange(2)));
    EXPECT("load-time", 0, 600 * MS);
    EXPECT("page-failures", 0, 1);
    EXPECT("page-requests", 0, 3);
    EXPECT("page-parallelism", 0, 3);
}

/* A message that ended with a reset is not complete. */
Test(protocols, a_response_that_was_reset_has_no_transfer_time)
{
    scene_decrypted_session(&sink, 1);
    decrypted_connection(1, "a.test", 250);
    scene_stream(&sink, 1, 1, 250, 1, "a.test", "/");
    scene_response(&sink, 1, 1, 300, 200);
    scene_reset(&sink, 1, 400, DOWN, 1, 2);
    scene_response_end(&sink, 1, 1, 400, 10, MITM__HTTP_END_CAUSE__STREAM_RESET);
    EXPECT("waiting", 0, 50 * MS);
    expect("transfer", 0, NULL, 1);
    expect("body-bytes", 0, NULL, 1);
}

static bool is(struct text text, const char *string)
{
    return text.len == strlen(string) && memcmp(text.data, string, text.len) == 0;
}

/* A request goes to the server of its connection, whatever its authority; its address is the authority's. */
Test(protocols, a_coalesced_connection)
{
    scene_decrypted_session(&sink, 1);
    decrypted_connection(1, "a.test", 250);
    scene_stream(&sink, 1, 1, 250, 1, "b.test:8443", "/start");
    response(1, 1, 300, 400);
    pages = pages_new(session(), NULL);
    cr_assert_eq(pages_count(pages), 1);
    const struct page *page = pages_get(pages, 0);
    cr_expect(page->https);
    cr_expect(is(page->host, "b.test"));
    cr_expect_eq(page->port, 8443);
    cr_expect(is(page->target, "/start"));
    struct measure_values values = collect("waiting");
    cr_assert_eq(values.count, 1);
    cr_expect(is(model_server(session(), values.values[0].server)->host, "a.test"));
    cr_expect_eq(session()->server_count, 1);
    measures_free(&values);
}

/* Names of header fields are in lower case in HTTP/2; what refers to https belongs to the page all the same. */
Test(protocols, navigation_within_https)
{
    scene_decrypted_session(&sink, 1);
    decrypted_connection(1, "a.test", 250);
    static const struct {
        const char *path, *fields[4];
    } requests[] = {{"/first", {"sec-fetch-dest", "document", NULL, NULL}},
                    {"/x.css", {"sec-fetch-dest", "style", "referer", "https://a.test/first"}},
                    {"/next", {"sec-fetch-dest", "document", "referer", "https://a.test/first"}},
                    {"/late.png", {"sec-fetch-dest", "image", "referer", "https://a.test/first"}},
                    {"/next.png", {"sec-fetch-dest", "image", "referer", "https://a.test/next"}}};
    for (uint32_t i = 0; i < 5; i++) {
        EVENT_NEW(record, ev, (300 + 100 * i) * UINT64_C(1000000), HttpRequestStart, HTTP_REQUEST_START,
                  http_request_start);
        EVENT_SET_BYTES(ev, method, "GET", 3);
        EVENT_SET_BYTES(ev, target, requests[i].path, strlen(requests[i].path));
        EVENT_SET(ev, stream, 1 + 2 * i);
        EVENT_SET_BYTES(ev, scheme, "https", 5);
        EVENT_SET_BYTES(ev, authority, "a.test", 6);
        scene_emit(&sink, &record, 1, i + 1);
        scene_fields(&sink, 1, i + 1, 300 + 100 * i, false, requests[i].fields);
        response(1, i + 1, 310 + 100 * i, 350 + 100 * i);
    }
    pages = pages_new(session(), NULL);
    cr_assert_eq(pages_count(pages), 2);
    static const uint32_t expected[] = {1, 1, 2, 1, 2};
    for (size_t i = 0; i < 5; i++)
        cr_expect_eq(pages_of_exchange(pages, i), expected[i], "%zu", i);
}

/* ---------------------------------------------------------------- measures of HTTP/2 and WebSocket */

Test(protocols, stalls_pings_and_messages)
{
    scene_decrypted_session(&sink, 1);
    decrypted_connection(1, "a.test", 250);
    scene_stream(&sink, 1, 1, 250, 1, "a.test", "/");
    scene_stream(&sink, 1, 2, 260, 3, "a.test", "/chat");
    scene_request(&sink, 2, 1, 260, "/http1");
    scene_stall(&sink, 1, 300, 340, DOWN, 1);
    scene_stall(&sink, 1, 360, 365, UP, 1);
    scene_ping(&sink, 1, 300, UP, false);
    scene_ping(&sink, 1, 420, DOWN, true);
    scene_message(&sink, 1, 2, 500, 510, UP, 10);
    scene_message(&sink, 1, 2, 520, 530, DOWN, 200);
    EXPECT("stalled", 1, 45 * MS, 0);
    EXPECT("ping", 1, 120 * MS);
    EXPECT("websocket-messages", 2, 2);
    EXPECT("websocket-bytes", 2, 210);
}

/* Tables have columns for what occurs, and those of other recordings stay as they are. */
Test(protocols, measures_occur_where_their_protocol_does)
{
    scene_session_start(&sink, 1);
    scene_request(&sink, 1, 1, 10, "/");
    cr_expect_eq(measures_present(model), 0);
    cr_expect_not(measures_occur(measures_find("tls-handshake"), measures_present(model)));
    cr_expect(measures_occur(measures_find("waiting"), measures_present(model)));
    scene_client_hello(&sink, 2, 20, "a.test");
    cr_expect(measures_occur(measures_find("tls-handshake"), measures_present(model)));
    cr_expect_not(measures_occur(measures_find("stalled"), measures_present(model)));
    scene_go_away(&sink, 3, 20, UP, 0);
    cr_expect(measures_occur(measures_find("stalled"), measures_present(model)));
    cr_expect_not(measures_occur(measures_find("websocket-bytes"), measures_present(model)));
    scene_message(&sink, 1, 1, 20, 20, UP, 1);
    cr_expect(measures_occur(measures_find("websocket-bytes"), measures_present(model)));
}

/* ---------------------------------------------------------------- the error of the inference */

/*
 * Turns: 260 → 400–430 with one request, exactly 260 → 410–430; 600, 610 → 700–800 with two; 900 → 950 with none.
 */
static void decrypted_turns(void)
{
    scene_decrypted_session(&sink, 1);
    decrypted_connection(1, "a.test", 250);
    scene_tls_data(&sink, 1, 260, UP, 300, 1, 300);
    scene_stream(&sink, 1, 1, 260, 1, "a.test", "/");
    scene_tls_data(&sink, 1, 400, DOWN, 3000, 1, 3000);
    scene_tls_data(&sink, 1, 410, DOWN, 3000, 1, 3000);
    scene_tls_data(&sink, 1, 430, DOWN, 3000, 0, 0);
    response(1, 1, 410, 430);
    scene_tls_data(&sink, 1, 600, UP, 300, 1, 300);
    scene_stream(&sink, 1, 2, 600, 3, "a.test", "/a");
    scene_tls_data(&sink, 1, 610, UP, 300, 1, 300);
    scene_stream(&sink, 1, 3, 610, 5, "a.test", "/b");
    scene_tls_data(&sink, 1, 700, DOWN, 3000, 1, 3000);
    response(1, 2, 700, 700);
    scene_tls_data(&sink, 1, 800, DOWN, 3000, 1, 3000);
    response(1, 3, 800, 800);
    scene_tls_data(&sink, 1, 900, UP, 300, 1, 300);
    scene_tls_data(&sink, 1, 950, DOWN, 300, 1, 300);
}

Test(protocols, inference_against_the_truth)
{
    decrypted_turns();
    struct inference i = inference_of(session(), 7);
    cr_expect_eq(i.connections, 1);
    cr_expect_eq(i.turns, 3);
    cr_expect_eq(i.requests, 3);
    cr_expect_eq(i.single, 1);
    cr_expect_eq(i.several, 1);
    cr_expect_eq(i.none, 1);
    cr_expect_eq(i.outside, 0);
    cr_expect_eq(i.waiting.exact.count, 3);
    cr_expect_eq(i.waiting.exact.median, ms(150)); /* 150, 100, 190 */
    cr_expect_eq(i.waiting.inferred.count, 3);
    cr_expect_eq(i.waiting.inferred.median, ms(90)); /* 140, 90, 50 */
    cr_expect_eq(i.waiting.error.count, 1);
    cr_expect_eq(i.waiting.error.median, ms(-10));
    cr_expect_eq(i.waiting.magnitude.p90, ms(10));
    cr_expect_eq(i.transfer.exact.median, 0);         /* 20, 0, 0 */
    cr_expect_eq(i.transfer.inferred.median, ms(30)); /* 30, 100, 0 */
    cr_expect_eq(i.transfer.error.median, ms(10));
}

/* Early data look like the client's Finished, so that the inferred end was too early. */
Test(protocols, inferred_ends_of_handshakes)
{
    scene_decrypted_session(&sink, 1);
    scene_client_hello(&sink, 1, 100, "a.test");
    scene_handshake_end(&sink, 1, 260, true);
    scene_handshake_end(&sink, 1, 300, false);
    scene_decryption(&sink, 1, 300, MITM__TLS_DECRYPTION_STATUS__DECRYPTED, 0);
    scene_stream(&sink, 1, 1, 310, 1, "a.test", "/");
    decrypted_connection(2, "a.test", 250); /* nothing was inferred of it */
    scene_stream(&sink, 2, 1, 310, 1, "a.test", "/");
    connect_to(3, "a.test"); /* no request was made on it: its handshake counts nevertheless */
    scene_handshake(&sink, 3, 100, true);
    scene_handshake_end(&sink, 3, 299, false);
    scene_decryption(&sink, 3, 300, MITM__TLS_DECRYPTION_STATUS__DECRYPTED, 0);
    struct inference i = inference_of(session(), 7);
    cr_expect_eq(i.connections, 2);
    cr_expect_eq(i.handshake.exact.count, 2);
    cr_expect_eq(i.handshake.exact.max, ms(200));
    cr_expect_eq(i.handshake.exact.min, ms(199));
    cr_expect_eq(i.handshake.inferred.max, ms(160));
    cr_expect_eq(i.handshake.inferred.min, ms(101));
    cr_expect_eq(i.handshake.error.max, ms(-40));
    cr_expect_eq(i.handshake.error.min, ms(-98));
    cr_expect_eq(i.handshake.magnitude.max, ms(98));
}

Test(protocols, nothing_to_compare)
{
    page_without_keys();
    struct inference i = inference_of(session(), 7);
    cr_expect_eq(i.connections, 0);
    cr_expect_eq(i.waiting.exact.count, 0);
    cr_expect_eq(i.waiting.error.median, MODEL_NONE);
}

/* Requests before the first turn, and turns without order, are counted, not compared. */
Test(protocols, inference_of_hostile_times)
{
    scene_decrypted_session(&sink, 1);
    decrypted_connection(1, "a.test", 250);
    scene_stream(&sink, 1, 1, 10, 1, "a.test", "/");
    for (uint64_t i = 0; i < 100; i++) {
        scene_tls_data(&sink, 1, 10000 - 50 * i, UP, UINT64_MAX, 1, UINT32_MAX);
        scene_tls_data(&sink, 1, 9000 - 50 * i, DOWN, UINT64_MAX, 1, UINT32_MAX);
        scene_stream(&sink, 1, (uint32_t)i + 2, i * 7919 % 12000, 3, "a.test", "/");
    }
    struct inference i = inference_of(session(), 7);
    cr_expect_eq(i.requests, 101);
    cr_expect_eq(i.single + i.several + i.none, 100);
    cr_expect_geq(i.outside, 1);
    cr_expect_eq(i.waiting.inferred.count, 0); /* each answer was before its request */
}

/* ---------------------------------------------------------------- statistics */

typedef void (*writer)(FILE *out, const struct stats *stats);

static char *write_stats(writer write)
{
    char *text = NULL;
    size_t len;
    struct stats stats;
    stats_init(&stats, session(), 7);
    FILE *out = open_memstream(&text, &len);
    cr_assert_not_null(out);
    write(out, &stats);
    fclose(out);
    stats_fini(&stats);
    return text;
}

static void as_text(FILE *out, const struct stats *stats)
{
    stats_text(out, stats, 1, 0);
}

static void as_json(FILE *out, const struct stats *stats)
{
    stats_json(out, stats, 1);
}

static void as_csv(FILE *out, const struct stats *stats)
{
    stats_csv_wide_head(out);
    stats_csv_wide(out, stats, 1);
}

static void expect_parts(writer write, const char *const *parts, size_t n)
{
    char *text = write_stats(write);
    for (size_t i = 0; i < n; i++)
        cr_expect(strstr(text, parts[i]), "'%s' is missing in:\n%s", parts[i], text);
    free(text);
}

#define EXPECT_PARTS(write, ...)                                                                                       \
    expect_parts(write, (const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

Test(protocols, summary_without_keys)
{
    page_without_keys();
    EXPECT_PARTS(as_text, "  TLS         1 connection, not decrypted (no key log); handshakes: 1 inferred; inferred turns: 2\n",
                 "\nTLS handshake, inferred  n       min    median       p90       p99       max\n",
                 "\nInferred waiting  n      min    median       p90       p99       max\n",
                 "a.test:443        2  50.0 ms  120.0 ms", "a.test:443            1           –          –");
    EXPECT_PARTS(as_json, "\"decrypted\":false", "\"tls_connections\":1", "\"inferred_handshakes\":1",
                 "\"exact_handshakes\":0", "\"inferred_turns\":2", "\"inference\":null",
                 "\"inferred_waiting_ns\":{\"n\":2,\"min\":50000000,\"median\":120000000",
                 "\"tls_ns\":{\"n\":1,\"min\":101000000");
}

Test(protocols, summary_with_keys)
{
    decrypted_turns();
    EXPECT_PARTS(
        as_text, "  TLS         1 connection, 1 decrypted with a key log; handshakes: 1 exact\n",
        "  HTTP/2      1 connection\n", "\nTLS handshake  n ",
        "would have shown 3 turns for 3 requests:\n1 with one request, 1 with several, 1 with none.\n",
        "waiting             3      150.0 ms           3          90.0 ms           1      -10.0 ms    10.0 ms");
    EXPECT_PARTS(
        as_json, "\"decrypted\":true", "\"decrypted_connections\":1", "\"http2_connections\":1",
        "\"inference\":{\"connections\":1,\"requests\":3,\"turns\":3,\"turns_with_one_request\":1,"
        "\"turns_with_several\":1,\"turns_with_none\":1,\"requests_outside\":0,\"handshake_ns\":{\"exact\":{\"n\":0,",
        "\"waiting_ns\":{\"exact\":{\"n\":3,", "\"error\":{\"n\":1,\"min\":-10000000,\"median\":-10000000",
        "\"requests\":3");
}

/* Connections without a handshake's end are no missing keys. */
Test(protocols, summary_of_handshakes_that_did_not_end)
{
    decrypted_turns();
    scene_protocol(&sink, 8, 10, MITM__PROTOCOL__TLS, false);
    scene_client_hello(&sink, 8, 10, "a.test");
    EXPECT_PARTS(as_text,
                 "  TLS         2 connections, 1 decrypted with a key log; handshakes: 1 exact, 1 not completed\n");
}

/* A line has as many fields as the head. */
Test(protocols, wide_csv)
{
    decrypted_turns();
    char *text = write_stats(as_csv);
    size_t fields[3] = {0}, line = 0;
    for (const char *p = text; *p; p++) {
        cr_assert_lt(line, 3);
        fields[line] += *p == ',';
        line += *p == '\n';
    }
    cr_expect_eq(line, 2);
    cr_expect_eq(fields[0], fields[1]);
    cr_expect(strstr(text, "inferred_transfer_ns_max,decrypted,tls_connections,"));
    cr_expect(strstr(text, ",1,1,1,1,0,0,1,0\r\n"));
    free(text);
}

static char *rows(enum stats_level level)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    cr_assert_not_null(out);
    const struct stats_by options = {.model = model, .level = level, .quantile_type = 7, .format = TABLE_CSV};
    stats_by(out, &options);
    fclose(out);
    return text;
}

Test(protocols, rows_of_connections_and_requests)
{
    scene_decrypted_session(&sink, 1);
    decrypted_connection(1, "a.test", 250);
    scene_stream(&sink, 1, 1, 260, 1, "=b.test", "/");
    scene_reset(&sink, 1, 300, UP, 1, 8);
    scene_request(&sink, 2, 1, 260, "/plain");
    scene_protocol(&sink, 2, 260, MITM__PROTOCOL__HTTP1, false);
    char *text = rows(STATS_BY_CONNECTION);
    cr_expect(strstr(text, ",protocol,tls_version,cipher_suite,group,resumed,server_name,alpn,handshake,decrypted,"
                           "http2_resets,http2_pushes\r\n"),
              "%s", text);
    cr_expect(strstr(text, ",HTTP/2 over TLS 1.3,TLS 1.3,TLS_AES_128_GCM_SHA256,x25519,no,a.test,h2,exact,yes,1,0\r\n"),
              "%s", text);
    cr_expect(strstr(text, ",HTTP/1.1,,,,,,,,,,\r\n"), "%s", text);
    free(text);
    text = rows(STATS_BY_REQUEST);
    cr_expect(strstr(text, ",protocol,stream,scheme,authority,pushed,reset_by,reset_error\r\n"), "%s", text);
    cr_expect(strstr(text, ",HTTP/2 over TLS 1.3,1,https,'=b.test,no,client,8\r\n"), "%s", text);
    cr_expect(strstr(text, ",HTTP/1.1,,,,,,\r\n"), "%s", text);
    free(text);
}

/* ---------------------------------------------------------------- words */

static void expect_protocol(size_t index, const char *expected)
{
    char words[WORDS_PROTOCOL_BYTES];
    cr_expect_str_eq(words_connection_protocol(words, session(), connection(index)), expected);
}

Test(protocols, what_a_connection_speaks)
{
    scene_decrypted_session(&sink, 1);
    decrypted_connection(1, "a.test", 250);
    expect_protocol(0, "HTTP/2 over TLS 1.3");
    scene_protocol(&sink, 2, 10, MITM__PROTOCOL__HTTP1, false);
    expect_protocol(1, "HTTP/1");
    scene_request(&sink, 2, 1, 10, "/");
    expect_protocol(1, "HTTP/1.1");
    scene_protocol(&sink, 3, 10, MITM__PROTOCOL__TLS, false);
    expect_protocol(2, "TLS");
    scene_handshake(&sink, 4, 10, true);
    expect_protocol(3, "TLS 1.3 (not decrypted)");
    scene_protocol(&sink, 5, 10, MITM__PROTOCOL__HTTP2, false);
    expect_protocol(4, "HTTP/2");
    scene_protocol(&sink, 6, 10, MITM__PROTOCOL__UNKNOWN, false);
    expect_protocol(5, "unknown protocol");
    scene_connection_start(&sink, 7, 10);
    expect_protocol(6, "");
    scene_protocol(&sink, 8, 10, MITM__PROTOCOL__TLS, false); /* closed within the handshake: no key was missed */
    scene_client_hello(&sink, 8, 10, "a.test");
    scene_server_hello(&sink, 8, 20);
    scene_decryption(&sink, 8, 30, MITM__TLS_DECRYPTION_STATUS__NO_KEYS, 0);
    expect_protocol(7, "TLS 1.3");
}

Test(protocols, without_a_key_log_nothing_is_missed)
{
    page_without_keys();
    expect_protocol(0, "TLS 1.3");
}

/* RFC 8446, B.3.1.1, B.3.1.4, B.4 and 6; RFC 5246, 7.2; RFC 9113, 7; RFC 6455, 5.2; IANA's registry of TLS parameters.
 */
Test(protocols, words_of_specifications)
{
    cr_expect_str_eq(words_tls_version(0x0303), "TLS 1.2");
    cr_expect_str_eq(words_tls_version(0x0304), "TLS 1.3");
    cr_expect_str_eq(words_tls_cipher_suite(0x1302), "TLS_AES_256_GCM_SHA384");
    cr_expect_str_eq(words_tls_cipher_suite(0xc02f), "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256");
    cr_expect_str_eq(words_tls_cipher_suite(0xcca9), "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256");
    cr_expect_str_eq(words_tls_group(0x11ec), "X25519MLKEM768");
    cr_expect_str_eq(words_tls_group(0x0017), "secp256r1");
    cr_expect_str_eq(words_tls_alert(0), "close_notify");
    cr_expect_str_eq(words_tls_alert(48), "unknown_ca");
    cr_expect_str_eq(words_tls_alert(120), "no_application_protocol");
    cr_expect_null(words_tls_alert(1));
    cr_expect_str_eq(words_http2_error(7), "REFUSED_STREAM");
    cr_expect_str_eq(words_http2_error(8), "CANCEL");
    cr_expect_str_eq(words_http2_error(13), "HTTP_1_1_REQUIRED");
    cr_expect_null(words_http2_error(14));
    cr_expect_str_eq(words_websocket_opcode(8), "close");
    cr_expect_null(words_websocket_opcode(3));
    cr_expect_null(words_tls_cipher_suite(UINT32_MAX));
    cr_expect_null(words_tls_decryption(UINT32_MAX));
}

/* No value of the vocabulary is without its words. */
Test(protocols, words_for_all_values)
{
    const ProtobufCEnumDescriptor *kinds = &mitm__violation_kind__descriptor;
    for (unsigned i = 0; i < kinds->n_values; i++)
        cr_expect(words_violation((uint32_t)kinds->values[i].value), "%s", kinds->values[i].name);
    const ProtobufCEnumDescriptor *statuses = &mitm__tls_decryption_status__descriptor;
    for (unsigned i = 0; i < statuses->n_values; i++)
        cr_expect(words_tls_decryption((uint32_t)statuses->values[i].value), "%s", statuses->values[i].name);
    const ProtobufCEnumDescriptor *protocols = &mitm__protocol__descriptor;
    for (unsigned i = 0; i < protocols->n_values; i++)
        cr_expect(words_protocol((uint32_t)protocols->values[i].value), "%s", protocols->values[i].name);
    cr_expect_str_eq(words_http_end_cause(MITM__HTTP_END_CAUSE__STREAM_RESET), "stream reset");
    cr_expect_null(words_http_end_cause(MITM__HTTP_END_CAUSE__END_STREAM));
}
