/* The summary of a session on paper, and its timeline. */
#include <glib.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/chart.h"
#include "analyze/format.h"
#include "base/memory.h"
#include "report/encryption.h"
#include "report/pdf_parts.h"

/* ---------------------------------------------------------------- the chart */

/* Return the chart of all connections that are selected; the caller frees it with chart_free(). */
static struct chart *make_chart(const struct chapter *chapter)
{
    const struct selection *selection = &chapter->selection;
    bool *shown = memory_new(chapter->session->connection_count, sizeof *shown);
    for (size_t i = 0; i < selection->count; i++)
        shown[selection->connections[i]] = true;
    const struct chart_options options = {
        .from_ns = chapter->query->from_ns, .to_ns = chapter->query->to_ns, .shown = shown};
    struct chart *chart = chart_new(chapter->session, &options);
    free(shown);
    return chart;
}

/* ---------------------------------------------------------------- in words */

/* Write "1 page", "20 pages". */
static void write_number(FILE *out, uint64_t n, const char *one, const char *many)
{
    char buffer[FORMAT_BYTES];
    fprintf(out, "%s %s", format_count(buffer, n), n == 1 ? one : many);
}

/* Write how large the bodies are of which that is known with Content-Encoding undone. */
static void write_decoded(FILE *out, const struct model_session *session)
{
    uint64_t count = 0, body_bytes = 0, decoded_bytes = 0;
    for (size_t i = 0; i < session->connection_count; i++) {
        const struct model_exchange *x = model_first_exchange(session, model_connection(session, i));
        for (; x; x = model_next_exchange(session, x)) {
            if (x->decoded_bytes == MODEL_NONE)
                continue;
            count++;
            body_bytes = rate_sum(body_bytes, (uint64_t)x->response.body_bytes);
            decoded_bytes = rate_sum(decoded_bytes, (uint64_t)x->decoded_bytes);
        }
    }
    char before[FORMAT_BYTES], after[FORMAT_BYTES];
    if (count == 0)
        return;
    write_number(out, count, "encoded body", "encoded bodies");
    fprintf(out, " of %s %s %s decoded. ", format_size(before, body_bytes), count == 1 ? "is" : "are",
            format_size(after, decoded_bytes));
}

/* Write what happened, in a few sentences. */
static void write_words(FILE *out, const struct chapter *chapter)
{
    const struct model_session *session = chapter->session;
    const struct stats_row *total = &chapter->stats.total;
    char buffer[FORMAT_BYTES];
    fprintf(out, "In %s, ", format_duration(buffer, session->last_ns == MODEL_NONE ? 0 : session->last_ns));
    if (session->connection_count == 0) {
        fputs("no connection was recorded.", out);
        return;
    }
    write_number(out, pages_count(chapter->pages), "page", "pages");
    fputs(" caused ", out);
    write_number(out, total->requests, "visible request", "visible requests");
    fputs(" on ", out);
    write_number(out, total->connections, "connection", "connections");
    fputs(" to ", out);
    write_number(out, session->server_count, "server", "servers");
    if (total->received_bytes != MODEL_NONE)
        fprintf(out, "; %s arrived", format_size(buffer, (uint64_t)total->received_bytes));
    fputs(". ", out);
    write_decoded(out, session);
    if (total->quantities[STATS_SOCKS].count > 0)
        fprintf(out, "Half of the SOCKS requests were answered within %s",
                format_duration(buffer, total->quantities[STATS_SOCKS].median));
    if (total->quantities[STATS_SOCKS].count > 0 && total->quantities[STATS_WAITING].count > 0)
        fprintf(out, ", half of the responses began within %s",
                format_duration(buffer, total->quantities[STATS_WAITING].median));
    if (total->quantities[STATS_SOCKS].count > 0)
        fputs(". ", out);
    uint64_t failed = 0;
    for (size_t i = 0; i < total->failure_count; i++)
        failed += total->failures[i].count;
    if (failed > 0)
        write_number(out, failed, "SOCKS request failed. ", "SOCKS requests failed. ");
    if (total->incomplete > 0)
        write_number(out, total->incomplete, "response is not complete. ", "responses are not complete. ");
    uint64_t hidden = encryption_hidden(session);
    if (hidden > 0)
        write_number(out, hidden, "TLS connection was not decrypted: its requests are not among these.",
                     "TLS connections were not decrypted: their requests are not among these.");
}

