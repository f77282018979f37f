#include "render/plot_axis.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Units from small to large; the last one that the greatest value reaches is taken. */
struct unit {
    double size;
    const char *name;
};

static const struct unit times[] = {{1, "ns"}, {1e3, "µs"}, {1e6, "ms"}, {1e9, "s"}, {6e10, "min"}, {3.6e12, "h"}};
static const struct unit sizes[] = {{1, "B"}, {1e3, "kB"}, {1e6, "MB"}, {1e9, "GB"}, {1e12, "TB"}};
static const struct unit byte_rates[] = {{1, "B/s"}, {1e3, "kB/s"}, {1e6, "MB/s"}, {1e9, "GB/s"}};
static const struct unit bit_rates[] = {{1, "bit/s"}, {1e3, "kbit/s"}, {1e6, "Mbit/s"}, {1e9, "Gbit/s"}};
static const struct unit shares[] = {{0.01, "%"}};
static const struct unit numbers[] = {{1, ""}};

static const struct {
    const struct unit *units;
    size_t count;
} kinds[] = {
#define UNITS(list)                                                                                                    \
    {                                                                                                                  \
        list, sizeof(list) / sizeof *(list)                                                                            \
    }
    [PLOT_NUMBER] = UNITS(numbers),       [PLOT_NS] = UNITS(times),
    [PLOT_BYTES] = UNITS(sizes),          [PLOT_BYTES_PER_S] = UNITS(byte_rates),
    [PLOT_BITS_PER_S] = UNITS(bit_rates), [PLOT_SHARE] = UNITS(shares),
#undef UNITS
};

/* Minutes and hours begin where seconds and minutes would have four digits. */
static double reach(enum plot_unit kind, const struct unit *unit)
{
    if (kind == PLOT_NS && unit->size >= 6e10)
        return unit->size >= 3.6e12 ? 3 * 3.6e12 : 10 * 6e10;
    return unit->size;
}

static void choose_unit(struct plot_scale *scale, enum plot_unit kind)
{
    const struct unit *unit = &kinds[kind].units[0];
    /* On a logarithmic axis the middle counts. */
    double greatest = scale->log ? sqrt(scale->from * scale->to) : fmax(fabs(scale->from), fabs(scale->to));
    for (size_t i = 1; i < kinds[kind].count && greatest >= reach(kind, &kinds[kind].units[i]); i++)
        unit = &kinds[kind].units[i];
    scale->unit = unit->size;
    scale->unit_name = unit->name;
}

static double power_of_ten_below(double value)
{
    return pow(10, floor(log10(value) + 1e-9));
}

struct plot_scale plot_scale_choose(const struct plot_axis *axis, double low, double high, double positive)
{
    struct plot_scale scale = {.from = axis->from, .to = axis->to, .log = axis->log};
    double one = kinds[axis->unit].units[0].size;
    bool chosen = !(axis->from < axis->to);
    if (chosen) {
        scale.from = isnan(low) ? 0 : low;
        scale.to = isnan(high) ? one : high;
        if (!scale.log && scale.from > 0 && scale.from < scale.to * 0.7)
            scale.from = 0;
        if (!scale.log && scale.to < 0 && scale.to > scale.from * 0.7)
            scale.to = 0;
    }
    if (scale.log) {
        if (isnan(positive) || positive <= 0)
            positive = scale.to > 0 ? scale.to : one;
        if (!(scale.from > 0))
            scale.from = power_of_ten_below(positive);
        if (!(scale.to > scale.from))
            scale.to = scale.from * 10;
    } else if (!(scale.to > scale.from) && scale.from == 0) {
        scale.to = one;
    } else if (!(scale.to > scale.from)) { /* a single value lies in the middle */
        double half = fabs(scale.from) * 0.1;
        scale.from -= half;
        scale.to += half;
    }
    choose_unit(&scale, axis->unit);
    return scale;
}

/* Return the round step (1, 2 or 5 × a power of ten; in minutes and hours what clocks have is a multiple of) of which
 * at most `count` fit into `span`. */
static double round_step(double span, size_t count)
{
    static const double mantissas[] = {1, 2, 5, 10};
    double power = power_of_ten_below(span / (double)count);
    for (size_t i = 0; i < 4; i++) {
        if (span / (power * mantissas[i]) <= (double)count * (1 + 1e-9))
            return power * mantissas[i];
    }
    return power * 20;
}

