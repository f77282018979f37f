/* The list of connections with their events, as the 2011 tool showed them. */
#include <inttypes.h>
#include <stdlib.h>

#include "analyze/connections.h"
#include "analyze/format.h"
#include "analyze/words.h"
#include "base/memory.h"
#include "report/document.h"

/* ---------------------------------------------------------------- links to the other parts */

static void write_part_link(const struct document *document, size_t part, const char *words)
{
    struct report_query query = *document->query;
    query.part = part;
    fputs("<li>", document->out);
    document_link(document, &query);
    fprintf(document->out, "%s</a></li>", words);
}

void list_write_parts(const struct document *document, size_t part, const char *label)
{
    size_t last = document->selection.part_count;
    FILE *out = document->out;
    if (document->place->self_contained || last < 2)
        return;
    fprintf(out, "<nav class=\"parts\" aria-label=\"%s\"><ul>", label);
    if (part > 1) {
        write_part_link(document, 1, "newest");
        write_part_link(document, part - 1, "newer");
    }
    fprintf(out, "<li>part %zu of %zu</li>", part, last);
    if (part < last) {
        write_part_link(document, part + 1, "older");
        write_part_link(document, last, "oldest");
    }
    fputs("</ul></nav>\n", out);
}

/* ---------------------------------------------------------------- a connection */

static void write_headers(FILE *out, const struct model_headers *headers)
{
    struct text name, value;
    size_t at = 0;
    if (headers->len == 0 && headers->omitted == 0)
        return;
    fputs("<ul class=\"headers\">", out);
    while (model_headers_next(headers, &at, &name, &value)) {
        fputs("<li><b>", out);
        html_text(out, name);
        fputs(":</b> ", out);
        html_text(out, value);
        fputs("</li>", out);
    }
    if (headers->omitted > 0)
        fprintf(out, "<li>(%" PRIu32 " more were not recorded)</li>", headers->omitted);
    fputs("</ul>", out);
}

static void write_events(const struct document *document, const struct model_session *session,
                         const struct model_connection *connection, bool headers)
{
    FILE *out = document->out;
    size_t count;
    struct connections_line *lines = connections_lines_new(session, connection, true, &count);
    for (size_t i = 0; i < count; i++) {
        char moment[FORMAT_BYTES];
        fprintf(out, "<tr><td class=\"t\">%s</td><td>%s</td><td class=\"v\">", format_moment(moment, lines[i].t_ns),
                lines[i].event);
        html_bytes(out, lines[i].value, lines[i].value_len);
        if (headers && lines[i].headers)
            write_headers(out, lines[i].headers);
        fputs("</td></tr>\n", out);
    }
    connections_lines_free(lines, count);
}

static void write_heading(const struct document *document, const struct model_connection *connection)
{
    FILE *out = document->out;
    fprintf(out,
            "<tbody id=\"%sconnection-%" PRIu32 "\"><tr class=\"connection\"><th colspan=\"3\" scope=\"rowgroup\">",
            document->prefix, connection->id);
    struct report_query query = *document->query;
    query.connection = connection->id;
    query.part = 0;
    document_link(document, &query);
    fprintf(out, "%" PRIu32, connection->id);
    document_link_end(document);
    putc(' ', out);
    document_server(document,
                    connection->server == MODEL_NO_INDEX ? NULL : model_server(document->session, connection->server));
    char protocol[WORDS_PROTOCOL_BYTES];
    words_connection_protocol(protocol, document->session, connection);
    fprintf(out, " <span class=\"state\">%s%s%s</span></th></tr>\n", protocol, protocol[0] ? ", " : "",
            model_connection_open(connection) ? "open" : "closed");
}

/* ---------------------------------------------------------------- the connections of the details */

/* Where a connection stands in the model that has kept headers. */
struct place {
    uint32_t id;
    uint32_t index;
};

struct details {
    const struct model_session *session; /* NULL: there are none */
    struct place *places;                /* in the order of their ids */
    size_t count;
};

static int compare(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static void find_details(struct details *details, const struct document *document)
{
    const struct model *model = document->input->details;
    *details = (struct details){0};
    if (!model || model_session_count(model) == 0)
        return;
    details->session = model == document->input->model ? document->session : model_session(model, 0);
    details->count = details->session->connection_count;
    details->places = memory_new(details->count, sizeof *details->places);
    for (size_t i = 0; i < details->count; i++)
        details->places[i] = (struct place){model_connection(details->session, i)->id, (uint32_t)i};
    qsort(details->places, details->count, sizeof *details->places, compare);
}

static const struct model_connection *detailed(const struct details *details, const struct model_connection *connection)
{
    const struct place key = {connection->id, 0};
    const struct place *found =
        details->session ? bsearch(&key, details->places, details->count, sizeof key, compare) : NULL;
    return found ? model_connection(details->session, found->index) : NULL;
}

/* ---------------------------------------------------------------- the section */

static void write_connection(const struct document *document, const struct details *details,
                             const struct model_connection *connection)
{
    const struct model_connection *more = document->all_headers ? detailed(details, connection) : NULL;
    write_heading(document, connection);
    if (more)
        write_events(document, details->session, more, true);
    else
        write_events(document, document->session, connection, false);
    fputs("</tbody>\n", document->out);
}

static void write_headers_link(const struct document *document)
{
    FILE *out = document->out;
    if (document->place->self_contained || !document->input->details)
        return;
    struct report_query query = *document->query;
    query.headers = document->all_headers ? 1 : 2;
    fputs(document->all_headers ? "; with all header lines. " : "; without header lines. ", out);
    document_link(document, &query);
    fputs(document->all_headers ? "First lines only</a>" : "All header lines</a>", out);
}

void list_write(const struct document *document, size_t part)
{
    const struct selection *selection = &document->selection;
    FILE *out = document->out;
    size_t first, n = selection_part_size(selection, part, &first);
    struct details details;
    document_begin_section(document, "connections", "Connection information", part);
    fprintf(out, "<p class=\"quiet\">%zu of %zu connections, the newest first", n, selection->count);
    write_headers_link(document);
    fputs("</p>\n", out);
    list_write_parts(document, part, "Parts of the list, above it");
    if (n > 0) {
        find_details(&details, document);
        fputs("<table class=\"events\"><caption class=\"hidden\">Connections and their "
              "events</caption>\n<thead><tr><th scope=\"col\">"
              "Seconds</th><th scope=\"col\">Event</th><th scope=\"col\">Value</th></tr></thead>\n",
              out);
        for (size_t i = 0; i < n; i++)
            write_connection(document, &details,
                             model_connection(document->session, selection->connections[first - i]));
        fputs("</table>\n", out);
        free(details.places);
    }
    list_write_parts(document, part, "Parts of the list, below it");
    fputs("</section>\n", out);
}
