#include "capture/decode/tls/queue.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "capture/decode/grow.h"
#include "capture/decode/tls/protection.h"

/* Length of an item in the block: the item itself (its pointer means nothing there), and the record's bytes. */
static uint32_t size_of(const struct tls_item *item)
{
    return (uint32_t)(sizeof *item + (item->bytes ? TLS_HEADER_BYTES + item->len : 0));
}

bool tls_queue_add(struct tls_queue *queue, const struct tls_item *item, size_t max_bytes)
{
    uint32_t size = size_of(item), used = queue->end - queue->start;
    if (used + size > max_bytes) {
        return false;
    }
    if (queue->start > 0 && queue->end + size > queue->room) {
        memmove(queue->data, queue->data + queue->start, used);
        queue->start = 0;
        queue->end = used;
    }
    queue->data = grow(queue->data, &queue->room, queue->end + size, 1);
    memcpy(queue->data + queue->end, item, sizeof *item);
    if (item->bytes) {
        memcpy(queue->data + queue->end + sizeof *item, item->bytes, TLS_HEADER_BYTES + item->len);
    }
    queue->end += size;
    return true;
}

static uint8_t *at(const struct tls_queue *queue, uint64_t position)
{
    return queue->data + queue->start + (position - queue->taken);
}

bool tls_queue_read(const struct tls_queue *queue, uint64_t *position, struct tls_item *item)
{
    if (*position < queue->taken) {
        *position = queue->taken;
    }
    if (*position - queue->taken >= queue->end - queue->start) {
        return false;
    }
    const uint8_t *data = at(queue, *position);
    memcpy(item, data, sizeof *item);
    if (item->bytes) {
        item->bytes = data + sizeof *item;
    }
    item->position = *position;
    *position += size_of(item);
    return true;
}

void tls_queue_mark_done(struct tls_queue *queue, const struct tls_item *item)
{
    struct tls_item marked = *item;
    marked.done = true;
    memcpy(at(queue, item->position), &marked, sizeof marked);
}

void tls_queue_take(struct tls_queue *queue)
{
    struct tls_item item;
    uint64_t next = queue->taken;
    bool found = tls_queue_read(queue, &next, &item);
    assert(found);
    queue->start += (uint32_t)(next - queue->taken);
    queue->taken = next;
    if (tls_queue_empty(queue)) {
        free(queue->data);
        *queue = (struct tls_queue){.taken = queue->taken};
    }
}

void tls_queue_fini(struct tls_queue *queue)
{
    free(queue->data);
    *queue = (struct tls_queue){.taken = queue->taken};
}
