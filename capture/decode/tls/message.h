/*
 * Takes handshake messages (RFC 8446, 4) out of what the records of one direction carry, however they are fragmented.
 * Only messages of the types that the owner asks for are collected, and only up to TLS_MESSAGE_MAX_BYTES.
 */
#ifndef MITM_CAPTURE_DECODE_TLS_MESSAGE_H
#define MITM_CAPTURE_DECODE_TLS_MESSAGE_H

#include <stdbool.h>

#include "capture/decode/piece.h"

#define TLS_MESSAGE_MAX_BYTES    ((uint32_t)65536)
#define TLS_MESSAGE_HEADER_BYTES ((uint32_t)4)

/* Types of handshake messages (RFC 8446, B.3; RFC 5246, 7.4). */
enum tls_message_type {
    TLS_HELLO_REQUEST = 0,
    TLS_CLIENT_HELLO = 1,
    TLS_SERVER_HELLO = 2,
    TLS_END_OF_EARLY_DATA = 5,
    TLS_ENCRYPTED_EXTENSIONS = 8,
    TLS_CERTIFICATE = 11,
    TLS_SERVER_KEY_EXCHANGE = 12,
    TLS_FINISHED = 20,
    TLS_KEY_UPDATE = 24
};

/* The message being read. Embedded in its owner; tls_message_fini() frees what it holds. */
struct tls_message {
    uint32_t collected; /* bit 1 << type: messages of this type are collected */
    uint32_t max_bytes; /* longest message that is not collected */
    uint8_t header[TLS_MESSAGE_HEADER_BYTES];
    uint8_t header_len;
    uint8_t type;
    uint32_t len;    /* behind the header */
    uint32_t done;   /* of them, read so far */
    uint64_t offset; /* of its first byte, and the arrival of the record that this byte is in */
    uint64_t first_t_ns;
    uint8_t *body; /* NULL: not collected */
};

enum tls_message_result {
    TLS_MESSAGE_MORE,    /* the part is used up */
    TLS_MESSAGE_DONE,    /* a message is complete: type, len, offset, first_t_ns and body, valid until the next read */
    TLS_MESSAGE_TOO_LONG /* stop reading */
};

/* Read on in `part`, which is of a record that began to arrive at `first_t_ns`; take what was read off its front. */
enum tls_message_result tls_message_read(struct tls_message *message, struct piece *part, uint64_t first_t_ns)
    __attribute__((warn_unused_result));

/* Return whether a message has begun that is not complete. */
static inline bool tls_message_begun(const struct tls_message *message)
{
    return message->header_len > 0 && (message->header_len < TLS_MESSAGE_HEADER_BYTES || message->done < message->len);
}

void tls_message_fini(struct tls_message *message);

#endif
