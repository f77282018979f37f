#include "compare/figures.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"

static char *title_of(const struct compare_row *row, size_t *len_bytes)
{
    char *title = NULL;
    FILE *out = open_memstream(&title, len_bytes);
    if (!out)
        abort();
    fputs(row->measure->label, out);
    if (row->subject.len > 0) {
        fputs(", ", out);
        fwrite(row->subject.data, 1, row->subject.len, out);
    }
    if (fclose(out) != 0)
        abort();
    return title;
}

static struct plots_sample sample_of(const struct comparison *c, const struct compare_side *side, size_t group)
{
    return (struct plots_sample){figure_text(c->groups[group].name), side->values, side->n};
}

/* Make the plot of `count` rows of the same measure and subject, one for each group beside the first. */
static void plot_init(struct figures_plot *plot, const struct comparison *c, const struct compare_row *rows,
                      size_t count)
{
    size_t len;
    plot->title = title_of(rows, &len);
    plot->samples = memory_new(count + 1, sizeof *plot->samples);
    plot->samples[0] = sample_of(c, &rows[0].before, 0);
    for (size_t i = 0; i < count; i++)
        plot->samples[i + 1] = sample_of(c, &rows[i].after, rows[i].group);
    const struct plots_options options = {
        .confidence = c->options->confidence, .from_ns = MODEL_NONE, .to_ns = MODEL_NONE};
    plot->ecdf = plots_ecdf(rows->measure, plot->samples, count + 1, &options);
    plot->strips = plots_strips(rows->measure, plot->samples, count + 1, &options);
    plot->panels[0] = plots_figure(plot->ecdf)->panels[0];
    plot->panels[0].title = (struct figure_text){plot->title, len};
    plot->panels[1] = plots_figure(plot->strips)->panels[0];
    plot->panels[1].same_x = true;
}

static bool same_plot(const struct compare_row *a, const struct compare_row *b)
{
    return a->measure == b->measure && a->subject_id == b->subject_id;
}

int64_t figures_date_s(const struct comparison *c)
{
    uint64_t latest_ns = 0;
    for (size_t g = 0; g < c->group_count; g++) {
        for (size_t s = 0; s < model_session_count(c->groups[g].model); s++) {
            const struct model_session *session = model_session(c->groups[g].model, s);
            if (session->has_wall_clock && session->wall_clock_ns > latest_ns)
                latest_ns = session->wall_clock_ns;
        }
    }
    return (int64_t)(latest_ns / 1000000000);
}

static void remark(struct figures *f, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void remark(struct figures *f, const char *format, ...)
{
    char *text = f->remarks[f->remark_count];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, FIGURES_REMARK_BYTES, format, arguments);
    va_end(arguments);
    f->remark_texts[f->remark_count++] = figure_text(text);
}

static void describe(struct figures *f, const struct comparison *c, size_t single, size_t left_out)
{
    double percent = c->options->confidence * 100;
    snprintf(
        f->method, sizeof f->method,
        "Above: share of the values up to x, with a simultaneous %g %% band. Below: each value, quartiles, and the "
        "median with its %g %% interval.",
        percent, percent);
    if (c->row_count == 0)
        remark(f, "No measure has a value.");
    if (single > 0)
        remark(f, "Rows without distribution, since no side has more than one value: %zu.", single);
    if (left_out > 0)
        remark(f, "Rows that are not drawn here: %zu. A PDF has room for all; --metric chooses measures.", left_out);
}

struct figures *figures_new(const struct comparison *c, size_t most)
{
    struct figures *f = memory_new(1, sizeof *f);
    f->plots = memory_new(c->row_count, sizeof *f->plots);
    f->figures = memory_new(c->row_count, sizeof *f->figures);
    size_t single = 0, left_out = 0;
    for (size_t i = 0, n; i < c->row_count; i += n) {
        size_t values = c->rows[i].before.n;
        for (n = 0; i + n < c->row_count && same_plot(&c->rows[i], &c->rows[i + n]); n++)
            values = c->rows[i + n].after.n > values ? c->rows[i + n].after.n : values;
        if (values <= 1) { /* no distribution */
            single += n;
        } else if (f->count == most) {
            left_out += n;
        } else {
            plot_init(&f->plots[f->count], c, &c->rows[i], n);
            f->figures[f->count] = (struct plot_figure){.panels = f->plots[f->count].panels, .panel_count = 2};
            f->count++;
        }
    }
    describe(f, c, single, left_out);
    return f;
}

void figures_free(struct figures *f)
{
    for (size_t i = 0; i < f->count; i++) {
        plots_free(f->plots[i].ecdf);
        plots_free(f->plots[i].strips);
        free(f->plots[i].samples);
        free(f->plots[i].title);
    }
    free(f->plots);
    free(f->figures);
    free(f);
}
