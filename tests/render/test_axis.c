/* Axes: round ticks with readable labels. */
#include <criterion/criterion.h>

#include "render/axis.h"

#define SECOND INT64_C(1000000000)

/* Check the number of ticks on [from, to], the step and the labels of the first and the last one. */
static void check(int64_t from_ns, int64_t to_ns, size_t max_count, int64_t step_ns, const char *first,
                  const char *last)
{
    struct axis_ticks ticks = axis_time_ticks(from_ns, to_ns, max_count);
    char label[AXIS_LABEL_SIZE];
    cr_assert_eq(ticks.step_ns, step_ns);
    cr_assert(ticks.count >= 1 && ticks.count <= max_count);
    int64_t last_ns = ticks.first_ns + (int64_t)(ticks.count - 1) * ticks.step_ns;
    cr_assert(ticks.first_ns >= from_ns && last_ns <= to_ns);
    cr_assert(ticks.first_ns - ticks.step_ns < from_ns && last_ns + ticks.step_ns > to_ns);
    axis_time_label(&ticks, ticks.first_ns, label);
    cr_assert_str_eq(label, first);
    axis_time_label(&ticks, last_ns, label);
    cr_assert_str_eq(label, last);
}

Test(axis, times)
{
    check(0, 6200000000, 10, SECOND, "0", "6 s");
    check(0, 3000000, 10, 500000, "0", "3.0 ms");
    check(0, 1, 10, 1, "0", "1 ns");
    check(0, 7000, 10, 1000, "0", "7 µs");
    check(0, 3 * 3600 * SECOND, 10, 1200 * SECOND, "0", "180 min");
    check(0, 20 * 3600 * SECOND, 11, 2 * 3600 * SECOND, "0", "20 h");
    check(0, 90 * SECOND, 10, 10 * SECOND, "0", "90 s");
    check(-2500000000, 2500000000, 10, SECOND, "-2 s", "2 s");
    check(3600 * SECOND + 1000000, 3600 * SECOND + 4000000, 5, 1000000, "3600.001 s", "3600.004 s");
    check(-AXIS_LIMIT_NS, AXIS_LIMIT_NS, 10, 24 * 3600 * SECOND * 256, "-24576 h", "24576 h");
}

Test(axis, rates)
{
    static const struct {
        double peak;
        unsigned top;
        const char *unit;
    } cases[] = {{0, 1, "B/s"},        {1, 1, "B/s"},       {999, 1000, "B/s"},   {1001, 2, "kB/s"},
                 {560e3, 600, "kB/s"}, {1.21e6, 2, "MB/s"}, {20.5e6, 25, "MB/s"}, {1e30, 1000, "TB/s"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct axis_rate rate = axis_rate_scale(cases[i].peak);
        cr_assert_eq(rate.top, cases[i].top);
        cr_assert_str_eq(rate.unit_name, cases[i].unit);
    }
}
