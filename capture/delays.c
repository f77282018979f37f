#include "capture/delays.h"

#include <stdlib.h>

#include "capture/decode/app.h"
#include "capture/holdback.h"

struct delays {
    struct holdback holdback;
    struct event timer;
};

static void on_due(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct conn *conn = arg;
    proxy_busy(conn->proxy);
    delays_pass_on(conn);
    conn_passed_on(conn);
}

static struct delays *delays_of(struct conn *conn)
{
    if (!conn->delays) {
        conn->delays = calloc(1, sizeof *conn->delays);
        if (!conn->delays)
            abort();
        holdback_init(&conn->delays->holdback);
        evtimer_assign(&conn->delays->timer, conn->proxy->base, on_due, conn);
    }
    return conn->delays;
}

void delays_free(struct conn *conn)
{
    if (!conn->delays)
        return;
    event_del(&conn->delays->timer);
    holdback_fini(&conn->delays->holdback);
    free(conn->delays);
    conn->delays = NULL;
}

size_t delays_held_bytes(const struct conn *conn)
{
    return conn->delays ? conn->delays->holdback.len : 0;
}

bool delays_wanted(const struct conn *conn)
{
    return conn->part == CONN_MEASURED && (conn->proxy->settings.live.request_delay.max_ns > 0 ||
                                           conn->state == CONN_DELAYED || delays_held_bytes(conn) > 0);
}

void delays_emit(struct conn *conn, Mitm__DelayKind kind, uint64_t t_ns, uint64_t arrived_t_ns, uint64_t drawn_ns,
                 uint32_t exchange)
{
    EVENT_NEW(record, ev, t_ns, Delay, DELAY, delay);
    if (exchange > 0)
        EVENT_SET(record, exchange, exchange);
    EVENT_SET(ev, kind, kind);
    EVENT_SET(ev, arrived_t_ns, arrived_t_ns);
    EVENT_SET(ev, drawn_ns, drawn_ns);
    event_emit(&conn->sink, &record);
}

/* ---------------------------------------------------------------- what the decoder says */

static uint64_t draw(struct conn *conn)
{
    struct proxy *proxy = conn->proxy;
    const struct settings_delay *delay = &proxy->settings.live.request_delay;
    return random_between(&proxy->request_random, delay->min_ns, delay->max_ns);
}

/* Whether a request that begins at `offset` is to be delayed: a delay is wanted, and it has not been passed on. */
static bool is_delayed(const struct conn *conn, uint64_t offset)
{
    return conn->proxy->settings.live.request_delay.max_ns > 0 && conn->delays->holdback.len > 0 &&
           offset >= conn->delays->holdback.offset;
}

void delays_request(struct conn *conn, uint64_t offset, uint64_t t_ns, uint32_t exchange)
{
    if (!conn->delays)
        return;
    struct holdback *holdback = &conn->delays->holdback;
    struct holdback_mark *mark = holdback_undecided(holdback);
    if (!mark) {
        if (is_delayed(conn, offset))
            holdback_add(holdback, offset, t_ns, draw(conn), exchange);
        return;
    }
    if (mark->offset >= holdback->offset || offset >= holdback->offset) {
        /* Not passed on yet. Empty lines before it do not count. */
        mark->offset = offset;
        mark->arrived_t_ns = t_ns;
    }
    mark->exchange = exchange;
}

/* Emit the Delay of requests that have been passed on. */
static void emit_passed(struct conn *conn)
{
    struct holdback_mark mark;
    while (conn->delays && holdback_take(&conn->delays->holdback, &mark))
        delays_emit(conn, MITM__DELAY_KIND__REQUEST_DELAY, mark.passed_t_ns, mark.arrived_t_ns, mark.drawn_ns,
                    mark.exchange);
}

void delays_decoded(struct conn *conn)
{
    if (!conn->delays)
        return;
    struct holdback *holdback = &conn->delays->holdback;
    struct holdback_mark *mark = holdback_undecided(holdback);
    uint64_t offset, t_ns;
    bool pending = conn->app && app_pending(conn->app, &offset, &t_ns);
    if (mark && !pending)
        holdback_remove(holdback, mark);
    else if (!mark && pending && is_delayed(conn, offset))
        holdback_add(holdback, offset, t_ns, draw(conn), 0);
    emit_passed(conn);
}

/* ---------------------------------------------------------------- passing on */

static bool may_pass_on(const struct conn *conn)
{
    return conn->state == CONN_REPLY || conn->state == CONN_RESOLVING || conn->state == CONN_DIALING_SERVER ||
           conn->state == CONN_RELAY;
}

/* Come back when the next bytes are due. */
static void set_timer(struct conn *conn)
{
    uint64_t due_ns = holdback_next_t_ns(&conn->delays->holdback), now_ns = conn_now(conn);
    if (due_ns == UINT64_MAX) {
        event_del(&conn->delays->timer);
        return;
    }
    uint64_t us = due_ns > now_ns ? (due_ns - now_ns + 999) / 1000 : 0;
    struct timeval wait = {.tv_sec = (time_t)(us / 1000000), .tv_usec = (suseconds_t)(us % 1000000)};
    event_add(&conn->delays->timer, &wait);
}

void delays_pass_on(struct conn *conn)
{
    if (!conn->delays || !may_pass_on(conn))
        return;
    struct holdback *holdback = &conn->delays->holdback;
    const uint8_t *data;
    for (size_t len; conn->server.kept_len == 0 && (len = holdback_due(holdback, conn_now(conn), &data)) > 0;) {
        side_send(&conn->server, data, len);
        holdback_passed(holdback, len, conn_now(conn));
    }
    emit_passed(conn);
    if (conn->server.kept_len > 0)
        event_del(&conn->delays->timer); /* on_drained comes back */
    else
        set_timer(conn);
}

void delays_take(struct conn *conn, uint64_t t_ns, const uint8_t *data, size_t len)
{
    holdback_push(&delays_of(conn)->holdback, conn->to_server_bytes, data, len);
    conn_tap(conn, MITM__DIRECTION__TO_SERVER, t_ns, data, len);
    delays_pass_on(conn);
}
