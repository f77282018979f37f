#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "random.h"
#include "statistics/quantile.h"

/* R 4.2.2: sapply(1:9, function(t) quantile(c(1, 2, 4, 8, 16, 32, 64), .3, type = t)), printed with 17 digits. */
Test(sample_quantile, every_type_as_r)
{
    const double sorted[] = {1, 2, 4, 8, 16, 32, 64};
    const double expected[] = {4,
                               4,
                               2,
                               2.2000000000000002,
                               3.2000000000000002,
                               2.7999999999999998,
                               3.5999999999999996,
                               3.0666666666666673,
                               3.0999999999999996};
    for (unsigned type = 1; type <= 9; type++)
        cr_expect_eq(quantile(sorted, 7, 0.3, type), expected[type - 1], "type %u", type);
}

Test(sample_quantile, edges)
{
    const double one[] = {5}, same[] = {3, 3, 3, 3}, two[] = {-DBL_MAX, DBL_MAX};
    for (unsigned type = 1; type <= 9; type++) {
        cr_expect(isnan(quantile(NULL, 0, 0.5, type)));
        cr_expect(isnan(quantile(one, 1, (double)NAN, type)));
        for (double p = -0.25; p <= 1.25; p += 0.25) {
            cr_expect_eq(quantile(one, 1, p, type), 5);
            cr_expect_eq(quantile(same, 4, p, type), 3);
        }
        cr_expect_eq(quantile(two, 2, 0, type), -DBL_MAX);
        cr_expect_eq(quantile(two, 2, 1, type), DBL_MAX);
    }
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sizes on both sides of the one from which another method is used. */
Test(sample_quantile, sorts)
{
    uint64_t state = 1;
    const size_t sizes[] = {0, 1, 2, 3, 255, 256, 257, 258, 5000};
    for (unsigned kind = 0; kind < RANDOM_KINDS; kind++)
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            size_t n = sizes[s];
            double *values = calloc(n + 1, sizeof *values), *expected = calloc(n + 1, sizeof *expected);
            random_values(&state, kind, values, n);
            memcpy(expected, values, n * sizeof *values);
            qsort(expected, n, sizeof *expected, compare);
            quantile_sort(values, n);
            for (size_t i = 0; i < n; i++)
                cr_assert_eq(values[i], expected[i], "kind %u, %zu values, %zu", kind, n, i);
            free(values);
            free(expected);
        }
}

Test(sample_quantile, sorts_extremes_and_zeros)
{
    double values[300] = {0};
    const double some[] = {0.0, -0.0, DBL_MAX, -DBL_MAX, 5e-324, -5e-324, DBL_MIN, (double)INFINITY, -(double)INFINITY};
    for (size_t i = 0; i < 300; i++)
        values[i] = some[i % 9];
    quantile_sort(values, 300);
    for (size_t i = 1; i < 300; i++)
        cr_assert(values[i - 1] <= values[i]);
    size_t zeros = 0;
    for (size_t i = 0; i < 300; i++)
        zeros += values[i] == 0;
    cr_expect_eq(zeros, 68);
    cr_expect_eq(values[0], -(double)INFINITY);
    cr_expect_eq(values[299], (double)INFINITY);
}

/* R: a <- qbinom(.025, n, .5); 1 - 2 * pbinom(a - 1, n, .5) */
Test(sample_quantile, median_interval)
{
    static const struct {
        size_t n, k;
        double reached;
    } cases[] = {{6, 1, 0.96875},
                 {7, 1, 0.984375},
                 {10, 2, 0.978515625},
                 {50, 18, 0.96716086243573141},
                 {1000, 469, 0.95370880263950186}};
    double sorted[1000];
    for (size_t i = 0; i < 1000; i++)
        sorted[i] = (double)(i + 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double reached;
        struct interval interval = quantile_median_interval(sorted, cases[i].n, 0.95, &reached);
        cr_expect_eq(interval.low, (double)cases[i].k);
        cr_expect_eq(interval.high, (double)(cases[i].n + 1 - cases[i].k));
        cr_expect_float_eq(reached, cases[i].reached, 1e-12);
    }
    cr_expect_eq(quantile_median_interval(sorted, 10, 0.978515625, NULL).low, 2, "a level that is just met is met");
}

Test(sample_quantile, median_interval_of_very_many)
{
    const size_t n = 100000000; /* R: 49990200, 0.95001589728951641 */
    double *sorted = malloc(n * sizeof *sorted), reached;
    cr_assert_not_null(sorted);
    sorted[49990200 - 1] = 7; /* only the two are looked at */
    sorted[n - 49990200] = 9;
    struct interval interval = quantile_median_interval(sorted, n, 0.95, &reached);
    cr_expect_eq(interval.low, 7);
    cr_expect_eq(interval.high, 9);
    cr_expect_float_eq(reached, 0.95001589728951641, 1e-9);
    free(sorted);
}

Test(sample_quantile, no_median_interval_of_few)
{
    const double sorted[] = {1, 2, 3, 4, 5};
    for (size_t n = 0; n <= 5; n++) {
        double reached = 1;
        struct interval interval = quantile_median_interval(sorted, n, 0.95, &reached);
        cr_expect(isnan(interval.low) && isnan(interval.high) && isnan(reached), "%zu values", n);
    }
    cr_expect(isnan(quantile_median_interval(sorted, 5, 1, NULL).low));
    cr_expect_eq(quantile_median_interval(sorted, 5, 0, NULL).low, 3);
}

Test(sample_quantile, mean_loses_nothing)
{
    const double cancelling[] = {1e300, 1, -1e300}, great[] = {DBL_MAX, DBL_MAX, DBL_MAX};
    cr_expect(isnan(quantile_mean(NULL, 0)));
    cr_expect_float_eq(quantile_mean(cancelling, 3), 1.0 / 3, 1e-16);
    cr_expect_eq(quantile_mean(great, 3), DBL_MAX);
    double tenths[1000];
    for (size_t i = 0; i < 1000; i++)
        tenths[i] = 0.1;
    cr_expect_eq(quantile_mean(tenths, 1000), 0.1);
}
