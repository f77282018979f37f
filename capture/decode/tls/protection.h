/*
 * Undoes the record protection of one direction of a TLS connection (RFC 8446, 5.2; RFC 5246, 6.2.3.3; RFC 7905):
 * AES-GCM with 128 and 256 bits, and ChaCha20-Poly1305, with libcrypto's primitives. Keys are wiped when they are given
 * up.
 */
#ifndef MITM_CAPTURE_DECODE_TLS_PROTECTION_H
#define MITM_CAPTURE_DECODE_TLS_PROTECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/event.h"

enum { TLS_1_2 = 0x0303, TLS_1_3 = 0x0304 };

/* Length of a record's header, and the greatest length of what follows it (RFC 5246: 2^14 + 2048). */
#define TLS_HEADER_BYTES  ((size_t)5)
#define TLS_PAYLOAD_BYTES ((size_t)18432)

struct tls_suite;
struct tls_protection;

/* Return how the cipher suite `id` of `version` is undone; NULL: it is not supported. The result is static. */
const struct tls_suite *tls_suite_find(uint32_t version, uint32_t id) __attribute__((warn_unused_result));

/*
 * Return the protection of TLS 1.3 with the traffic secret `secret`, whose length `len` must be that of the suite's
 * hash (NULL otherwise). The caller frees it with tls_protection_free().
 */
struct tls_protection *tls_protection_new_13(const struct tls_suite *suite, const uint8_t *secret, size_t len)
    __attribute__((warn_unused_result));

/* The same for TLS 1.2, from the 48-byte master secret and both randoms, for what is sent in `direction`. */
struct tls_protection *tls_protection_new_12(const struct tls_suite *suite, const uint8_t *master, size_t len,
                                             const uint8_t *client_random, const uint8_t *server_random,
                                             Mitm__Direction direction) __attribute__((warn_unused_result));

/* Wipe and free `protection`, which may be NULL. */
void tls_protection_free(struct tls_protection *protection);

/*
 * Undo the protection of the next record: its header at `record`, followed by the `len` bytes that the header counts.
 * Write the plaintext to `out`, which has room for `len` bytes, its length to *out_len, and its content type (TLS 1.3:
 * the inner one, padding removed) to *type. Return false if the tag is wrong or nothing is left: the sequence number
 * stays, so that the same record can be tried with other keys.
 */
bool tls_protection_open(struct tls_protection *protection, const uint8_t *record, size_t len, uint8_t *out,
                         size_t *out_len, uint8_t *type) __attribute__((warn_unused_result));

/* TLS 1.3: a KeyUpdate was sent in this direction; the next record has the next generation's key (RFC 8446, 7.2). */
void tls_protection_update(struct tls_protection *protection);

#endif
