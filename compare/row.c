/* What a row's values amount to; see compare/parts.h. */
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "compare/parts.h"

static void side_compute(struct compare_side *side, const struct compare_options *options, double *values, size_t n)
{
    quantile_sort(values, n);
    side->values = values;
    side->n = n;
    side->median = quantile(values, n, 0.5, options->quantile_type);
    side->interval = quantile_median_interval(values, n, options->confidence, NULL);
}

void row_compute(struct compare_row *row, const struct compare_options *options, double *before, size_t before_count,
                 double *after, size_t after_count)
{
    row->shift = (struct ranks_shift){.estimate = (double)NAN, .interval = {(double)NAN, (double)NAN}};
    row->test.p = row->delta = (double)NAN;
    bool both = before_count > 0 && after_count > 0;
    if (both && options->paired) {
        double *differences = memory_new(before_count, sizeof *differences);
        for (size_t i = 0; i < before_count; i++)
            differences[i] = after[i] - before[i];
        row->shift = ranks_paired_shift(differences, before_count, options->confidence);
        row->test = ranks_signed_test(differences, before_count);
        free(differences);
    } else if (both) {
        row->shift = ranks_shift(before, before_count, after, after_count, options->confidence);
        row->test = ranks_sum_test(after, after_count, before, before_count);
    }
    if (both)
        row->delta = ranks_cliffs_delta(before, before_count, after, after_count);
    row->effect = ranks_delta_word(row->delta);
    row->p_holm = row->test.p;
    side_compute(&row->before, options, before, before_count);
    side_compute(&row->after, options, after, after_count);
    bool relative = row->before.median > 0;
    row->change = relative ? row->shift.estimate / row->before.median : (double)NAN;
    row->change_low = relative ? row->shift.interval.low / row->before.median : (double)NAN;
    row->change_high = relative ? row->shift.interval.high / row->before.median : (double)NAN;
}

bool compare_proven(const struct comparison *comparison, const struct compare_row *row)
{
    const struct interval *i = &row->shift.interval;
    return row->p_holm < comparison->options->alpha && (i->low > 0 || i->high < 0);
}

static const char *verdict(const struct measure *measure, bool up)
{
    bool time = measure->unit == MEASURE_NS, rate = measure->unit == MEASURE_BITS_PER_S;
    if (time && measure->better == MEASURE_NEITHER)
        return up ? "longer" : "shorter";
    if (time || rate)
        return up == (measure->better == MEASURE_MORE) ? "faster" : "slower";
    return up ? "more" : "less";
}

void rows_judge(struct comparison *comparison)
{
    size_t n = comparison->row_count;
    double *p = memory_new(n, sizeof *p);
    for (size_t i = 0; i < n; i++)
        p[i] = comparison->rows[i].test.p;
    ranks_holm(p, n);
    for (size_t i = 0; i < n; i++) {
        struct compare_row *row = &comparison->rows[i];
        row->p_holm = p[i];
        row->verdict = compare_proven(comparison, row) ? verdict(row->measure, row->shift.interval.low > 0) : "~";
    }
    free(p);
}
