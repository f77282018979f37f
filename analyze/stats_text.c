#include <inttypes.h>
#include <string.h>

#include "analyze/columns.h"
#include "analyze/escape.h"
#include "analyze/format.h"
#include "analyze/inference.h"
#include "analyze/settings.h"
#include "analyze/stats.h"
#include "analyze/words.h"

/* What stands where a value is missing. */
static const char missing[] = "–";

static const char *duration_or_missing(char to[FORMAT_BYTES], int64_t ns)
{
    return ns == MODEL_NONE ? missing : format_duration(to, ns);
}

static const char *size_or_missing(char to[FORMAT_BYTES], int64_t bytes)
{
    return bytes == MODEL_NONE ? missing : format_size(to, (uint64_t)bytes);
}

/* ---------------------------------------------------------------- the session */

static void print_field(FILE *out, const char *name, struct text text)
{
    if (!text.data)
        return;
    fprintf(out, "  %-12s", name);
    escape_print(out, text);
    putc('\n', out);
}

static void print_recorded(FILE *out, const struct model_session *session)
{
    char buffer[FORMAT_BYTES];
    fprintf(out, "  %-12s", "recorded");
    if (session->has_wall_clock)
        fprintf(out, "%s, ", format_date(buffer, session->wall_clock_ns));
    int64_t ns = session->last_ns == MODEL_NONE ? 0 : session->last_ns;
    fprintf(out, "%s", format_duration(buffer, ns));
    if (session->tool.data) {
        fputs(", by ", out);
        escape_print(out, session->tool);
    }
    putc('\n', out);
}

static void print_upstream(FILE *out, const struct model_session *session)
{
    if (session->upstream_kind == MITM__UPSTREAM_KIND__DIRECT) {
        fprintf(out, "  %-12sdirect (built-in SOCKS5 server)\n", "upstream");
    } else if (session->upstream_kind == MITM__UPSTREAM_KIND__SOCKS5) {
        fprintf(out, "  %-12sSOCKS5", "upstream");
        if (session->upstream_address.data) {
            fputs(" at ", out);
            escape_print(out, session->upstream_address);
        }
        putc('\n', out);
    }
}

static void print_end(FILE *out, const struct model_session *session)
{
    const char *words = words_session_end_cause(session->end_cause);
    fprintf(out, "  %-12s", "ended");
    if (!session->ended)
        fputs("cut off: the closing record is missing", out);
    else
        fputs(words ? words : "cleanly", out);
    if (session->has_command_status)
        fprintf(out, " with status %" PRIu32, session->command_status);
    putc('\n', out);
}

static void print_losses(FILE *out, const struct model_session *session)
{
    char buffer[FORMAT_BYTES];
    for (uint32_t cause = 0; cause < MODEL_LOSS_CAUSES; cause++) {
        const struct model_loss *loss = &session->losses[cause];
        if (loss->count == 0)
            continue;
        const char *words = words_loss_cause(cause);
        fprintf(out, "  %-12s", "lost");
        if (cause == MITM__LOSS_CAUSE__DAMAGE)
            fprintf(out, "%s bytes", format_count(buffer, loss->len_bytes));
        else
            fprintf(out, "%s events", format_count(buffer, loss->events));
        fprintf(out, ": %s\n", words ? words : "for an unknown cause");
    }
    if (session->overflow > 0)
        fprintf(out, "  %-12s%s events: too many sessions, connections or requests for this program\n", "left out",
                format_count(buffer, session->overflow));
}

static void print_delay(FILE *out, const struct model_session *session)
{
    if (session->delay_count == 0)
        return;
    char mean[FORMAT_BYTES], longest[FORMAT_BYTES], count[FORMAT_BYTES];
    fprintf(out, "  %-12smean %s, longest %s, over %s reads\n", "proxy delay",
            format_duration(mean, model_number(session->delay_sum_ns / session->delay_count)),
            format_duration(longest, model_number(session->delay_max_ns)), format_count(count, session->delay_count));
}

static void print_clock(FILE *out, const struct model_session *session)
{
    if (session->clock_steps == 0)
        return;
    char step[FORMAT_BYTES];
    int64_t ns = session->clock_step_max_ns;
    int64_t magnitude_ns = ns >= 0 ? ns : ns == INT64_MIN ? INT64_MAX : -ns;
    fprintf(out, "  %-12sset %" PRIu64 " %s while recording, at most by %s%s; times here do not depend on it\n",
            "wall clock", session->clock_steps, session->clock_steps == 1 ? "time" : "times", ns < 0 ? "-" : "+",
            format_duration(step, magnitude_ns));
}

