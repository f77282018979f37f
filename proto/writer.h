/*
 * Writer of session files: blocks of encoded records in, a file out.
 *
 * The file is created with mode 0600 and never replaces another one, or a link to one, unless `force` is set; a device
 * or a FIFO is then written to as it is. Each block is written whole or not at all: after an error the file is cut back
 * to the end of the last whole block, so that it stays readable. Room for a last block of WRITER_RESERVE_BYTES is kept
 * allocated on the disk where the file system can do that, so that a disk that has filled still takes the report of the
 * loss. If the name ends in .zst, each block becomes a zstd frame.
 */
#ifndef MITM_PROTO_WRITER_H
#define MITM_PROTO_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/event.h"

#define WRITER_RESERVE_BYTES ((size_t)65536)

struct writer;

/*
 * Create the session file `path`. Return NULL and store errno in *error if that fails (EEXIST: there is one, and
 * `force` is not set; ENOSPC: the disk has no room for its beginning; no file is left then). The caller closes it with
 * writer_close().
 */
struct writer *writer_open(const char *path, bool force, int *error) __attribute__((warn_unused_result));

/*
 * Append `len` bytes of whole encoded records. With `last_resort`, the reserved room may be used (small blocks only).
 * Return 0, or the errno of the failure; the file is then as it was before.
 */
int writer_write(struct writer *writer, const uint8_t *data, size_t len, bool last_resort)
    __attribute__((warn_unused_result));

/* Return the size of the file so far, in bytes. */
uint64_t writer_size_bytes(const struct writer *writer);

/* Sync the file to the disk, close it and free `writer`. Return 0, or the errno of the failure. */
int writer_close(struct writer *writer) __attribute__((warn_unused_result));

#endif
