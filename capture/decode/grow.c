#include "capture/decode/grow.h"

#include <assert.h>
#include <stdlib.h>

/* Smallest array, in bytes. */
#define GROW_MIN_BYTES 63

void *grow_new(size_t n, size_t size)
{
    void *memory = calloc(n, size);
    if (!memory) {
        abort();
    }
    return memory;
}

void *grow(void *array, uint32_t *room, uint32_t need, size_t size)
{
    assert(need > 0 && need < UINT32_C(1) << 31);
    if (array && need <= *room) {
        return array;
    }
    uint32_t min = (uint32_t)(GROW_MIN_BYTES / size) + 1;
    uint32_t n = *room * 2 > need ? *room * 2 : need;
    *room = n > min ? n : min;
    void *larger = realloc(array, *room * size);
    if (!larger) {
        abort();
    }
    return larger;
}
