#include "report/report.h"

#include <stdlib.h>

#include "base/memory.h"
#include "report/document.h"
#include "report/graph.h"

const struct model_session *report_session(const struct report_input *input, const struct report_query *query,
                                           size_t *number)
{
    size_t n = model_session_count(input->model);
    *number = query->session == 0 ? n : query->session;
    return *number == 0 || *number > n ? NULL : model_session(input->model, *number - 1);
}

size_t report_connections(const struct report_input *input, const struct report_query *query, bool *shown)
{
    size_t number;
    const struct model_session *session = report_session(input, query, &number);
    if (!session)
        return 1;
    struct selection selection;
    selection_init(&selection, session, input->pages, query);
    selection_mark(&selection, selection_part(&selection), shown);
    size_t parts = selection.part_count;
    selection_fini(&selection);
    return parts;
}

/* The chart of a session without connections. */
static struct chart *empty_chart(void)
{
    static const struct model_session nothing = {.last_ns = MODEL_NONE, .started = true, .ended = true};
    return chart_new(&nothing, &(struct chart_options){.from_ns = MODEL_NONE, .to_ns = MODEL_NONE});
}

enum render_result report_picture(const struct report_input *input, const struct report_query *query,
                                  enum render_format format, bool dark, unsigned width_px, struct render_buffer *out)
{
    size_t number;
    const struct model_session *session = report_session(input, query, &number);
    struct chart *chart;
    if (session) {
        struct selection selection;
        selection_init(&selection, session, input->pages, query);
        chart = graph_chart(&selection, selection_part(&selection), input->live, "");
        selection_fini(&selection);
    } else {
        chart = empty_chart();
    }
    const struct timeline_figure figure = format == RENDER_PNG ? graph_figure(chart) : *chart_figure(chart);
    const struct render_options options = {.width_px = width_px, .dark = dark, .links = true};
    enum render_result result = render_timeline(&figure, format, &options, out);
    chart_free(chart);
    return result;
}

/* ---------------------------------------------------------------- the document */

/* A live document keeps itself current where scripts may run. */
static void write_script(const struct document *document)
{
    FILE *out = document->out;
    if (!document->input->live)
        return;
    fputs("<script class=\"live\" src=\"", out);
    html_string(out, document->place->base);
    fputs("script.js?key=", out);
    html_string(out, document->place->key);
    fputs("\" defer></script>\n", out);
}

static void begin_document(const struct document *document)
{
    FILE *out = document->out;
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta name=\"color-scheme\" content=\"light dark\">\n",
          out);
    if (document->place->self_contained) {
        fputs("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; "
              "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n"
              "<meta name=\"referrer\" content=\"no-referrer\">\n<style>\n",
              out);
        fputs(report_style(), out);
        fputs(document->several ? sessions_style() : "", out);
        fputs("</style>\n", out);
    } else {
        fputs("<link rel=\"stylesheet\" href=\"", out);
        html_string(out, document->place->base);
        fputs("style.css?key=", out);
        html_string(out, document->place->key);
        fputs("\">\n", out);
        write_script(document);
    }
    if (document->place->author) {
        fputs("<meta name=\"author\" content=\"", out);
        html_string(out, document->place->author);
        fputs("\">\n", out);
    }
    fputs("<title>", out);
    head_write_title(document);
    fputs(" – MITM</title>\n</head>\n<body>\n<a class=\"skip\" href=\"#main\">Skip to the report</a>\n"
          "<header><p class=\"brand\">MITM · Monitor In The Middle</p></header>\n<main id=\"main\">\n",
          out);
}

static void end_document(const struct document *document)
{
    FILE *out = document->out;
    fputs("</main>\n<footer>\n<p>", out);
    if (!document->place->self_contained) {
        document_file_link(document, "report.html");
        fputs("This report as one file</a> that needs no server. ", out);
    }
    fputs("MITM " MITM_VERSION ".</p>\n</footer>\n</body>\n</html>\n", out);
}

/* Write the sections of a session with connections: of the part asked for, or, in a file of its own, of all parts. */
static void write_sections(const struct document *document)
{
    bool all = document->place->self_contained;
    size_t part = all ? 1 : selection_part(&document->selection);
    graph_write(document, part);
    tables_write_pages(document);
    tables_write_servers(document);
    distributions_write(document);
    tables_write_failures(document);
    notes_write(document);
    list_write(document, part);
    for (part = 2; all && part <= document->selection.part_count; part++) {
        graph_write(document, part);
        list_write(document, part);
    }
    forms_write_zoom(document);
}

/* Write what stands where there are no connections. */
static void write_start(const struct document *document)
{
    start_write(document);
    if (document->session)
        notes_write(document);
}

bool report_all_headers(const struct model_session *session, const struct report_query *query)
{
    return query->headers == 2 || (query->headers == 0 && session->settings.all_headers);
}

/* Complete a document that has its first members: find its session. */
static void document_init(struct document *document)
{
    const struct report_query *query = document->query;
    document->session = report_session(document->input, query, &document->session_number);
    if (!document->session)
        return;
    selection_init(&document->selection, document->session, document->input->pages, query);
    stats_init(&document->stats, document->session, QUANTILE_TYPE);
    document->all_headers = report_all_headers(document->session, query);
}

static void document_fini(struct document *document)
{
    if (!document->session)
        return;
    stats_fini(&document->stats);
    selection_fini(&document->selection);
}

static void write_session(const struct document *document)
{
    head_write(document);
    if (document->session && document->session->connection_count > 0)
        write_sections(document);
    else
        write_start(document);
}

void report_html(FILE *out, const struct report_input *input, const struct report_query *query,
                 const struct report_place *place)
{
    struct document document = {.out = out, .input = input, .query = query, .place = place};
    document_init(&document);
    begin_document(&document);
    head_write_heading(&document);
    write_session(&document);
    forms_write_settings(&document);
    end_document(&document);
    document_fini(&document);
}

void report_html_sessions(FILE *out, const struct report_input *inputs, size_t count, const struct report_query *query,
                          const struct report_place *place)
{
    struct report_query *queries = memory_new(count, sizeof *queries);
    struct document *documents = memory_new(count, sizeof *documents);
    for (size_t i = 0; i < count; i++) {
        queries[i] = *query;
        queries[i].session = i + 1;
        documents[i] =
            (struct document){.out = out, .input = &inputs[i], .query = &queries[i], .place = place, .several = true};
        if (i > 0)
            snprintf(documents[i].prefix, sizeof documents[i].prefix, "s%zu-", i + 1);
        document_init(&documents[i]);
    }
    begin_document(&documents[0]);
    head_write_heading(&documents[0]);
    sessions_write(documents, count);
    for (size_t i = 0; i < count; i++) {
        sessions_write_heading(&documents[i]);
        write_session(&documents[i]);
        fputs("</section>\n", out);
    }
    end_document(&documents[0]);
    for (size_t i = 0; i < count; i++)
        document_fini(&documents[i]);
    free(documents);
    free(queries);
}
