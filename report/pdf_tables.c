/* The tables of a report on paper: pages, servers, failures, and the connections as its appendix. */
#include <inttypes.h>
#include <stdlib.h>

#include "analyze/failures.h"
#include "analyze/format.h"
#include "analyze/memory.h"
#include "analyze/metrics.h"
#include "analyze/words.h"
#include "report/pdf_parts.h"

/* So many rows of a table at most: what is longer nobody reads on paper. */
enum { MOST_ROWS = 20000 };

/* Say that a table has only the first `shown` of `n`. */
static void note_cut(const struct chapter *chapter, size_t shown, size_t n, const char *what)
{
    char text[120];
    if (shown >= n)
        return;
    snprintf(text, sizeof text, "The first %zu of %zu %s; a report of a shorter time shows others.", shown, n, what);
    paper_note(chapter->paper, figure_text(text));
}

/* ---------------------------------------------------------------- pages */

static void add_page_name(struct sheet *sheet, const struct page *page)
{
    struct pdf_text text;
    pdf_text_begin(&text);
    if (!page->host.data)
        fputs("(no request)", text.out);
    if (page->target.data)
        fputs("http://", text.out);
    pdf_put(text.out, page->host);
    if (page->host.data && (page->port != 80 || !page->target.data))
        fprintf(text.out, ":%" PRIu32, page->port);
    pdf_put(text.out, page->target);
    if (page->first_party.len > 0) {
        fputs(" for ", text.out);
        pdf_put(text.out, page->first_party);
    }
    struct figure_text name = pdf_text(&text);
    sheet_bytes(sheet, name.bytes, name.len_bytes);
    pdf_text_end(&text);
}

static void add_page(struct sheet *sheet, const struct page *page)
{
    char buffer[FORMAT_BYTES];
    sheet_printf(sheet, "%" PRIu32, page->number);
    sheet_anchor(sheet, "page-%" PRIu32, page->number);
    add_page_name(sheet, page);
    sheet_printf(sheet, "%s", format_moment(buffer, page->start_ns));
    if (page->open)
        sheet_printf(sheet, "loading");
    else
        sheet_duration(sheet, page_load_ns(page));
    sheet_duration(sheet, page->first_byte_ns == MODEL_NONE ? MODEL_NONE : page->first_byte_ns - page->start_ns);
    sheet_count(sheet, page->requests);
    sheet_count(sheet, page->connections);
    sheet_count(sheet, page->servers);
    sheet_size(sheet, model_number(page->received_bytes));
    sheet_count(sheet, page->failures);
}

static void add_share(struct sheet *sheet, const struct page *page, int64_t ns)
{
    int64_t load_ns = page_load_ns(page);
    if (ns == MODEL_NONE || load_ns <= 0)
        sheet_printf(sheet, "–");
    else
        sheet_printf(sheet, "%" PRId64 " %%", (int64_t)(100.0 * (double)ns / (double)load_ns + 0.5));
}

/* Add the table of where each page's time went. */
static void add_page_parts(const struct chapter *chapter, size_t n)
{
    static const struct paper_column columns[] = {
        PDF_RIGHT("No."),  PDF_RIGHT("SOCKS"),       PDF_RIGHT("Waiting"), PDF_RIGHT("Transfer"),
        PDF_RIGHT("Idle"), PDF_RIGHT("Round trips"), PDF_RIGHT("Reused"),  PDF_RIGHT("Most at once")};
    struct sheet *sheet = sheet_new(columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < n; i++) {
        const struct page *page = pages_get(chapter->pages, i);
        sheet_printf(sheet, "%" PRIu32, page->number);
        sheet_link(sheet, "page-%" PRIu32, page->number);
        add_share(sheet, page, page->parts.socks_ns);
        add_share(sheet, page, page->parts.waiting_ns);
        add_share(sheet, page, page->parts.transfer_ns);
        add_share(sheet, page, page->parts.idle_ns);
        sheet_count(sheet, page->parts.round_trips);
        sheet_count(sheet, page->parts.reused);
        sheet_count(sheet, page->parts.parallelism);
    }
    sheet_add(sheet, chapter->paper, "Where the load time of each page went, and how its requests went");
}

