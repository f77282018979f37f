#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/map.h"
#include "analyze/metrics.h"
#include "analyze/model.h"
#include "analyze/rate.h"
#include "scene.h"

static struct model *model;
static struct event_sink sink;

static void setup(void)
{
    model = model_new(&(struct model_options){.keep_headers = true});
    sink = scene_to_model(model);
}

static void teardown(void)
{
    model_free(model);
}

TestSuite(model, .init = setup, .fini = teardown);

static const struct model_session *session(size_t index)
{
    cr_assert_lt(index, model_session_count(model));
    return model_session(model, index);
}

static const struct model_connection *connection(size_t index)
{
    cr_assert_lt(index, session(0)->connection_count);
    return model_connection(session(0), index);
}

static int64_t ms(int64_t t_ms)
{
    return t_ms * 1000000;
}

Test(model, a_page_load)
{
    scene_session_start(&sink, 5);
    scene_connection_start(&sink, 1, 10);
    scene_socks(&sink, 1, 20, 1, "a.example", 80);
    scene_reply(&sink, 1, 120, 0);
    scene_request(&sink, 1, 1, 121, "/");
    scene_request_head(&sink, 1, 1, 122);
    scene_request_end(&sink, 1, 1, 123);
    scene_response(&sink, 1, 1, 223, 200);
    scene_body(&sink, 1, 1, 224, 1000);
    scene_body(&sink, 1, 1, 225, 500);
    scene_response_end(&sink, 1, 1, 225, 1500, MITM__HTTP_END_CAUSE__CONTENT_LENGTH);
    scene_connection_end(&sink, 1, 300, MITM__END_CAUSE__FIN);
    scene_session_end(&sink, 5, 400);

    cr_assert_eq(model_session_count(model), 1);
    cr_expect(session(0)->started && session(0)->ended);
    cr_expect_eq(session(0)->last_ns, ms(400));
    const struct model_connection *c = connection(0);
    const struct model_exchange *x = model_first_exchange(session(0), c);
    cr_assert_not_null(x);
    cr_expect_null(model_next_exchange(session(0), x));
    cr_expect_eq(metrics_socks_ns(c), ms(100));
    cr_expect_eq(metrics_waiting_ns(c, x), ms(100));
    cr_expect_eq(metrics_response_ns(connection(0), x), ms(102));
    cr_expect_eq(metrics_transfer_ns(connection(0), x), ms(2));
    cr_expect_eq(metrics_body_bytes(x), 1500);
    cr_expect_eq(metrics_connection_ns(c), ms(290));
    cr_expect_eq(x->response.pieces, 2);
    cr_expect_eq(model_connection_bytes(c, MODEL_TO_CLIENT), 1500);
    cr_expect_eq(model_connection_bytes(c, MODEL_TO_SERVER), 100);
    cr_expect_not(model_connection_open(c));
}

Test(model, what_was_not_recorded_is_absent)
{
    scene_session_start(&sink, 5);
    scene_response(&sink, 9, 3, 100, 200);
    const struct model_connection *c = connection(0);
    const struct model_exchange *x = model_first_exchange(session(0), c);
    cr_expect_eq(metrics_socks_ns(c), MODEL_NONE);
    cr_expect_eq(metrics_waiting_ns(c, x), MODEL_NONE);
    cr_expect_eq(metrics_response_ns(connection(0), x), MODEL_NONE);
    cr_expect_eq(metrics_transfer_ns(connection(0), x), MODEL_NONE);
    cr_expect_eq(metrics_body_bytes(x), MODEL_NONE);
    cr_expect_eq(metrics_connection_ns(c), MODEL_NONE);
    cr_expect_eq(model_connection_bytes(c, MODEL_TO_CLIENT), MODEL_NONE);
    cr_expect(model_connection_open(c));
    cr_expect_eq(c->server, MODEL_NO_INDEX);
    cr_expect(x->has_response && !x->has_request);
}

/* The request came before the SOCKS reply: until then the time is SOCKS time. */
Test(model, waiting_with_optimistic_data_begins_with_the_reply)
{
    scene_socks(&sink, 1, 0, 1, "a.example", 80);
    scene_request(&sink, 1, 1, 10, "/");
    scene_request_end(&sink, 1, 1, 10);
    scene_reply(&sink, 1, 700, 0);
    scene_response(&sink, 1, 1, 1000, 200);
    const struct model_exchange *x = model_first_exchange(session(0), connection(0));
    cr_expect_eq(metrics_waiting_ns(connection(0), x), ms(300));
    cr_expect_eq(metrics_response_ns(connection(0), x), ms(990));
}

