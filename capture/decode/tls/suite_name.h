/* Names of cipher suites that are common and that are not decrypted. */
#ifndef MITM_CAPTURE_DECODE_TLS_SUITE_NAME_H
#define MITM_CAPTURE_DECODE_TLS_SUITE_NAME_H

#include <stdint.h>

/* Return the name of `id` in IANA's registry of cipher suites, which is static, or NULL. */
const char *tls_suite_name(uint32_t id);

#endif
