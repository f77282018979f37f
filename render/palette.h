/*
 * Palettes: which colours and dashes stand for the phases, the failures and the series of a figure.
 *
 * Figures and layouts name colours as in the default palette (FIGURE_COLOR_…, INK_…); drawing with another palette
 * translates them. So that a figure printed in gray can be read, any two phases of a palette differ in lightness by at
 * least PALETTE_LEAST_STEP, series that follow each other do, too, and no two series have the same dash.
 */
#ifndef MITM_RENDER_PALETTE_H
#define MITM_RENDER_PALETTE_H

#include <stddef.h>

#include "render/figure.h"

/* Colours of phases, failures and series. Grays differ in lightness enough to be told apart in print, and failures are
 * black; the colour-blind palette is that of Okabe and Ito (2008), darker where its yellow, its vermillion and its
 * reddish purple are too light for thin lines, for words and beside another phase. */
enum render_palette { RENDER_PALETTE_DEFAULT, RENDER_PALETTE_COLORBLIND, RENDER_PALETTE_GRAY };

/* Least difference of lightness, as palette_lightness() has it. */
#define PALETTE_LEAST_STEP 10.0

/* Number of series that have looks of their own; after them the looks begin again. */
#define PALETTE_SERIES 8

/* How a series is drawn. */
struct palette_series {
    struct figure_color color;
    const double *dash; /* lengths of strokes and gaps in multiples of the line's width; NULL: solid */
    size_t dash_count;
};

/* Return the colour in `palette` of what has `color` in the default palette: of phases and failures their own; others
 * stay as they are, but in the gray palette become grays of the same lightness. Colours of `palette` stay. */
struct figure_color palette_color(enum render_palette palette, struct figure_color color);

/* Return the look of series number `style` in `palette`; it is static. */
struct palette_series palette_series(enum render_palette palette, size_t style);

/* Return the lightness L* of `color`, 0 black … 100 white (CIE 1976, of sRGB under D65). */
double palette_lightness(struct figure_color color);

#endif
