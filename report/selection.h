/*
 * What a query selects of a session: connections, in parts, newest first.
 */
#ifndef MITM_REPORT_SELECTION_H
#define MITM_REPORT_SELECTION_H

#include "report/report.h"

struct selection {
    const struct model_session *session;
    const struct pages *pages;
    const struct report_query *query;
    uint32_t *connections; /* indices of the connections selected, oldest first */
    size_t count;
    size_t part_count; /* at least 1 */
};

/* Select; `session`, `pages` (NULL: none) and `query` must outlive the selection unchanged. Free it with
 * selection_fini(). */
void selection_init(struct selection *selection, const struct model_session *session, const struct pages *pages,
                    const struct report_query *query);
void selection_fini(struct selection *selection);

/* Return the part that the query asks for: 1 … part_count. */
size_t selection_part(const struct selection *selection);

/* Return how many connections `part` has, and store in *first the position in `connections` of the newest; the others
 * are before it. */
size_t selection_part_size(const struct selection *selection, size_t part, size_t *first);

/* Mark in shown[0 … connection_count − 1] the connections of `part`. */
void selection_mark(const struct selection *selection, size_t part, bool *shown);

/* Return whether the exchange `exchange` of a connection that is selected is selected itself. */
bool selection_has_exchange(const struct selection *selection, const struct model_exchange *exchange);

#endif
