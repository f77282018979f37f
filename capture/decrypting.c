#include "capture/decrypting.h"

#include <assert.h>
#include <stdlib.h>

#include "capture/conn_private.h"
#include "capture/decode/app.h"
#include "capture/decode/tls/keys.h"
#include "capture/keylog.h"

TAILQ_HEAD(waiting_list, conn);

struct decrypting {
    struct proxy *proxy;
    struct tls_keys *keys;
    struct keylog *keylog;
    struct waiting_list waiting; /* who has waited longest is the first */
    size_t waiting_n, held_bytes;
    struct event timer; /* for the first's deadline */
    struct event turn;  /* there is more to decrypt */
};

/* Let the timer go off when the one that has waited longest is to be given up. */
static void set_timer(struct decrypting *decrypting)
{
    const struct conn *first = TAILQ_FIRST(&decrypting->waiting);
    if (!first) {
        event_del(&decrypting->timer);
        return;
    }
    if (event_pending(&decrypting->timer, EV_TIMEOUT, NULL))
        return;
    uint64_t due_ns = first->decrypting.since_ns + (uint64_t)DECRYPTING_WAIT_MS * 1000000;
    uint64_t now_ns = conn_now(first);
    uint64_t us = due_ns > now_ns ? (due_ns - now_ns + 999) / 1000 : 0;
    struct timeval wait = {.tv_sec = (time_t)(us / 1000000), .tv_usec = (suseconds_t)(us % 1000000)};
    event_add(&decrypting->timer, &wait);
}

static void count_held(struct decrypting *decrypting, struct conn *conn, size_t held_bytes)
{
    decrypting->held_bytes += held_bytes;
    decrypting->held_bytes -= conn->decrypting.held_bytes;
    conn->decrypting.held_bytes = held_bytes;
}

/* `conn` does not wait any more; nobody may need it now. */
static void leave(struct decrypting *decrypting, struct conn *conn)
{
    struct decrypting_part *part = &conn->decrypting;
    count_held(decrypting, conn, 0);
    TAILQ_REMOVE(&decrypting->waiting, conn, decrypting.link);
    decrypting->waiting_n--;
    part->waits = part->untried = false;
    part->keys_t_ns = 0;
    if (part->ended)
        conn_free(conn);
}

/* See whether `conn` waits, and with how much. */
static void look(struct decrypting *decrypting, struct conn *conn)
{
    struct decrypting_part *part = &conn->decrypting;
    bool waits = app_waits(conn->app);
    if (waits && !part->waits) {
        part->waits = true;
        part->since_ns = conn_now(conn);
        TAILQ_INSERT_TAIL(&decrypting->waiting, conn, decrypting.link);
        decrypting->waiting_n++;
        set_timer(decrypting);
    }
    part->untried = waits;
    if (waits)
        count_held(decrypting, conn, app_held_bytes(conn->app));
    else if (part->waits)
        leave(decrypting, conn);
}

/* Decrypt a part of what `conn` holds. */
static void drain(struct conn *conn)
{
    conn->decrypting.untried = app_drain(conn->app, conn->decrypting.keys_t_ns);
}

/* Give `conn` up; `for_room`: because too much waits. */
static void give_up(struct decrypting *decrypting, struct conn *conn, bool for_room)
{
    while (conn->decrypting.untried)
        drain(conn);
    app_give_up(conn->app, conn_now(conn), for_room);
    assert(!app_waits(conn->app));
    leave(decrypting, conn);
}

void decrypting_look(struct conn *conn)
{
    struct decrypting *decrypting = conn->proxy->decrypting;
    if (!decrypting || !conn->app)
        return;
    if (proxy_has_slack(conn->proxy))
        (void)app_drain(conn->app, conn->decrypting.keys_t_ns);
    look(decrypting, conn);
    while (decrypting->held_bytes + decrypting->waiting_n * DECRYPTING_CONN_BYTES > DECRYPTING_HELD_MAX_BYTES)
        give_up(decrypting, TAILQ_FIRST(&decrypting->waiting), true);
}

