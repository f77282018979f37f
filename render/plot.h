/*
 * Plots: figures besides the timeline, as plain data. What render/figure.h says of texts, ownership and determinism
 * holds here too. A plot is a column of panels, each of one kind, drawn one below the other; neighbours with
 * `same_x` share their x axis.
 */
#ifndef MITM_RENDER_PLOT_H
#define MITM_RENDER_PLOT_H

#include "render/figure.h"

/* What an axis measures: it chooses ticks and their labels ("0.5 s", "200 kB", "1.5 Mbit/s", "40 %"). */
enum plot_unit { PLOT_NUMBER, PLOT_NS, PLOT_BYTES, PLOT_BYTES_PER_S, PLOT_BITS_PER_S, PLOT_SHARE };

struct plot_axis {
    struct figure_text label; /* "page load time"; the unit is added */
    enum plot_unit unit;
    bool log;        /* logarithmic; values ≤ 0 lie at its lower end */
    double from, to; /* from >= to: chosen by the data */
};

/* How a series looks: its place in the palette of series. Lines differ in dashes, too, so that gray suffices. */
struct plot_series {
    struct figure_text label; /* written beside the line where there is room, else in a legend */
    size_t style;             /* 0, 1, 2 … */
    const double *x, *y;      /* ascending x; y NAN: a gap */
    const double *low, *high; /* band; optional */
    size_t count;
    bool steps; /* y holds from its x to the next x (ECDF, concurrency) */
    bool area;  /* filled down to 0 */
};

/* A row of a strip panel: a distribution as dots, quartiles, median with its interval. */
struct plot_strip {
    struct figure_text label;
    size_t style;
    const double *values; /* sorted */
    size_t count;
    double q1, median, q3, low, high; /* NAN: none */
};

/* A row of a bar panel: parts one after the other. */
struct plot_bar {
    struct figure_text label;
    const double *parts;    /* one amount for each phase of the panel's palette */
    const double *inferred; /* likewise, hatched beside them: what was concluded, not seen; optional */
};

/* A vertical line with a label. */
struct plot_mark {
    double x;
    struct figure_text label;
};

enum plot_kind { PLOT_LINES, PLOT_STRIPS, PLOT_BARS };

struct plot_panel {
    enum plot_kind kind;
    struct figure_text title; /* optional */
    struct plot_axis x, y;    /* y: lines only */
    double height_px;         /* of the plotting area; 0: as much as its kind needs */
    bool same_x;              /* as the panel before */
    const struct plot_series *series;
    size_t series_count;
    const struct plot_strip *strips;
    size_t strip_count;
    const struct figure_phase *palette; /* bars */
    size_t palette_count;
    struct figure_text inferred_label; /* of hatching, in the legend */
    const struct plot_bar *bars;
    size_t bar_count;
    const struct plot_mark *marks;
    size_t mark_count;
};

struct plot_figure {
    struct figure_text title;        /* optional */
    const struct figure_text *notes; /* small, below; optional */
    size_t note_count;
    const struct plot_panel *panels;
    size_t panel_count;
    struct figure_text empty_label; /* shown where there is nothing to plot */
    int64_t created_s;              /* the date of a PDF */
};

#endif
