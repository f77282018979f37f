/* WebSocket frames of RFC 6455 and what breaks it; each example whole, byte by byte and cut at every place. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "capture/decode/websocket.h"
#include "event_log.h"

#define EXCHANGE  7
#define MAX_BYTES 70000
#define MAX_STEPS 8

/* Where the decoder's offsets begin in each direction. */
static const uint64_t offsets[2] = {1000, 2000};

/*
 * What is sent: lines "> 81 00" (by the client; < by the server) of bytes, a byte and * and a number being so many of
 * them. What must come of it: the lines of event_log.h, where >3 stands for the time of the client's fourth byte and @3
 * for its offset.
 */
struct example {
    const char *sent;
    const char *events;
    uint64_t untold[2]; /* bytes that no event tells: headers, and payload of messages that have not ended */
};

struct step {
    int side;
    size_t from, to; /* in bytes[side] */
};

static struct {
    uint8_t bytes[2][MAX_BYTES];
    uint64_t times[2][MAX_BYTES];
    size_t len[2];
    struct step steps[MAX_STEPS];
    size_t steps_n;
} input;

static void read_bytes(int side, const char *at, const char *end)
{
    while (at < end) {
        char *next;
        uint8_t byte = (uint8_t)strtoul(at, &next, 16);
        cr_assert(next == at + 3, "not two hexadecimal digits: %s", at);
        size_t n = 1;
        if (*next == '*')
            n = strtoul(next + 1, &next, 10);
        cr_assert(input.len[side] + n <= MAX_BYTES);
        memset(input.bytes[side] + input.len[side], byte, n);
        input.len[side] += n;
        at = next;
    }
}

static void read_sent(const char *sent)
{
    input.len[0] = input.len[1] = input.steps_n = 0;
    for (const char *line = sent; *line;) {
        size_t len = strcspn(line, "\n");
        int side = *line == '>' ? 0 : 1;
        struct step *step = &input.steps[input.steps_n++];
        cr_assert(input.steps_n <= MAX_STEPS);
        *step = (struct step){.side = side, .from = input.len[side]};
        read_bytes(side, line + 1, line + len);
        step->to = input.len[side];
        line += line[len] ? len + 1 : len;
    }
}

static char *expected_text(const char *events)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    cr_assert(out);
    int side = 0;
    for (char *at = (char *)(uintptr_t)events; *at;) {
        bool is_time = (*at == '>' || *at == '<') && at[1] >= '0' && at[1] <= '9';
        if (*at == '>' || *at == '<')
            side = *at == '>' ? 0 : 1;
        if (is_time)
            fprintf(out, "%" PRIu64, input.times[side][strtoul(at + 1, &at, 10)]);
        else if (*at == '@')
            fprintf(out, "@%" PRIu64, offsets[side] + strtoul(at + 1, &at, 10));
        else
            fputc(*at++, out);
    }
    fclose(out);
    return text;
}

struct run {
    struct websocket *websocket;
    uint64_t t_ns; /* each piece has its own time */
};

static void feed(struct run *run, int side, size_t from, size_t to)
{
    if (from == to)
        return;
    run->t_ns++;
    for (size_t at = from; at < to; at++)
        input.times[side][at] = run->t_ns;
    /* Memory of exactly this size, so that a sanitizer sees a read outside of it. */
    uint8_t *data = malloc(to - from);
    cr_assert(data);
    memcpy(data, input.bytes[side] + from, to - from);
    websocket_feed(run->websocket, side == 0 ? MITM__DIRECTION__TO_SERVER : MITM__DIRECTION__TO_CLIENT, run->t_ns, data,
                   to - from);
    free(data);
}

static void check_told(const struct event_log *log, const struct example *example)
{
    for (int i = 0; i < 2; i++) {
        uint64_t violation = log->violation_offset[i];
        cr_assert_eq(log->told_bytes[i] + example->untold[i], input.len[i], "%s: told %" PRIu64 " of %zu",
                     example->sent, log->told_bytes[i], input.len[i]);
        cr_assert(violation == UINT64_MAX || violation - offsets[i] + log->opaque_bytes[i] == input.len[i]);
    }
}

