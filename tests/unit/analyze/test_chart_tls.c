/* TLS and HTTP/2 in the chart: the handshake, what is inferred, and lanes of streams. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "analyze/chart.h"
#include "scene_tls.h"

static struct model *model;
static struct event_sink sink;
static struct chart *chart;

static void setup(void)
{
    model = model_new(&(struct model_options){0});
    sink = scene_to_model(model);
    scene_decrypted_session(&sink, 5);
}

static void teardown(void)
{
    chart_free(chart);
    model_free(model);
}

TestSuite(chart_tls, .init = setup, .fini = teardown);

static const struct timeline_figure *draw(void)
{
    chart = chart_new(model_session(model, 0), &(struct chart_options){.from_ns = MODEL_NONE, .to_ns = MODEL_NONE});
    return chart_figure(chart);
}

static int64_t ms(int64_t t_ms)
{
    return t_ms * 1000000;
}

static void expect_text(struct figure_text text, const char *expected)
{
    cr_expect(text.len_bytes == strlen(expected) && memcmp(text.bytes, expected, text.len_bytes) == 0,
              "'%.*s', not '%s'", (int)text.len_bytes, text.bytes, expected);
}

static void expect_bar(const struct figure_lane *lane, size_t index, size_t phase, bool inferred, int64_t from_ms,
                       int64_t to_ms)
{
    cr_assert_lt(index, lane->bar_count);
    const struct figure_bar *bar = &lane->bars[index];
    cr_expect_eq(bar->phase, phase);
    cr_expect_eq(bar->inferred, inferred);
    cr_expect_eq(bar->from_ns, ms(from_ms));
    cr_expect_eq(bar->to_ns, ms(to_ms));
}

static void expect_stall(const struct figure_lane *lane, size_t index, size_t bar, int64_t from_ms, int64_t to_ms)
{
    cr_assert_lt(index, lane->stall_count);
    cr_expect_eq(lane->stalls[index].bar, bar);
    cr_expect_eq(lane->stalls[index].from_ns, ms(from_ms));
    cr_expect_eq(lane->stalls[index].to_ns, ms(to_ms));
}

/* SOCKS until `t_ms`, then a handshake until t_ms + 111. */
static void connect_tls(uint32_t connection, uint64_t t_ms, bool inferred)
{
    scene_connection_start(&sink, connection, 0);
    scene_socks(&sink, connection, 10, 1, "a.example", 443);
    scene_reply(&sink, connection, t_ms, 0);
    scene_protocol(&sink, connection, t_ms + 10, MITM__PROTOCOL__TLS, false);
    scene_handshake(&sink, connection, t_ms + 10, inferred);
}

/* The same, decrypted, and HTTP/2 within. */
static void connect_h2(uint32_t connection, uint64_t t_ms)
{
    connect_tls(connection, t_ms, false);
    scene_decryption(&sink, connection, t_ms + 111, MITM__TLS_DECRYPTION_STATUS__DECRYPTED, 0);
    scene_protocol(&sink, connection, t_ms + 111, MITM__PROTOCOL__HTTP2, true);
}

/* Stream number `exchange` with a response that begins at `first_ms` and ends at `end_ms`. */
static void stream(uint32_t connection, uint32_t exchange, uint64_t t_ms, uint64_t first_ms, uint64_t end_ms)
{
    char path[20];
    snprintf(path, sizeof path, "/%u", exchange);
    scene_stream(&sink, connection, exchange, t_ms, 2 * exchange - 1, "a.example", path);
    scene_response(&sink, connection, exchange, first_ms, 200);
    scene_response_end(&sink, connection, exchange, end_ms, 1000, MITM__HTTP_END_CAUSE__END_STREAM);
}

