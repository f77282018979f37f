/* Numbers as people read them: with a unit that fits, and with the digits that their sample supports. */
#ifndef MITM_TABLES_NUMBER_H
#define MITM_TABLES_NUMBER_H

#include "tables/table.h"

enum { NUMBER_BYTES = 400 };

/* A unit to show values in: they are divided by `factor`. */
struct number_scale {
    const char *name; /* "ms"; "": none */
    double factor;
};

/* Return the largest scale of `unit` that shows `greatest`, the greatest magnitude, as 1 or more. */
struct number_scale number_scale(enum table_unit unit, double greatest);

/*
 * Return the power of ten of the last digit to show of a number: the second significant digit of `uncertainty`, after
 * it was rounded to two (Guide to the expression of uncertainty in measurement, 7.2.6); where that is not known (NAN)
 * or 0, the `digits`-th significant digit of `value`.
 */
int number_place(double value, double uncertainty, int digits);

/* Write `value` to `to`, rounded to a multiple of 10^place; `sign`: with a plus, too, if it is positive. Return `to`.
 */
const char *number_print(char to[NUMBER_BYTES], double value, int place, bool sign);

/* Write a p-value: two significant digits, "<0.0001" below that. Return `to`. */
const char *number_print_p(char to[NUMBER_BYTES], double p);

#endif