void pdf_pages(const struct chapter *chapter)
{
    static const struct paper_column columns[] = {
        PDF_RIGHT("No."),        PDF_LEFT("Page"),      PDF_RIGHT("Start (s)"),     PDF_RIGHT("Load time"),
        PDF_RIGHT("First byte"), PDF_RIGHT("Requests"), PDF_RIGHT("Connec- tions"), PDF_RIGHT("Servers"),
        PDF_RIGHT("Received"),   PDF_RIGHT("Failed")};
    size_t n = pages_count(chapter->pages), shown = n < MOST_ROWS ? n : MOST_ROWS;
    char text[400];
    if (n == 0)
        return;
    struct sheet *sheet = sheet_new(columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < shown; i++)
        add_page(sheet, pages_get(chapter->pages, i));
    paper_heading(chapter->paper, chapter->level, figure_text("Pages"), "pages");
    snprintf(text, sizeof text,
             "Connections and requests grouped into page loads: by first party, by navigation, and by pauses of more "
             "than %g s. Load time: first event to the end of the last response.",
             chapter->gap_s);
    paper_paragraph(chapter->paper, figure_text(text), false);
    sheet_add(sheet, chapter->paper, NULL);
    add_page_parts(chapter, shown);
    note_cut(chapter, shown, n, "pages");
}

/* ---------------------------------------------------------------- servers */

/* Add the name of the server, as a link to its line if `linked`. */
static void add_server(struct sheet *sheet, const struct chapter *chapter, uint32_t index, bool linked)
{
    const struct model_server *server = index == MODEL_NO_INDEX ? NULL : model_server(chapter->session, index);
    if (!server || server->kind == MODEL_SERVER_LOOKUP) {
        sheet_printf(sheet, server ? "(name look-ups)" : "(no request)");
    } else {
        struct pdf_text text;
        pdf_text_begin(&text);
        pdf_put(text.out, server->host);
        fprintf(text.out, ":%" PRIu32, server->port);
        struct figure_text name = pdf_text(&text);
        sheet_bytes(sheet, name.bytes, name.len_bytes);
        pdf_text_end(&text);
    }
    if (linked && server)
        sheet_link(sheet, "server-%" PRIu32, index);
}

static void add_server_row(struct sheet *sheet, const struct chapter *chapter, const struct stats_row *row)
{
    const struct model_server *servers = chapter->session->servers;
    if (row == &chapter->stats.total) {
        sheet_printf(sheet, "all");
        sheet_strong(sheet);
    } else {
        uint32_t index = row->server ? (uint32_t)(row->server - servers) : MODEL_NO_INDEX;
        add_server(sheet, chapter, index, false);
        if (row->server)
            sheet_anchor(sheet, "server-%" PRIu32, index);
        if (row->server)
            sheet_link(sheet, "lane-server-%" PRIu32, index);
    }
    sheet_count(sheet, row->connections);
    sheet_count(sheet, row->requests);
    sheet_count(sheet, row->responses);
    sheet_duration(sheet, row->mean_response_ns);
    sheet_duration(sheet, row->quantities[STATS_SOCKS].median);
    sheet_duration(sheet, row->quantities[STATS_WAITING].median);
    sheet_duration(sheet, row->quantities[STATS_TRANSFER].median);
    sheet_size(sheet, row->received_bytes);
}

void pdf_servers(const struct chapter *chapter)
{
    static const struct paper_column columns[] = {
        PDF_LEFT("Server"),          PDF_RIGHT("Connec- tions"),   PDF_RIGHT("Requests"),
        PDF_RIGHT("Responses"),      PDF_RIGHT("Mean response"),   PDF_RIGHT("Median SOCKS"),
        PDF_RIGHT("Median waiting"), PDF_RIGHT("Median transfer"), PDF_RIGHT("Received")};
    const struct stats *stats = &chapter->stats;
    size_t shown = stats->row_count < MOST_ROWS ? stats->row_count : MOST_ROWS;
    struct sheet *sheet = sheet_new(columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < shown; i++)
        add_server_row(sheet, chapter, &stats->rows[i]);
    if (stats->row_count > 1)
        add_server_row(sheet, chapter, &stats->total);
    paper_heading(chapter->paper, chapter->level, figure_text("Servers"), "servers");
    sheet_add(sheet, chapter->paper, "Servers of the whole recording, in the order of their first use");
    note_cut(chapter, shown, stats->row_count, "servers");
}

/* ---------------------------------------------------------------- failures */

/* Return whether `failure` happened within the page that the query selects, if it selects one. */
static bool is_of_page(const struct chapter *chapter, const struct failure *failure)
{
    uint32_t number = chapter->query->page;
    if (number == 0 || number > pages_count(chapter->pages))
        return true;
    const struct page *page = pages_get(chapter->pages, number - 1);
    return failure->t_ns >= page->start_ns &&
           (page->open || page->end_ns == MODEL_NONE || failure->t_ns <= page->end_ns);
}

