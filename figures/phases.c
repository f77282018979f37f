/* Where the time went: bars of servers or of page loads. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/metrics.h"
#include "analyze/url.h"
#include "base/memory.h"
#include "figures/plots_parts.h"

/* Nothing was on its way: nearly the paper's. */
#define COLOR_IDLE                                                                                                     \
    {                                                                                                                  \
        0xec, 0xee, 0xf1                                                                                               \
    }

enum phase { SOCKS, TLS, WAITING, TRANSFER, OPAQUE, IDLE, PHASES };

static const struct figure_phase palettes[][PHASES] = {
    [PLOTS_SERVERS] = {[SOCKS] = {.label = {"SOCKS", 5}, .color = FIGURE_COLOR_SOCKS},
                       [TLS] = {.label = {"TLS", 3}, .color = FIGURE_COLOR_TLS},
                       [WAITING] = {.label = {"waiting", 7}, .color = FIGURE_COLOR_WAITING},
                       [TRANSFER] = {.label = {"transfer", 8}, .color = FIGURE_COLOR_TRANSFER},
                       [OPAQUE] = {.label = {"other data", 10}, .color = FIGURE_COLOR_OPAQUE}},
    [PLOTS_PAGES] = {[SOCKS] = {.label = {"SOCKS", 5}, .color = FIGURE_COLOR_SOCKS},
                     [TLS] = {.label = {"TLS", 3}, .color = FIGURE_COLOR_TLS},
                     [WAITING] = {.label = {"waiting", 7}, .color = FIGURE_COLOR_WAITING},
                     [TRANSFER] = {.label = {"transfer", 8}, .color = FIGURE_COLOR_TRANSFER},
                     [IDLE] = {.label = {"idle", 4}, .color = COLOR_IDLE}},
};

struct bar {
    size_t index; /* of the server or page; SIZE_MAX: all others */
    double parts[PHASES], inferred[PHASES], sum;
};

static void add(struct bar *bar, enum phase phase, int64_t ns)
{
    if (ns == MODEL_NONE)
        return;
    bar->parts[phase] += (double)ns;
    bar->sum += (double)ns;
}

static void add_inferred(struct bar *bar, enum phase phase, int64_t ns)
{
    if (ns == MODEL_NONE)
        return;
    bar->inferred[phase] += (double)ns;
    bar->sum += (double)ns;
}

/* Add what can be seen of the connection without keys; return whether that was all. */
static bool add_turns(struct bar *bar, const struct model_connection *c)
{
    int64_t from_ns = metrics_encrypted_from_ns(c);
    if (from_ns == MODEL_NONE)
        return false;
    for (size_t i = 0; c->tls->turns && i < c->tls->turns->count; i++) {
        const struct model_turn *turn = &c->tls->turns->turns[i];
        if (turn->request_first_ns < from_ns)
            continue;
        add_inferred(bar, WAITING, metrics_turn_waiting_ns(c, turn));
        add_inferred(bar, TRANSFER, metrics_turn_transfer_ns(c, turn));
    }
    return c->tls->turns;
}

static void add_connection(struct bar *bar, const struct model_session *session, const struct model_connection *c)
{
    add(bar, SOCKS, metrics_socks_ns(c));
    if (c->tls && c->tls->end_inferred)
        add_inferred(bar, TLS, metrics_tls_ns(c));
    else
        add(bar, TLS, metrics_tls_ns(c));
    for (const struct model_exchange *x = model_first_exchange(session, c); x; x = model_next_exchange(session, x)) {
        add(bar, WAITING, metrics_waiting_ns(c, x));
        add(bar, TRANSFER, metrics_transfer_ns(c, x));
    }
    if (add_turns(bar, c))
        return;
    for (size_t i = 0; c->bursts && i < c->bursts->count; i++)
        add(bar, OPAQUE, c->bursts->bursts[i].to_ns - c->bursts->bursts[i].from_ns);
}

/* Return one bar for each server, *count of them. */
static struct bar *gather_servers(const struct model_session *session, size_t *count)
{
    struct bar *bars = memory_new(session->server_count, sizeof *bars);
    *count = session->server_count;
    for (size_t i = 0; i < *count; i++)
        bars[i].index = i;
    for (size_t i = 0; i < session->connection_count; i++) {
        const struct model_connection *c = model_connection(session, i);
        if (c->server != MODEL_NO_INDEX)
            add_connection(&bars[c->server], session, c);
    }
    return bars;
}

static struct bar *gather_pages(const struct pages *pages, size_t *count)
{
    struct bar *bars = memory_new(pages_count(pages), sizeof *bars);
    *count = pages_count(pages);
    for (size_t i = 0; i < *count; i++) {
        const struct page_parts *parts = &pages_get(pages, i)->parts;
        bars[i].index = i;
        add(&bars[i], SOCKS, parts->socks_ns);
        add(&bars[i], TLS, parts->tls_ns);
        add(&bars[i], WAITING, parts->waiting_ns);
        add(&bars[i], TRANSFER, parts->transfer_ns);
        add(&bars[i], IDLE, parts->idle_ns);
    }
    return bars;
}

