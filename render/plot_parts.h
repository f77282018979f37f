/*
 * What the parts of the layout of plots share. Only plot*.c include this.
 *
 * plot.c (order of the parts) · plot_frame.c (title, legend, axes' labels, marks, notes) · plot_axis.c (scales, ticks)
 * · plot_path.c (series as points, thinned out) · plot_lines.c, plot_strips.c, plot_bars.c (the kinds of panels) ·
 * plot_labels.c (labels beside lines)
 */
#ifndef MITM_RENDER_PLOT_PARTS_H
#define MITM_RENDER_PLOT_PARTS_H

#include "render/plot_axis.h"
#include "render/plot_layout.h"

/* Widths of lines. One unit is 0.75 pt; nothing is thinner than 0.25 pt, which prints. */
#define PLOT_HAIRLINE 0.5
#define PLOT_STROKE   1.5

/* The layout in the making. */
struct plot {
    const struct plot_figure *figure;
    const struct plot_look *look;
    struct layout *layout;
    struct layout_page *page;
    double left, right; /* of the place given */
    double y;           /* where the next part goes */
    double em;          /* the size of the texts: distances are parts of it */
    double line;        /* height of a line of TEXT_BODY */
    double stretch;     /* heights of areas are multiplied by this */
    bool keyed;         /* lines have a legend in any case */
    double areas;       /* height of the areas so far, before it was multiplied */
    bool rows_above;    /* labels of rows lie above the rows, for want of room at their left */
    double area_left;   /* where the plotting areas begin */
};

/* A panel with the scale and the rectangle of its plotting area. */
struct plot_area {
    const struct plot_panel *panel;
    struct plot_scale x, y;
    struct layout_rect rect;
};

/* Return the place of `value` on the axis of the area; values off the axis are held to its ends. */
double plot_x(const struct plot_area *area, double value);
double plot_y(const struct plot_area *area, double value);

/* Return the safe, one-line form of `text`. */
const char *plot_text(struct plot *plot, struct figure_text text);

/* Add `text` in `style`, fitted into `width`, at `x` and plot->y, on at most `max_lines` lines; move plot->y below. */
void plot_add_paragraph(struct plot *plot, enum text_style style, struct figure_color color, const char *text, double x,
                        double width, size_t max_lines);

/* plot_frame.c */

/* Return the label of `axis` with its unit: "page load time (s)"; "" if it has neither. */
const char *plot_axis_label(struct plot *plot, const struct plot_axis *axis, const struct plot_scale *scale);
/* Add the grid of vertical lines of `area`, and the line at its lower edge. */
void plot_add_x_grid(struct plot *plot, const struct plot_area *area);
/* Add the labels of the x axis, of ticks and axis, at plot->y and move it below them. */
void plot_add_x_labels(struct plot *plot, const struct plot_area *area);
/* Add the labels of the marks above the area, at plot->y, and move it below them. */
void plot_add_mark_labels(struct plot *plot, const struct plot_area *area);
/* Add the lines of the marks within `area`. */
void plot_add_marks(struct plot *plot, const struct plot_area *area);

/* An entry of a legend: a line, or a box, which may be hatched. */
struct plot_key {
    const char *label;
    struct figure_color color;
    bool box, hatched;
    const double *dash;
    size_t dash_count;
};
/* Add the legend, wrapped, at plot->y and move it below. */
void plot_add_legend(struct plot *plot, const struct plot_key *keys, size_t count);

/* plot_path.c */

/* Append to `points` (of struct layout_point) the line through the values `y` of `series` from index `from` up to, not
 * including, `to`, clipped to the area in x, thinned out to what half a unit shows. */
void plot_path(const struct plot_area *area, const struct plot_series *series, const double *y, size_t from, size_t to,
               GArray *points);

/* plot_lines.c, plot_strips.c, plot_bars.c: choose the scales of a panel; add its area at plot->y and move it below. */
void plot_lines_scale(struct plot *plot, struct plot_area *area);
void plot_lines_add(struct plot *plot, struct plot_area *area);
double plot_lines_label_width(struct plot *plot, const struct plot_panel *panel);
void plot_strips_scale(struct plot *plot, struct plot_area *area);
void plot_strips_add(struct plot *plot, struct plot_area *area);
double plot_strips_label_width(struct plot *plot, const struct plot_panel *panel);
void plot_bars_scale(struct plot *plot, struct plot_area *area);
void plot_bars_add(struct plot *plot, struct plot_area *area);
double plot_bars_label_width(struct plot *plot, const struct plot_panel *panel);

/* plot_labels.c */

/* A line that may get a label beside it. */
struct plot_line {
    const char *label;
    struct figure_color color;
    const struct layout_point *points;
    size_t count;
};
/* Add the labels of the lines beside them, all of them, where they hide nothing; if one has no room, add none and
 * return false. */
bool plot_add_line_labels(struct plot *plot, const struct plot_area *area, const struct plot_line *lines, size_t count);

#endif
