#include "capture/decode/app.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "capture/decode/grow.h"
#include "capture/decode/hold.h"
#include "capture/decode/http1.h"
#include "capture/decode/http2/http2.h"
#include "capture/decode/opaque.h"
#include "capture/decode/sniff.h"
#include "capture/decode/tls/tls.h"
#include "capture/decode/websocket.h"

/* Larger input is decoded in parts of this size, so that each record has room for all data of a part. */
#define PART_MAX_BYTES ((size_t)512 * 1024)

/* So much of what an HTTP/2 server sends before the client's preface is held at most: SETTINGS and what may follow. */
#define EARLY_MAX_BYTES ((size_t)1024)

enum state { STATE_UNDECIDED, STATE_HTTP1, STATE_HTTP2, STATE_TLS, STATE_OPAQUE };

/*
 * What speaks is one of the decoders, by the state. In a tunnel of HTTP/1 that becomes HTTP/2 or a WebSocket, http1
 * hands on to it; within TLS, the plaintext goes to an app of its own.
 */
struct app {
    const struct event_sink *sink;
    uint64_t body_limit_bytes;
    struct tls_keys *keys;
    struct http1 *http1;         /* STATE_HTTP1 */
    struct http2 *http2;         /* STATE_HTTP2, or the tunnel of http1 */
    struct websocket *websocket; /* the tunnel of http1 */
    struct tls *tls;             /* STATE_TLS */
    struct app *inner;           /* what it carries; NULL: nothing has been decrypted */
    struct hold hold;            /* STATE_UNDECIDED: the client's first bytes, */
    struct hold early;           /* and the server's, if it may speak HTTP/2 */
    enum state state;
    bool client_ended, server_ended; /* in STATE_UNDECIDED */
    bool inside_tls;
};

struct app *app_new(const struct event_sink *sink, uint64_t body_limit_bytes, struct tls_keys *keys)
{
    struct app *app = grow_new(1, sizeof *app);
    app->sink = sink;
    app->body_limit_bytes = body_limit_bytes;
    app->keys = keys;
    return app;
}

void app_free(struct app *app)
{
    if (app) {
        http1_free(app->http1);
        http2_free(app->http2);
        websocket_free(app->websocket);
        tls_free(app->tls);
        app_free(app->inner);
        hold_fini(&app->hold);
        hold_fini(&app->early);
        free(app);
    }
}

static void emit_opaque(struct app *app, Mitm__Direction direction, uint64_t t_ns, const uint8_t *data, size_t len)
{
    struct piece piece = {.t_ns = t_ns, .data = data, .len = len};
    opaque_emit(app->sink, direction, &piece);
}

/* ---- the tunnel of http1 */

static void begin_tunnel(void *ctx, const struct http1_tunnel_start *start)
{
    struct app *app = ctx;
    if (start->kind == HTTP1_TUNNEL_WEBSOCKET) {
        app->websocket = websocket_new(app->sink, start->exchange, start->offsets);
    } else if (start->kind == HTTP1_TUNNEL_H2C) {
        app->http2 = http2_new_upgraded(app->sink, app->body_limit_bytes, start->exchange, start->offsets);
    }
}

static void feed_tunnel(void *ctx, Mitm__Direction direction, uint64_t t_ns, const uint8_t *data, size_t len)
{
    struct app *app = ctx;
    if (app->websocket) {
        websocket_feed(app->websocket, direction, t_ns, data, len);
    } else if (app->http2) {
        http2_feed(app->http2, direction, t_ns, data, len);
    } else {
        emit_opaque(app, direction, t_ns, data, len);
    }
}

static void end_tunnel(void *ctx, Mitm__Direction direction, uint64_t t_ns, Mitm__EndCause cause)
{
    struct app *app = ctx;
    if (app->websocket) {
        websocket_end(app->websocket, direction, t_ns, cause);
    } else if (app->http2) {
        http2_end(app->http2, direction, t_ns, cause);
    }
}

/* ---- what TLS carries */

