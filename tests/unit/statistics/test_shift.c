#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "random.h"
#include "statistics/ranks.h"
#include "statistics/select.h"

/* R: wilcox.test(y, x, conf.int = TRUE): -1.1 9.0; 3.6; the level reached: 1 - 2 * pwilcox(qwilcox(.025, 5, 6) - 1, 5,
 * 6) */
Test(shift, as_r)
{
    const double x[] = {3.1, -1, 2.5, 7, 0.5}, y[] = {4, 9, 2, 11.5, 6.2, 5};
    struct ranks_shift shift = ranks_shift(x, 5, y, 6, 0.95);
    cr_expect(shift.exact);
    cr_expect_float_eq(shift.estimate, 3.6, 1e-14);
    cr_expect_float_eq(shift.interval.low, -1.1, 1e-14);
    cr_expect_float_eq(shift.interval.high, 9, 1e-14);
    cr_expect_float_eq(shift.reached, 0.9696969696969697, 1e-14);
}

/* R: wilcox.test(d, conf.int = TRUE): -0.1 3.3; 1.675; 1 - 2 * psignrank(qsignrank(.025, 8) - 1, 8) */
Test(shift, paired_as_r)
{
    const double d[] = {1.5, -0.3, 2.2, 4.1, 0.9, -1.1, 3.3, 2.7};
    struct ranks_shift shift = ranks_paired_shift(d, 8, 0.95);
    cr_expect(shift.exact);
    cr_expect_float_eq(shift.estimate, 1.675, 1e-14);
    cr_expect_float_eq(shift.interval.low, -0.1, 1e-14);
    cr_expect_float_eq(shift.interval.high, 3.3, 1e-14);
    cr_expect_float_eq(shift.reached, 0.9609375, 1e-14);
}

static bool has_none(struct ranks_shift shift)
{
    return isnan(shift.interval.low) && isnan(shift.interval.high) && isnan(shift.reached);
}

Test(shift, of_nothing)
{
    const double one[] = {1};
    cr_expect(isnan(ranks_shift(NULL, 0, one, 1, 0.95).estimate));
    cr_expect(isnan(ranks_shift(one, 1, NULL, 0, 0.95).estimate));
    cr_expect(isnan(ranks_paired_shift(NULL, 0, 0.95).estimate));
    cr_expect(has_none(ranks_shift(NULL, 0, one, 1, 0.95)));
    cr_expect(has_none(ranks_paired_shift(NULL, 0, 0.95)));
}

/* At 0.95 it takes 4 against 4 values, or 6 pairs (ranks_least_samples()). */
Test(shift, too_few_have_no_interval)
{
    const double x[] = {1, 2, 3, 4, 5, 6}, y[] = {10.5, 20, 30, 40};
    cr_expect(has_none(ranks_shift(x, 3, y, 3, 0.95)));
    cr_expect_not(has_none(ranks_shift(x, 4, y, 4, 0.95)));
    cr_expect(has_none(ranks_paired_shift(x, 5, 0.95)));
    cr_expect_not(has_none(ranks_paired_shift(x, 6, 0.95)));
    struct ranks_shift shift = ranks_shift(x, 1, y, 1, 0.95);
    cr_expect_eq(shift.estimate, 9.5);
    cr_expect(has_none(shift));
    cr_expect(has_none(ranks_shift(x, 6, y, 4, 1)));
    const double tied[] = {1, 1};
    cr_expect(has_none(ranks_shift(tied, 2, tied, 2, 0.95)));
}

Test(shift, of_constants)
{
    double before[20], after[20];
    for (size_t i = 0; i < 20; i++) {
        before[i] = 5;
        after[i] = 7;
    }
    struct ranks_shift shift = ranks_shift(before, 20, after, 20, 0.95);
    cr_expect(shift.estimate == 2 && shift.interval.low == 2 && shift.interval.high == 2 && !shift.exact);
    shift = ranks_paired_shift(after, 20, 0.95);
    cr_expect(shift.estimate == 7 && shift.interval.low == 7 && shift.interval.high == 7);
    shift = ranks_shift(before, 20, before, 20, 0.95);
    cr_expect(shift.estimate == 0 && !signbit(shift.estimate));
}

Test(shift, of_huge_values)
{
    const double x[] = {DBL_MAX, DBL_MAX / 2, DBL_MAX / 4}, zero[] = {0, 0, 0};
    cr_expect_eq(ranks_paired_shift(x, 3, 0.5).estimate, DBL_MAX / 16 * 9, "median of the halves of the sums");
    cr_expect_eq(ranks_shift(zero, 3, x, 3, 0.5).estimate, DBL_MAX / 2);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* All sums, sorted; the caller frees them. */
static double *all_sums(const struct select *s)
{
    double *sums = calloc(s->m * s->n, sizeof *sums);
    size_t count = 0;
    for (size_t i = 0; i < s->m; i++)
        for (size_t j = s->walsh ? i : 0; j < s->n; j++)
            sums[count++] = s->x[i] + s->y[j];
    cr_assert_eq(count, select_count(s));
    qsort(sums, count, sizeof *sums, compare);
    return sums;
}

static void expect_every_one(const struct select *s)
{
    double *sums = all_sums(s);
    size_t count = select_count(s);
    for (size_t k = 1; k <= count; k++)
        cr_assert_eq(select_kth(s, k), sums[k - 1], "%zu of %zu", k, count);
    double middle = (double)(((long double)sums[(count - 1) / 2] + (long double)sums[count / 2]) / 2);
    cr_assert_eq(select_median(s), middle);
    free(sums);
}

Test(shift, selects_what_sorting_would)
{
    uint64_t state = 5;
    for (unsigned round = 0; round < 600; round++) {
        double x[12], y[12];
        size_t m = 1 + random_below(&state, 12), n = 1 + random_below(&state, 12);
        random_values(&state, round % RANDOM_KINDS, x, m);
        random_values(&state, round / 7 % RANDOM_KINDS, y, n);
        quantile_sort(x, m);
        quantile_sort(y, n);
        expect_every_one(&(struct select){.x = x, .y = y, .m = m, .n = n});
        expect_every_one(&(struct select){.x = x, .y = x, .m = m, .n = m, .walsh = true});
    }
}
