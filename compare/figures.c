#include "compare/figures.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "statistics/ecdf.h"

/* Return `count` zeroed elements that live as long as the figures. */
static void *keep(struct figures *f, size_t count, size_t size)
{
    f->owned = memory_grow(f->owned, f->owned_count, &f->owned_capacity, sizeof *f->owned);
    return f->owned[f->owned_count++] = memory_new(count, size);
}

static struct figure_text string(struct figures *f, const char *before, struct text text)
{
    char *bytes = NULL;
    size_t len;
    FILE *out = open_memstream(&bytes, &len);
    if (!out)
        abort();
    fputs(before, out);
    if (text.len > 0) {
        fputs(", ", out);
        fwrite(text.data, 1, text.len, out);
    }
    if (fclose(out) != 0)
        abort();
    char *kept = keep(f, len + 1, 1);
    memcpy(kept, bytes, len);
    free(bytes);
    return (struct figure_text){kept, len};
}

static enum plot_unit unit_of(const struct measure *measure)
{
    switch (measure->unit) {
    case MEASURE_NS:
        return PLOT_NS;
    case MEASURE_BYTES:
        return PLOT_BYTES;
    case MEASURE_BITS_PER_S:
        return PLOT_BITS_PER_S;
    case MEASURE_SHARE:
        return PLOT_SHARE;
    case MEASURE_COUNT:
        break;
    }
    return PLOT_NUMBER;
}

/* The steps of a side's distribution as a series that begins at 0 where it begins. */
static struct plot_series series_of(struct figures *f, const struct comparison *c, const struct compare_side *side,
                                    size_t group)
{
    size_t n;
    struct ecdf_step *steps = ecdf_steps(side->values, side->n, c->options->confidence, &n);
    if (side->n == 0)
        n = 0;
    double *x = keep(f, n + 1, sizeof *x), *y = keep(f, n + 1, sizeof *y);
    double *low = keep(f, n + 1, sizeof *low), *high = keep(f, n + 1, sizeof *high);
    for (size_t i = 0; i < n; i++) {
        x[i + 1] = steps[i].x;
        y[i + 1] = steps[i].y;
        low[i + 1] = steps[i].low;
        high[i + 1] = steps[i].high;
    }
    if (n > 0) { /* below the least value nothing has been reached */
        x[0] = x[1];
        high[0] = high[1] - y[1] > 0 ? high[1] - y[1] : 0;
    }
    free(steps);
    return (struct plot_series){.label = figure_text(c->groups[group].name),
                                .style = group,
                                .x = x,
                                .y = y,
                                .low = low,
                                .high = high,
                                .count = n > 0 ? n + 1 : 0,
                                .steps = true};
}

static struct plot_strip strip_of(const struct comparison *c, const struct compare_side *side, size_t group)
{
    unsigned type = c->options->quantile_type;
    return (struct plot_strip){.label = figure_text(c->groups[group].name),
                               .style = group,
                               .values = side->values,
                               .count = side->n,
                               .q1 = quantile(side->values, side->n, 0.25, type),
                               .median = side->median,
                               .q3 = quantile(side->values, side->n, 0.75, type),
                               .low = side->interval.low,
                               .high = side->interval.high};
}