bool decrypting_keeps(struct conn *conn)
{
    conn->decrypting.ended = conn->decrypting.waits;
    return conn->decrypting.waits;
}

/* Decrypt what can be, for one turn of the loop. Return whether there is more. */
static bool decrypt(struct decrypting *decrypting)
{
    uint64_t begin_ns = clock_t_ns(&decrypting->proxy->clock), now_ns = begin_ns;
    bool more = false;
    proxy_busy(decrypting->proxy);
    for (struct conn *conn = TAILQ_FIRST(&decrypting->waiting), *next; conn; conn = next) {
        next = TAILQ_NEXT(conn, decrypting.link);
        while (conn->decrypting.untried && now_ns - begin_ns < DECRYPTING_TURN_NS) {
            drain(conn);
            if (app_held_bytes(conn->app) == conn->decrypting.held_bytes)
                continue; /* its keys are still missing */
            count_held(decrypting, conn, app_held_bytes(conn->app));
            now_ns = clock_t_ns(&decrypting->proxy->clock);
        }
        more = more || conn->decrypting.untried;
        if (!app_waits(conn->app))
            leave(decrypting, conn);
    }
    return more;
}

void decrypting_gathered(struct decrypting *decrypting, bool all)
{
    static const struct timeval at_once = {0};
    bool more = decrypting && decrypt(decrypting);
    while (more && all)
        more = decrypt(decrypting);
    if (more)
        event_add(&decrypting->turn, &at_once);
}

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    decrypting_gathered(arg, false);
}

static void on_keys(void *ctx)
{
    struct decrypting *decrypting = ctx;
    uint64_t now_ns = clock_t_ns(&decrypting->proxy->clock);
    for (struct conn *conn = TAILQ_FIRST(&decrypting->waiting); conn; conn = TAILQ_NEXT(conn, decrypting.link)) {
        conn->decrypting.untried = true;
        conn->decrypting.keys_t_ns = now_ns;
    }
    decrypting_gathered(decrypting, false);
}

/* Give up those that have waited since `until_ns` or before. */
static void give_up_until(struct decrypting *decrypting, uint64_t until_ns)
{
    for (struct conn *conn; (conn = TAILQ_FIRST(&decrypting->waiting)) && conn->decrypting.since_ns <= until_ns;)
        give_up(decrypting, conn, false);
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct decrypting *decrypting = arg;
    proxy_busy(decrypting->proxy);
    uint64_t now_ns = clock_t_ns(&decrypting->proxy->clock), wait_ns = (uint64_t)DECRYPTING_WAIT_MS * 1000000;
    if (now_ns >= wait_ns)
        give_up_until(decrypting, now_ns - wait_ns);
    set_timer(decrypting);
}

struct decrypting *decrypting_new(struct proxy *proxy, const char *path, int *error)
{
    struct decrypting *decrypting = calloc(1, sizeof *decrypting);
    if (!decrypting)
        abort();
    decrypting->proxy = proxy;
    decrypting->keys = tls_keys_new();
    TAILQ_INIT(&decrypting->waiting);
    evtimer_assign(&decrypting->timer, proxy->base, on_deadline, decrypting);
    evtimer_assign(&decrypting->turn, proxy->base, on_turn, decrypting);
    decrypting->keylog = keylog_new(proxy->base, path, decrypting->keys, on_keys, decrypting, error);
    if (decrypting->keylog)
        return decrypting;
    decrypting_free(decrypting);
    return NULL;
}

void decrypting_free(struct decrypting *decrypting)
{
    if (!decrypting)
        return;
    assert(TAILQ_EMPTY(&decrypting->waiting));
    event_del(&decrypting->timer);
    event_del(&decrypting->turn);
    if (decrypting->keylog)
        keylog_free(decrypting->keylog);
    tls_keys_free(decrypting->keys);
    free(decrypting);
}

struct tls_keys *decrypting_keys(struct decrypting *decrypting)
{
    return decrypting ? decrypting->keys : NULL;
}

void decrypting_finish(struct decrypting *decrypting)
{
    if (!decrypting)
        return;
    keylog_catch_up(decrypting->keylog);
    give_up_until(decrypting, UINT64_MAX);
}
