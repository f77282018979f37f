/* Panels of lines: functions with bands, rates over time, numbers over time. */
#include <math.h>

#include "render/plot_parts.h"

/* Usual height of the plotting area, in sizes of the text. */
#define HEIGHT_EMS 15

static void include(double value, double *low, double *high, double *positive)
{
    if (isnan(value))
        return;
    if (!(value >= *low)) /* or none yet */
        *low = value;
    if (!(value <= *high))
        *high = value;
    if (value > 0 && !(value >= *positive))
        *positive = value;
}

void plot_lines_scale(struct plot *plot, struct plot_area *area)
{
    (void)plot;
    const struct plot_panel *panel = area->panel;
    double low[2] = {(double)NAN, (double)NAN}, high[2] = {(double)NAN, (double)NAN},
           positive[2] = {(double)NAN, (double)NAN};
    for (size_t s = 0; s < panel->series_count; s++) {
        const struct plot_series *series = &panel->series[s];
        for (size_t i = 0; i < series->count; i++) {
            include(series->x[i], &low[0], &high[0], &positive[0]);
            include(series->y[i], &low[1], &high[1], &positive[1]);
            if (series->low)
                include(series->low[i], &low[1], &high[1], &positive[1]);
            if (series->high)
                include(series->high[i], &low[1], &high[1], &positive[1]);
        }
    }
    if (!panel->y.log)
        include(0, &low[1], &high[1], &positive[1]);
    area->x = plot_scale_choose(&panel->x, low[0], high[0], positive[0]);
    area->y = plot_scale_choose(&panel->y, low[1], high[1], positive[1]);
    plot_scale_round(&area->y, &panel->y, 4);
}

/* Store the ticks of the y axis; return their number. */
static size_t y_ticks(const struct plot_area *area, double *ticks)
{
    return plot_scale_ticks(&area->y, area->panel->y.unit == PLOT_SHARE ? 5 : 6, ticks);
}

double plot_lines_label_width(struct plot *plot, const struct plot_panel *panel)
{
    struct plot_area area = {.panel = panel};
    double ticks[PLOT_MAX_TICKS], width = 0;
    char label[PLOT_LABEL_SIZE];
    plot_lines_scale(plot, &area);
    size_t count = y_ticks(&area, ticks);
    for (size_t i = 0; i < count; i++) {
        plot_scale_label(&area.y, ticks[i], count > 1 ? ticks[1] - ticks[0] : 0, label);
        width = fmax(width, text_width(plot->layout->meter, TEXT_BODY, label));
    }
    return width + plot->em * 0.5;
}

/* Add the horizontal lines of the grid with their labels. */
static void add_y_grid(struct plot *plot, const struct plot_area *area)
{
    double ticks[PLOT_MAX_TICKS], previous = (double)INFINITY;
    char label[PLOT_LABEL_SIZE];
    size_t count = y_ticks(area, ticks);
    for (size_t i = 0; i < count; i++) {
        double y = plot_y(area, ticks[i]);
        plot_scale_label(&area->y, ticks[i], count > 1 ? ticks[1] - ticks[0] : 0, label);
        layout_add_line(plot->page, LAYOUT_LINE, (struct layout_point){area->rect.x, y},
                        (struct layout_point){area->rect.x + area->rect.width, y}, PLOT_HAIRLINE, INK_LINE);
        if (y > previous - plot->line * 0.98) /* no room for its label */
            continue;
        previous = y;
        layout_add_text(plot->layout, plot->page, TEXT_BODY, INK_QUIET, text_keep(plot->layout->meter, label),
                        area->rect.x - plot->em * 0.5, y - plot->line / 2, LAYOUT_RIGHT);
    }
}

static struct figure_color color_of(const struct plot *plot, const struct plot_series *series)
{
    return palette_series(plot->look->palette, series->style).color;
}

/* Return the end of the stretch without gaps that begins at `from`. */
static size_t stretch_end(const struct plot_series *series, size_t from)
{
    while (from < series->count && !isnan(series->y[from]))
        from++;
    return from;
}

static void add_band(struct plot *plot, const struct plot_area *area, const struct plot_series *series, size_t from,
                     size_t to)
{
    GArray *low = g_array_new(FALSE, FALSE, sizeof(struct layout_point));
    GArray *outline = g_array_new(FALSE, FALSE, sizeof(struct layout_point));
    plot_path(area, series, series->high, from, to, outline);
    plot_path(area, series, series->low, from, to, low);
    for (guint i = low->len; i > 0; i--)
        g_array_append_val(outline, g_array_index(low, struct layout_point, i - 1));
    if (outline->len >= 3)
        layout_add_shade(plot->page, &g_array_index(outline, struct layout_point, 0), outline->len,
                         color_of(plot, series));
    g_array_free(low, TRUE);
    g_array_free(outline, TRUE);
}

