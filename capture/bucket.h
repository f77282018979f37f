/*
 * A token bucket: how many bytes may flow now under a rate limit. Pure: the caller tells the time and the rate, which
 * may change at any moment. It starts empty, and what is saved up while nothing flows is BUCKET_BURST_NS worth at most.
 */
#ifndef MITM_CAPTURE_BUCKET_H
#define MITM_CAPTURE_BUCKET_H

#include <stddef.h>
#include <stdint.h>

#define BUCKET_BURST_NS UINT64_C(40000000)
/* Even the lowest rate saves up so many bytes. */
#define BUCKET_BURST_BYTES 256

/* Embedded in its owner; all zero is empty, at the time 0. */
struct bucket {
    int64_t bytes;      /* negative: so many have flowed too much */
    uint64_t t_ns;      /* up to when it has been filled, */
    uint64_t remainder; /* and billionths of a byte beyond that */
};

/* Return how many bytes may flow at `t_ns` (≥ the times before) under `rate` bytes per second (≤ SETTINGS_RATE_MAX; 0:
 * no limit, SIZE_MAX is returned). */
size_t bucket_look(struct bucket *bucket, uint64_t rate, uint64_t t_ns);

/* Say that `len` bytes have flowed. */
void bucket_take(struct bucket *bucket, size_t len);

#endif
