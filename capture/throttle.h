/*
 * The rate limits of the settings: how much may be read from a side now, and whose turn it is when there is no more.
 *
 * What is read is passed on, so reading less limits the rate, and back-pressure makes the sender slow down. Who may
 * read no more waits; waiting sides get their turn every THROTTLE_TICK_MS, one after the other, so that under a limit
 * for all together each gets the same. Bytes before the relay are not limited.
 */
#ifndef MITM_CAPTURE_THROTTLE_H
#define MITM_CAPTURE_THROTTLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "capture/bucket.h"

#define THROTTLE_TICK_MS 4

struct proxy;
struct side;

/* One side's part: what is read from it flows in one direction. Embedded in struct side. */
struct throttle_side {
    TAILQ_ENTRY(throttle_side) link; /* while `waiting` */
    struct side *side;
    struct bucket bucket;
    size_t grant; /* under a limit for all: bytes that it may read in its turn, which it got at granted_t_ns */
    uint64_t granted_t_ns;
    bool waiting;
    /* For RateLimited. */
    uint64_t waits_since_ns, first_ns, held_ns, told_t_ns;
    uint64_t cut_t_ns; /* when the limit cut a read short that has not been continued; 0: it has */
    bool held;         /* since the last RateLimited */
};

TAILQ_HEAD(throttle_waiting, throttle_side);

/* What all share; embedded in struct proxy. */
struct throttle {
    struct bucket to_server, to_client; /* of the limits for all */
    struct throttle_waiting to_server_waiting, to_client_waiting;
    struct event timer;
    bool armed;
};

void throttle_init(struct proxy *proxy);
void throttle_fini(struct proxy *proxy);

/*
 * Return how many bytes may be read from `side` now, PROXY_READ_BYTES at most. 0: none; then it waits for its turn, and
 * conn_take_turn() is called. Call this for the sides of connections of the measurement in their relay alone.
 */
size_t throttle_allowance(struct side *side);

/* Say that `len` bytes have been read from `side`, of `size` that were allowed. */
void throttle_count(struct side *side, size_t len, size_t size);

/* `side` is read no more: it waits no longer, and what is left to tell of its limit is told (RateLimited). */
void throttle_end(struct side *side);

#endif
