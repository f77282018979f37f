/*
 * A decoder vector: what two peers send, and the events that a decoder has to make of it. One file each, in vectors/:
 *
 *     # What it shows, and the RFC section that says so.
 *     limit 4                                     the body limit in bytes (default: none)
 *     > {q}GET{p} / HTTP/1.1\r\nHost: a\r\n\r{Q}\n
 *     < {r}HTTP/1.1 204 No Content\r\n\r{R}\n
 *     > FIN.                                      the end of a direction, with its cause
 *     untold < 2                                  bytes of this direction that no event tells (default: 0): chunk
 *                                                 framing, empty lines, heads that were cut off
 *     ---
 *     p - ProtocolDetected HTTP1
 *     q 1 HttpRequestStart "GET" "/" 1.1 @q
 *     Q 1 HttpRequestHeaders @q..Q "Host: a"
 *
 * Input: > is sent by the client, < by the server. \r \n \t \\ \xHH are escapes; a line ends without a line end of its
 * own. Adjacent lines of one direction belong together; a line `--` separates them. {a} gives the byte that follows the
 * name a. Output: the lines of event_log.h. Instead of the time stands the name of the byte whose arrival it is, or
 * `>.` `<.` for the end of a direction. @a is the offset of the byte a in its direction, @>. that of its end; @a..b is
 * the number of bytes from a to b; ~a is the time of the byte a.
 */
#ifndef MITM_TESTS_UNIT_DECODE_VECTOR_H
#define MITM_TESTS_UNIT_DECODE_VECTOR_H

#include <stddef.h>
#include <stdint.h>

#include "proto/event.h"

#define VECTOR_MAX_BLOCKS 64
#define VECTOR_MAX_BYTES  8192

/* Bytes that one side sends at once, or its end. */
struct vector_block {
    Mitm__Direction direction;
    size_t offset; /* in its direction */
    size_t len;
    const uint8_t *data;
    Mitm__EndCause end; /* of a block without data */
};

struct vector {
    char *name;
    uint64_t body_limit_bytes;
    uint64_t untold_bytes[2];
    struct vector_block blocks[VECTOR_MAX_BLOCKS];
    size_t blocks_n;
    size_t sent[2]; /* bytes in each direction; 0 is the client's */
    uint8_t bytes[2][VECTOR_MAX_BYTES];
    /* The names {a}: direction and offset; direction -1 where there is none. */
    struct {
        int direction;
        size_t offset;
    } marks[128];
    char *expected; /* as in the file */
};

/* Read the vector in the file `path`; a file that is no vector ends the program. The caller frees it with
 * vector_free(). */
struct vector *vector_read(const char *path);
void vector_free(struct vector *vector);

/*
 * Return the expected text where the byte with the offset i of direction d arrived at times[d][i], and the end of the
 * direction at times[d][sent[d]]. The caller frees it.
 */
char *vector_expected(const struct vector *vector, uint64_t *const times[2]);

#endif