/* The response came before the end of the request: the end of the head is what it waited for. */
Test(model, waiting_for_an_early_response_begins_with_the_head)
{
    scene_request(&sink, 1, 1, 10, "/");
    scene_request_head(&sink, 1, 1, 20);
    scene_response(&sink, 1, 1, 50, 413);
    scene_request_end(&sink, 1, 1, 90);
    cr_expect_eq(metrics_waiting_ns(connection(0), model_first_exchange(session(0), connection(0))), ms(30));
}

Test(model, events_in_any_order_and_twice)
{
    for (int twice = 0; twice < 2; twice++) {
        scene_connection_end(&sink, 1, 300, MITM__END_CAUSE__FIN);
        scene_response_end(&sink, 1, 1, 225, 1500, MITM__HTTP_END_CAUSE__LAST_CHUNK);
        scene_response(&sink, 1, 1, 223, 200);
        scene_request(&sink, 1, 1, 121, "/");
        scene_reply(&sink, 1, 120, 0);
        scene_socks(&sink, 1, 20, 1, "a.example", 80);
        scene_connection_start(&sink, 1, 10);
    }
    /* A second report of the same fact, with another time, does not count. */
    scene_response(&sink, 1, 1, 999, 500);
    scene_reply(&sink, 1, 999, 5);
    scene_connection_end(&sink, 1, 999, MITM__END_CAUSE__RESET);
    const struct model_connection *c = connection(0);
    const struct model_exchange *x = model_first_exchange(session(0), c);
    cr_expect_eq(session(0)->connection_count, 1);
    cr_expect_eq(c->exchange_count, 1);
    cr_expect_eq(metrics_socks_ns(c), ms(100));
    cr_expect_eq(metrics_waiting_ns(c, x), ms(102));
    cr_expect_eq(metrics_transfer_ns(connection(0), x), ms(2));
    cr_expect_eq(metrics_connection_ns(c), ms(290));
    cr_expect_eq(x->status, 200);
    cr_expect_eq(model_connection_bytes(c, MODEL_TO_CLIENT), 1500);
}

Test(model, times_that_run_backwards_give_no_duration)
{
    scene_socks(&sink, 1, 500, 1, "a.example", 80);
    scene_reply(&sink, 1, 400, 0);
    scene_request(&sink, 1, 1, 600, "/");
    scene_response(&sink, 1, 1, 550, 200);
    scene_response_end(&sink, 1, 1, 540, 0, MITM__HTTP_END_CAUSE__NO_BODY);
    const struct model_exchange *x = model_first_exchange(session(0), connection(0));
    cr_expect_eq(metrics_socks_ns(connection(0)), MODEL_NONE);
    cr_expect_eq(metrics_waiting_ns(connection(0), x), MODEL_NONE);
    cr_expect_eq(metrics_response_ns(connection(0), x), MODEL_NONE);
    cr_expect_eq(metrics_transfer_ns(connection(0), x), MODEL_NONE);
}

Test(model, hostile_numbers)
{
    EVENT_NEW(record, ev, UINT64_MAX, OpaqueData, OPAQUE_DATA, opaque_data);
    record.has_connection = true;
    record.connection = UINT32_MAX;
    EVENT_SET(ev, direction, MITM__DIRECTION__TO_CLIENT);
    EVENT_SET(ev, len_bytes, UINT64_MAX);
    event_emit(&sink, &record);
    event_emit(&sink, &record);
    EVENT_SET(ev, direction, (Mitm__Direction)77);
    event_emit(&sink, &record);
    scene_body(&sink, UINT32_MAX, UINT32_MAX, 0, UINT64_MAX);
    scene_body(&sink, UINT32_MAX, UINT32_MAX, 0, UINT64_MAX);
    cr_expect_eq(session(0)->last_ns, INT64_MAX);
    cr_expect_eq(connection(0)->streams[MODEL_TO_CLIENT].opaque_bytes, UINT64_MAX);
    cr_expect_eq(model_connection_bytes(connection(0), MODEL_TO_CLIENT), INT64_MAX);
    EVENT_NEW(delay, delay_ev, 0, ProxyDelay, PROXY_DELAY, proxy_delay);
    EVENT_SET(delay_ev, count, UINT64_MAX);
    EVENT_SET(delay_ev, sum_ns, UINT64_MAX);
    EVENT_SET(delay_ev, max_ns, UINT64_MAX);
    event_emit(&sink, &delay);
    event_emit(&sink, &delay);
    cr_expect_eq(session(0)->delay_sum_ns, UINT64_MAX);
    EVENT_NEW(step, step_ev, 0, ClockStep, CLOCK_STEP, clock_step);
    EVENT_SET(step_ev, step_ns, INT64_MIN);
    event_emit(&sink, &step);
    cr_expect_eq(session(0)->clock_step_max_ns, INT64_MIN);
}

