/*
 * Axes: which values get a tick, and how they are written. Pure arithmetic on integers, so that no locale shows.
 */
#ifndef MITM_RENDER_AXIS_H
#define MITM_RENDER_AXIS_H

#include <stddef.h>
#include <stdint.h>

/* Times on an axis are held to ± this (three years). */
#define AXIS_LIMIT_NS INT64_C(100000000000000000)
/* Room for any label that axis_time_label() writes. */
#define AXIS_LABEL_SIZE 48

/* The ticks of a time axis. */
struct axis_ticks {
    int64_t first_ns;
    int64_t step_ns;
    size_t count;
    int64_t unit_ns; /* labels count this unit */
};

/*
 * Return the ticks at round times within [from_ns, to_ns], at most `max_count` (≥ 2) of them. Steps are 1, 2 or 5 times
 * a power of ten of a second up to 5 s, then 10, 20, 30 s and so on for minutes and hours. Requires from_ns < to_ns,
 * both within AXIS_LIMIT_NS.
 */
struct axis_ticks axis_time_ticks(int64_t from_ns, int64_t to_ns, size_t max_count);

/* Write the label of the tick at `t_ns` into `label`: "0", "1.5 s", "250 ms", "10 µs", "30 min", "2 h". */
void axis_time_label(const struct axis_ticks *ticks, int64_t t_ns, char label[AXIS_LABEL_SIZE]);

/* The scale of a rate in bytes per second: from 0 to `top` × `unit`. */
struct axis_rate {
    uint64_t unit;         /* bytes per second of one unit: 1, 10³, 10⁶ … */
    const char *unit_name; /* "B/s", "kB/s", "MB/s", "GB/s", "TB/s" */
    unsigned top;          /* a round number, 1 … 1000 */
};

/* Return the smallest round scale that reaches `peak` bytes per second; a peak beyond 1000 TB/s is taken for that. */
struct axis_rate axis_rate_scale(double peak);

#endif
