#include "capture/clock.h"

#include <assert.h>

/* The wall clock was set if it differs by more than this: less is slewing. */
#define STEP_LEAST_NS INT64_C(1000000)
/* So often both clocks are read until there is no step between them. */
enum { READS_MAX = 3 };

static uint64_t read_ns(clockid_t id)
{
    struct timespec ts;
    int rc = clock_gettime(id, &ts);
    assert(rc == 0);
    (void)rc;
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void clock_start(struct clock *clock)
{
    clock->start_monotonic_ns = read_ns(CLOCK_MONOTONIC);
    clock->start_wall_ns = read_ns(CLOCK_REALTIME);
    clock->wall_minus_monotonic_ns = (int64_t)(clock->start_wall_ns - clock->start_monotonic_ns);
}

uint64_t clock_t_ns(const struct clock *clock)
{
    return read_ns(CLOCK_MONOTONIC) - clock->start_monotonic_ns;
}

/* Return by how much the wall clock was set, as `now` has it. */
static int64_t step_ns(const struct clock *clock, const struct clock_now *now)
{
    int64_t difference = (int64_t)(now->wall_ns - now->t_ns - clock->start_monotonic_ns);
    int64_t step = difference - clock->wall_minus_monotonic_ns;
    return step > STEP_LEAST_NS || step < -STEP_LEAST_NS ? step : 0;
}

struct clock_now clock_read(const struct clock *clock)
{
    struct clock_now now;
    /* Who is interrupted between the two clocks sees a step where there is none: look again. */
    for (int i = 0; i < READS_MAX; i++) {
        now.wall_ns = read_ns(CLOCK_REALTIME);
        now.t_ns = clock_t_ns(clock);
        if (step_ns(clock, &now) == 0)
            break;
    }
    return now;
}

uint64_t clock_convert(const struct clock_now *now, const struct timespec *stamp)
{
    uint64_t stamp_ns = (uint64_t)stamp->tv_sec * 1000000000u + (uint64_t)stamp->tv_nsec;
    uint64_t ago_ns = now->wall_ns - stamp_ns;
    return stamp_ns > now->wall_ns || ago_ns > now->t_ns ? now->t_ns : now->t_ns - ago_ns;
}

int64_t clock_step_ns(struct clock *clock, const struct clock_now *now)
{
    int64_t step = step_ns(clock, now);
    clock->wall_minus_monotonic_ns = (int64_t)(now->wall_ns - now->t_ns - clock->start_monotonic_ns);
    return step;
}
