#include "statistics/quantile.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/memory.h"
#include "statistics/image.h"

enum {
    FEW = 256, /* up to so many values comparing is faster */
    DIGIT_BITS = 11,
    DIGITS = 6, /* 6 * 11 ≥ 64 */
    DIGIT_VALUES = 1 << DIGIT_BITS,
};

static int compare(const void *a, const void *b)
{
    uint64_t x = image_of(*(const double *)a), y = image_of(*(const double *)b);
    return (x > y) - (x < y);
}

static unsigned digit_of(double value, unsigned digit)
{
    return image_of(value) >> (digit * DIGIT_BITS) & (DIGIT_VALUES - 1);
}

/* Move the `n` values from `from` to `to`, ordered by one digit, whose values occur counts[] times; destroys those. */
static void distribute(const double *from, double *to, size_t n, unsigned digit, size_t counts[DIGIT_VALUES])
{
    size_t start = 0;
    for (size_t i = 0; i < DIGIT_VALUES; i++) {
        size_t count = counts[i];
        counts[i] = start;
        start += count;
    }
    for (size_t i = 0; i < n; i++)
        to[counts[digit_of(from[i], digit)]++] = from[i];
}

/* Radix sort of the images, from the lowest digit up; a digit that all values share is passed over. */
static void sort_many(double *values, size_t n)
{
    size_t(*counts)[DIGIT_VALUES] = memory_new(DIGITS, sizeof *counts);
    for (size_t i = 0; i < n; i++)
        for (unsigned digit = 0; digit < DIGITS; digit++)
            counts[digit][digit_of(values[i], digit)]++;
    double *other = memory_new(n, sizeof *other), *from = values, *to = other;
    for (unsigned digit = 0; digit < DIGITS; digit++) {
        if (counts[digit][digit_of(from[0], digit)] == n)
            continue;
        distribute(from, to, n, digit, counts[digit]);
        double *swap = from;
        from = to;
        to = swap;
    }
    if (from != values)
        memcpy(values, from, n * sizeof *values);
    free(other);
    free(counts);
}

void quantile_sort(double *values, size_t n)
{
    if (n > FEW)
        sort_many(values, n);
    else if (n > 1)
        qsort(values, n, sizeof *values, compare);
}

/* The order statistic `i`, counted from 1; outside 1 … n the nearest one. */
static double order_statistic(const double *sorted, size_t n, double i)
{
    if (i < 1)
        return sorted[0];
    return i >= (double)n ? sorted[n - 1] : sorted[(size_t)i - 1];
}

static double between(double low, double high, double share)
{
    if (share <= 0 || low == high)
        return low;
    return share < 1 ? (1 - share) * low + share * high : high;
}

/* The steps, types 1 to 3: how much of the next order statistic counts. */
static double step_share(unsigned type, double position, double whole)
{
    switch (type) {
    case 1:
        return position > whole ? 1 : 0;
    case 2:
        return position > whole ? 1 : 0.5;
    default:
        return position != whole || fmod(whole, 2) != 0 ? 1 : 0;
    }
}

/* Hyndman and Fan's a = b of the types 5 to 9 (type 4: a is 0 and b is 1). */
static double plotting_constant(unsigned type)
{
    static const double constants[] = {[5] = 0.5, [6] = 0, [8] = 1.0 / 3, [9] = 3.0 / 8};
    return constants[type];
}

/* In the very order of operations of R's quantile.default(), whose results these are bit for bit. */
double quantile(const double *sorted, size_t n, double p, unsigned type)
{
    assert(type >= 1 && type <= 9);
    if (n == 0 || isnan(p))
        return (double)NAN;
    p = fmax(0, fmin(1, p));
    double position, whole, share, size = (double)n;
    if (type == 7) {
        position = 1 + (size - 1) * p;
        whole = floor(position);
        share = position - whole;
    } else if (type <= 3) {
        position = type == 3 ? size * p - 0.5 : size * p;
        whole = floor(position);
        share = step_share(type, position, whole);
    } else {
        const double fuzz = 4 * DBL_EPSILON;
        double a = type == 4 ? 0 : plotting_constant(type), b = type == 4 ? 1 : a;
        position = a + p * (size + 1 - a - b);
        whole = floor(position + fuzz);
        share = position - whole;
        if (fabs(share) < fuzz)
            share = 0;
    }
    return between(order_statistic(sorted, n, whole), order_statistic(sorted, n, whole + 1), share);
}

/*
 * The binomial probabilities (n, 1/2) as multiples of the middle one: downwards each follows from the one above it,
 * without the cancellation of logarithms of factorials, as far down as they matter. From there upwards they are summed
 * again, the smallest first, until the sum is too large.
 */
struct interval quantile_median_interval(const double *sorted, size_t n, double confidence, double *reached)
{
    const double negligible = 1e-30;
    size_t low = n / 2;
    double weight = 1, all = n % 2 ? 2 : 1;
    while (low > 0 && weight > negligible) {
        weight *= (double)low / (double)(n - low + 1);
        low--;
        all += 2 * weight;
    }
    /* For k: `below` is the sum of the weights of 0 … k - 1. A confidence that is met but for rounding is met. */
    double allowed = (1 - confidence) * (1 + 1e-12), below = 0, level = (double)NAN;
    size_t k = 0;
    for (size_t j = low; j < (n + 1) / 2; j++) {
        below += weight;
        if (!(2 * below / all <= allowed))
            break;
        k = j + 1;
        level = 1 - 2 * below / all;
        weight *= (double)(n - j) / (double)(j + 1);
    }
    if (reached)
        *reached = level;
    if (k == 0)
        return (struct interval){(double)NAN, (double)NAN};
    return (struct interval){sorted[k - 1], sorted[n - k]};
}

/* Neumaier's sum (Zeitschrift für Angewandte Mathematik und Mechanik 54, 1974): what each addition loses is kept. */
double quantile_mean(const double *values, size_t n)
{
    if (n == 0)
        return (double)NAN;
    long double sum = 0, lost = 0;
    for (size_t i = 0; i < n; i++) {
        long double value = (long double)values[i], next = sum + value;
        lost += fabsl(sum) >= fabsl(value) ? sum - next + value : value - next + sum;
        sum = next;
    }
    return (double)((sum + lost) / (long double)n);
}