static void decide(struct app *app, enum sniff_result result, uint64_t t_ns);

static void start_plain(void *ctx, uint64_t t_ns, const uint8_t *alpn, size_t alpn_len)
{
    struct app *app = ctx;
    app->inner = app_new(app->sink, app->body_limit_bytes, NULL);
    app->inner->inside_tls = true;
    if (alpn_len == 2 && memcmp(alpn, "h2", 2) == 0) {
        decide(app->inner, SNIFF_HTTP2, t_ns); /* the server may speak before the client's preface */
    }
}

static void feed_plain(void *ctx, Mitm__Direction direction, uint64_t t_ns, const uint8_t *data, size_t len)
{
    struct app *app = ctx;
    app_feed(app->inner, direction, t_ns, data, len);
}

static void end_plain(void *ctx, Mitm__Direction direction, uint64_t t_ns, Mitm__EndCause cause)
{
    struct app *app = ctx;
    app_end(app->inner, direction, t_ns, cause);
}

/* ---- the beginning */

static void decode(struct app *app, Mitm__Direction direction, uint64_t t_ns, const uint8_t *data, size_t len)
{
    if (app->state == STATE_HTTP1) {
        http1_feed(app->http1, direction, t_ns, data, len);
    } else if (app->state == STATE_HTTP2) {
        http2_feed(app->http2, direction, t_ns, data, len);
    } else if (app->state == STATE_TLS) {
        tls_feed(app->tls, direction, t_ns, data, len);
    } else {
        emit_opaque(app, direction, t_ns, data, len);
    }
}

