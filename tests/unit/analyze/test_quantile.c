#include <criterion/criterion.h>

#include "analyze/quantile.h"

/* Expected values: R 4.2.2, quantile(x, c(0, .5, .9, .99, 1), type = 7) and mean(x), rounded to whole numbers. */
static void expect_quantiles(int64_t *values, size_t n, const int64_t expected[5])
{
    static const unsigned percents[] = {0, 50, 90, 99, 100};
    quantile_sort(values, n);
    for (size_t i = 0; i < 5; i++)
        cr_expect_eq(quantile(values, n, percents[i]), expected[i], "%u %%: %lld", percents[i],
                     (long long)quantile(values, n, percents[i]));
}

/* R: y <- c(1042,733,2210,981,1500,640,12001,850,1043,999,1731,2044)*1e6; quantile(y, c(0,.5,.9,.99,1), type=7);
 * mean(y) 640000000 1042500000 2193400000 10923990000 12001000000; 2147833333.3333335 */
Test(quantile, as_r_computes_them)
{
    int64_t y[] = {1042, 733, 2210, 981, 1500, 640, 12001, 850, 1043, 999, 1731, 2044};
    size_t n = sizeof y / sizeof *y;
    for (size_t i = 0; i < n; i++)
        y[i] *= 1000000;
    expect_quantiles(y, n, (const int64_t[]){640000000, 1042500000, 2193400000, 10923990000, 12001000000});
    cr_expect_eq(quantile_mean(y, n), 2147833333);
}

/* R: quantile(c(100, 1001, 1002000), c(0, .5, .9, .99, 1), type = 7): 100 1001 801800.2 981980.02 1002000 */
Test(quantile, rounds_to_the_nearest)
{
    int64_t z[] = {1002000, 100, 1001};
    expect_quantiles(z, 3, (const int64_t[]){100, 1001, 801800, 981980, 1002000});
}

/* R: quantile(c(7, 8), c(0, .5, .9, .99, 1), type = 7): 7 7.5 7.9 7.99 8 */
Test(quantile, rounds_halves_up)
{
    int64_t w[] = {7, 8};
    expect_quantiles(w, 2, (const int64_t[]){7, 8, 8, 8, 8});
    cr_expect_eq(quantile_mean(w, 2), 8);
}

/* R: v <- seq(0, 1000)^2; quantile(v, c(0, .5, .9, .99, 1), type = 7): 0 250000 810000 980100 1000000; mean(v): 333500
 */
Test(quantile, of_many_values_in_any_order)
{
    int64_t v[1001];
    for (int64_t i = 0; i <= 1000; i++)
        v[i * 10 % 1001] = i * i; /* 10 and 1001 are coprime: each place is filled once */
    expect_quantiles(v, 1001, (const int64_t[]){0, 250000, 810000, 980100, 1000000});
    cr_expect_eq(quantile_mean(v, 1001), 333500);
}

Test(quantile, of_one_value)
{
    int64_t x[] = {42};
    expect_quantiles(x, 1, (const int64_t[]){42, 42, 42, 42, 42});
    cr_expect_eq(quantile_mean(x, 1), 42);
}

/* No overflow: exact for the greatest numbers, too. Between 0 and m, the 90 % quantile is 0.9 m. */
Test(quantile, of_the_greatest_numbers)
{
    int64_t x[] = {0, INT64_MAX};
    expect_quantiles(
        x, 2,
        (const int64_t[]){0, INT64_MAX / 2 + 1, INT64_C(8301034833169298226), INT64_C(9131138316486228049), INT64_MAX});
    int64_t same[] = {INT64_MAX, INT64_MAX, INT64_MAX};
    cr_expect_eq(quantile_mean(same, 3), INT64_MAX);
}
