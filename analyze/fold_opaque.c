/* Bytes that are not looked into, and the bursts in which they came. */
#include <stdlib.h>

#include "analyze/fold_parts.h"

static int64_t pause_ns(const struct model_burst *a, const struct model_burst *b)
{
    return b->from_ns > a->to_ns ? b->from_ns - a->to_ns : 0;
}

/* Join bursts with pauses up to gap_ns; double that until half of the room is free. */
static void join_bursts(struct model_bursts *bursts)
{
    while (bursts->count > MODEL_BURSTS / 2 && bursts->gap_ns < INT64_MAX / 2) {
        bursts->gap_ns *= 2;
        size_t n = 0;
        for (size_t i = 1; i < bursts->count; i++) {
            struct model_burst *last = &bursts->bursts[n], *next = &bursts->bursts[i];
            if (pause_ns(last, next) <= bursts->gap_ns) {
                last->to_ns = next->to_ns > last->to_ns ? next->to_ns : last->to_ns;
                last->bytes = rate_sum(last->bytes, next->bytes);
            } else {
                bursts->bursts[++n] = *next;
            }
        }
        bursts->count = n + 1;
    }
}

/* Return `bursts`, or new ones if it is NULL, with room for one more; the pointer may have changed. */
static struct model_bursts *make_room(struct model_bursts *bursts)
{
    static const int64_t first_gap_ns = 20000000;
    if (bursts && bursts->count == MODEL_BURSTS)
        join_bursts(bursts);
    if (bursts && bursts->count < bursts->capacity)
        return bursts;
    size_t capacity = bursts ? bursts->capacity * 2 : 2;
    struct model_bursts *p = realloc(bursts, sizeof *p + capacity * sizeof *p->bursts);
    if (!p)
        abort();
    if (!bursts)
        *p = (struct model_bursts){.gap_ns = first_gap_ns};
    p->capacity = capacity;
    return p;
}

/* What belongs to the TLS handshake is a burst of its own. */
static bool crosses_handshake_end(const struct model_tls *tls, const struct model_burst *last, int64_t t_ns)
{
    return tls && tls->end_ns != MODEL_NONE && last->to_ns <= tls->end_ns && t_ns > tls->end_ns;
}

static void add_burst(struct model_connection *c, int64_t t_ns, uint64_t len_bytes)
{
    struct model_bursts *bursts = c->bursts;
    struct model_burst burst = {t_ns, t_ns, len_bytes};
    struct model_burst *last = bursts ? &bursts->bursts[bursts->count - 1] : NULL;
    if (last && pause_ns(last, &burst) <= bursts->gap_ns && !crosses_handshake_end(c->tls, last, t_ns)) {
        last->to_ns = t_ns > last->to_ns ? t_ns : last->to_ns;
        last->bytes = rate_sum(last->bytes, len_bytes);
        return;
    }
    bursts = c->bursts = make_room(bursts);
    bursts->bursts[bursts->count++] = burst;
}

void fold_opaque(struct model_connection *c, int direction, uint64_t len_bytes, int64_t t_ns)
{
    struct model_stream *stream = &c->streams[direction];
    stream->opaque_bytes = rate_sum(stream->opaque_bytes, len_bytes);
    stream->opaque_pieces++;
    ONCE(stream->opaque_first_ns, t_ns);
    if (t_ns > stream->opaque_last_ns)
        stream->opaque_last_ns = t_ns;
    if (direction == MODEL_TO_CLIENT)
        add_burst(c, t_ns, len_bytes);
}

void fold_drop_opaque(struct model_connection *c)
{
    for (int direction = 0; direction < MODEL_DIRECTIONS; direction++) {
        struct model_stream *stream = &c->streams[direction];
        stream->opaque_bytes = stream->opaque_pieces = 0;
        stream->opaque_first_ns = stream->opaque_last_ns = MODEL_NONE;
    }
    free(c->bursts);
    c->bursts = NULL;
}
