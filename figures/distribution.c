/* Distributions: ECDFs and strips. */
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "figures/plots_parts.h"
#include "statistics/ecdf.h"
#include "statistics/quantile.h"

static double confidence_of(const struct plots_options *options)
{
    return options->confidence > 0 ? options->confidence : 0.95;
}

/* Set `series` to the ECDF of `sample`. It begins at 0, at the least value. */
static void set_ecdf(struct plots *plots, struct plot_series *series, const struct plots_sample *sample,
                     double confidence)
{
    size_t count;
    struct ecdf_step *steps = ecdf_steps(sample->sorted, sample->count, confidence, &count);
    double *x = plots_numbers(plots, count + 1), *y = plots_numbers(plots, count + 1);
    double *low = plots_numbers(plots, count + 1), *high = plots_numbers(plots, count + 1);
    x[0] = steps[0].x;
    high[0] = steps[0].high - steps[0].y;
    for (size_t i = 0; i < count; i++) {
        x[i + 1] = steps[i].x;
        y[i + 1] = steps[i].y;
        low[i + 1] = steps[i].low;
        high[i + 1] = steps[i].high;
    }
    free(steps);
    series->x = x;
    series->y = y;
    series->low = low;
    series->high = high;
    series->count = count + 1;
    series->steps = true;
}

struct plots *plots_ecdf(const struct measure *measure, const struct plots_sample *samples, size_t count,
                         const struct plots_options *options)
{
    struct plots *plots = plots_new(PLOT_LINES, options, "No value of this measure was recorded.");
    double confidence = confidence_of(options);
    plots->series = memory_new(count, sizeof *plots->series);
    for (size_t i = 0; i < count; i++) {
        if (samples[i].count == 0)
            continue;
        struct plot_series *series = &plots->series[plots->panel.series_count++];
        series->label = plots_counted(plots, samples[i].label, samples[i].count);
        series->style = i;
        set_ecdf(plots, series, &samples[i], confidence);
    }
    plots->panel.series = plots->series;
    plots->panel.x = plots_axis(measure, options);
    plots->panel.y = (struct plot_axis){.label = figure_text("share of values"), .unit = PLOT_SHARE, .to = 1};
    if (plots->panel.series_count > 0)
        plots_note(plots, plots_printf(plots, "Shaded: %d %% confidence band (Dvoretzky–Kiefer–Wolfowitz).",
                                       (int)lround(confidence * 100)));
    else
        plots->figure.panel_count = 0;
    return plots;
}

struct plots *plots_strips(const struct measure *measure, const struct plots_sample *samples, size_t count,
                           const struct plots_options *options)
{
    struct plots *plots = plots_new(PLOT_STRIPS, options, "No value of this measure was recorded.");
    double confidence = confidence_of(options);
    plots->strips = memory_new(count, sizeof *plots->strips);
    for (size_t i = 0; i < count; i++) {
        const struct plots_sample *sample = &samples[i];
        if (sample->count == 0)
            continue;
        struct interval interval = quantile_median_interval(sample->sorted, sample->count, confidence, NULL);
        plots->strips[plots->panel.strip_count++] =
            (struct plot_strip){.label = plots_counted(plots, sample->label, sample->count),
                                .style = i,
                                .values = sample->sorted,
                                .count = sample->count,
                                .q1 = quantile(sample->sorted, sample->count, 0.25, QUANTILE_TYPE),
                                .median = quantile(sample->sorted, sample->count, 0.5, QUANTILE_TYPE),
                                .q3 = quantile(sample->sorted, sample->count, 0.75, QUANTILE_TYPE),
                                .low = interval.low,
                                .high = interval.high};
    }
    plots->panel.strips = plots->strips;
    plots->panel.x = plots_axis(measure, options);
    if (plots->panel.strip_count == 0)
        plots->figure.panel_count = 0;
    return plots;
}
