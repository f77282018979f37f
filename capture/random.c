#include "capture/random.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/random.h>

uint64_t random_next(struct random *random)
{
    uint64_t z = random->state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

uint64_t random_between(struct random *random, uint64_t min, uint64_t max)
{
    assert(min <= max);
    uint64_t n = max - min + 1;
    if (n == 0) /* all there are */
        return random_next(random);
    /* Of the 2^64 values, leave out the first 2^64 mod n: then each remainder is as frequent as the others. */
    uint64_t least = (0 - n) % n;
    uint64_t value;
    do {
        value = random_next(random);
    } while (value < least);
    return min + value % n;
}

uint64_t random_seed(void)
{
    uint64_t seed;
    if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
        abort();
    return seed;
}
