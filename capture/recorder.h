/*
 * Recorder: takes events on the relay's thread and writes them to the session file on a thread of its own.
 *
 * Taking an event never blocks and does no I/O: it is encoded into a block of memory. Blocks go to the writing thread
 * when they are full, and at least every RECORDER_FLUSH_MS. Memory is bounded: when the disk cannot keep up and all
 * blocks are waiting, events are dropped and counted, and when it goes on, a Loss event stands where they are missing.
 * The same happens to blocks that cannot be written because the disk is full.
 */
#ifndef MITM_CAPTURE_RECORDER_H
#define MITM_CAPTURE_RECORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/event.h"

/* An event is on its way to the disk after this time at the latest. */
#define RECORDER_FLUSH_MS 50

struct recorder;

struct recorder_stats {
    uint64_t events;      /* taken */
    uint64_t lost_events; /* of these, not written */
    uint64_t file_bytes;  /* size of the file */
    int error;            /* errno of the latest failure to write; 0 when the latest block was written */
    bool stalled;         /* all blocks are waiting to be written: events are being dropped */
};

/*
 * Create the session file `path` (see writer_open()) and start the writing thread. Return NULL and store errno in
 * *error if that fails.
 */
struct recorder *recorder_open(const char *path, bool force, int *error) __attribute__((warn_unused_result));

/* Take `record`, which stays the caller's; sets record->session. */
void recorder_take(struct recorder *recorder, Mitm__Record *record);

/* Hand what has been taken so far to the writing thread. */
void recorder_flush(struct recorder *recorder);

/* Return how things stand. */
struct recorder_stats recorder_stats(struct recorder *recorder);

/*
 * Write what has been taken, then SessionEnd with `end` (whose `records` is filled in) at `t_ns`; sync and close the
 * file, end the thread, free `recorder` and store the final figures in *stats. Return 0, or the errno of the failure:
 * then the end of the file may be missing.
 */
int recorder_close(struct recorder *recorder, uint64_t t_ns, Mitm__SessionEnd *end, struct recorder_stats *stats)
    __attribute__((warn_unused_result));

#endif
