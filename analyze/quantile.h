/*
 * Exact quantiles of measured integers, as R's type 7 defines them (R's default; Hyndman and Fan, "Sample Quantiles in
 * Statistical Packages", 1996): linear interpolation between the order statistics at 1 + (n - 1) p.
 */
#ifndef MITM_ANALYZE_QUANTILE_H
#define MITM_ANALYZE_QUANTILE_H

#include <stddef.h>
#include <stdint.h>

/* Sort the `n` values. */
void quantile_sort(int64_t *values, size_t n);

/*
 * Return the quantile `percent` (0 … 100) of the `n` (≥ 1) sorted values, none of them negative, rounded to the nearest
 * integer (halves up). The computation is exact.
 */
int64_t quantile(const int64_t *sorted, size_t n, unsigned percent);

/* Return the mean of the `n` (≥ 1) values, none of them negative, rounded as above. */
int64_t quantile_mean(const int64_t *values, size_t n);

#endif
