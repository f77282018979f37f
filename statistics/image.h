/* Whole numbers in place of doubles: in the same order, and next to each other where no double lies between. */
#ifndef MITM_STATISTICS_IMAGE_H
#define MITM_STATISTICS_IMAGE_H

#include <stdint.h>
#include <string.h>

/* Return the image of `value`, which is not NAN. That of -0.0 is right below that of 0.0. (IEEE 754: sign, exponent and
 * fraction of numbers of one sign are ordered as whole numbers are.) */
static inline uint64_t image_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits & 1ULL << 63 ? ~bits : bits | 1ULL << 63;
}

/* Return the number whose image this is. */
static inline double image_value(uint64_t image)
{
    uint64_t bits = image & 1ULL << 63 ? image & ~(1ULL << 63) : ~image;
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

#endif
