/*
 * Bytes over time in a bounded number of equal bins. The bins become wider when the time outgrows them.
 */
#ifndef MITM_ANALYZE_RATE_H
#define MITM_ANALYZE_RATE_H

#include <stddef.h>
#include <stdint.h>

enum { RATE_BINS = 2048 };

/* All zero is empty; rate_fini() frees it. Bin i covers [i * bin_ns, (i + 1) * bin_ns). */
struct rate {
    uint64_t *bins; /* RATE_BINS of them, or NULL */
    int64_t bin_ns;
    size_t count; /* bins up to the last one that is not empty */
};

void rate_fini(struct rate *rate);

/* Add `bytes` at the time `t_ns` (≥ 0). */
void rate_add(struct rate *rate, int64_t t_ns, uint64_t bytes);

/* Return a + b, or the greatest value if that is too much. */
static inline uint64_t rate_sum(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

#endif
