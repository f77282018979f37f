#include "statistics/counts.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

/* Turn the counts of 0 … last, of `all` arrangements, into probabilities of "at most". */
static void accumulate(double *counts, size_t last, double all)
{
    double sum = 0;
    for (size_t u = 0; u <= last; u++) {
        sum += counts[u];
        counts[u] = sum / all;
    }
}

/* The number of ways to choose m of m + n. */
static double choose(size_t m, size_t n)
{
    double ways = 1;
    for (size_t i = 1; i <= m; i++)
        ways = ways * (double)(n + i) / (double)i;
    return ways;
}

/*
 * Mann and Whitney's recurrence (Annals of Mathematical Statistics 18, 1947): the greatest of all values is either one
 * of the i, which then exceeds all j others, or it is one of the j, which counts nothing:
 *   count(i, j, u) = count(i - 1, j, u - j) + count(i, j - 1, u)
 * A row per j; the rows of i replace those of i - 1, from the greatest u down.
 */
double *counts_rank_sum(size_t m, size_t n)
{
    size_t last = m * n / 2, width = last + 1;
    double *rows = memory_new((n + 1) * width, sizeof *rows);
    for (size_t j = 0; j <= n; j++)
        rows[j * width] = 1; /* i = 0 */
    for (size_t i = 1; i <= m; i++)
        for (size_t j = 1; j <= n; j++) {
            double *row = rows + j * width;
            const double *shorter = row - width;
            for (size_t u = width; u-- > 0;)
                row[u] = (u >= j ? row[u - j] : 0) + shorter[u];
        }
    double *counts = memory_new(width, sizeof *counts);
    memcpy(counts, rows + n * width, width * sizeof *counts);
    free(rows);
    accumulate(counts, last, choose(m, n));
    return counts;
}

/* Each rank is in the sum or not. */
double *counts_signed_rank(size_t n)
{
    size_t last = n * (n + 1) / 4;
    double *counts = memory_new(last + 1, sizeof *counts);
    counts[0] = 1;
    for (size_t rank = 1; rank <= n; rank++)
        for (size_t v = last + 1; v-- > rank;)
            counts[v] += counts[v - rank];
    accumulate(counts, last, ldexp(1, (int)n));
    return counts;
}