/* Return the step in the axis's own unit: shares and whole things have their own. */
static double step_of(const struct plot_scale *scale, size_t count)
{
    double step = round_step((scale->to - scale->from) / scale->unit, count);
    if (*scale->unit_name == '\0' && step < 1) /* numbers of things */
        step = 1;
    return step * scale->unit;
}

void plot_scale_round(struct plot_scale *scale, const struct plot_axis *axis, size_t count)
{
    if (axis->from < axis->to)
        return;
    if (scale->log) {
        double below = power_of_ten_below(scale->from), above = power_of_ten_below(scale->to);
        static const double mantissas[] = {1, 2, 5};
        for (size_t i = 0; i < 3; i++) {
            if (below * mantissas[i] <= scale->from * (1 + 1e-9))
                scale->from = below * mantissas[i];
        }
        for (size_t i = 0; i < 3; i++) {
            if (above * mantissas[i] >= scale->to * (1 - 1e-9)) {
                scale->to = above * mantissas[i];
                return;
            }
        }
        scale->to = above * 10;
        return;
    }
    double step = step_of(scale, count);
    scale->from = floor(scale->from / step + 1e-9) * step;
    scale->to = ceil(scale->to / step - 1e-9) * step;
}

double plot_scale_share(const struct plot_scale *scale, double value)
{
    double share;
    if (scale->log)
        share = value <= scale->from ? 0 : log(value / scale->from) / log(scale->to / scale->from);
    else
        share = (value - scale->from) / (scale->to - scale->from);
    return fmin(fmax(share, 0), 1);
}

static size_t linear_ticks(const struct plot_scale *scale, size_t max_count, double *ticks)
{
    double step = step_of(scale, max_count - 1);
    double first = ceil(scale->from / step - 1e-9);
    size_t count = 0;
    while (count < max_count && (first + (double)count) * step <= scale->to + step * 1e-9) {
        ticks[count] = (first + (double)count) * step;
        count++;
    }
    return count;
}

/* Ticks at 1, 2, 5 of each power of ten, or at the powers, or at every so manieth power, as there is room. */
static size_t log_ticks(const struct plot_scale *scale, size_t max_count, double *ticks)
{
    static const double mantissas[] = {1, 2, 5};
    /* Powers of ten of the unit that labels count in. */
    double from = scale->from / scale->unit, to = scale->to / scale->unit;
    int lowest = (int)floor(log10(from) + 1e-9), highest = (int)floor(log10(to) + 1e-9);
    for (int stride = 0;; stride = stride == 0 ? 1 : stride + 1) {
        size_t count = 0;
        bool fits = true;
        for (int power = lowest; power <= highest && fits; power += stride == 0 ? 1 : stride) {
            for (size_t i = 0; i < (stride == 0 ? 3U : 1U) && fits; i++) {
                double value = mantissas[i] * pow(10, power);
                if (value < from * (1 - 1e-9) || value > to * (1 + 1e-9))
                    continue;
                fits = count < max_count;
                if (fits)
                    ticks[count++] = value * scale->unit;
            }
        }
        if (fits)
            return count;
    }
}

size_t plot_scale_ticks(const struct plot_scale *scale, size_t max_count, double *ticks)
{
    assert(max_count >= 2 && max_count <= PLOT_MAX_TICKS);
    size_t count = scale->log ? log_ticks(scale, max_count, ticks) : 0;
    return count >= 2 ? count : linear_ticks(scale, max_count, ticks); /* less than a decade */
}

/* Write `value` with `decimals` decimals, whatever the locale. */
static void write_number(double value, int decimals, char label[PLOT_LABEL_SIZE])
{
    snprintf(label, PLOT_LABEL_SIZE, "%.*f", decimals, value);
    for (char *p = label; *p != '\0'; p++) {
        if (*p == ',')
            *p = '.';
    }
    if (strspn(label, "-0.") == strlen(label) && label[0] == '-') /* never "-0" */
        memmove(label, label + 1, strlen(label));
}

void plot_scale_label(const struct plot_scale *scale, double value, double step, char label[PLOT_LABEL_SIZE])
{
    double place = (scale->log ? value : step) / scale->unit;
    int decimals = place > 0 && place < 1 ? (int)-floor(log10(place) + 1e-9) : 0;
    value /= scale->unit;
    if (fabs(value) >= 1e15)
        snprintf(label, PLOT_LABEL_SIZE, "1e%d", (int)floor(log10(fabs(value))));
    else
        write_number(value, decimals < 9 ? decimals : 9, label);
}
