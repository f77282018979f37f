/*
 * The header block of one message (RFC 9113, 4.3) while it arrives, inflated as it comes (RFC 7541) with libnghttp2's
 * inflater, which is used here and nowhere else. All blocks of one direction go through one inflater, in their order.
 *
 * The encoder may use a dynamic table of up to HTTP2_TABLE_MAX_BYTES, from the beginning on and whatever the peer's
 * SETTINGS_HEADER_TABLE_SIZE says: a decoder with a larger table than agreed on decodes the same.
 *
 * Recorded are the fields of a block as in head.h: the first ones, HEAD_MAX_FIELD_BYTES and HEAD_MAX_FIELDS at most.
 * And of all blocks of a direction no more than BLOCK_RECORD_FREE bytes beyond BLOCK_RECORD_RATIO times what they have
 * on the wire: compression could make a session grow thousands of times faster than the traffic. Names and values above
 * 64 KiB are refused (by libnghttp2), and more than BLOCK_INFLATED_MAX_BYTES in one block.
 */
#ifndef MITM_CAPTURE_DECODE_HTTP2_BLOCK_H
#define MITM_CAPTURE_DECODE_HTTP2_BLOCK_H

#include <nghttp2/nghttp2.h>

#include "capture/decode/head.h"

#define BLOCK_INFLATED_MAX_BYTES ((size_t)1024 * 1024)
#define BLOCK_RECORD_FREE        ((uint64_t)4 * 1024 * 1024)
#define BLOCK_RECORD_RATIO       64
/* Of all pseudo-header fields but :path, of which HEAD_MAX_TARGET bytes are kept. */
#define BLOCK_TEXT_MAX_BYTES ((size_t)1024)

/* The pseudo-header fields (RFC 9113, 8.3; RFC 8441, 4). */
enum block_pseudo {
    BLOCK_METHOD,
    BLOCK_SCHEME,
    BLOCK_AUTHORITY,
    BLOCK_PATH,
    BLOCK_STATUS,
    BLOCK_PROTOCOL,
    BLOCK_PSEUDOS
};

/* A pseudo-header field: the first one of its name, as far as it is kept. */
struct block_text {
    bool present;
    uint32_t at, len; /* in the block's text */
    uint64_t omitted; /* bytes at its end that are not kept */
};

/* A stretch of bytes that grows. */
struct block_bytes {
    uint8_t *data;
    uint32_t len, room;
};

/* A field that is recorded: `name_len` bytes, then `value_len` bytes. */
struct block_field {
    uint32_t name_len, value_len;
};

struct block {
    nghttp2_hd_inflater *inflater;
    uint64_t wire_bytes, recorded_bytes; /* of all blocks */
    /* Of the block begun last: */
    size_t compressed, inflated;
    struct block_text pseudos[BLOCK_PSEUDOS];
    struct block_bytes text;   /* of pseudo-header fields */
    struct block_bytes record; /* the recorded fields, one behind the other */
    struct block_field *fields;
    uint32_t fields_n, fields_room, omitted;
    bool full; /* no further field is recorded */
};

/* Initialise `block`; block_fini() frees what it holds. */
void block_init(struct block *block);
void block_fini(struct block *block);

/* Begin a block. */
void block_begin(struct block *block);

/*
 * Read `len` further bytes of the block at `data`; `last`: it ends with them. Return NULL, or what is wrong: a static
 * line for people. Then no further block can be read.
 */
const char *block_read(struct block *block, const uint8_t *data, size_t len, bool last)
    __attribute__((warn_unused_result));

/* Return the bytes of the pseudo-header field `pseudo`, valid until the next block; their number is in block->pseudos.
 */
const uint8_t *block_text(const struct block *block, enum block_pseudo pseudo);

/* Return whether the pseudo-header field `pseudo` is `text`. */
bool block_text_is(const struct block *block, enum block_pseudo pseudo, const char *text);

/* Return the status code, 0 if :status is missing or is not a number from 100 to 999. */
uint32_t block_status(const struct block *block);

/* Get the recorded fields of the complete block, valid until the next block. */
void block_get_fields(const struct block *block, struct head_fields *fields);

/* Free what the block took, but for the inflater. */
void block_end(struct block *block);

#endif
