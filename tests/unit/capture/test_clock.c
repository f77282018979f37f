#include <criterion/criterion.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "capture/clock.h"

Test(clock, stamp_of_the_past_is_converted)
{
    struct clock_now now = {.t_ns = 5000000000, .wall_ns = 1000000000000};
    struct timespec stamp = {.tv_sec = 998, .tv_nsec = 500000000};
    cr_assert_eq(clock_convert(&now, &stamp), 3500000000u, "1.5 s ago");
}

Test(clock, impossible_stamps_become_now)
{
    struct clock_now now = {.t_ns = 5000000000, .wall_ns = 1000000000000};
    struct timespec future = {.tv_sec = 1000, .tv_nsec = 1};
    struct timespec before_session = {.tv_sec = 994, .tv_nsec = 999999999};
    struct timespec at_start = {.tv_sec = 995};
    cr_assert_eq(clock_convert(&now, &future), now.t_ns);
    cr_assert_eq(clock_convert(&now, &before_session), now.t_ns);
    cr_assert_eq(clock_convert(&now, &at_start), 0);
}

Test(clock, step_of_the_wall_clock_is_reported_once)
{
    struct clock clock = {.start_monotonic_ns = 7000, .start_wall_ns = 1007000, .wall_minus_monotonic_ns = 1000000};
    struct clock_now now = {.t_ns = 500, .wall_ns = 1007500};
    cr_assert_eq(clock_step_ns(&clock, &now), 0);
    now.wall_ns += 3600000000000;
    cr_assert_eq(clock_step_ns(&clock, &now), 3600000000000);
    cr_assert_eq(clock_step_ns(&clock, &now), 0);
    now.wall_ns -= 1800000000000;
    cr_assert_eq(clock_step_ns(&clock, &now), -1800000000000);
    now.wall_ns += 900000;
    cr_assert_eq(clock_step_ns(&clock, &now), 0, "slewing is no step");
}

/* So many times the monotonic clock runs ahead, as for a program that is interrupted before it reads it. */
static int interruptions;
static uint64_t interrupted_ns;

/* Stands in for the C library's: its only caller here is the module under test, and the test runner. */
int clock_gettime(clockid_t id, struct timespec *ts)
{
    int rc = (int)syscall(SYS_clock_gettime, id, ts);
    if (id == CLOCK_MONOTONIC && interruptions > 0) {
        interruptions--;
        interrupted_ns += 5000000;
        ts->tv_nsec += 5000000;
        if (ts->tv_nsec >= 1000000000) {
            ts->tv_nsec -= 1000000000;
            ts->tv_sec++;
        }
    }
    return rc;
}

Test(clock, interruption_between_the_clocks_is_no_step)
{
    struct clock clock;
    clock_start(&clock);
    interruptions = 1;
    struct clock_now now = clock_read(&clock);
    cr_assert_eq(interrupted_ns, 5000000, "it happened");
    cr_assert_eq(clock_step_ns(&clock, &now), 0);
}

Test(clock, both_clocks_run)
{
    struct clock clock;
    clock_start(&clock);
    struct clock_now a = clock_read(&clock), b = clock_read(&clock);
    cr_assert_leq(a.t_ns, b.t_ns);
    cr_assert_lt(b.t_ns, 60000000000u);
    cr_assert_geq(a.wall_ns, clock.start_wall_ns);
}
