/* Whatever is sent: events and memory are bounded, and nothing is lost in counting. */
#include <criterion/criterion.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/decode/app.h"
#include "event_log.h"

#define READ_BYTES ((size_t)65536)
/* What a decoder may take, whatever is sent: see http1.h. */
#define MEMORY_MAX_BYTES ((size_t)3 * 1024 * 1024)

#define TO_SERVER MITM__DIRECTION__TO_SERVER
#define TO_CLIENT MITM__DIRECTION__TO_CLIENT

/* Counts events and keeps the latest figures, and no more, so that memory can be measured. */
struct counter {
    struct event_sink sink;
    size_t events[MITM__RECORD__EVENT_HTTP_INFORMATIONAL + 1];
    uint64_t opaque_bytes;
    uint64_t body_bytes, chunks, data_bytes;
    uint64_t target_bytes, omitted;
    size_t headers;
    uint64_t reason_bytes;
    uint64_t largest_bytes;
    Mitm__ViolationKind violation;
    uint64_t violation_offset;
    uint32_t exchange;
};

static void count(void *ctx, Mitm__Record *record)
{
    struct counter *counter = ctx;
    size_t size = event_encoded_size(record);
    counter->largest_bytes = size > counter->largest_bytes ? size : counter->largest_bytes;
    counter->events[record->event_case]++;
    counter->exchange = record->exchange;
    switch ((int)record->event_case) {
    case MITM__RECORD__EVENT_OPAQUE_DATA:
        counter->opaque_bytes += record->opaque_data->len_bytes;
        break;
    case MITM__RECORD__EVENT_HTTP_RESPONSE_BODY:
        counter->body_bytes += record->http_response_body->len_bytes;
        counter->chunks += record->http_response_body->chunks;
        counter->data_bytes += record->http_response_body->data.len;
        break;
    case MITM__RECORD__EVENT_HTTP_REQUEST_START:
        counter->target_bytes = record->http_request_start->target.len;
        counter->omitted = record->http_request_start->target_omitted_bytes;
        break;
    case MITM__RECORD__EVENT_HTTP_REQUEST_HEADERS:
        counter->headers = record->http_request_headers->n_headers;
        counter->omitted = record->http_request_headers->omitted;
        break;
    case MITM__RECORD__EVENT_HTTP_RESPONSE_START:
        counter->reason_bytes = record->http_response_start->reason.len;
        break;
    case MITM__RECORD__EVENT_VIOLATION:
        counter->violation = record->violation->kind;
        counter->violation_offset = record->violation->offset_bytes;
        break;
    default:
        break;
    }
}

static struct counter counter;
static struct app *app;
static size_t memory_at_start, memory_max;

static void note_memory(void)
{
    size_t used = mallinfo2().uordblks + mallinfo2().hblkhd;
    memory_max = used > memory_max ? used : memory_max;
}

static void start(uint64_t body_limit_bytes)
{
    counter = (struct counter){.sink = {.emit = count, .ctx = &counter}};
    memory_at_start = mallinfo2().uordblks + mallinfo2().hblkhd;
    memory_max = memory_at_start;
    app = app_new(&counter.sink, body_limit_bytes, NULL);
}

static void finish(void)
{
    app_free(app);
    cr_assert(memory_max - memory_at_start < MEMORY_MAX_BYTES, "%zu bytes", memory_max - memory_at_start);
    cr_assert(counter.largest_bytes <= EVENT_MAX_BYTES);
}

static void feed(Mitm__Direction direction, const char *text)
{
    app_feed(app, direction, 1, (const uint8_t *)text, strlen(text));
    note_memory();
}

/* Feed `text` again and again, `n` times, in reads of a usual size. */
static void feed_many(Mitm__Direction direction, const char *text, size_t n)
{
    static uint8_t read[READ_BYTES];
    size_t len = strlen(text);
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        if (used + len > sizeof read) {
            app_feed(app, direction, 1, read, used);
            note_memory();
            used = 0;
        }
        memcpy(read + used, text, len);
        used += len;
    }
    app_feed(app, direction, 1, read, used);
    note_memory();
}

static size_t events(Mitm__Record__EventCase kind)
{
    return counter.events[kind];
}

Test(bounds, a_million_header_fields)
{
    start(0);
    feed(TO_SERVER, "GET / HTTP/1.1\r\n");
    feed_many(TO_SERVER, "a: b\r\n", 1000000);
    feed(TO_SERVER, "\r\n");
    cr_assert_eq(events(MITM__RECORD__EVENT_HTTP_REQUEST_END), 1);
    cr_assert_eq(counter.headers, 512);
    cr_assert_eq(counter.omitted, 1000000 - 512);
    finish();
}

