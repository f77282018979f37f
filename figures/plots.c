#include "figures/plots_parts.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

struct plots *plots_new(enum plot_kind kind, const struct plots_options *options, const char *empty)
{
    struct plots *plots = memory_new(1, sizeof *plots);
    plots->panel.kind = kind;
    plots->figure = (struct plot_figure){.title = options->title,
                                         .notes = plots->notes,
                                         .panels = &plots->panel,
                                         .panel_count = 1,
                                         .empty_label = figure_text(empty),
                                         .created_s = options->created_s};
    return plots;
}

void plots_free(struct plots *plots)
{
    if (!plots)
        return;
    for (size_t i = 0; i < plots->array_count; i++)
        free(plots->arrays[i]);
    free(plots->arrays);
    free(plots->series);
    free(plots->strips);
    free(plots->bars);
    texts_fini(&plots->texts);
    free(plots);
}

const struct plot_figure *plots_figure(const struct plots *plots)
{
    return &plots->figure;
}

double *plots_numbers(struct plots *plots, size_t count)
{
    plots->arrays = memory_grow(plots->arrays, plots->array_count, &plots->array_capacity, sizeof *plots->arrays);
    return plots->arrays[plots->array_count++] = memory_new(count, sizeof(double));
}

struct figure_text plots_printf(struct plots *plots, const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    int len = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (len < 0)
        abort();
    struct text kept = texts_keep(&plots->texts, text, (size_t)len);
    free(text);
    return (struct figure_text){(const char *)kept.data, kept.len};
}

struct figure_text plots_join(struct plots *plots, struct figure_text head, struct figure_text tail)
{
    uint8_t *room = texts_reserve(&plots->texts, head.len_bytes + tail.len_bytes + 1);
    if (head.len_bytes > 0)
        memcpy(room, head.bytes, head.len_bytes);
    if (tail.len_bytes > 0)
        memcpy(room + head.len_bytes, tail.bytes, tail.len_bytes);
    return (struct figure_text){(const char *)room, head.len_bytes + tail.len_bytes};
}

struct figure_text plots_counted(struct plots *plots, struct figure_text label, size_t count)
{
    if (label.len_bytes == 0)
        return plots_printf(plots, "n = %zu", count);
    return plots_join(plots, label, plots_printf(plots, " (n = %zu)", count));
}

struct plot_axis plots_axis(const struct measure *measure, const struct plots_options *options)
{
    static const enum plot_unit units[] = {[MEASURE_NS] = PLOT_NS,
                                           [MEASURE_BYTES] = PLOT_BYTES,
                                           [MEASURE_COUNT] = PLOT_NUMBER,
                                           [MEASURE_BITS_PER_S] = PLOT_BITS_PER_S,
                                           [MEASURE_SHARE] = PLOT_SHARE};
    return (struct plot_axis){.label = figure_text(measure->label), .unit = units[measure->unit], .log = options->log};
}

struct plot_axis plots_time_axis(const struct model_session *session, const struct plots_options *options)
{
    int64_t from_ns = options->from_ns != MODEL_NONE ? options->from_ns : 0;
    int64_t to_ns = options->to_ns != MODEL_NONE ? options->to_ns : session->last_ns;
    return (struct plot_axis){.label = figure_text("time since the start of the session"),
                              .unit = PLOT_NS,
                              .from = (double)from_ns,
                              .to = (double)(to_ns > from_ns ? to_ns : from_ns + 1)};
}

void plots_note(struct plots *plots, struct figure_text note)
{
    assert(plots->figure.note_count < sizeof plots->notes / sizeof *plots->notes);
    plots->notes[plots->figure.note_count++] = note;
}
