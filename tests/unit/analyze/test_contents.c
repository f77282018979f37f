/* How large bodies are decoded, as the model finds out from what was recorded of them. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "analyze/connections.h"
#include "analyze/fold_contents.h"
#include "scene.h"

/* printf 'Hello, Hello, Hello, Hello!' | gzip -9n (GNU gzip 1.12) */
static const uint8_t hello[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03,
                                0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0xd7, 0x51, 0xf0, 0xc0, 0xa4,
                                0x14, 0x01, 0x69, 0x90, 0xda, 0x97, 0x1b, 0x00, 0x00, 0x00};
enum { HELLO_BYTES = 27 };

static struct model *model;
static struct event_sink sink;

static void begin_with(bool decode_contents)
{
    model = model_new(&(struct model_options){.decode_contents = decode_contents});
    sink = scene_to_model(model);
    scene_session_start(&sink, 1);
}

static void setup(void)
{
    begin_with(true);
}

static void teardown(void)
{
    model_free(model);
}

TestSuite(contents, .init = setup, .fini = teardown);

static void head(uint32_t exchange, const char *codings, const char *more)
{
    scene_request(&sink, 1, exchange, 1, "/");
    scene_response(&sink, 1, exchange, 2, 200);
    scene_fields(&sink, 1, exchange, 2, true,
                 (const char *const[]){"content-encoding", codings, more ? "Content-Encoding" : NULL, more});
}

/* `recorded` of the `len` bytes at `data`, which are at `offset` of the body. */
static void piece(uint32_t exchange, uint64_t offset, const uint8_t *data, size_t len, size_t recorded)
{
    EVENT_NEW(record, ev, 3, HttpResponseBody, HTTP_RESPONSE_BODY, http_response_body);
    EVENT_SET(record, connection, 1);
    EVENT_SET(record, exchange, exchange);
    EVENT_SET(record, session, 1);
    EVENT_SET(ev, offset_bytes, offset);
    EVENT_SET(ev, len_bytes, len);
    if (recorded > 0)
        EVENT_SET_BYTES(ev, data, data, recorded);
    event_emit(&sink, &record);
}

static void finish(uint32_t exchange, uint64_t body_bytes)
{
    scene_response_end(&sink, 1, exchange, 9, body_bytes, MITM__HTTP_END_CAUSE__CONTENT_LENGTH);
}

static int64_t decoded_bytes(uint32_t exchange)
{
    const struct model_session *session = model_session(model, model_session_count(model) - 1);
    const struct model_exchange *x = model_first_exchange(session, model_connection(session, 0));
    while (x && x->id != exchange)
        x = model_next_exchange(session, x);
    cr_assert(x);
    return x->decoded_bytes;
}

/* A whole response in pieces of so many bytes. */
static int64_t decoded_in(uint32_t exchange, const char *codings, size_t size)
{
    head(exchange, codings, NULL);
    for (size_t at = 0; at < sizeof hello; at += size) {
        size_t n = sizeof hello - at < size ? sizeof hello - at : size;
        piece(exchange, at, hello + at, n, n);
    }
    finish(exchange, sizeof hello);
    return decoded_bytes(exchange);
}

Test(contents, recorded_whole)
{
    cr_assert_eq(decoded_in(1, "gzip", sizeof hello), HELLO_BYTES);
    cr_assert_eq(decoded_in(2, "gzip", 1), HELLO_BYTES);
    cr_assert_eq(decoded_in(3, "x-gzip, identity", 7), HELLO_BYTES);
}

Test(contents, without_or_with_another_coding)
{
    cr_assert_eq(decoded_in(1, "identity", 7), MODEL_NONE);
    cr_assert_eq(decoded_in(2, "", 7), MODEL_NONE);
    cr_assert_eq(decoded_in(3, "br", 7), MODEL_NONE);
    cr_assert_eq(decoded_in(4, "gzip, unheard-of", 7), MODEL_NONE);
    cr_assert_eq(decoded_in(5, "gzip, gzip", 7), MODEL_NONE);
}

/* RFC 9110, 5.3: several fields are one list. */
Test(contents, several_fields)
{
    uint8_t outer[100];
    z_stream zlib = {
        .next_in = (Bytef *)(uintptr_t)hello, .avail_in = sizeof hello, .next_out = outer, .avail_out = 100};
    cr_assert_eq(deflateInit(&zlib, 9), Z_OK);
    cr_assert_eq(deflate(&zlib, Z_FINISH), Z_STREAM_END);
    deflateEnd(&zlib);
    head(1, "gzip", "deflate");
    piece(1, 0, outer, 100 - zlib.avail_out, 100 - zlib.avail_out);
    finish(1, 100 - zlib.avail_out);
    cr_assert_eq(decoded_bytes(1), HELLO_BYTES);
}

/* Exchange 1: the body limit cut a piece; 2: the first one; 3: a piece is missing; 4: it is not recorded at all; 5: the
 * end says that there was more; 6: twice the same piece; 7: the first one came at another offset. */
