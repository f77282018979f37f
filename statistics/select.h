/*
 * Order statistics of all sums of two values, without making the sums. With the values sorted, the sums lie in a matrix
 * that is sorted by rows and columns (rounding keeps that order). How many of them are at most some number is found by
 * walking along a staircase, in O(m + n); the number itself by halving the range of the images of doubles, in at most
 * 64 steps. So it is exact, with ties as without, and needs no memory. (Johnson and Mizoguchi, "Selecting the Kth
 * element in X + Y", SIAM Journal on Computing 7, 1978, choose better and count the same way.)
 */
#ifndef MITM_STATISTICS_SELECT_H
#define MITM_STATISTICS_SELECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Two sorted samples. */
struct select {
    const double *x, *y;
    size_t m, n;
    bool walsh; /* y is x: only the sums x[i] + x[j] with i ≤ j */
};

/* Return the number of sums. */
uint64_t select_count(const struct select *s);

/* Return the `k`-th smallest (1 … select_count()) of the sums x[i] + y[j]. */
double select_kth(const struct select *s, uint64_t k);

/* Return the median of these sums, of which there is at least one: the mean of the two in the middle, if there are. */
double select_median(const struct select *s);

#endif
