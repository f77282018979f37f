#include "capture/decode/app.h"

#include <assert.h>
#include <stdlib.h>

#include "capture/decode/grow.h"
#include "capture/decode/hold.h"
#include "capture/decode/http1.h"
#include "capture/decode/opaque.h"
#include "capture/decode/sniff.h"

/* Larger input is decoded in parts of this size, so that each record has room for all data of a part. */
#define PART_MAX_BYTES ((size_t)512 * 1024)

enum state { STATE_UNDECIDED, STATE_HTTP1, STATE_OPAQUE };

struct app {
    const struct event_sink *sink;
    uint64_t body_limit_bytes;
    struct http1 *http1; /* STATE_HTTP1 */
    struct hold hold;    /* STATE_UNDECIDED: the client's first bytes */
    enum state state;
    bool server_ended;
};

struct app *app_new(const struct event_sink *sink, uint64_t body_limit_bytes, struct tls_keys *keys)
{
    (void)keys;
    struct app *app = grow_new(1, sizeof *app);
    app->sink = sink;
    app->body_limit_bytes = body_limit_bytes;
    return app;
}

void app_free(struct app *app)
{
    if (app) {
        http1_free(app->http1);
        hold_fini(&app->hold);
        free(app);
    }
}

static void decode(struct app *app, Mitm__Direction direction, uint64_t t_ns, const uint8_t *data, size_t len)
{
    if (app->state == STATE_HTTP1) {
        http1_feed(app->http1, direction, t_ns, data, len);
    } else {
        struct piece piece = {.t_ns = t_ns, .data = data, .len = len};
        opaque_emit(app->sink, direction, &piece);
    }
}

static Mitm__Protocol protocol_of(enum sniff_result result)
{
    switch (result) {
    case SNIFF_HTTP1:
        return MITM__PROTOCOL__HTTP1;
    case SNIFF_HTTP2:
        return MITM__PROTOCOL__HTTP2;
    case SNIFF_TLS:
        return MITM__PROTOCOL__TLS;
    case SNIFF_UNDECIDED:
    case SNIFF_UNKNOWN:
        break;
    }
    return MITM__PROTOCOL__UNKNOWN;
}

/* The protocol is known at `t_ns`: say so, and decode the bytes held so far. */
static void decide(struct app *app, enum sniff_result result, uint64_t t_ns)
{
    EVENT_NEW(record, ev, t_ns, ProtocolDetected, PROTOCOL_DETECTED, protocol_detected);
    EVENT_SET(ev, protocol, protocol_of(result));
    event_emit(app->sink, &record);
    app->state = STATE_OPAQUE;
    if (result == SNIFF_HTTP1) {
        app->state = STATE_HTTP1;
        app->http1 = http1_new(app->sink, app->body_limit_bytes);
        if (app->server_ended) {
            http1_end(app->http1, MITM__DIRECTION__TO_CLIENT, t_ns, MITM__END_CAUSE__FIN);
        }
    }
    for (uint32_t i = 0; i < app->hold.pieces; i++) {
        struct piece piece = hold_piece(&app->hold, i);
        decode(app, MITM__DIRECTION__TO_SERVER, piece.t_ns, piece.data, piece.len);
    }
    hold_fini(&app->hold);
}

/* Look at the client's next bytes. Return whether they are held, because the protocol is still not known. */
static bool inspect(struct app *app, uint64_t t_ns, const uint8_t *data, size_t len)
{
    uint8_t first[SNIFF_MAX_BYTES];
    size_t n = 0;
    while (n < app->hold.len) {
        first[n] = app->hold.data[n];
        n++;
    }
    for (size_t i = 0; i < len && n < sizeof first; i++) {
        first[n++] = data[i];
    }
    enum sniff_result result = sniff(first, n);
    if (result != SNIFF_UNDECIDED) {
        decide(app, result, t_ns);
        return false;
    }
    struct piece piece = {.t_ns = t_ns, .data = data, .len = len};
    hold_add(&app->hold, &piece);
    return true;
}

static void feed(struct app *app, Mitm__Direction direction, uint64_t t_ns, const uint8_t *data, size_t len)
{
    if (app->state == STATE_UNDECIDED) {
        if (direction == MITM__DIRECTION__TO_CLIENT) {
            decide(app, SNIFF_UNKNOWN, t_ns);
        } else if (inspect(app, t_ns, data, len)) {
            return;
        }
    }
    decode(app, direction, t_ns, data, len);
}

void app_feed(struct app *app, Mitm__Direction direction, uint64_t t_ns, const uint8_t *data, size_t len)
{
    assert(len > 0);
    for (size_t done = 0; done < len; done += PART_MAX_BYTES) {
        feed(app, direction, t_ns, data + done, len - done < PART_MAX_BYTES ? len - done : PART_MAX_BYTES);
    }
}

void app_end(struct app *app, Mitm__Direction direction, uint64_t t_ns, Mitm__EndCause cause)
{
    if (app->state == STATE_HTTP1) {
        http1_end(app->http1, direction, t_ns, cause);
    } else if (direction == MITM__DIRECTION__TO_CLIENT) {
        app->server_ended = true;
    } else if (app->hold.len > 0) {
        decide(app, SNIFF_UNKNOWN, t_ns);
    }
}

bool app_pending(const struct app *app, uint64_t *offset_bytes, uint64_t *t_ns)
{
    if (app->state == STATE_HTTP1) {
        return http1_pending(app->http1, offset_bytes, t_ns);
    }
    for (uint32_t i = 0; i < app->hold.pieces; i++) {
        struct piece piece = hold_piece(&app->hold, i);
        for (size_t at = 0; at < piece.len; at++) {
            if (piece.data[at] != '\r' && piece.data[at] != '\n') { /* empty lines belong to no request */
                *offset_bytes = piece.offset + at;
                *t_ns = piece.t_ns;
                return true;
            }
        }
    }
    return false;
}

bool app_waits(const struct app *app)
{
    (void)app;
    return false;
}

void app_keys_came(struct app *app, uint64_t t_ns)
{
    (void)app;
    (void)t_ns;
}

void app_give_up(struct app *app, uint64_t t_ns)
{
    (void)app;
    (void)t_ns;
}
