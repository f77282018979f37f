/*
 * Sources of recorded events: a complete file, a file that still grows, several files one after the other; plain or
 * .zst (recognised by content), "-" for standard input. One cursor for all of them, so that everything behind it (the
 * model, the reports, the live view) does not know which one it reads.
 */
#ifndef MITM_REPLAY_SOURCE_H
#define MITM_REPLAY_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/event.h"

enum source_result {
    SOURCE_RECORD,        /* item->record is the next record of item->file */
    SOURCE_AGAIN,         /* growing file: nothing more for now; call again when it has grown */
    SOURCE_DAMAGE,        /* item->offset_bytes, item->len_bytes: no record there; reading goes on */
    SOURCE_TRUNCATED,     /* the same at the end of item->file */
    SOURCE_NOT_A_SESSION, /* item->file is something else: item->message says what; its bytes are not read */
    SOURCE_ERROR,         /* item->file cannot be read: item->message says why; reading goes on with the next file */
    SOURCE_END            /* all files have been read */
};

struct source_item {
    const char *file;      /* as given to source_open() */
    size_t file_index;     /* 0, 1, 2 … */
    uint64_t offset_bytes; /* in the (decompressed) stream of that file */
    uint64_t len_bytes;    /* length prefix included */
    Mitm__Record *record;  /* SOURCE_RECORD: lives until the next call of source_next() or source_free() */
    const char *message;   /* one line, static or living as `record` does */
};

struct source;

/*
 * Open the `n` files named in `paths` (n ≥ 1; the strings must outlive the source), to be read in that order. With
 * `follow`, the last one still grows: SOURCE_AGAIN instead of SOURCE_TRUNCATED or SOURCE_END. Files are opened when
 * their turn comes; errors come from source_next(). The caller frees the source with source_free().
 */
struct source *source_open(const char *const *paths, size_t n, bool follow);
void source_free(struct source *source);

/* With `follow`: the file has stopped growing (its writer is gone). What is incomplete now is truncated. */
void source_stop_following(struct source *source);

/* Fill in *item with what comes next and return its kind. */
enum source_result source_next(struct source *source, struct source_item *item) __attribute__((warn_unused_result));

/*
 * Return how far the source is, in bytes read, and store the sum of the files' sizes in *total (0 where that is not
 * known: a pipe). For progress bars.
 */
uint64_t source_progress(const struct source *source, uint64_t *total);

#endif