static void add_failure(struct sheet *sheet, const struct failure *failure)
{
    char buffer[FORMAT_BYTES];
    sheet_printf(sheet, "%s", format_moment(buffer, failure->t_ns));
    sheet_printf(sheet, "%" PRIu32, failure->connection);
    sheet_link(sheet, "connection-%" PRIu32, failure->connection);
    sheet_bytes(sheet, failure->server, failure->server_len);
    sheet_bytes(sheet, failure->sentence, failure->sentence_len);
}

void pdf_failures(const struct chapter *chapter)
{
    static const struct paper_column columns[] = {PDF_RIGHT("Time (s)"), PDF_RIGHT("Con- nection"), PDF_LEFT("Server"),
                                                  PDF_LEFT("What failed")};
    const struct selection *selection = &chapter->selection;
    bool *shown = memory_new(chapter->session->connection_count, sizeof *shown);
    struct sheet *sheet = sheet_new(columns, sizeof columns / sizeof *columns);
    struct failures failures;
    size_t n = 0;
    for (size_t i = 0; i < selection->count; i++)
        shown[selection->connections[i]] = true;
    failures_init(&failures, chapter->session, shown, 0);
    for (size_t i = 0; i < failures.count; i++) {
        if (is_of_page(chapter, &failures.list[i]) && n++ < MOST_ROWS)
            add_failure(sheet, &failures.list[i]);
    }
    paper_heading(chapter->paper, chapter->level, figure_text("Failures"), "failures");
    if (n == 0)
        paper_paragraph(chapter->paper, figure_text("None."), false);
    sheet_add(sheet, chapter->paper, NULL);
    note_cut(chapter, n < MOST_ROWS ? n : MOST_ROWS, n, "failures");
    failures_fini(&failures);
    free(shown);
}

/* ---------------------------------------------------------------- connections */

static void add_end(struct sheet *sheet, const struct model_connection *connection)
{
    char buffer[FORMAT_BYTES];
    const char *words = words_end_cause(connection->end_cause);
    if (model_connection_open(connection))
        sheet_printf(sheet, "still open");
    else if (connection->end_ns == MODEL_NONE)
        sheet_printf(sheet, "–");
    else
        sheet_printf(sheet, "%s %s", format_moment(buffer, connection->end_ns), words ? words : "");
}

static void add_connection(struct sheet *sheet, const struct chapter *chapter, size_t index)
{
    const struct model_connection *connection = model_connection(chapter->session, index);
    char buffer[FORMAT_BYTES];
    int64_t start_ns = metrics_connection_start_ns(connection);
    uint32_t page = pages_of_connection(chapter->pages, index);
    sheet_printf(sheet, "%" PRIu32, connection->id);
    sheet_anchor(sheet, "connection-%" PRIu32, connection->id);
    sheet_link(sheet, "lane-connection-%" PRIu32, connection->id);
    add_server(sheet, chapter, connection->server, true);
    if (page > 0) {
        sheet_printf(sheet, "%" PRIu32, page);
        sheet_link(sheet, "page-%" PRIu32, page);
    } else {
        sheet_printf(sheet, "–");
    }
    sheet_printf(sheet, "%s", start_ns == MODEL_NONE ? "–" : format_moment(buffer, start_ns));
    if (metrics_socks_failed(connection))
        sheet_printf(sheet, "failed");
    else
        sheet_duration(sheet, metrics_socks_ns(connection));
    sheet_count(sheet, connection->request_count);
    sheet_size(sheet, model_connection_bytes(connection, MODEL_TO_SERVER));
    sheet_size(sheet, model_connection_bytes(connection, MODEL_TO_CLIENT));
    add_end(sheet, connection);
}

void pdf_connections(const struct chapter *chapter)
{
    static const struct paper_column columns[] = {PDF_RIGHT("Id"),        PDF_LEFT("Server"),    PDF_RIGHT("Page"),
                                                  PDF_RIGHT("Start (s)"), PDF_RIGHT("SOCKS"),    PDF_RIGHT("Requests"),
                                                  PDF_RIGHT("Sent"),      PDF_RIGHT("Received"), PDF_LEFT("End (s)")};
    const struct selection *selection = &chapter->selection;
    size_t shown = selection->count < MOST_ROWS ? selection->count : MOST_ROWS;
    struct sheet *sheet = sheet_new(columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < shown; i++)
        add_connection(sheet, chapter, selection->connections[i]);
    paper_heading(chapter->paper, chapter->level, figure_text("Appendix: connections"), "connections");
    paper_note(
        chapter->paper,
        figure_text("The numbers lead to the lines of the timeline, and these back; servers and pages to theirs."));
    sheet_add(sheet, chapter->paper, NULL);
    note_cut(chapter, shown, selection->count, "connections");
}
