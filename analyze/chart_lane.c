/* The lane of a connection: its bars, dots, failures and end, and what their tooltips say. */
#include <inttypes.h>
#include <stdlib.h>

#include "analyze/chart_parts.h"
#include "analyze/format.h"
#include "base/memory.h"
#include "analyze/metrics.h"
#include "analyze/words.h"

/* A lane in the making. */
struct maker {
    struct chart *chart;
    const struct model_connection *connection;
    struct figure_bar *bars;
    struct figure_dot *dots;
    struct figure_failure *failures;
    size_t bar_count, dot_count, failure_count;
    struct figure_text link;
    int64_t end_ns; /* of the connection, or of the recording while it is open */
    bool open;
};

/* Note that something happened on the lane. */
static void note_activity(struct chart *chart, int64_t t_ns)
{
    if (t_ns == MODEL_NONE)
        return;
    if (chart->activity_from_ns == MODEL_NONE || t_ns < chart->activity_from_ns)
        chart->activity_from_ns = t_ns;
    if (t_ns > chart->activity_to_ns)
        chart->activity_to_ns = t_ns;
}

static void add_bar(struct maker *maker, size_t phase, int64_t from_ns, int64_t to_ns, struct figure_text tooltip)
{
    if (to_ns < from_ns)
        return;
    maker->bars[maker->bar_count++] = (struct figure_bar){
        .phase = phase, .from_ns = from_ns, .to_ns = to_ns, .tooltip = tooltip, .link = maker->link};
}

static void add_failure(struct maker *maker, int64_t t_ns, struct figure_text label, struct figure_text tooltip)
{
    maker->failures[maker->failure_count++] =
        (struct figure_failure){.t_ns = t_ns, .label = label, .tooltip = tooltip, .link = maker->link};
}

/* Write how long a request that arrived at from_ns was held back as the user wanted, if it was. */
static void put_delay(FILE *out, int64_t from_ns, int64_t sent_ns)
{
    char buffer[FORMAT_BYTES];
    if (from_ns != MODEL_NONE && sent_ns > from_ns)
        fprintf(out, " · delayed by %s, as set", format_seconds(buffer, sent_ns - from_ns));
}

/* ---------------------------------------------------------------- SOCKS */

static struct figure_text socks_tooltip(struct maker *maker)
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
    put_delay(out, c->socks_start_ns, c->socks_sent_ns);
    return chart_text_end(maker->chart, &text);
}

static struct figure_text reply_label(struct maker *maker)
{
    struct chart_text text;
    FILE *out = chart_text_begin(&text);
    words_print_socks_reply(out, maker->connection->reply);
    return chart_text_end(maker->chart, &text);
}

static void add_socks(struct maker *maker)
{
    const struct model_connection *c = maker->connection;
    note_activity(maker->chart, c->socks_start_ns);
    note_activity(maker->chart, c->socks_end_ns);
    note_activity(maker->chart, c->socks_sent_ns);
    if (c->socks_start_ns == MODEL_NONE)
        return;
    struct figure_text tooltip = socks_tooltip(maker);
    bool answered = c->socks_end_ns != MODEL_NONE;
    if (c->socks_sent_ns > c->socks_start_ns)
        add_bar(maker, CHART_DELAY, c->socks_start_ns, c->socks_sent_ns, tooltip);
    add_bar(maker, CHART_SOCKS, metrics_socks_start_ns(c), answered ? c->socks_end_ns : maker->end_ns, tooltip);
    if (metrics_socks_failed(c))
        add_failure(maker, c->socks_end_ns, reply_label(maker), tooltip);
    else if (!answered && !maker->open)
        add_failure(maker, maker->end_ns, figure_text("closed before the reply"), tooltip);
}

/* ---------------------------------------------------------------- HTTP */

static void put_duration(FILE *out, const char *name, int64_t ns)
{
    char buffer[FORMAT_BYTES];
    if (ns != MODEL_NONE)
        fprintf(out, " · %s %s", name, format_seconds(buffer, ns));
}

