/*
 * What the view knows of one session file: its model, kept up with the file as long as somebody asks. Reading is done
 * in slices of FOLLOW_SLICE_NS between which the event loop serves others; when nobody asks, nothing is read.
 *
 * Memory is bounded: FOLLOW_MAX_CONNECTIONS and FOLLOW_MAX_EXCHANGES are kept (about 150 MB and 500 MB), the events of
 * further ones counted. Header fields are kept of the connections that are shown with them alone (view/details.h).
 */
#ifndef MITM_VIEW_FOLLOW_H
#define MITM_VIEW_FOLLOW_H

#include <event2/event.h>

#include "report/report.h"

#define FOLLOW_MAX_CONNECTIONS 200000
#define FOLLOW_MAX_EXCHANGES   1000000
#define FOLLOW_SLICE_NS        20000000

struct follow;

typedef void follow_ready(void *ctx);

/*
 * Return what will follow the file `path` in the loop `base`; nothing is read yet. `name` is the file's name for
 * people, `grows`: a program still writes it. The strings must outlive the result, which the caller frees with
 * follow_free(); then nobody may be waiting any more.
 */
struct follow *follow_new(struct event_base *base, const char *path, const char *name, bool grows);
void follow_free(struct follow *follow);

/*
 * Call ready(ctx) from the loop as soon as the model holds all that the file holds now. Return false if too many wait
 * already.
 */
bool follow_ask(struct follow *follow, follow_ready *ready, void *ctx) __attribute__((warn_unused_result));

/*
 * Like follow_ask(), but for the header fields of the connections with the `n` ids of the session number `session` (1,
 * 2 …): when ready(ctx) runs, and until it returns, follow_details() has them.
 */
bool follow_ask_details(struct follow *follow, size_t session, const uint32_t *ids, size_t n, follow_ready *ready,
                        void *ctx) __attribute__((warn_unused_result));
const struct model *follow_details(const struct follow *follow);

/* Fill in *input with what is known; `query` selects the session whose pages are given. All of it holds until the loop
 * runs again. */
void follow_input(struct follow *follow, const struct report_query *query, struct report_input *input);

/* Return a number that changes whenever the model does. */
uint64_t follow_generation(const struct follow *follow);

/* Return how many changes of the user's (Settings, Mark, Pause, Resume) have been read. */
uint64_t follow_changes(const struct follow *follow);

/* Return how many bytes of the file hold whole records, as far as it has been read: a session in itself. */
uint64_t follow_whole_bytes(const struct follow *follow);

const char *follow_path(const struct follow *follow);
bool follow_grows(const struct follow *follow);

/* Return whether the file is compressed (zstd). */
bool follow_is_packed(const struct follow *follow);

#endif
