/*
 * A hash map from 64-bit keys to 32-bit values. Keys may be chosen by an attacker: the hash is seeded at random, so
 * that no choice makes it slow. Nothing depends on the order within it.
 */
#ifndef MITM_ANALYZE_MAP_H
#define MITM_ANALYZE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_entry;

/* All zero is an empty map; map_fini() frees what it holds. */
struct map {
    struct map_entry *entries;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
    uint64_t factor; /* of the hash: random, odd */
};

void map_fini(struct map *map);

/* Remove all entries. */
void map_clear(struct map *map);

/* Return whether `key` is there; store its value in *value. */
bool map_get(const struct map *map, uint64_t key, uint32_t *value);

/* Add `key`, which is not there yet, with `value`. */
void map_put(struct map *map, uint64_t key, uint32_t value);

#endif
