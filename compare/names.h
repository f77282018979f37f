/*
 * Names that may occur often: which are the same, and the how-manieth each occurrence is. By sorting, so that nothing
 * depends on a hash and nobody can make it slow.
 */
#ifndef MITM_COMPARE_NAMES_H
#define MITM_COMPARE_NAMES_H

#include "analyze/texts.h"

struct name {
    struct text text;
    uint32_t group; /* occurrences are counted within each group */
    uint32_t id;    /* 0, 1, 2 … in the order of first appearance */
    uint32_t k;     /* 0: the name's first occurrence in its group */
};

/* All zero is empty; free with names_fini(). */
struct names {
    struct name *names;
    size_t count, capacity;
    struct text *distinct; /* by id */
    size_t distinct_count;
};

/* Add an occurrence of `text`, which must outlive `names`; return its index. */
size_t names_add(struct names *names, struct text text, uint32_t group);

/* Set ids and k of all; nothing may be added afterwards. O(n log n). */
void names_finish(struct names *names);

void names_fini(struct names *names);

#endif
