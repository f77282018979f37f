/* The tables of a report on paper: pages, servers, failures, and the connections as its appendix. */
#include <inttypes.h>
#include <stdlib.h>

#include "analyze/failures.h"
#include "analyze/format.h"
#include "base/memory.h"
#include "analyze/metrics.h"
#include "analyze/url.h"
#include "analyze/words.h"
#include "report/pdf_parts.h"

/* So many rows of a table at most: what is longer nobody reads on paper. */
enum { MOST_ROWS = 20000, MOST_FAILURES = 500 };

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

static void add_page_name(struct grid *grid, const struct page *page)
{
    struct pdf_text text;
    pdf_text_begin(&text);
    if (!page->host.data)
        fputs("(no request)", text.out);
    if (page->target.data)
        fputs(page->https ? "https://" : "http://", text.out);
    pdf_put(text.out, page->host);
    if (page->host.data && (!url_is_usual_port(page->https, page->port) || !page->target.data))
        fprintf(text.out, ":%" PRIu32, page->port);
    pdf_put(text.out, page->target);
    if (page->first_party.len > 0) {
        fputs(" for ", text.out);
        pdf_put(text.out, page->first_party);
    }
    struct figure_text name = pdf_text(&text);
    grid_bytes(grid, name.bytes, name.len_bytes);
    pdf_text_end(&text);
}

static void add_page(struct grid *grid, const struct page *page)
{
    char buffer[FORMAT_BYTES];
    grid_printf(grid, "%" PRIu32, page->number);
    grid_anchor(grid, "page-%" PRIu32, page->number);
    add_page_name(grid, page);
    grid_printf(grid, "%s", format_moment(buffer, page->start_ns));
    if (page->open)
        grid_printf(grid, "loading");
    else
        grid_duration(grid, page_load_ns(page));
    grid_duration(grid, page->first_byte_ns == MODEL_NONE ? MODEL_NONE : page->first_byte_ns - page->start_ns);
    grid_size(grid, model_number(page->received_bytes));
    grid_count(grid, page->failures);
}

static void add_share(struct grid *grid, const struct page *page, int64_t ns)
{
    int percent = page_percent(page, ns);
    if (percent < 0)
        grid_printf(grid, "–");
    else
        grid_printf(grid, "%d %%", percent);
}

/* Add a number that requests give, if they are known. */
static void add_known(struct grid *grid, const struct page *page, uint64_t count)
{
    if (page_requests_known(page))
        grid_count(grid, count);
    else
        grid_printf(grid, "–");
}

/* Add the table of where each page's time went. */
static void add_page_parts(const struct chapter *chapter, size_t n)
{
    static const struct paper_column columns[] = {
        PDF_RIGHT("No."),   PDF_RIGHT("Requests"),    PDF_RIGHT("Conn."),   PDF_RIGHT("Servers"),
        PDF_RIGHT("SOCKS"), PDF_RIGHT("TLS"),         PDF_RIGHT("Waiting"), PDF_RIGHT("Transfer"),
        PDF_RIGHT("Idle"),  PDF_RIGHT("Round trips"), PDF_RIGHT("Reused"),  PDF_RIGHT("Most at once")};
    struct grid *grid = grid_new(columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < n; i++) {
        const struct page *page = pages_get(chapter->pages, i);
        grid_printf(grid, "%" PRIu32, page->number);
        grid_link(grid, "page-%" PRIu32, page->number);
        add_known(grid, page, page->requests);
        grid_count(grid, page->connections);
        grid_count(grid, page->servers);
        add_share(grid, page, page->parts.socks_ns);
        add_share(grid, page, page->parts.tls_ns);
        add_share(grid, page, page->parts.waiting_ns);
        add_share(grid, page, page->parts.transfer_ns);
        add_share(grid, page, page->parts.idle_ns);
        grid_count(grid, page->parts.round_trips);
        add_known(grid, page, page->parts.reused);
        add_known(grid, page, page->parts.parallelism);
    }
    grid_add(grid, chapter->paper,
             "What each page took: parts of its load time; round trips, greatest parallelism, requests on reused "
             "connections");
}

