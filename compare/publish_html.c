/* A comparison as one HTML file: no scripts, nothing from elsewhere. */
#include <stdlib.h>

#include "compare/output.h"
#include "compare/publish_parts.h"
#include "report/html.h"
#include "report/report.h"

static void put_head(FILE *out)
{
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta name=\"color-scheme\" content=\"light dark\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; "
          "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n"
          "<meta name=\"referrer\" content=\"no-referrer\">\n<style>\n",
          out);
    fputs(report_style(), out);
    fputs("</style>\n<title>Comparison – MITM</title>\n</head>\n<body>\n"
          "<header><p class=\"brand\">MITM · Monitor In The Middle</p></header>\n<main id=\"main\">\n"
          "<h1>Comparison</h1>\n",
          out);
}

static void put_groups(FILE *out, const struct comparison *c)
{
    for (size_t g = 0; g < c->group_count; g++) {
        char *line = compare_group_words(&c->groups[g]);
        fputs("<p>", out);
        html_string(out, line);
        fputs("</p>\n", out);
        free(line);
    }
}

/* Write the cells of a row, or with `row` beyond the last one the heads: the first `lead` ones, and `count` from `from`
 * on. */
static void put_cells(FILE *out, struct table *table, size_t row, size_t lead, size_t from, size_t count)
{
    bool head = row == table_rows(table);
    fputs("<tr>", out);
    for (size_t i = 0; i < lead + count; i++) {
        size_t column = i < lead ? i : from + i - lead;
        const char *kind = table_is_number(table, column) ? " class=\"n\"" : i < lead ? " class=\"text\"" : "";
        fprintf(out, head ? "<th%s scope=\"col\">" : "<td%s>", kind);
        html_string(out, head ? table_head(table, column) : table_cell(table, row, column));
        fputs(head ? "</th>" : "</td>", out);
    }
    fputs("</tr>", out);
}

static void put_columns(FILE *out, struct table *table, size_t lead, size_t from, size_t count, const char *caption)
{
    fprintf(out,
            "<div class=\"scroll\" role=\"region\" aria-label=\"%s\" tabindex=\"0\">\n<table><caption>%s</caption>\n"
            "<thead>",
            caption, caption);
    put_cells(out, table, table_rows(table), lead, from, count);
    fputs("</thead>\n<tbody>\n", out);
    for (size_t row = 0; row < table_rows(table); row++) {
        put_cells(out, table, row, lead, from, count);
        putc('\n', out);
    }
    fputs("</tbody></table></div>\n", out);
}

static void put_table(FILE *out, const struct comparison *c)
{
    struct table *table = compare_table(c);
    size_t lead = table_columns(table) - COMPARE_VALUES - COMPARE_DIFFERENCES;
    fputs("<h2>What differs</h2>\n", out);
    put_columns(out, table, lead, lead, COMPARE_VALUES, "Numbers of values, and medians");
    put_columns(out, table, lead, lead + COMPARE_VALUES, COMPARE_DIFFERENCES, "Differences");
    fputs("<p class=\"quiet\">", out);
    compare_write_method(out, c);
    fputs("</p>\n", out);
    table_free(table);
}

static void put_notes(FILE *out, const struct comparison *c)
{
    if (c->note_count == 0)
        return;
    fputs("<h2>What the data cannot say</h2>\n<ul>\n", out);
    for (size_t i = 0; i < c->note_count; i++) {
        fputs("<li>", out);
        html_string(out, c->notes[i].text);
        fputs("</li>\n", out);
    }
    fputs("</ul>\n", out);
}

/* Draw as a data: URL; `plot` or `timeline`. */
static enum render_result put_url(FILE *out, const struct plot_figure *plot, const struct timeline_figure *timeline,
                                  bool dark)
{
    const struct render_options options = {.dark = dark};
    struct render_buffer png = {0};
    enum render_result result =
        plot ? render_plot(plot, RENDER_PNG, &options, &png) : render_timeline(timeline, RENDER_PNG, &options, &png);
    fputs("data:image/png;base64,", out);
    if (result == RENDER_OK)
        html_base64(out, png.bytes, png.len_bytes);
    render_buffer_fini(&png);
    return result;
}

static enum render_result put_picture(FILE *out, const struct plot_figure *plot, const struct timeline_figure *timeline,
                                      const char *alt, size_t alt_len)
{
    fputs("<picture><source media=\"(prefers-color-scheme: dark)\" srcset=\"", out);
    enum render_result result = put_url(out, plot, timeline, true);
    fprintf(out, "\"><img style=\"max-width:100%%;height:auto\" width=\"%d\" src=\"", plot ? 700 : 1100);
    if (result == RENDER_OK)
        result = put_url(out, plot, timeline, false);
    fputs("\" alt=\"", out);
    html_bytes(out, alt, alt_len);
    fputs("\"></picture>\n", out);
    return result;
}

static void put_note(FILE *out, const char *text)
{
    fputs("<p class=\"quiet\">", out);
    html_string(out, text);
    fputs("</p>\n", out);
}

static enum render_result put_figures(FILE *out, const struct publish *p)
{
    enum render_result result = RENDER_OK;
    fputs("<h2>Typical page loads</h2>\n", out);
    if (p->timelines) {
        static const char alt[] = "Time graphs of a typical page load of each group.";
        struct timeline_figure figure = *timelines_figure(p->timelines);
        figure.title = figure_text(NULL);
        result = put_picture(out, NULL, &figure, alt, sizeof alt - 1);
    } else {
        put_note(out, PUBLISH_NO_TIMELINES);
    }
    const struct figures *figures = p->figures;
    if (figures->count + figures->remark_count > 0)
        fputs("<h2>Distributions</h2>\n", out);
    if (figures->count > 0)
        put_note(out, figures->method);
    for (size_t i = 0; i < figures->count && result == RENDER_OK; i++)
        result = put_picture(out, &figures->figures[i], NULL, figures->plots[i].title, strlen(figures->plots[i].title));
    for (size_t i = 0; i < figures->remark_count; i++)
        put_note(out, figures->remarks[i]);
    return result;
}

enum render_result publish_html(const struct publish *p, struct render_buffer *out)
{
    FILE *to = open_memstream(&out->bytes, &out->len_bytes);
    if (!to)
        abort();
    put_head(to);
    put_groups(to, p->comparison);
    put_table(to, p->comparison);
    put_notes(to, p->comparison);
    enum render_result result = put_figures(to, p);
    fputs("</main>\n<footer><p>MITM " MITM_VERSION ".</p></footer>\n</body>\n</html>\n", to);
    if (fclose(to) != 0)
        abort();
    return result;
}
