/* Whatever an HTTP/2 peer sends: events, memory and time are bounded, and a flood is one Violation. */
#include <criterion/criterion.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "capture/decode/http2/http2.h"

#define TO_SERVER MITM__DIRECTION__TO_SERVER
#define TO_CLIENT MITM__DIRECTION__TO_CLIENT
#define SECOND_NS UINT64_C(1000000000)

enum { DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION };
enum { END_STREAM = 1, END_HEADERS = 4 };

/* Counts events and keeps the latest figures, and no more, so that memory can be measured. */
struct counter {
    struct event_sink sink;
    size_t events[MITM__RECORD__EVENT_WEB_SOCKET_MESSAGE + 1];
    uint64_t opaque_bytes, body_bytes, chunks, data_bytes, largest_bytes, field_bytes;
    uint64_t target_bytes, target_omitted, scheme_bytes, authority_bytes;
    size_t headers, settings, debug_bytes;
    uint32_t omitted, exchange;
    Mitm__ViolationKind violation;
    uint64_t violation_offset;
};

static struct counter counter;
static struct http2 *http2;
static size_t memory_at_start, memory_max;
static uint64_t now_ns;
static uint64_t sent[2];

static void count_request_start(const Mitm__HttpRequestStart *ev)
{
    counter.target_bytes = ev->target.len;
    counter.target_omitted = ev->target_omitted_bytes;
    counter.scheme_bytes = ev->scheme.len;
    counter.authority_bytes = ev->authority.len;
}

static void count_headers(const Mitm__HttpRequestHeaders *ev)
{
    counter.headers = ev->n_headers;
    counter.omitted = ev->omitted;
    for (size_t i = 0; i < ev->n_headers; i++) {
        counter.field_bytes += ev->headers[i]->name.len + ev->headers[i]->value.len;
    }
}

static void count(void *ctx, Mitm__Record *record)
{
    (void)ctx;
    size_t size = event_encoded_size(record);
    counter.largest_bytes = size > counter.largest_bytes ? size : counter.largest_bytes;
    counter.events[record->event_case]++;
    counter.exchange = record->exchange;
    switch ((int)record->event_case) {
    case MITM__RECORD__EVENT_OPAQUE_DATA:
        counter.opaque_bytes += record->opaque_data->len_bytes;
        break;
    case MITM__RECORD__EVENT_HTTP_RESPONSE_BODY:
        counter.body_bytes += record->http_response_body->len_bytes;
        counter.chunks += record->http_response_body->chunks;
        counter.data_bytes += record->http_response_body->data.len;
        break;
    case MITM__RECORD__EVENT_HTTP_REQUEST_START:
        count_request_start(record->http_request_start);
        break;
    case MITM__RECORD__EVENT_HTTP_REQUEST_HEADERS:
        count_headers(record->http_request_headers);
        break;
    case MITM__RECORD__EVENT_HTTP2_SETTINGS:
        counter.settings = record->http2_settings->n_settings;
        break;
    case MITM__RECORD__EVENT_HTTP2_GO_AWAY:
        counter.debug_bytes = record->http2_go_away->debug.len;
        break;
    case MITM__RECORD__EVENT_VIOLATION:
        counter.violation = record->violation->kind;
        counter.violation_offset = record->violation->offset_bytes;
        break;
    default:
        break;
    }
}

static size_t memory_used(void)
{
    return mallinfo2().uordblks + mallinfo2().hblkhd;
}

static void feed(Mitm__Direction direction, const void *data, size_t len)
{
    http2_feed(http2, direction, now_ns, data, len);
    sent[direction == TO_SERVER ? 0 : 1] += len;
    size_t used = memory_used();
    memory_max = used > memory_max ? used : memory_max;
}

static void frame(Mitm__Direction direction, int type, int flags, uint32_t stream, const void *payload, size_t len)
{
    uint8_t *bytes = malloc(9 + len);
    const uint8_t header[9] = {(uint8_t)(len >> 16),    (uint8_t)(len >> 8),    (uint8_t)len,
                               (uint8_t)type,           (uint8_t)flags,         (uint8_t)(stream >> 24),
                               (uint8_t)(stream >> 16), (uint8_t)(stream >> 8), (uint8_t)stream};
    memcpy(bytes, header, 9);
    if (len > 0) {
        memcpy(bytes + 9, payload, len);
    }
    feed(direction, bytes, 9 + len);
    free(bytes);
}

