/* Numbers that look random and are the same in every run. */
#ifndef MITM_TESTS_UNIT_STATISTICS_RANDOM_H
#define MITM_TESTS_UNIT_STATISTICS_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Return the next number of the sequence in *state (any start). */
uint64_t random_next(uint64_t *state);

/* Return 0 … below - 1. */
uint64_t random_below(uint64_t *state, uint64_t below);

/* Fill `n` values with one of several kinds (0 … RANDOM_KINDS - 1): continuous, tied, constant, huge and tiny, … */
enum { RANDOM_KINDS = 6 };
void random_values(uint64_t *state, unsigned kind, double *values, size_t n);

#endif
