/* Settings, marks, pauses, delays and rate limits in the model and the metrics. */
#include <criterion/criterion.h>
#include <string.h>

#include "analyze/metrics.h"
#include "analyze/model.h"
#include "analyze/settings.h"
#include "scene.h"

static struct model *model;
static struct event_sink sink;

static void setup(void)
{
    model = model_new(&(struct model_options){0});
    sink = scene_to_model(model);
    scene_session_start(&sink, 5);
}

static void teardown(void)
{
    model_free(model);
}

TestSuite(model_control, .init = setup, .fini = teardown);

static const struct model_session *session(void)
{
    return model_session(model, 0);
}

static const struct model_connection *connection(size_t index)
{
    cr_assert_lt(index, session()->connection_count);
    return model_connection(session(), index);
}

static const struct model_exchange *exchange(void)
{
    const struct model_exchange *x = model_first_exchange(session(), connection(0));
    cr_assert_not_null(x);
    return x;
}

static int64_t ms(int64_t t_ms)
{
    return t_ms * 1000000;
}

/* ---------------------------------------------------------------- the model */

Test(model_control, settings_are_kept_with_their_changes)
{
    cr_expect_eq(session()->settings.t_ns, MODEL_NONE);
    scene_settings(&sink, 0, 0, MITM__UPSTREAM_KIND__SOCKS5);
    scene_settings(&sink, 100, 300, MITM__UPSTREAM_KIND__DIRECT);
    const struct model_settings *s = &session()->settings;
    cr_expect_eq(s->t_ns, ms(100));
    cr_expect_eq(s->connect_delay.min_ns, ms(300));
    cr_expect_eq(s->connect_delay.max_ns, ms(300));
    cr_expect_eq(s->request_delay.min_ns, MODEL_NONE);
    cr_expect_eq(s->rates[MODEL_TO_CLIENT], 50000);
    cr_expect_eq(s->rates[MODEL_TO_SERVER], MODEL_NONE);
    cr_assert_eq(session()->setting_count, 2);
    cr_expect_eq(session()->changes[0].t_ns, 0);
    cr_expect_eq(session()->changes[0].connect_delay.min_ns, MODEL_NONE);
    cr_expect_eq(session()->unknown_events, 0);
}

Test(model_control, lists_are_bounded_and_counted)
{
    for (unsigned i = 0; i < 1500; i++) {
        scene_settings(&sink, i, i + 1, MITM__UPSTREAM_KIND__SOCKS5);
        scene_mark(&sink, i, "mark");
        scene_pause(&sink, i);
    }
    cr_expect_eq(session()->setting_count, MODEL_MAX_SETTINGS);
    cr_expect_eq(session()->setting_total, 1500);
    cr_expect_eq(session()->settings.connect_delay.min_ns, ms(1500));
    cr_expect_eq(session()->mark_count, MODEL_MAX_MARKS);
    cr_expect_eq(session()->mark_total, 1500);
    cr_expect_eq(session()->pause_count, MODEL_MAX_PAUSES);
    cr_expect_eq(session()->pause_total, 1500);
    cr_expect(session()->paused);
    scene_resume(&sink, 1500, 1);
    cr_expect_not(session()->paused); /* though it is not one of those that are kept */
}

Test(model_control, marks_and_pauses)
{
    scene_mark(&sink, 10, "with the new relay");
    scene_pause(&sink, 20);
    scene_resume(&sink, 30, 42);
    cr_assert_eq(session()->mark_count, 1);
    cr_expect_eq(session()->marks[0].t_ns, ms(10));
    cr_expect_eq(session()->marks[0].text.len, 18);
    cr_expect_eq(memcmp(session()->marks[0].text.data, "with the new relay", 18), 0);
    cr_assert_eq(session()->pause_count, 2);
    cr_expect_not(session()->pauses[0].resumed);
    cr_expect(session()->pauses[1].resumed);
    cr_expect_eq(session()->pauses[1].t_ns, ms(30));
    cr_expect_eq(session()->pauses[1].events, 42);
}

/* A connection is recorded when its request is known: perhaps after a change, but it began under the old settings. */
Test(model_control, connections_know_the_upstream_that_was_set_when_they_began)
{
    scene_settings(&sink, 0, 0, MITM__UPSTREAM_KIND__SOCKS5);
    scene_settings(&sink, 100, 0, MITM__UPSTREAM_KIND__DIRECT);
    scene_connection_start(&sink, 1, 99);
    scene_connection_start(&sink, 2, 100);
    cr_expect_eq(connection(0)->upstream_kind, MITM__UPSTREAM_KIND__SOCKS5);
    cr_expect_eq(connection(1)->upstream_kind, MITM__UPSTREAM_KIND__DIRECT);
}