static void start(uint64_t body_limit_bytes)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    counter = (struct counter){.sink = {.emit = count}};
    now_ns = 1;
    sent[0] = sent[1] = 0;
    memory_at_start = memory_max = memory_used();
    http2 = http2_new(&counter.sink, body_limit_bytes);
    feed(TO_SERVER, preface, 24);
    frame(TO_SERVER, SETTINGS, 0, 0, NULL, 0);
    frame(TO_CLIENT, SETTINGS, 0, 0, NULL, 0);
}

static void finish(size_t most_bytes)
{
    http2_free(http2);
    cr_assert(memory_max - memory_at_start < most_bytes, "%zu bytes", memory_max - memory_at_start);
    cr_assert(counter.largest_bytes <= EVENT_MAX_BYTES);
}

static size_t events(Mitm__Record__EventCase kind)
{
    return counter.events[kind];
}

static size_t all_events(void)
{
    size_t all = 0;
    for (size_t i = 0; i < sizeof counter.events / sizeof *counter.events; i++) {
        all += counter.events[i];
    }
    return all;
}

/* ":method: GET", ":scheme: http", ":path: /" (RFC 7541, A). */
static const uint8_t get[] = {0x82, 0x86, 0x84};
static const uint8_t ok[] = {0x88};

static void request(uint32_t stream, bool end)
{
    frame(TO_SERVER, HEADERS, END_HEADERS | (end ? END_STREAM : 0), stream, get, sizeof get);
}

static void respond(uint32_t stream, bool end)
{
    frame(TO_CLIENT, HEADERS, END_HEADERS | (end ? END_STREAM : 0), stream, ok, sizeof ok);
}

/* Append a literal without indexing (0x00) or with it (0x40): name and value of `value_len` bytes. */
static size_t literal(uint8_t *out, uint8_t kind, const char *name, size_t value_len)
{
    size_t n = 0;
    out[n++] = kind;
    out[n++] = (uint8_t)strlen(name);
    memcpy(out + n, name, strlen(name));
    n += strlen(name);
    out[n++] = 127; /* RFC 7541, 5.1 */
    for (size_t rest = value_len - 127;; rest >>= 7) {
        out[n++] = (uint8_t)(rest > 127 ? 0x80 | (rest & 127) : rest);
        if (rest <= 127) {
            break;
        }
    }
    memset(out + n, 'v', value_len);
    return n + value_len;
}

/* After a Violation: the rest is counted, and nothing else happens. */
static void assert_flood(Mitm__Direction direction, Mitm__ViolationKind kind)
{
    int i = direction == TO_SERVER ? 0 : 1;
    cr_assert_eq(events(MITM__RECORD__EVENT_VIOLATION), 1);
    cr_assert_eq(counter.violation, kind);
    cr_assert_eq(counter.opaque_bytes, sent[i] - counter.violation_offset);
    size_t before = all_events();
    size_t memory = memory_used();
    for (int k = 0; k < 1000; k++) {
        frame(direction, PING, 0, 0, "12345678", 8);
    }
    cr_assert_eq(all_events(), before + 1000); /* OpaqueData, one for each read */
    cr_assert(memory_used() <= memory);
}

Test(http2_bounds, control_floods)
{
    static const struct {
        int type, flags, len;
        uint32_t stream;
    } floods[] = {{SETTINGS, 0, 0, 0}, {PING, 0, 8, 0},   {RST_STREAM, 0, 4, 1},
                  {PRIORITY, 0, 5, 9}, {GOAWAY, 0, 8, 0}, {WINDOW_UPDATE, 0, 4, 0},
                  {DATA, 0, 0, 1},     {0x10, 0, 4, 0},   {0xbb, 0, 0, 0}};
    for (size_t i = 0; i < sizeof floods / sizeof *floods; i++) {
        start(0);
        request(1, false);
        for (int k = 0; k < HTTP2_CONTROL_BURST - 1; k++) { /* the SETTINGS before count, too */
            frame(TO_SERVER, floods[i].type, floods[i].flags, floods[i].stream, "\0\0\0\0\0\0\0\0",
                  (size_t)floods[i].len);
        }
        cr_assert_eq(events(MITM__RECORD__EVENT_VIOLATION), 0, "%zu", i);
        uint64_t offset = sent[0];
        frame(TO_SERVER, floods[i].type, floods[i].flags, floods[i].stream, "\0\0\0\0\0\0\0\0", (size_t)floods[i].len);
        cr_assert_eq(counter.violation_offset, offset, "%zu", i);
        assert_flood(TO_SERVER, MITM__VIOLATION_KIND__HTTP2_FLOOD);
        finish((size_t)64 * 1024);
    }
}

