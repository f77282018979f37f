/*
 * Whether a peer floods: a token bucket over the times of arrival. What is legal one by one but carries nothing
 * (control frames, empty records) is allowed at so many a second, and in bursts.
 */
#ifndef MITM_CAPTURE_DECODE_FLOOD_H
#define MITM_CAPTURE_DECODE_FLOOD_H

#include <stdbool.h>
#include <stdint.h>

/* All zero at the beginning: the burst is there as a whole. */
struct flood {
    uint64_t t_ns; /* up to which the allowance has been refilled */
    uint64_t used; /* of the burst, in units of one event × 10^9 */
};

/* Count an event at `t_ns`. Return whether it is one too many: beyond `per_s` events a second and `burst` at once. */
static inline bool flood_count(struct flood *flood, uint64_t t_ns, uint32_t per_s, uint32_t burst)
{
    const uint64_t unit = 1000000000;
    if (t_ns > flood->t_ns) {
        uint64_t since_ns = t_ns - flood->t_ns;
        bool all = since_ns > burst * unit / per_s || since_ns * per_s >= flood->used;
        flood->used = all ? 0 : flood->used - since_ns * per_s;
        flood->t_ns = t_ns;
    }
    if (flood->used + unit > burst * unit)
        return true;
    flood->used += unit;
    return false;
}

#endif
