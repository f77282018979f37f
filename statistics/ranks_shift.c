#include "statistics/ranks.h"

#include <float.h>
#include <math.h>

#include "statistics/array.h"
#include "statistics/counts.h"
#include "statistics/normal.h"
#include "statistics/ranks_parts.h"
#include "statistics/select.h"

static const struct ranks_shift NONE = {
    .estimate = (double)NAN, .interval = {(double)NAN, (double)NAN}, .reached = (double)NAN};

/*
 * The interval from the k-th smallest to the k-th greatest sum leaves out U < k and U > count - k: with the exact
 * distribution k is its quantile (1 - confidence) / 2, as R computes it (qwilcox() and its allowance for rounding), or
 * there is no interval if that is 0.
 */
static uint64_t exact_rank(double *at_most, uint64_t greatest, double confidence, double *reached)
{
    double tail = (1 - confidence) / 2 - 10 * DBL_EPSILON;
    uint64_t k = 0;
    while (k < greatest / 2 && at_most[k] < tail)
        k++;
    if (k > 0)
        *reached = 1 - 2 * at_most[k - 1];
    free(at_most);
    return k;
}

/*
 * By the normal approximation, the shifts that the test with a correction for continuity does not reject (Hollander,
 * Wolfe and Chicken, Nonparametric Statistical Methods, 3rd edition, 4.3 and 3.3: C = count / 2 - z deviation; with the
 * correction 1/2, rounded up): these are what the root search in R's wilcox.test() looks for.
 */
static uint64_t normal_rank(uint64_t count, double deviation, double confidence)
{
    double k = ceil((double)count / 2 - 0.5 - normal_exceeded((1 - confidence) / 2) * deviation);
    double middle = ceil((double)count / 2);
    return k >= 1 ? (uint64_t)fmin(k, middle) : 0;
}

static void set_interval(struct ranks_shift *shift, const struct select *sums, uint64_t k)
{
    if (k == 0) {
        shift->reached = (double)NAN;
        return;
    }
    shift->interval.low = select_kth(sums, k);
    shift->interval.high = select_kth(sums, select_count(sums) + 1 - k);
}

struct ranks_shift ranks_shift(const double *before, size_t m, const double *after, size_t n, double confidence)
{
    struct ranks_shift shift = NONE;
    if (m == 0 || n == 0)
        return shift;
    double *x = array_sorted(before, m, 1), *y = array_sorted(after, n, 1);
    bool tied = ranks_order(x, m, y, n).ties > 0;
    double ties = ranks_ties(x, m) + ranks_ties(y, n);
    for (size_t i = 0, j = m; i < j--; i++) {
        double least = x[i];
        x[i] = -x[j];
        x[j] = -least;
    }
    struct select sums = {.x = x, .y = y, .m = m, .n = n};
    uint64_t k;
    shift.exact = m < RANKS_EXACT_BELOW && n < RANKS_EXACT_BELOW && !tied;
    shift.reached = confidence;
    if (shift.exact)
        k = exact_rank(counts_rank_sum(m, n), select_count(&sums), confidence, &shift.reached);
    else
        k = normal_rank(select_count(&sums), ranks_sum_deviation(m, n, ties), confidence);
    shift.estimate = select_median(&sums);
    set_interval(&shift, &sums, k);
    free(x);
    free(y);
    return shift;
}

struct ranks_shift ranks_paired_shift(const double *differences, size_t n, double confidence)
{
    struct ranks_shift shift = NONE;
    if (n == 0)
        return shift;
    double *halves = array_sorted(differences, n, 0.5);
    struct select sums = {.x = halves, .y = halves, .m = n, .n = n, .walsh = true};
    uint64_t k;
    shift.exact = ranks_signed_test(differences, n).exact;
    shift.reached = confidence;
    if (shift.exact)
        k = exact_rank(counts_signed_rank(n), select_count(&sums), confidence, &shift.reached);
    else
        k = normal_rank(select_count(&sums), ranks_signed_deviation(n, ranks_ties(halves, n)), confidence);
    shift.estimate = select_median(&sums);
    set_interval(&shift, &sums, k);
    free(halves);
    return shift;
}
