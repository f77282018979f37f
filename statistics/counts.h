/*
 * Exact distributions of rank statistics without ties, by counting. Both are symmetric, so the lower half says all.
 * Each function returns an array of the probabilities of "at most u", for u = 0, 1, … half the greatest value (rounded
 * down); the caller frees it.
 */
#ifndef MITM_STATISTICS_COUNTS_H
#define MITM_STATISTICS_COUNTS_H

#include <stddef.h>

/* The rank sum statistic U of `m` and `n` values: 0 … m n. As R's pwilcox(). Takes O(m² n²): for fewer than 50. */
double *counts_rank_sum(size_t m, size_t n);

/* The signed rank statistic V of `n` differences: 0 … n (n + 1) / 2. As R's psignrank(). Takes O(n³). */
double *counts_signed_rank(size_t n);

#endif