Test(chart_tls, what_is_not_decrypted_is_inferred)
{
    connect_tls(1, 100, true);
    scene_tls_data(&sink, 1, 300, MITM__DIRECTION__TO_SERVER, 400, 1, 400);
    scene_tls_data(&sink, 1, 500, MITM__DIRECTION__TO_CLIENT, 3000, 1, 3000);
    scene_tls_data(&sink, 1, 600, MITM__DIRECTION__TO_CLIENT, 3000, 1, 3000);
    scene_connection_end(&sink, 1, 700, MITM__END_CAUSE__FIN);
    scene_session_end(&sink, 5, 800);
    const struct timeline_figure *figure = draw();
    const struct figure_lane *lane = &figure->groups[0].lanes[0];
    cr_assert_eq(lane->bar_count, 4);
    expect_bar(lane, 0, CHART_SOCKS, false, 10, 100);
    expect_bar(lane, 1, CHART_TLS, true, 110, 211);
    expect_bar(lane, 2, CHART_WAITING, true, 300, 500);
    expect_bar(lane, 3, CHART_TRANSFER, true, 500, 600);
    expect_text(lane->bars[3].tooltip, "encrypted, inferred from its records · waiting 0.200 s · transfer 0.100 s · "
                                       "400 bytes sent · 6,000 received");
    expect_text(lane->bars[1].tooltip,
                "TLS 1.3 handshake · took 0.101 s · server name www.example · its end is inferred");
    expect_text(figure->inferred_label, "inferred (encrypted)");
    cr_expect(memmem(figure->subtitles[0].bytes, figure->subtitles[0].len_bytes, " · TLS not decrypted", 21) != NULL);
    cr_expect_null(memmem(figure->subtitles[0].bytes, figure->subtitles[0].len_bytes, "request", 7),
                   "how many there were is not known");
    cr_assert_eq(figure->share_count, 4);
    for (size_t i = 0; i < 4; i++)
        cr_expect_eq(figure->shares[i].inferred, i > 0);
}

/* Its head says so where some connections are decrypted and others are not. */
Test(chart_tls, what_is_decrypted_in_part_is_called_so)
{
    connect_h2(1, 100);
    stream(1, 1, 300, 400, 500);
    scene_session_end(&sink, 5, 800);
    struct figure_text head = draw()->subtitles[0];
    cr_expect(memmem(head.bytes, head.len_bytes, " · 1 request · ", 17) != NULL);
    cr_expect(memmem(head.bytes, head.len_bytes, " · TLS decrypted · ", 21) != NULL);
    chart_free(chart);
    connect_tls(2, 100, true);
    head = draw()->subtitles[0];
    cr_expect(memmem(head.bytes, head.len_bytes, " · 1 request · ", 17) != NULL);
    cr_expect(memmem(head.bytes, head.len_bytes, " · TLS decrypted in part · ", 29) != NULL);
}

/* The answer to a request can be read before the rest of another answer that came earlier. */
Test(chart_tls, turns_do_not_overlap)
{
    connect_tls(1, 100, true);
    scene_tls_data(&sink, 1, 300, MITM__DIRECTION__TO_SERVER, 400, 1, 400);
    scene_tls_data(&sink, 1, 500, MITM__DIRECTION__TO_CLIENT, 3000, 1, 3000);
    scene_tls_data(&sink, 1, 600, MITM__DIRECTION__TO_CLIENT, 3000, 1, 3000);
    scene_tls_data(&sink, 1, 590, MITM__DIRECTION__TO_SERVER, 400, 1, 400);
    scene_tls_data(&sink, 1, 650, MITM__DIRECTION__TO_CLIENT, 3000, 1, 3000);
    scene_connection_end(&sink, 1, 700, MITM__END_CAUSE__FIN);
    scene_session_end(&sink, 5, 800);
    const struct figure_lane *lane = &draw()->groups[0].lanes[0];
    cr_assert_eq(lane->bar_count, 6);
    expect_bar(lane, 3, CHART_TRANSFER, true, 500, 600);
    expect_bar(lane, 4, CHART_WAITING, true, 600, 650);
    expect_bar(lane, 5, CHART_TRANSFER, true, 650, 650);
}

Test(chart_tls, a_failed_handshake)
{
    scene_connection_start(&sink, 1, 0);
    scene_socks(&sink, 1, 10, 1, "a.example", 443);
    scene_reply(&sink, 1, 100, 0);
    scene_protocol(&sink, 1, 110, MITM__PROTOCOL__TLS, false);
    scene_client_hello(&sink, 1, 110, "a.example");
    scene_alert(&sink, 1, 300, MITM__DIRECTION__TO_CLIENT, 2, 40);
    scene_connection_end(&sink, 1, 320, MITM__END_CAUSE__FIN);
    scene_session_end(&sink, 5, 400);
    const struct figure_lane *lane = &draw()->groups[0].lanes[0];
    expect_bar(lane, 1, CHART_TLS, false, 110, 300);
    cr_assert_eq(lane->failure_count, 1);
    cr_expect_eq(lane->failures[0].t_ns, ms(300));
    expect_text(lane->failures[0].label, "TLS: handshake_failure (40)");
}

