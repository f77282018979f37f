#include "random.h"

#include <math.h>

/* xorshift64* (Marsaglia, Journal of Statistical Software 8, 2003; Vigna, ACM TOMS 42, 2016). */
uint64_t random_next(uint64_t *state)
{
    uint64_t x = *state ? *state : 1;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * 2685821657736338717ULL;
}

uint64_t random_below(uint64_t *state, uint64_t below)
{
    return (random_next(state) >> 11) % below;
}

static double value_of(uint64_t *state, unsigned kind)
{
    double share = (double)random_below(state, 1ULL << 53) * 0x1p-53;
    switch (kind) {
    case 0: /* continuous */
        return share * 2 - 1;
    case 1: /* many ties, with zeros of both signs */
        return (double)random_below(state, 5) * (random_below(state, 2) ? 0.1 : -0.1);
    case 2: /* constant */
        return 42;
    case 3: /* of every magnitude */
        return ldexp(share - 0.5, (int)random_below(state, 2000) - 1000);
    case 4: /* nanoseconds */
        return 1e9 + (double)random_below(state, 1000000000000);
    default: /* a few values and one outlier in ten */
        return random_below(state, 10) ? (double)random_below(state, 30) : 1e15 * share;
    }
}

void random_values(uint64_t *state, unsigned kind, double *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        values[i] = value_of(state, kind);
}
