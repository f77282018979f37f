/* Events of HTTP/2, and of WebSockets. */
#include <stdlib.h>

#include "analyze/fold_parts.h"
#include "base/memory.h"

struct model_http2 *fold_http2_of(struct model_connection *c)
{
    if (c->http2)
        return c->http2;
    c->http2 = memory_new(1, sizeof *c->http2);
    *c->http2 = (struct model_http2){
        .ping_sent_ns = MODEL_NONE, .ping_min_ns = MODEL_NONE, .go_away_ns = {MODEL_NONE, MODEL_NONE}};
    return c->http2;
}

static struct model_h2 *h2_of(struct model_exchange *x)
{
    static const struct model_messages none = {.first_ns = MODEL_NONE, .last_ns = MODEL_NONE};
    if (x->h2)
        return x->h2;
    x->h2 = memory_new(1, sizeof *x->h2);
    *x->h2 = (struct model_h2){.reset_ns = MODEL_NONE, .messages = {none, none}};
    return x->h2;
}

/* Return `sum_ns` and the time from `from_ns` to `to_ns`. */
static int64_t add_time(int64_t sum_ns, int64_t from_ns, int64_t to_ns)
{
    uint64_t ns = to_ns > from_ns ? (uint64_t)(to_ns - from_ns) : 0;
    return model_number(rate_sum((uint64_t)sum_ns, ns));
}

void fold_http2_request(struct model_connection *c, struct model_exchange *x, struct texts *texts,
                        const Mitm__HttpRequestStart *ev)
{
    if (!ev->has_stream && !ev->has_scheme && !ev->has_authority && !ev->has_pushed)
        return;
    struct model_h2 *h2 = h2_of(x);
    h2->stream = ev->stream;
    h2->scheme = keep_bytes(texts, ev->has_scheme, ev->scheme);
    h2->authority = keep_bytes(texts, ev->has_authority, ev->authority);
    h2->pushed = ev->pushed;
    fold_http2_of(c)->pushes += ev->pushed;
}

static void reset(struct model_connection *c, struct model_exchange *x, const Mitm__Http2Reset *ev, int64_t t_ns)
{
    int direction = direction_index(ev->has_direction, ev->direction);
    fold_http2_of(c)->resets++;
    if (!x || direction == MODEL_DIRECTIONS)
        return;
    struct model_h2 *h2 = h2_of(x);
    if (h2->reset_ns != MODEL_NONE)
        return;
    h2->reset_ns = t_ns;
    h2->reset_direction = (uint32_t)direction;
    h2->reset_error = ev->error_code;
}

static void go_away(struct model_http2 *http2, const Mitm__Http2GoAway *ev, int64_t t_ns)
{
    int direction = direction_index(ev->has_direction, ev->direction);
    if (direction == MODEL_DIRECTIONS)
        return;
    bool first = http2->go_away_ns[direction] == MODEL_NONE;
    if (first || (http2->go_away_error[direction] == 0 && ev->error_code != 0)) {
        http2->go_away_ns[direction] = t_ns;
        http2->go_away_error[direction] = ev->error_code;
    }
}

/* The data of pings are not recorded: an acknowledgement is taken to be that of the oldest ping that has none, and
 * those sent meanwhile are not timed. */
static void ping(struct model_http2 *http2, const Mitm__Http2Ping *ev, int64_t t_ns)
{
    int direction = direction_index(ev->has_direction, ev->direction);
    http2->pings += !ev->ack;
    if (direction == MODEL_TO_SERVER && !ev->ack) {
        ONCE(http2->ping_sent_ns, t_ns);
    } else if (direction == MODEL_TO_CLIENT && ev->ack && http2->ping_sent_ns != MODEL_NONE) {
        int64_t ns = add_time(0, http2->ping_sent_ns, t_ns);
        http2->ping_count++;
        http2->ping_sum_ns = model_number(rate_sum((uint64_t)http2->ping_sum_ns, (uint64_t)ns));
        if (http2->ping_min_ns == MODEL_NONE || ns < http2->ping_min_ns)
            http2->ping_min_ns = ns;
        http2->ping_sent_ns = MODEL_NONE;
    }
}

/* Return both as one. */
static struct model_stall join(struct model_stall earlier, struct model_stall later)
{
    return (struct model_stall){later.from_ns - (earlier.to_ns - earlier.from_ns), later.to_ns};
}

/* Make one of each two neighbours of `stalls`, whose number is even. */
static void join_neighbours(struct model_stalls *stalls)
{
    stalls->count /= 2;
    for (size_t i = 0; i < stalls->count; i++)
        stalls->stalls[i] = join(stalls->stalls[2 * i], stalls->stalls[2 * i + 1]);
    stalls->last = stalls->each *= 2;
}

