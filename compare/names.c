#include "compare/names.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

size_t names_add(struct names *names, struct text text, uint32_t group)
{
    names->names = memory_grow(names->names, names->count, &names->capacity, sizeof *names->names);
    names->names[names->count] = (struct name){.text = text, .group = group};
    return names->count++;
}

static int by_text(const void *a, const void *b)
{
    const struct name *x = *(struct name *const *)a, *y = *(struct name *const *)b;
    uint32_t len = x->text.len < y->text.len ? x->text.len : y->text.len;
    int order = len > 0 ? memcmp(x->text.data, y->text.data, len) : 0;
    if (order != 0)
        return order;
    if (x->text.len != y->text.len)
        return x->text.len < y->text.len ? -1 : 1;
    if (x->group != y->group)
        return x->group < y->group ? -1 : 1;
    return x < y ? -1 : 1; /* the order of appearance */
}

void names_finish(struct names *names)
{
    size_t n = names->count;
    struct name **sorted = memory_new(n, sizeof *sorted);
    for (size_t i = 0; i < n; i++)
        sorted[i] = &names->names[i];
    qsort(sorted, n, sizeof(struct name *), by_text);
    /* First the index of the name's first appearance stands for it: groups are added one after the other, so the first
     * of a run is the first of all. */
    for (size_t i = 0, run = 0; i < n; i++) {
        if (i > 0 && !text_equal(sorted[i]->text, sorted[run]->text))
            run = i;
        sorted[i]->id = (uint32_t)(sorted[run] - names->names);
        bool again = i > run && sorted[i - 1]->group == sorted[i]->group;
        sorted[i]->k = again ? sorted[i - 1]->k + 1 : 0;
    }
    free(sorted);
    names->distinct = memory_new(n, sizeof *names->distinct);
    for (size_t i = 0; i < n; i++) {
        struct name *name = &names->names[i];
        if (name->id == i) {
            names->distinct[names->distinct_count] = name->text;
            name->id = (uint32_t)names->distinct_count++;
        } else {
            name->id = names->names[name->id].id;
        }
    }
}

void names_fini(struct names *names)
{
    free(names->names);
    free(names->distinct);
    *names = (struct names){0};
}
