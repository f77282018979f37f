/* The forms of a document: zoom, and settings. All work without a script. */
#include <inttypes.h>
#include <stdlib.h>

#include "report/document.h"

/* ---------------------------------------------------------------- zoom */

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

/* ---------------------------------------------------------------- settings */

static void begin_settings(const struct document *document)
{
    FILE *out = document->out;
    fputs("<form method=\"post\" action=\"", out);
    html_string(out, document->place->base);
    fputs("settings\">\n<input type=\"hidden\" name=\"key\" value=\"", out);
    html_string(out, document->place->key);
    fputs("\"><input type=\"hidden\" name=\"back\" value=\"", out);
    char *back = document_query(document->query);
    html_string(out, back);
    free(back);
    fputs("\">\n", out);
}

static void write_field(FILE *out, const char *name, const char *label, const char *placeholder)
{
    fprintf(out, "<label>%s <input name=\"%s\" size=\"16\" placeholder=\"%s\" value=\"\"></label>\n", label, name,
            placeholder);
}

static void write_delays(const struct document *document)
{
    FILE *out = document->out;
    begin_settings(document);
    fputs("<fieldset><legend>Delays and rates</legend>\n", out);
    write_field(out, "connect-delay", "Connect delay", "300ms or 200ms..500ms");
    write_field(out, "request-delay", "Request delay", "300ms or 200ms..500ms");
    write_field(out, "seed", "Seed", "7");
    write_field(out, "rate-down", "Download, per connection (B/s)", "50K");
    write_field(out, "rate-up", "Upload, per connection (B/s)", "50K");
    write_field(out, "rate-down-total", "Download, all (B/s)", "1M");
    write_field(out, "rate-up-total", "Upload, all (B/s)", "1M");
    fputs("<button type=\"submit\">Set</button>\n</fieldset></form>\n", out);
}

static void write_choice(const struct document *document, const char *legend, const char *name,
                         const char *const choices[2][2])
{
    FILE *out = document->out;
    begin_settings(document);
    fprintf(out, "<fieldset><legend>%s</legend>\n", legend);
    for (int i = 0; i < 2; i++)
        fprintf(out, "<button type=\"submit\" name=\"%s\" value=\"%s\">%s</button>\n", name, choices[i][0],
                choices[i][1]);
    fputs("</fieldset></form>\n", out);
}

static void write_mark(const struct document *document)
{
    FILE *out = document->out;
    begin_settings(document);
    fputs("<fieldset><legend>Mark</legend>\n<label>Text <input name=\"mark\" size=\"30\" maxlength=\"200\" required>"
          "</label>\n<button type=\"submit\">Set a mark now</button>\n</fieldset></form>\n",
          out);
}

void forms_write_settings(const struct document *document)
{
    static const char *const upstream[2][2] = {{"socks", "SOCKS5 proxy (Tor)"}, {"direct", "Built-in SOCKS5 server"}};
    static const char *const headers[2][2] = {{"first", "First line"}, {"all", "All header lines"}};
    static const char *const recording[2][2] = {{"pause", "Pause"}, {"resume", "Resume"}};
    FILE *out = document->out;
    if (document->place->self_contained || !document->place->settings)
        return;
    fputs("<section>\n<h2 id=\"settings\">Settings</h2>\n", out);
    write_delays(document);
    write_mark(document);
    write_choice(document, "Recording", "recording", recording);
    write_choice(document, "Show of requests and responses", "headers", headers);
    write_choice(document, "Connections go through", "upstream", upstream);
    fputs("</section>\n", out);
}
