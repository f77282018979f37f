/* Lengths on paper and screen, as options give them. */
#ifndef MITM_FIGURES_LENGTH_H
#define MITM_FIGURES_LENGTH_H

#include <stdbool.h>

/* Read a length with its unit, "84mm", "8.4cm", "3.3in", "240pt" or "600px" (96 to an inch), as points (72 to an inch)
 * into *pt; return false if `word` is none, or 0. No locale shows. */
bool length_read(const char *word, double *pt) __attribute__((warn_unused_result));

#endif
