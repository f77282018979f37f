/* Memory that is there: without it there is nothing sensible left to do, so the program ends. */
#ifndef MITM_BASE_MEMORY_H
#define MITM_BASE_MEMORY_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* Return `count` zeroed elements of `size` bytes; the caller frees them. */
static inline void *memory_new(size_t count, size_t size)
{
    void *p = calloc(count ? count : 1, size);
    if (!p)
        abort();
    return p;
}

/*
 * Make room for one more element of `size` bytes in the array `array` of `count` elements, whose capacity is
 * *capacity. Return the array, which may have moved.
 */
static inline void *memory_grow(void *array, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return array;
    size_t wanted = *capacity ? *capacity * 2 : 8;
    void *p = wanted > SIZE_MAX / size ? NULL : realloc(array, wanted * size);
    if (!p)
        abort();
    *capacity = wanted;
    return p;
}

#endif
