/*
 * Tests and estimates that compare two samples by ranks. As R's wilcox.test() computes them, except for what it only
 * approximates: where a test is not exact, R finds estimate and interval by a search for a root, with an absolute
 * tolerance of 1e-4, on a function that is a step function (where a whole step is a root, any point of it may come
 * out). Here these are the order statistics themselves. tests/referee compares all of this with R.
 */
#ifndef MITM_STATISTICS_RANKS_H
#define MITM_STATISTICS_RANKS_H

#include <stdbool.h>
#include <stddef.h>

#include "statistics/quantile.h"

struct rank_test {
    double statistic; /* rank sum: W of the first sample (Mann–Whitney U); signed rank: V */
    double p;         /* two-sided, at most 1; NAN: cannot be computed (an empty sample, no variation at all) */
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
    double reached;           /* level of the interval, where it is exact; else the nominal one; NAN: no interval */
    bool exact;
};

/*
 * Hodges–Lehmann estimate of the shift from `before` to `after`: the median of all differences after[j] - before[i].
 * With D(1) ≤ … ≤ D(m n) its interval at `confidence` (above 0, below 1) is D(k) … D(m n + 1 - k). If
 * ranks_sum_test() of the samples is exact, k is the quantile (1 - confidence) / 2 of U; there is no interval if that
 * is 0 (where R takes 1 and lowers the level). Else, by the normal approximation, k = ceil(m n / 2 - 1/2 - z σ), σ² = m
 * n / 12 (m + n + 1 - T / ((m + n) (m + n - 1))) with T the sum of t³ - t over the values that occur t times *in one
 * sample*: ties between the samples vanish with the shift. (Hollander, Wolfe and Chicken, Nonparametric Statistical
 * Methods, 3rd edition, 4.3, with the corrections of the test that it inverts.) There is none if k is 0 or less. An
 * interval of width 0 means that the values are too coarse to tell it from a point. Both samples unsorted. Takes O((m +
 * n) log) time and O(m + n) memory, never all m n differences; estimate NAN if m or n is 0.
 */
struct ranks_shift ranks_shift(const double *before, size_t m, const double *after, size_t n, double confidence);

/*
 * The same for `n` pairs: the median of the n (n + 1) / 2 Walsh averages of the differences, and the order statistics
 * by the distribution of V, exact if ranks_signed_test() is; else k = ceil(n (n + 1) / 4 - 1/2 - z σ) with σ² = n (n +
 * 1) (2 n + 1) / 24 - T / 48 (Hollander, Wolfe and Chicken, 3.3). Differences of zero count here (R drops them, as if
 * zero were no possible shift).
 */
struct ranks_shift ranks_paired_shift(const double *differences, size_t n, double confidence);

/* Cliff's δ of `after` against `before`: (#{after > before} - #{after < before}) / (m n), from -1 to 1. O(n log n). */
double ranks_cliffs_delta(const double *before, size_t m, const double *after, size_t n);

/* Return the word for |delta| by Romano and others (2006): "negligible" < 0.147 ≤ "small" < 0.33 ≤ "medium" < 0.474 ≤
 * "large"; NULL for NAN. */
const char *ranks_delta_word(double delta);

/* Adjust the `n` p-values in place by Holm's method (as R's p.adjust(method = "holm")); NAN stay and do not count. */
void ranks_holm(double *p, size_t n);

/* Return the least number of values on either side with which the exact two-sided rank sum test of equally large
 * samples can give p < alpha at all (0.05: 4; `paired`: signed rank test of pairs, 0.05: 6). 0: never, as alpha is not
 * above 0. */
size_t ranks_least_samples(double alpha, bool paired);

/* Return how many values on either side would probably (`power`, 0.8) show, at level `alpha`, an effect as large as
 * `delta` (Cliff's): Noether, JASA 82 (1987). 0: delta is 0 or NAN. SIZE_MAX: more than can be. */
size_t ranks_samples_for(double delta, double alpha, double power);

#endif
