/* The forms that change settings: names and values of view/control.h. They show what is set now. */
#include <inttypes.h>
#include <stdlib.h>

#include "report/document.h"

static void begin_form(const struct document *document, const char *legend)
{
    FILE *out = document->out;
    char *back = document_query(document->query);
    fputs("<form method=\"post\" action=\"", out);
    html_string(out, document->place->base);
    fputs("settings\">\n<input type=\"hidden\" name=\"key\" value=\"", out);
    html_string(out, document->place->key);
    fputs("\"><input type=\"hidden\" name=\"back\" value=\"", out);
    html_string(out, back);
    fprintf(out, "\">\n<fieldset><legend>%s</legend>\n", legend);
    free(back);
}

static void end_form(FILE *out)
{
    fputs("</fieldset></form>\n", out);
}

static void begin_field(FILE *out, const char *name, const char *label, int size, const char *placeholder)
{
    fprintf(out, "<label>%s <input name=\"%s\" size=\"%d\" placeholder=\"%s\" value=\"", label, name, size,
            placeholder);
}

static void end_field(FILE *out)
{
    fputs("\"></label>\n", out);
}

/* Write a duration as it is given on the command line: "300ms", "1.5s". */
static void write_duration(FILE *out, int64_t ns)
{
    enum { MILLISECOND = 1000000 };
    if (ns % MILLISECOND == 0 && ns < INT64_C(10000) * MILLISECOND) {
        fprintf(out, "%" PRId64 "ms", ns / MILLISECOND);
    } else {
        report_seconds_print(out, ns);
        putc('s', out);
    }
}

static void write_delay(FILE *out, const char *name, const char *label, const struct model_delay *range)
{
    begin_field(out, name, label, 22, "none; 300ms; 200ms..500ms");
    if (range->min_ns != MODEL_NONE) {
        write_duration(out, range->min_ns);
        if (range->max_ns != range->min_ns) {
            fputs("..", out);
            write_duration(out, range->max_ns);
        }
    }
    end_field(out);
}

static void write_rate(FILE *out, const char *name, const char *label, int64_t rate)
{
    begin_field(out, name, label, 16, "none; 50K; 1M");
    if (rate != MODEL_NONE)
        fprintf(out, "%" PRId64, rate);
    end_field(out);
}

static void write_delays(const struct document *document, const struct model_settings *settings)
{
    FILE *out = document->out;
    begin_form(document, "Delays");
    write_delay(out, "connect-delay", "Before each connection", &settings->connect_delay);
    write_delay(out, "request-delay", "Before each HTTP request", &settings->request_delay);
    begin_field(out, "seed", "Seed of random delays", 16, "any number");
    if (settings->has_seed)
        fprintf(out, "%" PRIu64, settings->seed);
    end_field(out);
    fputs("<button type=\"submit\">Set delays</button>\n", out);
    end_form(out);
}

static void write_rates(const struct document *document, const struct model_settings *settings)
{
    FILE *out = document->out;
    begin_form(document, "Rate limits, in bytes per second");
    write_rate(out, "rate-down", "Download of a connection", settings->rates[MODEL_TO_CLIENT]);
    write_rate(out, "rate-up", "Upload of a connection", settings->rates[MODEL_TO_SERVER]);
    write_rate(out, "rate-down-total", "Download of all", settings->rates_total[MODEL_TO_CLIENT]);
    write_rate(out, "rate-up-total", "Upload of all", settings->rates_total[MODEL_TO_SERVER]);
    fputs("<button type=\"submit\">Set limits</button>\n", out);
    end_form(out);
}

/* Write a choice of two; `second` is the one in force. */
static void write_choice(const struct document *document, const char *legend, const char *name,
                         const char *const choices[2][2], bool second)
{
    FILE *out = document->out;
    begin_form(document, legend);
    fprintf(out, "<label>Now <select name=\"%s\">", name);
    for (int i = 0; i < 2; i++)
        fprintf(out, "<option value=\"%s\"%s>%s</option>", choices[i][0], (i == 1) == second ? " selected" : "",
                choices[i][1]);
    fputs("</select></label>\n<button type=\"submit\">Set</button>\n", out);
    end_form(out);
}

static void write_mark(const struct document *document)
{
    FILE *out = document->out;
    begin_form(document, "Mark: a named point in time");
    fputs("<label>Text <input name=\"mark\" size=\"30\" maxlength=\"200\" required></label>\n"
          "<button type=\"submit\">Set a mark now</button>\n",
          out);
    end_form(out);
}

static void write_recording(const struct document *document, bool paused)
{
    FILE *out = document->out;
    begin_form(document, paused ? "Recording is paused" : "Recording");
    fprintf(out, "<button type=\"submit\" name=\"recording\" value=\"%s\">%s</button>\n", paused ? "resume" : "pause",
            paused ? "Resume recording" : "Pause recording");
    end_form(out);
}

/* Return the settings in force. */
static struct model_settings current(const struct model_session *session)
{
    const struct model_delay none = {MODEL_NONE, MODEL_NONE};
    struct model_settings settings = {.t_ns = MODEL_NONE,
                                      .connect_delay = none,
                                      .request_delay = none,
                                      .rates = {MODEL_NONE, MODEL_NONE},
                                      .rates_total = {MODEL_NONE, MODEL_NONE}};
    if (session && session->settings.t_ns != MODEL_NONE)
        return session->settings;
    if (session)
        settings.upstream_kind = session->upstream_kind;
    return settings;
}

void forms_write_settings(const struct document *document)
{
    static const char *const upstream[2][2] = {{"socks", "the SOCKS5 proxy (Tor)"},
                                               {"direct", "the built-in SOCKS5 server"}};
    static const char *const headers[2][2] = {{"first", "the first line"}, {"all", "all header lines"}};
    const struct model_session *session = document->session;
    FILE *out = document->out;
    if (document->place->self_contained || !document->place->settings)
        return;
    const struct model_settings settings = current(session);
    fputs("<section>\n<h2 id=\"settings\">Settings</h2>\n<div class=\"settings\">\n", out);
    write_mark(document);
    write_recording(document, session && session->paused);
    write_delays(document, &settings);
    write_rates(document, &settings);
    write_choice(document, "Connections go through", "upstream", upstream,
                 settings.upstream_kind == MITM__UPSTREAM_KIND__DIRECT);
    write_choice(document, "Of requests and responses show", "headers", headers, settings.all_headers);
    fputs("</div>\n</section>\n", out);
}
