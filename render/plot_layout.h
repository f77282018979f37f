/*
 * The layout of plots: the stage between render/plot.h and drawing. Pure; the same figure gives the same positions.
 *
 * - Font and sizes of texts are those of the layout's text meter: axes, legends and labels are TEXT_BODY, titles
 *   TEXT_HEADING, notes TEXT_SMALL.
 * - No two texts overlap; nothing lies outside the rectangle given.
 */
#ifndef MITM_RENDER_PLOT_LAYOUT_H
#define MITM_RENDER_PLOT_LAYOUT_H

#include "render/layout.h"
#include "render/palette.h"
#include "render/plot.h"

/* How to lay out. All zero is the usual. */
struct plot_look {
    enum render_palette palette;
    bool titled; /* with the figure's title, if it has one */
};

/* Least width of a plot with texts of the meter of `layout`: what is narrower would cut its texts to nothing. */
double plot_layout_least_width(const struct layout *layout);

/* Return the height that `figure` needs at `width` (≥ the least) with the plotting areas as high as they wish. */
double plot_layout_height(struct layout *layout, const struct plot_figure *figure, double width,
                          const struct plot_look *look);

/*
 * Add `figure` to `page` of `layout`, in the rectangle whose top left corner and width are those of `place`. If
 * `place.height` is greater than 0, plotting areas are made higher or lower so that the figure is exactly so high, as
 * far as they can (never lower than plot_layout_height() of a figure without plotting areas). Return the height taken.
 */
double plot_layout_add(struct layout *layout, struct layout_page *page, const struct plot_figure *figure,
                       struct layout_rect place, const struct plot_look *look);

#endif
