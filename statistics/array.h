/* Arrays of numbers. Without memory there is nothing sensible left to do, so the program ends. */
#ifndef MITM_STATISTICS_ARRAY_H
#define MITM_STATISTICS_ARRAY_H

#include <stddef.h>
#include <stdlib.h>

#include "statistics/quantile.h"

/* Return `count` zeroed elements of `size` bytes; the caller frees them. */
static inline void *array_new(size_t count, size_t size)
{
    void *p = calloc(count ? count : 1, size);
    if (!p)
        abort();
    return p;
}

/* Return a sorted copy of the `n` values, each multiplied by `factor` (1: as they are); the caller frees it. */
static inline double *array_sorted(const double *values, size_t n, double factor)
{
    double *copy = array_new(n, sizeof *copy);
    for (size_t i = 0; i < n; i++)
        copy[i] = values[i] * factor;
    quantile_sort(copy, n);
    return copy;
}

#endif