Test(bounds, fields_of_64_kib)
{
    char field[1025];
    memset(field, 'x', sizeof field);
    memcpy(field, "a: ", 3);
    strcpy(field + 1022, "\r\n");
    start(0);
    feed(TO_SERVER, "GET / HTTP/1.1\r\n");
    feed_many(TO_SERVER, field, 100); /* 1024 bytes each: 64 of them are 64 KiB */
    feed(TO_SERVER, "\r\n");
    cr_assert_eq(counter.headers, 64);
    cr_assert_eq(counter.omitted, 36);
    finish();
}

Test(bounds, a_field_line_of_ten_megabytes)
{
    start(0);
    feed(TO_SERVER, "GET / HTTP/1.1\r\nHost: a\r\nLong: ");
    feed_many(TO_SERVER, "0123456789", 1000000);
    feed(TO_SERVER, "\r\nLate: b\r\n\r\n");
    cr_assert_eq(counter.headers, 1);
    cr_assert_eq(counter.omitted, 2);
    finish();
}

Test(bounds, a_target_of_ten_megabytes)
{
    start(0);
    feed(TO_SERVER, "GET /");
    feed_many(TO_SERVER, "0123456789", 1000000);
    feed(TO_SERVER, " HTTP/1.1\r\n");
    cr_assert_eq(counter.target_bytes, 16384);
    cr_assert_eq(counter.omitted, 10000001 - 16384);
    feed(TO_SERVER, "\r\n");
    cr_assert_eq(events(MITM__RECORD__EVENT_HTTP_REQUEST_END), 1);
    finish();
}

Test(bounds, an_endless_start_line)
{
    start(0);
    feed(TO_SERVER, "GET /");
    feed_many(TO_SERVER, "0123456789", 1000000);
    app_end(app, TO_SERVER, 2, MITM__END_CAUSE__FIN);
    cr_assert_eq(events(MITM__RECORD__EVENT_HTTP_REQUEST_START), 0);
    cr_assert_eq(counter.violation, MITM__VIOLATION_KIND__HTTP_TRUNCATED);
    cr_assert_eq(counter.violation_offset, 10000005);
    finish();
}

Test(bounds, a_reason_phrase_of_ten_megabytes)
{
    start(0);
    feed(TO_SERVER, "GET / HTTP/1.1\r\n\r\n");
    feed(TO_CLIENT, "HTTP/1.1 200 ");
    feed_many(TO_CLIENT, "0123456789", 1000000);
    feed(TO_CLIENT, "\r\n");
    cr_assert_eq(counter.reason_bytes, 1024);
    finish();
}

Test(bounds, a_body_of_a_gibibyte)
{
    static const uint8_t zeros[READ_BYTES];
    start(65536);
    feed(TO_SERVER, "GET / HTTP/1.1\r\n\r\n");
    feed(TO_CLIENT, "HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n");
    for (size_t i = 0; i < 1073741824 / READ_BYTES; i++) {
        cr_assert_eq(events(MITM__RECORD__EVENT_HTTP_RESPONSE_END), 0);
        app_feed(app, TO_CLIENT, 1, zeros, sizeof zeros);
        note_memory();
    }
    cr_assert_eq(events(MITM__RECORD__EVENT_HTTP_RESPONSE_END), 1);
    cr_assert_eq(events(MITM__RECORD__EVENT_HTTP_RESPONSE_BODY), 16384); /* one for each read */
    cr_assert_eq(counter.body_bytes, 1073741824);
    cr_assert_eq(counter.data_bytes, 65536);
    finish();
}

