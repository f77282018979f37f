/* Protects records of TLS 1.3 with TLS_AES_128_GCM_SHA256 (RFC 8446, 5.2, 7.3): an independent other half. */
#ifndef MITM_TESTS_UNIT_DECODE_TLS_SEAL_H
#define MITM_TESTS_UNIT_DECODE_TLS_SEAL_H

#include <stddef.h>
#include <stdint.h>

#define SEAL_SECRET_BYTES ((size_t)32)
/* What a record has beside its content: header, content type and tag. */
#define SEAL_EXTRA_BYTES ((size_t)22)

/* One direction's keys of one generation. */
struct seal {
    uint8_t secret[SEAL_SECRET_BYTES];
    uint8_t key[16], iv[12];
    uint64_t sequence;
};

/* Begin with the traffic secret whose bytes are all `fill`. */
void seal_init(struct seal *seal, uint8_t fill);

/* Go on to the next generation (RFC 8446, 7.2). */
void seal_update(struct seal *seal);

/* Write the record of `len` bytes of content of `type` to `out`; return its length: len + SEAL_EXTRA_BYTES. */
size_t seal_record(struct seal *seal, uint8_t type, const uint8_t *data, size_t len, uint8_t *out);

#endif
