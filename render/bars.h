/*
 * Where the bars of one lane go along the time axis. Pure arithmetic.
 *
 * - A bar reaches over its time; one shorter than BARS_MIN_WIDTH gets that width, and moves its neighbours aside.
 * - No bar lies further from its true place than BARS_MAX_SHIFT, and no two bars of a track overlap. Where both cannot
 *   be had (hundreds of bars within a few units), some bars are left out.
 * - Bars that overlap in time go on tracks of their own, one above the other.
 */
#ifndef MITM_RENDER_BARS_H
#define MITM_RENDER_BARS_H

#include "render/figure.h"

#define BARS_MIN_WIDTH  1.0
#define BARS_MAX_SHIFT  2.0
#define BARS_MAX_TRACKS 16 /* bars that overlap with more than so many others share tracks and may be left out */
/* A bar of a phase with dot_when_short becomes a dot if it is narrower than this. */
#define BARS_DOT_WIDTH 1.5

/* A time axis: [from_ns, to_ns], from_ns < to_ns, is drawn from x0 to x1. */
struct bars_axis {
    int64_t from_ns;
    int64_t to_ns;
    double x0;
    double x1;
};

/* Return the place of `t_ns`, held to the axis: a monotonic function of t_ns. */
double bars_x(const struct bars_axis *axis, int64_t t_ns);

enum bar_shape {
    BAR_OUTSIDE, /* not within the axis: not drawn */
    BAR_CROWDED, /* no room: not drawn */
    BAR_RECT,
    BAR_DOT, /* at the middle between x0 and x1; dots may lie on each other */
};

/* The place of a bar. */
struct bar_place {
    enum bar_shape shape;
    size_t track;
    double x0;
    double x1;
};

/*
 * Place `bars` on `axis`, in places[0 … count-1] in the order of `bars`; `palette` gives each phase's dot_when_short.
 * Return the number of tracks, at least 1.
 */
size_t bars_place(const struct bars_axis *axis, const struct figure_phase *palette, const struct figure_bar *bars,
                  size_t count, struct bar_place *places);

#endif