static void print_settings(FILE *out, const struct model_session *session)
{
    char buffer[FORMAT_BYTES], moment[FORMAT_BYTES];
    if (session->settings.t_ns == MODEL_NONE)
        return;
    fprintf(out, "  %-12s", "settings");
    settings_print(out, &session->settings);
    uint32_t kind = session->settings.upstream_kind;
    if (kind != 0 && kind != session->upstream_kind && session->upstream_kind != 0)
        fprintf(out, "; now %s", kind == MITM__UPSTREAM_KIND__DIRECT ? "direct" : "through SOCKS5");
    if (session->setting_total > 1)
        fprintf(out, "; the latest of %s, set at %s", format_count(buffer, session->setting_total),
                format_moment(moment, session->settings.t_ns));
    putc('\n', out);
}

static void print_marks(FILE *out, const struct model_session *session)
{
    char buffer[FORMAT_BYTES];
    for (size_t i = 0; i < session->mark_count; i++) {
        fprintf(out, "  %-12s%s  ", "mark", format_moment(buffer, session->marks[i].t_ns));
        escape_print(out, session->marks[i].text);
        putc('\n', out);
    }
    if (session->mark_total > session->mark_count)
        fprintf(out, "  %-12s%s more\n", "marks", format_count(buffer, session->mark_total - session->mark_count));
    size_t pauses = settings_pauses(session);
    if (pauses > 0)
        fprintf(out, "  %-12s%zu %s, %s in all", "paused", pauses, pauses == 1 ? "time" : "times",
                format_duration(buffer, settings_paused_ns(session)));
    if (pauses > 0)
        fprintf(out, "; %s events were not recorded\n", format_count(buffer, settings_paused_events(session)));
}

static void print_influences(FILE *out, const struct stats_row *total)
{
    char count[FORMAT_BYTES];
    if (total->limited > 0)
        fprintf(out, "  %-12s%s transfer %s left out: a rate limit held the response%s back\n", "rate limits",
                format_count(count, total->limited), total->limited == 1 ? "time is" : "times are",
                total->limited == 1 ? "" : "s");
    if (total->leaks > 0)
        fprintf(out, "  %-12s%s %s asked for an IP address although a SOCKS5 upstream was set: perhaps a DNS leak\n",
                "warning", format_count(count, total->leaks), total->leaks == 1 ? "connection" : "connections");
}

static const char *connections_word(uint64_t n)
{
    return n == 1 ? "connection" : "connections";
}

/* Say how much of TLS could be looked into. */
/* Return how many TLS handshakes had no end, and nothing behind it that shows that there was one. */
static uint64_t count_unfinished(const struct model_session *session)
{
    uint64_t n = 0;
    for (size_t i = 0; i < session->connection_count; i++) {
        const struct model_connection *c = model_connection(session, i);
        n += c->tls && c->tls->end_ns == MODEL_NONE && c->exchange_count == 0 && !c->tls->turns;
    }
    return n;
}

/* Print how many handshakes were seen in which way. */
static void print_handshakes(FILE *out, const struct model_session *session, const struct stats_row *total)
{
    const uint64_t counts[] = {total->handshakes - total->inferred, total->inferred, count_unfinished(session)};
    static const char *const names[] = {"exact", "inferred", "not completed"};
    const char *before = "; handshakes: ";
    char count[FORMAT_BYTES];
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        if (counts[i] == 0)
            continue;
        fprintf(out, "%s%s %s", before, format_count(count, counts[i]), names[i]);
        before = ", ";
    }
}

static void print_tls(FILE *out, const struct model_session *session, const struct stats_row *total)
{
    char count[FORMAT_BYTES];
    if (total->tls > 0 || session->decrypted)
        fprintf(out, "  %-12s%s %s, ", "TLS", format_count(count, total->tls), connections_word(total->tls));
    if (session->decrypted)
        fprintf(out, "%s decrypted with a key log", format_count(count, total->decrypted));
    else if (total->tls > 0)
        fputs("not decrypted (no key log)", out);
    print_handshakes(out, session, total);
    if (total->turns > 0)
        fprintf(out, "; inferred turns: %s", format_count(count, total->turns));
    if (total->tls > 0 || session->decrypted)
        putc('\n', out);
    if (total->http2 > 0)
        fprintf(out, "  %-12s%s %s\n", "HTTP/2", format_count(count, total->http2), connections_word(total->http2));
}

