/*
 * Encrypted records of both directions, and the directions' ends, waiting in the order in which they were complete. All
 * are copied into one block of memory, which is given back when the last one is taken.
 */
#ifndef MITM_CAPTURE_DECODE_TLS_QUEUE_H
#define MITM_CAPTURE_DECODE_TLS_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/event.h"

/* A record, or (bytes NULL) the end of a direction. */
struct tls_item {
    Mitm__Direction direction;
    uint64_t t_ns;        /* arrival of its last byte */
    uint64_t offset;      /* of its first byte in its direction */
    const uint8_t *bytes; /* header and `len` bytes */
    uint32_t len;         /* behind the header */
    bool done;            /* nothing is left to do when its turn comes */
    Mitm__EndCause cause; /* of an end */
    uint64_t position;    /* set by tls_queue_read() */
};

/* All zero: empty. */
struct tls_queue {
    uint8_t *data;
    uint32_t room;
    uint32_t start, end; /* of the items in `data` */
    uint64_t taken;      /* bytes of all items taken so far: position of the first one */
};

/*
 * Copy `item` to the end of `queue`. Return false if it would take more than `max_bytes` in all: nothing is changed
 * then.
 */
bool tls_queue_add(struct tls_queue *queue, const struct tls_item *item, size_t max_bytes)
    __attribute__((warn_unused_result));

/*
 * Store the item at *position, or the first one behind that, in *item, and the position of the next one in *position.
 * Positions grow and stay what they are; 0 is that of the very first item. Return false if there is none. item->bytes
 * is valid until the queue is changed.
 */
bool tls_queue_read(const struct tls_queue *queue, uint64_t *position, struct tls_item *item)
    __attribute__((warn_unused_result));

/* Mark `item`, which was read from the queue and is still there, as done. */
void tls_queue_mark_done(struct tls_queue *queue, const struct tls_item *item);

/* Take the first item away. */
void tls_queue_take(struct tls_queue *queue);

static inline bool tls_queue_empty(const struct tls_queue *queue)
{
    return queue->start == queue->end;
}

void tls_queue_fini(struct tls_queue *queue);

#endif
