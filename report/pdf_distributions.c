/* The distributions of a report on paper: the quantiles of each measure, and their curves. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "analyze/format.h"
#include "analyze/measures.h"
#include "analyze/memory.h"
#include "figures/plots.h"
#include "report/pdf_parts.h"
#include "statistics/quantile.h"

#define CONFIDENCE 0.95
#define WIDE       100.0    /* a sample over so great a range gets a logarithmic axis */
enum { LEAST_PLOTTED = 5 }; /* values; a curve of fewer says no more than the table */

/* A measure and its sample. */
struct sample {
    const struct measure *measure;
    double *sorted;
    size_t n, missing;
};

/* Return the sample of `measure`; the caller frees its values. */
static struct sample take_sample(const struct chapter *chapter, const struct measure *measure)
{
    struct measure_values values = measures_collect(measure, chapter->session, chapter->pages);
    struct sample sample = {.measure = measure, .n = values.count, .missing = values.missing};
    sample.sorted = memory_new(values.count, sizeof *sample.sorted);
    for (size_t i = 0; i < values.count; i++)
        sample.sorted[i] = values.values[i].value;
    measures_free(&values);
    quantile_sort(sample.sorted, sample.n);
    return sample;
}

/* ---------------------------------------------------------------- the table */

/* Write `value` with the unit of its measure. */
static void write_value(FILE *out, enum measure_unit unit, double value)
{
    static const char *const steps[] = {"bit/s", "kbit/s", "Mbit/s", "Gbit/s"};
    char buffer[FORMAT_BYTES];
    size_t step = 0;
    switch (unit) {
    case MEASURE_NS:
        fputs(format_duration(buffer, (int64_t)fmin(round(value), 9e18)), out);
        return;
    case MEASURE_BYTES:
        fputs(format_size(buffer, (uint64_t)fmin(round(value), 9e18)), out);
        return;
    case MEASURE_SHARE:
        fprintf(out, "%.1f %%", 100 * value);
        return;
    case MEASURE_BITS_PER_S:
        for (; value >= 1000 && step + 1 < sizeof steps / sizeof *steps; step++)
            value /= 1000;
        fprintf(out, value < 10 ? "%.2f %s" : value < 100 ? "%.1f %s" : "%.0f %s", value, steps[step]);
        return;
    case MEASURE_COUNT:
        break;
    }
    if (value == floor(value))
        fprintf(out, "%.0f", value);
    else
        fprintf(out, "%.1f", value);
}

static void add_value(struct grid *grid, enum measure_unit unit, double value)
{
    struct pdf_text text;
    if (isnan(value)) {
        grid_printf(grid, "–");
        return;
    }
    pdf_text_begin(&text);
    write_value(text.out, unit, value);
    struct figure_text written = pdf_text(&text);
    grid_bytes(grid, written.bytes, written.len_bytes);
    pdf_text_end(&text);
}

/* Add "12.3 ms – 45.6 ms", the interval of the median. */
static void add_interval(struct grid *grid, const struct sample *sample)
{
    struct interval interval = quantile_median_interval(sample->sorted, sample->n, CONFIDENCE, NULL);
    struct pdf_text text;
    if (isnan(interval.low)) {
        grid_printf(grid, "–");
        return;
    }
    pdf_text_begin(&text);
    write_value(text.out, sample->measure->unit, interval.low);
    fputs(" – ", text.out);
    write_value(text.out, sample->measure->unit, interval.high);
    struct figure_text written = pdf_text(&text);
    grid_bytes(grid, written.bytes, written.len_bytes);
    pdf_text_end(&text);
}

static void add_sample(struct grid *grid, const struct sample *sample)
{
    static const double shares[] = {0.25, 0.5, 0.75, 0.9};
    enum measure_unit unit = sample->measure->unit;
    grid_printf(grid, "%s", sample->measure->label);
    grid_count(grid, sample->n);
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++)
        add_value(grid, unit, quantile(sample->sorted, sample->n, shares[i], QUANTILE_TYPE));
    add_value(grid, unit, sample->sorted[sample->n - 1]);
    add_interval(grid, sample);
}

/* ---------------------------------------------------------------- the curves */

/* Add the curve of the sample: its ECDF, with the band that its size allows for. */
static void add_curve(const struct chapter *chapter, const struct sample *sample)
{
    double least = sample->sorted[0], greatest = sample->sorted[sample->n - 1];
    const struct plots_sample plotted = {
        .label = figure_text(sample->measure->label), .sorted = sample->sorted, .count = sample->n};
    const struct plots_options options = {.log = least > 0 && greatest > WIDE * least, .confidence = CONFIDENCE};
    struct plots *plots = plots_ecdf(sample->measure, &plotted, 1, &options);
    paper_plot(chapter->paper, plots_figure(plots));
    plots_free(plots);
}

void pdf_distributions(const struct chapter *chapter)
{
    static const struct paper_column columns[] = {
        PDF_LEFT("Measure"), PDF_RIGHT("n"),    PDF_RIGHT("25 %"),     PDF_RIGHT("Median"),
        PDF_RIGHT("75 %"),   PDF_RIGHT("90 %"), PDF_RIGHT("Greatest"), PDF_RIGHT("95 % interval of the median")};
    struct grid *grid = grid_new(columns, sizeof columns / sizeof *columns);
    size_t count = 0;
    bool plotted = false;
    struct sample *samples = memory_new(measures_count(), sizeof *samples);
    for (size_t i = 0; i < measures_count(); i++) {
        const struct measure *measure = measures_get(i);
        if (!measure->usual || measure->level == MEASURE_OF_SESSION)
            continue;
        samples[count] = take_sample(chapter, measure);
        if (samples[count].n > 0)
            add_sample(grid, &samples[count]);
        plotted = plotted || samples[count].n >= LEAST_PLOTTED;
        count++;
    }
    if (grid_rows(grid) > 0) {
        paper_heading(chapter->paper, chapter->level, figure_text("Distributions"), "distributions");
        grid_add(grid, chapter->paper, "Quantiles (type 7 of Hyndman and Fan) of the whole recording");
        if (plotted)
            paper_note(
                chapter->paper,
                figure_text("The curves below show for each value which share of the sample is not greater; the bands "
                            "contain the true curve with 95 % confidence (Dvoretzky, Kiefer, Wolfowitz; Massart)."));
    } else {
        grid_free(grid);
    }
    for (size_t i = 0; i < count; i++) {
        if (samples[i].n >= LEAST_PLOTTED)
            add_curve(chapter, &samples[i]);
        free(samples[i].sorted);
    }
    free(samples);
}
