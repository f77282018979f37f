#include "statistics/select.h"

#include <assert.h>
#include <math.h>

#include "statistics/image.h"

uint64_t select_count(const struct select *s)
{
    return s->walsh ? (uint64_t)s->m * (s->m + 1) / 2 : (uint64_t)s->m * s->n;
}

/* Return how many sums are at most `bound`; store the least of those above it in *above (INFINITY: none). */
static uint64_t at_most(const struct select *s, double bound, double *above)
{
    uint64_t count = 0;
    size_t end = s->n; /* y[end] and what follows is too large for x[i] */
    *above = INFINITY;
    for (size_t i = 0; i < s->m; i++) {
        while (end > 0 && s->x[i] + s->y[end - 1] > bound)
            end--;
        size_t start = s->walsh ? i : 0, next = end > start ? end : start;
        count += next - start;
        if (next < s->n)
            *above = fmin(*above, s->x[i] + s->y[next]);
        if (end <= start)
            break; /* nor do the sums of the greater x[i] count, and none of them is the least one */
    }
    return count;
}

/* Return the `k`-th sum; store the one after it in *next (INFINITY: none). */
static double kth_and_next(const struct select *s, uint64_t k, double *next)
{
    assert(k >= 1 && k <= select_count(s));
    uint64_t low = image_of(s->x[0] + s->y[0]), high = image_of(s->x[s->m - 1] + s->y[s->n - 1]);
    double above;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        uint64_t count = at_most(s, image_value(middle), &above);
        if (count >= k)
            high = middle;
        else
            low = image_of(above); /* the answer is a sum above the middle */
    }
    double value = image_value(low) + 0.0; /* never -0.0 */
    *next = at_most(s, value, &above) > k ? value : above;
    return value;
}

double select_kth(const struct select *s, uint64_t k)
{
    double next;
    return kth_and_next(s, k, &next);
}

double select_median(const struct select *s)
{
    uint64_t count = select_count(s);
    double next, value = kth_and_next(s, (count + 1) / 2, &next);
    return count % 2 || value == next ? value : (double)(((long double)value + next) / 2);
}
