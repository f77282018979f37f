/*
 * Fuzz target of the watching decoders. The input is a script:
 *     byte 0: 0 … 253 the body limit; 254, 255 none
 *     then steps: a control byte, a length, and so many bytes of data
 *         control & 1      direction: 0 to the server
 *         control >> 1 & 7 with length 0: the direction ends; the cause
 *         control >> 4     data: fed in pieces of so many bytes; 0: in one piece
 *
 * Checked: fed as the script cuts it, and with all adjacent bytes of a direction in one piece, the decoder emits the
 * same events with the same times; no byte is told twice; behind a Violation everything is OpaqueData (TLS: all is
 * TlsData); what was sent leaves an event; the number and size of events are bounded by those of the input. And
 * whatever is said in plain text gives the same events within TLS, whenever the keys come.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "split.h"
#include "../unit/decode/event_log.h"
#include "../unit/decode/tls/seal.h"
#include "capture/decode/app.h"
#include "capture/decode/tls/keys.h"

struct step {
    Mitm__Direction direction;
    Mitm__EndCause cause; /* of a step without data */
    size_t piece;
    const uint8_t *data;
    size_t len;
};

struct script {
    const uint8_t *rest;
    size_t len;
};

struct run {
    struct app *app;
    struct event_log log;
    uint64_t t_ns; /* the same for adjacent bytes of one direction */
    uint64_t sent[2];
    size_t pieces;
    bool ended[2];
    Mitm__Direction last;
    bool whole;     /* collect adjacent bytes */
    uint8_t *bytes; /* collected, of the direction `last` */
    size_t len;
    struct tls_keys *keys; /* what is said is said within TLS, with these; NULL: in plain text */
    struct seal seals[2];
};

static bool next_step(struct script *script, struct step *step)
{
    if (script->len < 2) {
        return false;
    }
    uint8_t control = script->rest[0];
    size_t len = script->rest[1];
    script->rest += 2;
    script->len -= 2;
    len = len < script->len ? len : script->len;
    *step = (struct step){.direction = control & 1 ? MITM__DIRECTION__TO_CLIENT : MITM__DIRECTION__TO_SERVER,
                          .cause = (Mitm__EndCause)(1 + (control >> 1 & 7) % 5),
                          .piece = control >> 4,
                          .data = script->rest,
                          .len = len};
    script->rest += len;
    script->len -= len;
    return true;
}

static int index_of(Mitm__Direction direction)
{
    return direction == MITM__DIRECTION__TO_SERVER ? 0 : 1;
}

/* Feed a copy of exactly this size, so that the sanitizer sees a read outside of it. */
static void feed_wire(struct run *run, const uint8_t *data, size_t len)
{
    uint8_t *copy = malloc(len);
    assert(copy);
    memcpy(copy, data, len);
    app_feed(run->app, run->last, run->t_ns, copy, len);
    free(copy);
    run->pieces++;
}

static void feed_sealed(struct run *run, uint8_t type, const uint8_t *data, size_t len)
{
    uint8_t *record = malloc(len + SEAL_EXTRA_BYTES);
    assert(record);
    size_t n = seal_record(&run->seals[index_of(run->last)], type, data, len, record);
    feed_wire(run, record, n / 2);
    feed_wire(run, record + n / 2, n - n / 2);
    free(record);
}

static void feed(struct run *run, const uint8_t *data, size_t len)
{
    if (run->keys) {
        feed_sealed(run, 23, data, len);
    } else {
        feed_wire(run, data, len);
    }
}

static void feed_collected(struct run *run)
{
    if (run->len > 0) {
        feed(run, run->bytes, run->len);
        run->len = 0;
    }
}

/* Begin a new stretch of adjacent bytes, or an end. */
static void turn(struct run *run, Mitm__Direction direction)
{
    feed_collected(run);
    run->last = direction;
    run->t_ns++;
}

static void end(struct run *run, Mitm__Direction direction, Mitm__EndCause cause)
{
    turn(run, direction);
    if (run->keys && cause == MITM__END_CAUSE__FIN) {
        feed_sealed(run, 21, (const uint8_t *)"\x01", 2); /* close_notify */
    }
    app_end(run->app, direction, run->t_ns, cause);
    run->ended[index_of(direction)] = true;
}

static void take_data(struct run *run, const struct step *step)
{
    run->sent[index_of(step->direction)] += step->len;
    if (run->t_ns == 0 || step->direction != run->last || run->ended[index_of(step->direction)]) {
        turn(run, step->direction);
    }
    if (run->whole) {
        memcpy(run->bytes + run->len, step->data, step->len);
        run->len += step->len;
        return;
    }
    size_t piece = step->piece ? step->piece : step->len;
    for (size_t at = 0; at < step->len; at += piece) {
        feed(run, step->data + at, step->len - at < piece ? step->len - at : piece);
    }
}

static void take(struct run *run, const struct step *step)
{
    if (run->ended[index_of(step->direction)]) {
        return;
    }
    if (step->len == 0) {
        end(run, step->direction, step->cause);
    } else {
        take_data(run, step);
    }
}

static void check_bounds(const struct run *run)
{
    uint64_t sent = run->sent[0] + run->sent[1];
    for (int i = 0; i < 2; i++) {
        assert(run->log.told_bytes[i] <= run->sent[i]);
        bool tls = run->log.tls_data[0].events + run->log.tls_data[1].events > 0;
        assert(run->log.violation_offset[i] == UINT64_MAX || tls ||
               run->log.violation_offset[i] + run->log.opaque_bytes[i] == run->sent[i]);
        assert(!tls || run->log.tls_data[i].len_bytes == run->sent[i]);
    }
    /* The shortest thing that has an event is a WebSocket's frame of 2 bytes; each piece and message has one of its
     * body. */
    assert(run->log.emitted <= 8 + sent / 2 + 2 * run->pieces);
    assert(run->log.largest_bytes <= EVENT_MAX_BYTES);
    assert(sent == 0 || run->log.emitted > 0);
}

