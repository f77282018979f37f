/*
 * Random delays that can be had again: SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators,
 * OOPSLA 2014).
 */
#ifndef MITM_CAPTURE_RANDOM_H
#define MITM_CAPTURE_RANDOM_H

#include <stdint.h>

/* The state of one generator: its seed at first. */
struct random {
    uint64_t state;
};

/* Return the next 64 bits of `random`. */
uint64_t random_next(struct random *random);

/* Return a number from `min` … `max` (≥ min), each with the same probability. */
uint64_t random_between(struct random *random, uint64_t min, uint64_t max);

/* Return a seed that nobody knows in advance. */
uint64_t random_seed(void);

#endif
