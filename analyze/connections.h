/*
 * The table of the 2011 tool: a connection, and its events with their times, one per line. Pieces of bodies and opaque
 * data are summed up.
 */
#ifndef MITM_ANALYZE_CONNECTIONS_H
#define MITM_ANALYZE_CONNECTIONS_H

#include <stdbool.h>
#include <stdio.h>

#include "analyze/model.h"

/* Print `connection` of `session`; with `all_headers`, each first line of a message is followed by its header fields.
 */
void connections_print(FILE *out, const struct model_session *session, const struct model_connection *connection,
                       bool all_headers);

#endif
