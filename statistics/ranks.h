/*
 * Tests and estimates that compare two samples by ranks. As R's wilcox.test() computes them, except where it only
 * approximates (its asymptotic estimates come from a root search with a tolerance of 1e-4): those are computed exactly
 * here.
 */
#ifndef MITM_STATISTICS_RANKS_H
#define MITM_STATISTICS_RANKS_H

#include <stdbool.h>
#include <stddef.h>

#include "statistics/quantile.h"

struct rank_test {
    double statistic; /* rank sum: W of the first sample (Mann–Whitney U); signed rank: V */
    double p;         /* two-sided; NAN: cannot be computed (an empty sample, no variation at all) */
    bool exact;       /* from the exact distribution, not from the normal approximation */
};

/*
 * Mann–Whitney (Wilcoxon rank sum) test of the unsorted samples x and y: exact if both have fewer than 50 values and no
 * value occurs twice in them; else by the normal approximation with corrections for ties and continuity.
 */
struct rank_test ranks_sum_test(const double *x, size_t nx, const double *y, size_t ny);

/* Wilcoxon signed rank test of n differences: zeros are dropped; exact if fewer than 50 remain, none was zero and no
 * two have the same magnitude; else approximated with the same corrections. */
struct rank_test ranks_signed_test(const double *differences, size_t n);

/* An estimate of location with its confidence interval. */
struct ranks_shift {
    double estimate;
    struct interval interval; /* NAN, NAN: the samples are too small for the confidence asked for */
    double reached;           /* level of the interval, where it is exact; else the nominal one */
    bool exact;
};

/*
 * Hodges–Lehmann estimate of the shift from `before` to `after`: the median of all differences after[j] - before[i];
 * its interval are order statistics of these differences, chosen by the distribution of U (exact under the same
 * conditions as ranks_sum_test(), else its normal approximation with tie correction). Both samples unsorted. Takes
 * O((m + n) log) memory-bounded selection, never all m × n differences where these are many.
 */
struct ranks_shift ranks_shift(const double *before, size_t m, const double *after, size_t n, double confidence);

/* The same for pairs: the median of the Walsh averages of the n differences. */
struct ranks_shift ranks_paired_shift(const double *differences, size_t n, double confidence);

/* Cliff's δ of `after` against `before`: (#{after > before} - #{after < before}) / (m n), from -1 to 1. O(n log n). */
double ranks_cliffs_delta(const double *before, size_t m, const double *after, size_t n);

/* Return the word for |delta| by Romano and others (2006): "negligible" < 0.147 ≤ "small" < 0.33 ≤ "medium" < 0.474 ≤
 * "large"; NULL for NAN. */
const char *ranks_delta_word(double delta);

/* Adjust the `n` p-values in place by Holm's method (as R's p.adjust(method = "holm")); NAN stay and do not count. */
void ranks_holm(double *p, size_t n);

/* Return the least number of values on either side with which the exact two-sided rank sum test of equally large
 * samples can give p < alpha at all (0.05: 4; signed: pairs, 0.05: 6). */
size_t ranks_least_samples(double alpha, bool paired);

/* Return how many values on either side would probably (`power`, 0.8) show, at level `alpha`, an effect as large as
 * `delta` (Cliff's): Noether, JASA 82 (1987). 0: delta is 0 or NAN. */
size_t ranks_samples_for(double delta, double alpha, double power);

#endif
