#include "report/document.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/format.h"

char *document_query(const struct report_query *query)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    if (!out)
        abort();
    report_query_print(out, query);
    if (fclose(out) != 0)
        abort();
    return text;
}

void document_link(const struct document *document, const struct report_query *query)
{
    if (document->place->self_contained)
        return;
    char *text = document_query(query);
    fputs("<a href=\"", document->out);
    html_string(document->out, document->place->base);
    fputs(text[0] ? "?" : "", document->out);
    html_string(document->out, text);
    fputs("\">", document->out);
    free(text);
}

void document_link_end(const struct document *document)
{
    if (!document->place->self_contained)
        fputs("</a>", document->out);
}

void document_file_url(const struct document *document, const char *name, const char *more)
{
    struct report_query query = *document->query;
    query.refresh_s = 0;
    char *text = document_query(&query);
    html_string(document->out, document->place->base);
    fprintf(document->out, "%s?", name);
    html_string(document->out, text);
    html_string(document->out, more);
    fputs(text[0] || more[0] ? "&amp;key=" : "key=", document->out);
    html_string(document->out, document->place->key);
    free(text);
}

void document_file_link(const struct document *document, const char *name)
{
    fputs("<a href=\"", document->out);
    document_file_url(document, name, "");
    fputs("\">", document->out);
}

/* Store in `to` "host:port" of a server, if that fits a query. */
static bool server_name(char *to, size_t size, const struct model_server *server)
{
    char port[16];
    snprintf(port, sizeof port, ":%" PRIu32, server->port);
    if (server->host.len + strlen(port) >= size || memchr(server->host.data, '\0', server->host.len))
        return false;
    memcpy(to, server->host.data, server->host.len);
    strcpy(to + server->host.len, port);
    return true;
}

void document_server(const struct document *document, const struct model_server *server)
{
    FILE *out = document->out;
    if (!server || server->kind == MODEL_SERVER_LOOKUP) {
        fputs(server ? "(name look-ups)" : "(no request)", out);
        return;
    }
    struct report_query query = *document->query;
    query.part = query.connection = 0;
    bool linked = server_name(query.server, sizeof query.server, server);
    if (linked)
        document_link(document, &query);
    html_text(out, server->host);
    fprintf(out, ":%" PRIu32, server->port);
    if (linked)
        document_link_end(document);
}

void document_count_cell(const struct document *document, uint64_t count)
{
    char buffer[FORMAT_BYTES];
    fprintf(document->out, "<td class=\"n\">%s</td>", format_count(buffer, count));
}

void document_known_cell(const struct document *document, bool known, uint64_t count)
{
    if (known)
        document_count_cell(document, count);
    else
        fputs("<td class=\"n\">–</td>", document->out);
}

void document_duration_cell(const struct document *document, int64_t ns)
{
    char buffer[FORMAT_BYTES];
    fprintf(document->out, "<td class=\"n\">%s</td>", ns == MODEL_NONE ? "–" : format_duration(buffer, ns));
}

void document_size_cell(const struct document *document, int64_t bytes)
{
    char buffer[FORMAT_BYTES];
    fprintf(document->out, "<td class=\"n\">%s</td>", bytes == MODEL_NONE ? "–" : format_size(buffer, (uint64_t)bytes));
}

bool document_is_selection(const struct report_query *query)
{
    return query->from_ns != MODEL_NONE || query->to_ns != MODEL_NONE || query->server[0] || query->page != 0 ||
           query->connection != 0;
}

void document_begin_region(const struct document *document, const char *class, const char *label)
{
    FILE *out = document->out;
    fprintf(out, "<div class=\"%s\" role=\"region\" aria-label=\"%s", class, label);
    if (document->several)
        fprintf(out, ", session %zu", document->session_number);
    fputs("\" tabindex=\"0\">", out);
}

void document_begin_section(const struct document *document, const char *id, const char *title, size_t part)
{
    FILE *out = document->out;
    int level = document->several ? 3 : 2;
    fprintf(out, "<section>\n<h%d id=\"%s%s", level, document->prefix, id);
    if (part == 1 || !document->place->self_contained)
        fprintf(out, "\">%s</h%d>\n", title, level);
    else
        fprintf(out, "-%zu\">%s, part %zu</h%d>\n", part, title, part, level);
}
