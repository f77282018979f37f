/* Requests and their responses on a lane: their bars, dots and failures, and what their tooltips say. */
#include <inttypes.h>

#include "analyze/chart_parts.h"
#include "analyze/format.h"
#include "analyze/metrics.h"
#include "analyze/words.h"

/* ---------------------------------------------------------------- tooltips */

static void put_stalls(FILE *out, const struct chart_maker *maker, const struct model_exchange *x)
{
    static const char *const what[MODEL_DIRECTIONS] = {[MODEL_TO_CLIENT] = "", [MODEL_TO_SERVER] = "its body "};
    static const int order[] = {MODEL_TO_CLIENT, MODEL_TO_SERVER};
    char buffer[FORMAT_BYTES];
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        int direction = order[i];
        int64_t connection_ns = chart_connection_stalled_ns(maker, x, direction);
        if (x->h2 && x->h2->stalls[direction] > 0)
            fprintf(out, " · %sheld back by flow control %s", what[direction],
                    format_seconds(buffer, x->h2->stalled_ns[direction]));
        if (connection_ns > 0)
            fprintf(out, " · %sheld back by flow control of the connection %s", what[direction],
                    format_seconds(buffer, connection_ns));
    }
}

/* Write "reset by the server: CANCEL (8)". */
static void put_reset(FILE *out, const struct model_h2 *h2)
{
    const char *words = words_http2_error(h2->reset_error);
    fprintf(out, "reset by the %s: ", h2->reset_direction == MODEL_TO_CLIENT ? "server" : "client");
    fprintf(out, "%s (%" PRIu32 ")", words ? words : "error", h2->reset_error);
}

static void put_messages(FILE *out, const struct model_h2 *h2)
{
    char count[FORMAT_BYTES], bytes[FORMAT_BYTES];
    const struct model_messages *sent = &h2->messages[MODEL_TO_SERVER], *received = &h2->messages[MODEL_TO_CLIENT];
    if (sent->count > 0)
        fprintf(out, " · %s WebSocket messages sent (%s bytes)", format_count(count, sent->count),
                format_count(bytes, sent->bytes));
    if (received->count > 0)
        fprintf(out, " · %s WebSocket messages received (%s bytes)", format_count(count, received->count),
                format_count(bytes, received->bytes));
}

static void put_request(FILE *out, const struct model_exchange *x)
{
    if (x->h2 && x->h2->stream > 0)
        fprintf(out, "stream %" PRIu32 " · ", x->h2->stream);
    if (x->has_request) {
        chart_put(out, x->method);
        putc(' ', out);
        chart_put(out, x->target);
    } else {
        fputs("response without a request", out);
    }
    if (x->h2 && x->h2->pushed)
        fputs(" · pushed by the server", out);
}

/* "GET /logo.png · 200 · waiting 0.230 s · transfer 0.012 s · 20,522 bytes" */
static struct figure_text exchange_tooltip(struct chart_maker *maker, const struct model_exchange *x)
{
    char buffer[FORMAT_BYTES];
    struct chart_text text;
    FILE *out = chart_text_begin(&text);
    put_request(out, x);
    if (x->has_status)
        fprintf(out, " · %" PRIu32, x->status);
    else if (!x->has_response)
        fputs(" · no response", out);
    chart_put_duration(out, "waiting", metrics_waiting_ns(maker->connection, x));
    chart_put_duration(out, "transfer", metrics_transfer_ns(maker->connection, x));
    if (metrics_transfer_limited(maker->connection, x))
        fputs(" · transfer held back by a rate limit", out);
    chart_put_delay(out, x->request.start_ns, x->sent_ns);
    if (x->response.body_bytes != MODEL_NONE)
        fprintf(out, " · %s bytes", format_count(buffer, (uint64_t)x->response.body_bytes));
    if (x->decoded_bytes != MODEL_NONE)
        fprintf(out, " (%s decoded)", format_count(buffer, (uint64_t)x->decoded_bytes));
    const char *cause = words_http_end_cause(x->response.cause);
    bool reset = x->h2 && x->h2->reset_ns != MODEL_NONE;
    put_stalls(out, maker, x);
    if (x->h2)
        put_messages(out, x->h2);
    if (reset) {
        fputs(" · ", out);
        put_reset(out, x->h2);
    } else if (cause) {
        fprintf(out, " · %s", cause);
    }
    return chart_text_end(maker->chart, &text);
}

/* ---------------------------------------------------------------- requests */

int64_t chart_exchange_start(const struct model_exchange *x)
{
    bool waits = x->request.start_ns != MODEL_NONE && !metrics_pushed(x);
    return waits || x->response.start_ns == MODEL_NONE ? x->request.start_ns : x->response.start_ns;
}

int64_t chart_exchange_end(const struct chart_maker *maker, const struct model_exchange *x)
{
    int64_t end_ns = metrics_exchange_end_ns(x);
    return end_ns != MODEL_NONE ? end_ns : maker->end_ns;
}

