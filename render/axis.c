#include "render/axis.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#define SECOND INT64_C(1000000000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)

/* Steps above 5 s; after the last one steps go on doubling. */
static const int64_t long_steps[] = {
    10 * SECOND, 20 * SECOND, 30 * SECOND, MINUTE,   2 * MINUTE, 5 * MINUTE, 10 * MINUTE,
    20 * MINUTE, 30 * MINUTE, HOUR,        2 * HOUR, 6 * HOUR,   12 * HOUR,  24 * HOUR,
};

/* Return the step that follows `step` in the row of round steps that begins with 1 ns. */
static int64_t next_step(int64_t step)
{
    if (step < 5 * SECOND) {
        int64_t power = 1;
        while (power * 10 <= step)
            power *= 10;
        return step == power ? 2 * power : step == 2 * power ? 5 * power : 10 * power;
    }
    for (size_t i = 0; i < sizeof long_steps / sizeof *long_steps; i++) {
        if (long_steps[i] > step)
            return long_steps[i];
    }
    return 2 * step;
}

/* Return the smallest multiple of `step` that is not less than `t`. */
static int64_t round_up(int64_t t, int64_t step)
{
    int64_t quotient = t / step;
    return (t > 0 && quotient * step < t ? quotient + 1 : quotient) * step;
}

/* Return the unit for labels: whole minutes and hours, else the greatest that the values on the axis reach. */
static int64_t choose_unit(int64_t from_ns, int64_t to_ns, int64_t step)
{
    if (step >= HOUR)
        return HOUR;
    if (step >= MINUTE)
        return MINUTE;
    int64_t greatest = to_ns > -from_ns ? to_ns : -from_ns;
    int64_t unit = SECOND;
    while (unit > 1 && greatest < unit)
        unit /= 1000;
    return unit;
}

struct axis_ticks axis_time_ticks(int64_t from_ns, int64_t to_ns, size_t max_count)
{
    assert(from_ns < to_ns && from_ns >= -AXIS_LIMIT_NS && to_ns <= AXIS_LIMIT_NS && max_count >= 2);
    int64_t step = 1;
    int64_t first = from_ns;
    while ((to_ns - first) / step + 1 > (int64_t)max_count || first > to_ns) {
        step = next_step(step);
        first = round_up(from_ns, step);
        if (first > to_ns)
            break; /* a short period between round times: no tick */
    }
    return (struct axis_ticks){
        .first_ns = first,
        .step_ns = step,
        .count = first > to_ns ? 0 : (size_t)((to_ns - first) / step + 1),
        .unit_ns = choose_unit(from_ns, to_ns, step),
    };
}

/* Return the name of a unit of choose_unit(). */
static const char *unit_name(int64_t unit_ns)
{
    switch (unit_ns) {
    case HOUR:
        return "h";
    case MINUTE:
        return "min";
    case SECOND:
        return "s";
    case 1000000:
        return "ms";
    case 1000:
        return "µs";
    default:
        return "ns";
    }
}

void axis_time_label(const struct axis_ticks *ticks, int64_t t_ns, char label[AXIS_LABEL_SIZE])
{
    if (t_ns == 0) {
        snprintf(label, AXIS_LABEL_SIZE, "0");
        return;
    }
    uint64_t unit = (uint64_t)ticks->unit_ns;
    uint64_t magnitude = t_ns < 0 ? (uint64_t)-t_ns : (uint64_t)t_ns;
    int decimals = 0;
    uint64_t fraction_unit = unit; /* value of the last decimal's place */
    while (fraction_unit % 10 == 0 && fraction_unit > 1 && (uint64_t)ticks->step_ns % fraction_unit != 0) {
        fraction_unit /= 10;
        decimals++;
    }
    assert(decimals <= 9);
    const char *sign = t_ns < 0 ? "-" : "";
    if (decimals == 0)
        snprintf(label, AXIS_LABEL_SIZE, "%s%" PRIu64 " %s", sign, magnitude / unit, unit_name(ticks->unit_ns));
    else
        snprintf(label, AXIS_LABEL_SIZE, "%s%" PRIu64 ".%0*" PRIu64 " %s", sign, magnitude / unit, decimals,
                 magnitude % unit / fraction_unit, unit_name(ticks->unit_ns));
}

struct axis_rate axis_rate_scale(double peak)
{
    static const char *const names[] = {"B/s", "kB/s", "MB/s", "GB/s", "TB/s"};
    static const unsigned tops[] = {1,  2,  3,  4,   5,   6,   8,   10,  12,  15,  20,  25,  30,  40,
                                    50, 60, 80, 100, 120, 150, 200, 250, 300, 400, 500, 600, 800, 1000};
    size_t count = sizeof tops / sizeof *tops;
    uint64_t unit = 1;
    size_t name = 0;
    while (peak > (double)unit * 1000 && name + 1 < sizeof names / sizeof *names) {
        unit *= 1000;
        name++;
    }
    size_t i = 0;
    while (i + 1 < count && (double)tops[i] * (double)unit < peak)
        i++;
    return (struct axis_rate){.unit = unit, .unit_name = names[name], .top = tops[i]};
}