Test(http2_bounds, control_frames_at_an_allowed_rate)
{
    start(0);
    for (int i = 0; i < 20000; i++) {
        now_ns += SECOND_NS / HTTP2_CONTROL_PER_S;
        frame(TO_SERVER, PING, 0, 0, "12345678", 8);
    }
    cr_assert_eq(events(MITM__RECORD__EVENT_VIOLATION), 0);
    cr_assert_eq(events(MITM__RECORD__EVENT_HTTP2_PING), 20000);
    finish((size_t)64 * 1024);
}

Test(http2_bounds, window_updates_that_answer_data_are_no_flood)
{
    static const uint8_t data[16384];
    start(0);
    request(1, true);
    respond(1, false);
    for (int i = 0; i < 10000; i++) {
        frame(TO_CLIENT, DATA, 0, 1, data, sizeof data);
        for (int k = 0; k < 8; k++) {
            frame(TO_SERVER, WINDOW_UPDATE, 0, k % 2, "\0\0\x10\0", 4);
        }
    }
    cr_assert_eq(events(MITM__RECORD__EVENT_VIOLATION), 0);
    finish((size_t)64 * 1024);
}

Test(http2_bounds, rapid_reset)
{
    start(0);
    for (uint32_t i = 0; i < 10000; i++) { /* CVE-2023-44487 */
        request(2 * i + 1, true);
        frame(TO_SERVER, RST_STREAM, 0, 2 * i + 1, "\0\0\0\x08", 4);
    }
    cr_assert_eq(events(MITM__RECORD__EVENT_HTTP2_RESET), 1999);
    assert_flood(TO_SERVER, MITM__VIOLATION_KIND__HTTP2_FLOOD);
    finish((size_t)64 * 1024);
}

Test(http2_bounds, continuation_floods)
{
    static uint8_t block[16384];
    start(0);
    frame(TO_SERVER, HEADERS, END_STREAM, 1, get, sizeof get);
    for (int i = 0; i < 2000; i++) { /* empty ones: CVE-2024-27316 and others */
        frame(TO_SERVER, CONTINUATION, 0, 1, NULL, 0);
    }
    assert_flood(TO_SERVER, MITM__VIOLATION_KIND__HTTP2_FLOOD);
    finish((size_t)64 * 1024);
    start(0);
    frame(TO_SERVER, HEADERS, END_STREAM, 1, get, sizeof get);
    size_t len = literal(block, 0x00, "name", 16000);
    for (int i = 0; i < 20; i++) {
        frame(TO_SERVER, CONTINUATION, 0, 1, block, len);
    }
    assert_flood(TO_SERVER, MITM__VIOLATION_KIND__HTTP2_HEADERS);
    finish((size_t)512 * 1024);
}

Test(http2_bounds, a_header_bomb)
{
    static uint8_t block[16384];
    start(0);
    memcpy(block, get, sizeof get);
    size_t len = sizeof get + literal(block + sizeof get, 0x40, "bomb", 4000);
    memset(block + len, 0xbe, 1000); /* the dynamic table's first entry, a thousand times: 4 MB */
    frame(TO_SERVER, HEADERS, END_HEADERS | END_STREAM, 1, block, len + 1000);
    cr_assert_eq(events(MITM__RECORD__EVENT_HTTP_REQUEST_START), 0);
    assert_flood(TO_SERVER, MITM__VIOLATION_KIND__HTTP2_HEADERS);
    finish((size_t)512 * 1024);
}

/* Blocks that inflate to less than what is refused: a session may not grow as they do. */
Test(http2_bounds, header_bombs_in_turn)
{
    static uint8_t block[16384];
    start(0);
    memcpy(block, get, sizeof get);
    size_t len = sizeof get + literal(block + sizeof get, 0x40, "bomb", 4000);
    frame(TO_SERVER, HEADERS, END_HEADERS | END_STREAM, 1, block, len);
    memset(block + sizeof get, 0xbe, 200);
    for (uint32_t i = 1; i < 4000; i++) {
        frame(TO_SERVER, HEADERS, END_HEADERS | END_STREAM, 2 * i + 1, block, sizeof get + 200);
        respond(2 * i + 1, true);
    }
    cr_assert_eq(events(MITM__RECORD__EVENT_HTTP_REQUEST_START), 4000);
    cr_assert_eq(events(MITM__RECORD__EVENT_VIOLATION), 0);
    cr_assert(counter.field_bytes < (4 << 20) + 64 * sent[0], "%lu bytes", (unsigned long)counter.field_bytes);
    finish((size_t)512 * 1024);
}