/* Streams go on the first lane that is free; the first has SOCKS and TLS, the others continue it. */
Test(chart_tls, streams_have_lanes)
{
    connect_h2(1, 100);
    stream(1, 1, 300, 400, 500);
    stream(1, 2, 310, 450, 600);
    stream(1, 3, 550, 560, 570);
    stream(1, 4, 590, 650, 700);
    scene_connection_end(&sink, 1, 900, MITM__END_CAUSE__FIN);
    scene_session_end(&sink, 5, 1000);
    const struct timeline_figure *figure = draw();
    cr_assert_eq(figure->group_count, 1);
    cr_assert_eq(figure->groups[0].lane_count, 2);
    const struct figure_lane *lanes = figure->groups[0].lanes;
    cr_assert_eq(lanes[0].bar_count, 8);
    expect_bar(&lanes[0], 0, CHART_SOCKS, false, 10, 100);
    expect_bar(&lanes[0], 1, CHART_TLS, false, 110, 211);
    expect_bar(&lanes[0], 2, CHART_WAITING, false, 300, 400);
    expect_bar(&lanes[0], 4, CHART_WAITING, false, 550, 560);
    expect_bar(&lanes[0], 7, CHART_TRANSFER, false, 650, 700);
    cr_assert_eq(lanes[1].bar_count, 2);
    expect_bar(&lanes[1], 0, CHART_WAITING, false, 310, 450);
    expect_bar(&lanes[1], 1, CHART_TRANSFER, false, 450, 600);
    cr_expect(!lanes[0].continues && lanes[1].continues);
    expect_text(lanes[0].label, "1");
    cr_expect_eq(lanes[1].label.len_bytes, 0);
    cr_expect_eq(lanes[0].end, FIGURE_END_CLOSED);
    cr_expect_eq(lanes[1].end, FIGURE_END_NONE);
    expect_text(lanes[1].bars[1].link, "#connection-1");
    expect_text(lanes[1].bars[1].tooltip, "stream 3 · GET /2 · 200 · waiting 0.140 s · transfer 0.150 s · 1,000 bytes");
    cr_expect_eq(figure->lanes_note.len_bytes, 0);
    /* Each stream counts: 100 + 140 + 10 + 60 ms of waiting. */
    cr_expect_eq(figure->shares[2].phase, CHART_WAITING);
    cr_expect_eq(figure->shares[2].amount, (uint64_t)ms(310));
}

/* Make two connections, so that there are at most 24 lanes for each, and 40 streams at once in the first. */
static const struct timeline_figure *draw_forty(void)
{
    connect_h2(1, 100);
    connect_h2(2, 100);
    for (uint32_t i = 1; i <= 40; i++)
        stream(1, i, 300 + i, 400 + i, 500 + i);
    scene_connection_end(&sink, 1, 900, MITM__END_CAUSE__FIN);
    scene_session_end(&sink, 5, 1000);
    return draw();
}

/* A limit that holds back one stream holds back those behind it before they begin. */
Test(chart_tls, limits_of_streams)
{
    connect_h2(1, 100);
    scene_rate_limited(&sink, 1, MITM__DIRECTION__TO_CLIENT, 300, 400);
    scene_session_end(&sink, 5, 500);
    const struct timeline_figure *figure = draw();
    cr_assert_eq(figure->warning_count, 1);
    expect_text(figure->warnings[0],
                "A rate limit, as set, held back data of 1 connection: transfer times, and waiting "
                "times of HTTP/2, are not the network's.");
}

/* What has no lane of its own is merged in the last one, and nothing of it is kept silent. */
Test(chart_tls, many_streams_are_folded)
{
    const struct timeline_figure *figure = draw_forty();
    cr_assert_eq(figure->groups[0].lane_count, 25);
    const struct figure_lane *last = &figure->groups[0].lanes[23];
    cr_expect(last->continues);
    cr_expect(!figure->groups[0].lanes[24].continues);
    expect_text(last->label, "+17");
    /* Streams 24 to 40: the first waits from 324 on, its transfer begins at 424, the last one's ends at 540. */
    cr_assert_eq(last->bar_count, 2);
    expect_bar(last, 0, CHART_WAITING, false, 324, 424);
    expect_bar(last, 1, CHART_TRANSFER, false, 424, 540);
    expect_text(last->bars[0].tooltip, "streams that have no lane of their own: here up to 17 at once");
    expect_text(figure->lanes_note,
                "The last lane of a bracket may show streams that have no lane of their own as one; "
                "“+N” says how many (1 connection). A picture of the connection alone has more "
                "lanes.");
    for (size_t i = 0; i < figure->share_count; i++) {
        if (figure->shares[i].phase == CHART_WAITING || figure->shares[i].phase == CHART_TRANSFER)
            cr_expect_eq(figure->shares[i].amount, (uint64_t)ms(40 * 100));
    }
    expect_text(figure->shares_note, "sum over 2 connections, each stream by itself; idle time left out");
}