static void write_selection(FILE *out, const struct chapter *chapter)
{
    const struct report_query *query = chapter->query;
    fputs("Selected:", out);
    if (query->from_ns != MODEL_NONE || query->to_ns != MODEL_NONE) {
        fputs(" from ", out);
        report_seconds_print(out, query->from_ns == MODEL_NONE ? 0 : query->from_ns);
        fputs(" s to ", out);
        if (query->to_ns == MODEL_NONE)
            fputs("the end;", out);
        else
            report_seconds_print(out, query->to_ns);
        fputs(query->to_ns == MODEL_NONE ? "" : " s;", out);
    }
    if (query->server[0])
        fprintf(out, " server %s;", query->server);
    if (query->page != 0)
        fprintf(out, " page %" PRIu32 ";", query->page);
    if (query->connection != 0)
        fprintf(out, " connection %" PRIu32 ";", query->connection);
    fprintf(out, " %zu of %zu connections are shown in timeline, failures and appendix.", chapter->selection.count,
            chapter->session->connection_count);
}

/* ---------------------------------------------------------------- where the time went */

static void add_shares(const struct chapter *chapter, const struct chart *chart)
{
    static const struct paper_column columns[] = {PDF_LEFT("Where the time went"), PDF_RIGHT("Time"),
                                                  PDF_RIGHT("Share")};
    const struct timeline_figure *figure = chart_figure(chart);
    struct grid *grid = grid_new(columns, 3);
    uint64_t total = 0;
    for (size_t i = 0; i < figure->share_count; i++)
        total = rate_sum(total, figure->shares[i].amount);
    for (size_t i = 0; i < figure->share_count; i++) {
        const struct figure_share *share = &figure->shares[i];
        struct figure_text label = figure->palette[share->phase].label;
        if (share->inferred)
            grid_printf(grid, "%.*s, inferred (encrypted)", (int)label.len_bytes, label.bytes);
        else
            grid_bytes(grid, label.bytes, label.len_bytes);
        grid_duration(grid, model_number(share->amount));
        grid_printf(grid, "%.1f %%", total > 0 ? 100 * (double)share->amount / (double)total : 0.0);
    }
    bool any = grid_rows(grid) > 0;
    grid_add(grid, chapter->paper, NULL);
    if (any)
        paper_note(chapter->paper, figure->shares_note);
}

/* Add a measured quantity in three figures. */
static void add_quantity(struct grid *grid, const char *name, const struct stats_summary *summary)
{
    if (summary->count == 0)
        return;
    grid_printf(grid, "%s", name);
    grid_count(grid, summary->count);
    grid_duration(grid, summary->median);
    grid_duration(grid, summary->p90);
    grid_duration(grid, summary->max);
}

/* Add the figures that matter. */
static void add_figures(const struct chapter *chapter)
{
    static const struct paper_column columns[] = {PDF_LEFT("Times"), PDF_RIGHT("n"), PDF_RIGHT("Median"),
                                                  PDF_RIGHT("90 %"), PDF_RIGHT("Greatest")};
    const struct stats_summary *quantities = chapter->stats.total.quantities;
    struct grid *grid = grid_new(columns, sizeof columns / sizeof *columns);
    add_quantity(grid, "SOCKS: request sent to its reply", &quantities[STATS_SOCKS]);
    add_quantity(grid, stats_tls_title(&chapter->stats.total), &quantities[STATS_TLS]);
    add_quantity(grid, "Waiting: request sent to the first byte of the response", &quantities[STATS_WAITING]);
    add_quantity(grid, "Transfer: first to last byte of the response", &quantities[STATS_TRANSFER]);
    add_quantity(grid, "Waiting, inferred without keys", &quantities[STATS_INFERRED_WAITING]);
    add_quantity(grid, "Transfer, inferred without keys", &quantities[STATS_INFERRED_TRANSFER]);
    grid_add(grid, chapter->paper, NULL);
}