/* Many connections and exchanges, ids falling and far apart: time must grow with their number only. */
Test(model, no_order_of_ids_makes_it_slow)
{
    for (uint32_t i = 0; i < 200000; i++)
        scene_connection_start(&sink, UINT32_MAX - i * 16384, i);
    for (uint32_t i = 0; i < 200000; i++)
        scene_request(&sink, UINT32_MAX, UINT32_MAX - i, i, "/");
    for (uint32_t i = 0; i < 200000; i++)
        scene_request(&sink, UINT32_MAX, 1 + i * 7919 % 200000, i, "/");
    /* 16384 is a power of two: ids repeat after 2^18 of them, so all 200,000 differ. */
    cr_expect_eq(session(0)->connection_count, 200000);
    cr_expect_eq(connection(0)->exchange_count, 400000);
}

Test(model, memory_is_bounded)
{
    struct model *small = model_new(&(struct model_options){.max_connections = 100, .max_exchanges = 50});
    struct event_sink to_small = scene_to_model(small);
    for (uint32_t i = 0; i < 110; i++)
        scene_connection_start(&to_small, i + 1, 0);
    for (uint32_t i = 0; i < 70; i++)
        scene_request(&to_small, 1, i + 1, 0, "/");
    cr_expect_eq(model_session(small, 0)->connection_count, 100);
    cr_expect_eq(model_session(small, 0)->exchange_count, 50);
    cr_expect_eq(model_session(small, 0)->overflow, 10 + 20);
    for (uint32_t i = 0; i < MODEL_MAX_SESSIONS + 10; i++)
        scene_session_start(&to_small, i + 1);
    cr_expect_eq(model_session_count(small), MODEL_MAX_SESSIONS);
    model_free(small);
}

Test(model, sessions_are_told_apart)
{
    scene_session_start(&sink, 5);
    scene_connection_start(&sink, 1, 10);
    scene_session_end(&sink, 5, 20);
    scene_session_start(&sink, 6);
    /* Of the third session the beginning is lost. */
    EVENT_NEW(record, ev, 7, ConnectionStart, CONNECTION_START, connection_start);
    record.has_session = true;
    record.session = 7;
    record.has_connection = true;
    record.connection = 1;
    event_emit(&sink, &record);
    cr_assert_eq(model_session_count(model), 3);
    cr_expect(session(0)->started && session(0)->ended);
    cr_expect(session(1)->started && !session(1)->ended);
    cr_expect(!session(2)->started && !session(2)->ended);
    cr_expect_eq(session(1)->connection_count, 0);
    cr_expect_eq(session(2)->connection_count, 1);
    /* The same file twice, one after the other. */
    scene_session_start(&sink, 7);
    scene_session_start(&sink, 7);
    cr_expect_eq(model_session_count(model), 4);
}

Test(model, servers_are_compared_without_regard_to_case)
{
    scene_socks(&sink, 1, 1, 1, "Www.Example.Org", 80);
    scene_socks(&sink, 2, 2, 1, "www.example.org", 80);
    scene_socks(&sink, 3, 3, 1, "www.example.org", 443);
    scene_socks(&sink, 4, 4, 0xF0, "www.example.org", 0);
    scene_socks(&sink, 5, 5, 0xF1, "192.0.2.1", 0);
    cr_assert_eq(session(0)->server_count, 3);
    cr_expect_eq(connection(0)->server, connection(1)->server);
    cr_expect_neq(connection(0)->server, connection(2)->server);
    cr_expect_eq(connection(3)->server, connection(4)->server);
    cr_expect_eq(model_server(session(0), 2)->kind, MODEL_SERVER_LOOKUP);
    cr_expect_eq(memcmp(model_server(session(0), 0)->host.data, "Www.Example.Org", 15), 0);
}

