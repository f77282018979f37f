/*
 * What a client has sent and is passed on later, in order: bytes, and the places among them where a request begins and
 * with it a delay. Pure: the caller tells the times, and what a decoder says of the bytes.
 *
 * A place is marked when a request may begin there. It is passed at its due time whether or not it is known by then
 * that it is one; once it is known to be none, nothing holds it any more. Offsets are those of the direction TO_SERVER.
 */
#ifndef MITM_CAPTURE_HOLDBACK_H
#define MITM_CAPTURE_HOLDBACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

/* Where a request begins, or may begin. */
struct holdback_mark {
    TAILQ_ENTRY(holdback_mark) link;
    uint64_t offset;
    uint64_t arrived_t_ns, drawn_ns; /* due at their sum */
    uint64_t passed_t_ns;            /* when it was passed on */
    uint32_t exchange;               /* 0: not known to be a request; only the last mark can be such a one */
};

/* Embedded in its owner; see holdback_init(). */
struct holdback {
    uint8_t *bytes;
    size_t at, len, size; /* bytes[at …] is held */
    uint64_t offset;      /* of bytes[at] */
    TAILQ_HEAD(holdback_marks, holdback_mark) marks;
};

void holdback_init(struct holdback *holdback);
void holdback_fini(struct holdback *holdback);

/* Add `len` bytes at `data` (copied), which stand at `offset`: behind those held, if there are any. */
void holdback_push(struct holdback *holdback, uint64_t offset, const uint8_t *data, size_t len);

/* Return the mark of something that may be a request; NULL: there is none. */
struct holdback_mark *holdback_undecided(struct holdback *holdback);

/* Mark `offset`, behind all marks: what begins there arrived at `arrived_t_ns` and is passed on `drawn_ns` later. */
void holdback_add(struct holdback *holdback, uint64_t offset, uint64_t arrived_t_ns, uint64_t drawn_ns,
                  uint32_t exchange);

/* Forget `mark`, the last one. */
void holdback_remove(struct holdback *holdback, struct holdback_mark *mark);

/* Return how many bytes, from *data on, may be passed on at `t_ns`; *data is valid until `holdback` is changed. */
size_t holdback_due(const struct holdback *holdback, uint64_t t_ns, const uint8_t **data);

/* Return when there will be bytes for holdback_due(); UINT64_MAX: when something is added. */
uint64_t holdback_next_t_ns(const struct holdback *holdback);

/* Say that `len` bytes (≤ holdback_due()) have been passed on at `t_ns`. */
void holdback_passed(struct holdback *holdback, size_t len, uint64_t t_ns);

/* Take the first mark if it is a request's and has been passed on: store it in *mark and return true. */
bool holdback_take(struct holdback *holdback, struct holdback_mark *mark);

#endif
