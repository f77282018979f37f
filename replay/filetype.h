/*
 * Recognises what a file is by its first bytes: a session, or something that people take for one.
 */
#ifndef MITM_REPLAY_FILETYPE_H
#define MITM_REPLAY_FILETYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* So many bytes always suffice for a decision. */
#define FILETYPE_BYTES ((size_t)512)

enum filetype_result {
    FILETYPE_SESSION, /* begins as a session does, as far as the bytes go */
    FILETYPE_OTHER,   /* something else: *what says what */
    FILETYPE_UNKNOWN  /* neither: perhaps a session whose beginning is damaged */
};

/* Return what a stream is that begins with the `len` bytes at `data`; store a static description in *what, with
 * FILETYPE_OTHER only ("a mitmproxy dump …"). */
enum filetype_result filetype(const uint8_t *data, size_t len, const char **what);

/* Return whether `data`, `len` bytes, begins with a zstd frame (RFC 8878, section 3.1), skippable ones included. */
bool filetype_is_zstd(const uint8_t *data, size_t len);

#endif
