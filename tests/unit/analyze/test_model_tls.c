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
}

static void teardown(void)
{
    model_free(model);
}

TestSuite(model_tls, .init = setup, .fini = teardown);

static const struct model_session *session(void)
{
    return model_session(model, 0);
}

static const struct model_connection *connection(void)
{
    return model_connection(session(), 0);
}

static const struct model_tls *tls(void)
{
    cr_assert_not_null(connection()->tls);
    return connection()->tls;
}

static int64_t ms(int64_t t_ms)
{
    return t_ms * 1000000;
}

static bool is(struct text text, const char *string)
{
    return text.len == strlen(string) && memcmp(text.data, string, text.len) == 0;
}

static void expect_turn(size_t index, int64_t request_first, int64_t request_last, int64_t response_first,
                        int64_t response_last)
{
    cr_assert_not_null(tls()->turns);
    cr_assert_lt(index, tls()->turns->count);
    const struct model_turn *turn = &tls()->turns->turns[index];
    cr_expect_eq(turn->request_first_ns, ms(request_first));
    cr_expect_eq(turn->request_last_ns, ms(request_last));
    cr_expect_eq(turn->response_first_ns, response_first < 0 ? MODEL_NONE : ms(response_first));
    cr_expect_eq(turn->response_last_ns, response_last < 0 ? MODEL_NONE : ms(response_last));
}

Test(model_tls, a_handshake)
{
    scene_session_start(&sink, 5);
    scene_handshake(&sink, 1, 1000, true);
    cr_expect_eq(tls()->client_hello_ns, ms(1000));
    cr_expect_eq(tls()->client_hello_bytes, 495);
    cr_expect_eq(tls()->server_hello_ns, ms(1100));
    cr_expect_eq(tls()->retry_ns, MODEL_NONE);
    cr_expect_eq(tls()->end_ns, ms(1101));
    cr_expect(tls()->end_inferred);
    cr_expect_eq(tls()->version, 0x0304);
    cr_expect_eq(tls()->cipher_suite, 0x1301);
    cr_expect_eq(tls()->group, 0x001d);
    cr_expect(tls()->has_resumed && !tls()->resumed);
    cr_expect(is(tls()->server_name, "www.example"));
    cr_expect(is(tls()->offered_alpn, "h2,http/1.1"));
    cr_expect_null(tls()->alpn.data);
    cr_expect_null(tls()->turns);
    cr_expect_not(session()->decrypted);
    cr_expect_eq(connection()->protocol, MITM__PROTOCOL__TLS);
}

/* The exact end counts whenever it comes; of two that are equally good the first. */
Test(model_tls, the_exact_end_counts)
{
    static const struct {
        uint64_t t_ms;
        bool inferred;
        int64_t end_ms;
    } steps[] = {{50, true, 50}, {40, true, 50}, {70, false, 70}, {60, true, 70}, {65, false, 70}};
    scene_session_start(&sink, 5);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        scene_handshake_end(&sink, 1, steps[i].t_ms, steps[i].inferred);
        cr_expect_eq(tls()->end_ns, ms(steps[i].end_ms), "step %zu", i);
    }
    cr_expect_not(tls()->end_inferred);
    cr_expect(is(tls()->alpn, "h2"));
}

Test(model_tls, missing_events_leave_what_they_say_unknown)
{
    scene_session_start(&sink, 5);
    scene_tls_data(&sink, 1, 10, UP, 500, 1, 400);
    cr_expect_eq(tls()->client_hello_ns, MODEL_NONE);
    cr_expect_eq(tls()->end_ns, MODEL_NONE);
    cr_expect_eq(tls()->version, 0);
    cr_expect_not(tls()->has_resumed);
    cr_expect_null(tls()->server_name.data);
    cr_expect_null(tls()->turns);
}

Test(model_tls, a_fatal_alert_counts_before_others)
{
    scene_session_start(&sink, 5);
    scene_alert(&sink, 1, 10, DOWN, 0, 0);
    cr_expect_eq(tls()->alerts[MODEL_TO_CLIENT].t_ns, ms(10));
    cr_expect_not(tls()->alerts[MODEL_TO_CLIENT].readable);
    scene_alert(&sink, 1, 20, DOWN, 2, 40);
    scene_alert(&sink, 1, 30, DOWN, 2, 80);
    scene_alert(&sink, 1, 30, DOWN, 1, 0);
    cr_expect_eq(tls()->alerts[MODEL_TO_CLIENT].t_ns, ms(20));
    cr_expect_eq(tls()->alerts[MODEL_TO_CLIENT].description, 40);
    cr_expect(model_alert_fatal(&tls()->alerts[MODEL_TO_CLIENT]));
    cr_expect_eq(tls()->alerts[MODEL_TO_SERVER].t_ns, MODEL_NONE);
    scene_alert(&sink, 1, 40, UP, 1, 0);
    scene_alert(&sink, 1, 50, UP, 2, 0); /* close_notify is no failure at any level */
    cr_expect_eq(tls()->alerts[MODEL_TO_SERVER].t_ns, ms(40));
    cr_expect_not(model_alert_fatal(&tls()->alerts[MODEL_TO_SERVER]));
}

