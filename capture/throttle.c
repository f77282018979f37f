#include "capture/throttle.h"

#include "capture/conn_private.h"

#define TELL_INTERVAL_NS UINT64_C(1000000000)
/* A turn is worth so many bytes, where the limits allow it. */
#define TURN_BYTES ((size_t)1024)

static bool is_client(const struct side *side)
{
    return side == &side->conn->client;
}

static uint64_t own_rate(const struct side *side)
{
    const struct settings *live = &side->conn->proxy->settings.live;
    return is_client(side) ? live->rate_up : live->rate_down;
}

static uint64_t total_rate(const struct side *side)
{
    const struct settings *live = &side->conn->proxy->settings.live;
    return is_client(side) ? live->rate_up_total : live->rate_down_total;
}

static struct bucket *total_bucket(const struct side *side)
{
    struct throttle *throttle = &side->conn->proxy->throttle;
    return is_client(side) ? &throttle->to_server : &throttle->to_client;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Return how many bytes make a read worth while under `rate`: what flows in a tick. Less is waited for. */
static size_t worth(uint64_t rate)
{
    uint64_t bytes = rate / (1000 / THROTTLE_TICK_MS) + 1;
    return rate == 0 ? 1 : bytes < TURN_BYTES ? (size_t)bytes : TURN_BYTES;
}

static bool somebody_waits(const struct side *side)
{
    const struct throttle *throttle = &side->conn->proxy->throttle;
    return is_client(side) ? !TAILQ_EMPTY(&throttle->to_server_waiting) : !TAILQ_EMPTY(&throttle->to_client_waiting);
}

/* ---------------------------------------------------------------- RateLimited */

static void tell(struct side *side, uint64_t t_ns)
{
    struct throttle_side *own = &side->throttle;
    EVENT_NEW(record, ev, t_ns, RateLimited, RATE_LIMITED, rate_limited);
    EVENT_SET(ev, direction, is_client(side) ? MITM__DIRECTION__TO_SERVER : MITM__DIRECTION__TO_CLIENT);
    EVENT_SET(ev, first_t_ns, own->first_ns);
    EVENT_SET(ev, held_ns, own->held_ns);
    own->held = false;
    own->held_ns = 0;
    own->told_t_ns = t_ns;
    event_emit(&side->conn->sink, &record);
}

/* The limit begins to hold bytes back at `t_ns`. */
static void begin_holding(struct throttle_side *own, uint64_t t_ns)
{
    if (!own->held)
        own->first_ns = t_ns;
    own->held = true;
}

/* What a read left that the limit had cut short is going to be read, or never will be. */
static void continue_reading(struct throttle_side *own, uint64_t t_ns)
{
    if (own->cut_t_ns != 0)
        own->held_ns += t_ns - own->cut_t_ns;
    own->cut_t_ns = 0;
}

static void stop_waiting(struct side *side, uint64_t t_ns)
{
    struct throttle *throttle = &side->conn->proxy->throttle;
    struct throttle_side *own = &side->throttle;
    if (!own->waiting)
        return;
    own->waiting = false;
    own->held_ns += t_ns - own->waits_since_ns;
    if (is_client(side))
        TAILQ_REMOVE(&throttle->to_server_waiting, own, link);
    else
        TAILQ_REMOVE(&throttle->to_client_waiting, own, link);
}

/* ---------------------------------------------------------------- turns */

static void arm(struct proxy *proxy)
{
    if (proxy->throttle.armed)
        return;
    struct timeval tick = {.tv_usec = THROTTLE_TICK_MS * 1000};
    event_add(&proxy->throttle.timer, &tick);
    proxy->throttle.armed = true;
}

static void wait_for_turn(struct side *side, uint64_t t_ns)
{
    struct throttle *throttle = &side->conn->proxy->throttle;
    struct throttle_side *own = &side->throttle;
    own->side = side;
    own->waiting = true;
    own->waits_since_ns = t_ns;
    begin_holding(own, t_ns);
    if (is_client(side))
        TAILQ_INSERT_TAIL(&throttle->to_server_waiting, own, link);
    else
        TAILQ_INSERT_TAIL(&throttle->to_client_waiting, own, link);
    arm(side->conn->proxy);
}

/* Give `side`, which waits, its turn: at most `share` bytes. Return how many these are; 0: it has to wait on. */
static size_t give_turn(struct side *side, size_t share, uint64_t t_ns)
{
    struct throttle_side *own = &side->throttle;
    uint64_t rate = own_rate(side);
    size_t may = bucket_look(&own->bucket, rate, t_ns);
    if (may < worth(rate))
        return 0;
    own->grant = total_rate(side) ? least(share, may) : 0;
    own->granted_t_ns = t_ns;
    stop_waiting(side, t_ns);
    if (t_ns - own->told_t_ns >= TELL_INTERVAL_NS)
        tell(side, t_ns);
    conn_take_turn(side);
    return own->grant;
}

/* Give turns to those who wait in one direction. Each gets the same, in the order in which they came. */
static void give_turns(struct throttle_waiting *waiting, uint64_t t_ns)
{
    struct throttle_side *first = TAILQ_FIRST(waiting);
    size_t n = 0;
    for (const struct throttle_side *own = first; own; own = TAILQ_NEXT(own, link))
        n++;
    if (n == 0)
        return;
    size_t left = bucket_look(total_bucket(first->side), total_rate(first->side), t_ns);
    size_t share = left / n > TURN_BYTES ? left / n : TURN_BYTES;
    struct throttle_side *next;
    for (struct throttle_side *own = first; n-- > 0 && left > 0; own = next) {
        next = TAILQ_NEXT(own, link);
        left -= give_turn(own->side, least(share, left), t_ns);
    }
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct proxy *proxy = arg;
    struct throttle *throttle = &proxy->throttle;
    throttle->armed = false;
    proxy_busy(proxy);
    give_turns(&throttle->to_server_waiting, clock_t_ns(&proxy->clock));
    give_turns(&throttle->to_client_waiting, clock_t_ns(&proxy->clock));
    if (!TAILQ_EMPTY(&throttle->to_server_waiting) || !TAILQ_EMPTY(&throttle->to_client_waiting))
        arm(proxy);
}

/* ---------------------------------------------------------------- reading */

void throttle_init(struct proxy *proxy)
{
    TAILQ_INIT(&proxy->throttle.to_server_waiting);
    TAILQ_INIT(&proxy->throttle.to_client_waiting);
    evtimer_assign(&proxy->throttle.timer, proxy->base, on_tick, proxy);
}

void throttle_fini(struct proxy *proxy)
{
    event_del(&proxy->throttle.timer);
}

/* Return how many bytes `side` may read under `total`, the limit for all: what it was given in its turn, or whatever
 * there is if nobody waits. */
static size_t may_of_all(struct side *side, uint64_t total, uint64_t t_ns)
{
    struct throttle_side *own = &side->throttle;
    /* A turn that was not used is over: else idle connections could save up as much each as all may together. */
    if (t_ns - own->granted_t_ns > BUCKET_BURST_NS)
        own->grant = 0;
    if (own->grant > 0) {
        size_t most = (size_t)(total / (UINT64_C(1000000000) / BUCKET_BURST_NS)) + BUCKET_BURST_BYTES;
        return least(own->grant, most); /* it may be of a higher limit than it is now */
    }
    size_t all = somebody_waits(side) ? 0 : bucket_look(total_bucket(side), total, t_ns);
    return all < worth(total) ? 0 : all;
}

size_t throttle_allowance(struct side *side)
{
    struct throttle_side *own = &side->throttle;
    uint64_t rate = own_rate(side), total = total_rate(side);
    if (rate == 0 && total == 0) {
        own->bucket = (struct bucket){0};
        if (own->cut_t_ns != 0)
            continue_reading(own, conn_now(side->conn));
        return PROXY_READ_BYTES;
    }
    uint64_t t_ns = conn_now(side->conn);
    continue_reading(own, t_ns);
    if (own->held && t_ns - own->told_t_ns >= TELL_INTERVAL_NS)
        tell(side, t_ns);
    size_t may = bucket_look(&own->bucket, rate, t_ns);
    bool wait = may < worth(rate);
    if (total != 0) {
        size_t all = may_of_all(side, total, t_ns);
        wait = wait || all == 0;
        may = least(may, all);
    }
    if (wait)
        wait_for_turn(side, t_ns);
    return wait ? 0 : least(may, PROXY_READ_BYTES);
}

void throttle_count(struct side *side, size_t len, size_t size)
{
    struct throttle_side *own = &side->throttle;
    if (size < PROXY_READ_BYTES && len == size) { /* there may be more */
        own->cut_t_ns = conn_now(side->conn);
        begin_holding(own, own->cut_t_ns);
    }
    if (own_rate(side) != 0)
        bucket_take(&own->bucket, len);
    own->grant -= least(len, own->grant);
    if (total_rate(side) != 0)
        bucket_take(total_bucket(side), len);
}

void throttle_end(struct side *side)
{
    uint64_t t_ns = conn_now(side->conn);
    stop_waiting(side, t_ns);
    continue_reading(&side->throttle, t_ns);
    if (side->throttle.held)
        tell(side, t_ns);
}
