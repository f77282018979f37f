/* What stands around the plotting areas: axes, legends, marks, paragraphs. */
#include <math.h>

#include "render/plot_parts.h"

double plot_x(const struct plot_area *area, double value)
{
    return area->rect.x + plot_scale_share(&area->x, value) * area->rect.width;
}

double plot_y(const struct plot_area *area, double value)
{
    return area->rect.y + (1 - plot_scale_share(&area->y, value)) * area->rect.height;
}

const char *plot_text(struct plot *plot, struct figure_text text)
{
    return text_safe(plot->layout->meter, text, false);
}

void plot_add_paragraph(struct plot *plot, enum text_style style, struct figure_color color, const char *text, double x,
                        double width, size_t max_lines)
{
    enum { MOST = 8 };
    const char *lines[MOST];
    struct text_meter *meter = plot->layout->meter;
    size_t count = text_wrap(meter, style, text, width, lines, max_lines < MOST ? max_lines : MOST);
    for (size_t i = 0; i < count; i++) {
        layout_add_text(plot->layout, plot->page, style, color, lines[i], x, plot->y, LAYOUT_LEFT);
        plot->y += text_height(meter, style);
    }
}

/* ---------------------------------------------------------------- axes */

const char *plot_axis_label(struct plot *plot, const struct plot_axis *axis, const struct plot_scale *scale)
{
    const char *label = plot_text(plot, axis->label);
    if (*scale->unit_name == '\0')
        return label;
    return text_format(plot->layout->meter, *label != '\0' ? "%s (%s)" : "%s%s", label, scale->unit_name);
}

/* The ticks of an x axis, with their labels and where these go. */
struct x_ticks {
    double values[PLOT_MAX_TICKS];
    const char *labels[PLOT_MAX_TICKS];
    double left[PLOT_MAX_TICKS], width[PLOT_MAX_TICKS];
    size_t count;
};

static void place_labels(struct plot *plot, const struct plot_area *area, struct x_ticks *ticks)
{
    double step = ticks->count > 1 ? ticks->values[1] - ticks->values[0] : 0;
    for (size_t i = 0; i < ticks->count; i++) {
        char label[PLOT_LABEL_SIZE];
        plot_scale_label(&area->x, ticks->values[i], step, label);
        ticks->labels[i] = text_keep(plot->layout->meter, label);
        ticks->width[i] = text_width(plot->layout->meter, TEXT_BODY, label);
        double left = plot_x(area, ticks->values[i]) - ticks->width[i] / 2;
        ticks->left[i] = fmax(fmin(left, plot->right - ticks->width[i]), plot->left);
    }
}

/* Choose as many ticks as have room for their labels. */
static void choose_ticks(struct plot *plot, const struct plot_area *area, struct x_ticks *ticks)
{
    for (size_t most = 9; most >= 2; most--) {
        bool fits = true;
        ticks->count = plot_scale_ticks(&area->x, most, ticks->values);
        place_labels(plot, area, ticks);
        for (size_t i = 1; i < ticks->count; i++)
            fits = fits && ticks->left[i] >= ticks->left[i - 1] + ticks->width[i - 1] + plot->em * 0.8;
        if (fits)
            return;
    }
    ticks->count = ticks->count > 0 ? 1 : 0;
}

void plot_add_x_grid(struct plot *plot, const struct plot_area *area)
{
    const struct layout_rect *rect = &area->rect;
    double bottom = rect->y + rect->height;
    struct x_ticks ticks;
    choose_ticks(plot, area, &ticks);
    for (size_t i = 0; i < ticks.count; i++) {
        double x = plot_x(area, ticks.values[i]);
        layout_add_line(plot->page, LAYOUT_LINE, (struct layout_point){x, rect->y},
                        (struct layout_point){x, bottom + plot->em * 0.3}, PLOT_HAIRLINE, INK_LINE);
    }
    layout_add_line(plot->page, LAYOUT_LINE, (struct layout_point){rect->x, bottom},
                    (struct layout_point){rect->x + rect->width, bottom}, PLOT_HAIRLINE, INK_QUIET);
}