/* Feed the example: piece by piece of `size` bytes, and step `cut` in two pieces before its byte `at`. */
static void check_cut(const struct example *example, size_t size, size_t cut, size_t at)
{
    struct event_log log;
    event_log_init(&log);
    struct run run = {.websocket = websocket_new(&log.sink, EXCHANGE, offsets)};
    for (size_t i = 0; i < input.steps_n; i++) {
        const struct step *step = &input.steps[i];
        size_t from = step->from;
        if (i == cut) {
            feed(&run, step->side, from, from + at);
            from += at;
        }
        for (; from < step->to; from += size)
            feed(&run, step->side, from, step->to - from < size ? step->to : from + size);
    }
    websocket_end(run.websocket, MITM__DIRECTION__TO_SERVER, run.t_ns, MITM__END_CAUSE__FIN);
    websocket_end(run.websocket, MITM__DIRECTION__TO_CLIENT, run.t_ns, MITM__END_CAUSE__RESET);
    websocket_free(run.websocket);
    char *expected = expected_text(example->events), *actual = event_log_text(&log);
    cr_assert_str_eq(actual, expected, "%s: pieces of %zu, step %zu cut at %zu\n--- expected\n%s--- actual\n%s",
                     example->sent, size, cut, at, expected, actual);
    check_told(&log, example);
    free(expected);
    free(actual);
    event_log_fini(&log);
}

static void check(const struct example *examples, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        read_sent(examples[i].sent);
        check_cut(&examples[i], MAX_BYTES, SIZE_MAX, 0);
        check_cut(&examples[i], 1, SIZE_MAX, 0);
        for (size_t cut = 0; cut < input.steps_n; cut++)
            for (size_t at = 1; at < input.steps[cut].to - input.steps[cut].from && at < 400; at++)
                check_cut(&examples[i], MAX_BYTES, cut, at);
    }
}

#define CHECK(examples) check(examples, sizeof(examples) / sizeof *(examples))

Test(decode_websocket, examples_of_rfc_6455_5_7)
{
    static const struct example examples[] = {
        {"< 81 05 48 65 6c 6c 6f", "<6 7 WebSocketMessage < 1 5 frames=1 first=<0 compressed=0\n", {0, 2}},
        {"> 81 85 37 fa 21 3d 7f 9f 4d 51 58", ">10 7 WebSocketMessage > 1 5 frames=1 first=>0 compressed=0\n", {6, 0}},
        {"< 01 03 48 65 6c 80 02 6c 6f", "<8 7 WebSocketMessage < 1 5 frames=2 first=<0 compressed=0\n", {0, 4}},
        {"< 89 05 48 65 6c 6c 6f\n> 8a 85 37 fa 21 3d 7f 9f 4d 51 58",
         "<6 7 WebSocketMessage < 9 5 frames=1 first=<0\n>10 7 WebSocketMessage > 10 5 frames=1 first=>0\n",
         {6, 2}},
        {"< 82 7e 01 00 00*256", "<259 7 WebSocketMessage < 2 256 frames=1 first=<0 compressed=0\n", {0, 4}},
        {"< 82 7f 00*5 01 00 00 00*65536",
         "<65545 7 WebSocketMessage < 2 65536 frames=1 first=<0 compressed=0\n",
         {0, 10}},
    };
    CHECK(examples);
}

/* RFC 7692, 7.2.3.1 and 7.2.3.2: "Hello" compressed, in one frame and in two. */
Test(decode_websocket, examples_of_rfc_7692)
{
    static const struct example examples[] = {
        {"< c1 07 f2 48 cd c9 c9 07 00", "<8 7 WebSocketMessage < 1 7 frames=1 first=<0 compressed=1\n", {0, 2}},
        {"< 41 03 f2 48 cd 80 04 c9 c9 07 00", "<10 7 WebSocketMessage < 1 7 frames=2 first=<0 compressed=1\n", {0, 4}},
    };
    CHECK(examples);
}

