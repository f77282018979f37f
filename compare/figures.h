/* The distributions of a comparison as figures. */
#ifndef MITM_COMPARE_FIGURES_H
#define MITM_COMPARE_FIGURES_H

#include "compare/compare.h"
#include "figures/plots.h"

enum { FIGURES_MOST = 16 }; /* further measures, pages and servers are only counted */

/* A measure (of a page or server): the distribution functions of all groups with bands, above strips with all values.
 */
struct figures_plot {
    struct plots *ecdf, *strips;
    struct plots_sample *samples;
    char *title;
    struct plot_panel panels[2];
    struct plot_figure figure;
};

struct figures {
    struct figures_plot plots[FIGURES_MOST];
    size_t count, left_out; /* rows that are not shown */
    char notes[2][240];
    struct figure_text note_texts[2];
    struct plot_panel panels[2 * FIGURES_MOST];
    struct plot_figure all; /* all of them as one figure */
};

/* Make the figures of `comparison`, which must outlive them. Free them with figures_free(). */
struct figures *figures_new(const struct comparison *comparison);
void figures_free(struct figures *figures);

/* Return the date that documents carry: the latest recording's, seconds since 1970 UTC; 0: not known. */
int64_t figures_date_s(const struct comparison *comparison);

#endif
