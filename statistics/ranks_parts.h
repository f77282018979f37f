/* What the files of ranks.h share. */
#ifndef MITM_STATISTICS_RANKS_PARTS_H
#define MITM_STATISTICS_RANKS_PARTS_H

#include <stdbool.h>
#include <stddef.h>

enum {
    RANKS_EXACT_BELOW = 50 /* as R: from so many values on the normal approximation is used */
};

/* Two sorted samples, compared. */
struct ranks_order {
    double greater, less, equal; /* pairs with x above y, below y, the same */
    double ties;                 /* the sum of t³ - t over all values of both that occur t times */
};

struct ranks_order ranks_order(const double *x, size_t nx, const double *y, size_t ny);

/* Return the sum of t³ - t over the values of one sorted sample that occur t times. */
double ranks_ties(const double *sorted, size_t n);

/* Return the standard deviation of U of `m` and `n` values, or of V of `n` differences, with this sum for ties. */
double ranks_sum_deviation(size_t m, size_t n, double ties);
double ranks_signed_deviation(size_t n, double ties);

#endif
