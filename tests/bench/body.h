/*
 * The bodies that the origin server sends and the load generator expects: a fixed pattern, repeated.
 *
 * The length of the pattern is prime, so that a relay that drops, repeats or swaps a buffer of any usual size is found
 * out. A chunked body is made of chunks that hold the pattern once each.
 */
#ifndef MITM_TESTS_BENCH_BODY_H
#define MITM_TESTS_BENCH_BODY_H

#include <stddef.h>
#include <stdint.h>

enum {
    BODY_PERIOD_BYTES = 16381,
    BODY_REPEATS = 16,
    BODY_TABLE_BYTES = BODY_PERIOD_BYTES * BODY_REPEATS,
};

/* The pattern, BODY_REPEATS times. */
extern unsigned char body_table[BODY_TABLE_BYTES];

/* Fill the table. To be called once before it is used. */
void body_init(void);

#endif