Test(model_control, rate_limits_are_summed_for_each_direction)
{
    scene_rate_limited(&sink, 1, MITM__DIRECTION__TO_CLIENT, 100, 150);
    scene_rate_limited(&sink, 1, MITM__DIRECTION__TO_CLIENT, 1100, 1130);
    const struct model_hold *hold = &connection(0)->streams[MODEL_TO_CLIENT].hold;
    cr_expect_eq(hold->first_ns, ms(100));
    cr_expect_eq(hold->last_ns, ms(1130));
    cr_expect_eq(hold->held_ns, (uint64_t)ms(80));
    cr_expect_eq(connection(0)->streams[MODEL_TO_SERVER].hold.first_ns, MODEL_NONE);
}

/* Events that lie: numbers as great as can be, members missing, moments before the beginning. */
Test(model_control, absurd_events_do_no_harm)
{
    EVENT_NEW(settings, settings_ev, UINT64_MAX, Settings, SETTINGS, settings);
    Mitm__DelayRange range = MITM__DELAY_RANGE__INIT;
    EVENT_SET(range, min_ns, UINT64_MAX);
    settings_ev.request_delay = &range;
    EVENT_SET(settings_ev, rate_up_total, UINT64_MAX);
    EVENT_NEW(limited, limited_ev, UINT64_MAX, RateLimited, RATE_LIMITED, rate_limited);
    EVENT_SET(limited_ev, direction, MITM__DIRECTION__TO_CLIENT);
    EVENT_SET(limited_ev, held_ns, UINT64_MAX);
    limited.has_connection = true;
    limited.connection = 1;
    EVENT_NEW(delay, delay_ev, 0, Delay, DELAY, delay);
    delay.has_connection = true;
    delay.connection = 1;
    EVENT_NEW(resume, resume_ev, UINT64_MAX, Resume, RESUME, resume);
    EVENT_SET(resume_ev, events, UINT64_MAX);
    (void)delay_ev;
    Mitm__Record *const records[] = {&settings, &limited, &delay, &resume};
    for (size_t i = 0; i < 2 * sizeof records / sizeof *records; i++) {
        Mitm__Record *record = records[i / 2];
        record->has_session = true;
        record->session = 5;
        event_emit(&sink, record);
    }
    cr_expect_eq(session()->settings.request_delay.min_ns, INT64_MAX);
    cr_expect_eq(session()->settings.request_delay.max_ns, 0);
    cr_expect_eq(session()->settings.rates_total[MODEL_TO_SERVER], INT64_MAX);
    cr_expect_eq(connection(0)->streams[MODEL_TO_CLIENT].hold.first_ns, INT64_MAX);
    cr_expect_eq(connection(0)->streams[MODEL_TO_CLIENT].hold.held_ns, UINT64_MAX);
    cr_expect_eq(connection(0)->socks_sent_ns, MODEL_NONE);
    cr_expect_eq(connection(0)->exchange_count, 0);
    cr_expect_eq(settings_paused_events(session()), UINT64_MAX);
    cr_expect_eq(settings_paused_ns(session()), 0);
}

/* ---------------------------------------------------------------- metrics */

Test(model_control, delays_are_not_the_networks)
{
    scene_socks(&sink, 1, 20, 1, "a.example", 80);
    scene_delay(&sink, 1, 0, 20, 320);
    scene_reply(&sink, 1, 420, 0);
    scene_request(&sink, 1, 1, 500, "/");
    scene_request_end(&sink, 1, 1, 500);
    scene_delay(&sink, 1, 1, 500, 700);
    scene_response(&sink, 1, 1, 790, 200);
    cr_expect_eq(connection(0)->socks_sent_ns, ms(320));
    cr_expect_eq(exchange()->sent_ns, ms(700));
    cr_expect_eq(metrics_socks_ns(connection(0)), ms(100));
    cr_expect_eq(metrics_waiting_ns(connection(0), exchange()), ms(90));
    cr_expect_eq(metrics_response_ns(connection(0), exchange()), ms(90));
    cr_expect_eq(connection(0)->exchange_count, 1);
}

/* The request came before the SOCKS request was passed on. */
Test(model_control, optimistic_data_waits_for_the_delay_of_the_connect_request)
{
    scene_socks(&sink, 1, 20, 1, "a.example", 80);
    scene_request(&sink, 1, 1, 21, "/");
    scene_delay(&sink, 1, 0, 20, 320);
    scene_reply(&sink, 1, 420, 0);
    scene_response(&sink, 1, 1, 500, 200);
    cr_expect_eq(metrics_response_ns(connection(0), exchange()), ms(180));
    cr_expect_eq(metrics_waiting_ns(connection(0), exchange()), ms(80));
}

Test(model_control, a_response_before_the_passing_on_has_no_times)
{
    scene_request(&sink, 1, 1, 21, "/");
    scene_response(&sink, 1, 1, 50, 200);
    scene_delay(&sink, 1, 1, 21, 60);
    cr_expect_eq(metrics_response_ns(connection(0), exchange()), MODEL_NONE);
    cr_expect_eq(metrics_waiting_ns(connection(0), exchange()), MODEL_NONE);
}