/* Run the script and return the log as text. */
static char *perform(const uint8_t *data, size_t len, bool whole)
{
    struct script script = {data + 1, len - 1};
    struct run run = {.whole = whole, .bytes = malloc(len)};
    assert(run.bytes);
    event_log_init(&run.log);
    run.app = app_new(&run.log.sink, data[0] >= 254 ? APP_BODY_UNLIMITED : data[0], NULL);
    struct step step;
    while (next_step(&script, &step)) {
        take(&run, &step);
    }
    feed_collected(&run);
    for (int i = 0; i < 2; i++) {
        if (!run.ended[i]) {
            end(&run, i == 0 ? MITM__DIRECTION__TO_SERVER : MITM__DIRECTION__TO_CLIENT, MITM__END_CAUSE__SESSION_ENDED);
        }
    }
    app_free(run.app);
    check_bounds(&run);
    char *text = event_log_text(&run.log);
    event_log_fini(&run.log);
    free(run.bytes);
    return text;
}

/* ---------------------------------------------------------------- within TLS */

/* A connection of TLS 1.3 up to both sides' Finished; the secrets are those of add_keys(). */
static void shake_hands(struct run *run)
{
    static const uint8_t client_hello[] = "\x16\x03\x01\0\x36\x01\0\0\x32\x03\x03"
                                          "RRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRR"
                                          "\0\0\x02\x13\x01\x01\0\0\x07\0\x2b\0\x03\x02\x03\x04";
    static const uint8_t server_hello[] = "\x16\x03\x03\0\x32\x02\0\0\x2e\x03\x03"
                                          "SSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSS"
                                          "\0\x13\x01\0\0\x06\0\x2b\0\x02\x03\x04";
    static const uint8_t finished[36] = "\x14\0\0\x20";
    static const Mitm__Direction directions[] = {MITM__DIRECTION__TO_SERVER, MITM__DIRECTION__TO_CLIENT};
    run->last = MITM__DIRECTION__TO_SERVER;
    feed_wire(run, client_hello, sizeof client_hello - 1);
    run->last = MITM__DIRECTION__TO_CLIENT;
    feed_wire(run, server_hello, sizeof server_hello - 1);
    for (int i = 1; i >= 0; i--) {
        run->last = directions[i];
        seal_init(&run->seals[i], (uint8_t)(0x11 * (i + 1)));
        feed_sealed(run, 22, finished, sizeof finished);
        seal_init(&run->seals[i], (uint8_t)(0x11 * (i + 3)));
    }
}

static void add_keys(struct run *run)
{
    static const char *const labels[] = {"CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_HANDSHAKE_TRAFFIC_SECRET",
                                         "CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"};
    char random[65] = "", secret[65] = "", line[200];
    for (size_t i = 0; i < 64; i += 2) {
        memcpy(random + i, "52", 3);
    }
    for (size_t i = 0; i < 4; i++) {
        memset(secret, (char)('1' + i), 64);
        int n = snprintf(line, sizeof line, "%s %s %s", labels[i], random, secret);
        enum tls_keys_line result = tls_keys_add_line(run->keys, line, (size_t)n);
        assert(result == TLS_KEYS_ADDED);
    }
    while (app_drain(run->app, run->t_ns)) {
        continue;
    }
}

/* Log what TLS carries, but not what it shows itself. */
static void emit_inner(void *ctx, Mitm__Record *record)
{
    struct event_log *log = ctx;
    bool of_tls = strncmp(event_name(record), "Tls", 3) == 0;
    bool outer = record->event_case == MITM__RECORD__EVENT_PROTOCOL_DETECTED &&
                 record->protocol_detected->protocol == MITM__PROTOCOL__TLS;
    if (!of_tls && !outer) {
        event_emit(&log->sink, record);
    }
}

/* Run the script within TLS, and let the keys come behind `keys_at` of its steps. */
static char *perform_within_tls(const uint8_t *data, size_t len, size_t keys_at)
{
    struct script script = {data + 1, len - 1};
    struct run run = {.keys = tls_keys_new()};
    struct event_sink inner = {.emit = emit_inner, .ctx = &run.log};
    event_log_init(&run.log);
    run.app = app_new(&inner, data[0] >= 254 ? APP_BODY_UNLIMITED : data[0], run.keys);
    shake_hands(&run);
    struct step step;
    for (size_t n = 0; next_step(&script, &step); n++) {
        if (n == keys_at) {
            add_keys(&run);
        }
        take(&run, &step);
    }
    for (int i = 0; i < 2; i++) {
        if (!run.ended[i]) {
            end(&run, i == 0 ? MITM__DIRECTION__TO_SERVER : MITM__DIRECTION__TO_CLIENT, MITM__END_CAUSE__SESSION_ENDED);
        }
    }
    add_keys(&run);
    assert(!app_waits(run.app));
    app_free(run.app);
    tls_keys_free(run.keys);
    char *text = event_log_text(&run.log);
    event_log_fini(&run.log);
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len < 1) {
        return 0;
    }
    split_check(perform(data, len, true), perform(data, len, false));
    char *plain = perform(data, len, false);
    if (strstr(plain, " ProtocolDetected TLS\n")) { /* TLS within TLS is looked into no further */
        free(plain);
    } else {
        split_check(plain, perform_within_tls(data, len, len % 8));
    }
    return 0;
}