Test(http2_bounds, what_is_recorded_of_a_head)
{
    static uint8_t block[80000];
    start(0);
    size_t len = 1;
    block[0] = 0x82;
    len += literal(block + len, 0x00, ":path", 20000);
    len += literal(block + len, 0x00, ":scheme", 3000);
    len += literal(block + len, 0x00, ":authority", 1025);
    for (int i = 0; i < 600; i++) {
        memcpy(block + len, "\0\1a\1b", 5);
        len += 5;
    }
    frame(TO_SERVER, HEADERS, END_HEADERS, 1, block, len);
    cr_assert_eq(counter.target_bytes, 16384);
    cr_assert_eq(counter.target_omitted, 20000 - 16384);
    cr_assert_eq(counter.scheme_bytes, 1024);
    cr_assert_eq(counter.authority_bytes, 1024);
    cr_assert_eq(counter.headers, 512);
    cr_assert_eq(counter.omitted, 604 - 512);
    memcpy(block, get, sizeof get);
    len = sizeof get;
    for (int i = 0; i < 3; i++) {
        len += literal(block + len, 0x00, "large", 21000); /* 63,015 bytes with their names; 36 in those before */
    }
    len += literal(block + len, 0x00, "other", 256);
    len += literal(block + len, 0x00, "more", 2300);
    memcpy(block + len, "\0\1a\1b", 5);
    frame(TO_SERVER, HEADERS, END_HEADERS, 3, block, len + 5);
    cr_assert_eq(counter.headers, 7);
    cr_assert_eq(counter.omitted, 2); /* the one that goes beyond 64 KiB, and all behind it */
    finish((size_t)512 * 1024);
}

Test(http2_bounds, many_settings)
{
    static uint8_t settings[6 * 2730];
    for (size_t i = 0; i < sizeof settings; i += 6) {
        memcpy(settings + i, "\0\4\0\1\0\0", 6);
    }
    start(0);
    for (int i = 0; i < 1999; i++) {
        settings[sizeof settings - 1] = settings[1277] = (uint8_t)i;
        frame(TO_SERVER, SETTINGS, 0, 0, settings, sizeof settings);
    }
    cr_assert_eq(counter.settings, 64);
    cr_assert_eq(events(MITM__RECORD__EVENT_VIOLATION), 0);
    frame(TO_CLIENT, GOAWAY, 0, 0, settings, sizeof settings);
    cr_assert_eq(counter.debug_bytes, 1024);
    finish((size_t)64 * 1024);
}

/* SETTINGS_INITIAL_WINDOW_SIZE changes the window of every open stream (RFC 9113, 6.9.2): work without traffic. */
Test(http2_bounds, settings_that_change_many_windows)
{
    uint8_t setting[6] = {0, 4, 0, 1, 0, 0};
    start(0);
    for (uint32_t i = 0; i < HTTP2_STREAMS_MAX; i++) {
        request(2 * i + 1, false);
    }
    for (int i = 0; i < 30; i++) { /* each counts like 65 frames, the SETTINGS before like one */
        setting[5] = (uint8_t)i;
        frame(TO_SERVER, SETTINGS, 0, 0, setting, sizeof setting);
        frame(TO_SERVER, SETTINGS, 0, 0, setting, sizeof setting);
        now_ns += SECOND_NS / HTTP2_CONTROL_PER_S; /* for the second one, which changes nothing */
    }
    cr_assert_eq(events(MITM__RECORD__EVENT_VIOLATION), 0);
    cr_assert_eq(events(MITM__RECORD__EVENT_HTTP2_SETTINGS), 62);
    uint64_t offset = sent[0];
    setting[5] = 30;
    frame(TO_SERVER, SETTINGS, 0, 0, setting, sizeof setting);
    cr_assert_eq(counter.violation_offset, offset);
    cr_assert_eq(events(MITM__RECORD__EVENT_HTTP2_SETTINGS), 62);
    assert_flood(TO_SERVER, MITM__VIOLATION_KIND__HTTP2_FLOOD);
    finish((size_t)2 * 1024 * 1024);
}

