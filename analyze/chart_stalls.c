/* When flow control held back what a bar shows. */
#include <stdlib.h>

#include "analyze/chart_parts.h"
#include "base/memory.h"

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* A time; empty unless from_ns < to_ns. */
struct span {
    int64_t from_ns, to_ns;
};

/* Return the part of `stall` within `span`. */
static struct span within(const struct model_stall *stall, struct span span)
{
    return (struct span){later(stall->from_ns, span.from_ns), earlier(stall->to_ns, span.to_ns)};
}

/* Return when the message of an exchange in this direction was on its way: what is stalled then concerns it. */
static struct span message_span(const struct chart_maker *maker, const struct model_exchange *x, int direction)
{
    const struct model_message *message = direction == MODEL_TO_CLIENT ? &x->response : &x->request;
    if (message->start_ns == MODEL_NONE)
        return (struct span){0, 0};
    return (struct span){message->start_ns,
                         message->end_ns != MODEL_NONE ? message->end_ns : chart_exchange_end(maker, x)};
}

int64_t chart_connection_stalled_ns(const struct chart_maker *maker, const struct model_exchange *x, int direction)
{
    const struct model_http2 *http2 = maker->connection->http2;
    const struct model_stalls *stalls = http2 ? http2->stall_times[direction] : NULL;
    struct span span = message_span(maker, x, direction);
    int64_t sum_ns = 0;
    for (size_t i = 0; stalls && i < stalls->count; i++) {
        struct span part = within(&stalls->stalls[i], span);
        if (part.from_ns < part.to_ns)
            sum_ns += part.to_ns - part.from_ns;
    }
    return sum_ns;
}

/* ---------------------------------------------------------------- the stalls of a row */

static void add(struct chart_row *row, size_t bar, struct span span)
{
    if (span.from_ns >= span.to_ns)
        return;
    row->stalls = memory_grow(row->stalls, row->stall_count, &row->stall_capacity, sizeof *row->stalls);
    row->stalls[row->stall_count++] = (struct figure_stall){bar, span.from_ns, span.to_ns};
}

/* Add to the last bar what of `stalls`, which may be NULL, lies within `span`. */
static void add_all(struct chart_row *row, const struct model_stalls *stalls, struct span span)
{
    for (size_t i = 0; stalls && i < stalls->count; i++)
        add(row, row->bar_count - 1, within(&stalls->stalls[i], span));
}

static int compare_starts(const void *left, const void *right)
{
    const struct figure_stall *a = left, *b = right;
    return (a->from_ns > b->from_ns) - (a->from_ns < b->from_ns);
}

/* Put `stalls` in the order of time and make one of those that overlap; return how many are left. */
static size_t unite(struct figure_stall *stalls, size_t count)
{
    size_t kept = 0;
    if (count > 0)
        qsort(stalls, count, sizeof *stalls, compare_starts);
    for (size_t i = 0; i < count; i++) {
        if (kept > 0 && stalls[i].from_ns <= stalls[kept - 1].to_ns)
            stalls[kept - 1].to_ns = later(stalls[i].to_ns, stalls[kept - 1].to_ns);
        else
            stalls[kept++] = stalls[i];
    }
    return kept;
}

void chart_stalls(struct chart_maker *maker, const struct model_exchange *x, int64_t from_ns, int64_t to_ns)
{
    struct chart_row *row = &maker->row;
    const struct model_http2 *http2 = maker->connection->http2;
    size_t first = row->stall_count;
    for (int direction = 0; direction < MODEL_DIRECTIONS; direction++) {
        struct span span = message_span(maker, x, direction);
        if (x->h2)
            add_all(row, x->h2->stall_times[direction], (struct span){from_ns, to_ns});
        if (http2)
            add_all(row, http2->stall_times[direction],
                    (struct span){later(span.from_ns, from_ns), earlier(span.to_ns, to_ns)});
    }
    if (row->stall_count > first)
        row->stall_count = first + unite(row->stalls + first, row->stall_count - first);
}

void chart_stalls_merged(struct chart_row *row, struct figure_stall *stalls, size_t count)
{
    size_t bar = 0;
    count = unite(stalls, count);
    for (size_t i = 0; i < count; i++) {
        struct model_stall stall = {stalls[i].from_ns, stalls[i].to_ns};
        while (bar < row->bar_count && row->bars[bar].to_ns <= stall.from_ns)
            bar++;
        for (size_t k = bar; k < row->bar_count && row->bars[k].from_ns < stall.to_ns; k++)
            add(row, k, within(&stall, (struct span){row->bars[k].from_ns, row->bars[k].to_ns}));
    }
    free(stalls);
}
