/*
 * Sheets: several figures in one picture, as plain data. What render/figure.h says of texts, ownership and determinism
 * holds here too. From top to bottom: title and subtitles; the plots, row by row in two columns (a single one over the
 * whole width); the notes; the timeline.
 */
#ifndef MITM_RENDER_SHEET_H
#define MITM_RENDER_SHEET_H

#include "render/figure.h"
#include "render/plot.h"

struct sheet_figure {
    struct figure_text title;
    const struct figure_text *subtitles; /* optional */
    size_t subtitle_count;
    const struct plot_figure *plots;
    size_t plot_count;
    const struct figure_text *notes; /* small; optional */
    size_t note_count;
    const struct timeline_figure *timeline; /* NULL: none */
};

#endif
