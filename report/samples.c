#include "report/samples.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/format.h"
#include "analyze/stats.h"
#include "base/memory.h"
#include "statistics/quantile.h"

#define CONFIDENCE 0.95
#define WIDE       100.0    /* a sample over so great a range gets a logarithmic axis */
enum { LEAST_PLOTTED = 5 }; /* values; a curve of fewer says no more than the table */

const char *const samples_heads[SAMPLES_FIGURES] = {"25 %", "Median", "75 %", "90 %", "Greatest"};
static const double shares[SAMPLES_FIGURES] = {0.25, 0.5, 0.75, 0.9, 1};

/* Return what `n` values of `measure` are called: ends of handshakes may be inferred. */
static const char *label_of(const struct measure *measure, const struct model_session *session,
                            const struct pages *pages, size_t n)
{
    if (strcmp(measure->name, "tls-handshake") != 0)
        return measure->label;
    struct measure_values inferred = measures_collect(measures_find("tls-inferred"), session, pages);
    const char *label = stats_handshakes_title(n, inferred.count);
    measures_free(&inferred);
    return label;
}

/* Return the sample of `measure`. */
static struct sample take(const struct measure *measure, const struct model_session *session, const struct pages *pages)
{
    struct measure_values values = measures_collect(measure, session, pages);
    struct sample sample = {.measure = measure, .n = values.count};
    sample.label = label_of(measure, session, pages, sample.n);
    sample.sorted = memory_new(values.count, sizeof *sample.sorted);
    for (size_t i = 0; i < values.count; i++)
        sample.sorted[i] = values.values[i].value;
    measures_free(&values);
    quantile_sort(sample.sorted, sample.n);
    return sample;
}

void samples_init(struct samples *samples, const struct model_session *session, const struct pages *pages)
{
    samples->samples = memory_new(measures_count(), sizeof *samples->samples);
    samples->count = 0;
    for (size_t i = 0; i < measures_count(); i++) {
        const struct measure *measure = measures_get(i);
        if (!measure->usual || measure->level == MEASURE_OF_SESSION)
            continue;
        struct sample sample = take(measure, session, pages);
        if (sample.n > 0)
            samples->samples[samples->count++] = sample;
        else
            free(sample.sorted);
    }
}

void samples_fini(struct samples *samples)
{
    for (size_t i = 0; i < samples->count; i++)
        free(samples->samples[i].sorted);
    free(samples->samples);
}

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

void samples_write(FILE *out, const struct sample *sample, size_t index)
{
    write_value(out, sample->measure->unit, quantile(sample->sorted, sample->n, shares[index], QUANTILE_TYPE));
}

void samples_write_interval(FILE *out, const struct sample *sample)
{
    struct interval interval = quantile_median_interval(sample->sorted, sample->n, CONFIDENCE, NULL);
    if (isnan(interval.low)) {
        fputs("–", out);
        return;
    }
    write_value(out, sample->measure->unit, interval.low);
    fputs(" – ", out);
    write_value(out, sample->measure->unit, interval.high);
}

struct plots *samples_curve(const struct sample *sample)
{
    if (sample->n < LEAST_PLOTTED)
        return NULL;
    double least = sample->sorted[0], greatest = sample->sorted[sample->n - 1];
    const struct plots_sample plotted = {
        .label = figure_text(sample->label), .sorted = sample->sorted, .count = sample->n};
    const struct plots_options options = {.log = least > 0 && greatest > WIDE * least,
                                          .confidence = CONFIDENCE,
                                          .from_ns = MODEL_NONE,
                                          .to_ns = MODEL_NONE};
    return plots_ecdf(sample->measure, &plotted, 1, &options);
}
