/* Names of the cipher suites of TLS that are common. */
#ifndef MITM_BASE_SUITES_H
#define MITM_BASE_SUITES_H

#include <stdint.h>

/* Return the name of the cipher suite `id` in IANA's registry, which is static; NULL if it is not among the common ones. */
const char *suites_name(uint32_t id);

#endif
