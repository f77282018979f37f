/* Rounding: expectations computed by hand after the Guide to the expression of uncertainty in measurement, 7.2.6. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>

#include "tables/number.h"

static void expect(double value, double uncertainty, const char *expected)
{
    char text[NUMBER_BYTES];
    number_print(text, value, number_place(value, uncertainty, 3), false);
    cr_expect_str_eq(text, expected, "%.17g ± %.17g: \"%s\", not \"%s\"", value, uncertainty, text, expected);
}

/* The Guide's own examples: 10.057 62 Ω with u = 27 mΩ is 10.058 Ω. */
Test(number, uncertainty_keeps_two_digits)
{
    expect(10.05762, 0.027, "10.058");
    expect(1.23456, 0.15, "1.23");
    expect(1.23456, 0.0104, "1.235");
    expect(1234.56, 23.4, "1235");
    expect(123456, 2340, "123500");
    expect(-1.23456, 0.15, "-1.23");
    expect(0.001234, 0.5, "0.00");
    expect(-0.001234, 0.5, "0.00");
}

/* 0.0996 with two digits is 0.10: its second digit is that of hundredths; 9.96 is 10. */
Test(number, carry_of_the_uncertainty)
{
    expect(1.23456, 0.0996, "1.23");
    expect(12.3456, 9.96, "12");
    expect(12.3456, 0.996, "12.3");
    expect(12.3456, 0.994, "12.35");
}

Test(number, without_uncertainty_three_digits)
{
    expect(1.23456, (double)NAN, "1.23");
    expect(1.23456, 0, "1.23");
    expect(123456, (double)NAN, "123000");
    expect(0.00123456, (double)NAN, "0.00123");
    expect(9.999, (double)NAN, "10.0");
    expect(0, (double)NAN, "0");
}

Test(number, sign)
{
    char text[NUMBER_BYTES];
    cr_expect_str_eq(number_print(text, 5.04, -1, true), "+5.0");
    cr_expect_str_eq(number_print(text, -5.04, -1, true), "-5.0");
    cr_expect_str_eq(number_print(text, 0.04, -1, true), "0.0");
    cr_expect_str_eq(number_print(text, -0.04, -1, true), "0.0");
}

Test(number, extreme)
{
    char text[NUMBER_BYTES];
    cr_expect_str_eq(number_print(text, 1, number_place(1, 5e-324, 3), false), "1.00000000000000000000");
    cr_expect_eq(strlen(number_print(text, 1.7976931348623157e308, number_place(1, 1e-300, 3), false)), 309 + 1 + 20);
    cr_expect_str_eq(number_print(text, 3e9, number_place(3e9, 1e12, 3), false), "0");
}

Test(number, p_values)
{
    char text[NUMBER_BYTES];
    cr_expect_str_eq(number_print_p(text, 0.03449), "0.034");
    cr_expect_str_eq(number_print_p(text, 0.5), "0.50");
    cr_expect_str_eq(number_print_p(text, 1), "1.0");
    cr_expect_str_eq(number_print_p(text, 0.0996), "0.10");
    cr_expect_str_eq(number_print_p(text, 0.00012), "0.00012");
    cr_expect_str_eq(number_print_p(text, 0.0000999), "<0.0001");
    cr_expect_str_eq(number_print_p(text, 0), "<0.0001");
}

Test(number, scales)
{
    cr_expect_str_eq(number_scale(TABLE_NS, 999).name, "ns");
    cr_expect_str_eq(number_scale(TABLE_NS, 1000).name, "µs");
    cr_expect_str_eq(number_scale(TABLE_NS, 2.5e9).name, "s");
    cr_expect_str_eq(number_scale(TABLE_BYTES, 51200).name, "kB");
    cr_expect_str_eq(number_scale(TABLE_BITS_PER_S, 3e6).name, "Mbit/s");
    cr_expect_str_eq(number_scale(TABLE_SHARE, 0.5).name, "%");
    cr_expect_str_eq(number_scale(TABLE_COUNT, 5e6).name, "");
}
