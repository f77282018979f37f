/*
 * Fuzz target of the HTTP/2 decoder. The input is a script:
 *     byte 0: 0 … 253 the body limit; 254, 255 none
 *     byte 1: & 1 the connection was upgraded from HTTP/1; & 2 the prefaces are not added
 *     then steps: a control byte
 *         control & 1       direction: 0 to the server
 *         control >> 1 & 7  0 … 5 a frame: type, flags, stream, length (a byte each), and so many bytes of payload
 *                           6 bytes as they are: a length, and so many bytes
 *                           7 the direction ends: a byte, the cause
 *         control >> 4      fed in pieces of so many bytes; 0: in one piece
 *
 * Checked: fed as the script cuts it, and with all adjacent bytes of a direction in one piece, the decoder emits the
 * same events with the same times; no byte is told twice; behind a Violation everything is OpaqueData; the number and
 * size of events are bounded by those of the input.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "split.h"
#include "../unit/decode/event_log.h"
#include "capture/decode/http2/http2.h"

#define FRAME_HEADER_BYTES 9
#define STEP_MAX_BYTES     (FRAME_HEADER_BYTES + 255)

static const uint8_t client_preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0";
static const uint8_t server_preface[] = "\0\0\0\4\0\0\0\0";

struct step {
    Mitm__Direction direction;
    Mitm__EndCause cause; /* of a step without data */
    size_t piece;
    uint8_t data[STEP_MAX_BYTES];
    size_t len;
};

struct script {
    const uint8_t *rest;
    size_t len;
};

struct run {
    struct http2 *http2;
    struct event_log log;
    struct event_sink sink; /* looks at the events, then gives them to `log` */
    uint64_t t_ns;          /* the same for adjacent bytes of one direction */
    uint64_t sent[2];
    uint64_t behind_bytes[2]; /* opaque ones, since the connection's Violation */
    size_t pieces;
    bool ended[2];
    Mitm__Direction last;
    bool whole; /* collect adjacent bytes */
    struct {
        uint8_t *bytes; /* collected, of the direction `last` */
        size_t len, room;
    } collected;
};

static int index_of(Mitm__Direction direction)
{
    return direction == MITM__DIRECTION__TO_SERVER ? 0 : 1;
}

static uint8_t next_byte(struct script *script)
{
    if (script->len == 0) {
        return 0;
    }
    script->len--;
    return *script->rest++;
}

static size_t take_bytes(struct script *script, uint8_t *out)
{
    size_t len = next_byte(script);
    len = len < script->len ? len : script->len;
    memcpy(out, script->rest, len);
    script->rest += len;
    script->len -= len;
    return len;
}

static bool next_step(struct script *script, struct step *step)
{
    if (script->len < 2) {
        return false;
    }
    uint8_t control = next_byte(script);
    *step = (struct step){.direction = control & 1 ? MITM__DIRECTION__TO_CLIENT : MITM__DIRECTION__TO_SERVER,
                          .piece = control >> 4};
    switch (control >> 1 & 7) {
    case 7:
        step->cause = (Mitm__EndCause)(1 + next_byte(script) % 5);
        break;
    case 6:
        step->len = take_bytes(script, step->data);
        break;
    default:
        step->data[3] = next_byte(script);
        step->data[4] = next_byte(script);
        step->data[8] = next_byte(script);
        step->len = take_bytes(script, step->data + FRAME_HEADER_BYTES);
        step->data[2] = (uint8_t)step->len;
        step->len += FRAME_HEADER_BYTES;
    }
    return true;
}

/* Feed a copy of exactly this size, so that the sanitizer sees a read outside of it. */
static void feed(struct run *run, const uint8_t *data, size_t len)
{
    uint8_t *copy = malloc(len);
    assert(copy);
    memcpy(copy, data, len);
    http2_feed(run->http2, run->last, run->t_ns, copy, len);
    free(copy);
    run->pieces++;
}

static void collect(struct run *run, const uint8_t *data, size_t len)
{
    if (run->collected.len + len > run->collected.room) {
        run->collected.room = 2 * (run->collected.len + len);
        run->collected.bytes = realloc(run->collected.bytes, run->collected.room);
        assert(run->collected.bytes);
    }
    memcpy(run->collected.bytes + run->collected.len, data, len);
    run->collected.len += len;
}

