/*
 * The lanes of a connection with many requests at once.
 *
 * A request goes, in the order of their starts, on the first lane that is free then. There are at most most_lanes();
 * where that is too few, the last one is for all requests that have no room on the others: their bars are merged to
 * fewer, which say what at least one of them does: transfer, else waiting, else delay; and whether flow control holds
 * one of them back.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "analyze/chart_parts.h"
#include "analyze/format.h"
#include "base/memory.h"

/* A picture of one connection shows as many streams at once as servers usually allow; of many, it stays readable. */
enum { LANES_OF_ONE = 128, LANES_OF_FEW = 24, LANES_OF_MANY = 8, LANES_OF_MOST = 4, FEW = 20, MANY = 60 };

static size_t most_lanes(const struct chart *chart)
{
    if (chart->connection_count == 1)
        return LANES_OF_ONE;
    if (chart->connection_count <= FEW)
        return LANES_OF_FEW;
    return chart->connection_count <= MANY ? LANES_OF_MANY : LANES_OF_MOST;
}

/* A request that wants a place. */
struct stream {
    const struct model_exchange *exchange;
    int64_t from_ns, to_ns;
    size_t lane; /* the number of lanes: none */
};

static int compare_starts(const void *left, const void *right)
{
    const struct stream *a = left, *b = right;
    if (a->from_ns != b->from_ns)
        return a->from_ns < b->from_ns ? -1 : 1;
    return (a->exchange->id > b->exchange->id) - (a->exchange->id < b->exchange->id);
}

/* Return the connection's requests in the order of their starts, and store their number in *count. */
static struct stream *collect(const struct chart_maker *maker, size_t *count)
{
    const struct model_session *session = maker->chart->session;
    struct stream *streams = memory_new(maker->connection->exchange_count, sizeof *streams);
    *count = 0;
    for (const struct model_exchange *x = model_first_exchange(session, maker->connection); x;
         x = model_next_exchange(session, x)) {
        int64_t from_ns = chart_exchange_start(x), to_ns = chart_exchange_end(maker, x);
        streams[(*count)++] = (struct stream){x, from_ns, to_ns > from_ns ? to_ns : from_ns, 0};
    }
    if (*count > 0)
        qsort(streams, *count, sizeof *streams, compare_starts);
    return streams;
}

/* Give the streams places on `lanes` lanes; return how many have none, and store the number of lanes used in *used. */
static size_t pack(struct stream *streams, size_t count, size_t lanes, size_t *used)
{
    int64_t free_ns[LANES_OF_ONE];
    size_t without = 0;
    *used = 0;
    for (size_t i = 0; i < count; i++) {
        struct stream *stream = &streams[i];
        stream->lane = 0;
        while (stream->lane < *used && free_ns[stream->lane] > stream->from_ns)
            stream->lane++;
        if (stream->lane == lanes) {
            without++;
            continue;
        }
        if (stream->lane == *used)
            (*used)++;
        free_ns[stream->lane] = stream->to_ns;
    }
    return without;
}

/* ---------------------------------------------------------------- merging */

/* A bar begins, or ends. */
struct change {
    int64_t t_ns;
    size_t phase;
    bool ends;
};

static int compare_changes(const void *left, const void *right)
{
    const struct change *a = left, *b = right;
    if (a->t_ns != b->t_ns)
        return a->t_ns < b->t_ns ? -1 : 1;
    return b->ends - a->ends; /* what follows at once is not there twice */
}

/* What goes on at a moment: bars of each phase. */
struct going_on {
    size_t bars[CHART_PHASES];
};

/* Return the phase that is shown of what goes on; CHART_PHASES: none. */
static size_t shown_phase(const struct going_on *now)
{
    static const size_t order[] = {CHART_TRANSFER, CHART_WAITING, CHART_DELAY};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        if (now->bars[order[i]] > 0)
            return order[i];
    }
    return CHART_PHASES;
}

static void add_merged(struct chart_maker *maker, size_t phase, int64_t from_ns, int64_t to_ns, size_t most)
{
    char buffer[FORMAT_BYTES];
    chart_bar(maker, phase, false, from_ns, to_ns,
              chart_printf(maker->chart, "streams that have no lane of their own: here up to %s at once",
                           format_count(buffer, most)));
}

