#include "analyze/rate.h"

#include <assert.h>
#include <stdlib.h>

#include "base/memory.h"

#define FIRST_BIN_NS INT64_C(1000000)

void rate_fini(struct rate *rate)
{
    free(rate->bins);
    *rate = (struct rate){0};
}

/* Make the bins twice as wide. */
static void widen(struct rate *rate)
{
    for (size_t i = 0; i < RATE_BINS; i++)
        rate->bins[i] = i < RATE_BINS / 2 ? rate_sum(rate->bins[2 * i], rate->bins[2 * i + 1]) : 0;
    rate->bin_ns *= 2;
    rate->count = (rate->count + 1) / 2;
}

void rate_add(struct rate *rate, int64_t t_ns, uint64_t bytes)
{
    assert(t_ns >= 0);
    if (bytes == 0)
        return;
    if (!rate->bins) {
        rate->bins = memory_new(RATE_BINS, sizeof *rate->bins);
        rate->bin_ns = FIRST_BIN_NS;
    }
    while (t_ns / rate->bin_ns >= RATE_BINS)
        widen(rate);
    size_t i = (size_t)(t_ns / rate->bin_ns);
    rate->bins[i] = rate_sum(rate->bins[i], bytes);
    if (i >= rate->count)
        rate->count = i + 1;
}
