/*
 * A secret that is looked for in the memory of the test's own process. The test knows it masked alone, so that it does
 * not find its own copy.
 */
#ifndef MITM_TESTS_UNIT_DECODE_SECRET_H
#define MITM_TESTS_UNIT_DECODE_SECRET_H

#include <stddef.h>
#include <stdint.h>

enum { SECRET_MASK = 0x5a, SECRET_BYTES = 48, SECRET_LINE_BYTES = 14 + 64 + 1 + 96 };

/* Let the secret be one that nobody knows. */
void secret_make(void);

/* Let the secret be one whose first bytes, each XOR SECRET_MASK, are the 16 at `masked`. */
void secret_set(const uint8_t masked[16]);

/* Write the secret to `out`, which the caller wipes. */
void secret_unmask(uint8_t out[SECRET_BYTES]);

/* Write a line of a key log with the secret as master secret for the random that is all `n`; the caller wipes it. */
void secret_make_line(unsigned n, char out[SECRET_LINE_BYTES]);

/* Return how often the secret's beginning, as bytes or as hexadecimal digits, stands in this process's memory. */
size_t secret_count(void);

#endif
