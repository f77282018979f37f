/* One lane of a timeline: its life line, bars, dots, crosses and end. */
#include <math.h>

#include "render/timeline_parts.h"

#define FAILURE_DISTANCE 3.0 /* two crosses that are closer count as crowded */
#define DOT_DISTANCE     2.0 /* two dots that are closer count as crowded */
#define DOT_MIN_RADIUS   1.0
/* Between the bars of two lanes of one connection. */
#define CONTINUED_GAP 3.0

/* Return the height of a bar on one of several tracks. */
static double track_bar(const struct timeline *timeline)
{
    return fmax(2, round(timeline->density.bar * 0.6));
}

void timeline_measure_lane(const struct timeline *timeline, struct timeline_lane *plan, bool continued)
{
    const struct timeline_density *density = &timeline->density;
    bool alone = !plan->continues && !continued;
    double row = alone ? density->row : fmin(density->row, density->bar + CONTINUED_GAP);
    double tracks = plan->tracks == 1 ? density->bar : (double)plan->tracks * (track_bar(timeline) + 1) - 1;
    double outer = alone ? 0 : fmax((density->row - row) / 2, CONTINUED_GAP / 2);
    plan->above = plan->continues ? 0 : outer;
    plan->below = continued ? 0 : outer;
    plan->height = plan->above + fmax(row, tracks + row - density->bar) + plan->below;
}

double timeline_lane_middle(const struct timeline_lane *plan)
{
    return plan->y + (plan->above + plan->height - plan->below) / 2;
}

/* Return the upper edge of the bars on `track` and set *height to theirs. */
static double track_top(const struct timeline *timeline, const struct timeline_lane *plan, size_t track, double *height)
{
    *height = plan->tracks == 1 ? timeline->density.bar : track_bar(timeline);
    double all = (double)plan->tracks * (*height + 1) - 1;
    return timeline_lane_middle(plan) - all / 2 + (double)track * (*height + 1);
}

static void add_obstacle(struct timeline *timeline, struct layout_rect rect)
{
    g_array_append_val(timeline->obstacles, rect);
}

/* Return the radius of signs, smaller in low rows. */
static double sign_radius(const struct timeline *timeline, double greatest)
{
    return fmin(greatest, timeline->density.row / 2 - 0.5);
}

/* Add the life line of a lane, unless it continues another. It is the first of the lane's obstacles. */
static void add_life_line(struct timeline *timeline, const struct timeline_lane *plan)
{
    const struct figure_lane *lane = plan->lane;
    int64_t to_ns = MAX(lane->from_ns, lane->to_ns);
    double y = timeline_lane_middle(plan);
    double x0 = bars_x(&timeline->axis, lane->from_ns);
    double x1 = bars_x(&timeline->axis, to_ns);
    bool is_visible =
        !plan->continues && to_ns >= timeline->axis.from_ns && lane->from_ns <= timeline->axis.to_ns && x1 > x0;
    add_obstacle(timeline, (struct layout_rect){x0, y - 0.5, is_visible ? x1 - x0 : 0, 1});
    if (is_visible)
        layout_add_line(timeline->page, LAYOUT_LINE, (struct layout_point){x0, y}, (struct layout_point){x1, y}, 0.75,
                        INK_LIFE);
}

void timeline_add_lane_hit(struct timeline *timeline, const struct timeline_lane *plan, struct layout_rect rect,
                           struct figure_text tooltip, struct figure_text link)
{
    struct figure_text shown = tooltip.len_bytes > 0 ? tooltip : plan->head->tooltip;
    layout_add_hit(timeline->layout, timeline->page, rect, timeline_tooltip(timeline, shown),
                   link.len_bytes > 0 ? link : plan->head->link, NULL);
}

