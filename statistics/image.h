/* Whole numbers in place of doubles: in the same order, and next to each other where no double lies between. */
#ifndef MITM_STATISTICS_IMAGE_H
#define MITM_STATISTICS_IMAGE_H

#include <stdint.h>
#include <string.h>

/* Return the image of `value`, which is not NAN; that of both zeros is the same. (IEEE 754: sign, exponent and fraction
 * of numbers of one sign are ordered as whole numbers are.) */
static inline uint64_t image_of(double value)
{
    const uint64_t sign = 1ULL << 63;
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits & sign ? ~bits + 1 : bits | sign;
}

/* Return the number whose image this is; never -0.0. */
static inline double image_value(uint64_t image)
{
    const uint64_t sign = 1ULL << 63;
    uint64_t bits = image & sign ? image & ~sign : ~(image - 1);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

#endif
