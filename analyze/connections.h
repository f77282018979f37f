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

/* An event of a connection, for who shows it otherwise. */
struct connections_line {
    int64_t t_ns;
    size_t number; /* lines with equal times keep their order */
    const char *event;
    char *value; /* of `value_len` bytes; a NUL that is not counted follows */
    size_t value_len;
    const struct model_headers *headers; /* that belong below it, where the model keeps them; NULL: none */
};

/*
 * Return the events of `connection`, in the order of their times, and store their number in *count. `raw`: recorded
 * text is in the values as it is, and must be escaped before it is shown. Free them with connections_lines_free().
 */
struct connections_line *connections_lines_new(const struct model_session *session,
                                               const struct model_connection *connection, bool raw, size_t *count);
void connections_lines_free(struct connections_line *lines, size_t count);

#endif
