/*
 * Follows a key log (SSLKEYLOGFILE, RFC 9850) that a browser writes, and puts its secrets into a store as they appear.
 *
 * The file need not exist yet; it may be a FIFO; it may be made anew or cut. Nothing waits: what is there is read, at
 * most KEYLOG_READ_BYTES in one turn of the loop. What was read is wiped from memory. Lines that are none of a key log
 * are counted; the user is told of the first.
 */
#ifndef MITM_CAPTURE_KEYLOG_H
#define MITM_CAPTURE_KEYLOG_H

#include <stdint.h>

#include <event2/event.h>

#include "capture/decode/tls/keys.h"

#define KEYLOG_READ_BYTES     ((size_t)65536)
#define KEYLOG_LINE_MAX_BYTES ((size_t)1024)
#define KEYLOG_CATCH_UP_BYTES ((uint64_t)64 * 1024 * 1024)

struct keylog;

/*
 * Follow the file `path` with `base`, adding to `keys`, and call `on_keys` with `ctx` when secrets were added. All of
 * them must outlive the keylog, which the caller frees with keylog_free(). Return NULL and store errno in *error if the
 * file's folder or the file cannot be watched (ENOSPC: too many are), or if the file exists and cannot be read or is
 * neither a regular file nor a FIFO (EINVAL, EISDIR).
 */
struct keylog *keylog_new(struct event_base *base, const char *path, struct tls_keys *keys, void (*on_keys)(void *ctx),
                          void *ctx, int *error) __attribute__((warn_unused_result));
void keylog_free(struct keylog *keylog);

/* Read all that has been written by now, but at most KEYLOG_CATCH_UP_BYTES, and call on_keys. */
void keylog_catch_up(struct keylog *keylog);

/* Let the kernel write no core dump of this process, nor let other processes of its user read its memory. Programs that
 * it starts have their core dumps. */
void keylog_protect_process(void);

/* Return how many lines were no lines of a key log. */
uint64_t keylog_invalid_lines(const struct keylog *keylog);

#endif
