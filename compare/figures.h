/* The figures of a comparison: distributions, and the two timelines on one axis. */
#ifndef MITM_COMPARE_FIGURES_H
#define MITM_COMPARE_FIGURES_H

#include "compare/compare.h"
#include "render/plot.h"

struct figures {
    struct plot_figure *plots; /* one for each measure (and page or server): ECDF with band above strips */
    size_t count;
    struct plot_figure all; /* the panels of all of them */
    void **owned;
    size_t owned_count, owned_capacity;
};

enum { FIGURES_MOST = 16 }; /* further measures are only counted, in a note of the last plot */

/* Make the figures of `comparison`, which must outlive them. Free them with figures_free(). */
struct figures *figures_new(const struct comparison *comparison);
void figures_free(struct figures *figures);

#endif
