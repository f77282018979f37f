#include "capture/holdback.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BYTES ((size_t)4096)

void holdback_init(struct holdback *holdback)
{
    *holdback = (struct holdback){0};
    TAILQ_INIT(&holdback->marks);
}

void holdback_fini(struct holdback *holdback)
{
    for (struct holdback_mark *mark; (mark = TAILQ_FIRST(&holdback->marks));) {
        TAILQ_REMOVE(&holdback->marks, mark, link);
        free(mark);
    }
    free(holdback->bytes);
    holdback_init(holdback);
}

/* Make room for `need` bytes behind those held. */
static void make_room(struct holdback *holdback, size_t need)
{
    if (holdback->at + holdback->len + need <= holdback->size)
        return;
    size_t size = holdback->size ? holdback->size : FIRST_BYTES;
    while (size < holdback->len + need)
        size *= 2;
    uint8_t *bytes = malloc(size);
    if (!bytes)
        abort();
    if (holdback->len > 0)
        memcpy(bytes, holdback->bytes + holdback->at, holdback->len);
    free(holdback->bytes);
    holdback->bytes = bytes;
    holdback->size = size;
    holdback->at = 0;
}

void holdback_push(struct holdback *holdback, uint64_t offset, const uint8_t *data, size_t len)
{
    assert(holdback->len == 0 || holdback->offset + holdback->len == offset);
    if (holdback->len == 0) {
        holdback->at = 0;
        holdback->offset = offset;
    }
    make_room(holdback, len);
    memcpy(holdback->bytes + holdback->at + holdback->len, data, len);
    holdback->len += len;
}

struct holdback_mark *holdback_undecided(struct holdback *holdback)
{
    struct holdback_mark *last = TAILQ_LAST(&holdback->marks, holdback_marks);
    return last && last->exchange == 0 ? last : NULL;
}

void holdback_add(struct holdback *holdback, uint64_t offset, uint64_t arrived_t_ns, uint64_t drawn_ns,
                  uint32_t exchange)
{
    struct holdback_mark *mark = calloc(1, sizeof *mark);
    if (!mark)
        abort();
    mark->offset = offset;
    mark->arrived_t_ns = arrived_t_ns;
    mark->drawn_ns = drawn_ns;
    mark->exchange = exchange;
    TAILQ_INSERT_TAIL(&holdback->marks, mark, link);
}

void holdback_remove(struct holdback *holdback, struct holdback_mark *mark)
{
    TAILQ_REMOVE(&holdback->marks, mark, link);
    free(mark);
}

/* Return the first mark that holds bytes at `t_ns`, or NULL. */
static const struct holdback_mark *first_holding(const struct holdback *holdback, uint64_t t_ns)
{
    const struct holdback_mark *mark;
    TAILQ_FOREACH(mark, &holdback->marks, link)
    {
        if (mark->offset >= holdback->offset && t_ns < mark->arrived_t_ns + mark->drawn_ns)
            return mark;
    }
    return NULL;
}

size_t holdback_due(const struct holdback *holdback, uint64_t t_ns, const uint8_t **data)
{
    *data = NULL;
    if (holdback->len == 0)
        return 0;
    const struct holdback_mark *mark = first_holding(holdback, t_ns);
    *data = holdback->bytes + holdback->at;
    if (mark && mark->offset < holdback->offset + holdback->len)
        return (size_t)(mark->offset - holdback->offset);
    return holdback->len;
}

uint64_t holdback_next_t_ns(const struct holdback *holdback)
{
    const struct holdback_mark *mark;
    TAILQ_FOREACH(mark, &holdback->marks, link)
    {
        if (holdback->len > 0 && mark->offset == holdback->offset)
            return mark->arrived_t_ns + mark->drawn_ns;
    }
    return UINT64_MAX;
}

void holdback_passed(struct holdback *holdback, size_t len, uint64_t t_ns)
{
    assert(len <= holdback->len);
    uint64_t end = holdback->offset + len;
    struct holdback_mark *mark;
    TAILQ_FOREACH(mark, &holdback->marks, link)
    {
        if (mark->offset >= holdback->offset && mark->offset < end)
            mark->passed_t_ns = t_ns;
    }
    holdback->offset = end;
    holdback->at += len;
    holdback->len -= len;
    if (holdback->len == 0) {
        free(holdback->bytes);
        holdback->bytes = NULL;
        holdback->at = holdback->size = 0;
    }
}

bool holdback_take(struct holdback *holdback, struct holdback_mark *mark)
{
    struct holdback_mark *first = TAILQ_FIRST(&holdback->marks);
    if (!first || first->exchange == 0 || first->offset >= holdback->offset)
        return false;
    *mark = *first;
    TAILQ_REMOVE(&holdback->marks, first, link);
    free(first);
    return true;
}
