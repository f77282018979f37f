#include "report/pdf.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/format.h"
#include "report/pdf_parts.h"
#include "statistics/quantile.h"

void pdf_text_begin(struct pdf_text *text)
{
    text->bytes = NULL;
    text->out = open_memstream(&text->bytes, &text->len);
    if (!text->out)
        abort();
}

struct figure_text pdf_text(struct pdf_text *text)
{
    if (fclose(text->out) != 0)
        abort();
    return (struct figure_text){text->bytes, text->len};
}

void pdf_text_end(struct pdf_text *text)
{
    free(text->bytes);
}

void pdf_put(FILE *out, struct text text)
{
    if (text.len > 0)
        fwrite(text.data, 1, text.len, out);
}

/* Write what `session` is called. */
static void write_name(FILE *out, const struct model_session *session)
{
    const char *slash = session->file ? strrchr(session->file, '/') : NULL;
    if (session->label.len > 0)
        pdf_put(out, session->label);
    else if (session->command.len > 0)
        pdf_put(out, session->command);
    else if (session->file)
        fputs(slash && slash[1] ? slash + 1 : session->file, out);
    else
        fputs("Recorded session", out);
}

/* Add the sections of the session number `number`: as a chapter below a heading, if there are several. */
static void add_session(struct paper *paper, const struct model_session *session, size_t number,
                        const struct pdf_options *options, bool alone)
{
    struct chapter chapter = {.paper = paper, .query = options->query, .session = session, .level = alone ? 1 : 2};
    int64_t gap_ns = options->pages.gap_ns > 0 ? options->pages.gap_ns : PAGES_GAP_NS;
    struct pages *pages = pages_new(session, &options->pages);
    chapter.gap_s = (double)gap_ns / 1e9;
    chapter.pages = pages;
    selection_init(&chapter.selection, session, pages, options->query);
    stats_init(&chapter.stats, session, QUANTILE_TYPE);
    if (!alone) {
        char prefix[40];
        struct pdf_text text;
        snprintf(prefix, sizeof prefix, "s%zu-", number);
        paper_set_names(paper, prefix);
        paper_new_page(paper);
        pdf_text_begin(&text);
        fprintf(text.out, "Session %zu: ", number);
        write_name(text.out, session);
        paper_heading(paper, 1, pdf_text(&text), NULL);
        pdf_text_end(&text);
    }
    if (alone)
        pdf_abstract(&chapter);
    pdf_summary(&chapter);
    pdf_recording(&chapter);
    if (session->connection_count > 0) {
        pdf_timeline(&chapter);
        pdf_pages(&chapter);
        pdf_servers(&chapter);
        pdf_distributions(&chapter);
        pdf_failures(&chapter);
        pdf_connections(&chapter);
    }
    stats_fini(&chapter.stats);
    selection_fini(&chapter.selection);
    pages_free(pages);
}

/* Write the line below the title: when, and how many sessions. */
static void write_subtitle(FILE *out, const struct model_session *first, size_t count)
{
    char date[FORMAT_BYTES];
    fputs("Recorded traffic of ", out);
    if (count == 1)
        fputs("one session", out);
    else
        fprintf(out, "%zu sessions", count);
    if (first->has_wall_clock)
        fprintf(out, ", %s %s", count > 1 ? "the first of" : "of", format_date(date, first->wall_clock_ns));
}

enum render_result pdf_report(const struct model *model, const struct pdf_options *options, struct render_buffer *out)
{
    size_t all = model_session_count(model), number = options->query->session;
    bool alone = number > 0 || all == 1;
    size_t from = number > 0 ? number - 1 : 0, to = number > 0 ? number : all;
    const struct model_session *first = model_session(model, from);
    struct pdf_text title, subtitle;
    pdf_text_begin(&title);
    if (options->title)
        fputs(options->title, title.out);
    else
        write_name(title.out, first);
    pdf_text_begin(&subtitle);
    write_subtitle(subtitle.out, first, to - from);
    const struct figure_text title_text = pdf_text(&title);
    const struct paper_options paper_options = {
        .size = options->size,
        .title = title_text,
        .author = figure_text(options->author),
        .subtitle = pdf_text(&subtitle),
        .footer = title_text,
        .created_s = first->has_wall_clock ? (int64_t)(first->wall_clock_ns / 1000000000U) : 0,
        .contents = true,
    };
    struct paper *paper = paper_new(&paper_options);
    for (size_t i = from; i < to; i++)
        add_session(paper, model_session(model, i), i + 1, options, alone);
    enum render_result result = paper_finish(paper, out);
    paper_free(paper);
    pdf_text_end(&title);
    pdf_text_end(&subtitle);
    return result;
}
