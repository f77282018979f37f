#include "statistics/ranks.h"

#include <math.h>
#include <stdint.h>

#include "statistics/array.h"
#include "statistics/counts.h"
#include "statistics/normal.h"
#include "statistics/ranks_parts.h"

/* Return how many of the `n` sorted values equal the first one. */
static size_t run_length(const double *sorted, size_t n)
{
    size_t length = n > 0;
    while (length < n && sorted[length] == sorted[0])
        length++;
    return length;
}

static double tie_term(size_t times)
{
    double t = (double)times;
    return t * t * t - t;
}

struct ranks_order ranks_order(const double *x, size_t nx, const double *y, size_t ny)
{
    struct ranks_order order = {0};
    size_t i = 0, j = 0;
    while (i < nx || j < ny) {
        size_t runs_x = 0, runs_y = 0;
        if (j >= ny || (i < nx && x[i] <= y[j]))
            runs_x = run_length(x + i, nx - i);
        if (i >= nx || (j < ny && y[j] <= x[i]))
            runs_y = run_length(y + j, ny - j);
        order.greater += (double)runs_x * (double)j;
        order.equal += (double)runs_x * (double)runs_y;
        order.less += (double)runs_x * (double)(ny - j - runs_y);
        order.ties += tie_term(runs_x + runs_y);
        i += runs_x;
        j += runs_y;
    }
    return order;
}

double ranks_ties(const double *sorted, size_t n)
{
    return ranks_order(sorted, n, NULL, 0).ties;
}

double ranks_sum_deviation(size_t m, size_t n, double ties)
{
    double a = (double)m, b = (double)n, both = a + b;
    return sqrt(a * b / 12 * (both + 1 - ties / (both * (both - 1))));
}

double ranks_signed_deviation(size_t n, double ties)
{
    double count = (double)n;
    return sqrt(count * (count + 1) * (2 * count + 1) / 24 - ties / 48);
}

/* The two-sided p of a statistic between 0 and `greatest` whose exact distribution is `at_most` (counts.h). */
static double exact_p(double statistic, double greatest, double *at_most)
{
    double p = 2 * at_most[(size_t)fmin(statistic, greatest - statistic)];
    free(at_most);
    return fmin(p, 1);
}

/* The same by the normal approximation, with a correction for continuity. */
static double normal_p(double statistic, double greatest, double deviation)
{
    double distance = fabs(statistic - greatest / 2);
    if (!(deviation > 0))
        return (double)NAN;
    return normal_two_sided(distance == 0 ? 0 : (distance - 0.5) / deviation);
}

struct rank_test ranks_sum_test(const double *x, size_t nx, const double *y, size_t ny)
{
    struct rank_test test = {.statistic = (double)NAN, .p = (double)NAN};
    if (nx == 0 || ny == 0)
        return test;
    double *sorted_x = array_sorted(x, nx, 1), *sorted_y = array_sorted(y, ny, 1);
    struct ranks_order order = ranks_order(sorted_x, nx, sorted_y, ny);
    free(sorted_x);
    free(sorted_y);
    double greatest = (double)nx * (double)ny;
    test.statistic = order.greater + order.equal / 2;
    test.exact = nx < RANKS_EXACT_BELOW && ny < RANKS_EXACT_BELOW && order.ties == 0;
    test.p = test.exact ? exact_p(test.statistic, greatest, counts_rank_sum(nx, ny))
                        : normal_p(test.statistic, greatest, ranks_sum_deviation(nx, ny, order.ties));
    return test;
}

/* The magnitudes of the positive and of the negative differences are two samples: V is their rank sum. */
struct rank_test ranks_signed_test(const double *differences, size_t n)
{
    struct rank_test test = {.statistic = (double)NAN, .p = (double)NAN};
    double *positive = memory_new(n, sizeof *positive), *negative = memory_new(n, sizeof *negative);
    size_t positives = 0, negatives = 0;
    for (size_t i = 0; i < n; i++) {
        if (differences[i] > 0)
            positive[positives++] = differences[i];
        else if (differences[i] < 0)
            negative[negatives++] = -differences[i];
    }
    quantile_sort(positive, positives);
    quantile_sort(negative, negatives);
    struct ranks_order order = ranks_order(positive, positives, negative, negatives);
    free(positive);
    free(negative);
    size_t used = positives + negatives;
    if (used == 0)
        return test;
    double greatest = (double)used * ((double)used + 1) / 2;
    test.statistic = order.greater + order.equal / 2 + (double)positives * ((double)positives + 1) / 2;
    test.exact = used < RANKS_EXACT_BELOW && used == n && order.ties == 0;
    test.p = test.exact ? exact_p(test.statistic, greatest, counts_signed_rank(used))
                        : normal_p(test.statistic, greatest, ranks_signed_deviation(used, order.ties));
    return test;
}

double ranks_cliffs_delta(const double *before, size_t m, const double *after, size_t n)
{
    if (m == 0 || n == 0)
        return (double)NAN;
    double *sorted_before = array_sorted(before, m, 1), *sorted_after = array_sorted(after, n, 1);
    struct ranks_order order = ranks_order(sorted_after, n, sorted_before, m);
    free(sorted_before);
    free(sorted_after);
    return (order.greater - order.less) / ((double)m * (double)n);
}

const char *ranks_delta_word(double delta)
{
    double size = fabs(delta);
    if (isnan(size))
        return NULL;
    if (size < 0.147)
        return "negligible";
    if (size < 0.33)
        return "small";
    return size < 0.474 ? "medium" : "large";
}

static int compare_pointed(const void *a, const void *b)
{
    double x = **(double *const *)a, y = **(double *const *)b;
    return (x > y) - (x < y);
}

void ranks_holm(double *p, size_t n)
{
    double **order = memory_new(n, sizeof *order);
    size_t tests = 0;
    for (size_t i = 0; i < n; i++)
        if (!isnan(p[i]))
            order[tests++] = &p[i];
    qsort(order, tests, sizeof *order, compare_pointed);
    double least = 0;
    for (size_t i = 0; i < tests; i++) {
        least = fmin(1, fmax(least, (double)(tests - i) * *order[i]));
        *order[i] = least;
    }
    free(order);
}

size_t ranks_least_samples(double alpha, bool paired)
{
    if (!(alpha > 0))
        return 0;
    double p = 2; /* of the two most extreme arrangements, among all arrangements of 0 values */
    size_t n = 0;
    do {
        n++;
        p *= paired ? 0.5 : (double)n / (double)(4 * n - 2);
    } while (p >= alpha);
    return n;
}

size_t ranks_samples_for(double delta, double alpha, double power)
{
    if (isnan(delta) || delta == 0)
        return 0;
    double sum = normal_exceeded(alpha / 2) + normal_exceeded(1 - power);
    double wanted = ceil(2 * sum * sum / (3 * delta * delta));
    return wanted < 0x1p63 ? (size_t)wanted : SIZE_MAX;
}
