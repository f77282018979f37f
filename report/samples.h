/*
 * The samples of a session that reports show as distributions: of each measure that is usual, its values, in numbers
 * for people and as a curve. HTML and PDF take them from here.
 */
#ifndef MITM_REPORT_SAMPLES_H
#define MITM_REPORT_SAMPLES_H

#include <stdio.h>

#include "analyze/measures.h"
#include "figures/plots.h"

/* A measure and its sample. */
struct sample {
    const struct measure *measure;
    const char *label; /* the measure's, or one that says that values are inferred */
    double *sorted;
    size_t n; /* at least 1 */
};

struct samples {
    struct sample *samples; /* those that have a value */
    size_t count;
};

/* Take the samples of `session`, whose page loads are `pages`. Free them with samples_fini(). */
void samples_init(struct samples *samples, const struct model_session *session, const struct pages *pages);
void samples_fini(struct samples *samples);

/* What is shown of a sample, and what it is called. */
enum { SAMPLES_FIGURES = 5 }; /* quartiles, 90 % and the greatest */
extern const char *const samples_heads[SAMPLES_FIGURES];

/* Write figure number `index` of `sample`, with its unit. */
void samples_write(FILE *out, const struct sample *sample, size_t index);
/* Write the 95 % confidence interval of the median; "–" if the sample is too small for one. */
void samples_write_interval(FILE *out, const struct sample *sample);

/* Return the curve of `sample`, to be freed with plots_free(); NULL if it has too few values for one. */
struct plots *samples_curve(const struct sample *sample);

/* Explains the curves. */
#define SAMPLES_NOTE                                                                                                   \
    "The curves show for each value which share of the sample is not greater; the bands contain the true curve with "  \
    "95 % confidence (Dvoretzky, Kiefer, Wolfowitz; Massart)."

#endif
