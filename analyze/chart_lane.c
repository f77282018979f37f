/* The lane of a connection: its bars, dots, failures and end, and what their tooltips say. */
#include <inttypes.h>
#include <stdlib.h>

#include "analyze/chart_parts.h"
#include "analyze/format.h"
#include "base/memory.h"
#include "analyze/metrics.h"
#include "analyze/words.h"

void chart_note(struct chart *chart, int64_t t_ns)
{
    if (t_ns == MODEL_NONE)
        return;
    if (chart->activity_from_ns == MODEL_NONE || t_ns < chart->activity_from_ns)
        chart->activity_from_ns = t_ns;
    if (t_ns > chart->activity_to_ns)
        chart->activity_to_ns = t_ns;
}

void chart_bar(struct chart_maker *maker, size_t phase, bool inferred, int64_t from_ns, int64_t to_ns,
               struct figure_text tooltip)
{
    struct chart_row *row = &maker->row;
    if (to_ns < from_ns)
        return;
    row->bars = memory_grow(row->bars, row->bar_count, &row->bar_capacity, sizeof *row->bars);
    row->bars[row->bar_count++] = (struct figure_bar){.phase = phase,
                                                      .from_ns = from_ns,
                                                      .to_ns = to_ns,
                                                      .inferred = inferred,
                                                      .tooltip = tooltip,
                                                      .link = maker->link};
}

void chart_dot(struct chart_maker *maker, size_t phase, int64_t t_ns, struct figure_text tooltip)
{
    struct chart_row *row = &maker->row;
    row->dots = memory_grow(row->dots, row->dot_count, &row->dot_capacity, sizeof *row->dots);
    row->dots[row->dot_count++] =
        (struct figure_dot){.phase = phase, .t_ns = t_ns, .tooltip = tooltip, .link = maker->link};
}

void chart_failure(struct chart_maker *maker, int64_t t_ns, struct figure_text label, struct figure_text tooltip)
{
    struct chart_row *row = &maker->row;
    row->failures = memory_grow(row->failures, row->failure_count, &row->failure_capacity, sizeof *row->failures);
    row->failures[row->failure_count++] =
        (struct figure_failure){.t_ns = t_ns, .label = label, .tooltip = tooltip, .link = maker->link};
}

/* ---------------------------------------------------------------- SOCKS */

static struct figure_text socks_tooltip(struct chart_maker *maker)
{
    const struct model_connection *c = maker->connection;
    char buffer[FORMAT_BYTES];
    struct chart_text text;
    FILE *out = chart_text_begin(&text);
    const char *command = words_socks_command(c->command);
    fprintf(out, "SOCKS %s ", command ? command : "request");
    chart_put(out, c->host);
    if (c->port != 0)
        fprintf(out, ":%" PRIu32, c->port);
    fputs(" · ", out);
    if (c->socks_end_ns == MODEL_NONE) {
        fputs("no reply", out);
    } else if (c->reply != 0) {
        words_print_socks_reply(out, c->reply);
    } else {
        fputs("succeeded", out);
    }
    if (c->socks_start_ns != MODEL_NONE && c->socks_end_ns >= metrics_socks_start_ns(c))
        fprintf(out, " after %s", format_seconds(buffer, c->socks_end_ns - metrics_socks_start_ns(c)));
    chart_put_delay(out, c->socks_start_ns, c->socks_sent_ns);
    return chart_text_end(maker->chart, &text);
}

static struct figure_text reply_label(struct chart_maker *maker)
{
    struct chart_text text;
    FILE *out = chart_text_begin(&text);
    words_print_socks_reply(out, maker->connection->reply);
    return chart_text_end(maker->chart, &text);
}

static void add_socks(struct chart_maker *maker)
{
    const struct model_connection *c = maker->connection;
    chart_note(maker->chart, c->socks_start_ns);
    chart_note(maker->chart, c->socks_end_ns);
    chart_note(maker->chart, c->socks_sent_ns);
    if (c->socks_start_ns == MODEL_NONE)
        return;
    struct figure_text tooltip = socks_tooltip(maker);
    bool answered = c->socks_end_ns != MODEL_NONE;
    if (c->socks_sent_ns > c->socks_start_ns)
        chart_bar(maker, CHART_DELAY, false, c->socks_start_ns, c->socks_sent_ns, tooltip);
    chart_bar(maker, CHART_SOCKS, false, metrics_socks_start_ns(c), answered ? c->socks_end_ns : maker->end_ns,
              tooltip);
    if (metrics_socks_failed(c))
        chart_failure(maker, c->socks_end_ns, reply_label(maker), tooltip);
    else if (!answered && !maker->open)
        chart_failure(maker, maker->end_ns, figure_text("closed before the reply"), tooltip);
}

