/*
 * Exact quantiles of samples, by all nine definitions of Hyndman and Fan ("Sample Quantiles in Statistical Packages",
 * The American Statistician 50, 1996), numbered as in R's quantile(). Type 7 is R's default and ours.
 *
 * In this folder a sample is an array of finite numbers; what is missing is not in it. A result that does not exist is
 * NAN. Nothing depends on the locale, on the clock or on chance.
 */
#ifndef MITM_STATISTICS_QUANTILE_H
#define MITM_STATISTICS_QUANTILE_H

#include <stddef.h>

#define QUANTILE_TYPE 7 /* the usual one */

/* Sort the `n` values in ascending order (zeros of both signs are equal), in O(n) for many of them; these need room for
 * n more. */
void quantile_sort(double *values, size_t n);

/*
 * Return the quantile `p` (0 … 1; what is outside counts as the nearer end) of the `n` sorted values by the definition
 * `type` (1 … 9); NAN if n is 0 or p is NAN. Bit for bit what R 4.2's quantile() returns, with its allowance for
 * rounding in n p: 4 units of the last place in types 4 to 6, 8 and 9, none in 1 to 3 and 7. (So in type 1, 0.07 of 100
 * values is the 8th: in doubles 100 * 0.07 is above 7.)
 */
double quantile(const double *sorted, size_t n, double p, unsigned type);

/* An interval, low ≤ high; NAN, NAN: there is none. */
struct interval {
    double low, high;
};

/*
 * Return the distribution-free confidence interval of the median: the order statistics x(k) and x(n + 1 - k) with the
 * greatest k for which the binomial distribution (n, 1/2) gives a level of at least `confidence` (0.95); store the
 * level reached in *reached (NAN: none) unless it is NULL. There is none at 0.95 for n < 6. (Conover, Practical
 * Nonparametric Statistics.)
 */
struct interval quantile_median_interval(const double *sorted, size_t n, double confidence, double *reached);

/* Return the arithmetic mean of the `n` values, summed without avoidable error; NAN if n is 0. */
double quantile_mean(const double *values, size_t n);

#endif
