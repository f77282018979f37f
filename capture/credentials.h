/* Numbers the pairs of user name and password of a session, so that equal ones can be told without recording them. */
#ifndef MITM_CAPTURE_CREDENTIALS_H
#define MITM_CAPTURE_CREDENTIALS_H

#include <stddef.h>
#include <stdint.h>

/* So many different pairs are told apart; any others get no number. */
#define CREDENTIALS_MAX 65536

struct credentials;

/* Return an empty set; it is freed with credentials_free(). */
struct credentials *credentials_new(void);
void credentials_free(struct credentials *credentials);

/* Return the number of the pair in the `len` bytes at `message` (an RFC 1929 request, which spells it unambiguously):
 * 1, 2, 3 … in the order of appearance; 0 if there are too many. */
uint32_t credentials_number(struct credentials *credentials, const uint8_t *message, size_t len);

#endif
