#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/failures.h"
#include "scene_tls.h"

static struct model *model;
static struct event_sink sink;
static struct failures failures;

static void setup(void)
{
    model = model_new(&(struct model_options){0});
    sink = scene_to_model(model);
    scene_session_start(&sink, 5);
    failures = (struct failures){0};
}

static void teardown(void)
{
    failures_fini(&failures);
    model_free(model);
}

TestSuite(failures, .init = setup, .fini = teardown);

static void find(const bool *shown, size_t max)
{
    failures_init(&failures, model_session(model, 0), shown, max);
}

static void expect(size_t index, enum failure_kind kind, uint32_t connection, int64_t t_ms, const char *server,
                   const char *sentence)
{
    cr_assert_lt(index, failures.count);
    const struct failure *f = &failures.list[index];
    cr_expect_eq(f->kind, kind);
    cr_expect_eq(f->connection, connection);
    cr_expect_eq(f->t_ns, t_ms * 1000000);
    cr_expect_str_eq(f->server, server);
    cr_expect_str_eq(f->sentence, sentence);
    cr_expect_eq(f->sentence_len, strlen(sentence));
}

Test(failures, none_in_a_session_without)
{
    scene_socks(&sink, 1, 0, 1, "a.example", 80);
    scene_reply(&sink, 1, 10, 0);
    scene_request(&sink, 1, 1, 20, "/");
    scene_response(&sink, 1, 1, 30, 399);
    scene_response_end(&sink, 1, 1, 40, 5, MITM__HTTP_END_CAUSE__CONTENT_LENGTH);
    scene_connection_end(&sink, 1, 50, MITM__END_CAUSE__FIN);
    scene_socks(&sink, 2, 60, 1, "a.example", 80);
    scene_request(&sink, 3, 1, 60, "/awaited");
    find(NULL, 0);
    cr_expect_eq(failures.count, 0);
}

Test(failures, each_kind_in_the_order_of_time)
{
    scene_socks(&sink, 1, 0, 1, "a.example", 80);
    scene_reply(&sink, 1, 900, 4);
    scene_connection_end(&sink, 1, 901, MITM__END_CAUSE__FIN);
    scene_socks(&sink, 2, 0, 1, "b.example", 8080);
    scene_reply(&sink, 2, 100, 0);
    scene_request(&sink, 2, 1, 100, "/<b>");
    scene_response(&sink, 2, 1, 200, 404);
    scene_response_end(&sink, 2, 1, 300, 7, MITM__HTTP_END_CAUSE__TRUNCATED);
    scene_request(&sink, 2, 2, 310, "/never");
    scene_connection_end(&sink, 2, 400, MITM__END_CAUSE__RESET);
    scene_connection_start(&sink, 3, 500);
    scene_connection_end(&sink, 3, 600, MITM__END_CAUSE__CONNECTION_ERROR);
    scene_socks(&sink, 4, 650, 1, "c.example", 80);
    scene_connection_end(&sink, 4, 700, MITM__END_CAUSE__FIN);
    EVENT_NEW(record, ev, 800000000, Violation, VIOLATION, violation);
    EVENT_SET(ev, direction, MITM__DIRECTION__TO_CLIENT);
    ev.detail = (char[]){"<i>"};
    record.has_session = true;
    record.session = 5;
    record.has_connection = true;
    record.connection = 5;
    event_emit(&sink, &record);
    find(NULL, 0);
    cr_assert_eq(failures.count, 8);
    expect(0, FAILURE_STATUS, 2, 200, "b.example:8080", "The server answered 404 OK to GET /<b>.");
    expect(1, FAILURE_RESPONSE, 2, 300, "b.example:8080",
           "The response was cut off: GET /<b> (after 7 bytes of its body).");
    expect(2, FAILURE_RESPONSE, 2, 400, "b.example:8080", "There was no response: GET /never.");
    expect(3, FAILURE_CONNECTION, 2, 400, "b.example:8080", "The connection was reset.");
    expect(4, FAILURE_CONNECTION, 3, 600, "", "The connection failed.");
    expect(5, FAILURE_SOCKS, 4, 700, "c.example:80", "The connection ended before the SOCKS request was answered.");
    expect(6, FAILURE_PROTOCOL, 5, 800, "", "The server broke the protocol: unknown violation: <i>.");
    expect(7, FAILURE_SOCKS, 1, 900, "a.example:80", "The SOCKS request failed: host unreachable (04).");
}