/* "GET /logo.png · 200 · waiting 0.230 s · transfer 0.012 s · 20,522 bytes" */
static struct figure_text exchange_tooltip(struct maker *maker, const struct model_exchange *x)
{
    char buffer[FORMAT_BYTES];
    struct chart_text text;
    FILE *out = chart_text_begin(&text);
    if (x->has_request) {
        chart_put(out, x->method);
        putc(' ', out);
        chart_put(out, x->target);
    } else {
        fputs("response without a request", out);
    }
    if (x->has_status)
        fprintf(out, " · %" PRIu32, x->status);
    else if (!x->has_response)
        fputs(" · no response", out);
    put_duration(out, "waiting", metrics_waiting_ns(maker->connection, x));
    put_duration(out, "transfer", metrics_transfer_ns(maker->connection, x));
    if (metrics_transfer_limited(maker->connection, x))
        fputs(" · transfer held back by a rate limit", out);
    put_delay(out, x->request.start_ns, x->sent_ns);
    if (x->response.body_bytes != MODEL_NONE)
        fprintf(out, " · %s bytes", format_count(buffer, (uint64_t)x->response.body_bytes));
    if (x->decoded_bytes != MODEL_NONE)
        fprintf(out, " (%s decoded)", format_count(buffer, (uint64_t)x->decoded_bytes));
    const char *cause = words_http_end_cause(x->response.cause);
    if (cause)
        fprintf(out, " · %s", cause);
    return chart_text_end(maker->chart, &text);
}

/*
 * Add the bars of the delay asked for, and of waiting: from the request's start, or its passing on, to the response's
 * start, without the time that belongs to another bar: that of SOCKS, if the request was sent before its reply, and
 * that of the response before, if requests are pipelined.
 */
static void add_waiting(struct maker *maker, const struct model_exchange *x, int64_t busy_until_ns,
                        struct figure_text tooltip)
{
    int64_t from_ns = x->request.start_ns;
    bool answered = x->response.start_ns != MODEL_NONE;
    int64_t to_ns = answered ? x->response.start_ns : maker->end_ns;
    bool start_lost = !answered && x->response.end_ns != MODEL_NONE;
    if (from_ns == MODEL_NONE || start_lost)
        return;
    if (maker->connection->socks_end_ns > from_ns && maker->connection->socks_end_ns <= to_ns)
        from_ns = maker->connection->socks_end_ns;
    if (busy_until_ns > from_ns)
        from_ns = busy_until_ns;
    if (x->sent_ns > from_ns) {
        add_bar(maker, CHART_DELAY, from_ns, x->sent_ns, tooltip);
        from_ns = x->sent_ns;
    }
    add_bar(maker, CHART_WAITING, from_ns, to_ns, tooltip);
    if (!answered && !maker->open)
        add_failure(maker, maker->end_ns, figure_text("no response"), tooltip);
}

/* Add the bar, or dot, of the transfer. */
static void add_transfer(struct maker *maker, const struct model_exchange *x, struct figure_text tooltip)
{
    int64_t from_ns = x->response.start_ns, end_ns = x->response.end_ns;
    if (from_ns == MODEL_NONE)
        return;
    bool tunnel = x->response.cause == MITM__HTTP_END_CAUSE__TUNNEL;
    if (end_ns != MODEL_NONE && (x->response.body_bytes == 0 || tunnel))
        maker->dots[maker->dot_count++] =
            (struct figure_dot){.phase = CHART_TRANSFER, .t_ns = end_ns, .tooltip = tooltip, .link = maker->link};
    else
        add_bar(maker, CHART_TRANSFER, from_ns, end_ns != MODEL_NONE ? end_ns : maker->end_ns, tooltip);
    const char *cause = words_http_end_cause(x->response.cause);
    if (cause && !tunnel)
        add_failure(maker, end_ns, figure_text(cause), tooltip);
}

static void add_exchanges(struct maker *maker)
{
    struct chart *chart = maker->chart;
    int64_t busy_until_ns = MODEL_NONE;
    for (const struct model_exchange *x = model_first_exchange(chart->session, maker->connection); x;
         x = model_next_exchange(chart->session, x)) {
        chart->requests += x->has_request;
        note_activity(chart, x->request.start_ns);
        note_activity(chart, x->sent_ns);
        note_activity(chart, x->response.start_ns);
        note_activity(chart, x->response.end_ns);
        struct figure_text tooltip = exchange_tooltip(maker, x);
        add_waiting(maker, x, busy_until_ns, tooltip);
        add_transfer(maker, x, tooltip);
        if (x->response.end_ns > busy_until_ns)
            busy_until_ns = x->response.end_ns;
    }
}

