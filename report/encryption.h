/*
 * How far one can see into the TLS of a session, in words.
 */
#ifndef MITM_REPORT_ENCRYPTION_H
#define MITM_REPORT_ENCRYPTION_H

#include <stdio.h>

#include "analyze/model.h"

/* Return whether `session` has a TLS connection of which something is known. */
bool encryption_exists(const struct model_session *session);

/* Return how many TLS connections of `session` were not decrypted at all: their requests are not known. */
uint64_t encryption_hidden(const struct model_session *session);

/*
 * Write to `out`, in a sentence or two of our own words that may stand in any document, whether the TLS connections of
 * `session` were decrypted, how many were not and why, and what is inferred of those. Requires encryption_exists().
 */
void encryption_print(FILE *out, const struct model_session *session);

#endif