Test(decode_websocket, control_frames_between_fragments)
{
    static const struct example examples[] = {
        {"< 01 01 61 89 00 00 01 62 8a 01 2a 80 00 82 00",
         "<4 7 WebSocketMessage < 9 0 frames=1 first=<3\n"
         "<10 7 WebSocketMessage < 10 1 frames=1 first=<8\n"
         "<12 7 WebSocketMessage < 1 2 frames=3 first=<0 compressed=0\n"
         "<14 7 WebSocketMessage < 2 0 frames=1 first=<13 compressed=0\n",
         {0, 12}},
        /* Both directions begin a message; the client's does not end. */
        {"> 02 81 01 02 03 04 00\n< 02 00\n> 89 80 01 02 03 04 00 81 01\n< 80 00",
         ">12 7 WebSocketMessage > 9 0 frames=1 first=>7\n<3 7 WebSocketMessage < 2 0 frames=2 first=<0 compressed=0\n",
         {16, 4}},
    };
    CHECK(examples);
}

Test(decode_websocket, lengths)
{
    static const struct example examples[] = {
        {"< 82 7d 00*125", "<126 7 WebSocketMessage < 2 125 frames=1 first=<0 compressed=0\n", {0, 2}},
        {"< 82 7e 00 7e 00*126", "<129 7 WebSocketMessage < 2 126 frames=1 first=<0 compressed=0\n", {0, 4}},
        {"< 82 7e ff ff 00*65535", "<65538 7 WebSocketMessage < 2 65535 frames=1 first=<0 compressed=0\n", {0, 4}},
        {"> 82 fe 00 7e 01 02 03 04 00*126",
         ">133 7 WebSocketMessage > 2 126 frames=1 first=>0 compressed=0\n",
         {8, 0}},
        {"< 82 7e 00 7d 00*3", "<3 7 Violation WEB_SOCKET_FRAME < @3\n* 7 OpaqueData < 4\n", {0, 3}},
        {"< 82 7f 00*6 ff ff 00", "<9 7 Violation WEB_SOCKET_FRAME < @9\n* 7 OpaqueData < 2\n", {0, 9}},
        {"< 82 7f 80 00", "<2 7 Violation WEB_SOCKET_FRAME < @2\n* 7 OpaqueData < 2\n", {0, 2}},
        {"< 82 7f 7f ff*7 61 62", "", {0, 12}},
    };
    CHECK(examples);
}

/* RFC 6455, 5.5.1 and 7.4. */
Test(decode_websocket, close)
{
    static const struct example examples[] = {
        {"< 88 02 03 e8\n> 88 82 0a 0b 0c 0d 09 e2",
         "<3 7 WebSocketMessage < 8 2 frames=1 first=<0 close=1000\n"
         ">7 7 WebSocketMessage > 8 2 frames=1 first=>0 close=1001\n",
         {6, 2}},
        {"< 88 06 03 f3 64 61 74 61", "<7 7 WebSocketMessage < 8 6 frames=1 first=<0 close=1011\n", {0, 2}},
        {"< 88 00", "<1 7 WebSocketMessage < 8 0 frames=1 first=<0\n", {0, 2}},
        {"< 88 01 03", "<2 7 WebSocketMessage < 8 1 frames=1 first=<0\n", {0, 2}},
        {"< 88 02 03 e8 8a 00 81 00",
         "<3 7 WebSocketMessage < 8 2 frames=1 first=<0 close=1000\n"
         "<5 7 WebSocketMessage < 10 0 frames=1 first=<4\n"
         "<6 7 Violation WEB_SOCKET_FRAME < @6\n* 7 OpaqueData < 2\n",
         {0, 4}},
        {"< 01 00 88 00 80 00",
         "<3 7 WebSocketMessage < 8 0 frames=1 first=<2\n<4 7 Violation WEB_SOCKET_FRAME < @4\n* 7 OpaqueData < 2\n",
         {0, 4}},
    };
    CHECK(examples);
}

