#include "statistics/select.h"

#include <assert.h>
#include <math.h>

#include "statistics/image.h"

uint64_t select_count(const struct select *s)
{
    return s->walsh ? (uint64_t)s->m * (s->m + 1) / 2 : (uint64_t)s->m * s->n;
}

/* Sums on both sides of a bound. */
struct split {
    uint64_t count;      /* how many are at most the bound */
    double below, above; /* the greatest of these, the least of the others; -INFINITY, INFINITY: there is none */
};

static struct split split_at(const struct select *s, double bound)
{
    struct split split = {.below = -(double)INFINITY, .above = (double)INFINITY};
    size_t end = s->n; /* y[end] and what follows is too large for x[i] */
    for (size_t i = 0; i < s->m; i++) {
        while (end > 0 && s->x[i] + s->y[end - 1] > bound)
            end--;
        size_t start = s->walsh ? i : 0, next = end > start ? end : start;
        if (next < s->n)
            split.above = fmin(split.above, s->x[i] + s->y[next]);
        if (next == start)
            break; /* nor do the sums of the greater x[i] count, and none of them is the least one */
        split.count += next - start;
        split.below = fmax(split.below, s->x[i] + s->y[next - 1]);
    }
    return split;
}

/* Where the k-th sum lies: its image is from low to high. The errors are those of the counts at these, as weighted. */
struct range {
    uint64_t low, high;
    double low_error, high_error; /* below and above 0 */
    int last;                     /* the end that the last step moved: -1 or 1; 0: none */
};

/* The image in the middle, in every third step; else where a straight line between the errors is 0. Below high. */
static uint64_t next_bound(const struct range *range, unsigned step)
{
    uint64_t middle = range->low + (range->high - range->low) / 2;
    if (step % 3 == 2)
        return middle;
    double low = image_value(range->low), high = image_value(range->high);
    double share = range->low_error / (range->low_error - range->high_error), guess = low + (high - low) * share;
    if (!isfinite(guess)) /* the width is too great for a double */
        return middle;
    uint64_t image = image_of(guess);
    if (image < range->low)
        return range->low;
    return image < range->high ? image : range->high - 1;
}

/* Take in what is known at a bound. An end that stays where it is for a second time counts half (the Illinois method of
 * Dowell and Jarratt, BIT 11, 1971), so the range narrows from both sides. */
static void narrow(struct range *range, const struct split *split, uint64_t k)
{
    double error = (double)split->count - (double)k + 0.5;
    if (split->count >= k) {
        range->high = image_of(split->below);
        range->high_error = error;
        if (range->last == 1)
            range->low_error /= 2;
        range->last = 1;
    } else {
        range->low = image_of(split->above);
        range->low_error = error;
        if (range->last == -1)
            range->high_error /= 2;
        range->last = -1;
    }
}

/* Return the `k`-th sum. */
double select_kth(const struct select *s, uint64_t k)
{
    uint64_t count = select_count(s);
    assert(k >= 1 && k <= count);
    struct range range = {
        .low = image_of(s->x[0] + s->y[0]),
        .high = image_of(s->x[s->m - 1] + s->y[s->n - 1]),
        .low_error = 0.5 - (double)k,
        .high_error = (double)(count - k) + 0.5,
    };
    for (unsigned step = 0; range.low < range.high; step++) {
        struct split split = split_at(s, image_value(next_bound(&range, step)));
        narrow(&range, &split, k);
    }
    return image_value(range.low);
}

double select_median(const struct select *s)
{
    uint64_t count = select_count(s);
    double value = select_kth(s, (count + 1) / 2);
    if (count % 2)
        return value;
    struct split split = split_at(s, value);
    double next = split.count > count / 2 ? value : split.above;
    return value == next ? value : (double)(((long double)value + (long double)next) / 2);
}