static void end(struct app *app, Mitm__Direction direction, uint64_t t_ns, Mitm__EndCause cause)
{
    if (app->state == STATE_HTTP1) {
        http1_end(app->http1, direction, t_ns, cause);
    } else if (app->state == STATE_HTTP2) {
        http2_end(app->http2, direction, t_ns, cause);
    } else if (app->state == STATE_TLS) {
        tls_end(app->tls, direction, t_ns, cause);
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

static void make_decoder(struct app *app, enum sniff_result result)
{
    if (result == SNIFF_HTTP1) {
        struct http1_tunnel tunnel = {.begin = begin_tunnel, .feed = feed_tunnel, .end = end_tunnel, .ctx = app};
        app->http1 = http1_new(app->sink, app->body_limit_bytes, &tunnel);
        app->state = STATE_HTTP1;
    } else if (result == SNIFF_HTTP2) {
        app->http2 = http2_new(app->sink, app->body_limit_bytes);
        app->state = STATE_HTTP2;
    } else if (result == SNIFF_TLS && !app->inside_tls) {
        struct tls_plain plain = {.start = start_plain, .feed = feed_plain, .end = end_plain, .ctx = app};
        app->tls = tls_new(app->sink, app->keys, app->keys ? &plain : NULL, TLS_GATHER_BYTES);
        app->state = STATE_TLS;
    } else {
        app->state = STATE_OPAQUE;
    }
}

static void decode_held(struct app *app, Mitm__Direction direction, struct hold *hold)
{
    for (uint32_t i = 0; i < hold->pieces; i++) {
        struct piece piece = hold_piece(hold, i);
        decode(app, direction, piece.t_ns, piece.data, piece.len);
    }
    hold_fini(hold);
}

/* The protocol is known at `t_ns`: say so. */
static void say(struct app *app, enum sniff_result result, uint64_t t_ns)
{
    EVENT_NEW(record, ev, t_ns, ProtocolDetected, PROTOCOL_DETECTED, protocol_detected);
    EVENT_SET(ev, protocol, protocol_of(result));
    if (app->inside_tls) {
        EVENT_SET(ev, inside_tls, true);
    }
    event_emit(app->sink, &record);
    make_decoder(app, result);
}

/* The protocol is known at `t_ns`: say so, and decode the bytes held so far, the server's first. */
static void decide(struct app *app, enum sniff_result result, uint64_t t_ns)
{
    say(app, result, t_ns);
    decode_held(app, MITM__DIRECTION__TO_CLIENT, &app->early);
    if (app->server_ended) {
        end(app, MITM__DIRECTION__TO_CLIENT, t_ns, MITM__END_CAUSE__FIN);
    }
    decode_held(app, MITM__DIRECTION__TO_SERVER, &app->hold);
}

/* Copy what `hold` has and then `data`, as far as they fit, to the `size` bytes at `first`; return how many that are.
 */
static size_t beginning(const struct hold *hold, const uint8_t *data, size_t len, uint8_t *first, size_t size)
{
    size_t n = 0;
    while (n < hold->len && n < size) {
        first[n] = hold->data[n];
        n++;
    }
    for (size_t i = 0; i < len && n < size; i++) {
        first[n++] = data[i];
    }
    return n;
}

/* Look at the client's next bytes. Return whether they are held, because the protocol is still not known. */
static bool inspect_client(struct app *app, uint64_t t_ns, const uint8_t *data, size_t len)
{
    uint8_t first[SNIFF_MAX_BYTES];
    enum sniff_result result = sniff(first, beginning(&app->hold, data, len, first, sizeof first));
    if (result != SNIFF_UNDECIDED) {
        bool server_first = app->early.len > 0 && result != SNIFF_HTTP2;
        decide(app, server_first ? SNIFF_UNKNOWN : result, t_ns);
        return false;
    }
    struct piece piece = {.t_ns = t_ns, .data = data, .len = len};
    hold_add(&app->hold, &piece);
    return true;
}

/* The server speaks before the client is known: that can be HTTP/2 if the client is to speak, or nothing that is looked
 * into. */
static bool inspect_server(struct app *app, uint64_t t_ns, const uint8_t *data, size_t len)
{
    uint8_t first[SNIFF_SERVER_MAX_BYTES];
    size_t n = beginning(&app->early, data, len, first, sizeof first);
    bool fits = !app->client_ended && len <= EARLY_MAX_BYTES - app->early.len;
    if (!fits || sniff_server(first, n) == SNIFF_UNKNOWN) {
        say(app, SNIFF_UNKNOWN, t_ns);
        decode_held(app, MITM__DIRECTION__TO_SERVER, &app->hold);
        decode_held(app, MITM__DIRECTION__TO_CLIENT, &app->early); /* beside what decided, however that is cut */
        return false;
    }
    struct piece piece = {.t_ns = t_ns, .data = data, .len = len};
    hold_add(&app->early, &piece);
    return true;
}

static void feed(struct app *app, Mitm__Direction direction, uint64_t t_ns, const uint8_t *data, size_t len)
{
    if (app->state == STATE_UNDECIDED) {
        bool held = direction == MITM__DIRECTION__TO_CLIENT ? inspect_server(app, t_ns, data, len)
                                                            : inspect_client(app, t_ns, data, len);
        if (held) {
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
    if (app->state != STATE_UNDECIDED) {
        end(app, direction, t_ns, cause);
    } else if (direction == MITM__DIRECTION__TO_CLIENT) {
        app->server_ended = true;
    } else if (app->hold.len + app->early.len > 0) {
        decide(app, SNIFF_UNKNOWN, t_ns);
    } else {
        app->client_ended = true;
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

bool app_is_http1(const struct app *app)
{
    return app->state == STATE_HTTP1 && !app->http2;
}

bool app_waits(const struct app *app)
{
    return app->state == STATE_TLS && tls_waits(app->tls);
}

size_t app_held_bytes(const struct app *app)
{
    return app->state == STATE_TLS ? tls_held_bytes(app->tls) : 0;
}

bool app_drain(struct app *app, uint64_t t_ns)
{
    return app->state == STATE_TLS && tls_drain(app->tls, t_ns);
}

void app_give_up(struct app *app, uint64_t t_ns, bool for_room)
{
    if (app->state == STATE_TLS) {
        tls_give_up(app->tls, t_ns, for_room);
    }
}
