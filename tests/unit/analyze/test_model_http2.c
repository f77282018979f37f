#include <criterion/criterion.h>
#include <string.h>

#include "analyze/metrics.h"
#include "analyze/model.h"
#include "scene_tls.h"

static const Mitm__Direction UP = MITM__DIRECTION__TO_SERVER, DOWN = MITM__DIRECTION__TO_CLIENT;

static struct model *model;
static struct event_sink sink;

static void setup(void)
{
    model = model_new(&(struct model_options){.keep_headers = true});
    sink = scene_to_model(model);
    scene_session_start(&sink, 5);
}

static void teardown(void)
{
    model_free(model);
}

TestSuite(model_http2, .init = setup, .fini = teardown);

static const struct model_connection *connection(void)
{
    return model_connection(model_session(model, 0), 0);
}

static const struct model_exchange *exchange(size_t index)
{
    const struct model_exchange *x = model_first_exchange(model_session(model, 0), connection());
    for (size_t i = 0; x && i < index; i++)
        x = model_next_exchange(model_session(model, 0), x);
    cr_assert_not_null(x);
    return x;
}

static int64_t ms(int64_t t_ms)
{
    return t_ms * 1000000;
}

Test(model_http2, streams_are_exchanges)
{
    scene_protocol(&sink, 1, 5, MITM__PROTOCOL__HTTP2, false);
    cr_expect_not_null(connection()->http2);
    scene_stream(&sink, 1, 1, 10, 1, "www.example", "/");
    scene_stream(&sink, 1, 2, 11, 3, "other.example", "/x");
    const struct model_h2 *h2 = exchange(1)->h2;
    cr_assert_not_null(h2);
    cr_expect_eq(h2->stream, 3);
    cr_expect_not(h2->pushed);
    cr_expect_eq(h2->authority.len, strlen("other.example"));
    cr_expect_arr_eq(h2->scheme.data, "https", 5);
    cr_expect_eq(h2->reset_ns, MODEL_NONE);
    cr_expect_eq(h2->messages[0].first_ns, MODEL_NONE);
    cr_expect_eq(connection()->request_count, 2);
}

/* What HTTP/1 does not have takes no room there. */
Test(model_http2, http1_has_none)
{
    scene_request(&sink, 1, 1, 10, "/");
    cr_expect_null(exchange(0)->h2);
    cr_expect_null(connection()->http2);
    cr_expect_null(connection()->tls);
}

Test(model_http2, resets)
{
    scene_stream(&sink, 1, 1, 10, 1, "www.example", "/");
    scene_stream(&sink, 1, 2, 11, 3, "www.example", "/x");
    scene_stream(&sink, 2, 1, 11, 3, "www.example", "/y");
    scene_reset(&sink, 1, 20, DOWN, 3, 2);
    scene_reset(&sink, 1, 30, UP, 3, 8);  /* the second for this stream */
    scene_reset(&sink, 1, 40, UP, 99, 8); /* a stream that was never seen */
    scene_reset(&sink, 1, 40, UP, 0, 8);
    cr_expect_eq(exchange(0)->h2->reset_ns, MODEL_NONE);
    cr_expect_eq(exchange(1)->h2->reset_ns, ms(20));
    cr_expect_eq(exchange(1)->h2->reset_direction, MODEL_TO_CLIENT);
    cr_expect_eq(exchange(1)->h2->reset_error, 2);
    cr_expect_eq(connection()->http2->resets, 4);
    cr_expect_eq(connection()->exchange_count, 2);
    const struct model_session *session = model_session(model, 0);
    cr_expect_eq(model_first_exchange(session, model_connection(session, 1))->h2->reset_ns, MODEL_NONE);
}