/* ---------------------------------------------------------------- bytes */

/* What is encrypted counts as opaque, as it did when its events were OpaqueData. */
Test(model_tls, without_keys_the_wire_is_opaque)
{
    scene_session_start(&sink, 5);
    scene_handshake(&sink, 1, 1000, true);
    scene_tls_data(&sink, 1, 1200, DOWN, 10000, 1, 9000);
    const struct model_stream *streams = connection()->streams;
    cr_expect_eq(streams[MODEL_TO_CLIENT].opaque_bytes, 13000);
    cr_expect_eq(streams[MODEL_TO_CLIENT].opaque_pieces, 2);
    cr_expect_eq(streams[MODEL_TO_CLIENT].opaque_first_ns, ms(1100));
    cr_expect_eq(streams[MODEL_TO_CLIENT].opaque_last_ns, ms(1200));
    cr_expect_eq(streams[MODEL_TO_SERVER].opaque_bytes, 580);
    cr_expect_eq(model_connection_bytes(connection(), MODEL_TO_CLIENT), 13000);
    cr_expect_eq(model_connection_bytes(connection(), MODEL_TO_SERVER), 580);
    cr_assert_not_null(connection()->bursts);
    cr_expect_eq(connection()->bursts->count, 2);
}

/* The handshake's bytes and what follows at once are two bursts. */
Test(model_tls, the_handshake_is_a_burst_of_its_own)
{
    scene_session_start(&sink, 5);
    scene_handshake(&sink, 1, 1000, true);
    scene_tls_data(&sink, 1, 1102, DOWN, 100, 1, 100);
    scene_tls_data(&sink, 1, 1103, DOWN, 100, 1, 100);
    cr_assert_eq(connection()->bursts->count, 2);
    cr_expect_eq(connection()->bursts->bursts[0].to_ns, ms(1100));
    cr_expect_eq(connection()->bursts->bursts[1].from_ns, ms(1102));
    cr_expect_eq(connection()->bursts->bursts[1].bytes, 200);
}

/* With keys the bytes of the wire are counted once, and the plaintext's not at all. */
Test(model_tls, with_keys_the_wire_is_counted_once)
{
    scene_decrypted_session(&sink, 5);
    scene_handshake(&sink, 1, 1000, true);
    scene_tls_data(&sink, 1, 1110, UP, 200, 1, 200);
    scene_decryption(&sink, 1, 1110, MITM__TLS_DECRYPTION_STATUS__DECRYPTED, 0);
    scene_protocol(&sink, 1, 1110, MITM__PROTOCOL__HTTP1, true);
    scene_request(&sink, 1, 1, 1110, "/");
    scene_request_head(&sink, 1, 1, 1110);
    scene_request_end(&sink, 1, 1, 1110);
    scene_tls_data(&sink, 1, 1200, DOWN, 1100, 1, 1100);
    scene_response(&sink, 1, 1, 1200, 200);
    scene_body(&sink, 1, 1, 1200, 1000);
    scene_response_end(&sink, 1, 1, 1200, 5000, MITM__HTTP_END_CAUSE__CONTENT_LENGTH);
    cr_expect(session()->connection_count == 1 && tls()->decrypted);
    cr_expect_eq(model_connection_bytes(connection(), MODEL_TO_CLIENT), 4100);
    cr_expect_eq(model_connection_bytes(connection(), MODEL_TO_SERVER), 780);
    cr_expect_eq(connection()->streams[MODEL_TO_CLIENT].opaque_bytes, 0);
    cr_expect_eq(connection()->streams[MODEL_TO_CLIENT].opaque_first_ns, MODEL_NONE);
    cr_expect_null(connection()->bursts);
    cr_expect_eq(connection()->inner_protocol, MITM__PROTOCOL__HTTP1);
    cr_expect_eq(connection()->protocol, MITM__PROTOCOL__TLS);
    cr_expect_eq(model_first_exchange(session(), connection())->response.body_bytes, 5000);
    /* Plaintext that is not looked into is opaque, but not on the wire a second time. */
    scene_opaque(&sink, 1, 1300, DOWN, 77);
    cr_expect_eq(connection()->streams[MODEL_TO_CLIENT].opaque_bytes, 77);
    cr_expect_eq(model_connection_bytes(connection(), MODEL_TO_CLIENT), 4100);
}