/* Add the hit area of the whole lane, with the anchors that links lead to. */
static void add_whole_lane_hit(struct timeline *timeline, const struct timeline_lane *plan)
{
    double x = timeline->number_right - 50;
    double right = timeline->options->width - timeline->margin / 2;
    struct layout_rect rect = {fmax(x, timeline->margin + timeline->label_width + 4), plan->y, 0, plan->height};
    rect.width = right - rect.x;
    if (timeline->options->embedded) {
        timeline_add_embedded_places(timeline, rect, plan->head->link, plan->y - 4);
        return;
    }
    struct text_meter *meter = timeline->layout->meter;
    const char *target = NULL;
    if (timeline->options->index)
        target = text_format(meter, "index-%zu", plan->number + 1);
    layout_add_hit(timeline->layout, timeline->page, rect, timeline_tooltip(timeline, plan->head->tooltip),
                   plan->head->link, target);
    layout_add_anchor(timeline->layout, timeline->page, text_format(meter, "lane-%zu", plan->number + 1), 0,
                      plan->y - 4);
    const char *name = timeline_link_name(timeline, plan->head->link);
    if (name)
        layout_add_anchor(timeline->layout, timeline->page, name, 0, plan->y - 4);
}

struct layout_rect timeline_bar_rect(const struct timeline *timeline, const struct timeline_lane *plan, size_t index)
{
    const struct bar_place *place = &plan->places[index];
    struct layout_rect rect = {.x = place->x0, .width = place->x1 - place->x0};
    rect.y = track_top(timeline, plan, place->track, &rect.height);
    if (rect.width > 4)
        rect.width -= 0.75; /* parts it from a neighbour of the same colour */
    return rect;
}

/* Add the bars of a lane that are no dots. */
static void add_bars(struct timeline *timeline, const struct timeline_lane *plan)
{
    for (size_t i = 0; i < plan->lane->bar_count; i++) {
        const struct figure_bar *bar = &plan->lane->bars[i];
        const struct bar_place *place = &plan->places[i];
        if (place->shape != BAR_RECT)
            continue;
        struct layout_rect rect = timeline_bar_rect(timeline, plan, i);
        struct layout_rect hit = rect;
        hit.width = place->x1 - place->x0;
        add_obstacle(timeline, hit);
        if (plan->tracks == 1) {
            hit.y = plan->y;
            hit.height = plan->height;
        }
        timeline_add_lane_hit(timeline, plan, hit, bar->tooltip, bar->link);
        struct figure_color color = timeline->figure->palette[bar->phase].color;
        if (bar->inferred)
            layout_add_hatch(timeline->page, rect, color);
        else
            layout_add_rect(timeline->page, rect, color);
    }
}

/* A dot of a lane: a figure_dot, or a bar too short to see. */
struct lane_dot {
    struct layout_point center;
    size_t phase;
    bool inferred;
    struct figure_text tooltip;
    struct figure_text link;
};

static int compare_dots(const void *left, const void *right)
{
    const struct lane_dot *a = left;
    const struct lane_dot *b = right;
    if (a->center.x != b->center.x)
        return a->center.x < b->center.x ? -1 : 1;
    return a->center.y < b->center.y ? -1 : a->center.y > b->center.y;
}

/* Return all dots of a lane from left to right. */
static GArray *collect_dots(const struct timeline *timeline, const struct timeline_lane *plan)
{
    GArray *dots = g_array_new(FALSE, FALSE, sizeof(struct lane_dot));
    for (size_t i = 0; i < plan->lane->bar_count; i++) {
        const struct figure_bar *bar = &plan->lane->bars[i];
        const struct bar_place *place = &plan->places[i];
        if (place->shape != BAR_DOT)
            continue;
        double height;
        double top = track_top(timeline, plan, place->track, &height);
        struct lane_dot dot = {
            {(place->x0 + place->x1) / 2, top + height / 2}, bar->phase, bar->inferred, bar->tooltip, bar->link};
        g_array_append_val(dots, dot);
    }
    for (size_t i = 0; i < plan->lane->dot_count; i++) {
        const struct figure_dot *own = &plan->lane->dots[i];
        struct lane_dot dot = {{bars_x(&timeline->axis, own->t_ns), timeline_lane_middle(plan)},
                               own->phase,
                               false,
                               own->tooltip,
                               own->link};
        if (timeline_is_on_axis(timeline, own->t_ns))
            g_array_append_val(dots, dot);
    }
    g_array_sort(dots, compare_dots);
    return dots;
}

/* Keep of the dots that lie on each other only the first; return how many are taken away. */
static size_t thin_out_dots(GArray *dots)
{
    struct lane_dot *all = (struct lane_dot *)(void *)dots->data;
    guint kept = 0;
    for (guint i = 0; i < dots->len; i++) {
        if (kept == 0 || all[i].center.x - all[kept - 1].center.x >= DOT_DISTANCE)
            all[kept++] = all[i];
    }
    guint removed = dots->len - kept;
    g_array_set_size(dots, kept);
    return removed;
}

