/*
 * Splits the bytes of one direction of a TLS connection into records (RFC 8446, 5.1). Nothing is copied but headers and
 * the records that the owner wants whole and that no single piece holds.
 */
#ifndef MITM_CAPTURE_DECODE_TLS_RECORD_H
#define MITM_CAPTURE_DECODE_TLS_RECORD_H

#include <stdbool.h>

#include "capture/decode/piece.h"
#include "capture/decode/tls/protection.h"

/* Content types (RFC 8446, B.1; RFC 6520). */
enum tls_content {
    TLS_CHANGE_CIPHER_SPEC = 20,
    TLS_ALERT = 21,
    TLS_HANDSHAKE = 22,
    TLS_APPLICATION_DATA = 23,
    TLS_HEARTBEAT = 24
};

/* The record being read. All zero at the beginning; tls_record_fini() frees what it holds. */
struct tls_record {
    uint8_t header[TLS_HEADER_BYTES];
    uint8_t header_len;      /* of it, read so far */
    bool whole;              /* the owner wants it whole; he sets it at TLS_RECORD_HEADER */
    bool complete;           /* all of it has been read */
    uint32_t len;            /* behind the header */
    uint32_t done;           /* of them, read so far */
    uint64_t offset;         /* of its first byte in the direction */
    uint64_t first_t_ns;     /* arrival of that byte */
    const uint8_t *in_place; /* it begins here, in the piece being read; NULL: in an earlier one */
    uint8_t *copy;           /* its bytes so far, if it is wanted whole and not in place */
};

enum tls_record_result {
    TLS_RECORD_MORE,   /* the piece is used up */
    TLS_RECORD_HEADER, /* the header is complete: header, len, offset and first_t_ns are set */
    TLS_RECORD_PART,   /* a part of what follows it (with len 0, an empty one); the last one when the record is complete
                        */
    TLS_RECORD_INVALID /* piece->offset is that of a byte that no header has here: stop reading */
};

/* Read on in `piece`, and take what was read off its front; TLS_RECORD_PART: store it in *part. */
enum tls_record_result tls_record_read(struct tls_record *record, struct piece *piece, struct piece *part)
    __attribute__((warn_unused_result));

/* Return the record that has just been completed, header included; it was wanted whole. Valid until the next read. */
const uint8_t *tls_record_bytes(const struct tls_record *record) __attribute__((warn_unused_result));

void tls_record_fini(struct tls_record *record);

#endif
