/*
 * Records held back: those of a connection of which it is not yet known whether it is part of the measurement. They
 * are kept encoded, and come back as they were, in their order.
 */
#ifndef MITM_CAPTURE_HELD_H
#define MITM_CAPTURE_HELD_H

#include "proto/event.h"

/* So much is held at most: more than a handshake can give. */
#define HELD_MAX_BYTES ((size_t)8192)

/* Embedded in its owner; all zero is empty. */
struct held {
    uint8_t *bytes;
    size_t len_bytes, size_bytes;
};

/* Hold a copy of `record`. A record that does not fit within HELD_MAX_BYTES is a bug. */
void held_take(struct held *held, const Mitm__Record *record);

/* Give the records to `sink`, in the order in which they were taken, and hold none any more; they are decoded in
 * `arena`.
 */
void held_release(struct held *held, struct event_arena *arena, const struct event_sink *sink);

/* Hold none any more. */
void held_drop(struct held *held);

#endif
