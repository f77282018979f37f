#include "report/graph.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/format.h"
#include "base/memory.h"
#include "report/document.h"

struct chart *graph_chart(const struct selection *selection, size_t part, bool live, const char *prefix)
{
    bool *shown = memory_new(selection->session->connection_count, sizeof *shown);
    selection_mark(selection, part, shown);
    const struct chart_options options = {.from_ns = selection->query->from_ns,
                                          .to_ns = selection->query->to_ns,
                                          .shown = shown,
                                          .live = live,
                                          .prefix = prefix};
    struct chart *chart = chart_new(selection->session, &options);
    free(shown);
    return chart;
}

struct timeline_figure graph_figure(const struct chart *chart)
{
    struct timeline_figure figure = *chart_figure(chart);
    figure.title = figure_text(NULL);
    figure.subtitle_count = figure.warning_count = figure.note_count = figure.share_count = 0;
    return figure;
}

/* ---------------------------------------------------------------- the picture */

/* Write the picture as a data: URL; nothing where it could not be drawn. */
static void write_data_url(const struct document *document, const struct timeline_figure *figure, bool dark)
{
    struct render_buffer png = {0};
    const struct render_options options = {.dark = dark};
    fputs("data:image/png;base64,", document->out);
    if (render_timeline(figure, RENDER_PNG, &options, &png) == RENDER_OK)
        html_base64(document->out, png.bytes, png.len_bytes);
    render_buffer_fini(&png);
}

static void write_picture_url(const struct document *document, const struct timeline_figure *figure, bool dark)
{
    char more[80] = "";
    if (document->place->self_contained) {
        write_data_url(document, figure, dark);
        return;
    }
    /* While the session grows: the picture of as many connections as the map has, and a new one for each document. */
    if (document->input->live)
        snprintf(more, sizeof more, "&known=%zu&at=%" PRIu64, document->session->connection_count,
                 document->session->records);
    document_file_url(document, "graph.png", dark ? strcat(more, "&dark=1") : more);
}

static void write_picture(const struct document *document, const struct chart *chart, size_t part)
{
    enum { WIDTH = 1100 }; /* the usual of render/ */
    FILE *out = document->out;
    struct timeline_figure figure = graph_figure(chart);
    struct render_buffer map = {0};
    unsigned height;
    char name[80], label[40];
    snprintf(name, sizeof name, "%sgraph-map-%zu", document->prefix, part);
    snprintf(label, sizeof label, "Picture, part %zu", part);
    const struct render_options options = {.links = true};
    enum render_result result = render_timeline_image_map(&figure, &options, name, &map, &height);
    if (result != RENDER_OK) {
        fprintf(out, "<p class=\"warning\">There is no picture: %s.</p>\n", render_result_text(result));
        return;
    }
    document_begin_region(document, "graph", label);
    fprintf(out, "\n<picture%s><source media=\"(prefers-color-scheme: dark)\" srcset=\"",
            document->place->self_contained ? "" : " class=\"live\"");
    write_picture_url(document, &figure, true);
    fputs("\"><img src=\"", out);
    write_picture_url(document, &figure, false);
    fprintf(out,
            "\" width=\"%d\" height=\"%u\" usemap=\"#%s\" alt=\"Time graph: a line for each connection. The table of "
            "connections below says the same in words.\"></picture>\n",
            WIDTH, height, name);
    fwrite(map.bytes, 1, map.len_bytes, out);
    fputs("</div>\n", out);
    render_buffer_fini(&map);
}

/* ---------------------------------------------------------------- the shares */

/* Names of the phases in the style sheet. */
static const char *const classes[CHART_PHASES] = {
    [CHART_DELAY] = "delay",     [CHART_SOCKS] = "socks",       [CHART_TLS] = "tls",
    [CHART_WAITING] = "waiting", [CHART_TRANSFER] = "transfer", [CHART_OPAQUE] = "opaque"};

static void write_share(FILE *out, const struct timeline_figure *figure, const struct figure_share *share,
                        uint64_t total)
{
    char buffer[FORMAT_BYTES];
    const struct figure_phase *phase = &figure->palette[share->phase];
    double percent = 100 * (double)share->amount / (double)total;
    fputs("<tr><th scope=\"row\">", out);
    html_bytes(out, phase->label.bytes, phase->label.len_bytes);
    if (share->inferred)
        fputs(", inferred (encrypted)", out);
    fprintf(out,
            "</th><td class=\"n\">%s</td><td class=\"n\">%.1f %%</td><td><meter class=\"%s%s\" max=\"100\" "
            "value=\"",
            format_duration(buffer, model_number(share->amount)), percent,
            classes[share->phase] ? classes[share->phase] : "other", share->inferred ? " inferred" : "");
    fprintf(out, "%.1f\" aria-label=\"Share: %.1f %%\"></meter></td></tr>\n", percent, percent);
}

