#include "analyze/map.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/memory.h"

struct map_entry {
    uint64_t key;
    uint32_t value;
    bool used;
};

void map_fini(struct map *map)
{
    free(map->entries);
    *map = (struct map){0};
}

void map_clear(struct map *map)
{
    if (map->capacity > 1024)
        map_fini(map);
    else if (map->count > 0)
        memset(map->entries, 0, map->capacity * sizeof *map->entries);
    map->count = 0;
}

/*
 * Multiply-shift hashing (Dietzfelbinger and others, 1997): with a random odd factor, two keys collide hardly more
 * often than by chance, whoever chose them.
 */
static size_t place(const struct map *map, uint64_t key)
{
    return (size_t)((key * map->factor) >> 32) & (map->capacity - 1);
}

/* Return the place of `key`, or the free place where it belongs. */
static struct map_entry *find(const struct map *map, uint64_t key)
{
    size_t mask = map->capacity - 1;
    size_t i = place(map, key);
    while (map->entries[i].used && map->entries[i].key != key)
        i = (i + 1) & mask;
    return &map->entries[i];
}

bool map_get(const struct map *map, uint64_t key, uint32_t *value)
{
    if (map->count == 0)
        return false;
    const struct map_entry *entry = find(map, key);
    if (!entry->used)
        return false;
    *value = entry->value;
    return true;
}

static void grow(struct map *map)
{
    struct map old = *map;
    if (old.capacity == 0) {
        if (getrandom(&map->factor, sizeof map->factor, 0) != (ssize_t)sizeof map->factor)
            map->factor = (uint64_t)(uintptr_t)map * UINT64_C(0x9e3779b97f4a7c15); /* better than nothing */
        map->factor |= 1;
    }
    map->capacity = old.capacity ? old.capacity * 2 : 64;
    map->entries = memory_new(map->capacity, sizeof *map->entries);
    for (size_t i = 0; i < old.capacity; i++) {
        if (old.entries[i].used)
            *find(map, old.entries[i].key) = old.entries[i];
    }
    free(old.entries);
}

void map_put(struct map *map, uint64_t key, uint32_t value)
{
    if (map->count * 4 >= map->capacity * 3)
        grow(map);
    *find(map, key) = (struct map_entry){.key = key, .value = value, .used = true};
    map->count++;
}