/* From where decryption failed the wire is opaque, in the direction where it did. */
Test(model_tls, decryption_that_fails_later)
{
    scene_decrypted_session(&sink, 5);
    scene_handshake(&sink, 1, 1000, true);
    scene_decryption(&sink, 1, 1110, MITM__TLS_DECRYPTION_STATUS__DECRYPTED, 0);
    scene_tls_data(&sink, 1, 1200, DOWN, 1000, 1, 1000);
    scene_decryption(&sink, 1, 1300, MITM__TLS_DECRYPTION_STATUS__DECRYPTION_FAILED, DOWN);
    scene_decryption(&sink, 1, 1400, MITM__TLS_DECRYPTION_STATUS__KEYS_TOO_LATE, DOWN);
    scene_decryption(&sink, 1, 1400, MITM__TLS_DECRYPTION_STATUS__DECRYPTED, 0);
    scene_tls_data(&sink, 1, 1500, DOWN, 30, 1, 30);
    scene_tls_data(&sink, 1, 1500, UP, 40, 1, 40);
    cr_expect(tls()->decrypted);
    cr_expect_eq(tls()->failure, MITM__TLS_DECRYPTION_STATUS__DECRYPTION_FAILED);
    cr_expect_eq(tls()->failure_ns, ms(1300));
    cr_expect_eq(connection()->streams[MODEL_TO_CLIENT].opaque_bytes, 30);
    cr_expect_eq(connection()->streams[MODEL_TO_SERVER].opaque_bytes, 0);
    cr_expect_eq(model_connection_bytes(connection(), MODEL_TO_CLIENT), 4030);
}

/* ---------------------------------------------------------------- turns */

Test(model_tls, turns_of_an_ordinary_connection)
{
    scene_session_start(&sink, 5);
    scene_handshake(&sink, 1, 1000, true);
    scene_tls_data(&sink, 1, 1110, UP, 300, 1, 300);
    scene_tls_data(&sink, 1, 1111, UP, 100, 1, 100);
    scene_tls_data(&sink, 1, 1112, UP, 40, 1, 40);   /* a WINDOW_UPDATE */
    scene_tls_data(&sink, 1, 1200, DOWN, 35, 1, 35); /* SETTINGS acknowledged */
    scene_tls_data(&sink, 1, 1210, DOWN, 1400, 1, 1200);
    scene_tls_data(&sink, 1, 1220, UP, 40, 1, 40);
    scene_tls_data(&sink, 1, 1230, DOWN, 1400, 0, 0); /* the rest of a record */
    scene_tls_data(&sink, 1, 1500, UP, 300, 1, 300);
    scene_tls_data(&sink, 1, 1600, DOWN, 500, 3, 400);
    cr_assert_eq(tls()->turns->count, 2);
    expect_turn(0, 1110, 1111, 1210, 1230);
    expect_turn(1, 1500, 1500, 1600, 1600);
    cr_expect_eq(tls()->turns->turns[0].request_bytes, 400);
    cr_expect_eq(tls()->turns->turns[0].response_bytes, 2800);
}

/* Two WINDOW_UPDATE frames are not a request, but one more byte can be one. */
Test(model_tls, the_shortest_request)
{
    static const struct {
        uint32_t version, largest_bytes;
        bool counts;
    } cases[] = {{0x0304, 48, false}, {0x0304, 49, true}, {0x0303, 55, false}, {0x0303, 56, true}, {0, 49, true}};
    for (uint32_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        scene_session_start(&sink, i + 1);
        EVENT_NEW(record, ev, 0, TlsServerHello, TLS_SERVER_HELLO, tls_server_hello);
        EVENT_SET(ev, version, cases[i].version);
        scene_emit(&sink, &record, 1, 0);
        scene_handshake_end(&sink, 1, 10, true);
        scene_tls_data(&sink, 1, 20, UP, cases[i].largest_bytes, 1, cases[i].largest_bytes);
        const struct model_turns *turns = model_connection(model_session(model, i), 0)->tls->turns;
        cr_expect_eq(turns != NULL, cases[i].counts, "%u", i);
    }
}

