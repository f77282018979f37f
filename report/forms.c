/* The form that selects what is shown; it works without a script. */
#include <inttypes.h>

#include "report/document.h"

static void write_zoom_time(FILE *out, const char *name, const char *label, int64_t t_ns)
{
    fprintf(out, "<label>%s <input name=\"%s\" inputmode=\"decimal\" size=\"8\" value=\"", label, name);
    if (t_ns != MODEL_NONE)
        report_seconds_print(out, t_ns);
    fputs("\"></label>\n", out);
}

static void write_zoom_number(FILE *out, const char *name, const char *label, uint64_t number)
{
    fprintf(out, "<label>%s <input name=\"%s\" inputmode=\"numeric\" size=\"6\" value=\"", label, name);
    if (number > 0)
        fprintf(out, "%" PRIu64, number);
    fputs("\"></label>\n", out);
}

static void write_hidden_number(FILE *out, const char *name, uint64_t number)
{
    if (number > 0)
        fprintf(out, "<input type=\"hidden\" name=\"%s\" value=\"%" PRIu64 "\">\n", name, number);
}

void forms_write_zoom(const struct document *document)
{
    const struct report_query *query = document->query;
    FILE *out = document->out;
    if (document->place->self_contained)
        return;
    fputs("<section>\n<h2 id=\"zoom\">Zoom</h2>\n<form method=\"get\" action=\"", out);
    html_string(out, document->place->base);
    fputs("\">\n", out);
    write_zoom_time(out, "from", "From (s)", query->from_ns);
    write_zoom_time(out, "to", "To (s)", query->to_ns);
    fputs("<label>Server <input name=\"server\" size=\"24\" maxlength=\"299\" value=\"", out);
    html_string(out, query->server);
    fputs("\"></label>\n", out);
    write_zoom_number(out, "page", "Page", query->page);
    write_zoom_number(out, "connection", "Connection", query->connection);
    write_hidden_number(out, "session", query->session);
    write_hidden_number(out, "refresh", query->refresh_s);
    if (query->headers != 0)
        fprintf(out, "<input type=\"hidden\" name=\"headers\" value=\"%s\">\n", query->headers == 1 ? "first" : "all");
    fputs("<button type=\"submit\">Show</button>\n</form>\n</section>\n", out);
}
