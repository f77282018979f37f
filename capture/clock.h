/*
 * The session's clock: nanoseconds since the session's start on the monotonic clock, and the conversion of the kernel's
 * receive time stamps, which are on the wall clock, to it.
 */
#ifndef MITM_CAPTURE_CLOCK_H
#define MITM_CAPTURE_CLOCK_H

#include <stdint.h>
#include <time.h>

struct clock {
    uint64_t start_monotonic_ns;
    uint64_t start_wall_ns;
    int64_t wall_minus_monotonic_ns; /* as last seen: changes when the wall clock is set */
};

/* A moment on both clocks. */
struct clock_now {
    uint64_t t_ns;    /* session time */
    uint64_t wall_ns; /* nanoseconds since 1970-01-01T00:00:00Z */
};

/* Start `clock` at this moment. */
void clock_start(struct clock *clock);

/* Return the session time. */
uint64_t clock_t_ns(const struct clock *clock);

/* Return this moment on both clocks. */
struct clock_now clock_read(const struct clock *clock);

/*
 * Return the session time of `stamp`, a kernel time stamp on the wall clock that was read at `now`. One that lies in
 * the future or before the session (the wall clock was set in between) becomes now->t_ns.
 */
uint64_t clock_convert(const struct clock_now *now, const struct timespec *stamp);

/*
 * Return by how much the wall clock was set since the last call (or the start), in nanoseconds; 0 where it differs by
 * less than a millisecond, as it does while it is being slewed.
 */
int64_t clock_step_ns(struct clock *clock, const struct clock_now *now);

#endif