/* Add the dots of a lane. Those that are close to each other are smaller, so that what is below them shows. */
static void add_dots(struct timeline *timeline, const struct timeline_lane *plan)
{
    GArray *dots = collect_dots(timeline, plan);
    timeline->crowded += thin_out_dots(dots);
    const struct lane_dot *all = (const struct lane_dot *)(void *)dots->data;
    for (guint i = 0; i < dots->len; i++) {
        double distance = i > 0 ? all[i].center.x - all[i - 1].center.x : HUGE_VAL;
        if (i + 1 < dots->len)
            distance = fmin(distance, all[i + 1].center.x - all[i].center.x);
        double radius = sign_radius(timeline, CLAMP(0.45 * distance, DOT_MIN_RADIUS, 3.5));
        struct layout_point center = all[i].center;
        layout_add_sign(timeline->page, all[i].inferred ? LAYOUT_RING : LAYOUT_DOT, center, radius,
                        timeline->figure->palette[all[i].phase].color);
        struct layout_rect rect = {center.x - radius, center.y - radius, 2 * radius, 2 * radius};
        add_obstacle(timeline, rect);
        timeline_add_lane_hit(timeline, plan, rect, all[i].tooltip, all[i].link);
    }
    g_array_free(dots, TRUE);
}

struct figure_text timeline_failure_tooltip(const struct figure_failure *failure)
{
    return failure->tooltip.len_bytes > 0 ? failure->tooltip : failure->label;
}

/* Add the crosses of a lane. */
static void add_crosses(struct timeline *timeline, const struct timeline_lane *plan)
{
    double radius = sign_radius(timeline, TIMELINE_SIGN_RADIUS - 0.5);
    double last_x = -HUGE_VAL;
    for (size_t i = 0; i < plan->lane->failure_count; i++) {
        const struct figure_failure *failure = &plan->lane->failures[i];
        if (!timeline_is_on_axis(timeline, failure->t_ns))
            continue;
        struct layout_point center = {bars_x(&timeline->axis, failure->t_ns), timeline_lane_middle(plan)};
        if (fabs(center.x - last_x) < FAILURE_DISTANCE) {
            timeline->crowded++;
            continue;
        }
        last_x = center.x;
        layout_add_sign(timeline->page, LAYOUT_CROSS, center, radius, INK_FAILURE);
        struct layout_rect rect = {center.x - radius, center.y - radius, 2 * radius, 2 * radius};
        add_obstacle(timeline, rect);
        timeline_add_lane_hit(timeline, plan, rect, timeline_failure_tooltip(failure), failure->link);
    }
}

/* Add the circle that tells how the lane ended. */
static void add_end(struct timeline *timeline, const struct timeline_lane *plan)
{
    const struct figure_lane *lane = plan->lane;
    if (lane->end == FIGURE_END_NONE)
        return;
    double radius = sign_radius(timeline, TIMELINE_SIGN_RADIUS);
    struct layout_point center = {timeline->axis.x1 + TIMELINE_END_DISTANCE, timeline_lane_middle(plan)};
    layout_add_sign(timeline->page, lane->end == FIGURE_END_OPEN ? LAYOUT_RING : LAYOUT_DOT, center, radius, INK_QUIET);
    struct layout_rect rect = {center.x - 8, plan->y, 16, plan->height};
    struct figure_text fallback =
        lane->end == FIGURE_END_OPEN ? timeline->figure->open_label : timeline->figure->closed_label;
    timeline_add_lane_hit(timeline, plan, rect, lane->end_tooltip.len_bytes > 0 ? lane->end_tooltip : fallback,
                          (struct figure_text){NULL, 0});
}

void timeline_add_lane(struct timeline *timeline, struct timeline_lane *plan)
{
    plan->obstacles_from = timeline->obstacles->len;
    add_whole_lane_hit(timeline, plan);
    add_life_line(timeline, plan);
    add_bars(timeline, plan);
    timeline_add_stalls(timeline, plan);
    add_dots(timeline, plan);
    add_crosses(timeline, plan);
    add_end(timeline, plan);
    plan->obstacles_to = timeline->obstacles->len;
}