/* Add to maker->row merged bars for the `count` bars `bars`, none of which ends before it begins. */
static void merge(struct chart_maker *maker, const struct figure_bar *bars, size_t count)
{
    struct change *changes = memory_new(2 * count, sizeof *changes);
    struct going_on now = {{0}};
    size_t phase = CHART_PHASES, open = 0, most = 0;
    int64_t since_ns = 0;
    for (size_t i = 0; i < count; i++) {
        changes[2 * i] = (struct change){bars[i].from_ns, bars[i].phase, false};
        changes[2 * i + 1] = (struct change){bars[i].to_ns, bars[i].phase, true};
    }
    if (count > 0)
        qsort(changes, 2 * count, sizeof *changes, compare_changes);
    for (size_t i = 0; i < 2 * count; i++) {
        now.bars[changes[i].phase] += changes[i].ends ? (size_t)-1 : 1;
        open += changes[i].ends ? (size_t)-1 : 1;
        most = open > most ? open : most;
        bool more = i + 1 < 2 * count && changes[i + 1].t_ns == changes[i].t_ns;
        size_t next = shown_phase(&now);
        if (more || next == phase)
            continue;
        if (phase != CHART_PHASES)
            add_merged(maker, phase, since_ns, changes[i].t_ns, most);
        phase = next;
        since_ns = changes[i].t_ns;
        most = open;
    }
    free(changes);
}

/* Replace the bars of maker->row by merged ones, those of no length by dots, and keep them where the shares are counted
 * from. Return how many merged bars there are. */
static size_t fold(struct chart_maker *maker)
{
    struct chart *chart = maker->chart;
    struct figure_bar *bars = maker->row.bars;
    struct figure_stall *stalls = maker->row.stalls;
    size_t count = maker->row.bar_count, stall_count = maker->row.stall_count, first = chart->folded_count;
    maker->row.bars = NULL;
    maker->row.stalls = NULL;
    maker->row.bar_count = maker->row.bar_capacity = maker->row.stall_count = maker->row.stall_capacity = 0;
    for (size_t i = 0; i < count; i++) {
        if (bars[i].from_ns == bars[i].to_ns) {
            chart_dot(maker, bars[i].phase, bars[i].from_ns, bars[i].tooltip);
            continue;
        }
        chart->folded = memory_grow(chart->folded, chart->folded_count, &chart->folded_capacity, sizeof *chart->folded);
        chart->folded[chart->folded_count++] = bars[i];
    }
    if (chart->folded_count > first)
        merge(maker, chart->folded + first, chart->folded_count - first);
    chart_stalls_merged(&maker->row, stalls, stall_count);
    free(bars);
    return maker->row.bar_count;
}

/* ---------------------------------------------------------------- the lanes */

/* Fill maker->row with the streams of `lane`. */
static void fill(struct chart_maker *maker, const struct stream *streams, size_t count, size_t lane)
{
    for (size_t i = 0; i < count; i++) {
        if (streams[i].lane == lane)
            chart_exchange(maker, streams[i].exchange, MODEL_NONE);
    }
}

void chart_streams(struct chart_maker *maker, struct chart_further *further)
{
    size_t count, lanes = most_lanes(maker->chart), used;
    struct stream *streams = collect(maker, &count);
    *further = (struct chart_further){.folded = pack(streams, count, lanes, &used)};
    if (further->folded > 0)
        further->folded = pack(streams, count, --lanes, &used);
    fill(maker, streams, count, 0);
    struct chart_row first = maker->row;
    further->count = used > 0 ? used - 1 + (further->folded > 0) : 0;
    further->rows = memory_new(further->count, sizeof *further->rows);
    for (size_t i = 0; i < further->count; i++) {
        maker->row = (struct chart_row){0};
        fill(maker, streams, count, i + 1);
        if (i + 1 == further->count && further->folded > 0)
            further->merged = fold(maker);
        further->rows[i] = maker->row;
    }
    maker->row = first;
    free(streams);
}
