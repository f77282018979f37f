/* TLS on a lane: the handshake, what is inferred of a connection that is not decrypted, and data not looked into. */
#include <inttypes.h>

#include "analyze/chart_parts.h"
#include "analyze/format.h"
#include "analyze/metrics.h"
#include "analyze/words.h"

/* ---------------------------------------------------------------- the handshake */

/* Return the fatal alert of either side, the earlier one; NULL: there is none. */
static const struct model_alert *fatal_alert(const struct model_tls *tls)
{
    const struct model_alert *first = NULL;
    for (int direction = 0; direction < MODEL_DIRECTIONS; direction++) {
        const struct model_alert *alert = &tls->alerts[direction];
        if (alert->t_ns != MODEL_NONE && model_alert_fatal(alert) && (!first || alert->t_ns < first->t_ns))
            first = alert;
    }
    return first;
}

/* "TLS 1.3 handshake · 0.230 s · server name a.example · resumed · its end is inferred" */
static struct figure_text tls_tooltip(struct chart_maker *maker)
{
    const struct model_tls *tls = maker->connection->tls;
    const char *version = tls->version == 0 ? "TLS" : words_tls_version(tls->version);
    struct chart_text text;
    FILE *out = chart_text_begin(&text);
    fprintf(out, "%s handshake", version ? version : "TLS");
    chart_put_duration(out, "took", metrics_tls_ns(maker->connection));
    if (tls->server_name.len > 0) {
        fputs(" · server name ", out);
        chart_put(out, tls->server_name);
    }
    if (tls->has_resumed && tls->resumed)
        fputs(" · resumed", out);
    if (tls->retry_ns != MODEL_NONE)
        fputs(" · with a HelloRetryRequest", out);
    if (tls->end_ns == MODEL_NONE)
        fputs(" · not completed", out);
    else if (tls->end_inferred)
        fputs(" · its end is inferred", out);
    return chart_text_end(maker->chart, &text);
}

/* Add the cross of a handshake that was not completed, or of an alert. */
static void add_tls_failure(struct chart_maker *maker, struct figure_text tooltip)
{
    const struct model_tls *tls = maker->connection->tls;
    const struct model_alert *alert = fatal_alert(tls);
    if (alert) {
        const char *words = words_tls_alert(alert->description);
        struct figure_text label =
            chart_printf(maker->chart, "TLS: %s (%" PRIu32 ")", words ? words : "alert", alert->description);
        chart_failure(maker, alert->t_ns, label, tooltip);
    } else if (tls->end_ns == MODEL_NONE && !maker->open) {
        chart_failure(maker, maker->end_ns, figure_text("closed within the TLS handshake"), tooltip);
    }
}

void chart_tls(struct chart_maker *maker)
{
    const struct model_connection *c = maker->connection;
    int64_t from_ns = metrics_tls_start_ns(c);
    if (!c->tls || from_ns == MODEL_NONE)
        return;
    struct figure_text tooltip = tls_tooltip(maker);
    const struct model_alert *alert = fatal_alert(c->tls);
    int64_t to_ns = c->tls->end_ns;
    if (to_ns == MODEL_NONE)
        to_ns = alert && alert->t_ns < maker->end_ns ? alert->t_ns : maker->end_ns;
    chart_note(maker->chart, from_ns);
    chart_note(maker->chart, c->tls->end_ns);
    chart_bar(maker, CHART_TLS, c->tls->end_ns != MODEL_NONE && c->tls->end_inferred, from_ns, to_ns, tooltip);
    add_tls_failure(maker, tooltip);
}

/* ---------------------------------------------------------------- what is inferred */

/* "encrypted, inferred from its records · waiting 0.230 s · transfer 0.012 s · 517 bytes sent · 20,522 received" */
static struct figure_text turn_tooltip(struct chart_maker *maker, const struct model_turn *turn)
{
    char buffer[FORMAT_BYTES];
    struct chart_text text;
    FILE *out = chart_text_begin(&text);
    fputs("encrypted, inferred from its records", out);
    chart_put_duration(out, "waiting", metrics_turn_waiting_ns(maker->connection, turn));
    chart_put_duration(out, "transfer", metrics_turn_transfer_ns(maker->connection, turn));
    fprintf(out, " · %s bytes sent", format_count(buffer, turn->request_bytes));
    if (turn->response_first_ns == MODEL_NONE)
        fputs(" · no answer", out);
    else
        fprintf(out, " · %s received", format_count(buffer, turn->response_bytes));
    return chart_text_end(maker->chart, &text);
}

/* Add the bars of a turn of an encrypted connection, its `last` one or another, from busy_until_ns on: what the two
 * sides send can come in other than the order of its times. */
static void add_turn(struct chart_maker *maker, const struct model_turn *turn, int64_t busy_until_ns, bool last)
{
    bool answered = turn->response_first_ns != MODEL_NONE;
    int64_t from_ns = turn->request_first_ns, ready_ns = metrics_ready_ns(maker->connection);
    int64_t to_ns = answered ? turn->response_first_ns : last && maker->open ? maker->end_ns : turn->request_last_ns;
    struct figure_text tooltip = turn_tooltip(maker, turn);
    if (ready_ns > from_ns && ready_ns <= to_ns)
        from_ns = ready_ns;
    chart_note(maker->chart, turn->request_first_ns);
    chart_note(maker->chart, turn->response_last_ns);
    chart_bar(maker, CHART_WAITING, true, busy_until_ns > from_ns ? busy_until_ns : from_ns, to_ns, tooltip);
    if (answered)
        chart_bar(maker, CHART_TRANSFER, true, busy_until_ns > to_ns ? busy_until_ns : to_ns, turn->response_last_ns,
                  tooltip);
}

int64_t chart_turns(struct chart_maker *maker)
{
    const struct model_tls *tls = maker->connection->tls;
    int64_t encrypted_ns = metrics_encrypted_from_ns(maker->connection);
    if (encrypted_ns == MODEL_NONE)
        return MODEL_NONE;
    if (!tls->turns)
        return tls->end_ns == MODEL_NONE ? INT64_MAX : tls->end_ns > encrypted_ns ? tls->end_ns : encrypted_ns;
    int64_t until_ns = encrypted_ns;
    for (size_t i = 0; i < tls->turns->count; i++) {
        const struct model_turn *turn = &tls->turns->turns[i];
        if (turn->request_first_ns < encrypted_ns)
            continue;
        add_turn(maker, turn, until_ns, i + 1 == tls->turns->count && tls->turns->omitted == 0);
        until_ns = turn->response_last_ns > until_ns ? turn->response_last_ns : until_ns;
    }
    return tls->turns->omitted == 0 ? INT64_MAX : until_ns;
}

/* ---------------------------------------------------------------- data not looked into */

void chart_opaque(struct chart_maker *maker, int64_t from_ns)
{
    const struct model_bursts *bursts = maker->connection->bursts;
    const char *protocol = words_protocol(maker->connection->protocol);
    char buffer[FORMAT_BYTES];
    for (size_t i = 0; bursts && i < bursts->count; i++) {
        const struct model_burst *burst = &bursts->bursts[i];
        if (burst->to_ns < from_ns)
            continue;
        chart_note(maker->chart, burst->from_ns);
        chart_note(maker->chart, burst->to_ns);
        chart_bar(maker, CHART_OPAQUE, false, burst->from_ns > from_ns ? burst->from_ns : from_ns, burst->to_ns,
                  chart_printf(maker->chart, "%s, not looked into · %s bytes received", protocol ? protocol : "tunnel",
                               format_count(buffer, burst->bytes)));
    }
}