/* The other direction goes on. */
Test(decode_websocket, violations)
{
    static const struct example examples[] = {
        {"> 81 05 48\n< 81 01 61\n> 00",
         ">1 7 Violation WEB_SOCKET_FRAME > @1\n* 7 OpaqueData > 2\n"
         "<2 7 WebSocketMessage < 1 1 frames=1 first=<0 compressed=0\n* 7 OpaqueData > 1\n",
         {1, 2}},
        {"< 81 81 48", "<1 7 Violation WEB_SOCKET_FRAME < @1\n* 7 OpaqueData < 2\n", {0, 1}},
        {"< 83 00", "<0 7 Violation WEB_SOCKET_FRAME < @0\n* 7 OpaqueData < 2\n", {0, 0}},
        {"< 87 00", "<0 7 Violation WEB_SOCKET_FRAME < @0\n* 7 OpaqueData < 2\n", {0, 0}},
        {"< 8b 00", "<0 7 Violation WEB_SOCKET_FRAME < @0\n* 7 OpaqueData < 2\n", {0, 0}},
        {"< 8f 00", "<0 7 Violation WEB_SOCKET_FRAME < @0\n* 7 OpaqueData < 2\n", {0, 0}},
        {"< a1 00", "<0 7 Violation WEB_SOCKET_FRAME < @0\n* 7 OpaqueData < 2\n", {0, 0}},
        {"< 91 00", "<0 7 Violation WEB_SOCKET_FRAME < @0\n* 7 OpaqueData < 2\n", {0, 0}},
        {"< c9 00", "<0 7 Violation WEB_SOCKET_FRAME < @0\n* 7 OpaqueData < 2\n", {0, 0}},
        {"< 09 00", "<0 7 Violation WEB_SOCKET_FRAME < @0\n* 7 OpaqueData < 2\n", {0, 0}},
        {"< 8a 7e 00 7e", "<1 7 Violation WEB_SOCKET_FRAME < @1\n* 7 OpaqueData < 3\n", {0, 1}},
        {"< 80 00", "<0 7 Violation WEB_SOCKET_FRAME < @0\n* 7 OpaqueData < 2\n", {0, 0}},
        {"< 01 01 61 c0 00", "<3 7 Violation WEB_SOCKET_FRAME < @3\n* 7 OpaqueData < 2\n", {0, 3}},
        {"< 01 01 61 82 00", "<3 7 Violation WEB_SOCKET_FRAME < @3\n* 7 OpaqueData < 2\n", {0, 3}},
        {"< 81 00 80 00",
         "<1 7 WebSocketMessage < 1 0 frames=1 first=<0 compressed=0\n"
         "<2 7 Violation WEB_SOCKET_FRAME < @2\n* 7 OpaqueData < 2\n",
         {0, 2}},
    };
    CHECK(examples);
}

/* ---- what Chromium sent */

struct message {
    uint32_t opcode;
    uint64_t len_bytes;
    bool compressed;
};

struct messages {
    struct message list[16];
    size_t count;
    uint32_t close_code;
};

static void add_message(void *ctx, Mitm__Record *record)
{
    struct messages *messages = ctx;
    cr_assert_eq(record->event_case, MITM__RECORD__EVENT_WEB_SOCKET_MESSAGE);
    cr_assert_lt(messages->count, 16);
    const Mitm__WebSocketMessage *ev = record->web_socket_message;
    messages->list[messages->count++] = (struct message){ev->opcode, ev->len_bytes, ev->compressed};
    if (ev->has_close_code)
        messages->close_code = ev->close_code;
}

/*
 * Chromium 156 sent this (after its handshake) to a server that pinged it with "are you there" and "" and, in two
 * frames, said "bye": send('Hello'), send(''), binary of 125 and 126 zeros, 300 times 'x', binary of 3 zeros, and, when
 * "bye" had come, close(3001, 'enough').
 */
static void check_chromium(const char *path, const struct message *expected, size_t n)
{
    uint8_t bytes[1000];
    FILE *file = fopen(path, "rb");
    cr_assert(file);
    size_t len = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    for (size_t size = len; size > 0; size = size == len ? 7 : size / 2) {
        struct messages messages = {0};
        struct event_sink sink = {.emit = add_message, .ctx = &messages};
        struct websocket *websocket = websocket_new(&sink, EXCHANGE, offsets);
        for (size_t at = 0; at < len; at += size)
            websocket_feed(websocket, MITM__DIRECTION__TO_SERVER, at, bytes + at, len - at < size ? len - at : size);
        websocket_free(websocket);
        cr_assert_eq(messages.count, n);
        cr_assert_eq(messages.close_code, 3001);
        for (size_t i = 0; i < n; i++) {
            cr_assert_eq(messages.list[i].opcode, expected[i].opcode);
            cr_assert_eq(messages.list[i].len_bytes, expected[i].len_bytes);
            cr_assert_eq(messages.list[i].compressed, expected[i].compressed);
        }
    }
}

