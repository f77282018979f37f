#include "capture/dial.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

#include "capture/side.h"

struct attempt {
    struct dial *dial;
    struct sockaddr_storage address;
    int fd; /* -1: not begun, or over */
    struct event writable;
};

struct dial {
    struct dial **slot;
    struct event_base *base;
    size_t n, begun, failed;
    int last_error;
    struct event next; /* timer: begin the next attempt */
    const struct event_sink *sink;
    const struct clock *clock;
    dial_done_fn *done;
    void *ctx;
    struct attempt attempt[]; /* n */
};

static void emit_start(const struct dial *dial, const struct sockaddr_storage *address)
{
    char text[RESOLVE_TEXT_SIZE];
    EVENT_NEW(record, ev, clock_t_ns(dial->clock), ConnectStart, CONNECT_START, connect_start);
    EVENT_SET(ev, port, resolve_text(address, text));
    ev.address = text;
    event_emit(dial->sink, &record);
}

/* The attempt to connect to `address` has ended: with `error`, or connected from `local`. */
static void emit_end(const struct dial *dial, const struct sockaddr_storage *address,
                     const struct sockaddr_storage *local, int error)
{
    char text[RESOLVE_TEXT_SIZE], local_text[RESOLVE_TEXT_SIZE];
    EVENT_NEW(record, ev, clock_t_ns(dial->clock), ConnectEnd, CONNECT_END, connect_end);
    EVENT_SET(ev, port, resolve_text(address, text));
    ev.address = text;
    if (error) {
        EVENT_SET(ev, error, (uint32_t)error);
    } else {
        EVENT_SET(ev, local_port, resolve_text(local, local_text));
        ev.local_address = local_text;
    }
    event_emit(dial->sink, &record);
}

static void attempt_stop(struct attempt *attempt, bool close_fd)
{
    event_del(&attempt->writable);
    if (close_fd)
        close(attempt->fd);
    attempt->fd = -1;
}

/* Stop all attempts under way and free `dial`. */
static void end(struct dial *dial)
{
    for (size_t i = 0; i < dial->begun; i++) {
        struct attempt *attempt = &dial->attempt[i];
        if (attempt->fd >= 0) {
            emit_end(dial, &attempt->address, NULL, ECANCELED);
            attempt_stop(attempt, true);
        }
    }
    event_del(&dial->next);
    *dial->slot = NULL;
    free(dial);
}

static void finish(struct dial *dial, int fd, const struct sockaddr_storage *local, int error)
{
    dial_done_fn *done = dial->done;
    void *ctx = dial->ctx;
    end(dial);
    done(ctx, fd, local, error);
}

static void succeeded(struct attempt *attempt)
{
    int fd = attempt->fd;
    struct sockaddr_storage local = {.ss_family = AF_INET};
    socklen_t len = sizeof local;
    getsockname(fd, (struct sockaddr *)&local, &len);
    emit_end(attempt->dial, &attempt->address, &local, 0);
    attempt_stop(attempt, false);
    finish(attempt->dial, fd, &local, 0);
}

static void begin_next(struct dial *dial);

static void failed(struct attempt *attempt, int error)
{
    struct dial *dial = attempt->dial;
    emit_end(dial, &attempt->address, NULL, error);
    if (attempt->fd >= 0)
        attempt_stop(attempt, true);
    dial->last_error = error;
    dial->failed++;
    if (dial->failed == dial->n)
        finish(dial, -1, NULL, error);
    else if (dial->begun < dial->n)
        begin_next(dial);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    (void)what;
    struct attempt *attempt = arg;
    int error = 0;
    socklen_t len = sizeof error;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
        error = errno;
    if (error)
        failed(attempt, error);
    else
        succeeded(attempt);
}

/* Begin the next attempt, and set the timer for the one after it. The dial may be over when this returns. */
static void begin_next(struct dial *dial)
{
    struct attempt *attempt = &dial->attempt[dial->begun];
    const struct sockaddr_storage *address = &attempt->address;
    dial->begun++;
    event_assign(&attempt->writable, dial->base, -1, 0, on_writable, attempt);
    if (dial->begun < dial->n) {
        struct timeval delay = {.tv_usec = DIAL_NEXT_MS * 1000};
        event_add(&dial->next, &delay);
    } else {
        event_del(&dial->next);
    }
    emit_start(dial, address);
    attempt->fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (attempt->fd < 0) {
        failed(attempt, errno);
        return;
    }
    side_prepare(attempt->fd);
    if (connect(attempt->fd, (const struct sockaddr *)address, resolve_length(address)) == 0) {
        succeeded(attempt);
    } else if (errno == EINPROGRESS) {
        event_assign(&attempt->writable, dial->base, attempt->fd, EV_WRITE, on_writable, attempt);
        event_add(&attempt->writable, NULL);
    } else {
        failed(attempt, errno);
    }
}

static void on_next(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    begin_next(arg);
}

void dial_start(struct dial **slot, struct event_base *base, const struct resolve_addresses *addresses,
                const struct event_sink *sink, const struct clock *clock, dial_done_fn *done, void *ctx)
{
    assert(addresses->n >= 1);
    struct dial *dial = calloc(1, sizeof *dial + addresses->n * sizeof dial->attempt[0]);
    if (!dial)
        abort();
    dial->slot = slot;
    dial->base = base;
    dial->n = addresses->n;
    dial->sink = sink;
    dial->clock = clock;
    dial->done = done;
    dial->ctx = ctx;
    for (size_t i = 0; i < dial->n; i++) {
        dial->attempt[i].dial = dial;
        dial->attempt[i].address = addresses->address[i];
        dial->attempt[i].fd = -1;
    }
    *slot = dial;
    evtimer_assign(&dial->next, base, on_next, dial);
    begin_next(dial);
}

void dial_cancel(struct dial *dial)
{
    end(dial);
}