static void write_shares(const struct document *document, const struct chart *chart)
{
    const struct timeline_figure *figure = chart_figure(chart);
    FILE *out = document->out;
    uint64_t total = 0;
    for (size_t i = 0; i < figure->share_count; i++)
        total = rate_sum(total, figure->shares[i].amount);
    fputs("<table class=\"shares\"><caption><span>", out);
    html_bytes(out, figure->shares_note.bytes, figure->shares_note.len_bytes);
    fputs("</span></caption>\n<thead><tr><th scope=\"col\">Phase</th><th scope=\"col\" class=\"n\">Time</th>"
          "<th scope=\"col\" class=\"n\">Share</th><th scope=\"col\"><span class=\"hidden\">Bar</span></th></tr>"
          "</thead>\n<tbody>\n",
          out);
    for (size_t i = 0; i < figure->share_count; i++)
        write_share(out, figure, &figure->shares[i], total);
    fputs("</tbody></table>\n", out);
}

/* ---------------------------------------------------------------- the section */

static void write_downloads(const struct document *document)
{
    static const char *const files[][2] = {{"graph.svg", "SVG"}, {"graph.png", "PNG"}, {"graph.pdf", "PDF"}};
    FILE *out = document->out;
    if (document->place->self_contained)
        return;
    fputs("<p class=\"quiet\">This picture as", out);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        fputs(i > 0 ? ", " : " ", out);
        document_file_link(document, files[i][0]);
        fprintf(out, "%s</a>", files[i][1]);
    }
    fputs("; the requests as ", out);
    document_file_link(document, "requests.csv");
    fputs("CSV</a>; the session so far as ", out);
    document_file_link(document, "session.mitm");
    fputs(".mitm</a>.</p>\n", out);
}

/* Links to halves of the time shown, and out to twice as much. */
static void write_time_links(const struct document *document, const struct chart *chart)
{
    const struct timeline_figure *figure = chart_figure(chart);
    int64_t from_ns = figure->from_ns, to_ns = figure->to_ns, span_ns = to_ns - from_ns;
    FILE *out = document->out;
    if (document->place->self_contained || span_ns < 2)
        return;
    struct report_query query = *document->query;
    query.part = 0;
    fputs("<p class=\"quiet\">Zoom: ", out);
    query.from_ns = from_ns, query.to_ns = from_ns + span_ns / 2;
    document_link(document, &query);
    fputs("first half</a>, ", out);
    query.from_ns = from_ns + span_ns / 4, query.to_ns = from_ns + span_ns / 4 + span_ns / 2;
    document_link(document, &query);
    fputs("middle</a>, ", out);
    query.from_ns = from_ns + span_ns / 2, query.to_ns = to_ns;
    document_link(document, &query);
    fputs("second half</a>", out);
    if (document->query->from_ns != MODEL_NONE || document->query->to_ns != MODEL_NONE) {
        query.from_ns = from_ns > span_ns / 2 ? from_ns - span_ns / 2 : 0;
        query.to_ns = to_ns < INT64_MAX - span_ns / 2 ? to_ns + span_ns / 2 : INT64_MAX;
        fputs(", ", out);
        document_link(document, &query);
        fputs("out</a>, ", out);
        query.from_ns = query.to_ns = MODEL_NONE;
        document_link(document, &query);
        fputs("all of the time</a>", out);
    }
    fputs(".</p>\n", out);
}

/* A file has at most so many pictures, so that it can be made in a minute and shown; but one for each session. */
enum { PICTURES = 50 };

/* Return of how many parts of its session a file has pictures. */
static size_t picture_parts(const struct document *document)
{
    size_t sessions = document->several ? model_session_count(document->input->model) : 1;
    return sessions < PICTURES ? PICTURES / sessions : 1;
}

/* Say that a part has no picture, since it is not among the newest `pictures`. */
static void write_no_picture(const struct document *document, size_t pictures)
{
    FILE *out = document->out;
    if (pictures == 1)
        fputs("<p class=\"quiet\">Only the newest part has a picture", out);
    else
        fprintf(out, "<p class=\"quiet\">Only the newest %zu parts have a picture", pictures);
    fprintf(out, "; a report of %sa shorter time shows others.</p>\n",
            document->several ? "this session alone or of " : "");
}

void graph_write(const struct document *document, size_t part)
{
    FILE *out = document->out;
    struct chart *chart = graph_chart(&document->selection, part, document->input->live, document->prefix);
    size_t pictures = picture_parts(document), first, n = selection_part_size(&document->selection, part, &first);
    document_begin_section(document, "graph", "Time graph", part);
    if (n == 0) {
        fputs("<p>No connection is selected.</p>\n", out);
    } else if (document->place->self_contained && part > pictures) {
        write_no_picture(document, pictures);
    } else {
        if (document->selection.part_count > 1)
            fprintf(out, "<p class=\"quiet\">%zu of %zu connections, the newest first</p>\n", n,
                    document->selection.count);
        list_write_parts(document, part, "Parts of the graph");
        write_picture(document, chart, part);
        write_time_links(document, chart);
        write_downloads(document);
    }
    fputs("</section>\n", out);
    document_begin_section(document, "time", "Where the time went", part);
    write_shares(document, chart);
    fputs("</section>\n", out);
    chart_free(chart);
}