static void add_area(struct plot *plot, const struct plot_area *area, const struct plot_series *series,
                     const GArray *points)
{
    const struct layout_point *first = &g_array_index(points, struct layout_point, 0);
    double right = g_array_index(points, struct layout_point, points->len - 1).x;
    struct layout_rect rect = {first->x, area->rect.y, right - first->x, area->rect.height};
    layout_add_area(plot->page, rect, first, points->len, color_of(plot, series));
}

/* Add one series; append the points of its line to `line`. */
static void add_series(struct plot *plot, const struct plot_area *area, const struct plot_series *series, GArray *line)
{
    struct palette_series look = palette_series(plot->look->palette, series->style);
    for (size_t from = 0, to; from < series->count; from = to + 1) {
        to = stretch_end(series, from);
        if (to == from)
            continue;
        GArray *points = g_array_new(FALSE, FALSE, sizeof(struct layout_point));
        plot_path(area, series, series->y, from, to, points);
        if (points->len >= 2 && series->area)
            add_area(plot, area, series, points);
        else if (points->len >= 2)
            layout_add_path(plot->page, &g_array_index(points, struct layout_point, 0), points->len, PLOT_STROKE,
                            look.dash, look.dash_count, look.color);
        g_array_append_vals(line, points->data, points->len);
        g_array_free(points, TRUE);
    }
}

/* Add the legend below the area, at plot->y. */
static void add_keys(struct plot *plot, const struct plot_panel *panel)
{
    struct plot_key *keys = g_new0(struct plot_key, panel->series_count);
    for (size_t i = 0; i < panel->series_count; i++) {
        struct palette_series look = palette_series(plot->look->palette, panel->series[i].style);
        keys[i] = (struct plot_key){.label = plot_text(plot, panel->series[i].label),
                                    .color = look.color,
                                    .dash = look.dash,
                                    .dash_count = look.dash_count};
    }
    plot_add_legend(plot, keys, panel->series_count);
    g_free(keys);
}

/* Add what lies within the area: bands below lines. Return whether all lines got their labels beside them. */
static bool add_content(struct plot *plot, const struct plot_area *area)
{
    const struct plot_panel *panel = area->panel;
    GArray **points = g_new0(GArray *, panel->series_count);
    struct plot_line *lines = g_new0(struct plot_line, panel->series_count);
    for (size_t i = 0; i < panel->series_count; i++) {
        const struct plot_series *series = &panel->series[i];
        for (size_t from = 0, to; series->low && series->high && from < series->count; from = to + 1) {
            to = stretch_end(series, from);
            if (to > from)
                add_band(plot, area, series, from, to);
        }
    }
    for (size_t i = 0; i < panel->series_count; i++) {
        points[i] = g_array_new(FALSE, FALSE, sizeof(struct layout_point));
        add_series(plot, area, &panel->series[i], points[i]);
        lines[i] = (struct plot_line){.label = plot_text(plot, panel->series[i].label),
                                      .color = color_of(plot, &panel->series[i]),
                                      .points = (const struct layout_point *)(const void *)points[i]->data,
                                      .count = points[i]->len};
    }
    bool labelled = !plot->keyed && plot_add_line_labels(plot, area, lines, panel->series_count);
    for (size_t i = 0; i < panel->series_count; i++)
        g_array_free(points[i], TRUE);
    g_free(points);
    g_free(lines);
    return labelled;
}

void plot_lines_add(struct plot *plot, struct plot_area *area)
{
    const struct plot_panel *panel = area->panel;
    double height = (panel->height_px > 0 ? panel->height_px : HEIGHT_EMS * plot->em);
    plot->areas += height;
    const char *label = plot_axis_label(plot, &panel->y, &area->y);
    if (*label != '\0')
        plot_add_paragraph(plot, TEXT_BODY, INK_QUIET, label, plot->left, plot->right - plot->left, 1);
    plot_add_mark_labels(plot, area);
    plot->y += plot->line / 2 + plot->em * 0.1; /* the label of the y axis's upper end */
    area->rect = (struct layout_rect){plot->area_left, plot->y, plot->right - plot->area_left, height * plot->stretch};
    plot_add_x_grid(plot, area);
    add_y_grid(plot, area);
    bool labelled = add_content(plot, area);
    plot_add_marks(plot, area);
    plot->y = area->rect.y + area->rect.height;
    plot_add_x_labels(plot, area);
    if (!labelled)
        add_keys(plot, panel);
}
