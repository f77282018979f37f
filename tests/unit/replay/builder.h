/* Builds session files in memory and on disk, for tests. */
#ifndef MITM_TESTS_UNIT_REPLAY_BUILDER_H
#define MITM_TESTS_UNIT_REPLAY_BUILDER_H

#include <stddef.h>
#include <stdint.h>

#include "proto/event.h"

enum { BUILDER_RECORDS = 4096 };

/* All zero but for `session` is an empty file; builder_fini() frees it. */
struct builder {
    uint32_t session; /* number of the records that are added */
    uint8_t *data;
    size_t len, capacity;
    size_t count;
    size_t ends[BUILDER_RECORDS]; /* where each record ends */
    size_t session_count;         /* records since the last SessionStart */
};

void builder_fini(struct builder *builder);

/* Add a record; its session number is set. */
void builder_add(struct builder *builder, Mitm__Record *record);

/* Add a SessionStart, a SessionEnd. */
void builder_start(struct builder *builder);
void builder_end(struct builder *builder, uint64_t t_ns);

/* Add `n` records of different lengths at the times 1, 2 … ms: OpaqueData and Violations of connection 1. */
void builder_fill(struct builder *builder, size_t n);

/* Return how many records end at or before the offset `len`. */
size_t builder_whole(const struct builder *builder, size_t len);

/* Write `len` bytes to a new temporary file; return its name, which the caller frees after unlinking the file. */
char *builder_file(const void *data, size_t len);

#endif
