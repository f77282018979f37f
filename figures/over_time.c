/* Plots over time: throughput and concurrency. */
#include <math.h>
#include <stdlib.h>

#include "analyze/format.h"
#include "analyze/metrics.h"
#include "base/memory.h"
#include "figures/plots_parts.h"

/* ---------------------------------------------------------------- throughput */

/* More bins than this show noise, not a rate; and so many steps of a number are one blot. */
enum { SHOWN_BINS = 200, SHOWN_STEPS = 5 * SHOWN_BINS };

struct plots *plots_throughput(const struct model_session *session, const struct plots_options *options)
{
    struct plots *plots = plots_new(PLOT_LINES, options, "No bytes were received.");
    const struct rate *rate = &session->received;
    struct plot_axis axis = plots_time_axis(session, options);
    if (rate->count == 0) {
        plots->figure.panel_count = 0;
        return plots;
    }
    int64_t factor = (int64_t)ceil((axis.to - axis.from) / SHOWN_BINS / (double)rate->bin_ns);
    if (factor < 1)
        factor = 1;
    int64_t bin_ns = rate->bin_ns * factor;
    size_t first = (size_t)(axis.from / (double)bin_ns), end = (size_t)(axis.to / (double)bin_ns) + 1;
    double *x = plots_numbers(plots, end - first + 1), *y = plots_numbers(plots, end - first + 1);
    for (size_t i = first; i <= end; i++) { /* the last one only ends the one before */
        uint64_t bytes = 0;
        for (size_t k = i * (size_t)factor; i < end && k < (i + 1) * (size_t)factor && k < rate->count; k++)
            bytes = rate_sum(bytes, rate->bins[k]);
        x[i - first] = (double)i * (double)bin_ns;
        y[i - first] = (double)bytes * 1e9 / (double)bin_ns;
    }
    plots->series = memory_new(1, sizeof *plots->series);
    plots->series[0] = (struct plot_series){.x = x, .y = y, .count = end - first + 1, .steps = true, .area = true};
    plots->panel.series = plots->series;
    plots->panel.series_count = 1;
    plots->panel.x = axis;
    plots->panel.y = (struct plot_axis){.label = figure_text("received"), .unit = PLOT_BYTES_PER_S};
    return plots;
}

/* ---------------------------------------------------------------- concurrency */

/* Changes of a number over time. */
struct changes {
    struct change {
        int64_t t_ns;
        int by;
    } * list;
    size_t count, capacity;
};

static void change(struct changes *changes, int64_t t_ns, int by)
{
    changes->list = memory_grow(changes->list, changes->count, &changes->capacity, sizeof *changes->list);
    changes->list[changes->count++] = (struct change){t_ns, by};
}

/* Count something that was there from from_ns to to_ns. */
static void span(struct changes *changes, int64_t from_ns, int64_t to_ns)
{
    if (from_ns == MODEL_NONE || to_ns <= from_ns)
        return;
    change(changes, from_ns, 1);
    change(changes, to_ns, -1);
}

static int compare(const void *a, const void *b)
{
    const struct change *x = a, *y = b;
    return x->t_ns < y->t_ns ? -1 : x->t_ns > y->t_ns;
}

/* Set `series` to the number that the changes, which are freed, make over time. */
static void set_steps(struct plots *plots, struct plot_series *series, struct changes *changes)
{
    double *x = plots_numbers(plots, changes->count), *y = plots_numbers(plots, changes->count);
    if (changes->count > 0)
        qsort(changes->list, changes->count, sizeof *changes->list, compare);
    int now = 0;
    series->count = 0;
    for (size_t i = 0; i < changes->count; i++) {
        now += changes->list[i].by;
        if (i + 1 < changes->count && changes->list[i + 1].t_ns == changes->list[i].t_ns)
            continue;
        x[series->count] = (double)changes->list[i].t_ns;
        y[series->count++] = now;
    }
    series->x = x;
    series->y = y;
    series->steps = true;
    free(changes->list);
}

