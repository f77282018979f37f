#include "capture/clock.h"

#include <assert.h>

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

struct clock_now clock_read(const struct clock *clock)
{
    uint64_t wall_ns = read_ns(CLOCK_REALTIME);
    return (struct clock_now){.t_ns = clock_t_ns(clock), .wall_ns = wall_ns};
}

uint64_t clock_convert(const struct clock_now *now, const struct timespec *stamp)
{
    uint64_t stamp_ns = (uint64_t)stamp->tv_sec * 1000000000u + (uint64_t)stamp->tv_nsec;
    uint64_t ago_ns = now->wall_ns - stamp_ns;
    return stamp_ns > now->wall_ns || ago_ns > now->t_ns ? now->t_ns : now->t_ns - ago_ns;
}

int64_t clock_step_ns(struct clock *clock, const struct clock_now *now)
{
    const int64_t tolerance_ns = 1000000;
    int64_t difference = (int64_t)(now->wall_ns - now->t_ns - clock->start_monotonic_ns);
    int64_t step = difference - clock->wall_minus_monotonic_ns;
    clock->wall_minus_monotonic_ns = difference;
    return step > tolerance_ns || step < -tolerance_ns ? step : 0;
}
