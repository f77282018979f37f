#include "body.h"

unsigned char body_table[BODY_TABLE_BYTES];

void body_init(void)
{
    uint32_t state = 2463534242;

    for (size_t i = 0; i < BODY_TABLE_BYTES; i++) {
        if (i >= BODY_PERIOD_BYTES) {
            body_table[i] = body_table[i - BODY_PERIOD_BYTES];
            continue;
        }
        /* Marsaglia's xorshift: looks random, is always the same. */
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        body_table[i] = (unsigned char)(state >> 24);
    }
}