void pdf_pages(const struct chapter *chapter)
{
    static const struct paper_column columns[] = {
        PDF_RIGHT("No."),        PDF_LEFT("Page"),      PDF_RIGHT("Start (s)"), PDF_RIGHT("Load time"),
        PDF_RIGHT("First byte"), PDF_RIGHT("Received"), PDF_RIGHT("Failed")};
    size_t n = pages_count(chapter->pages), shown = n < MOST_ROWS ? n : MOST_ROWS;
    char text[400];
    if (n == 0)
        return;
    struct grid *grid = grid_new(columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < shown; i++)
        add_page(grid, pages_get(chapter->pages, i));
    paper_heading(chapter->paper, chapter->level, figure_text("Pages"), "pages");
    snprintf(text, sizeof text,
             "Connections and requests grouped into page loads: by first party, by navigation, and by pauses of more "
             "than %g s. Load time: first event to the end of the last response.",
             chapter->gap_s);
    grid_add(grid, chapter->paper, "What was loaded");
    paper_note(chapter->paper, figure_text(text));
    add_page_parts(chapter, shown);
    note_cut(chapter, shown, n, "pages");
}

/* ---------------------------------------------------------------- servers */

/* Add the name of the server, as a link to its line if `linked`. */
static void add_server(struct grid *grid, const struct chapter *chapter, uint32_t index, bool linked)
{
    const struct model_server *server = index == MODEL_NO_INDEX ? NULL : model_server(chapter->session, index);
    if (!server || server->kind == MODEL_SERVER_LOOKUP) {
        grid_printf(grid, server ? "(name look-ups)" : "(no request)");
    } else {
        struct pdf_text text;
        pdf_text_begin(&text);
        pdf_put(text.out, server->host);
        fprintf(text.out, ":%" PRIu32, server->port);
        struct figure_text name = pdf_text(&text);
        grid_bytes(grid, name.bytes, name.len_bytes);
        pdf_text_end(&text);
    }
    if (linked && server)
        grid_link(grid, "server-%" PRIu32, index);
}

static void add_server_row(struct grid *grid, const struct chapter *chapter, const struct stats_row *row)
{
    const struct model_server *servers = chapter->session->servers;
    if (row == &chapter->stats.total) {
        grid_printf(grid, "all");
        grid_strong(grid);
    } else {
        uint32_t index = row->server ? (uint32_t)(row->server - servers) : MODEL_NO_INDEX;
        add_server(grid, chapter, index, false);
        if (row->server)
            grid_anchor(grid, "server-%" PRIu32, index);
        if (row->server)
            grid_link(grid, "lane-server-%" PRIu32, index);
    }
    grid_count(grid, row->connections);
    if (stats_requests_known(row))
        grid_count(grid, row->requests);
    else
        grid_printf(grid, "–");
    grid_duration(grid, row->mean_response_ns);
    grid_duration(grid, row->quantities[STATS_SOCKS].median);
    grid_duration(grid, row->quantities[STATS_WAITING].median);
    grid_duration(grid, row->quantities[STATS_TRANSFER].median);
    grid_size(grid, row->received_bytes);
}

