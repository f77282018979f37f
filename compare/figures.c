#include "compare/figures.h"

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
    plot->figure = (struct plot_figure){.panels = plot->panels,
                                        .panel_count = 2,
                                        .empty_label = figure_text("no values"),
                                        .created_s = figures_date_s(c)};
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

/* Join the panels of all plots to one figure. */
static void join(struct figures *f, const struct comparison *c)
{
    double percent = c->options->confidence * 100;
    for (size_t i = 0; i < f->count; i++) {
        f->panels[2 * i] = f->plots[i].panels[0];
        f->panels[2 * i + 1] = f->plots[i].panels[1];
    }
    snprintf(
        f->notes[0], sizeof f->notes[0],
        "Above: share of the values up to x, with a simultaneous %g %% band. Below: each value, quartiles, and the "
        "median with its %g %% interval.",
        percent, percent);
    snprintf(f->notes[1], sizeof f->notes[1], "%zu more rows are not shown.", f->left_out);
    for (size_t i = 0; i < 2; i++)
        f->note_texts[i] = figure_text(f->notes[i]);
    f->all = (struct plot_figure){.title = figure_text("Comparison"),
                                  .notes = f->note_texts,
                                  .note_count = f->left_out > 0 ? 2 : 1,
                                  .panels = f->panels,
                                  .panel_count = 2 * f->count,
                                  .empty_label = figure_text("No measure has more than one value."),
                                  .created_s = figures_date_s(c)};
}

struct figures *figures_new(const struct comparison *c)
{
    struct figures *f = memory_new(1, sizeof *f);
    for (size_t i = 0, n; i < c->row_count; i += n) {
        size_t most = c->rows[i].before.n;
        for (n = 0; i + n < c->row_count && same_plot(&c->rows[i], &c->rows[i + n]); n++)
            most = c->rows[i + n].after.n > most ? c->rows[i + n].after.n : most;
        if (f->count == FIGURES_MOST)
            f->left_out += n;
        else if (most > 1) /* one value is no distribution */
            plot_init(&f->plots[f->count++], c, &c->rows[i], n);
    }
    join(f, c);
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
    free(f);
}
