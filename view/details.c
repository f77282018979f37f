#include "view/details.h"

#include <string.h>

#include "analyze/boundary.h"
#include "analyze/intake.h"
#include "analyze/map.h"
#include "base/memory.h"
#include "view/slice.h"

enum { MAX_WAITERS = 16, MAX_WANTED = 1000 };

static const int64_t slice_ns = 20000000;

struct wish {
    size_t session;
    uint32_t *ids;
    size_t n;
    details_ready *ready;
    void *ctx;
};

struct details {
    const char *path;
    bool grows;
    struct event *turn;
    struct wish wishes[MAX_WAITERS]; /* the first is being fulfilled */
    size_t wish_count;
    bool prepared; /* for the first wish */

    /* What has been read. */
    struct intake *intake; /* NULL: nothing */
    struct intake_handler handler;
    struct model *model;
    size_t session; /* the number of the one that is kept */
    size_t at_session;
    struct boundary boundary;
    struct map wanted, seen; /* connection id → 0: kept; met so far in the session that is kept */
    uint64_t kept_bytes;
    bool finished;
};

/* ---------------------------------------------------------------- reading */

static bool has(const struct map *map, uint32_t id)
{
    uint32_t value;
    return map_get(map, id, &value);
}

/* Return how much memory the header fields in `record` will need at least. */
static uint64_t header_bytes(const Mitm__Record *record)
{
    bool headers = record->event_case == MITM__RECORD__EVENT_HTTP_REQUEST_HEADERS ||
                   record->event_case == MITM__RECORD__EVENT_HTTP_RESPONSE_HEADERS;
    return headers ? event_encoded_size(record) : 0;
}

static void take_record(void *ctx, const Mitm__Record *record, bool made)
{
    struct details *details = ctx;
    details->at_session += boundary_crossed(&details->boundary, record);
    if (details->at_session != details->session)
        return;
    if (record->has_connection) {
        if (!has(&details->seen, record->connection))
            map_put(&details->seen, record->connection, 0);
        if (!has(&details->wanted, record->connection))
            return;
        uint64_t bytes = header_bytes(record);
        if (details->kept_bytes + bytes > DETAILS_MAX_BYTES)
            return;
        details->kept_bytes += bytes;
    }
    model_apply(details->model, record, made);
}

static void end_file(void *ctx, const struct intake_verdict *verdict)
{
    struct details *details = ctx;
    (void)verdict;
    details->finished = true;
}

static void forget(struct details *details)
{
    intake_free(details->intake);
    details->intake = NULL;
    model_free(details->model);
    details->model = NULL;
    map_clear(&details->wanted);
    map_clear(&details->seen);
    details->boundary = (struct boundary){0};
    details->at_session = 0;
    details->kept_bytes = 0;
    details->finished = false;
}

/* Return whether reading on is enough: what is wanted is kept, or not met yet. */
static bool can_go_on(const struct details *details, const struct wish *wish)
{
    if (!details->intake || details->session != wish->session || details->wanted.count + wish->n > MAX_WANTED)
        return false;
    for (size_t i = 0; i < wish->n; i++) {
        if (!has(&details->wanted, wish->ids[i]) && has(&details->seen, wish->ids[i]))
            return false;
    }
    return true;
}

static void prepare(struct details *details, const struct wish *wish)
{
    if (!can_go_on(details, wish)) {
        forget(details);
        details->session = wish->session;
        details->intake = intake_new(&details->path, 1, details->grows, &details->handler);
        details->model = model_new(&(struct model_options){.keep_headers = true});
        model_begin_file(details->model, details->path);
    }
    for (size_t i = 0; i < wish->n; i++) {
        if (!has(&details->wanted, wish->ids[i]))
            map_put(&details->wanted, wish->ids[i], 0);
    }
}

static void take_turn(evutil_socket_t fd, short what, void *ctx)
{
    struct details *details = ctx;
    (void)fd;
    (void)what;
    struct wish wish = details->wishes[0];
    if (!details->prepared)
        prepare(details, &wish);
    details->prepared = true;
    if (!details->finished && slice_read(details->intake, slice_ns) == INTAKE_MORE) {
        slice_again(details->turn);
        return;
    }
    details->prepared = false;
    memmove(details->wishes, details->wishes + 1, --details->wish_count * sizeof wish);
    if (details->wish_count > 0)
        slice_again(details->turn);
    wish.ready(wish.ctx);
    free(wish.ids);
}

/* ---------------------------------------------------------------- asking */

struct details *details_new(struct event_base *base, const char *path, bool grows)
{
    struct details *details = memory_new(1, sizeof *details);
    details->path = path;
    details->grows = grows;
    details->turn = slice_event(base, take_turn, details);
    details->handler = (struct intake_handler){.ctx = details, .record = take_record, .end_file = end_file};
    return details;
}

void details_free(struct details *details)
{
    if (!details)
        return;
    for (size_t i = 0; i < details->wish_count; i++)
        free(details->wishes[i].ids);
    forget(details);
    map_fini(&details->wanted);
    map_fini(&details->seen);
    event_free(details->turn);
    free(details);
}

bool details_ask(struct details *details, size_t session, const uint32_t *ids, size_t n, details_ready *ready,
                 void *ctx)
{
    if (details->wish_count == MAX_WAITERS)
        return false;
    uint32_t *copy = memory_new(n, sizeof *copy);
    if (n > 0)
        memcpy(copy, ids, n * sizeof *copy);
    details->wishes[details->wish_count++] = (struct wish){session, copy, n, ready, ctx};
    slice_again(details->turn);
    return true;
}

const struct model *details_model(const struct details *details)
{
    return details->model && model_session_count(details->model) > 0 ? details->model : NULL;
}