Test(model_control, a_transfer_that_a_limit_held_back_has_no_time)
{
    scene_request(&sink, 1, 1, 0, "/");
    scene_response(&sink, 1, 1, 100, 200);
    scene_response_end(&sink, 1, 1, 200, 5, MITM__HTTP_END_CAUSE__CONTENT_LENGTH);
    cr_expect_eq(metrics_transfer_ns(connection(0), exchange()), ms(100));
    scene_rate_limited(&sink, 1, MITM__DIRECTION__TO_CLIENT, 201, 300);
    cr_expect_eq(metrics_transfer_ns(connection(0), exchange()), ms(100));
    cr_expect_not(metrics_transfer_limited(connection(0), exchange()));
    scene_rate_limited(&sink, 1, MITM__DIRECTION__TO_CLIENT, 200, 300);
    cr_expect_eq(metrics_transfer_ns(connection(0), exchange()), MODEL_NONE);
    cr_expect(metrics_transfer_limited(connection(0), exchange()));
    cr_expect_eq(metrics_waiting_ns(connection(0), exchange()), ms(100));
}

Test(model_control, a_request_that_a_limit_held_back_has_no_waiting_time)
{
    scene_request(&sink, 1, 1, 0, "/");
    scene_rate_limited(&sink, 1, MITM__DIRECTION__TO_SERVER, 10, 50);
    scene_response(&sink, 1, 1, 100, 200);
    cr_expect_eq(metrics_waiting_ns(connection(0), exchange()), MODEL_NONE);
    cr_expect_eq(metrics_response_ns(connection(0), exchange()), MODEL_NONE);
}

/* ---------------------------------------------------------------- leaks */

static bool leaks(const char *host, Mitm__UpstreamKind kind, uint32_t command)
{
    uint32_t id = (uint32_t)session()->connection_count + 1;
    scene_settings(&sink, id, 0, kind);
    scene_socks(&sink, id, id, command, host, 80);
    return metrics_possible_leak(connection(session()->connection_count - 1));
}

Test(model_control, addresses_in_place_of_names_may_be_leaks)
{
    cr_expect(leaks("192.0.2.1", MITM__UPSTREAM_KIND__SOCKS5, 1));
    cr_expect(leaks("2001:db8::1", MITM__UPSTREAM_KIND__SOCKS5, 1));
    cr_expect(leaks("[2001:db8::1]", MITM__UPSTREAM_KIND__SOCKS5, 1));
    cr_expect_not(leaks("192.0.2.1", MITM__UPSTREAM_KIND__DIRECT, 1));
    cr_expect_not(leaks("192.0.2.1", MITM__UPSTREAM_KIND__SOCKS5, 0xF1), "a reverse look-up through Tor");
    static const char *const others[] = {"a.example",
                                         "127.0.0.1",
                                         "127.192.0.10",
                                         "::1",
                                         "[::1]",
                                         "fe80::1",
                                         "::ffff:127.0.0.1",
                                         "192.0.2.1.example",
                                         "",
                                         "[]",
                                         "1234567890123456789012345678901234567890123456789"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        cr_expect_not(leaks(others[i], MITM__UPSTREAM_KIND__SOCKS5, 1), "%s", others[i]);
}

/* ---------------------------------------------------------------- words */

static void expect_words(const struct model_settings *settings, const char *expected)
{
    char text[300];
    FILE *out = fmemopen(text, sizeof text, "w");
    cr_assert_not_null(out);
    settings_print(out, settings);
    fclose(out);
    cr_expect_str_eq(text, expected);
}

Test(model_control, settings_in_words)
{
    struct model_settings s = {.connect_delay = {MODEL_NONE, MODEL_NONE},
                               .request_delay = {MODEL_NONE, MODEL_NONE},
                               .rates = {MODEL_NONE, MODEL_NONE},
                               .rates_total = {MODEL_NONE, MODEL_NONE}};
    expect_words(&s, "no delays, no rate limits");
    s.connect_delay = (struct model_delay){ms(300), ms(300)};
    s.request_delay = (struct model_delay){ms(200), ms(500)};
    s.has_seed = true;
    s.seed = 7;
    s.rates[MODEL_TO_CLIENT] = 50000;
    s.rates_total[MODEL_TO_SERVER] = 1000000;
    expect_words(&s,
                 "connect delay 300.0 ms; request delay 200.0 ms to 500.0 ms (seed 7); 50.0 kB/s down per connection; "
                 "1.00 MB/s up in all");
}

Test(model_control, the_time_of_pauses)
{
    scene_pause(&sink, 100);
    scene_pause(&sink, 150);
    scene_resume(&sink, 300, 1);
    scene_resume(&sink, 350, 1);
    cr_expect_eq(settings_paused_ns(session()), ms(200));
    scene_pause(&sink, 400);
    scene_session_end(&sink, 5, 450);
    cr_expect_eq(settings_paused_ns(session()), ms(250));
    cr_expect_eq(settings_pauses(session()), 3);
}
