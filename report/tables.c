/* The tables of a document: pages, servers, failures. */
#include <inttypes.h>
#include <string.h>

#include "analyze/format.h"
#include "analyze/metrics.h"
#include "analyze/words.h"
#include "report/document.h"

static void begin_table(FILE *out, const char *name, const char *caption, const char *head)
{
    fprintf(out,
            "<div class=\"scroll\" role=\"region\" aria-label=\"%s\" tabindex=\"0\"><table>"
            "<caption><span>%s</span></caption>\n<thead><tr>%s</tr></thead>\n<tbody>\n",
            name, caption, head);
}

static void end_table(FILE *out)
{
    fputs("</tbody></table></div>\n", out);
}

/* ---------------------------------------------------------------- pages */

static void write_page_name(const struct document *document, const struct page *page)
{
    FILE *out = document->out;
    struct report_query query = *document->query;
    query.page = page->number;
    query.part = 0;
    document_link(document, &query);
    if (!page->host.data) {
        fputs("(no request)", out);
    } else {
        if (page->target.data)
            fputs("http://", out);
        html_text(out, page->host);
        if (page->port != 80 || !page->target.data)
            fprintf(out, ":%" PRIu32, page->port);
        html_text(out, page->target);
    }
    document_link_end(document);
    if (page->first_party.len > 0) {
        fputs(" <span class=\"quiet\">for ", out);
        html_text(out, page->first_party);
        fputs("</span>", out);
    }
}

static void write_page(const struct document *document, const struct page *page)
{
    FILE *out = document->out;
    char buffer[FORMAT_BYTES];
    fprintf(out, "<tr><td class=\"n\">%" PRIu32 "</td><th scope=\"row\" class=\"text\">", page->number);
    write_page_name(document, page);
    fprintf(out, "</th><td class=\"n\">%s</td>", format_moment(buffer, page->start_ns));
    if (page->open)
        fputs("<td class=\"n\">loading</td>", out);
    else
        document_duration_cell(document, page_load_ns(page));
    document_count_cell(document, page->requests);
    document_count_cell(document, page->connections);
    document_count_cell(document, page->servers);
    document_size_cell(document, model_number(page->received_bytes));
    document_count_cell(document, page->failures);
    fputs("</tr>\n", out);
}

void tables_write_pages(const struct document *document)
{
    enum { MOST = 200 };
    const struct pages *pages = document->input->pages;
    size_t n = pages ? pages_count(pages) : 0;
    FILE *out = document->out;
    if (n == 0)
        return;
    fputs("<section>\n<h2 id=\"pages\">Pages</h2>\n", out);
    begin_table(
        out, "Table of pages", "What was loaded, the newest first",
        "<th scope=\"col\" class=\"n\">No.</th><th scope=\"col\">Page</th><th scope=\"col\" class=\"n\">Start (s)"
        "</th><th scope=\"col\" class=\"n\">Load time</th><th scope=\"col\" class=\"n\">Requests</th>"
        "<th scope=\"col\" class=\"n\">Connections</th><th scope=\"col\" class=\"n\">Servers</th>"
        "<th scope=\"col\" class=\"n\">Received</th><th scope=\"col\" class=\"n\">Failures</th>");
    size_t most = document->place->self_contained ? n : MOST;
    for (size_t i = n; i > 0 && n - i < most; i--)
        write_page(document, pages_get(pages, i - 1));
    end_table(out);
    if (n > most)
        fprintf(out, "<p class=\"quiet\">The newest %zu of %zu pages; page=N in the address shows any.</p>\n", most, n);
    fputs("</section>\n", out);
}

/* ---------------------------------------------------------------- servers */

static void write_server_row(const struct document *document, const struct stats_row *row)
{
    FILE *out = document->out;
    char buffer[FORMAT_BYTES];
    bool total = row == &document->stats.total;
    fprintf(out, "<tr%s><th scope=\"row\" class=\"text\">", total ? " class=\"total\"" : "");
    if (total)
        fputs("all", out);
    else
        document_server(document, row->server);
    fprintf(out, "</th><td class=\"n\">%s", format_count(buffer, row->connections));
    if (row->open > 0)
        fprintf(out, " (still open: %s)", format_count(buffer, row->open));
    fputs("</td>", out);
    document_count_cell(document, row->requests);
    document_count_cell(document, row->responses);
    document_duration_cell(document, row->mean_response_ns);
    document_duration_cell(document, row->quantities[STATS_SOCKS].median);
    document_duration_cell(document, row->quantities[STATS_WAITING].median);
    document_duration_cell(document, row->quantities[STATS_TRANSFER].median);
    document_size_cell(document, row->received_bytes);
    if (row->open > 0)
        fputs("<td>there are still open connections</td>", out);
    else
        document_duration_cell(document, row->connection_ns);
    fputs("</tr>\n", out);
}