Test(chart_tls, of_many_connections_each_has_few_lanes)
{
    for (uint32_t i = 1; i <= 61; i++)
        connect_h2(i, 100);
    for (uint32_t i = 1; i <= 10; i++)
        stream(1, i, 300 + i, 400 + i, 500 + i);
    scene_session_end(&sink, 5, 1000);
    const struct timeline_figure *figure = draw();
    cr_assert_eq(figure->groups[0].lane_count, 4 + 60);
    expect_text(figure->groups[0].lanes[3].label, "+7");
}

Test(chart_tls, one_connection_has_more_lanes)
{
    draw_forty();
    chart_free(chart);
    chart = chart_new(
        model_session(model, 0),
        &(struct chart_options){.from_ns = MODEL_NONE, .to_ns = MODEL_NONE, .one_connection = true, .connection = 1});
    const struct timeline_figure *figure = chart_figure(chart);
    cr_expect_eq(figure->groups[0].lane_count, 40);
    cr_expect_eq(figure->lanes_note.len_bytes, 0);
}

/* A reset is a failure, unless the client gave the request up; both say who did what. */
Test(chart_tls, resets_and_stalls)
{
    connect_h2(1, 100);
    scene_stream(&sink, 1, 1, 300, 1, "a.example", "/a");
    scene_reset(&sink, 1, 400, MITM__DIRECTION__TO_CLIENT, 1, 7);
    scene_stream(&sink, 1, 2, 500, 3, "a.example", "/b");
    scene_reset(&sink, 1, 600, MITM__DIRECTION__TO_SERVER, 3, 8);
    scene_stream(&sink, 1, 3, 700, 5, "a.example", "/c");
    scene_response(&sink, 1, 3, 710, 200);
    scene_stall(&sink, 1, 720, 780, MITM__DIRECTION__TO_CLIENT, 5);
    scene_response_end(&sink, 1, 3, 800, 1000, MITM__HTTP_END_CAUSE__END_STREAM);
    scene_connection_end(&sink, 1, 900, MITM__END_CAUSE__FIN);
    scene_session_end(&sink, 5, 1000);
    const struct timeline_figure *figure = draw();
    cr_assert_eq(figure->groups[0].lane_count, 1);
    const struct figure_lane *lane = &figure->groups[0].lanes[0];
    cr_assert_eq(lane->failure_count, 1);
    cr_expect_eq(lane->failures[0].t_ns, ms(400));
    expect_text(lane->failures[0].label, "reset: REFUSED_STREAM (7)");
    expect_bar(lane, 2, CHART_WAITING, false, 300, 400);
    expect_bar(lane, 3, CHART_WAITING, false, 500, 600);
    expect_text(lane->bars[3].tooltip, "stream 3 · GET /b · no response · reset by the client: CANCEL (8)");
    expect_text(lane->bars[5].tooltip, "stream 5 · GET /c · 200 · waiting 0.010 s · transfer 0.090 s · 1,000 bytes · "
                                       "held back by flow control 0.060 s");
    cr_assert_eq(lane->stall_count, 1);
    expect_stall(lane, 0, 5, 720, 780);
}

/* The connection's window holds back what is on its way meanwhile: this direction's data of each stream, and no others.
 */
