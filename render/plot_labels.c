/* Labels beside lines: read at a glance, where a legend has to be looked up. */
#include <math.h>

#include "render/plot_parts.h"

/* Of letters: on white, a contrast of 4.5 : 1 (WCAG 2, 1.4.3). */
#define LIGHTEST_INK 49.0

static bool within(const struct layout_rect *inner, const struct layout_rect *outer)
{
    return inner->x >= outer->x && inner->y >= outer->y && inner->x + inner->width <= outer->x + outer->width &&
           inner->y + inner->height <= outer->y + outer->height;
}

/* Return whether the line from `a` to `b` touches `rect`: it is cut at the sides of the rectangle, one after the other.
 */
static bool touches(const struct layout_rect *rect, struct layout_point a, struct layout_point b)
{
    double from = 0, to = 1;
    const double delta[] = {b.x - a.x, b.y - a.y}, start[] = {a.x, a.y};
    const double low[] = {rect->x, rect->y}, high[] = {rect->x + rect->width, rect->y + rect->height};
    for (int axis = 0; axis < 2; axis++) {
        if (delta[axis] == 0) {
            if (start[axis] < low[axis] || start[axis] > high[axis])
                return false;
            continue;
        }
        double enter = (low[axis] - start[axis]) / delta[axis], leave = (high[axis] - start[axis]) / delta[axis];
        from = fmax(from, fmin(enter, leave));
        to = fmin(to, fmax(enter, leave));
    }
    return from <= to;
}

static bool is_free(const struct layout_rect *rect, const struct plot_line *lines, size_t line_count,
                    const struct layout_rect *labels, size_t label_count)
{
    for (size_t i = 0; i < label_count; i++) {
        if (layout_rects_overlap(rect, &labels[i], 0))
            return false;
    }
    for (size_t i = 0; i < line_count; i++) {
        for (size_t k = 1; k < lines[i].count; k++) {
            if (touches(rect, lines[i].points[k - 1], lines[i].points[k]))
                return false;
        }
    }
    return true;
}

/* Find a place for the label of line number `index` close to it: right below or left above one of its points, from the
 * middle outwards. */
static bool find_place(struct plot *plot, const struct plot_area *area, const struct plot_line *lines, size_t count,
                       size_t index, const struct layout_rect *labels, struct layout_rect *place)
{
    const struct plot_line *line = &lines[index];
    double width = text_width(plot->layout->meter, TEXT_BODY, line->label), gap = plot->em * 0.35;
    enum { TRIES = 24 };
    for (size_t i = 0; i < TRIES && line->count > 0; i++) {
        size_t step = (i + 1) / 2, half = TRIES / 2;
        size_t at = i % 2 == 0 ? half + step : half - step;
        const struct layout_point *point = &line->points[(line->count - 1) * (at < TRIES ? at : TRIES) / TRIES];
        const struct layout_rect places[] = {
            {point->x + gap, point->y + gap, width, plot->line},
            {point->x - gap - width, point->y - gap - plot->line, width, plot->line},
            {point->x + gap, point->y - gap - plot->line, width, plot->line},
        };
        for (size_t k = 0; k < G_N_ELEMENTS(places); k++) {
            if (within(&places[k], &area->rect) && is_free(&places[k], lines, count, labels, index)) {
                *place = places[k];
                return true;
            }
        }
    }
    return false;
}

/* Return what the label of `line` is written in: its colour, unless that is too light to be read. */
static struct figure_color ink_of(const struct plot_line *line)
{
    return palette_lightness(line->color) <= LIGHTEST_INK ? line->color : INK_TEXT;
}

bool plot_add_line_labels(struct plot *plot, const struct plot_area *area, const struct plot_line *lines, size_t count)
{
    struct layout_rect *labels = g_new0(struct layout_rect, count);
    bool found = true;
    for (size_t i = 0; i < count && found; i++) {
        if (*lines[i].label != '\0')
            found = find_place(plot, area, lines, count, i, labels, &labels[i]);
    }
    for (size_t i = 0; i < count && found; i++) {
        if (*lines[i].label != '\0')
            layout_add_text(plot->layout, plot->page, TEXT_BODY, count > 1 ? ink_of(&lines[i]) : INK_QUIET,
                            lines[i].label, labels[i].x, labels[i].y, LAYOUT_LEFT);
    }
    g_free(labels);
    return found;
}