Test(decode_websocket, chromium)
{
    static const struct message expected[] = {{10, 13, false}, {10, 0, false},  {1, 5, false},
                                              {1, 0, false},   {2, 125, false}, {2, 126, false},
                                              {1, 300, false}, {2, 3, false},   {8, 8, false}};
    check_chromium(TEST_DATA "/websocket/chromium.bin", expected, 9);
}

/* The same with permessage-deflate (RFC 7692): lengths are those of the frames. */
Test(decode_websocket, chromium_compressed)
{
    static const struct message expected[] = {{10, 13, false}, {10, 0, false}, {1, 7, true}, {1, 1, true}, {2, 5, true},
                                              {2, 4, true},    {1, 7, true},   {2, 4, true}, {8, 8, false}};
    check_chromium(TEST_DATA "/websocket/chromium-deflate.bin", expected, 9);
}

/* ---- floods */

/* Counts events by kind, and the bytes that are told opaque. */
struct counts {
    uint64_t messages, floods, opaque_bytes;
};

static void count(void *ctx, Mitm__Record *record)
{
    struct counts *counts = ctx;
    counts->messages += record->event_case == MITM__RECORD__EVENT_WEB_SOCKET_MESSAGE;
    counts->floods += record->event_case == MITM__RECORD__EVENT_VIOLATION &&
                      record->violation->kind == MITM__VIOLATION_KIND__WEB_SOCKET_FLOOD;
    if (record->event_case == MITM__RECORD__EVENT_OPAQUE_DATA)
        counts->opaque_bytes += record->opaque_data->len_bytes;
}

/* Send `n` pings of two bytes, one each `every_ns`. */
static struct counts send_pings(uint64_t n, uint64_t every_ns)
{
    struct counts counts = {0};
    struct event_sink sink = {.emit = count, .ctx = &counts};
    struct websocket *websocket = websocket_new(&sink, EXCHANGE, offsets);
    for (uint64_t i = 0; i < n; i++)
        websocket_feed(websocket, MITM__DIRECTION__TO_CLIENT, i * every_ns, (const uint8_t[]){0x89, 0}, 2);
    websocket_free(websocket);
    return counts;
}

Test(decode_websocket, flood)
{
    struct counts burst = send_pings(WEBSOCKET_BURST, 0);
    cr_assert(burst.messages == WEBSOCKET_BURST && burst.floods == 0);
    struct counts flood = send_pings(WEBSOCKET_BURST + 10, 0);
    cr_assert(flood.messages == WEBSOCKET_BURST && flood.floods == 1 && flood.opaque_bytes == 20);
    struct counts steady = send_pings(3 * WEBSOCKET_BURST, 1000000000 / WEBSOCKET_PER_S);
    cr_assert(steady.messages == 3 * WEBSOCKET_BURST && steady.floods == 0);
    struct counts fast = send_pings(3 * WEBSOCKET_BURST, 500000000 / WEBSOCKET_PER_S);
    cr_assert(fast.floods == 1 && fast.messages >= 2 * WEBSOCKET_BURST - 1 && fast.messages <= 2 * WEBSOCKET_BURST);
}

/* Frames that carry something may come as fast as the network brings them. */
Test(decode_websocket, many_frames_with_data_are_no_flood)
{
    static uint8_t frame[4 + WEBSOCKET_FRAME_BYTES] = {0x82, 126, WEBSOCKET_FRAME_BYTES >> 8};
    struct counts counts = {0};
    struct event_sink sink = {.emit = count, .ctx = &counts};
    struct websocket *websocket = websocket_new(&sink, EXCHANGE, offsets);
    for (int i = 0; i < 3 * WEBSOCKET_BURST; i++)
        websocket_feed(websocket, MITM__DIRECTION__TO_CLIENT, 0, frame, sizeof frame);
    cr_assert(counts.messages == 3 * WEBSOCKET_BURST && counts.floods == 0);
    for (int i = 0; i < WEBSOCKET_BURST + 10; i++)
        websocket_feed(websocket, MITM__DIRECTION__TO_CLIENT, 0, (const uint8_t[]){0x89, 0}, 2);
    cr_assert(counts.messages == 4 * WEBSOCKET_BURST && counts.floods == 1);
    websocket_free(websocket);
}
