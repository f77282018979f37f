/* Empirical cumulative distribution functions with confidence bands. */
#ifndef MITM_STATISTICS_ECDF_H
#define MITM_STATISTICS_ECDF_H

#include <stddef.h>

/* A step: from x on (to the next step's x) the function is y; the band there is low … high. */
struct ecdf_step {
    double x, y, low, high;
};

/*
 * Return the steps of the ECDF of the `n` sorted values, one for each distinct value; *count of them; the caller frees
 * them. The band is simultaneous, by the Dvoretzky–Kiefer–Wolfowitz inequality with Massart's constant: ± sqrt(ln(2 /
 * (1 - confidence)) / 2n), held to 0 … 1. n 0: NULL.
 */
struct ecdf_step *ecdf_steps(const double *sorted, size_t n, double confidence, size_t *count);

#endif
