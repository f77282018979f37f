/* Several sessions in one document: the table of them, and the heading of each. */
#include "analyze/format.h"
#include "report/document.h"
#include "report/encryption.h"

/* ---------------------------------------------------------------- the table */

static void write_head(const struct document *first)
{
    FILE *out = first->out;
    fputs("<section>\n<h2 id=\"sessions\">Sessions</h2>\n"
          "<div class=\"scroll\" role=\"region\" aria-label=\"Table of sessions\" tabindex=\"0\"><table>"
          "<caption><span>Figures of the whole recordings</span></caption>\n<thead><tr>"
          "<th scope=\"col\" class=\"n\">No.</th><th scope=\"col\">Session</th><th scope=\"col\">Recorded</th>"
          "<th scope=\"col\" class=\"n\">Duration</th><th scope=\"col\" class=\"n\">Connections</th>",
          out);
    if (document_is_selection(first->query))
        fputs("<th scope=\"col\" class=\"n\">Selected</th>", out);
    fputs("<th scope=\"col\" class=\"n\">Requests</th><th scope=\"col\" class=\"n\">Pages</th>"
          "<th scope=\"col\" class=\"n\">Received</th></tr></thead>\n<tbody>\n",
          out);
}

/* Write what the session is called, as a link to it, in which file it is, and whether its number of requests is not all
 * of them. */
static void write_name(const struct document *document)
{
    FILE *out = document->out;
    char count[FORMAT_BYTES];
    uint64_t hidden = encryption_hidden(document->session);
    fprintf(out, "<a href=\"#session-%zu\">", document->session_number);
    head_write_name(document);
    fputs("</a>", out);
    if (document->input->file && (document->session->label.len > 0 || document->session->command.len > 0)) {
        fputs(" <span class=\"quiet\">", out);
        html_string(out, head_file(document));
        fputs("</span>", out);
    }
    if (hidden > 0)
        fprintf(out, " <span class=\"quiet\">(the requests of %s TLS %s are not known)</span>",
                format_count(count, hidden), hidden == 1 ? "connection" : "connections");
}

static void write_row(const struct document *document)
{
    const struct model_session *session = document->session;
    const struct stats_row *total = &document->stats.total;
    FILE *out = document->out;
    char date[FORMAT_BYTES];
    fprintf(out, "<tr><td class=\"n\">%zu</td><th scope=\"row\" class=\"text\">", document->session_number);
    write_name(document);
    fprintf(out, "</th><td class=\"t\">%s</td>",
            session->has_wall_clock ? format_date(date, session->wall_clock_ns) : "–");
    document_duration_cell(document, session->last_ns);
    document_count_cell(document, session->connection_count);
    if (document_is_selection(document->query))
        document_count_cell(document, document->selection.count);
    document_known_cell(document, stats_requests_known(total), total->requests);
    document_count_cell(document, document->input->pages ? pages_count(document->input->pages) : 0);
    document_size_cell(document, total->received_bytes);
    fputs("</tr>\n", out);
}

void sessions_write(const struct document *documents, size_t count)
{
    write_head(&documents[0]);
    for (size_t i = 0; i < count; i++)
        write_row(&documents[i]);
    fputs("</tbody></table></div>\n</section>\n", documents[0].out);
}

/* ---------------------------------------------------------------- a session */

static void write_link(const struct document *document, size_t number, const char *words)
{
    fprintf(document->out, "<li><a href=\"#session-%zu\">%s</a></li>", number, words);
}

void sessions_write_heading(const struct document *document)
{
    size_t number = document->session_number, n = model_session_count(document->input->model);
    FILE *out = document->out;
    fprintf(out, "<section class=\"session\">\n<h2 id=\"session-%zu\">Session %zu: ", number, number);
    head_write_name(document);
    fprintf(
        out,
        "</h2>\n<nav class=\"sessions\" aria-label=\"Other sessions than session %zu\"><ul><li>Session %zu of %zu</li>",
        number, number, n);
    if (number > 1)
        write_link(document, number - 1, "the one before");
    if (number < n)
        write_link(document, number + 1, "the next one");
    fputs("<li><a href=\"#sessions\">all sessions</a></li></ul></nav>\n", out);
}
