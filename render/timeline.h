/*
 * The layout of a timeline figure: the stage between render/figure.h and drawing.
 *
 * - All x are the same on all pages; x is a monotonic function of time.
 * - No two texts overlap, nothing lies outside its page, each lane is on exactly one page.
 * - Rows get lower the more lanes there are; texts keep their size, and those that have no room are left out (labels of
 *   lanes and failures; the tooltips have them).
 */
#ifndef MITM_RENDER_TIMELINE_H
#define MITM_RENDER_TIMELINE_H

#include "render/layout.h"

/* Greatest number of pages of a layout. */
#define TIMELINE_MAX_PAGES 10000

/* What is narrower has no room for lanes beside their labels. */
#define TIMELINE_LEAST_WIDTH 230.0

struct timeline_options {
    double width;       /* of every page, in layout units, ≥ TIMELINE_LEAST_WIDTH */
    double page_height; /* ≥ 560: split over pages of this height; 0: one page, as tall as needed */
    double max_height;  /* of the one page: rows are made lower to stay within it */
    bool index;         /* pages only: add an index of the lanes */
    /* The pages are parts of those of a document (render/paper.h), which has title, page numbers and bookmarks itself,
     * and no room at their upper and lower edges. The last one is as high as needed. A lane with the link "#name" leads
     * to the anchor "name" and is the anchor "lane-name", groups likewise. */
    bool embedded;
    double first_height;          /* embedded: of the first page, ≤ page_height */
    bool bare;                    /* axis, lanes, legend and what is not drawn alone, without margins, … */
    bool titled;                  /* … and with the title */
    const struct text_font *font; /* NULL: the usual */
};

/*
 * Return the layout of `figure`, to be freed with layout_free(), or NULL if it does not fit: one page higher than
 * max_height, or more than TIMELINE_MAX_PAGES pages.
 */
struct layout *timeline_layout(const struct timeline_figure *figure, const struct timeline_options *options);

#endif
