/* Growing arrays. */
#ifndef MITM_CAPTURE_DECODE_GROW_H
#define MITM_CAPTURE_DECODE_GROW_H

#include <stddef.h>
#include <stdint.h>

/* Return new memory of `n` × `size` bytes, all zero; abort when there is none. To be freed with free(). */
void *grow_new(size_t n, size_t size) __attribute__((malloc, returns_nonnull, warn_unused_result));

/*
 * Return the array `array` of `*room` elements of `size` bytes, enlarged to at least `need` elements (< 2^31) if it has
 * fewer: `*room` is updated, the old pointer is then invalid. At least doubles; aborts when there is no memory.
 */
void *grow(void *array, uint32_t *room, uint32_t need, size_t size)
    __attribute__((returns_nonnull, warn_unused_result));

#endif