/* Those with most time first. */
static int compare_sums(const void *a, const void *b)
{
    const struct bar *x = a, *y = b;
    if (x->sum != y->sum)
        return x->sum > y->sum ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

static int compare_indices(const void *a, const void *b)
{
    const struct bar *x = a, *y = b;
    return x->index < y->index ? -1 : x->index > y->index;
}

/* Add `count` bars to `others` and make it that of their means and its own: a sum would be longer than all the rest. */
static void average(struct bar *others, const struct bar *bars, size_t count)
{
    for (int phase = 0; phase < PHASES; phase++) {
        for (size_t i = 0; i < count; i++) {
            others->parts[phase] += bars[i].parts[phase];
            others->inferred[phase] += bars[i].inferred[phase];
        }
        others->parts[phase] /= (double)(count + 1);
        others->inferred[phase] /= (double)(count + 1);
    }
}

/* Leave the bars that have most time, in the order of their indices, and average the others. Return their number;
 * *total, of all, becomes that of those with time. */
static size_t reduce(struct bar *bars, size_t *total)
{
    size_t count = *total;
    if (count > 0)
        qsort(bars, count, sizeof *bars, compare_sums);
    while (count > 0 && bars[count - 1].sum <= 0)
        count--;
    *total = count;
    if (count > PLOTS_MAX_BARS) {
        struct bar *others = &bars[PLOTS_MAX_BARS - 1];
        average(others, others + 1, count - PLOTS_MAX_BARS);
        others->index = SIZE_MAX;
        count = PLOTS_MAX_BARS;
    }
    if (count > 0)
        qsort(bars, count, sizeof *bars, compare_indices);
    return count;
}

static struct figure_text recorded(struct text text)
{
    return (struct figure_text){(const char *)text.data, text.len};
}

static struct figure_text server_label(struct plots *plots, const struct model_session *session, size_t index)
{
    const struct model_server *server = model_server(session, index);
    if (server->kind == MODEL_SERVER_LOOKUP)
        return figure_text("look-ups");
    return plots_join(plots, recorded(server->host), plots_printf(plots, ":%" PRIu32, server->port));
}

static struct figure_text page_label(struct plots *plots, const struct page *page)
{
    struct figure_text number = plots_printf(plots, "%" PRIu32 "  ", page->number), host = recorded(page->host);
    if (!url_is_usual_port(page->https, page->port))
        host = plots_join(plots, host, plots_printf(plots, ":%" PRIu32, page->port));
    return plots_join(plots, number, plots_join(plots, host, recorded(page->target)));
}

struct plots *plots_phases(const struct model_session *session, const struct pages *pages, enum plots_bars kind,
                           const struct plots_options *options)
{
    const char *empty = kind == PLOTS_SERVERS ? "No times were recorded."
                                              : "Of no page load are the parts known (those by server may be).";
    struct plots *plots = plots_new(PLOT_BARS, options, empty);
    size_t total, count;
    struct bar *bars = kind == PLOTS_SERVERS ? gather_servers(session, &total) : gather_pages(pages, &total);
    count = reduce(bars, &total);
    plots->bars = memory_new(count, sizeof *plots->bars);
    for (size_t i = 0; i < count; i++) {
        double *parts = plots_numbers(plots, PHASES), *inferred = plots_numbers(plots, PHASES);
        memcpy(parts, bars[i].parts, sizeof bars[i].parts);
        memcpy(inferred, bars[i].inferred, sizeof bars[i].inferred);
        plots->bars[i].parts = parts;
        plots->bars[i].inferred = inferred;
        if (bars[i].index == SIZE_MAX)
            plots->bars[i].label = plots_printf(plots, "%zu others, mean", total - (PLOTS_MAX_BARS - 1));
        else if (kind == PLOTS_SERVERS)
            plots->bars[i].label = server_label(plots, session, bars[i].index);
        else
            plots->bars[i].label = page_label(plots, pages_get(pages, bars[i].index));
    }
    free(bars);
    plots->panel.palette = palettes[kind];
    plots->panel.palette_count = PHASES;
    plots->panel.inferred_label = figure_text("inferred (encrypted)");
    plots->panel.bars = plots->bars;
    plots->panel.bar_count = count;
    plots->panel.x =
        (struct plot_axis){.label = figure_text(kind == PLOTS_SERVERS ? "sum of times" : "load time"), .unit = PLOT_NS};
    if (count == 0)
        plots->figure.panel_count = 0;
    return plots;
}