Test(model, losses_are_counted_by_cause)
{
    EVENT_NEW(record, ev, 1, Loss, LOSS, loss);
    EVENT_SET(ev, cause, MITM__LOSS_CAUSE__QUEUE_FULL);
    EVENT_SET(ev, events, 17);
    event_emit(&sink, &record);
    event_emit(&sink, &record);
    EVENT_SET(ev, cause, (Mitm__LossCause)1234);
    event_emit(&sink, &record);
    cr_expect_eq(session(0)->losses[MITM__LOSS_CAUSE__QUEUE_FULL].events, 34);
    cr_expect_eq(session(0)->losses[0].count, 1);
}

Test(model, headers_are_kept_when_asked_for)
{
    scene_request(&sink, 1, 1, 1, "/");
    scene_request_head(&sink, 1, 1, 2);
    const struct model_exchange *x = model_first_exchange(session(0), connection(0));
    struct text name, value;
    size_t at = 0;
    cr_assert(model_headers_next(&x->request.headers, &at, &name, &value));
    cr_expect_eq(name.len, 4);
    cr_expect_eq(memcmp(name.data, "Host", 4), 0);
    cr_expect_eq(value.len, 20);
    cr_expect_not(model_headers_next(&x->request.headers, &at, &name, &value));
}

/* 100,000 reads, each long after the one before: the bursts stay few, and no byte is lost. */
Test(model, bursts_are_bounded)
{
    for (uint64_t i = 0; i < 100000; i++)
        scene_opaque(&sink, 1, i * 1000, MITM__DIRECTION__TO_CLIENT, 3);
    const struct model_bursts *bursts = connection(0)->bursts;
    cr_assert_not_null(bursts);
    cr_expect_leq(bursts->count, MODEL_BURSTS);
    uint64_t sum = 0;
    for (size_t i = 0; i < bursts->count; i++)
        sum += bursts->bursts[i].bytes;
    cr_expect_eq(sum, 300000);
}

/* A million connections with a read each must not take the room of 64 bursts each. */
Test(model, few_bursts_are_small)
{
    scene_opaque(&sink, 1, 0, MITM__DIRECTION__TO_CLIENT, 3);
    cr_expect_leq(connection(0)->bursts->capacity, 4);
    for (uint64_t i = 1; i < 5; i++)
        scene_opaque(&sink, 1, i * 1000, MITM__DIRECTION__TO_CLIENT, 3);
    cr_expect_eq(connection(0)->bursts->count, 5);
    cr_expect_eq(connection(0)->bursts->bursts[4].from_ns, ms(4000));
}

/* Sessions for which there is no room are not mixed into others. */
Test(model, too_many_sessions)
{
    for (uint32_t i = 0; i < MODEL_MAX_SESSIONS + 3; i++) {
        scene_session_start(&sink, 100 + i);
        scene_connection_start(&sink, 1 + i, i);
    }
    cr_assert_eq(model_session_count(model), MODEL_MAX_SESSIONS);
    const struct model_session *last = session(MODEL_MAX_SESSIONS - 1);
    cr_expect_eq(last->connection_count, 1);
    cr_expect_eq(last->records, 2);
    cr_expect_geq(last->overflow, 6);
}

Test(rate, bins_widen_and_keep_their_sum)
{
    struct rate rate = {0};
    for (int64_t t_ms = 0; t_ms < 100000; t_ms += 10)
        rate_add(&rate, ms(t_ms), 5);
    rate_add(&rate, INT64_MAX, 1);
    uint64_t sum = 0;
    for (size_t i = 0; i < RATE_BINS; i++)
        sum += rate.bins[i];
    cr_expect_eq(sum, 50001);
    cr_expect_leq(rate.count, (size_t)RATE_BINS);
    rate_fini(&rate);
}

Test(map, finds_what_was_put)
{
    struct map map = {0};
    uint32_t value;
    cr_expect_not(map_get(&map, 0, &value));
    for (uint32_t i = 0; i < 100000; i++)
        map_put(&map, (uint64_t)i << 32, i);
    for (uint32_t i = 0; i < 100000; i++) {
        cr_assert(map_get(&map, (uint64_t)i << 32, &value));
        cr_assert_eq(value, i);
    }
    cr_expect_not(map_get(&map, 1, &value));
    map_clear(&map);
    cr_expect_not(map_get(&map, 0, &value));
    map_fini(&map);
}