/* ---------------------------------------------------------------- violations */

static void add_violations(struct chart_maker *maker)
{
    for (int direction = 0; direction < MODEL_DIRECTIONS; direction++) {
        const struct model_violation *violation = &maker->connection->streams[direction].violation;
        const char *words = words_violation(violation->kind);
        if (violation->t_ns != MODEL_NONE)
            chart_failure(maker, violation->t_ns, figure_text(words ? words : "violation of the protocol"),
                          (struct figure_text){0});
    }
}

/* ---------------------------------------------------------------- the lane */

static bool rate_limited(const struct model_connection *c)
{
    return c->streams[MODEL_TO_SERVER].hold.first_ns != MODEL_NONE ||
           c->streams[MODEL_TO_CLIENT].hold.first_ns != MODEL_NONE;
}

/* Say that the requests of a connection are inferred. */
static void put_encrypted(FILE *out, const struct model_connection *c)
{
    char buffer[FORMAT_BYTES];
    uint64_t turns = c->tls && c->tls->turns ? c->tls->turns->count + c->tls->turns->omitted : 0;
    if (metrics_encrypted_from_ns(c) != MODEL_NONE && turns > 0)
        fprintf(out, " · encrypted: %s %s inferred", format_count(buffer, turns), turns == 1 ? "turn" : "turns");
}

static struct figure_text lane_tooltip(struct chart_maker *maker)
{
    const struct model_connection *c = maker->connection;
    char buffer[FORMAT_BYTES];
    struct chart_text text;
    FILE *out = chart_text_begin(&text);
    fprintf(out, "connection %" PRIu32, c->id);
    if (c->server != MODEL_NO_INDEX) {
        fputs(" to ", out);
        chart_put(out, c->host);
        if (c->port != 0)
            fprintf(out, ":%" PRIu32, c->port);
    }
    char protocol[WORDS_PROTOCOL_BYTES];
    if (*words_connection_protocol(protocol, maker->chart->session, c))
        fprintf(out, " · %s", protocol);
    chart_put_duration(out, "SOCKS", metrics_socks_ns(c));
    chart_put_duration(out, c->tls && c->tls->end_inferred ? "TLS (inferred)" : "TLS", metrics_tls_ns(c));
    if (metrics_possible_leak(c))
        fputs(" · asked for an IP address: a possible DNS leak", out);
    if (rate_limited(c))
        fputs(" · held back by a rate limit", out);
    if (c->exchange_count > 0)
        fprintf(out, " · %s %s", format_count(buffer, c->request_count),
                c->request_count == 1 ? "request" : "requests");
    int64_t received = model_connection_bytes(c, MODEL_TO_CLIENT);
    if (received != MODEL_NONE)
        fprintf(out, " · %s bytes received", format_count(buffer, (uint64_t)received));
    put_encrypted(out, c);
    return chart_text_end(maker->chart, &text);
}

/* Who ended the connection: the side whose direction ended first. */
static const char *who_ended(const struct model_connection *c)
{
    if (c->end_cause == MITM__END_CAUSE__PROXY_ENDED)
        return "mitm-proxy";
    int64_t client_ns = c->streams[MODEL_TO_SERVER].end_ns, server_ns = c->streams[MODEL_TO_CLIENT].end_ns;
    if (client_ns == server_ns)
        return NULL;
    if (server_ns == MODEL_NONE || (client_ns != MODEL_NONE && client_ns < server_ns))
        return "the client";
    return "the server";
}

static struct figure_text end_tooltip(struct chart_maker *maker)
{
    const struct model_connection *c = maker->connection;
    if (maker->open)
        return figure_text("still open when the recording ended");
    char buffer[FORMAT_BYTES];
    bool reset = c->end_cause == MITM__END_CAUSE__RESET;
    bool failed = c->end_cause == MITM__END_CAUSE__CONNECTION_ERROR;
    const char *who = who_ended(c);
    return chart_printf(maker->chart, "%s%s%s at %s",
                        failed  ? "failed"
                        : reset ? "reset"
                                : "closed",
                        who && !failed ? " by " : "", who && !failed ? who : "", format_seconds(buffer, c->end_ns));
}