/* ---------------------------------------------------------------- opaque data */

static void add_opaque(struct maker *maker)
{
    const struct model_bursts *bursts = maker->connection->bursts;
    const char *protocol = words_protocol(maker->connection->protocol);
    char buffer[FORMAT_BYTES];
    for (size_t i = 0; bursts && i < bursts->count; i++) {
        const struct model_burst *burst = &bursts->bursts[i];
        note_activity(maker->chart, burst->from_ns);
        note_activity(maker->chart, burst->to_ns);
        maker->chart->opaque = true;
        add_bar(maker, CHART_OPAQUE, burst->from_ns, burst->to_ns,
                chart_printf(maker->chart, "%s, not looked into · %s bytes received", protocol ? protocol : "tunnel",
                             format_count(buffer, burst->bytes)));
    }
    for (int direction = 0; direction < MODEL_DIRECTIONS; direction++) {
        const struct model_violation *violation = &maker->connection->streams[direction].violation;
        const char *words = words_violation(violation->kind);
        if (violation->t_ns != MODEL_NONE)
            add_failure(maker, violation->t_ns, figure_text(words ? words : "violation of the protocol"),
                        (struct figure_text){0});
    }
}

/* ---------------------------------------------------------------- the lane */

static bool rate_limited(const struct model_connection *c)
{
    return c->streams[MODEL_TO_SERVER].hold.first_ns != MODEL_NONE ||
           c->streams[MODEL_TO_CLIENT].hold.first_ns != MODEL_NONE;
}

static struct figure_text lane_tooltip(struct maker *maker)
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
    const char *protocol = words_protocol(c->protocol);
    if (protocol)
        fprintf(out, " · %s", protocol);
    put_duration(out, "SOCKS", metrics_socks_ns(c));
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

static struct figure_text end_tooltip(struct maker *maker)
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

/* Make room for all that the lane can have at most. */
static void make_room(struct maker *maker)
{
    const struct model_connection *c = maker->connection;
    size_t n = c->exchange_count;
    maker->bars = memory_new(3 * n + 2 + MODEL_BURSTS * (c->bursts != NULL), sizeof *maker->bars);
    maker->dots = memory_new(n, sizeof *maker->dots);
    maker->failures = memory_new(2 * n + 1 + MODEL_DIRECTIONS, sizeof *maker->failures);
}

void chart_lane(struct chart *chart, struct figure_lane *lane, const struct model_connection *c)
{
    struct maker maker = {.chart = chart, .connection = c, .open = model_connection_open(c)};
    maker.end_ns = maker.open ? chart->session->last_ns : c->end_ns;
    maker.link = chart_printf(chart, "#connection-%" PRIu32, c->id);
    make_room(&maker);
    add_socks(&maker);
    add_exchanges(&maker);
    add_opaque(&maker);
    chart->leaks += metrics_possible_leak(c);
    chart->limited += rate_limited(c);
    int64_t start_ns = metrics_connection_start_ns(c);
    note_activity(chart, start_ns);
    if (!maker.open)
        note_activity(chart, c->end_ns);
    int64_t received = model_connection_bytes(c, MODEL_TO_CLIENT);
    if (received != MODEL_NONE) {
        chart->received_known = true;
        chart->received_bytes = model_number(rate_sum((uint64_t)chart->received_bytes, (uint64_t)received));
    }
    *lane = (struct figure_lane){.label = chart_printf(chart, "%" PRIu32, c->id),
                                 .tooltip = lane_tooltip(&maker),
                                 .link = maker.link,
                                 .from_ns = start_ns,
                                 .to_ns = maker.end_ns,
                                 .bars = maker.bars,
                                 .bar_count = maker.bar_count,
                                 .dots = maker.dots,
                                 .dot_count = maker.dot_count,
                                 .failures = maker.failures,
                                 .failure_count = maker.failure_count,
                                 .end = maker.open ? FIGURE_END_OPEN : FIGURE_END_CLOSED,
                                 .end_tooltip = end_tooltip(&maker)};
}

void chart_lane_free(struct figure_lane *lane)
{
    free((void *)(uintptr_t)lane->bars);
    free((void *)(uintptr_t)lane->dots);
    free((void *)(uintptr_t)lane->failures);
}