static void print_session(FILE *out, const struct stats *stats, size_t number)
{
    const struct model_session *session = stats->session;
    char received[FORMAT_BYTES], sent[FORMAT_BYTES], count[FORMAT_BYTES];
    fprintf(out, "Session %zu", number);
    if (session->label.len > 0) {
        fputs(": ", out);
        escape_print(out, session->label);
    }
    putc('\n', out);
    if (session->file)
        print_field(out, "file", (struct text){(const uint8_t *)session->file, (uint32_t)strlen(session->file)});
    print_recorded(out, session);
    print_upstream(out, session);
    print_settings(out, session);
    print_field(out, "command", session->command);
    print_end(out, session);
    fprintf(out, "  %-12s%s\n", "records", format_count(count, session->records));
    print_losses(out, session);
    print_marks(out, session);
    print_delay(out, session);
    print_clock(out, session);
    fprintf(out, "  %-12s%s received, %s sent by clients\n", "payload",
            size_or_missing(received, stats->total.received_bytes), size_or_missing(sent, stats->total.sent_bytes));
    if (stats->total.incomplete > 0)
        fprintf(out, "  %-12s%s of the responses, without a proper end\n", "incomplete",
                format_count(count, stats->total.incomplete));
    if (stats->total.canceled > 0)
        fprintf(out, "  %-12s%s of the requests, by the client\n", "canceled",
                format_count(count, stats->total.canceled));
    print_influences(out, &stats->total);
    print_tls(out, session, &stats->total);
    if (stats->total.violations > 0)
        fprintf(out, "  %-12sa peer broke the protocol %s %s (see: mitm-analyze connections)\n", "violations",
                format_count(count, stats->total.violations), stats->total.violations == 1 ? "time" : "times");
}

/* ---------------------------------------------------------------- tables */

static void add_server(struct columns *table, const struct stats *stats, const struct stats_row *row)
{
    if (row == &stats->total) {
        columns_add(table, "all");
    } else if (!row->server) {
        columns_add(table, "(no request)");
    } else if (row->server->kind == MODEL_SERVER_LOOKUP) {
        columns_add(table, "(name look-ups)");
    } else {
        char port[16];
        snprintf(port, sizeof port, ":%" PRIu32, row->server->port);
        columns_add_text(table, row->server->host, port);
    }
}

/* Return row number `i` of the tables: the servers, then, if there are several, all of them; NULL behind the last. */
static const struct stats_row *table_row(const struct stats *stats, size_t i)
{
    if (i < stats->row_count)
        return &stats->rows[i];
    return i == stats->row_count && stats->row_count > 1 ? &stats->total : NULL;
}

static void add_connection_time(struct columns *table, const struct stats_row *row)
{
    char buffer[FORMAT_BYTES];
    if (row->open > 0)
        columns_add(table, "there are still open connections");
    else
        columns_add(table, "%s", duration_or_missing(buffer, row->connection_ns));
}

/* The columns of the first table; in a narrow terminal they become two tables. */
enum part { PART_COUNTS = 1, PART_TIMES = 2, PART_BOTH = PART_COUNTS | PART_TIMES };

static void add_counts(struct columns *table, const struct stats_row *row)
{
    char buffer[FORMAT_BYTES];
    columns_add(table, "%s", format_count(buffer, row->connections));
    if (row->open > 0)
        columns_add(table, "(still open: %s)", format_count(buffer, row->open));
    else
        columns_add(table, "%s", "");
    bool known = stats_requests_known(row);
    columns_add(table, "%s", known ? format_count(buffer, row->requests) : missing);
    columns_add(table, "%s", known ? format_count(buffer, row->responses) : missing);
}

static void add_times(struct columns *table, const struct stats_row *row)
{
    char buffer[FORMAT_BYTES];
    columns_add(table, "%s", duration_or_missing(buffer, row->mean_response_ns));
    columns_add(table, "%s", size_or_missing(buffer, row->received_bytes));
    add_connection_time(table, row);
}

static void print_part(FILE *out, const struct stats *stats, enum part part, size_t width)
{
    static const char *const heads[] = {"Connections", "", "Requests", "Responses"};
    struct columns *table = columns_new(part == PART_BOTH ? "lrlrrrrl" : part == PART_COUNTS ? "lrlrr" : "lrrl");
    columns_add(table, "Server");
    for (size_t i = 0; part & PART_COUNTS && i < sizeof heads / sizeof *heads; i++)
        columns_add(table, "%s", heads[i]);
    if (part & PART_TIMES) {
        columns_add(table, part == PART_BOTH ? "Mean response time" : "Mean response");
        columns_add(table, "Received");
        columns_add(table, "Total connection time");
    }
    const struct stats_row *row;
    for (size_t i = 0; (row = table_row(stats, i)); i++) {
        add_server(table, stats, row);
        if (part & PART_COUNTS)
            add_counts(table, row);
        if (part & PART_TIMES)
            add_times(table, row);
    }
    putc('\n', out);
    columns_print(table, out, 0, width);
    columns_free(table);
}

