/* The oracle of decoders: fed in one piece or cut, they give the same events. */
#ifndef MITM_TESTS_FUZZ_SPLIT_H
#define MITM_TESTS_FUZZ_SPLIT_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* End the program unless the texts are equal; free both. */
static inline void split_check(char *whole, char *cut)
{
    if (strcmp(whole, cut) != 0) {
        fprintf(stderr, "--- whole\n%s--- cut\n%s", whole, cut);
        abort();
    }
    free(whole);
    free(cut);
}

#endif
