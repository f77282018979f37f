/*
 * The framing of a chunked body up to and with its last chunk (RFC 9112, 7.1). The trailer section behind it is read as
 * a head (head.h).
 *
 * Accepted beyond the RFC: lines that end in a bare LF, white space behind the size, any bytes but LF as extensions. A
 * size must be below 2^60 (it may have any number of leading zeros). Costs nothing per byte of data.
 */
#ifndef MITM_CAPTURE_DECODE_CHUNK_H
#define MITM_CAPTURE_DECODE_CHUNK_H

#include <stddef.h>
#include <stdint.h>

enum chunk_result {
    CHUNK_MORE,   /* the bytes used are framing */
    CHUNK_HEADER, /* the bytes used are framing; with the last of them a chunk's header was complete */
    CHUNK_LAST,   /* the same, of the last chunk: the trailer section follows */
    CHUNK_DATA,   /* the bytes used are data */
    CHUNK_INVALID /* the byte behind those used cannot be there */
};

/* All zero before the first chunk. */
struct chunk {
    uint64_t left; /* size so far, then bytes of data to come */
    uint8_t state;
};

/*
 * Read on from the `len` ≥ 1 bytes at `data` and set *used to how many of them the result is about: at least 1 except
 * with CHUNK_INVALID. To be called until all are used. After CHUNK_LAST or CHUNK_INVALID the chunk is read no further.
 */
enum chunk_result chunk_read(struct chunk *chunk, const uint8_t *data, size_t len, size_t *used)
    __attribute__((warn_unused_result));

/* Return what is wrong after CHUNK_INVALID: a static line for people. */
const char *chunk_error(const struct chunk *chunk);

#endif