Test(bounds, a_flood_of_chunks_is_one_event)
{
    char read[READ_BYTES];
    size_t n = sizeof read / 6;
    for (size_t i = 0; i < n; i++) {
        memcpy(read + 6 * i, "1\r\nx\r\n", 6);
    }
    start(APP_BODY_UNLIMITED);
    feed(TO_SERVER, "GET / HTTP/1.1\r\n\r\n");
    feed(TO_CLIENT, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    app_feed(app, TO_CLIENT, 1, (const uint8_t *)read, 6 * n);
    cr_assert_eq(events(MITM__RECORD__EVENT_HTTP_RESPONSE_BODY), 1);
    cr_assert_eq(counter.body_bytes, n);
    cr_assert_eq(counter.data_bytes, n);
    cr_assert_eq(counter.chunks, n);
    finish();
}

Test(bounds, pipelined_requests_without_an_answer)
{
    start(0);
    feed_many(TO_SERVER, "GET / HTTP/1.1\r\n\r\n", 100000); /* 18 bytes each */
    cr_assert_eq(events(MITM__RECORD__EVENT_HTTP_REQUEST_START), 1024);
    cr_assert_eq(events(MITM__RECORD__EVENT_VIOLATION), 1);
    cr_assert_eq(counter.violation, MITM__VIOLATION_KIND__HTTP_TOO_MANY_REQUESTS);
    cr_assert_eq(counter.violation_offset, 1024 * 18);
    cr_assert_eq(counter.opaque_bytes, (100000 - 1024) * 18);
    feed_many(TO_CLIENT, "HTTP/1.1 204 No Content\r\n\r\n", 1025);
    cr_assert_eq(events(MITM__RECORD__EVENT_HTTP_RESPONSE_END), 1025);
    cr_assert_eq(counter.exchange, 0); /* of the last one nobody knows the request */
    finish();
}

Test(bounds, pipelined_requests_with_answers)
{
    start(0);
    for (size_t i = 0; i < 100; i++) {
        feed_many(TO_SERVER, "GET / HTTP/1.1\r\n\r\n", 1000);
        feed_many(TO_CLIENT, "HTTP/1.1 204 No Content\r\n\r\n", 1000);
    }
    cr_assert_eq(events(MITM__RECORD__EVENT_HTTP_REQUEST_END), 100000);
    cr_assert_eq(events(MITM__RECORD__EVENT_HTTP_RESPONSE_END), 100000);
    cr_assert_eq(events(MITM__RECORD__EVENT_VIOLATION), 0);
    cr_assert_eq(counter.exchange, 100000);
    finish();
}

Test(bounds, requests_go_on_when_responses_are_lost)
{
    start(0);
    feed(TO_SERVER, "GET / HTTP/1.1\r\n\r\n");
    feed(TO_CLIENT, "nonsense");
    feed_many(TO_SERVER, "GET / HTTP/1.1\r\n\r\n", 5000);
    cr_assert_eq(events(MITM__RECORD__EVENT_HTTP_REQUEST_END), 5001);
    cr_assert_eq(events(MITM__RECORD__EVENT_VIOLATION), 1);
    finish();
}

Test(bounds, held_bytes)
{
    start(0);
    feed(TO_SERVER, "CONNECT a:1 HTTP/1.1\r\n\r\n"); /* 24 bytes */
    for (size_t i = 0; i < 65536; i++) {
        app_feed(app, TO_SERVER, i, (const uint8_t *)"x", 1);
        note_memory();
    }
    cr_assert_eq(events(MITM__RECORD__EVENT_VIOLATION), 0);
    feed(TO_SERVER, "x");
    cr_assert_eq(counter.violation, MITM__VIOLATION_KIND__HTTP_OTHER);
    cr_assert_eq(counter.violation_offset, 24);
    cr_assert_eq(counter.opaque_bytes, 65537);
    feed(TO_CLIENT, "HTTP/1.1 200 OK\r\n\r\nabc");
    cr_assert_eq(counter.opaque_bytes, 65540);
    cr_assert_eq(events(MITM__RECORD__EVENT_VIOLATION), 1);
    finish();
}

Test(bounds, large_input_gives_records_that_can_be_written)
{
    size_t len = (size_t)5 * 1024 * 1024;
    uint8_t *data = calloc(1, len);
    start(APP_BODY_UNLIMITED);
    feed(TO_SERVER, "GET / HTTP/1.0\r\n\r\n");
    feed(TO_CLIENT, "HTTP/1.0 200 OK\r\n\r\n");
    app_feed(app, TO_CLIENT, 1, data, len);
    cr_assert_eq(counter.data_bytes, len);
    free(data);
    finish();
}

Test(bounds, memory_of_an_idle_connection)
{
    start(65536);
    note_memory();
    cr_assert(memory_max - memory_at_start < 256, "%zu bytes undecided", memory_max - memory_at_start);
    feed(TO_SERVER, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    feed(TO_CLIENT, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    size_t idle = mallinfo2().uordblks - memory_at_start;
    /* With what malloc keeps of the blocks that were freed. */
    cr_assert(idle < 1536, "%zu bytes idle", idle);
    finish();
}
