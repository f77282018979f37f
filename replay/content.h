/*
 * One file as a stream of bytes: a plain one, or the contents of a zstd file (recognised by its first bytes), read from
 * a path or ("-") from standard input.
 *
 * - Memory is bounded: two reads of CONTENT_READ_BYTES, and zstd's window (at most 128 MiB, as its own tool has it).
 * - A damaged zstd frame is reported once, after what could be unpacked of it; the stream goes on with the next frame.
 * - With `follow`, the end of the file is only the end so far.
 */
#ifndef MITM_REPLAY_CONTENT_H
#define MITM_REPLAY_CONTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONTENT_READ_BYTES ((size_t)262144)

enum content_result {
    CONTENT_BYTES,     /* *got bytes (at least 1) were stored */
    CONTENT_AGAIN,     /* following: nothing more for now */
    CONTENT_DAMAGE,    /* a damaged zstd frame: content_message() says where; more may follow */
    CONTENT_TRUNCATED, /* the end, in the middle of a zstd frame */
    CONTENT_END,       /* the end */
    CONTENT_ERROR      /* content_message() says why; nothing follows */
};

struct content;

/* Open `path`; return NULL and store errno in *error if that fails (EISDIR for a directory). The caller frees the
 * result with content_free(). */
struct content *content_open(const char *path, int *error) __attribute__((warn_unused_result));
void content_free(struct content *content);

/* Store up to `room` (> 0) bytes of the stream at `to`, their number in *got. */
enum content_result content_read(struct content *content, bool follow, uint8_t *to, size_t room, size_t *got)
    __attribute__((warn_unused_result));

/* Return one line about the last CONTENT_DAMAGE or CONTENT_ERROR; it lives until the next call with `content`. */
const char *content_message(const struct content *content);

/* Return how many bytes of the file itself have been read. */
uint64_t content_progress_bytes(const struct content *content);

#endif
