/* A comparison as a PDF. */
#include <stdlib.h>

#include "analyze/format.h"
#include "base/memory.h"
#include "compare/output.h"
#include "compare/publish_parts.h"
#include "render/paper.h"

static void add_groups(struct paper *paper, const struct comparison *c)
{
    for (size_t g = 0; g < c->group_count; g++) {
        char *line = compare_group_words(&c->groups[g]);
        paper_paragraph(paper, figure_text(line), false);
        free(line);
    }
}

/* Add the table's columns `lead` and those from `from` on, `count` of them: all together are too wide for a page. */
static void add_columns(struct paper *paper, struct table *table, size_t lead, size_t from, size_t count,
                        const char *caption)
{
    size_t columns = lead + count, rows = table_rows(table);
    struct paper_column *heads = memory_new(columns, sizeof *heads);
    struct paper_cell *cells = memory_new(columns * rows, sizeof *cells);
    for (size_t i = 0; i < columns; i++) {
        size_t column = i < lead ? i : from + i - lead;
        heads[i] = (struct paper_column){figure_text(table_head(table, column)), table_is_number(table, column)};
        for (size_t row = 0; row < rows; row++)
            cells[row * columns + i].text = figure_text(table_cell(table, row, column));
    }
    if (rows > 0)
        paper_table(paper, figure_text(caption), heads, columns, cells, rows);
    free(heads);
    free(cells);
}

static void add_table(struct paper *paper, const struct comparison *c)
{
    struct table *table = compare_table(c);
    size_t lead = table_columns(table) - COMPARE_VALUES - COMPARE_DIFFERENCES;
    add_columns(paper, table, lead, lead, COMPARE_VALUES, "Numbers of values, and medians");
    add_columns(paper, table, lead, lead + COMPARE_VALUES, COMPARE_DIFFERENCES, "Differences");
    table_free(table);
}

static void add_method(struct paper *paper, const struct comparison *c)
{
    char *line = NULL;
    size_t len;
    FILE *to = open_memstream(&line, &len);
    if (!to)
        abort();
    compare_write_method(to, c);
    if (fclose(to) != 0)
        abort();
    paper_note(paper, figure_text(line));
    free(line);
}

static void add_figures(struct paper *paper, const struct publish *p)
{
    paper_heading(paper, 1, figure_text("Typical page loads"), NULL);
    if (p->timelines)
        paper_timeline(paper, timelines_figure(p->timelines));
    else
        paper_note(paper, figure_text(PUBLISH_NO_TIMELINES));
    const struct figures *figures = p->figures;
    if (figures->count + figures->remark_count > 0)
        paper_heading(paper, 1, figure_text("Distributions"), NULL);
    if (figures->count > 0)
        paper_note(paper, figure_text(figures->method));
    for (size_t i = 0; i < figures->count; i++)
        paper_plot(paper, &figures->figures[i]);
    for (size_t i = 0; i < figures->remark_count; i++)
        paper_note(paper, figures->remark_texts[i]);
}

enum render_result publish_paper(const struct publish *p, struct render_buffer *out)
{
    const struct comparison *c = p->comparison;
    const struct paper_options options = {.title = figure_text("Comparison"),
                                          .footer = figure_text("MITM " MITM_VERSION),
                                          .created_s = figures_date_s(c)};
    struct paper *paper = paper_new(&options);
    paper_heading(paper, 1, figure_text("What was compared"), NULL);
    add_groups(paper, c);
    paper_heading(paper, 1, figure_text("What differs"), NULL);
    add_table(paper, c);
    add_method(paper, c);
    if (c->note_count > 0)
        paper_heading(paper, 1, figure_text("What the data cannot say"), NULL);
    for (size_t i = 0; i < c->note_count; i++)
        paper_paragraph(paper, figure_text(c->notes[i].text), false);
    add_figures(paper, p);
    enum render_result result = paper_finish(paper, out);
    paper_free(paper);
    return result;
}
