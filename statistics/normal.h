/* The standard normal distribution. */
#ifndef MITM_STATISTICS_NORMAL_H
#define MITM_STATISTICS_NORMAL_H

/* Return the probability of a value of at least |z| to either side of 0. */
double normal_two_sided(double z);

/* Return the z that is exceeded with the probability `upper` (above 0, at most 1/2); INFINITY for 0 and less. */
double normal_exceeded(double upper);

#endif
