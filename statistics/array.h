/* Arrays of numbers. */
#ifndef MITM_STATISTICS_ARRAY_H
#define MITM_STATISTICS_ARRAY_H

#include <stddef.h>

#include "base/memory.h"
#include "statistics/quantile.h"

/* Return a sorted copy of the `n` values, each multiplied by `factor` (1: as they are); the caller frees it. */
static inline double *array_sorted(const double *values, size_t n, double factor)
{
    double *copy = memory_new(n, sizeof *copy);
    for (size_t i = 0; i < n; i++)
        copy[i] = values[i] * factor;
    quantile_sort(copy, n);
    return copy;
}

#endif