void pdf_abstract(const struct chapter *chapter)
{
    struct pdf_text text;
    pdf_text_begin(&text);
    write_words(text.out, chapter);
    paper_paragraph(chapter->paper, pdf_text(&text), false);
    pdf_text_end(&text);
    pdf_warnings(chapter);
}

void pdf_summary(const struct chapter *chapter)
{
    if (chapter->level == 1 && chapter->session->connection_count == 0)
        return; /* the title page says all */
    struct pdf_text text;
    struct chart *chart = make_chart(chapter);
    const struct report_query *query = chapter->query;
    paper_heading(chapter->paper, chapter->level, figure_text("Summary"), "summary");
    if (chapter->level > 1)
        pdf_abstract(chapter);
    if (query->from_ns != MODEL_NONE || query->to_ns != MODEL_NONE || query->server[0] || query->page != 0 ||
        query->connection != 0) {
        pdf_text_begin(&text);
        write_selection(text.out, chapter);
        paper_paragraph(chapter->paper, pdf_text(&text), false);
        pdf_text_end(&text);
    }
    add_figures(chapter);
    add_shares(chapter, chart);
    chart_free(chart);
}

/* ---------------------------------------------------------------- timeline */

/* Let the groups of the timeline lead to the lines of their servers: `groups` is a copy of the figure's. Return the
 * links' texts, to be freed. */
static GStringChunk *link_groups(const struct chapter *chapter, struct figure_group *groups, size_t count)
{
    GStringChunk *strings = g_string_chunk_new(4096);
    GHashTable *servers = g_hash_table_new(g_str_hash, g_str_equal); /* a lane's link → its server + 1 */
    for (size_t i = 0; i < chapter->session->connection_count; i++) {
        const struct model_connection *connection = model_connection(chapter->session, i);
        char link[40];
        snprintf(link, sizeof link, "#connection-%" PRIu32, connection->id);
        if (connection->server != MODEL_NO_INDEX)
            g_hash_table_insert(servers, g_string_chunk_insert(strings, link),
                                GSIZE_TO_POINTER((gsize)connection->server + 1));
    }
    for (size_t i = 0; i < count; i++) {
        char link[40];
        if (groups[i].lane_count == 0 || groups[i].lanes[0].link.len_bytes >= sizeof link)
            continue;
        snprintf(link, sizeof link, "%.*s", (int)groups[i].lanes[0].link.len_bytes, groups[i].lanes[0].link.bytes);
        gsize server = GPOINTER_TO_SIZE(g_hash_table_lookup(servers, link));
        if (server == 0)
            continue;
        snprintf(link, sizeof link, "#server-%zu", server - 1);
        groups[i].link = figure_text(g_string_chunk_insert(strings, link));
    }
    g_hash_table_destroy(servers);
    return strings;
}

void pdf_timeline(const struct chapter *chapter)
{
    struct chart *chart = make_chart(chapter);
    struct timeline_figure figure = *chart_figure(chart);
    struct figure_group *groups = memory_new(figure.group_count, sizeof *groups);
    if (figure.group_count > 0)
        memcpy(groups, figure.groups, figure.group_count * sizeof *groups);
    GStringChunk *strings = link_groups(chapter, groups, figure.group_count);
    figure.groups = groups;
    /* The rest of the document says what else the figure could. */
    const struct figure_text subtitle =
        figure_text("A line for each connection, under its server. Their numbers lead to the appendix.");
    figure.subtitles = &subtitle;
    figure.subtitle_count = 1;
    figure.warning_count = figure.share_count = 0;
    paper_heading(chapter->paper, chapter->level, figure_text("Timeline"), "timeline");
    paper_timeline(chapter->paper, &figure);
    g_string_chunk_free(strings);
    free(groups);
    chart_free(chart);
}