static void print_servers(FILE *out, const struct stats *stats, size_t width)
{
    enum { NARROW = 138 }; /* one table can need so many columns, with names cut short */
    if (width == 0 || width >= NARROW) {
        print_part(out, stats, PART_BOTH, width);
    } else {
        print_part(out, stats, PART_COUNTS, width);
        print_part(out, stats, PART_TIMES, width);
    }
}

static void add_value(struct columns *table, enum stats_quantity quantity, int64_t value)
{
    char buffer[FORMAT_BYTES];
    if (value == MODEL_NONE)
        columns_add(table, "%s", missing);
    else if (quantity == STATS_BYTES)
        columns_add(table, "%s", format_count(buffer, (uint64_t)value));
    else
        columns_add(table, "%s", format_duration(buffer, value));
}

/* Return whether a row may have values of `quantity`: look-ups and the like have no times, servers without TLS none of
 * it.
 */
static bool has_quantity(const struct stats_row *row, enum stats_quantity quantity)
{
    if (!row->server || row->server->kind != MODEL_SERVER_CONNECT)
        return false;
    if (quantity == STATS_INFERRED_WAITING || quantity == STATS_INFERRED_TRANSFER)
        return row->hidden > 0;
    return quantity != STATS_TLS || row->tls > 0;
}

static void print_quantity(FILE *out, const struct stats *stats, enum stats_quantity quantity, size_t width)
{
    static const char *const titles[] = {
        [STATS_SOCKS] = "SOCKS time",
        [STATS_WAITING] = "Waiting time",
        [STATS_TRANSFER] = "Transfer time",
        [STATS_BYTES] = "Body bytes",
        [STATS_INFERRED_WAITING] = "Inferred waiting",
        [STATS_INFERRED_TRANSFER] = "Inferred transfer",
    };
    static const char *const heads[] = {"n", "min", "median", "p90", "p99", "max"};
    if (stats->total.quantities[quantity].count == 0)
        return;
    struct columns *table = columns_new("lrrrrrr");
    columns_add(table, "%s", quantity == STATS_TLS ? stats_tls_title(&stats->total) : titles[quantity]);
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        columns_add(table, "%s", heads[i]);
    const struct stats_row *row;
    for (size_t i = 0; (row = table_row(stats, i)); i++) {
        const struct stats_summary *s = &row->quantities[quantity];
        if (s->count == 0 && !has_quantity(row, quantity))
            continue;
        char buffer[FORMAT_BYTES];
        const int64_t values[] = {s->min, s->median, s->p90, s->p99, s->max};
        add_server(table, stats, row);
        columns_add(table, "%s", format_count(buffer, s->count));
        for (size_t k = 0; k < sizeof values / sizeof *values; k++)
            add_value(table, quantity, values[k]);
    }
    putc('\n', out);
    columns_print(table, out, 0, width);
    columns_free(table);
}

static void print_failures(FILE *out, const struct stats *stats, size_t width)
{
    if (stats->total.failure_count == 0)
        return;
    struct columns *table = columns_new("lrl");
    columns_add(table, "SOCKS failures");
    columns_add(table, "n");
    columns_add(table, "reply");
    for (size_t i = 0; i < stats->row_count; i++) {
        const struct stats_row *row = &stats->rows[i];
        for (size_t k = 0; k < row->failure_count; k++) {
            char buffer[FORMAT_BYTES];
            const char *words = words_socks_reply(row->failures[k].reply);
            add_server(table, stats, row);
            columns_add(table, "%s", format_count(buffer, row->failures[k].count));
            columns_add(table, "%s (%02" PRIX32 ")", words ? words : "unknown reply", row->failures[k].reply);
        }
    }
    putc('\n', out);
    columns_print(table, out, 0, width);
    columns_free(table);
}

void stats_text(FILE *out, const struct stats *stats, size_t number, size_t columns)
{
    print_session(out, stats, number);
    if (stats->total.connections == 0) {
        fputs("\nNo connections were recorded.\n", out);
        return;
    }
    print_servers(out, stats, columns);
    static const enum stats_quantity shown[STATS_QUANTITIES] = {
        STATS_SOCKS, STATS_TLS, STATS_WAITING, STATS_TRANSFER, STATS_INFERRED_WAITING, STATS_INFERRED_TRANSFER,
        STATS_BYTES};
    for (size_t i = 0; i < STATS_QUANTITIES; i++)
        print_quantity(out, stats, shown[i], columns);
    if (stats->total.decrypted > 0) {
        struct inference inference = inference_of(stats->session, stats->quantile_type);
        inference_text(out, &inference);
    }
    print_failures(out, stats, columns);
}
