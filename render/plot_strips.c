/* Panels of distribution strips: in each row all values as dots, their quartiles, and the median with its interval. */
#include <math.h>

#include "render/plot_parts.h"

#define ROW_EMS 2.4
#define DOT_EMS 0.13 /* radius */
/* Dots of one column: more than these hide each other. */
#define COLUMN_DOTS 10

void plot_strips_scale(struct plot *plot, struct plot_area *area)
{
    (void)plot;
    double low = (double)NAN, high = (double)NAN, positive = (double)NAN;
    for (size_t i = 0; i < area->panel->strip_count; i++) {
        const struct plot_strip *strip = &area->panel->strips[i];
        for (size_t k = 0; k < strip->count; k++) {
            low = fmin(low, strip->values[k]);
            high = fmax(high, strip->values[k]);
            if (strip->values[k] > 0)
                positive = fmin(positive, strip->values[k]);
        }
    }
    area->x = plot_scale_choose(&area->panel->x, low, high, positive);
    plot_scale_round(&area->x, &area->panel->x, 6);
}

double plot_strips_label_width(struct plot *plot, const struct plot_panel *panel)
{
    double width = 0;
    for (size_t i = 0; i < panel->strip_count; i++)
        width = fmax(width, text_width(plot->layout->meter, TEXT_BODY, plot_text(plot, panel->strips[i].label)));
    return width + plot->em * 0.6;
}

/* Add the values, each a bit higher or lower than the one before, so that close ones do not hide each other. */
static void add_dots(struct plot *plot, const struct plot_area *area, const struct plot_strip *strip, double middle,
                     double height, struct figure_color color)
{
    double radius = DOT_EMS * plot->em, column = -1;
    size_t in_column = 0;
    for (size_t i = 0; i < strip->count; i++) {
        double value = strip->values[i];
        if (value < area->x.from || value > area->x.to)
            continue;
        double x = plot_x(area, value), place = fmod((double)i * 0.6180339887498949, 1);
        if (floor(x) != column) {
            column = floor(x);
            in_column = 0;
        }
        if (++in_column <= COLUMN_DOTS)
            layout_add_sign(plot->page, LAYOUT_DOT, (struct layout_point){x, middle + (place - 0.5) * height}, radius,
                            color);
    }
}

static void add_summary(struct plot *plot, const struct plot_area *area, const struct plot_strip *strip, double middle,
                        double height)
{
    if (!isnan(strip->low) && !isnan(strip->high))
        layout_add_line(plot->page, LAYOUT_LINE, (struct layout_point){plot_x(area, strip->low), middle},
                        (struct layout_point){plot_x(area, strip->high), middle}, PLOT_STROKE * 1.4, INK_TEXT);
    if (!isnan(strip->median)) {
        double x = plot_x(area, strip->median);
        layout_add_line(plot->page, LAYOUT_LINE, (struct layout_point){x, middle - height / 2},
                        (struct layout_point){x, middle + height / 2}, PLOT_STROKE, INK_TEXT);
    }
}

static void add_quartiles(struct plot *plot, const struct plot_area *area, const struct plot_strip *strip,
                          double middle, double height, struct figure_color color)
{
    if (isnan(strip->q1) || isnan(strip->q3))
        return;
    double left = plot_x(area, strip->q1), right = plot_x(area, strip->q3);
    const struct layout_point corners[] = {{left, middle - height / 2},
                                           {right, middle - height / 2},
                                           {right, middle + height / 2},
                                           {left, middle + height / 2}};
    if (right > left)
        layout_add_shade(plot->page, corners, 4, color);
}

static void add_label(struct plot *plot, const struct plot_area *area, const struct plot_strip *strip, double top,
                      double row)
{
    double room = plot->rows_above ? plot->right - plot->left : area->rect.x - plot->left - plot->em * 0.5;
    const char *label = text_fit(plot->layout->meter, TEXT_BODY, plot_text(plot, strip->label), room, TEXT_CUT_MIDDLE);
    if (plot->rows_above)
        layout_add_text(plot->layout, plot->page, TEXT_BODY, INK_TEXT, label, plot->left, top, LAYOUT_LEFT);
    else if (row >= plot->line)
        layout_add_text(plot->layout, plot->page, TEXT_BODY, INK_TEXT, label, area->rect.x - plot->em * 0.5,
                        top + (row - plot->line) / 2, LAYOUT_RIGHT);
}

void plot_strips_add(struct plot *plot, struct plot_area *area)
{
    const struct plot_panel *panel = area->panel;
    double above = plot->rows_above ? plot->line : 0;
    double natural = panel->height_px > 0 && panel->strip_count > 0 ? panel->height_px / (double)panel->strip_count
                                                                    : ROW_EMS * plot->em;
    double row = natural * plot->stretch;
    plot->areas += natural * (double)panel->strip_count;
    plot_add_mark_labels(plot, area);
    double radius = DOT_EMS * plot->em; /* dots at the ends of the axis reach beyond it */
    area->rect = (struct layout_rect){plot->area_left + radius, plot->y, plot->right - plot->area_left - 2 * radius,
                                      (row + above) * (double)panel->strip_count};
    plot_add_x_grid(plot, area);
    for (size_t i = 0; i < panel->strip_count; i++) {
        const struct plot_strip *strip = &panel->strips[i];
        struct figure_color color = palette_series(plot->look->palette, strip->style).color;
        double top = area->rect.y + (row + above) * (double)i, middle = top + above + row / 2;
        add_label(plot, area, strip, top, row);
        add_quartiles(plot, area, strip, middle, row * 0.72, color);
        add_dots(plot, area, strip, middle, row * 0.5, color);
        add_summary(plot, area, strip, middle, row * 0.72);
    }
    plot_add_marks(plot, area);
    plot->y = area->rect.y + area->rect.height;
    plot_add_x_labels(plot, area);
}
