/*
 * Figures for the tests of render/.
 */
#ifndef MITM_TESTS_RENDER_FIGURES_H
#define MITM_TESTS_RENDER_FIGURES_H

#include "render/figure.h"

/* A figure and the memory that it uses. */
struct test_figure {
    struct timeline_figure figure;
    void **blocks;
    size_t block_count;
};

/* What to make up. */
struct figure_plan {
    uint64_t seed;
    size_t groups;
    size_t lanes;      /* shared among the groups at random, at least one each */
    size_t requests;   /* per lane: a waiting bar each and a transfer bar or a dot */
    int64_t length_ns; /* of the time axis */
    bool hostile;      /* texts and times that want to do harm */
    size_t continued;  /* each lane is continued by up to so many more, some bars are inferred, and some held back */
};

/* Return a made-up figure; the same plan gives the same figure. Every bar has a tooltip of its own: "bar LANE.NUMBER".
 */
struct test_figure *figures_random(const struct figure_plan *plan);

/* Return the figure of connection 435 of the article of 2011, with one failed and one open connection beside it. */
struct test_figure *figures_article(void);

void figures_free(struct test_figure *test);

#endif
