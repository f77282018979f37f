/* Panels of stacked bars, one in each row. */
#include <math.h>

#include "render/plot_parts.h"

#define ROW_EMS 1.7
#define BAR_EMS 1.1

/* Return the amount of phase `i`, what was inferred or the rest. */
static double amount(const struct plot_bar *bar, size_t i, bool inferred)
{
    if (!inferred)
        return fmax(bar->parts[i], 0);
    return bar->inferred ? fmax(bar->inferred[i], 0) : 0;
}

static double sum_of(const struct plot_panel *panel, const struct plot_bar *bar)
{
    double sum = 0;
    for (size_t i = 0; i < panel->palette_count; i++)
        sum += amount(bar, i, false) + amount(bar, i, true);
    return sum;
}

void plot_bars_scale(struct plot *plot, struct plot_area *area)
{
    (void)plot;
    double most = (double)NAN;
    for (size_t i = 0; i < area->panel->bar_count; i++)
        most = fmax(most, sum_of(area->panel, &area->panel->bars[i]));
    area->x = plot_scale_choose(&area->panel->x, 0, most, most);
}

double plot_bars_label_width(struct plot *plot, const struct plot_panel *panel)
{
    double width = 0;
    for (size_t i = 0; i < panel->bar_count; i++)
        width = fmax(width, text_width(plot->layout->meter, TEXT_BODY, plot_text(plot, panel->bars[i].label)));
    return width + plot->em * 0.6;
}

static void add_row(struct plot *plot, const struct plot_area *area, const struct plot_bar *bar, double top,
                    double height)
{
    const struct plot_panel *panel = area->panel;
    double x = 0;
    for (size_t i = 0; i < 2 * panel->palette_count; i++) {
        bool inferred = i % 2 == 1;
        double from = plot_x(area, x);
        x += amount(bar, i / 2, inferred);
        struct layout_rect rect = {from, top, plot_x(area, x) - from, height};
        struct figure_color color = palette_color(plot->look->palette, panel->palette[i / 2].color);
        if (rect.width > 0 && inferred)
            layout_add_hatch(plot->page, rect, color);
        else if (rect.width > 0)
            layout_add_rect(plot->page, rect, color);
    }
    if (x > 0) /* an outline, for parts that are nearly as light as paper */
        layout_add_line(plot->page, LAYOUT_LINE, (struct layout_point){area->rect.x, top + height},
                        (struct layout_point){plot_x(area, x), top + height}, PLOT_HAIRLINE, INK_LIFE);
}

static void add_keys(struct plot *plot, const struct plot_panel *panel)
{
    struct plot_key *keys = g_new0(struct plot_key, panel->palette_count + 1);
    size_t count = 0;
    bool hatched = false;
    for (size_t i = 0; i < panel->palette_count; i++) {
        bool occurs = false;
        for (size_t k = 0; k < panel->bar_count; k++) {
            bool inferred = amount(&panel->bars[k], i, true) > 0;
            occurs |= inferred || amount(&panel->bars[k], i, false) > 0;
            hatched |= inferred;
        }
        if (occurs)
            keys[count++] = (struct plot_key){.label = plot_text(plot, panel->palette[i].label),
                                              .color = palette_color(plot->look->palette, panel->palette[i].color),
                                              .box = true};
    }
    if (hatched)
        keys[count++] = (struct plot_key){
            .label = plot_text(plot, panel->inferred_label), .color = INK_QUIET, .box = true, .hatched = true};
    plot_add_legend(plot, keys, count);
    g_free(keys);
}

void plot_bars_add(struct plot *plot, struct plot_area *area)
{
    const struct plot_panel *panel = area->panel;
    double above = plot->rows_above ? plot->line : 0;
    double natural =
        panel->height_px > 0 && panel->bar_count > 0 ? panel->height_px / (double)panel->bar_count : ROW_EMS * plot->em;
    double row = natural * plot->stretch;
    if (panel->height_px <= 0 && !plot->rows_above) /* each bar keeps its name */
        row = fmax(row, plot->line);
    double bar = row * BAR_EMS / ROW_EMS;
    plot->areas += natural * (double)panel->bar_count;
    area->rect = (struct layout_rect){plot->area_left, plot->y, plot->right - plot->area_left,
                                      (row + above) * (double)panel->bar_count};
    plot_add_x_grid(plot, area);
    for (size_t i = 0; i < panel->bar_count; i++) {
        double top = area->rect.y + (row + above) * (double)i;
        double room = plot->rows_above ? plot->right - plot->left : area->rect.x - plot->left - plot->em * 0.5;
        const char *label =
            text_fit(plot->layout->meter, TEXT_BODY, plot_text(plot, panel->bars[i].label), room, TEXT_CUT_MIDDLE);
        if (plot->rows_above)
            layout_add_text(plot->layout, plot->page, TEXT_BODY, INK_TEXT, label, plot->left, top, LAYOUT_LEFT);
        else if (row >= plot->line)
            layout_add_text(plot->layout, plot->page, TEXT_BODY, INK_TEXT, label, area->rect.x - plot->em * 0.5,
                            top + (row - plot->line) / 2, LAYOUT_RIGHT);
        add_row(plot, area, &panel->bars[i], top + above + (row - bar) / 2, bar);
    }
    plot->y = area->rect.y + area->rect.height;
    plot_add_x_labels(plot, area);
    add_keys(plot, panel);
}
