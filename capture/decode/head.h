/*
 * The head of a message (start line, header fields, empty line: RFC 9112, 2 to 5), or the trailer section behind the
 * last chunk, while it arrives. llhttp reads it, in its most lenient mode; it is used here and nowhere else.
 *
 * Recorded are the first HEAD_MAX_TARGET bytes of the target or HEAD_MAX_REASON bytes of the reason phrase, and the
 * header fields that lie in the first HEAD_MAX_FIELD_BYTES bytes of their section, HEAD_MAX_FIELDS at most. A head
 * takes less than 1 KiB, and less than 256 KiB in all whatever is sent (copies of what came in earlier pieces).
 *
 * Accepted beyond RFC 9112: lines that end in a bare LF, obs-fold, a missing reason phrase, more than one space before
 * the version, any minor version of HTTP/1, control characters and bytes above 127 in values, UTF-8 in targets, space
 * before the colon (it is then part of the name), Content-Length beside Transfer-Encoding. llhttp 8.1 refuses, and so
 * do we: a second Content-Length (also an equal one), a field line without colon, a bare CR in a value, a space behind
 * the version, more than one space before the status code, a version other than HTTP/1.x (HTTP/0.9, RTSP, ICY). It
 * ignores a Content-Length with a space before the colon.
 */
#ifndef MITM_CAPTURE_DECODE_HEAD_H
#define MITM_CAPTURE_DECODE_HEAD_H

#include <stdbool.h>

#include "capture/decode/piece.h"
#include "proto/event.h"

#define HEAD_MAX_TARGET      ((size_t)16 * 1024)
#define HEAD_MAX_REASON      ((size_t)1024)
#define HEAD_MAX_FIELD_BYTES ((size_t)64 * 1024)
#define HEAD_MAX_FIELDS      512

enum head_kind { HEAD_REQUEST, HEAD_RESPONSE, HEAD_TRAILERS };

enum head_result {
    HEAD_MORE,     /* all bytes were read, the head goes on */
    HEAD_COMPLETE, /* its last byte was read */
    HEAD_INVALID   /* it cannot be followed: see struct head_error */
};

struct head_error {
    Mitm__ViolationKind kind;
    uint64_t offset;
    const char *detail; /* static */
};

/* The start line. The bytes live as long as those that excerpt_bytes() returns. */
struct head_line {
    const char *method; /* of a request; static */
    size_t method_len;
    const uint8_t *text; /* target or reason phrase */
    size_t text_len;
    uint64_t text_omitted; /* bytes at its end that were not kept */
    char version[4];       /* "1.1" */
    uint32_t status;       /* of a response */
};

/* How the body's length is told (RFC 9112, 6.3), before HEAD, CONNECT and status codes are looked at. */
struct head_framing {
    bool transfer_encoding; /* there is a Transfer-Encoding, */
    bool chunked;           /* and its last coding is chunked */
    bool content_length;    /* there is a Content-Length: */
    uint64_t length;
    bool upgrade; /* Connection: upgrade and Upgrade are there */
};

/* Header fields, ready for an event: fields[0 … n − 1]. */
struct head_fields {
    size_t n;
    uint32_t omitted;
    Mitm__Header *fields[HEAD_MAX_FIELDS];
    Mitm__Header storage[HEAD_MAX_FIELDS];
};

struct head;

/* Return a new head of the kind `kind` that begins at `offset`. The caller frees it with head_free(). */
struct head *head_new(enum head_kind kind, uint64_t offset) __attribute__((returns_nonnull, warn_unused_result));
void head_free(struct head *head);

/*
 * Read from `piece`, which is not empty and follows what was read before. On HEAD_COMPLETE *used is the number of bytes
 * that belong to the head; on HEAD_INVALID `*error` says what and where. In both cases the head is read no further.
 */
enum head_result head_read(struct head *head, const struct piece *piece, size_t *used, struct head_error *error)
    __attribute__((warn_unused_result));

/* Return whether the start line is complete. */
bool head_has_line(const struct head *head) __attribute__((warn_unused_result));

/* Get the complete start line; `piece` is the last one read. */
void head_get_line(struct head *head, const struct piece *piece, struct head_line *line);

/* Get the fields of the complete head; `piece` is the last one read. They live as long as excerpt_bytes()'s bytes. */
void head_get_fields(struct head *head, const struct piece *piece, struct head_fields *fields);

/* Return how the body of the complete head is framed. */
struct head_framing head_get_framing(const struct head *head);

/*
 * Return whether a recorded Upgrade field of the complete head names `protocol` (lower case) among its protocols (RFC
 * 9110, 7.8); `piece` is the last one read.
 */
bool head_upgrades_to(struct head *head, const struct piece *piece, const char *protocol);

#endif