/* Begin a new stretch of adjacent bytes, or an end. */
static void turn(struct run *run, Mitm__Direction direction)
{
    if (run->collected.len > 0) {
        feed(run, run->collected.bytes, run->collected.len);
        run->collected.len = 0;
    }
    run->last = direction;
    run->t_ns++;
}

static void end(struct run *run, Mitm__Direction direction, Mitm__EndCause cause)
{
    turn(run, direction);
    http2_end(run->http2, direction, run->t_ns, cause);
    run->ended[index_of(direction)] = true;
}

static void take_data(struct run *run, Mitm__Direction direction, const uint8_t *data, size_t len, size_t piece)
{
    run->sent[index_of(direction)] += len;
    if (run->t_ns == 0 || direction != run->last) {
        turn(run, direction);
    }
    if (run->whole) {
        collect(run, data, len);
        return;
    }
    piece = piece ? piece : len;
    for (size_t at = 0; at < len; at += piece) {
        feed(run, data + at, len - at < piece ? len - at : piece);
    }
}

static void take(struct run *run, const struct step *step)
{
    if (run->ended[index_of(step->direction)]) {
        return;
    }
    if (step->cause != 0) {
        end(run, step->direction, step->cause);
    } else if (step->len > 0) {
        take_data(run, step->direction, step->data, step->len, step->piece);
    }
}

static void look(void *ctx, Mitm__Record *record)
{
    struct run *run = ctx;
    if (record->event_case == MITM__RECORD__EVENT_OPAQUE_DATA) {
        int i = index_of(record->opaque_data->direction);
        run->behind_bytes[i] += run->log.violated[i] ? record->opaque_data->len_bytes : 0;
    }
    if (record->event_case == MITM__RECORD__EVENT_VIOLATION && !record->has_exchange) {
        int i = index_of(record->violation->direction);
        run->behind_bytes[i] = record->violation->offset_bytes;
    }
    event_emit(&run->log.sink, record);
}

static void check_bounds(const struct run *run)
{
    uint64_t sent = run->sent[0] + run->sent[1];
    for (int i = 0; i < 2; i++) {
        assert(!run->log.violated[i] || run->behind_bytes[i] == run->sent[i]);
    }
    /* A promised request is told in the other direction than its bytes went. */
    assert(run->log.told_bytes[0] + run->log.told_bytes[1] <= sent);
    /* A frame has 9 bytes and at most 8 events without its body, of which each piece and frame has one. */
    assert(run->log.emitted <= 16 + sent + 2 * run->pieces);
    assert(run->log.largest_bytes <= EVENT_MAX_BYTES);
}

static void begin(struct run *run, const uint8_t *data)
{
    static const uint64_t offsets[2] = {0, 0};
    uint64_t limit = data[0] >= 254 ? UINT64_MAX : data[0];
    event_log_init(&run->log);
    run->sink = (struct event_sink){.emit = look, .ctx = run};
    run->http2 = data[1] & 1 ? http2_new_upgraded(&run->sink, limit, 1, offsets) : http2_new(&run->sink, limit);
    if (!(data[1] & 2)) {
        take_data(run, MITM__DIRECTION__TO_SERVER, client_preface, sizeof client_preface, 0);
        take_data(run, MITM__DIRECTION__TO_CLIENT, server_preface, sizeof server_preface, 0);
    }
}

/* Run the script and return the log as text. */
static char *perform(const uint8_t *data, size_t len, bool whole)
{
    struct script script = {data + 2, len - 2};
    struct run run = {.whole = whole};
    struct step step;
    begin(&run, data);
    while (next_step(&script, &step)) {
        take(&run, &step);
    }
    for (int i = 0; i < 2; i++) {
        if (!run.ended[i]) {
            end(&run, i == 0 ? MITM__DIRECTION__TO_SERVER : MITM__DIRECTION__TO_CLIENT, MITM__END_CAUSE__SESSION_ENDED);
        }
    }
    http2_free(run.http2);
    check_bounds(&run);
    char *text = event_log_text(&run.log);
    event_log_fini(&run.log);
    free(run.collected.bytes);
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len < 2) {
        return 0;
    }
    split_check(perform(data, len, true), perform(data, len, false));
    return 0;
}
