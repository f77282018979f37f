#include "capture/bucket.h"

#define SECOND_NS UINT64_C(1000000000)

/* Return how many bytes can be saved up under `rate`. */
static int64_t room(uint64_t rate)
{
    uint64_t bytes = rate / (SECOND_NS / BUCKET_BURST_NS);
    return bytes < BUCKET_BURST_BYTES ? BUCKET_BURST_BYTES : (int64_t)bytes;
}

size_t bucket_look(struct bucket *bucket, uint64_t rate, uint64_t t_ns)
{
    if (rate == 0) {
        *bucket = (struct bucket){.t_ns = t_ns};
        return SIZE_MAX;
    }
    uint64_t passed_ns = t_ns > bucket->t_ns ? t_ns - bucket->t_ns : 0;
    bucket->t_ns += passed_ns;
    int64_t most = room(rate);
    uint64_t whole = passed_ns / SECOND_NS;
    if (whole > 3600) /* nothing can be owed for so long */
        whole = 3600;
    /* Below 2^30 · 2^40 it would not fit: split the rate. */
    uint64_t part_ns = passed_ns % SECOND_NS;
    uint64_t billionths = part_ns * (rate % SECOND_NS) + bucket->remainder;
    uint64_t bytes = whole * rate + part_ns * (rate / SECOND_NS) + billionths / SECOND_NS;
    bucket->remainder = billionths % SECOND_NS;
    bucket->bytes += (int64_t)bytes;
    if (bucket->bytes > most)
        bucket->bytes = most;
    return bucket->bytes > 0 ? (size_t)bucket->bytes : 0;
}

void bucket_take(struct bucket *bucket, size_t len)
{
    bucket->bytes -= (int64_t)len;
}
