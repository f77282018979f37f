#include <criterion/criterion.h>
#include <math.h>

#include "statistics/ecdf.h"

Test(ecdf, of_nothing_is_nothing)
{
    size_t count = 7;
    cr_expect_null(ecdf_steps(NULL, 0, 0.95, &count));
    cr_expect_eq(count, 0);
}

/* R: ecdf(c(1, 2, 2, 5))(c(1, 2, 5)): 0.25 0.75 1.00; the band: sqrt(log(2 / 0.05) / (2 * 4)) = 0.679050757… */
Test(ecdf, one_step_for_each_distinct_value)
{
    const double sorted[] = {1, 2, 2, 5};
    const double half = 0.67905075787030977;
    size_t count;
    struct ecdf_step *steps = ecdf_steps(sorted, 4, 0.95, &count);
    cr_assert_eq(count, 3);
    const double expected[3][2] = {{1, 0.25}, {2, 0.75}, {5, 1}};
    for (size_t i = 0; i < 3; i++) {
        cr_expect_eq(steps[i].x, expected[i][0]);
        cr_expect_eq(steps[i].y, expected[i][1]);
        cr_expect_float_eq(steps[i].low, fmax(0, expected[i][1] - half), 1e-15);
        cr_expect_float_eq(steps[i].high, fmin(1, expected[i][1] + half), 1e-15);
    }
    free(steps);
}

Test(ecdf, of_a_constant_is_one_step)
{
    const double sorted[] = {3, 3, 3, 3, 3};
    size_t count;
    struct ecdf_step *steps = ecdf_steps(sorted, 5, 0.95, &count);
    cr_assert_eq(count, 1);
    cr_expect(steps[0].x == 3 && steps[0].y == 1 && steps[0].high == 1 && steps[0].low > 0);
    free(steps);
}
