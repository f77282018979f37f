#include <criterion/criterion.h>
#include <float.h>
#include <math.h>

#include "random.h"
#include "statistics/ranks.h"

static const double few_x[] = {3.1, -1, 2.5, 7, 0.5}, few_y[] = {4, 9, 2, 11.5, 6.2, 5};
static const double tied_x[] = {1, 2, 2, 3, 5}, tied_y[] = {2, 4, 4, 6, 7, 7};

/* R: wilcox.test(x, y) */
Test(ranks, sum_test_as_r)
{
    struct rank_test test = ranks_sum_test(few_x, 5, few_y, 6);
    cr_expect(test.exact);
    cr_expect_eq(test.statistic, 6);
    cr_expect_float_eq(test.p, 0.12554112554112554, 1e-14);
    test = ranks_sum_test(tied_x, 5, tied_y, 6);
    cr_expect_not(test.exact);
    cr_expect_eq(test.statistic, 5);
    cr_expect_float_eq(test.p, 0.078645223260723374, 1e-14);
}

/* R: wilcox.test(d) */
Test(ranks, signed_test_as_r)
{
    const double d[] = {1.5, -0.3, 2.2, 4.1, 0.9, -1.1, 3.3, 2.7}, tied[] = {0, 1, 1, -2, 3, 3, 0, 4};
    struct rank_test test = ranks_signed_test(d, 8);
    cr_expect(test.exact);
    cr_expect_eq(test.statistic, 32);
    cr_expect_float_eq(test.p, 0.0546875, 1e-14);
    test = ranks_signed_test(tied, 8);
    cr_expect_not(test.exact);
    cr_expect_eq(test.statistic, 18);
    cr_expect_float_eq(test.p, 0.14001650319716896, 1e-14);
}

/* The least p of n against n values: 2 / choose(2n, n); of n pairs: 2 / 2^n. */
Test(ranks, exact_up_to_49_values)
{
    double low[50], high[50];
    for (size_t i = 0; i < 50; i++) {
        low[i] = (double)(i + 1);
        high[i] = 1000 + (double)i;
    }
    const double choose_98_49 = 25477612258980856902730428600.0;
    struct rank_test test = ranks_sum_test(low, 49, high, 49);
    cr_expect(test.exact);
    cr_expect_float_eq(test.p * choose_98_49, 2, 1e-12);
    cr_expect_not(ranks_sum_test(low, 50, high, 49).exact);
    cr_expect_not(ranks_sum_test(low, 49, high, 50).exact);
    test = ranks_signed_test(low, 49);
    cr_expect(test.exact);
    cr_expect_eq(test.p, 0x1p-48);
    cr_expect_not(ranks_signed_test(low, 50).exact);
    double tie[] = {1, 2, 3, 3}; /* within one sample, too */
    cr_expect_not(ranks_sum_test(tie, 4, high, 4).exact);
}

Test(ranks, nothing_to_test)
{
    const double same[] = {2, 2, 2}, zeros[] = {0, -0.0, 0};
    cr_expect(isnan(ranks_sum_test(NULL, 0, same, 3).p));
    cr_expect(isnan(ranks_sum_test(same, 3, NULL, 0).p));
    cr_expect(isnan(ranks_sum_test(same, 3, same, 3).p));
    cr_expect(isnan(ranks_sum_test(zeros, 3, zeros, 3).p), "zeros of both signs are equal");
    cr_expect(isnan(ranks_signed_test(NULL, 0).p));
    cr_expect(isnan(ranks_signed_test(zeros, 3).p));
    cr_expect(isnan(ranks_cliffs_delta(same, 3, NULL, 0)));
    cr_expect(isnan(ranks_cliffs_delta(NULL, 0, same, 3)));
}

Test(ranks, one_value_proves_nothing)
{
    const double one[] = {1}, two[] = {2};
    cr_expect_eq(ranks_sum_test(one, 1, two, 1).p, 1);
    cr_expect_eq(ranks_signed_test(one, 1).p, 1);
}

