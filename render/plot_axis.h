/*
 * The axes of plots: where values go, which get a tick, and how they are written. Pure arithmetic; no locale shows.
 */
#ifndef MITM_RENDER_PLOT_AXIS_H
#define MITM_RENDER_PLOT_AXIS_H

#include "render/plot.h"

/* Room for a label of plot_scale_label(). */
#define PLOT_LABEL_SIZE 40
/* Greatest number of ticks. */
#define PLOT_MAX_TICKS 64

/* An axis with all chosen. */
struct plot_scale {
    double from, to; /* from < to; log: both > 0 */
    bool log;
    double unit;           /* one of the axis's unit in the figure's: 1e9 for seconds */
    const char *unit_name; /* "s"; "": none */
};

/*
 * Choose the scale of `axis` for data between `low` and `high` (NAN: no data), the least value above 0 being `positive`
 * (NAN: none). What `axis` asks for stays; an end that the data chooses is 0 where that is near, and on a logarithmic
 * axis a round number. A scale of no data is 0 … 1 of its unit.
 */
struct plot_scale plot_scale_choose(const struct plot_axis *axis, double low, double high, double positive);

/* Move the ends that the data chose outwards to round numbers, so that about `count` steps lie between them. */
void plot_scale_round(struct plot_scale *scale, const struct plot_axis *axis, size_t count);

/* Return where `value` lies between the ends, 0 … 1; what lies beyond them is held there. Monotonic. */
double plot_scale_share(const struct plot_scale *scale, double value);

/* Write the values of at most `max_count` (2 … PLOT_MAX_TICKS) ticks into `ticks`, ascending; return their number. */
size_t plot_scale_ticks(const struct plot_scale *scale, size_t max_count, double *ticks);

/* Write the label of the tick at `value`, without the unit, into `label`, with as many decimals as ticks `step` apart
 * need (logarithmic axis: as the value needs). */
void plot_scale_label(const struct plot_scale *scale, double value, double step, char label[PLOT_LABEL_SIZE]);

#endif
