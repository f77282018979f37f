/* The distributions of a comparison as figures. */
#ifndef MITM_COMPARE_FIGURES_H
#define MITM_COMPARE_FIGURES_H

#include "compare/compare.h"
#include "figures/plots.h"

/* A measure (of a page or server): the distribution functions of all groups with bands, above strips with all values.
 */
struct figures_plot {
    struct plots *ecdf, *strips;
    struct plots_sample *samples;
    char *title;
    struct plot_panel panels[2];
};

enum { FIGURES_REMARK_BYTES = 120, FIGURES_REMARKS = 2 };

struct figures {
    struct figures_plot *plots;
    struct plot_figure *figures; /* of each plot */
    size_t count;
    char method[240]; /* how to read them */
    char remarks[FIGURES_REMARKS][FIGURES_REMARK_BYTES];
    struct figure_text remark_texts[FIGURES_REMARKS]; /* what was left out */
    size_t remark_count;
};

/* Make the figures of `comparison`, which must outlive them: one for each measure (of a page or server) of which a side
 * has more than one value, at most `most`. Free them with figures_free(). */
struct figures *figures_new(const struct comparison *comparison, size_t most);
void figures_free(struct figures *figures);

/* Return the date that documents carry: the latest recording's, seconds since 1970 UTC; 0: not known. */
int64_t figures_date_s(const struct comparison *comparison);

#endif
