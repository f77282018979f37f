#include "analyze/quantile.h"

#include <assert.h>
#include <stdlib.h>

/* Products and sums of two 63-bit numbers: gcc and clang have the type, ISO C has not. */
__extension__ typedef unsigned __int128 wide;

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

void quantile_sort(int64_t *values, size_t n)
{
    if (n > 1)
        qsort(values, n, sizeof *values, compare);
}

int64_t quantile(const int64_t *sorted, size_t n, unsigned percent)
{
    assert(n > 0 && percent <= 100);
    wide position = (wide)(n - 1) * percent;
    size_t below = (size_t)(position / 100);
    unsigned part = (unsigned)(position % 100);
    if (part == 0)
        return sorted[below];
    uint64_t step = (uint64_t)(sorted[below + 1] - sorted[below]);
    return sorted[below] + (int64_t)(((wide)step * part * 2 + 100) / 200);
}

int64_t quantile_mean(const int64_t *values, size_t n)
{
    assert(n > 0);
    wide sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (uint64_t)values[i];
    return (int64_t)((sum * 2 + n) / ((wide)n * 2));
}