Test(contents, not_recorded_whole)
{
    for (uint32_t exchange = 1; exchange <= 7; exchange++)
        head(exchange, "gzip", NULL);
    piece(1, 0, hello, 20, 20);
    piece(1, 20, hello + 20, 10, 9);
    piece(2, 0, hello, 20, 0);
    piece(2, 20, hello + 20, 10, 10);
    piece(3, 0, hello, 15, 15);
    piece(3, 20, hello + 20, 10, 10);
    piece(5, 0, hello, 30, 30);
    piece(6, 0, hello, 30, 30);
    piece(6, 0, hello, 30, 30);
    piece(7, 1, hello, 30, 30);
    for (uint32_t exchange = 1; exchange <= 7; exchange++) {
        finish(exchange, exchange == 5 ? 31 : 30);
        cr_assert_eq(decoded_bytes(exchange), MODEL_NONE, "%u", exchange);
    }
}

Test(contents, not_ended)
{
    static const Mitm__HttpEndCause causes[] = {MITM__HTTP_END_CAUSE__TRUNCATED, MITM__HTTP_END_CAUSE__NOT_FOLLOWED,
                                                MITM__HTTP_END_CAUSE__STREAM_RESET, MITM__HTTP_END_CAUSE__NO_BODY};
    head(1, "gzip", NULL);
    piece(1, 0, hello, 29, 29);
    finish(1, 29);
    cr_assert_eq(decoded_bytes(1), MODEL_NONE);
    for (uint32_t i = 0; i < 4; i++) {
        head(2 + i, "gzip", NULL);
        piece(2 + i, 0, hello, 30, 30);
        scene_response_end(&sink, 1, 2 + i, 9, 30, causes[i]);
        cr_assert_eq(decoded_bytes(2 + i), MODEL_NONE, "%u", i);
    }
    head(6, "gzip", NULL);
    scene_response_end(&sink, 1, 6, 9, 0, MITM__HTTP_END_CAUSE__CONTENT_LENGTH);
    cr_assert_eq(decoded_bytes(6), MODEL_NONE);
    head(7, "gzip", NULL); /* no end at all: forgotten with the session */
    piece(7, 0, hello, 30, 30);
    scene_session_start(&sink, 2);
    cr_assert_eq(model_session_count(model), 2);
}

/* The first report counts: another head, and what comes behind the end, change nothing. */
Test(contents, events_that_come_twice)
{
    head(1, "gzip", NULL);
    piece(1, 0, hello, 20, 20);
    head(1, "br", NULL);
    piece(1, 20, hello + 20, 10, 10);
    finish(1, 30);
    head(1, "gzip", NULL);
    finish(1, 30);
    cr_assert_eq(decoded_bytes(1), HELLO_BYTES);
}

Test(contents, interleaved)
{
    for (uint32_t exchange = 1; exchange <= FOLD_CONTENTS_OPEN + 1; exchange++)
        head(exchange, "gzip", NULL);
    for (size_t at = 0; at < sizeof hello; at++)
        for (uint32_t exchange = 1; exchange <= FOLD_CONTENTS_OPEN + 1; exchange++)
            piece(exchange, at, hello + at, 1, 1);
    for (uint32_t exchange = 1; exchange <= FOLD_CONTENTS_OPEN + 1; exchange++) {
        finish(exchange, sizeof hello);
        cr_assert_eq(decoded_bytes(exchange), exchange <= FOLD_CONTENTS_OPEN ? HELLO_BYTES : MODEL_NONE);
    }
    cr_assert_eq(decoded_in(FOLD_CONTENTS_OPEN + 2, "gzip", 30), HELLO_BYTES);
}

/* Bodies of 64 MiB of zeros: each is within its own limits, all together are not. */
Test(contents, many_bombs)
{
    enum { ZEROS = 64 << 20, ROOM = 1 << 17, MOST = 1 << 30 };
    uint8_t *zeros = calloc(1, ZEROS), *body = malloc(ROOM);
    cr_assert(zeros && body);
    z_stream zlib = {.next_in = zeros, .avail_in = ZEROS, .next_out = body, .avail_out = ROOM};
    cr_assert_eq(deflateInit2(&zlib, 6, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    cr_assert_eq(deflate(&zlib, Z_FINISH), Z_STREAM_END);
    deflateEnd(&zlib);
    free(zeros);
    size_t len = ROOM - zlib.avail_out;
    uint32_t known = 0;
    for (uint32_t exchange = 1; exchange <= 40; exchange++) {
        head(exchange, "deflate", NULL);
        for (size_t at = 0; at < len; at += 16384)
            piece(exchange, at, body + at, len - at < 16384 ? len - at : 16384, len - at < 16384 ? len - at : 16384);
        finish(exchange, len);
        known += decoded_bytes(exchange) == ZEROS;
        cr_assert(decoded_bytes(exchange) == ZEROS || decoded_bytes(exchange) == MODEL_NONE);
    }
    free(body);
    cr_assert_eq(known, MOST / ZEROS, "%u", known);
}

Test(contents, not_asked_for)
{
    teardown();
    begin_with(false);
    cr_assert_eq(decoded_in(1, "gzip", 30), MODEL_NONE);
}

Test(contents, shown_beside_the_size_transferred)
{
    decoded_in(1, "gzip", 30);
    const struct model_session *session = model_session(model, 0);
    size_t count, shown = 0;
    struct connections_line *lines = connections_lines_new(session, model_connection(session, 0), false, &count);
    for (size_t i = 0; i < count; i++)
        shown += strcmp(lines[i].event, "HttpResponseEnd") == 0 && strcmp(lines[i].value, "30 (27 decoded)") == 0;
    connections_lines_free(lines, count);
    cr_assert_eq(shown, 1);
}