Test(chart_tls, the_connection_stalls)
{
    connect_h2(1, 100);
    stream(1, 1, 300, 400, 500);
    stream(1, 2, 300, 450, 700);
    stream(1, 3, 550, 800, 900);
    scene_stall(&sink, 1, 480, 600, MITM__DIRECTION__TO_CLIENT, 0);
    scene_stall(&sink, 1, 590, 650, MITM__DIRECTION__TO_CLIENT, 3);
    scene_stall(&sink, 1, 660, 750, MITM__DIRECTION__TO_CLIENT, 0);
    scene_stall(&sink, 1, 310, 390, MITM__DIRECTION__TO_SERVER, 0);
    scene_connection_end(&sink, 1, 900, MITM__END_CAUSE__FIN);
    scene_session_end(&sink, 5, 1000);
    const struct timeline_figure *figure = draw();
    cr_assert_eq(figure->groups[0].lane_count, 2);
    const struct figure_lane *lanes = figure->groups[0].lanes;
    cr_assert_eq(lanes[0].stall_count, 1);
    expect_bar(&lanes[0], 3, CHART_TRANSFER, false, 400, 500);
    expect_stall(&lanes[0], 0, 3, 480, 500);
    cr_assert_eq(lanes[1].stall_count, 2);
    expect_bar(&lanes[1], 1, CHART_TRANSFER, false, 450, 700);
    expect_stall(&lanes[1], 0, 1, 480, 650);
    expect_stall(&lanes[1], 1, 1, 660, 700);
    expect_text(lanes[0].bars[3].tooltip,
                "stream 1 · GET /1 · 200 · waiting 0.100 s · transfer 0.100 s · 1,000 bytes · "
                "held back by flow control of the connection 0.020 s");
    expect_text(lanes[1].bars[1].tooltip,
                "stream 3 · GET /2 · 200 · waiting 0.150 s · transfer 0.250 s · 1,000 bytes · "
                "held back by flow control 0.060 s · "
                "held back by flow control of the connection 0.160 s");
    expect_text(figure->stall_label, "held back by flow control");
}

/* The body of a request is held back while the response is waited for, and may be so while it is transferred. */
Test(chart_tls, uploads_stall)
{
    connect_h2(1, 100);
    scene_stream(&sink, 1, 1, 300, 1, "a.example", "/a");
    scene_stall(&sink, 1, 320, 380, MITM__DIRECTION__TO_SERVER, 1);
    scene_response(&sink, 1, 1, 400, 200);
    scene_stall(&sink, 1, 410, 450, MITM__DIRECTION__TO_CLIENT, 1);
    scene_response_end(&sink, 1, 1, 500, 1000, MITM__HTTP_END_CAUSE__END_STREAM);
    scene_session_end(&sink, 5, 1000);
    const struct figure_lane *lane = &draw()->groups[0].lanes[0];
    expect_bar(lane, 2, CHART_WAITING, false, 300, 400);
    expect_bar(lane, 3, CHART_TRANSFER, false, 400, 500);
    cr_assert_eq(lane->stall_count, 2);
    expect_stall(lane, 0, 2, 320, 380);
    expect_stall(lane, 1, 3, 410, 450);
}

/* The connection's window holds back a request's body until its end. */
Test(chart_tls, the_connection_stalls_uploads)
{
    connect_h2(1, 100);
    scene_request(&sink, 1, 1, 300, "/a");
    scene_stall(&sink, 1, 320, 380, MITM__DIRECTION__TO_SERVER, 0);
    scene_request_end(&sink, 1, 1, 360);
    scene_response(&sink, 1, 1, 400, 200);
    scene_response_end(&sink, 1, 1, 500, 1000, MITM__HTTP_END_CAUSE__END_STREAM);
    scene_session_end(&sink, 5, 1000);
    const struct figure_lane *lane = &draw()->groups[0].lanes[0];
    expect_bar(lane, 2, CHART_WAITING, false, 300, 400);
    cr_assert_eq(lane->stall_count, 1);
    expect_stall(lane, 0, 2, 320, 360);
    expect_text(lane->bars[2].tooltip, "GET /a · 200 · waiting 0.040 s · transfer 0.100 s · 1,000 bytes · "
                                       "its body held back by flow control of the connection 0.040 s");
}

/* On the lane that shows several streams as one, at least one of them is held back. */
Test(chart_tls, folded_streams_stall)
{
    connect_h2(1, 100);
    connect_h2(2, 100);
    for (uint32_t i = 1; i <= 40; i++)
        stream(1, i, 300 + i, 400 + i, 500 + i);
    scene_stall(&sink, 1, 450, 480, MITM__DIRECTION__TO_CLIENT, 2 * 30 - 1);
    scene_stall(&sink, 1, 470, 500, MITM__DIRECTION__TO_CLIENT, 2 * 40 - 1);
    scene_stall(&sink, 1, 520, 600, MITM__DIRECTION__TO_CLIENT, 2 * 35 - 1);
    scene_connection_end(&sink, 1, 900, MITM__END_CAUSE__FIN);
    scene_session_end(&sink, 5, 1000);
    const struct figure_lane *last = &draw()->groups[0].lanes[23];
    expect_text(last->label, "+17");
    expect_bar(last, 1, CHART_TRANSFER, false, 424, 540);
    cr_assert_eq(last->stall_count, 2);
    expect_stall(last, 0, 1, 450, 500);
    expect_stall(last, 1, 1, 520, 535); /* stream 35 ends then */
}