Test(model_http2, stalls)
{
    scene_stream(&sink, 1, 1, 10, 1, "www.example", "/");
    scene_stall(&sink, 1, 20, 50, DOWN, 1);
    scene_stall(&sink, 1, 60, 65, DOWN, 1);
    scene_stall(&sink, 1, 90, 70, DOWN, 1); /* before it began */
    scene_stall(&sink, 1, 100, 140, UP, 0);
    scene_stall(&sink, 1, 100, 140, UP, 77);
    cr_expect_eq(exchange(0)->h2->stalls[MODEL_TO_CLIENT], 3);
    cr_expect_eq(exchange(0)->h2->stalled_ns[MODEL_TO_CLIENT], ms(35));
    cr_expect_eq(exchange(0)->h2->stalled_ns[MODEL_TO_SERVER], 0);
    cr_expect_eq(connection()->http2->stalls[MODEL_TO_SERVER], 1);
    cr_expect_eq(connection()->http2->stalled_ns[MODEL_TO_SERVER], ms(40));
}

static void expect_stall(const struct model_stalls *stalls, size_t index, int64_t from_ms, int64_t to_ms)
{
    cr_assert(stalls && index < stalls->count);
    cr_expect_eq(stalls->stalls[index].from_ns, ms(from_ms));
    cr_expect_eq(stalls->stalls[index].to_ns, ms(to_ms));
}

/* They lie one after the other, whatever the file says. */
Test(model_http2, times_of_stalls)
{
    scene_stream(&sink, 1, 1, 10, 1, "www.example", "/");
    scene_stall(&sink, 1, 20, 50, DOWN, 1);
    scene_stall(&sink, 1, 60, 65, DOWN, 1);
    scene_stall(&sink, 1, 30, 63, DOWN, 1);
    scene_stall(&sink, 1, 64, 70, DOWN, 1);
    scene_stall(&sink, 1, 90, 70, DOWN, 1);
    scene_stall(&sink, 1, 15, 90, UP, 0);
    const struct model_stalls *down = exchange(0)->h2->stall_times[MODEL_TO_CLIENT];
    expect_stall(down, 0, 20, 50);
    expect_stall(down, 1, 60, 65);
    expect_stall(down, 2, 65, 70);
    cr_expect_eq(down->count, 3);
    cr_expect_null(exchange(0)->h2->stall_times[MODEL_TO_SERVER]);
    expect_stall(connection()->http2->stall_times[MODEL_TO_SERVER], 0, 15, 90);
}

/* Many take no more room than some; how long they are together stays, and so does their order. */
Test(model_http2, many_stalls)
{
    enum { STALLS = 10 * MODEL_STALLS };
    scene_stream(&sink, 1, 1, 10, 1, "www.example", "/");
    for (uint64_t i = 0; i < STALLS; i++)
        scene_stall(&sink, 1, 100 + 10 * i, 100 + 10 * i + 1 + i % 7, DOWN, 1);
    const struct model_stalls *stalls = exchange(0)->h2->stall_times[MODEL_TO_CLIENT];
    cr_assert_leq(stalls->count, MODEL_STALLS);
    int64_t sum_ns = 0, before_ns = ms(100);
    for (size_t i = 0; i < stalls->count; i++) {
        cr_assert_geq(stalls->stalls[i].from_ns, before_ns);
        cr_assert_gt(stalls->stalls[i].to_ns, stalls->stalls[i].from_ns);
        before_ns = stalls->stalls[i].to_ns;
        sum_ns += before_ns - stalls->stalls[i].from_ns;
    }
    cr_expect_eq(sum_ns, exchange(0)->h2->stalled_ns[MODEL_TO_CLIENT]);
    cr_expect_leq(before_ns, ms(100 + 10 * STALLS));
    /* The first half of them still lies in the first half of the time. */
    for (size_t i = 0; i < stalls->count / 4; i++)
        cr_expect_lt(stalls->stalls[i].to_ns, ms(100 + 5 * STALLS));
}