Test(ranks, equal_samples_do_not_differ)
{
    cr_expect_eq(ranks_sum_test(tied_x, 5, tied_x, 5).p, 1);
    cr_expect_eq(ranks_cliffs_delta(tied_x, 5, tied_x, 5), 0);
    const double balanced[] = {-DBL_MAX, DBL_MAX};
    cr_expect_eq(ranks_signed_test(balanced, 2).p, 1);
}

Test(ranks, cliffs_delta_by_counting)
{
    uint64_t state = 3;
    for (unsigned round = 0; round < 300; round++) {
        double x[20], y[20];
        size_t m = 1 + random_below(&state, 20), n = 1 + random_below(&state, 20);
        random_values(&state, round % RANDOM_KINDS, x, m);
        random_values(&state, round % RANDOM_KINDS, y, n);
        int count = 0;
        for (size_t i = 0; i < m; i++)
            for (size_t j = 0; j < n; j++)
                count += (y[j] > x[i]) - (y[j] < x[i]);
        cr_assert_eq(ranks_cliffs_delta(x, m, y, n), count / (double)(m * n));
    }
    cr_expect_eq(ranks_cliffs_delta(few_x, 1, few_y, 1), 1, "after is above before");
}

/* Romano and others (2006): the limits belong to the greater effect. */
Test(ranks, words)
{
    cr_expect_str_eq(ranks_delta_word(0), "negligible");
    cr_expect_str_eq(ranks_delta_word(-0.1469), "negligible");
    cr_expect_str_eq(ranks_delta_word(0.147), "small");
    cr_expect_str_eq(ranks_delta_word(-0.33), "medium");
    cr_expect_str_eq(ranks_delta_word(0.4739), "medium");
    cr_expect_str_eq(ranks_delta_word(0.474), "large");
    cr_expect_str_eq(ranks_delta_word(-1), "large");
    cr_expect_null(ranks_delta_word((double)NAN));
}

/* R: p.adjust(c(.01, .04, .03, NA, .005, .9), "holm"): 0.04 0.09 0.09 NA 0.025 0.9 */
Test(ranks, holm_as_r)
{
    double p[] = {.01, .04, .03, (double)NAN, .005, .9};
    const double expected[] = {.04, .09, .09, (double)NAN, .025, .9};
    ranks_holm(p, 6);
    for (size_t i = 0; i < 6; i++)
        cr_expect(i == 3 ? isnan(p[i]) : fabs(p[i] - expected[i]) < 1e-15, "%zu: %.17g", i, p[i]);
    double great[] = {.6, .7};
    ranks_holm(great, 2);
    cr_expect(great[0] == 1 && great[1] == 1);
    ranks_holm(NULL, 0);
}

/* 2 / choose(2n, n): n 3 0.1, n 4 0.0286, n 5 0.0079, n 6 0.0022; pairs 2 / 2^n: n 5 0.0625, n 6 0.03125. */
Test(ranks, least_samples)
{
    cr_expect_eq(ranks_least_samples(0.05, false), 4);
    cr_expect_eq(ranks_least_samples(0.01, false), 5);
    cr_expect_eq(ranks_least_samples(0.0022, false), 6);
    cr_expect_eq(ranks_least_samples(0.05, true), 6);
    cr_expect_eq(ranks_least_samples(0.03125, true), 7, "less than, not at most");
    cr_expect_eq(ranks_least_samples(0, true), 0);
}

/* N = (z(α/2) + z(β))² / (12 c (1 - c) (p - 1/2)²) of both together, with c = 1/2 and p = (δ + 1) / 2;
 * R: ceiling((qnorm(.975) + qnorm(.8))^2 / (3 * (delta / 2)^2) / 2) */
Test(ranks, samples_for)
{
    cr_expect_eq(ranks_samples_for(0.474, 0.05, 0.8), 24);
    cr_expect_eq(ranks_samples_for(-0.33, 0.05, 0.8), 49);
    cr_expect_eq(ranks_samples_for(0.147, 0.05, 0.8), 243);
    cr_expect_eq(ranks_samples_for(1, 0.05, 0.8), 6);
    cr_expect_eq(ranks_samples_for(0, 0.05, 0.8), 0);
    cr_expect_eq(ranks_samples_for((double)NAN, 0.05, 0.8), 0);
    cr_expect_eq(ranks_samples_for(1e-300, 0.05, 0.8), SIZE_MAX);
}