void plot_add_x_labels(struct plot *plot, const struct plot_area *area)
{
    struct x_ticks ticks;
    choose_ticks(plot, area, &ticks);
    plot->y += plot->line / 2 + plot->em * 0.1; /* below the label of the y axis's lower end */
    for (size_t i = 0; i < ticks.count; i++)
        layout_add_text(plot->layout, plot->page, TEXT_BODY, INK_QUIET, ticks.labels[i], ticks.left[i], plot->y,
                        LAYOUT_LEFT);
    plot->y += plot->line;
    const char *label = plot_axis_label(plot, &area->panel->x, &area->x);
    if (*label == '\0')
        return;
    struct text_meter *meter = plot->layout->meter;
    label = text_fit(meter, TEXT_BODY, label, plot->right - plot->left, TEXT_CUT_END);
    double width = text_width(meter, TEXT_BODY, label);
    double left = area->rect.x + (area->rect.width - width) / 2;
    layout_add_text(plot->layout, plot->page, TEXT_BODY, INK_TEXT, label,
                    fmax(fmin(left, plot->right - width), plot->left), plot->y, LAYOUT_LEFT);
    plot->y += plot->line;
}

/* ---------------------------------------------------------------- marks */

static bool mark_shows(const struct plot_area *area, const struct plot_mark *mark)
{
    return mark->x >= area->x.from && mark->x <= area->x.to;
}

void plot_add_mark_labels(struct plot *plot, const struct plot_area *area)
{
    const struct plot_panel *panel = area->panel;
    double end = (double)-INFINITY;
    bool any = false;
    struct plot_area there = *area;
    there.rect = (struct layout_rect){plot->area_left, 0, plot->right - plot->area_left, 0};
    for (size_t i = 0; i < panel->mark_count; i++) {
        const char *label = plot_text(plot, panel->marks[i].label);
        if (!mark_shows(&there, &panel->marks[i]) || *label == '\0')
            continue;
        label = text_fit(plot->layout->meter, TEXT_BODY, label, there.rect.width, TEXT_CUT_END);
        double width = text_width(plot->layout->meter, TEXT_BODY, label);
        double left = fmax(fmin(plot_x(&there, panel->marks[i].x) - width / 2, plot->right - width), plot->left);
        if (left < end + plot->em * 0.6) /* no room */
            continue;
        layout_add_text(plot->layout, plot->page, TEXT_BODY, INK_MARK, label, left, plot->y, LAYOUT_LEFT);
        end = left + width;
        any = true;
    }
    if (any)
        plot->y += plot->line;
}

void plot_add_marks(struct plot *plot, const struct plot_area *area)
{
    const struct plot_panel *panel = area->panel;
    for (size_t i = 0; i < panel->mark_count; i++) {
        double x = plot_x(area, panel->marks[i].x);
        if (mark_shows(area, &panel->marks[i]))
            layout_add_line(plot->page, LAYOUT_DOTTED, (struct layout_point){x, area->rect.y},
                            (struct layout_point){x, area->rect.y + area->rect.height}, PLOT_HAIRLINE * 1.5, INK_MARK);
    }
}

/* ---------------------------------------------------------------- legend */

static void add_key_sign(struct plot *plot, const struct plot_key *key, double x)
{
    double middle = plot->y + plot->line / 2, length = plot->em * (key->box ? 0.8 : 2);
    if (key->box) {
        struct layout_rect box = {x, middle - plot->em * 0.4, length, plot->em * 0.8};
        if (key->hatched)
            layout_add_hatch(plot->page, box, key->color);
        else
            layout_add_rect(plot->page, box, key->color);
        return;
    }
    const struct layout_point ends[] = {{x, middle}, {x + length, middle}};
    layout_add_path(plot->page, ends, 2, PLOT_STROKE, key->dash, key->dash_count, key->color);
}

void plot_add_legend(struct plot *plot, const struct plot_key *keys, size_t count)
{
    struct text_meter *meter = plot->layout->meter;
    double x = plot->left;
    bool any = false;
    plot->y += plot->em * 0.3;
    for (size_t i = 0; i < count; i++) {
        double sign = plot->em * (keys[i].box ? 1.2 : 2.4);
        const char *label = text_fit(meter, TEXT_BODY, keys[i].label, plot->right - plot->left - sign, TEXT_CUT_MIDDLE);
        double width = sign + text_width(meter, TEXT_BODY, label);
        if (*label == '\0')
            continue;
        if (any && x + width > plot->right) {
            x = plot->left;
            plot->y += plot->line;
        }
        add_key_sign(plot, &keys[i], x);
        layout_add_text(plot->layout, plot->page, TEXT_BODY, INK_TEXT, label, x + sign, plot->y, LAYOUT_LEFT);
        x += width + plot->em * 1.2;
        any = true;
    }
    if (any)
        plot->y += plot->line;
}