/* The client's pings are timed: the server's acknowledgements come over the network. */
Test(model_http2, pings)
{
    scene_ping(&sink, 1, 10, UP, false);
    scene_ping(&sink, 1, 20, UP, false);
    scene_ping(&sink, 1, 110, DOWN, true);
    scene_ping(&sink, 1, 120, DOWN, true); /* of the second: when that was sent is not known */
    scene_ping(&sink, 1, 200, DOWN, false);
    scene_ping(&sink, 1, 201, UP, true);
    scene_ping(&sink, 1, 300, UP, false);
    scene_ping(&sink, 1, 350, DOWN, true);
    const struct model_http2 *http2 = connection()->http2;
    cr_expect_eq(http2->pings, 4);
    cr_expect_eq(http2->ping_count, 2);
    cr_expect_eq(http2->ping_min_ns, ms(50));
    cr_expect_eq(http2->ping_sum_ns, ms(150));
    scene_ping(&sink, 1, 500, UP, false);
    scene_ping(&sink, 1, 400, DOWN, true); /* time that runs backwards is none */
    cr_expect_eq(http2->ping_min_ns, 0);
}

Test(model_http2, go_away)
{
    scene_go_away(&sink, 1, 10, DOWN, 0);
    scene_go_away(&sink, 1, 20, DOWN, 0);
    cr_expect_eq(connection()->http2->go_away_ns[MODEL_TO_CLIENT], ms(10));
    scene_go_away(&sink, 1, 30, DOWN, 11);
    scene_go_away(&sink, 1, 40, DOWN, 1);
    cr_expect_eq(connection()->http2->go_away_ns[MODEL_TO_CLIENT], ms(30));
    cr_expect_eq(connection()->http2->go_away_error[MODEL_TO_CLIENT], 11);
    cr_expect_eq(connection()->http2->go_away_ns[MODEL_TO_SERVER], MODEL_NONE);
}

Test(model_http2, messages_of_a_web_socket)
{
    scene_request(&sink, 1, 1, 10, "/chat");
    scene_message(&sink, 1, 1, 100, 110, UP, 5);
    scene_message(&sink, 1, 1, 90, 95, UP, UINT64_MAX);
    scene_message(&sink, 1, 1, 200, 210, DOWN, 70);
    const struct model_messages *messages = exchange(0)->h2->messages;
    cr_expect_eq(messages[MODEL_TO_SERVER].count, 2);
    cr_expect_eq(messages[MODEL_TO_SERVER].bytes, UINT64_MAX);
    cr_expect_eq(messages[MODEL_TO_SERVER].first_ns, ms(90));
    cr_expect_eq(messages[MODEL_TO_SERVER].last_ns, ms(110));
    cr_expect_eq(messages[MODEL_TO_CLIENT].bytes, 70);
    cr_expect_eq(exchange(0)->h2->stream, 0);
    scene_message(&sink, 1, 0, 200, 210, DOWN, 70); /* of no exchange */
    cr_expect_eq(connection()->exchange_count, 1);
}

/* RFC 9113, 5: streams are interleaved, so that a limit which holds one response back holds back all behind it. */
Test(model_http2, a_limit_on_the_way_to_the_client_leaves_no_waiting_time)
{
    scene_protocol(&sink, 1, 5, MITM__PROTOCOL__HTTP2, false);
    scene_stream(&sink, 1, 1, 10, 1, "www.example", "/");
    scene_response(&sink, 1, 1, 30, 200);
    cr_expect_eq(metrics_waiting_ns(connection(), exchange(0)), ms(20));
    scene_rate_limited(&sink, 1, DOWN, 31, 80);
    cr_expect_eq(metrics_waiting_ns(connection(), exchange(0)), ms(20));
    scene_stream(&sink, 1, 2, 40, 3, "www.example", "/behind");
    scene_response(&sink, 1, 2, 90, 200);
    cr_expect_eq(metrics_waiting_ns(connection(), exchange(1)), MODEL_NONE);
    cr_expect_eq(metrics_response_ns(connection(), exchange(1)), MODEL_NONE);
}