Test(http2_bounds, open_streams)
{
    start(0);
    request(1, false);
    size_t before = memory_used();
    for (uint32_t i = 1; i < HTTP2_STREAMS_MAX; i++) {
        request(2 * i + 1, false);
    }
    size_t used = memory_used() - before;
    cr_assert(used < 256 * HTTP2_STREAMS_MAX, "%zu bytes", used);
    cr_assert_eq(events(MITM__RECORD__EVENT_VIOLATION), 0);
    request(2 * HTTP2_STREAMS_MAX + 1, true);
    cr_assert_eq(events(MITM__RECORD__EVENT_HTTP_REQUEST_END), HTTP2_STREAMS_MAX); /* NOT_FOLLOWED */
    assert_flood(TO_SERVER, MITM__VIOLATION_KIND__HTTP2_STREAM);
    finish((size_t)2 * 1024 * 1024);
}

/* A stream too many shows with the client's bytes, not with the server's answer to its incomplete header block. */
Test(http2_bounds, open_streams_and_an_answer)
{
    start(0);
    for (uint32_t i = 0; i < HTTP2_STREAMS_MAX; i++) {
        request(2 * i + 1, false);
    }
    frame(TO_SERVER, HEADERS, END_STREAM, 2 * HTTP2_STREAMS_MAX + 1, "\x82", 1);
    frame(TO_CLIENT, RST_STREAM, 0, 2 * HTTP2_STREAMS_MAX + 1, "\0\0\0\x0b", 4);
    cr_assert_eq(events(MITM__RECORD__EVENT_VIOLATION), 0);
    uint64_t offset = sent[0];
    frame(TO_SERVER, CONTINUATION, END_HEADERS, 2 * HTTP2_STREAMS_MAX + 1, "\x84", 1);
    cr_assert_eq(counter.violation_offset, offset);
    assert_flood(TO_SERVER, MITM__VIOLATION_KIND__HTTP2_STREAM);
    finish((size_t)2 * 1024 * 1024);
}

Test(http2_bounds, requests_go_on_when_responses_are_lost)
{
    start(0);
    frame(TO_CLIENT, CONTINUATION, 0, 1, NULL, 0);
    for (uint32_t i = 0; i < 100000; i++) {
        request(2 * i + 1, true);
    }
    cr_assert_eq(events(MITM__RECORD__EVENT_HTTP_REQUEST_END), 100000);
    finish((size_t)64 * 1024);
}

Test(http2_bounds, responses_without_end_to_requests_that_were_lost)
{
    start(0);
    frame(TO_SERVER, CONTINUATION, 0, 1, NULL, 0);
    for (uint32_t i = 0; i < 2 * HTTP2_STREAMS_MAX; i++) {
        respond(2 * i + 1, false);
    }
    cr_assert_eq(events(MITM__RECORD__EVENT_HTTP_RESPONSE_START), HTTP2_STREAMS_MAX);
    cr_assert_eq(counter.violation, MITM__VIOLATION_KIND__HTTP2_STREAM);
    cr_assert_eq(counter.exchange, 0);
    finish((size_t)2 * 1024 * 1024);
}

Test(http2_bounds, many_small_frames_are_one_event)
{
    static uint8_t read[65000];
    for (size_t i = 0; i < sizeof read; i += 10) {
        memcpy(read + i, "\0\0\1\0\0\0\0\0\1x", 10);
    }
    start(UINT64_MAX);
    request(1, true);
    respond(1, false);
    feed(TO_CLIENT, read, sizeof read);
    cr_assert_eq(events(MITM__RECORD__EVENT_HTTP_RESPONSE_BODY), 1);
    cr_assert_eq(counter.chunks, 6500);
    cr_assert_eq(counter.data_bytes, 6500);
    finish((size_t)256 * 1024);
}

Test(http2_bounds, the_dynamic_table)
{
    uint8_t field[8] = {0x40, 2, 'a', 'a', 1, 'b'};
    start(0);
    frame(TO_SERVER, HEADERS, 0, 1, "\x3f\xe1\xff\x03\x82", 5); /* a table of 64 KiB */
    for (int i = 0; i < 20000; i++) {                           /* entries of 35 bytes */
        field[2] = (uint8_t)('a' + i % 26);
        frame(TO_SERVER, CONTINUATION, 0, 1, field, 6);
    }
    cr_assert_eq(events(MITM__RECORD__EVENT_VIOLATION), 0);
    finish((size_t)1024 * 1024);
}

Test(http2_bounds, an_idle_connection)
{
    start(0);
    request(1, true);
    respond(1, true);
    size_t idle = memory_used() - memory_at_start;
    cr_assert(idle < (size_t)32 * 1024, "%zu bytes", idle);
    finish((size_t)64 * 1024);
}
