#include <criterion/criterion.h>
#include <string.h>

#include "analyze/chart.h"
#include "scene.h"

static struct model *model;
static struct event_sink sink;
static struct chart *chart;

static void setup(void)
{
    model = model_new(&(struct model_options){0});
    sink = scene_to_model(model);
    scene_session_start(&sink, 5);
}

static void teardown(void)
{
    chart_free(chart);
    model_free(model);
}

TestSuite(chart, .init = setup, .fini = teardown);

static const struct timeline_figure *draw(const struct chart_options *options)
{
    chart = chart_new(model_session(model, 0), options);
    return chart_figure(chart);
}

static const struct timeline_figure *draw_all(void)
{
    return draw(&(struct chart_options){.from_ns = MODEL_NONE, .to_ns = MODEL_NONE});
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

static void expect_bar(const struct figure_lane *lane, size_t index, size_t phase, int64_t from_ms, int64_t to_ms)
{
    cr_assert_lt(index, lane->bar_count);
    const struct figure_bar *bar = &lane->bars[index];
    cr_expect_eq(bar->phase, phase);
    cr_expect_eq(bar->from_ns, ms(from_ms));
    cr_expect_eq(bar->to_ns, ms(to_ms));
}

Test(chart, lanes_are_grouped_by_server_in_the_order_of_appearance)
{
    scene_socks(&sink, 1, 0, 1, "b.example", 80);
    scene_socks(&sink, 2, 1, 1, "a.example", 80);
    scene_socks(&sink, 3, 2, 1, "b.example", 80);
    scene_socks(&sink, 4, 3, 0xF0, "c.example", 0);
    scene_connection_start(&sink, 5, 4);
    scene_session_end(&sink, 5, 10);
    const struct timeline_figure *figure = draw_all();
    cr_assert_eq(figure->group_count, 4);
    expect_text(figure->groups[0].label, "b.example:80");
    expect_text(figure->groups[1].label, "a.example:80");
    expect_text(figure->groups[2].label, "(name look-ups)");
    expect_text(figure->groups[3].label, "(no request)");
    cr_assert_eq(figure->groups[0].lane_count, 2);
    expect_text(figure->groups[0].lanes[0].label, "1");
    expect_text(figure->groups[0].lanes[1].label, "3");
    expect_text(figure->groups[1].lanes[0].label, "2");
}

Test(chart, bars_of_an_exchange)
{
    scene_connection_start(&sink, 7, 90);
    scene_socks(&sink, 7, 100, 1, "a.example", 80);
    scene_reply(&sink, 7, 300, 0);
    scene_request(&sink, 7, 1, 310, "/logo.png");
    scene_request_end(&sink, 7, 1, 310);
    scene_response(&sink, 7, 1, 540, 200);
    scene_response_end(&sink, 7, 1, 552, 20522, MITM__HTTP_END_CAUSE__CONTENT_LENGTH);
    scene_request(&sink, 7, 2, 600, "/none");
    scene_response(&sink, 7, 2, 700, 304);
    scene_response_end(&sink, 7, 2, 700, 0, MITM__HTTP_END_CAUSE__NO_BODY);
    scene_connection_end(&sink, 7, 900, MITM__END_CAUSE__FIN);
    scene_session_end(&sink, 5, 1000);
    const struct timeline_figure *figure = draw_all();
    const struct figure_lane *lane = &figure->groups[0].lanes[0];
    cr_assert_eq(lane->bar_count, 4);
    expect_bar(lane, 0, CHART_SOCKS, 100, 300);
    expect_bar(lane, 1, CHART_WAITING, 310, 540);
    expect_bar(lane, 2, CHART_TRANSFER, 540, 552);
    expect_bar(lane, 3, CHART_WAITING, 600, 700);
    cr_assert_eq(lane->dot_count, 1);
    cr_expect_eq(lane->dots[0].t_ns, ms(700));
    cr_expect_eq(lane->dots[0].phase, CHART_TRANSFER);
    expect_text(lane->bars[2].tooltip, "GET /logo.png · 200 · waiting 0.230 s · transfer 0.012 s · 20,522 bytes");
    expect_text(lane->link, "#connection-7");
    cr_expect_eq(lane->end, FIGURE_END_CLOSED);
    cr_expect_eq(lane->from_ns, ms(90));
    cr_expect_eq(lane->to_ns, ms(900));
    cr_expect_eq(lane->failure_count, 0);
    cr_expect_eq(figure->from_ns, 0);
    cr_expect_geq(figure->to_ns, ms(900));
    /* 200 ms of SOCKS, 330 ms of waiting, 12 ms of transfer. */
    cr_assert_eq(figure->share_count, 3);
    cr_expect_eq(figure->shares[0].amount, (uint64_t)ms(200));
    cr_expect_eq(figure->shares[1].amount, (uint64_t)ms(330));
    cr_expect_eq(figure->shares[2].amount, (uint64_t)ms(12));
    cr_expect_eq(figure->warning_count, 0);
}

/* Bars of one connection do not lie above each other: not with optimistic data, not with pipelining. */
Test(chart, bars_do_not_overlap)
{
    scene_socks(&sink, 1, 0, 1, "a.example", 80);
    scene_request(&sink, 1, 1, 10, "/1");
    scene_request(&sink, 1, 2, 11, "/2");
    scene_reply(&sink, 1, 500, 0);
    scene_response(&sink, 1, 1, 800, 200);
    scene_response_end(&sink, 1, 1, 900, 5, MITM__HTTP_END_CAUSE__CONTENT_LENGTH);
    scene_response(&sink, 1, 2, 950, 200);
    scene_response_end(&sink, 1, 2, 1000, 5, MITM__HTTP_END_CAUSE__CONTENT_LENGTH);
    const struct figure_lane *lane = &draw_all()->groups[0].lanes[0];
    cr_assert_eq(lane->bar_count, 5);
    expect_bar(lane, 0, CHART_SOCKS, 0, 500);
    expect_bar(lane, 1, CHART_WAITING, 500, 800);
    expect_bar(lane, 2, CHART_TRANSFER, 800, 900);
    expect_bar(lane, 3, CHART_WAITING, 900, 950);
    expect_bar(lane, 4, CHART_TRANSFER, 950, 1000);
}

Test(chart, failures)
{
    scene_socks(&sink, 1, 0, 1, "a.example", 80);
    scene_reply(&sink, 1, 500, 5);
    scene_connection_end(&sink, 1, 510, MITM__END_CAUSE__FIN);
    scene_socks(&sink, 2, 0, 1, "a.example", 80);
    scene_connection_end(&sink, 2, 600, MITM__END_CAUSE__FIN);
    scene_socks(&sink, 3, 0, 1, "a.example", 80);
    scene_reply(&sink, 3, 100, 0);
    scene_request(&sink, 3, 1, 110, "/");
    scene_connection_end(&sink, 3, 700, MITM__END_CAUSE__RESET);
    scene_socks(&sink, 4, 0, 1, "a.example", 80);
    scene_reply(&sink, 4, 100, 0);
    scene_request(&sink, 4, 1, 110, "/");
    scene_response(&sink, 4, 1, 120, 200);
    scene_response_end(&sink, 4, 1, 800, 77, MITM__HTTP_END_CAUSE__TRUNCATED);
    const struct figure_lane *lanes = draw_all()->groups[0].lanes;
    static const char *const labels[] = {"connection refused (05)", "closed before the reply", "no response",
                                         "cut off"};
    static const int64_t times_ms[] = {500, 600, 700, 800};
    for (size_t i = 0; i < 4; i++) {
        cr_assert_eq(lanes[i].failure_count, 1);
        expect_text(lanes[i].failures[0].label, labels[i]);
        cr_expect_eq(lanes[i].failures[0].t_ns, ms(times_ms[i]));
    }
    cr_expect_eq(lanes[3].end, FIGURE_END_OPEN);
    expect_bar(&lanes[2], 1, CHART_WAITING, 110, 700);
}

Test(chart, opaque_data)
{
    scene_socks(&sink, 1, 0, 1, "a.example", 443);
    scene_reply(&sink, 1, 100, 0);
    scene_opaque(&sink, 1, 110, MITM__DIRECTION__TO_SERVER, 517);
    scene_opaque(&sink, 1, 200, MITM__DIRECTION__TO_CLIENT, 1000);
    scene_opaque(&sink, 1, 205, MITM__DIRECTION__TO_CLIENT, 1000);
    scene_opaque(&sink, 1, 900, MITM__DIRECTION__TO_CLIENT, 1000);
    const struct timeline_figure *figure = draw_all();
    const struct figure_lane *lane = &figure->groups[0].lanes[0];
    cr_assert_eq(lane->bar_count, 3);
    expect_bar(lane, 1, CHART_OPAQUE, 200, 205);
    expect_bar(lane, 2, CHART_OPAQUE, 900, 900);
    cr_assert_eq(figure->strip_count, 1);
    uint64_t sum = 0;
    for (size_t i = 0; i < figure->strips[0].bin_count; i++)
        sum += figure->strips[0].bins[i];
    cr_expect_eq(sum, 3000);
}

/* Short times keep two digits, and one is one. */
Test(chart, tooltip_of_a_lane)
{
    scene_socks(&sink, 1, 10, 1, "a.example", 80);
    scene_reply(&sink, 1, 14, 0);
    scene_request(&sink, 1, 1, 20, "/");
    const struct timeline_figure *figure = draw_all();
    expect_text(figure->groups[0].lanes[0].tooltip, "connection 1 to a.example:80 · SOCKS 4.0 ms · 1 request");
}

Test(chart, selection_by_server)
{
    scene_socks(&sink, 1, 0, 1, "a.example", 80);
    scene_socks(&sink, 2, 0, 1, "a.example", 443);
    scene_socks(&sink, 3, 0, 1, "b.example", 80);
    static const struct {
        const char *server;
        size_t groups;
    } selections[] = {{"A.example", 2}, {"a.example:443", 1}, {"a.example:44", 0}, {"a.exampl", 0}, {"b.example", 1}};
    for (size_t i = 0; i < sizeof selections / sizeof *selections; i++) {
        const struct timeline_figure *figure =
            draw(&(struct chart_options){.from_ns = MODEL_NONE, .to_ns = MODEL_NONE, .server = selections[i].server});
        cr_expect_eq(figure->group_count, selections[i].groups, "%s", selections[i].server);
        chart_free(chart);
    }
    const struct timeline_figure *figure =
        draw(&(struct chart_options){.from_ns = ms(5), .to_ns = ms(7), .one_connection = true, .connection = 3});
    cr_assert_eq(figure->group_count, 1);
    expect_text(figure->groups[0].lanes[0].label, "3");
    cr_expect_eq(figure->from_ns, ms(5));
    cr_expect_eq(figure->to_ns, ms(7));
}

/* Of a part, connections are shown that were there then: not those that had ended, nor those that began later. */
Test(chart, selection_by_time)
{
    for (uint32_t id = 1; id <= 4; id++)
        scene_socks(&sink, id, id * 100, 1, "a.example", 80);
    scene_connection_end(&sink, 1, 150, MITM__END_CAUSE__FIN);
    scene_connection_end(&sink, 3, 350, MITM__END_CAUSE__FIN);
    const struct timeline_figure *figure = draw(&(struct chart_options){.from_ns = ms(250), .to_ns = ms(320)});
    cr_assert_eq(figure->group_count, 1);
    cr_assert_eq(figure->groups[0].lane_count, 2);
    expect_text(figure->groups[0].lanes[0].label, "2");
    expect_text(figure->groups[0].lanes[1].label, "3");
    cr_assert_eq(figure->subtitle_count, 2);
    expect_text(figure->subtitles[0],
                "date not recorded · 1 server · 2 connections · 0 requests · 0 B received · recorded for 400.0 ms");
    expect_text(figure->subtitles[1],
                "selection: from 0.250 s to 0.320 s (the counts above are of the connections shown, "
                "as a whole)");
    chart_free(chart);
    figure = draw(&(struct chart_options){.from_ns = ms(10), .to_ns = ms(90)});
    cr_expect_eq(figure->group_count, 0);
}

/* A recording that waits long for its first connection: the picture begins there. */
Test(chart, axis_leaves_out_a_long_wait)
{
    scene_socks(&sink, 1, 60000, 1, "a.example", 80);
    scene_reply(&sink, 1, 61000, 0);
    scene_session_end(&sink, 5, 900000);
    const struct timeline_figure *figure = draw_all();
    cr_expect_eq(figure->from_ns, ms(60000 - 25));
    cr_expect_eq(figure->to_ns, ms(61000 + 25));
}

Test(chart, warnings)
{
    EVENT_NEW(record, ev, 1, Loss, LOSS, loss);
    EVENT_SET(ev, cause, MITM__LOSS_CAUSE__DISK_FULL);
    EVENT_SET(ev, events, 1700);
    record.has_session = true;
    record.session = 5;
    event_emit(&sink, &record);
    const struct timeline_figure *figure = draw_all();
    cr_assert_eq(figure->warning_count, 2);
    expect_text(figure->warnings[0], "The recording was cut off.");
    expect_text(figure->warnings[1], "1,700 events are missing: the disk was full.");
    cr_expect_eq(figure->group_count, 0);
}

Test(chart, greatest_times)
{
    EVENT_NEW(record, ev, UINT64_MAX, SocksRequestStart, SOCKS_REQUEST_START, socks_request_start);
    EVENT_SET(ev, command, 1);
    record.has_session = true;
    record.session = 5;
    record.has_connection = true;
    event_emit(&sink, &record);
    scene_opaque(&sink, 0, 1, MITM__DIRECTION__TO_CLIENT, UINT64_MAX);
    scene_socks(&sink, 1, 0, 1, "a.example", 80);
    const struct timeline_figure *figure = draw_all();
    cr_expect_eq(figure->to_ns, INT64_MAX);
    cr_expect_eq(figure->group_count, 2);
}

/* ---------------------------------------------------------------- delays, limits, marks */

static bool contains(struct figure_text text, const char *part)
{
    return text.bytes && memmem(text.bytes, text.len_bytes, part, strlen(part));
}

Test(chart, delays_asked_for_are_a_phase_of_their_own)
{
    scene_socks(&sink, 1, 100, 1, "a.example", 80);
    scene_delay(&sink, 1, 0, 100, 400);
    scene_reply(&sink, 1, 450, 0);
    scene_request(&sink, 1, 1, 500, "/");
    scene_delay(&sink, 1, 1, 500, 700);
    scene_response(&sink, 1, 1, 800, 200);
    scene_response_end(&sink, 1, 1, 900, 5, MITM__HTTP_END_CAUSE__CONTENT_LENGTH);
    scene_session_end(&sink, 5, 1000);
    const struct timeline_figure *figure = draw_all();
    const struct figure_lane *lane = &figure->groups[0].lanes[0];
    cr_assert_eq(lane->bar_count, 5);
    expect_bar(lane, 0, CHART_DELAY, 100, 400);
    expect_bar(lane, 1, CHART_SOCKS, 400, 450);
    expect_bar(lane, 2, CHART_DELAY, 500, 700);
    expect_bar(lane, 3, CHART_WAITING, 700, 800);
    expect_bar(lane, 4, CHART_TRANSFER, 800, 900);
    expect_text(lane->bars[0].tooltip,
                "SOCKS CONNECT a.example:80 · succeeded after 0.050 s · delayed by 0.300 s, as set");
    cr_expect(contains(lane->bars[2].tooltip, "delayed by 0.200 s, as set"));
    expect_text(figure->palette[CHART_DELAY].label, "delay asked for");
    cr_assert_eq(figure->share_count, 4);
    cr_expect_eq(figure->shares[0].phase, CHART_DELAY);
    cr_expect_eq(figure->shares[0].amount, (uint64_t)ms(500));
}

/* The bar of waiting begins behind the SOCKS reply even where the request came before the CONNECT request was sent on.
 */
Test(chart, a_delayed_connect_request_with_optimistic_data)
{
    scene_socks(&sink, 1, 0, 1, "a.example", 80);
    scene_request(&sink, 1, 1, 10, "/");
    scene_delay(&sink, 1, 0, 0, 300);
    scene_reply(&sink, 1, 400, 0);
    scene_delay(&sink, 1, 1, 10, 500);
    scene_response(&sink, 1, 1, 600, 200);
    scene_session_end(&sink, 5, 1000);
    const struct figure_lane *lane = &draw_all()->groups[0].lanes[0];
    expect_bar(lane, 0, CHART_DELAY, 0, 300);
    expect_bar(lane, 1, CHART_SOCKS, 300, 400);
    expect_bar(lane, 2, CHART_DELAY, 400, 500);
    expect_bar(lane, 3, CHART_WAITING, 500, 600);
}

Test(chart, marks_and_pauses_are_marks)
{
    scene_socks(&sink, 1, 0, 1, "a.example", 80);
    scene_mark(&sink, 10, "<b>new relay");
    scene_mark(&sink, 11, "");
    scene_pause(&sink, 20);
    scene_resume(&sink, 30, 1234);
    scene_session_end(&sink, 5, 40);
    const struct timeline_figure *figure = draw_all();
    cr_assert_eq(figure->mark_count, 4);
    expect_text(figure->marks[0].label, "<b>new relay");
    cr_expect_eq(figure->marks[0].t_ns, ms(10));
    expect_text(figure->marks[1].label, "mark");
    expect_text(figure->marks[2].label, "recording paused");
    expect_text(figure->marks[3].label, "recording resumed");
    cr_assert_eq(figure->warning_count, 1);
    expect_text(figure->warnings[0], "Recording was paused for a time: 1,234 events are not shown.");
    cr_expect_eq(figure->marks[3].t_ns, ms(30));
}

Test(chart, possible_leaks_and_rate_limits_are_warnings)
{
    scene_settings(&sink, 0, 0, MITM__UPSTREAM_KIND__SOCKS5);
    scene_socks(&sink, 1, 0, 1, "192.0.2.1", 80);
    scene_socks(&sink, 2, 0, 1, "a.example", 80);
    scene_rate_limited(&sink, 2, MITM__DIRECTION__TO_CLIENT, 5, 9);
    scene_session_end(&sink, 5, 40);
    const struct timeline_figure *figure = draw_all();
    cr_assert_eq(figure->warning_count, 2);
    expect_text(figure->warnings[0],
                "Possible DNS leak: 1 connection asked for an IP address although a SOCKS5 upstream "
                "was set. Let the client send names (remote DNS).");
    expect_text(figure->warnings[1],
                "A rate limit, as set, held back data of 1 connection: transfer times are not the network's.");
    cr_expect(contains(figure->groups[0].lanes[0].tooltip, "possible DNS leak"));
    cr_expect(contains(figure->groups[1].lanes[0].tooltip, "held back by a rate limit"));
}

Test(chart, connections_can_be_chosen_one_by_one)
{
    scene_socks(&sink, 1, 0, 1, "a.example", 80);
    scene_socks(&sink, 2, 0, 1, "a.example", 80);
    scene_session_end(&sink, 5, 40);
    const bool shown[] = {false, true};
    const struct timeline_figure *figure =
        draw(&(struct chart_options){.from_ns = MODEL_NONE, .to_ns = MODEL_NONE, .shown = shown});
    cr_assert_eq(figure->group_count, 1);
    cr_assert_eq(figure->groups[0].lane_count, 1);
    expect_text(figure->groups[0].lanes[0].label, "2");
}