/* Make the plot of `count` rows of the same measure and subject, one for each group beside the first. */
static struct plot_figure plot_of(struct figures *f, const struct comparison *c, const struct compare_row *rows,
                                  size_t count)
{
    enum { PANELS = 2, HEIGHT_PX = 150 };
    struct plot_series *series = keep(f, count + 1, sizeof *series);
    struct plot_strip *strips = keep(f, count + 1, sizeof *strips);
    series[0] = series_of(f, c, &rows[0].before, 0);
    strips[0] = strip_of(c, &rows[0].before, 0);
    for (size_t i = 0; i < count; i++) {
        series[i + 1] = series_of(f, c, &rows[i].after, rows[i].group);
        strips[i + 1] = strip_of(c, &rows[i].after, rows[i].group);
    }
    const struct plot_axis x = {.label = figure_text(rows->measure->label), .unit = unit_of(rows->measure)};
    struct plot_panel *panels = keep(f, PANELS, sizeof *panels);
    panels[0] =
        (struct plot_panel){.kind = PLOT_LINES,
                            .title = string(f, rows->measure->label, rows->subject),
                            .x = x,
                            .y = {.label = figure_text("share of values"), .unit = PLOT_SHARE, .from = 0, .to = 1},
                            .height_px = HEIGHT_PX,
                            .series = series,
                            .series_count = count + 1};
    panels[1] =
        (struct plot_panel){.kind = PLOT_STRIPS, .x = x, .same_x = true, .strips = strips, .strip_count = count + 1};
    return (struct plot_figure){.panels = panels, .panel_count = PANELS, .empty_label = figure_text("no values")};
}

static bool same_plot(const struct compare_row *a, const struct compare_row *b)
{
    return a->measure == b->measure && a->subject_id == b->subject_id;
}

static int64_t date_of(const struct comparison *c)
{
    int64_t date_s = 0;
    for (size_t g = 0; g < c->group_count; g++) {
        for (size_t s = 0; s < model_session_count(c->groups[g].model); s++) {
            const struct model_session *session = model_session(c->groups[g].model, s);
            int64_t t_s = session->has_wall_clock ? (int64_t)(session->wall_clock_ns / 1000000000) : 0;
            date_s = t_s > date_s ? t_s : date_s;
        }
    }
    return date_s;
}

/* Join the panels of all plots to one figure. */
static void join(struct figures *f, const struct comparison *c, size_t left_out)
{
    size_t n = 0;
    struct plot_panel *panels = keep(f, 2 * f->count, sizeof *panels);
    for (size_t i = 0; i < f->count; i++) {
        for (size_t k = 0; k < f->plots[i].panel_count; k++)
            panels[n++] = f->plots[i].panels[k];
    }
    char line[200];
    snprintf(line, sizeof line,
             "Above: share of values up to x, with a simultaneous %g %% band. Below: each value, "
             "quartiles, median with its %g %% interval.",
             c->options->confidence * 100, c->options->confidence * 100);
    struct figure_text *notes = keep(f, 2, sizeof *notes);
    notes[0] = string(f, line, (struct text){0});
    snprintf(line, sizeof line, "%zu more rows are not shown.", left_out);
    notes[1] = string(f, line, (struct text){0});
    f->all = (struct plot_figure){.title = figure_text("Comparison"),
                                  .notes = notes,
                                  .note_count = left_out > 0 ? 2 : 1,
                                  .panels = panels,
                                  .panel_count = n,
                                  .empty_label = figure_text("Nothing to compare."),
                                  .created_s = date_of(c)};
}

struct figures *figures_new(const struct comparison *c)
{
    struct figures *f = memory_new(1, sizeof *f);
    f->plots = keep(f, FIGURES_MOST, sizeof *f->plots);
    size_t left_out = 0;
    for (size_t i = 0, n; i < c->row_count; i += n) {
        size_t most = 0;
        for (n = 0; i + n < c->row_count && same_plot(&c->rows[i], &c->rows[i + n]); n++) {
            most = c->rows[i + n].before.n > most ? c->rows[i + n].before.n : most;
            most = c->rows[i + n].after.n > most ? c->rows[i + n].after.n : most;
        }
        if (f->count == FIGURES_MOST)
            left_out += n;
        else if (most > 1) /* one value is no distribution */
            f->plots[f->count++] = plot_of(f, c, &c->rows[i], n);
    }
    for (size_t i = 0; i < f->count; i++)
        f->plots[i].created_s = date_of(c);
    join(f, c, left_out);
    return f;
}

void figures_free(struct figures *f)
{
    for (size_t i = 0; i < f->owned_count; i++)
        free(f->owned[i]);
    free(f->owned);
    free(f);
}