/* Append a lane with what is in maker->row, which is empty then. */
static struct figure_lane *append(struct chart_maker *maker)
{
    struct chart *chart = maker->chart;
    struct chart_row *row = &maker->row;
    chart->lanes = memory_grow(chart->lanes, chart->lane_count, &chart->lane_capacity, sizeof *chart->lanes);
    struct figure_lane *lane = &chart->lanes[chart->lane_count++];
    *lane = (struct figure_lane){.bars = row->bars,
                                 .bar_count = row->bar_count,
                                 .dots = row->dots,
                                 .dot_count = row->dot_count,
                                 .failures = row->failures,
                                 .failure_count = row->failure_count,
                                 .stalls = row->stalls,
                                 .stall_count = row->stall_count};
    *row = (struct chart_row){0};
    return lane;
}

/* Append the first lane of a connection. */
static void append_first(struct chart_maker *maker)
{
    const struct model_connection *c = maker->connection;
    struct figure_lane *lane = append(maker);
    lane->label = chart_printf(maker->chart, "%" PRIu32, c->id);
    lane->tooltip = lane_tooltip(maker);
    lane->link = maker->link;
    lane->from_ns = metrics_connection_start_ns(c);
    lane->to_ns = maker->end_ns;
    lane->end = maker->open ? FIGURE_END_OPEN : FIGURE_END_CLOSED;
    lane->end_tooltip = end_tooltip(maker);
}

/* Append the lanes that continue it. */
static void append_further(struct chart_maker *maker, const struct chart_further *further)
{
    struct chart *chart = maker->chart;
    for (size_t i = 0; i < further->count; i++) {
        maker->row = further->rows[i];
        struct figure_lane *lane = append(maker);
        lane->continues = true;
        if (further->folded == 0 || i + 1 < further->count)
            continue;
        lane->label = chart_printf(chart, "+%zu", further->folded);
        chart->merged = memory_grow(chart->merged, chart->merged_count, &chart->merged_capacity, sizeof *chart->merged);
        chart->merged[chart->merged_count++] = (struct chart_merged){chart->lane_count - 1, further->merged};
        chart->folded_connections++;
    }
    free(further->rows);
}

/* Note what is counted of a connection. */
static void count(struct chart_maker *maker)
{
    const struct model_connection *c = maker->connection;
    struct chart *chart = maker->chart;
    chart->leaks += metrics_possible_leak(c);
    chart->limited += rate_limited(c);
    chart->has_streams |= c->http2 != NULL;
    chart->has_tls |= c->tls != NULL;
    chart->has_decrypted |= c->tls && c->tls->decrypted;
    chart->has_hidden |= metrics_hidden(c);
    chart_note(chart, metrics_connection_start_ns(c));
    if (!maker->open)
        chart_note(chart, c->end_ns);
    int64_t received = model_connection_bytes(c, MODEL_TO_CLIENT);
    if (received != MODEL_NONE) {
        chart->received_known = true;
        chart->received_bytes = model_number(rate_sum((uint64_t)chart->received_bytes, (uint64_t)received));
    }
}

void chart_lanes(struct chart *chart, const struct model_connection *c)
{
    struct chart_further further = {0};
    struct chart_maker maker = {.chart = chart, .connection = c, .open = model_connection_open(c)};
    maker.end_ns = maker.open ? chart->session->last_ns : c->end_ns;
    const char *prefix = chart->options.prefix;
    maker.link = chart_printf(chart, "#%sconnection-%" PRIu32, prefix ? prefix : "", c->id);
    add_socks(&maker);
    chart_tls(&maker);
    if (c->http2)
        chart_streams(&maker, &further);
    else
        chart_exchanges(&maker);
    chart_opaque(&maker, chart_turns(&maker));
    add_violations(&maker);
    count(&maker);
    append_first(&maker);
    append_further(&maker, &further);
}

void chart_lane_free(struct figure_lane *lane)
{
    free((void *)(uintptr_t)lane->bars);
    free((void *)(uintptr_t)lane->dots);
    free((void *)(uintptr_t)lane->failures);
    free((void *)(uintptr_t)lane->stalls);
}