/* Add the cross of an exchange that ended without, or within, its response at t_ns, unless the client gave it up. */
static void add_broken_off(struct chart_maker *maker, const struct model_exchange *x, int64_t t_ns, const char *words,
                           struct figure_text tooltip)
{
    if (metrics_canceled(x))
        return; /* as the client wanted it */
    if (!x->h2 || x->h2->reset_ns == MODEL_NONE) {
        chart_failure(maker, t_ns, figure_text(words), tooltip);
        return;
    }
    const char *error = words_http2_error(x->h2->reset_error);
    chart_failure(maker, t_ns,
                  chart_printf(maker->chart, "reset: %s (%" PRIu32 ")", error ? error : "error", x->h2->reset_error),
                  tooltip);
}

/*
 * Add the bars of the delay asked for, and of waiting: from the request's start, or its passing on, to the response's
 * start, without the time that belongs to another bar: that of SOCKS or TLS, if the request was sent before they were
 * done, and that of the response before, if requests are pipelined.
 */
static void add_waiting(struct chart_maker *maker, const struct model_exchange *x, int64_t busy_until_ns,
                        struct figure_text tooltip)
{
    int64_t from_ns = x->request.start_ns;
    bool answered = x->response.start_ns != MODEL_NONE;
    int64_t to_ns = answered ? x->response.start_ns : chart_exchange_end(maker, x);
    bool start_lost = !answered && x->response.end_ns != MODEL_NONE;
    if (from_ns == MODEL_NONE || start_lost || metrics_pushed(x))
        return;
    int64_t ready_ns = metrics_ready_ns(maker->connection);
    if (ready_ns > from_ns && ready_ns <= to_ns)
        from_ns = ready_ns;
    if (busy_until_ns > from_ns)
        from_ns = busy_until_ns;
    if (x->sent_ns > from_ns) {
        chart_bar(maker, CHART_DELAY, false, from_ns, x->sent_ns, tooltip);
        from_ns = x->sent_ns;
    }
    chart_bar(maker, CHART_WAITING, false, from_ns, to_ns, tooltip);
    chart_stalls(maker, x, from_ns, to_ns);
    bool reset = x->h2 && x->h2->reset_ns != MODEL_NONE;
    if (!answered && (reset || !maker->open))
        add_broken_off(maker, x, to_ns, "no response", tooltip);
}

/* Add the bar, or dot, of the transfer. */
static void add_transfer(struct chart_maker *maker, const struct model_exchange *x, struct figure_text tooltip)
{
    int64_t from_ns = x->response.start_ns, end_ns = x->response.end_ns;
    if (from_ns == MODEL_NONE)
        return;
    bool tunnel = x->response.cause == MITM__HTTP_END_CAUSE__TUNNEL;
    if (end_ns != MODEL_NONE && (x->response.body_bytes == 0 || tunnel)) {
        chart_dot(maker, CHART_TRANSFER, end_ns, tooltip);
    } else {
        chart_bar(maker, CHART_TRANSFER, false, from_ns, chart_exchange_end(maker, x), tooltip);
        chart_stalls(maker, x, from_ns, chart_exchange_end(maker, x));
    }
    const char *cause = words_http_end_cause(x->response.cause);
    if (cause && !tunnel)
        add_broken_off(maker, x, end_ns, cause, tooltip);
}

/* Add dots for the first and the last message of a WebSocket in each direction. */
static void add_messages(struct chart_maker *maker, const struct model_exchange *x, struct figure_text tooltip)
{
    for (int direction = 0; x->h2 && direction < MODEL_DIRECTIONS; direction++) {
        const struct model_messages *messages = &x->h2->messages[direction];
        if (messages->count == 0)
            continue;
        chart_note(maker->chart, messages->first_ns);
        chart_note(maker->chart, messages->last_ns);
        chart_dot(maker, CHART_TRANSFER, messages->first_ns, tooltip);
        chart_dot(maker, CHART_TRANSFER, messages->last_ns, tooltip);
    }
}

void chart_exchange(struct chart_maker *maker, const struct model_exchange *x, int64_t busy_until_ns)
{
    struct chart *chart = maker->chart;
    chart->requests += x->has_request;
    chart_note(chart, x->request.start_ns);
    chart_note(chart, x->sent_ns);
    chart_note(chart, x->response.start_ns);
    chart_note(chart, x->response.end_ns);
    struct figure_text tooltip = exchange_tooltip(maker, x);
    add_waiting(maker, x, busy_until_ns, tooltip);
    add_transfer(maker, x, tooltip);
    add_messages(maker, x, tooltip);
}

void chart_exchanges(struct chart_maker *maker)
{
    int64_t busy_until_ns = MODEL_NONE;
    for (const struct model_exchange *x = model_first_exchange(maker->chart->session, maker->connection); x;
         x = model_next_exchange(maker->chart->session, x)) {
        chart_exchange(maker, x, busy_until_ns);
        if (x->response.end_ns > busy_until_ns)
            busy_until_ns = x->response.end_ns;
    }
}