static bool is_crowded(const struct plot_series *series, const struct plot_axis *axis)
{
    size_t n = 0;
    for (size_t i = 0; i < series->count; i++)
        n += series->x[i] >= axis->from && series->x[i] <= axis->to;
    return n > SHOWN_STEPS;
}

/* Let `series` show averages over the bins of `axis` in place of its steps. */
static void average(struct plots *plots, struct plot_series *series, const struct plot_axis *axis)
{
    double *x = plots_numbers(plots, SHOWN_BINS + 1), *y = plots_numbers(plots, SHOWN_BINS + 1);
    double width = (axis->to - axis->from) / SHOWN_BINS, now = 0;
    size_t step = 0;
    for (size_t i = 0; i < SHOWN_BINS; i++) {
        double at = axis->from + (double)i * width, end = axis->from + (double)(i + 1) * width, sum = 0;
        x[i] = at;
        for (; step < series->count && series->x[step] < end; step++) {
            if (series->x[step] > at) {
                sum += now * (series->x[step] - at);
                at = series->x[step];
            }
            now = series->y[step];
        }
        y[i] = (sum + now * (end - at)) / width;
    }
    x[SHOWN_BINS] = axis->to;
    y[SHOWN_BINS] = y[SHOWN_BINS - 1];
    series->x = x;
    series->y = y;
    series->count = SHOWN_BINS + 1;
}

/* Average where there are too many steps to see. */
static void thin(struct plots *plots, const struct plot_axis *axis)
{
    char buffer[FORMAT_BYTES];
    size_t count = plots->panel.series_count;
    bool crowded = false;
    for (size_t i = 0; i < count; i++)
        crowded = crowded || is_crowded(&plots->series[i], axis);
    if (!crowded)
        return;
    for (size_t i = 0; i < count; i++)
        average(plots, &plots->series[i], axis);
    double width_ns = (axis->to - axis->from) / SHOWN_BINS;
    plots_note(plots, plots_printf(plots, "Averages over %s.", format_duration(buffer, (int64_t)width_ns)));
}

static void add_requests(struct changes *changes, const struct model_session *session,
                         const struct model_connection *connection, int64_t given_up_ns)
{
    for (const struct model_exchange *x = model_first_exchange(session, connection); x;
         x = model_next_exchange(session, x)) {
        int64_t end_ns = metrics_exchange_end_ns(x);
        if (x->has_request)
            span(changes, metrics_request_sent_ns(connection, x), end_ns != MODEL_NONE ? end_ns : given_up_ns);
    }
}

struct plots *plots_concurrency(const struct model_session *session, const struct plots_options *options)
{
    struct plots *plots = plots_new(PLOT_LINES, options, "No connections were recorded.");
    struct changes connections = {0}, requests = {0};
    for (size_t i = 0; i < session->connection_count; i++) {
        const struct model_connection *c = model_connection(session, i);
        int64_t end_ns = c->end_ns != MODEL_NONE ? c->end_ns : session->last_ns;
        span(&connections, metrics_connection_start_ns(c), end_ns);
        add_requests(&requests, session, c, end_ns);
    }
    plots->series = memory_new(2, sizeof *plots->series);
    plots->series[0].label = figure_text("open connections");
    set_steps(plots, &plots->series[0], &connections);
    plots->series[1].label = figure_text("requests on their way");
    plots->series[1].style = 1;
    set_steps(plots, &plots->series[1], &requests);
    plots->panel.series = plots->series;
    plots->panel.series_count = plots->series[1].count > 0 ? 2 : 1;
    plots->panel.x = plots_time_axis(session, options);
    plots->panel.y = (struct plot_axis){.label = figure_text("at once"), .unit = PLOT_NUMBER};
    if (plots->series[0].count == 0)
        plots->figure.panel_count = 0;
    thin(plots, &plots->panel.x);
    return plots;
}
