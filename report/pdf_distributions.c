/* The distributions of a report on paper: the quantiles of each measure, and their curves. */
#include <stdlib.h>

#include "report/pdf_parts.h"
#include "report/samples.h"

/* Add what was written to `text` as a cell. */
static void add_written(struct grid *grid, struct pdf_text *text)
{
    struct figure_text written = pdf_text(text);
    grid_bytes(grid, written.bytes, written.len_bytes);
    pdf_text_end(text);
}

static void add_sample(struct grid *grid, const struct sample *sample)
{
    struct pdf_text text;
    grid_printf(grid, "%s", sample->label);
    grid_count(grid, sample->n);
    for (size_t i = 0; i < SAMPLES_FIGURES; i++) {
        pdf_text_begin(&text);
        samples_write(text.out, sample, i);
        add_written(grid, &text);
    }
    pdf_text_begin(&text);
    samples_write_interval(text.out, sample);
    add_written(grid, &text);
}

static void add_table(const struct chapter *chapter, const struct samples *samples)
{
    enum { COLUMNS = SAMPLES_FIGURES + 3 };
    struct paper_column columns[COLUMNS] = {PDF_LEFT("Measure"), PDF_RIGHT("n"),
                                            [COLUMNS - 1] = PDF_RIGHT("Median's 95 % interval")};
    for (size_t i = 0; i < SAMPLES_FIGURES; i++)
        columns[2 + i] = (struct paper_column){figure_text(samples_heads[i]), true};
    struct grid *grid = grid_new(columns, COLUMNS);
    for (size_t i = 0; i < samples->count; i++)
        add_sample(grid, &samples->samples[i]);
    grid_add(grid, chapter->paper, "Quantiles (type 7 of Hyndman and Fan) of the whole recording");
}

void pdf_distributions(const struct chapter *chapter)
{
    struct samples samples;
    bool explained = false;
    samples_init(&samples, chapter->session, chapter->pages);
    if (samples.count > 0) {
        paper_heading(chapter->paper, chapter->level, figure_text("Distributions"), "distributions");
        add_table(chapter, &samples);
    }
    for (size_t i = 0; i < samples.count; i++) {
        struct plots *curve = samples_curve(&samples.samples[i]);
        if (!curve)
            continue;
        if (!explained)
            paper_note(chapter->paper, figure_text(SAMPLES_NOTE));
        explained = true;
        paper_plot(chapter->paper, plots_figure(curve));
        plots_free(curve);
    }
    samples_fini(&samples);
}