void tables_write_servers(const struct document *document)
{
    enum { MOST = 1000 };
    const struct stats *stats = &document->stats;
    FILE *out = document->out;
    fputs("<section>\n<h2 id=\"servers\">Server information</h2>\n", out);
    begin_table(
        out, "Table of servers", "Servers of the whole recording, in the order of their first use",
        "<th scope=\"col\">Server</th><th scope=\"col\" class=\"n\">Connections</th><th scope=\"col\" class=\"n\">"
        "Requests</th><th scope=\"col\" class=\"n\">Responses</th><th scope=\"col\" class=\"n\">Mean response time"
        "</th><th scope=\"col\" class=\"n\">Median SOCKS</th><th scope=\"col\" class=\"n\">Median waiting</th>"
        "<th scope=\"col\" class=\"n\">Median transfer</th><th scope=\"col\" class=\"n\">Received</th>"
        "<th scope=\"col\" class=\"n\">Total connection time</th>");
    size_t most = document->place->self_contained ? stats->row_count : MOST;
    for (size_t i = 0; i < stats->row_count && i < most; i++)
        write_server_row(document, &stats->rows[i]);
    if (stats->row_count > 1)
        write_server_row(document, &stats->total);
    end_table(out);
    if (stats->row_count > most)
        fprintf(out, "<p class=\"quiet\">The first %zu of %zu servers.</p>\n", most, stats->row_count);
    fputs("</section>\n", out);
}

/* ---------------------------------------------------------------- failures */

/* A list of failures in the making: the first ones are written, all are counted. */
struct failures {
    const struct document *document;
    uint64_t count;
};

enum { FAILURES = 100 };

/* Begin the line of a failure; return false if there are too many. */
static bool begin_failure(struct failures *failures, int64_t t_ns, const struct model_connection *connection)
{
    const struct document *document = failures->document;
    FILE *out = document->out;
    char buffer[FORMAT_BYTES];
    if (failures->count++ >= FAILURES)
        return false;
    fprintf(out, "<li><span class=\"t\">%s</span> ", t_ns == MODEL_NONE ? "–" : format_moment(buffer, t_ns));
    if (document->place->self_contained) {
        fprintf(out, "<a href=\"#connection-%" PRIu32 "\">", connection->id);
    } else {
        struct report_query query = *document->query;
        query.connection = connection->id;
        query.part = 0;
        document_link(document, &query);
    }
    fprintf(out, "connection %" PRIu32 "</a>", connection->id);
    if (connection->host.data) {
        fputs(" to ", out);
        html_text(out, connection->host);
    }
    fputs(": ", out);
    return true;
}

static void end_failure(const struct failures *failures)
{
    fputs("</li>\n", failures->document->out);
}

static const char *or_unknown(const char *words)
{
    return words ? words : "unknown";
}

static void put_request(FILE *out, const struct model_exchange *x)
{
    html_text(out, x->method);
    putc(' ', out);
    html_text(out, x->target);
}

static void write_exchange_failures(struct failures *failures, const struct model_connection *connection,
                                    const struct model_exchange *x)
{
    FILE *out = failures->document->out;
    const char *cause = words_http_end_cause(x->response.cause);
    if (x->has_status && x->status >= 400 && begin_failure(failures, x->response.start_ns, connection)) {
        put_request(out, x);
        fprintf(out, ": %" PRIu32 " ", x->status);
        html_text(out, x->reason);
        end_failure(failures);
    }
    if (x->response.end_ns != MODEL_NONE && !metrics_complete(x) && cause &&
        x->response.cause != MITM__HTTP_END_CAUSE__TUNNEL && begin_failure(failures, x->response.end_ns, connection)) {
        put_request(out, x);
        fprintf(out, ": the response is incomplete (%s)", cause);
        end_failure(failures);
    }
}

static void write_connection_failures(struct failures *failures, const struct model_connection *c)
{
    FILE *out = failures->document->out;
    if (metrics_socks_failed(c) && begin_failure(failures, c->socks_end_ns, c)) {
        words_print_socks_reply(out, c->reply);
        fputs(c->reply_origin == MITM__REPLY_ORIGIN__PROXY ? ", from mitm-proxy itself" : "", out);
        end_failure(failures);
    }
    for (int direction = 0; direction < MODEL_DIRECTIONS; direction++) {
        const struct model_violation *violation = &c->streams[direction].violation;
        if (violation->t_ns == MODEL_NONE || !begin_failure(failures, violation->t_ns, c))
            continue;
        fprintf(out, "the %s broke the protocol: %s", direction == MODEL_TO_SERVER ? "client" : "server",
                or_unknown(words_violation(violation->kind)));
        end_failure(failures);
    }
    if ((c->end_cause == MITM__END_CAUSE__RESET || c->end_cause == MITM__END_CAUSE__CONNECTION_ERROR) &&
        c->end_ns != MODEL_NONE && begin_failure(failures, c->end_ns, c)) {
        fputs(or_unknown(words_end_cause(c->end_cause)), out);
        end_failure(failures);
    }
    const struct model_session *session = failures->document->session;
    for (const struct model_exchange *x = model_first_exchange(session, c); x; x = model_next_exchange(session, x)) {
        if (selection_has_exchange(&failures->document->selection, x))
            write_exchange_failures(failures, c, x);
    }
}

void tables_write_failures(const struct document *document)
{
    FILE *out = document->out;
    char buffer[FORMAT_BYTES];
    struct failures failures = {.document = document};
    fputs("<section>\n<h2 id=\"failures\">Failures</h2>\n<ul class=\"lines\">\n", out);
    const struct selection *selection = &document->selection;
    for (size_t i = selection->count; i > 0; i--)
        write_connection_failures(&failures, model_connection(document->session, selection->connections[i - 1]));
    if (failures.count == 0)
        fputs("<li>None.</li>\n", out);
    if (failures.count > FAILURES)
        fprintf(out, "<li>and %s more.</li>\n", format_count(buffer, failures.count - FAILURES));
    fputs("</ul>\n</section>\n", out);
}
