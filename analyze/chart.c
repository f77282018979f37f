#include "analyze/chart.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/chart_parts.h"
#include "analyze/format.h"
#include "base/memory.h"

/* ---------------------------------------------------------------- text */

FILE *chart_text_begin(struct chart_text *text)
{
    *text = (struct chart_text){0};
    text->stream = open_memstream(&text->text, &text->len);
    if (!text->stream)
        abort();
    return text->stream;
}

struct figure_text chart_text_end(struct chart *chart, struct chart_text *text)
{
    if (fclose(text->stream) != 0)
        abort();
    struct text kept = texts_keep(&chart->texts, text->text, text->len);
    free(text->text);
    return (struct figure_text){(const char *)kept.data, kept.len};
}

struct figure_text chart_printf(struct chart *chart, const char *format, ...)
{
    struct chart_text text;
    FILE *out = chart_text_begin(&text);
    va_list arguments;
    va_start(arguments, format);
    vfprintf(out, format, arguments);
    va_end(arguments);
    return chart_text_end(chart, &text);
}

void chart_put(FILE *out, struct text text)
{
    if (text.len > 0)
        fwrite(text.data, 1, text.len, out);
}

void chart_put_duration(FILE *out, const char *name, int64_t ns)
{
    char buffer[FORMAT_BYTES];
    if (ns != MODEL_NONE)
        fprintf(out, " · %s %s", name, format_seconds(buffer, ns));
}

void chart_put_delay(FILE *out, int64_t from_ns, int64_t sent_ns)
{
    char buffer[FORMAT_BYTES];
    if (from_ns != MODEL_NONE && sent_ns > from_ns)
        fprintf(out, " · delayed by %s, as set", format_seconds(buffer, sent_ns - from_ns));
}

/* ---------------------------------------------------------------- groups */

static bool server_selected(const struct chart_options *options, const struct model_server *server)
{
    return !options->server || (server && model_server_named(server, options->server));
}

/* Return whether the connection was there in the period that is asked for. */
static bool in_period(const struct chart_options *options, const struct model_connection *connection)
{
    if (options->to_ns != MODEL_NONE && connection->first_ns > options->to_ns)
        return false;
    return options->from_ns == MODEL_NONE || model_connection_open(connection) ||
           connection->last_ns >= options->from_ns;
}

/* Return whether the connection number `index` of the session is shown. */
static bool selected(const struct chart *chart, size_t index)
{
    const struct model_connection *connection = model_connection(chart->session, index);
    if (chart->options.shown && !chart->options.shown[index])
        return false;
    if (chart->options.one_connection && connection->id != chart->options.connection)
        return false;
    if (!in_period(&chart->options, connection))
        return false;
    return server_selected(&chart->options, connection->server == MODEL_NO_INDEX
                                                ? NULL
                                                : model_server(chart->session, connection->server));
}

static struct figure_text group_label(struct chart *chart, size_t index)
{
    if (index == chart->session->server_count)
        return figure_text("(no request)");
    const struct model_server *server = model_server(chart->session, index);
    if (server->kind == MODEL_SERVER_LOOKUP)
        return figure_text("(name look-ups)");
    struct chart_text text;
    FILE *out = chart_text_begin(&text);
    chart_put(out, server->host);
    fprintf(out, ":%" PRIu32, server->port);
    return chart_text_end(chart, &text);
}

/* Return the group of a connection: its server, or the one behind the last server. */
static size_t group_of(const struct chart *chart, const struct model_connection *connection)
{
    return connection->server == MODEL_NO_INDEX ? chart->session->server_count : connection->server;
}

/* Add the group number `index`, unless it is empty: the `count` connections whose indices are `indices`. */
static void add_group(struct chart *chart, size_t index, const size_t *indices, size_t count)
{
    size_t first = chart->lane_count;
    for (size_t i = 0; i < count; i++)
        chart_lanes(chart, model_connection(chart->session, indices[i]));
    size_t lanes = chart->lane_count - first;
    if (lanes > 0)
        chart->groups[chart->figure.group_count++] =
            (struct figure_group){.label = group_label(chart, index), .lane_count = lanes};
}

/* Return the indices of the connections that are shown, group by group; first[i] becomes the place of the first one of
 * group i, of `groups`, and first[groups] their number. */