/* Return `stalls`, or new ones if it is NULL, with room for one more; the pointer may have changed. */
static struct model_stalls *make_room(struct model_stalls *stalls)
{
    if (stalls && stalls->count < stalls->capacity)
        return stalls;
    size_t capacity = stalls ? stalls->capacity * 2 : 4;
    struct model_stalls *p = realloc(stalls, sizeof *p + capacity * sizeof *p->stalls);
    if (!p)
        abort();
    if (!stalls)
        *p = (struct model_stalls){.each = 1};
    p->capacity = capacity;
    return p;
}

/* Keep the time from `from_ns` to `to_ns`, without what lies before the end of the last one. */
static void keep_stall(struct model_stalls **kept, int64_t from_ns, int64_t to_ns)
{
    struct model_stalls *stalls = *kept;
    struct model_stall *last = stalls ? &stalls->stalls[stalls->count - 1] : NULL;
    struct model_stall stall = {last && last->to_ns > from_ns ? last->to_ns : from_ns, to_ns};
    if (stall.to_ns <= stall.from_ns)
        return;
    if (last && stalls->last < stalls->each) {
        *last = join(*last, stall);
        stalls->last++;
        return;
    }
    if (stalls && stalls->count == MODEL_STALLS)
        join_neighbours(stalls);
    *kept = stalls = make_room(stalls);
    stalls->stalls[stalls->count++] = stall;
    stalls->last = 1;
}

static void stall(struct model_connection *c, struct model_exchange *x, const Mitm__Http2Stall *ev, int64_t t_ns)
{
    int direction = direction_index(ev->has_direction, ev->direction);
    struct model_http2 *http2 = fold_http2_of(c);
    if (direction == MODEL_DIRECTIONS || (ev->has_stream && !x))
        return;
    uint64_t *count = ev->has_stream ? &h2_of(x)->stalls[direction] : &http2->stalls[direction];
    int64_t *sum_ns = ev->has_stream ? &h2_of(x)->stalled_ns[direction] : &http2->stalled_ns[direction];
    int64_t first_ns = ev->has_first_t_ns ? model_number(ev->first_t_ns) : t_ns;
    (*count)++;
    *sum_ns = add_time(*sum_ns, first_ns, t_ns);
    keep_stall(ev->has_stream ? &h2_of(x)->stall_times[direction] : &http2->stall_times[direction], first_ns, t_ns);
}

static void priority(struct model_exchange *x, const Mitm__Http2Priority *ev)
{
    if (x && ev->has_weight && ev->weight >= 1 && ev->weight <= 256 && h2_of(x)->weight == 0)
        h2_of(x)->weight = ev->weight;
}

static void message(struct model_exchange *x, const Mitm__WebSocketMessage *ev, int64_t t_ns)
{
    int direction = direction_index(ev->has_direction, ev->direction);
    if (!x || direction == MODEL_DIRECTIONS)
        return;
    struct model_messages *messages = &h2_of(x)->messages[direction];
    int64_t first_ns = ev->has_first_t_ns ? model_number(ev->first_t_ns) : t_ns;
    messages->count++;
    messages->bytes = rate_sum(messages->bytes, ev->len_bytes);
    if (messages->first_ns == MODEL_NONE || first_ns < messages->first_ns)
        messages->first_ns = first_ns;
    if (t_ns > messages->last_ns)
        messages->last_ns = t_ns;
}

bool fold_names_stream(const Mitm__Record *record, uint32_t *stream)
{
    *stream = 0;
    switch ((int)record->event_case) {
    case MITM__RECORD__EVENT_HTTP2_RESET:
        *stream = record->http2_reset->stream;
        return true;
    case MITM__RECORD__EVENT_HTTP2_PRIORITY:
        *stream = record->http2_priority->stream;
        return true;
    case MITM__RECORD__EVENT_HTTP2_STALL:
        *stream = record->http2_stall->stream;
        return true;
    case MITM__RECORD__EVENT_WEB_SOCKET_MESSAGE:
        return true;
    default:
        return false;
    }
}

bool fold_http2(struct model_connection *c, struct model_exchange *x, const Mitm__Record *record, int64_t t_ns)
{
    switch ((int)record->event_case) {
    case MITM__RECORD__EVENT_HTTP2_SETTINGS:
        fold_http2_of(c)->settings++;
        return true;
    case MITM__RECORD__EVENT_HTTP2_RESET:
        reset(c, x, record->http2_reset, t_ns);
        return true;
    case MITM__RECORD__EVENT_HTTP2_GO_AWAY:
        go_away(fold_http2_of(c), record->http2_go_away, t_ns);
        return true;
    case MITM__RECORD__EVENT_HTTP2_PING:
        ping(fold_http2_of(c), record->http2_ping, t_ns);
        return true;
    case MITM__RECORD__EVENT_HTTP2_PRIORITY:
        priority(x, record->http2_priority);
        return true;
    case MITM__RECORD__EVENT_HTTP2_STALL:
        stall(c, x, record->http2_stall, t_ns);
        return true;
    case MITM__RECORD__EVENT_WEB_SOCKET_MESSAGE:
        message(x, record->web_socket_message, t_ns);
        return true;
    default:
        return false;
    }
}