/* The request that came in one read with the client's Finished, in either order of the events. */
Test(model_tls, a_request_beside_finished)
{
    for (uint32_t i = 1; i <= 2; i++) {
        scene_session_start(&sink, i);
        scene_server_hello(&sink, 1, 100);
        if (i == 1)
            scene_handshake_end(&sink, 1, 110, true);
        scene_tls_data(&sink, 1, 110, UP, 374, 2, 300);
        if (i == 2)
            scene_handshake_end(&sink, 1, 110, true);
        scene_tls_data(&sink, 1, 200, DOWN, 500, 1, 400);
        const struct model_turns *turns = model_connection(model_session(model, i - 1), 0)->tls->turns;
        cr_assert_not_null(turns, "%u", i);
        cr_expect_eq(turns->count, 1);
        cr_expect_eq(turns->turns[0].request_first_ns, ms(110));
        cr_expect_eq(turns->turns[0].response_first_ns, ms(200));
    }
}

/* A Finished with SHA-384 takes more than 64 bytes; the tickets behind it answer nothing. */
Test(model_tls, finished_is_no_request)
{
    scene_session_start(&sink, 5);
    scene_handshake(&sink, 1, 1000, true);
    scene_tls_data(&sink, 1, 1150, DOWN, 500, 2, 250);
    cr_expect_null(tls()->turns);
}

Test(model_tls, early_data_are_a_turn)
{
    scene_session_start(&sink, 5);
    scene_client_hello(&sink, 1, 10, "www.example");
    scene_tls_early(&sink, 1, 11, 300);
    scene_server_hello(&sink, 1, 100);
    scene_tls_data(&sink, 1, 100, DOWN, 1000, 3, 800);
    scene_handshake_end(&sink, 1, 101, true);
    scene_tls_data(&sink, 1, 101, UP, 74, 1, 74);
    scene_tls_data(&sink, 1, 102, DOWN, 1000, 1, 800);
    cr_assert_eq(tls()->turns->count, 1);
    expect_turn(0, 11, 11, 100, 102);
    cr_expect_eq(tls()->early_bytes, 300);
}

/* A body that is still being sent when the answer begins: its end says nothing of the waiting. */
Test(model_tls, an_answer_ends_the_request)
{
    scene_session_start(&sink, 5);
    scene_handshake_end(&sink, 1, 10, true);
    scene_tls_data(&sink, 1, 20, UP, 16000, 1, 16000);
    scene_tls_data(&sink, 1, 30, DOWN, 100, 1, 100);
    scene_tls_data(&sink, 1, 40, UP, 8000, 0, 0);
    cr_assert_eq(tls()->turns->count, 1);
    expect_turn(0, 20, 20, 30, 30);
    cr_expect_eq(tls()->turns->turns[0].request_bytes, 24000);
}

Test(model_tls, turns_are_bounded)
{
    scene_session_start(&sink, 5);
    scene_handshake_end(&sink, 1, 10, true);
    for (uint64_t i = 0; i < 3000; i++) {
        scene_tls_data(&sink, 1, 100 + 2 * i, UP, 100, 1, 100);
        scene_tls_data(&sink, 1, 101 + 2 * i, DOWN, 100, 1, 100);
    }
    cr_expect_eq(tls()->turns->count, MODEL_TURNS);
    cr_expect_eq(tls()->turns->omitted, 3000 - MODEL_TURNS);
    expect_turn(MODEL_TURNS - 1, 100 + 2 * 1023, 100 + 2 * 1023, 101 + 2 * 1023, 101 + 2 * 1023);
}

/* Nothing of a turn is before what it follows, whatever the times are. */
Test(model_tls, hostile_orders_and_numbers)
{
    scene_session_start(&sink, 5);
    scene_handshake_end(&sink, 1, 10, false);
    uint64_t x = 12345;
    for (int i = 0; i < 5000; i++) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        scene_tls_data(&sink, 1, x >> 45, x & 1 << 20 ? UP : DOWN, i % 7 == 0 ? UINT64_MAX : x >> 50, x >> 30 & 3,
                       (uint32_t)(x >> 32));
    }
    cr_assert_gt(tls()->turns->count, 0);
    for (size_t i = 0; i < tls()->turns->count; i++) {
        const struct model_turn *turn = &tls()->turns->turns[i];
        cr_expect_geq(turn->request_last_ns, turn->request_first_ns);
        cr_expect_geq(turn->response_last_ns, turn->response_first_ns);
    }
    cr_expect_eq(model_connection_bytes(connection(), MODEL_TO_CLIENT), INT64_MAX);
}
