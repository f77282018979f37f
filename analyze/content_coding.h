/*
 * Undoes the content codings of one body (RFC 9110, 8.4), only to count how large it then is: gzip and x-gzip (RFC
 * 1952, with several members), deflate (RFC 1950; also without the zlib wrapper, as some servers send it: 8.4.1.2), br
 * (RFC 7932), zstd (RFC 8878, with several frames), and up to three of them, one within the other.
 *
 * The input is not trusted. What it can cost is bounded: all codings of a body together give at most
 * CONTENT_CODING_MAX_BYTES of output, and at most CONTENT_CODING_MAX_RATIO times the input beyond
 * CONTENT_CODING_FREE_BYTES. A zstd window is at most 8 MiB (RFC 9659), a brotli window 16 MiB (RFC 7932, 9.1).
 */
#ifndef MITM_ANALYZE_CONTENT_CODING_H
#define MITM_ANALYZE_CONTENT_CODING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONTENT_CODING_MAX_BYTES  (UINT64_C(256) << 20)
#define CONTENT_CODING_FREE_BYTES (UINT64_C(1) << 20)
#define CONTENT_CODING_MAX_RATIO  2000

enum content_coding_kind { CONTENT_GZIP, CONTENT_DEFLATE, CONTENT_BR, CONTENT_ZSTD };

enum { CONTENT_CODINGS = 3 };

/* The codings of a body, in the order in which they were applied; all zero: none. */
struct content_codings {
    uint8_t count;
    bool unknown; /* one of them is not understood, or there are too many */
    enum content_coding_kind kinds[CONTENT_CODINGS];
};

/* Add the codings that a field Content-Encoding with the value `value`, `len` bytes, names; "identity" is none. */
void content_codings_add(struct content_codings *codings, const uint8_t *value, size_t len);

struct content_coding;

/* Return a decoder of a body with `codings`, which are at least one, all known. Freed with content_coding_free(). */
struct content_coding *content_coding_new(const struct content_codings *codings)
    __attribute__((returns_nonnull, warn_unused_result));
void content_coding_free(struct content_coding *coding);

/*
 * Take the body's next `len` bytes at `data` (below 2^31). Return whether all is well; if not, because they are not
 * what the coding says or a limit was reached, `coding` is fed no more.
 */
bool content_coding_feed(struct content_coding *coding, const uint8_t *data, size_t len)
    __attribute__((warn_unused_result));

/* Return whether the body can end here: each coding is at the end of a member, frame or stream. */
bool content_coding_complete(const struct content_coding *coding);

/* Return how many bytes the body has so far, decoded. */
uint64_t content_coding_decoded_bytes(const struct content_coding *coding);

/* Return how many bytes the codings have given so far, those in between included: what decoding has cost. */
uint64_t content_coding_output_bytes(const struct content_coding *coding);

/* Return how much memory the decoder takes. */
size_t content_coding_memory_bytes(const struct content_coding *coding);

#endif
