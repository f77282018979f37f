/*
 * The header fields of a few connections: read again from the session file, since a model of a whole session that keeps
 * all of them would need as much memory as the file is long. What has been read is kept and read on, as long as the
 * connections that are asked for are the same or have begun since.
 */
#ifndef MITM_VIEW_DETAILS_H
#define MITM_VIEW_DETAILS_H

#include <event2/event.h>

#include "analyze/model.h"

/* At most so many bytes of names and values are kept; messages behind that are shown without. */
#define DETAILS_MAX_BYTES 67108864

struct details;

typedef void details_ready(void *ctx);

/* Return what will read `path` in the loop `base`; the caller frees it with details_free(). `grows`: the end of the
 * file is the end so far. */
struct details *details_new(struct event_base *base, const char *path, bool grows);
void details_free(struct details *details);

/*
 * Call ready(ctx) from the loop when details_model() has the connections with the `n` ids (copied) of the session
 * number `session`, as far as the file holds them now. Return false if too many wait already.
 */
bool details_ask(struct details *details, size_t session, const uint32_t *ids, size_t n, details_ready *ready,
                 void *ctx) __attribute__((warn_unused_result));

/* Return a model of that session alone, with these connections at least; NULL if the file has no such session. It holds
 * until ready(ctx) returns. */
const struct model *details_model(const struct details *details);

#endif
