/* The tables of a document: pages, servers, failures. */
#include <inttypes.h>
#include <string.h>

#include "analyze/failures.h"
#include "analyze/format.h"
#include "analyze/url.h"
#include "base/memory.h"
#include "report/document.h"

static void begin_table(const struct document *document, const char *name, const char *caption, const char *head)
{
    document_begin_region(document, "scroll", name);
    fprintf(document->out, "<table><caption><span>%s</span></caption>\n<thead><tr>%s</tr></thead>\n<tbody>\n", caption,
            head);
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
            fputs(page->https ? "https://" : "http://", out);
        html_text(out, page->host);
        if (!url_is_usual_port(page->https, page->port) || !page->target.data)
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
    document_duration_cell(document,
                           page->first_byte_ns == MODEL_NONE ? MODEL_NONE : page->first_byte_ns - page->start_ns);
    document_known_cell(document, page_requests_known(page), page->requests);
    document_count_cell(document, page->connections);
    document_count_cell(document, page->servers);
    document_size_cell(document, model_number(page->received_bytes));
    document_count_cell(document, page->failures);
    fputs("</tr>\n", out);
}

/* What each page took: where its load time went, and how its requests went. */
static void write_page_parts(const struct document *document, const struct page *page)
{
    FILE *out = document->out;
    const struct page_parts *parts = &page->parts;
    const int64_t shares[] = {parts->socks_ns, parts->tls_ns, parts->waiting_ns, parts->transfer_ns, parts->idle_ns};
    fprintf(out, "<tr><th scope=\"row\" class=\"n\">%" PRIu32 "</th>", page->number);
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
        int percent = page_percent(page, shares[i]);
        if (percent < 0)
            fputs("<td class=\"n\">–</td>", out);
        else
            fprintf(out, "<td class=\"n\">%d %%</td>", percent);
    }
    document_count_cell(document, parts->round_trips);
    document_known_cell(document, page_requests_known(page), parts->reused);
    document_known_cell(document, page_requests_known(page), parts->parallelism);
    fputs("</tr>\n", out);
}

static void write_parts(const struct document *document)
{
    const struct pages *pages = document->input->pages;
    begin_table(
        document, "Table of the parts of pages",
        "Parts of their load time; round trips, requests on connections used before, most requests at once",
        "<th scope=\"col\" class=\"n\">No.</th><th scope=\"col\" class=\"n\">SOCKS</th>"
        "<th scope=\"col\" class=\"n\">TLS</th><th scope=\"col\" class=\"n\">Waiting</th>"
        "<th scope=\"col\" class=\"n\">Transfer</th><th scope=\"col\" class=\"n\">Idle</th>"
        "<th scope=\"col\" class=\"n\">Round trips</th><th scope=\"col\" class=\"n\">On reused connections</th>"
        "<th scope=\"col\" class=\"n\">Most requests at once</th>");
    for (size_t i = pages_count(pages); i > 0; i--)
        write_page_parts(document, pages_get(pages, i - 1));
    end_table(document->out);
}

void tables_write_pages(const struct document *document)
{
    enum { MOST = 200 };
    const struct pages *pages = document->input->pages;
    size_t n = pages ? pages_count(pages) : 0;
    FILE *out = document->out;
    if (n == 0)
        return;
    document_begin_section(document, "pages", "Pages", 1);
    begin_table(
        document, "Table of pages", "What was loaded, the newest first",
        "<th scope=\"col\" class=\"n\">No.</th><th scope=\"col\">Page</th><th scope=\"col\" class=\"n\">Start (s)"
        "</th><th scope=\"col\" class=\"n\">Load time</th><th scope=\"col\" class=\"n\">First byte</th>"
        "<th scope=\"col\" class=\"n\">Requests</th>"
        "<th scope=\"col\" class=\"n\">Connections</th><th scope=\"col\" class=\"n\">Servers</th>"
        "<th scope=\"col\" class=\"n\">Received</th><th scope=\"col\" class=\"n\">Failures</th>");
    size_t most = document->place->self_contained ? n : MOST;
    for (size_t i = n; i > 0 && n - i < most; i--)
        write_page(document, pages_get(pages, i - 1));
    end_table(out);
    if (document->place->self_contained)
        write_parts(document);
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
    document_known_cell(document, stats_requests_known(row), row->requests);
    document_known_cell(document, stats_requests_known(row), row->responses);
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
    document_begin_section(document, "servers", "Server information", 1);
    begin_table(
        document, "Table of servers", "Servers of the whole recording, in the order of their first use",
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

enum { FAILURES = 100 };

/* Return whether `failure` happened within the page that the query selects, if it selects one. */
static bool is_of_page(const struct document *document, const struct failure *failure)
{
    uint32_t number = document->query->page;
    const struct pages *pages = document->input->pages;
    if (number == 0 || !pages || number > pages_count(pages))
        return true;
    const struct page *page = pages_get(pages, number - 1);
    return failure->t_ns >= page->start_ns &&
           (page->open || page->end_ns == MODEL_NONE || failure->t_ns <= page->end_ns);
}

static void write_failure(const struct document *document, const struct failure *failure)
{
    FILE *out = document->out;
    char buffer[FORMAT_BYTES];
    fprintf(out, "<li><span class=\"t\">%s</span> ", format_moment(buffer, failure->t_ns));
    if (document->place->self_contained) {
        fprintf(out, "<a href=\"#%sconnection-%" PRIu32 "\">", document->prefix, failure->connection);
    } else {
        struct report_query query = *document->query;
        query.connection = failure->connection;
        query.part = 0;
        document_link(document, &query);
    }
    fprintf(out, "connection %" PRIu32 "</a>", failure->connection);
    if (failure->server_len > 0) {
        fputs(" to ", out);
        html_text(out, (struct text){(const uint8_t *)failure->server, (uint32_t)failure->server_len});
    }
    fputs(": ", out);
    html_text(out, (struct text){(const uint8_t *)failure->sentence, (uint32_t)failure->sentence_len});
    fputs("</li>\n", out);
}

void tables_write_failures(const struct document *document)
{
    const struct selection *selection = &document->selection;
    FILE *out = document->out;
    char buffer[FORMAT_BYTES];
    bool *shown = memory_new(document->session->connection_count, sizeof *shown);
    struct failures failures;
    uint64_t n = 0;
    for (size_t i = 0; i < selection->count; i++)
        shown[selection->connections[i]] = true;
    failures_init(&failures, document->session, shown, 0);
    document_begin_section(document, "failures", "Failures", 1);
    fputs("<ul class=\"lines\">\n", out);
    for (size_t i = failures.count; i > 0; i--) { /* the newest first */
        if (is_of_page(document, &failures.list[i - 1]) && n++ < FAILURES)
            write_failure(document, &failures.list[i - 1]);
    }
    if (n == 0)
        fputs("<li>None.</li>\n", out);
    if (n > FAILURES)
        fprintf(out, "<li>and %s more.</li>\n", format_count(buffer, n - FAILURES));
    fputs("</ul>\n</section>\n", out);
    failures_fini(&failures);
    free(shown);
}