Test(failures, who_reset_the_connection)
{
    EVENT_NEW(record, ev, 10000000, EndOfStream, END_OF_STREAM, end_of_stream);
    EVENT_SET(ev, direction, MITM__DIRECTION__TO_CLIENT);
    EVENT_SET(ev, cause, MITM__END_CAUSE__RESET);
    record.has_session = true;
    record.session = 5;
    record.has_connection = true;
    record.connection = 1;
    event_emit(&sink, &record);
    scene_connection_end(&sink, 1, 20, MITM__END_CAUSE__RESET);
    find(NULL, 0);
    cr_assert_eq(failures.count, 1);
    expect(0, FAILURE_CONNECTION, 1, 20, "", "The connection was reset by the server.");
}

Test(failures, no_more_than_asked_for_and_only_of_those_shown)
{
    for (uint32_t id = 1; id <= 100; id++) {
        scene_socks(&sink, id, 1000 - id, 1, "a.example", 80);
        scene_reply(&sink, id, 1000 - id, 1);
    }
    find(NULL, 10);
    cr_expect_eq(failures.count, 10);
    cr_expect_eq(failures.left_out, 90);
    cr_expect_eq(failures.list[0].connection, 100);
    cr_expect_eq(failures.list[9].connection, 91);
    failures_fini(&failures);
    bool shown[100] = {[41] = true};
    find(shown, 10);
    cr_assert_eq(failures.count, 1);
    cr_expect_eq(failures.list[0].connection, 42);
    cr_expect_eq(failures.list[0].index, 41);
    cr_expect_eq(failures.left_out, 0);
}

static const Mitm__Direction UP = MITM__DIRECTION__TO_SERVER, DOWN = MITM__DIRECTION__TO_CLIENT;

static char *class_words(const struct failure_class *class)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    cr_assert_not_null(out);
    failures_print_class(out, class);
    fclose(out);
    return text;
}

Test(failures, of_tls_and_http2)
{
    scene_handshake(&sink, 1, 10, true); /* refused by the client, which did not like the certificate */
    scene_alert(&sink, 1, 120, UP, 2, 48);
    scene_connection_end(&sink, 1, 130, MITM__END_CAUSE__FIN);
    scene_client_hello(&sink, 2, 140, "a.test"); /* never answered */
    scene_connection_end(&sink, 2, 200, MITM__END_CAUSE__FIN);
    scene_stream(&sink, 3, 1, 210, 1, "a.test", "/refused");
    scene_stream(&sink, 3, 2, 210, 3, "a.test", "/unwanted");
    scene_stream(&sink, 3, 3, 210, 5, "a.test", "/whole");
    scene_stream(&sink, 3, 4, 210, 7, "a.test", "/odd");
    scene_response(&sink, 3, 3, 220, 200);
    scene_response_end(&sink, 3, 3, 225, 5, MITM__HTTP_END_CAUSE__END_STREAM);
    scene_reset(&sink, 3, 230, DOWN, 1, 7);
    scene_reset(&sink, 3, 240, UP, 3, 8);
    scene_reset(&sink, 3, 250, DOWN, 5, 0); /* after its response: nothing failed */
    scene_reset(&sink, 3, 260, UP, 7, 99);
    scene_go_away(&sink, 3, 270, DOWN, 0); /* nor here */
    scene_go_away(&sink, 3, 280, UP, 1);
    scene_connection_end(&sink, 3, 300, MITM__END_CAUSE__FIN);
    scene_client_hello(&sink, 4, 310, "a.test"); /* still going on */
    scene_alert(&sink, 4, 320, DOWN, 1, 112);
    find(NULL, 0);
    cr_assert_eq(failures.count, 6);
    expect(0, FAILURE_TLS_CLIENT, 1, 120, "", "The client gave up TLS: unknown_ca (48).");
    expect(1, FAILURE_TLS_END, 2, 200, "", "The connection ended before the TLS handshake did.");
    expect(2, FAILURE_STREAM_SERVER, 3, 230, "", "The server reset the stream, REFUSED_STREAM (7): GET /refused.");
    expect(3, FAILURE_CANCELED, 3, 240, "", "The client canceled GET /unwanted.");
    expect(4, FAILURE_STREAM_CLIENT, 3, 260, "", "The client reset the stream, unknown code (99): GET /odd.");
    expect(5, FAILURE_GO_AWAY_CLIENT, 3, 280, "", "The client gave up the HTTP/2 connection: PROTOCOL_ERROR (1).");
    static const char *const expected[] = {"TLS: handshake not finished",
                                           "TLS alert of the client: unknown_ca (48)",
                                           "stream reset by the client: unknown code (99)",
                                           "stream reset by the server: REFUSED_STREAM (7)",
                                           "HTTP/2 given up by the client: PROTOCOL_ERROR (1)",
                                           "canceled by the client"};
    size_t n;
    struct failure_class *classes = failures_classes(model_session(model, 0), &n);
    cr_assert_eq(n, 6);
    for (size_t i = 0; i < n; i++) {
        char *words = class_words(&classes[i]);
        cr_expect_str_eq(words, expected[i]);
        free(words);
    }
    free(classes);
}