static size_t *order_connections(const struct chart *chart, size_t *first, size_t groups)
{
    const struct model_session *session = chart->session;
    size_t *next = memory_new(groups, sizeof *next);
    for (size_t i = 0; i < session->connection_count; i++) {
        if (selected(chart, i))
            first[group_of(chart, model_connection(session, i)) + 1]++;
    }
    for (size_t i = 0; i < groups; i++)
        first[i + 1] += first[i];
    size_t *indices = memory_new(first[groups], sizeof *indices);
    for (size_t i = 0; i < session->connection_count; i++) {
        size_t group = group_of(chart, model_connection(session, i));
        if (selected(chart, i))
            indices[first[group] + next[group]++] = i;
    }
    free(next);
    return indices;
}

/* Make the groups with their lanes; those without a lane are left out. */
static void make_groups(struct chart *chart)
{
    size_t groups = chart->session->server_count + 1;
    size_t *first = memory_new(groups + 1, sizeof *first);
    size_t *indices = order_connections(chart, first, groups);
    chart->connection_count = first[groups];
    chart->groups = memory_new(groups, sizeof *chart->groups);
    for (size_t i = 0; i < groups; i++)
        add_group(chart, i, indices + first[i], first[i + 1] - first[i]);
    const struct figure_lane *lane = chart->lanes;
    for (size_t i = 0; i < chart->figure.group_count; i++) {
        chart->groups[i].lanes = lane;
        lane += chart->groups[i].lane_count;
    }
    free(indices);
    free(first);
}

/* ---------------------------------------------------------------- the time axis */

/*
 * Set the time axis: as asked for, or from 0 to the last activity. Where nothing happens for long after the recording's
 * start, it begins with the first activity instead.
 */
static void set_axis(struct chart *chart)
{
    int64_t first_ns = chart->activity_from_ns, last_ns = chart->activity_to_ns;
    if (first_ns == MODEL_NONE)
        first_ns = last_ns = 0;
    int64_t margin_ns = (last_ns - first_ns) / 40;
    int64_t from_ns =
        first_ns > (last_ns - first_ns) / 4 ? first_ns - (margin_ns < first_ns ? margin_ns : first_ns) : 0;
    int64_t to_ns = last_ns < INT64_MAX - margin_ns ? last_ns + margin_ns : INT64_MAX;
    chart->figure.from_ns = chart->options.from_ns == MODEL_NONE ? from_ns : chart->options.from_ns;
    chart->figure.to_ns = chart->options.to_ns == MODEL_NONE ? to_ns : chart->options.to_ns;
}

/* Add the part of each bar that is within the axis to the share of its phase. */
static void add_shares_of(struct chart *chart, const struct figure_bar *bars, size_t count)
{
    int64_t from_ns = chart->figure.from_ns, to_ns = chart->figure.to_ns;
    for (size_t i = 0; i < count; i++) {
        const struct figure_bar *bar = &bars[i];
        int64_t begin_ns = bar->from_ns > from_ns ? bar->from_ns : from_ns;
        int64_t end_ns = bar->to_ns < to_ns ? bar->to_ns : to_ns;
        uint64_t *share = &chart->shares[bar->phase][bar->inferred];
        if (end_ns > begin_ns)
            *share = rate_sum(*share, (uint64_t)(end_ns - begin_ns));
    }
}

static void add_shares(struct chart *chart)
{
    size_t next = 0; /* of those with merged bars */
    for (size_t i = 0; i < chart->lane_count; i++) {
        size_t count = chart->lanes[i].bar_count;
        if (next < chart->merged_count && chart->merged[next].lane == i)
            count -= chart->merged[next++].count;
        add_shares_of(chart, chart->lanes[i].bars, count);
    }
    add_shares_of(chart, chart->folded, chart->folded_count);
}

struct chart *chart_new(const struct model_session *session, const struct chart_options *options)
{
    struct chart *chart = memory_new(1, sizeof *chart);
    chart->session = session;
    chart->options = *options;
    chart->activity_from_ns = chart->activity_to_ns = MODEL_NONE;
    make_groups(chart);
    chart->figure.groups = chart->groups;
    set_axis(chart);
    add_shares(chart);
    chart_marks(chart);
    chart_frame(chart);
    return chart;
}

void chart_free(struct chart *chart)
{
    if (!chart)
        return;
    for (size_t i = 0; i < chart->lane_count; i++)
        chart_lane_free(&chart->lanes[i]);
    free(chart->lanes);
    free(chart->folded);
    free(chart->merged);
    free(chart->groups);
    free(chart->strip_bins);
    free(chart->marks);
    texts_fini(&chart->texts);
    free(chart);
}

const struct timeline_figure *chart_figure(const struct chart *chart)
{
    return &chart->figure;
}