void pdf_servers(const struct chapter *chapter)
{
    static const struct paper_column columns[] = {PDF_LEFT("Server"),           PDF_RIGHT("Conn."),
                                                  PDF_RIGHT("Requests"),        PDF_RIGHT("Mean response"),
                                                  PDF_RIGHT("Median SOCKS"),    PDF_RIGHT("Median waiting"),
                                                  PDF_RIGHT("Median transfer"), PDF_RIGHT("Received")};
    const struct stats *stats = &chapter->stats;
    size_t shown = stats->row_count < MOST_ROWS ? stats->row_count : MOST_ROWS;
    struct grid *grid = grid_new(columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < shown; i++)
        add_server_row(grid, chapter, &stats->rows[i]);
    if (stats->row_count > 1)
        add_server_row(grid, chapter, &stats->total);
    paper_heading(chapter->paper, chapter->level, figure_text("Servers"), "servers");
    grid_add(grid, chapter->paper, "Servers of the whole recording, in the order of their first use");
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

static void add_failure(struct grid *grid, const struct failure *failure)
{
    char buffer[FORMAT_BYTES];
    grid_printf(grid, "%s", format_moment(buffer, failure->t_ns));
    grid_printf(grid, "%" PRIu32, failure->connection);
    grid_link(grid, "connection-%" PRIu32, failure->connection);
    grid_bytes(grid, failure->server, failure->server_len);
    grid_bytes(grid, failure->sentence, failure->sentence_len);
}

void pdf_failures(const struct chapter *chapter)
{
    static const struct paper_column columns[] = {PDF_RIGHT("Time (s)"), PDF_RIGHT("Conn."), PDF_LEFT("Server"),
                                                  PDF_LEFT("What failed")};
    const struct selection *selection = &chapter->selection;
    bool *shown = memory_new(chapter->session->connection_count, sizeof *shown);
    struct grid *grid = grid_new(columns, sizeof columns / sizeof *columns);
    struct failures failures;
    size_t n = 0;
    for (size_t i = 0; i < selection->count; i++)
        shown[selection->connections[i]] = true;
    failures_init(&failures, chapter->session, shown, 0);
    for (size_t i = 0; i < failures.count; i++) {
        if (is_of_page(chapter, &failures.list[i]) && n++ < MOST_FAILURES)
            add_failure(grid, &failures.list[i]);
    }
    paper_heading(chapter->paper, chapter->level, figure_text("Failures"), "failures");
    if (n == 0)
        paper_paragraph(chapter->paper, figure_text("None."), false);
    grid_add(grid, chapter->paper, NULL);
    note_cut(chapter, n < MOST_FAILURES ? n : MOST_FAILURES, n, "failures");
    failures_fini(&failures);
    free(shown);
}

/* ---------------------------------------------------------------- connections */

static void add_end(struct grid *grid, const struct model_connection *connection)
{
    char buffer[FORMAT_BYTES];
    const char *words = words_end_cause(connection->end_cause);
    if (model_connection_open(connection))
        grid_printf(grid, "still open");
    else if (connection->end_ns == MODEL_NONE)
        grid_printf(grid, "–");
    else
        grid_printf(grid, "%s %s", format_moment(buffer, connection->end_ns), words ? words : "");
}

/* Return what the requests of a connection are of, in a word. */
static const char *protocol(const struct model_connection *connection)
{
    const char *words = words_protocol(connection->protocol);
    if (connection->tls)
        words = connection->inner_protocol_ns != MODEL_NONE ? words_protocol(connection->inner_protocol) : "TLS";
    return words && (connection->tls || connection->protocol_ns != MODEL_NONE) ? words : "–";
}

static void add_connection(struct grid *grid, const struct chapter *chapter, size_t index)
{
    const struct model_connection *connection = model_connection(chapter->session, index);
    char buffer[FORMAT_BYTES];
    int64_t start_ns = metrics_connection_start_ns(connection);
    uint32_t page = pages_of_connection(chapter->pages, index);
    grid_printf(grid, "%" PRIu32, connection->id);
    grid_anchor(grid, "connection-%" PRIu32, connection->id);
    grid_link(grid, "lane-connection-%" PRIu32, connection->id);
    add_server(grid, chapter, connection->server, true);
    grid_printf(grid, "%s", protocol(connection));
    if (page > 0) {
        grid_printf(grid, "%" PRIu32, page);
        grid_link(grid, "page-%" PRIu32, page);
    } else {
        grid_printf(grid, "–");
    }
    grid_printf(grid, "%s", start_ns == MODEL_NONE ? "–" : format_moment(buffer, start_ns));
    if (metrics_socks_failed(connection))
        grid_printf(grid, "failed");
    else
        grid_duration(grid, metrics_socks_ns(connection));
    grid_count(grid, connection->request_count);
    grid_size(grid, model_connection_bytes(connection, MODEL_TO_SERVER));
    grid_size(grid, model_connection_bytes(connection, MODEL_TO_CLIENT));
    add_end(grid, connection);
}

void pdf_connections(const struct chapter *chapter)
{
    static const struct paper_column columns[] = {
        PDF_RIGHT("Id"),    PDF_LEFT("Server"),    PDF_LEFT("Protocol"), PDF_RIGHT("Page"),     PDF_RIGHT("Start (s)"),
        PDF_RIGHT("SOCKS"), PDF_RIGHT("Requests"), PDF_RIGHT("Sent"),    PDF_RIGHT("Received"), PDF_LEFT("End (s)")};
    const struct selection *selection = &chapter->selection;
    size_t shown = selection->count < MOST_ROWS ? selection->count : MOST_ROWS;
    struct grid *grid = grid_new(columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < shown; i++)
        add_connection(grid, chapter, selection->connections[i]);
    paper_heading(chapter->paper, chapter->level, figure_text("Appendix: connections"), "connections");
    grid_add(grid, chapter->paper, "The numbers lead to the lines of the timeline, and these back");
    note_cut(chapter, shown, selection->count, "connections");
    pdf_protocols(chapter);
}
