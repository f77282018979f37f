/* The labels of failures, where they hide nothing. */
#include <math.h>

#include "render/timeline_parts.h"

#define FAILURE_MIN_WIDTH 60.0 /* a label is not cut shorter than this */

/* Return how far right `box`, in the row of `plan`, may reach before it covers something of the lane `other`. */
static double free_until(const struct timeline *timeline, const struct timeline_lane *plan,
                         const struct timeline_lane *other, const struct layout_rect *box)
{
    double limit = HUGE_VAL;
    size_t from = other->obstacles_from + (other == plan ? 1 : 0); /* its own life line may be covered */
    for (size_t i = from; i < other->obstacles_to; i++) {
        const struct layout_rect *rect = &g_array_index(timeline->obstacles, struct layout_rect, i);
        bool in_row = rect->y < box->y + box->height && rect->y + rect->height > box->y;
        if (in_row && rect->width > 0 && rect->x + rect->width > box->x)
            limit = fmin(limit, rect->x);
    }
    return limit;
}

/* Return how wide `box`, which begins right of a cross of the lane at `index`, may be without hiding anything. */
static double failure_room(const struct timeline *timeline, size_t index, const struct layout_rect *box)
{
    const struct timeline_segment *first = &g_array_index(timeline->segments, struct timeline_segment, 0);
    const struct timeline_segment *last =
        &g_array_index(timeline->segments, struct timeline_segment, timeline->segments->len - 1);
    const struct timeline_lane *plan = timeline_lane_at(timeline, index);
    double limit = free_until(timeline, plan, plan, box);
    for (size_t i = index; i > first->first; i--) {
        const struct timeline_lane *other = timeline_lane_at(timeline, i - 1);
        if (other->y + other->height <= box->y)
            break;
        limit = fmin(limit, free_until(timeline, plan, other, box));
    }
    for (size_t i = index + 1; i < last->first + last->count; i++) {
        const struct timeline_lane *other = timeline_lane_at(timeline, i);
        if (other->y >= box->y + box->height)
            break;
        limit = fmin(limit, free_until(timeline, plan, other, box));
    }
    for (guint i = timeline->labels->len; i > 0; i--) {
        const struct layout_rect *label = &g_array_index(timeline->labels, struct layout_rect, i - 1);
        if (label->y + label->height <= box->y - 20)
            break;
        if (label->y + label->height > box->y && label->x + label->width > box->x)
            limit = fmin(limit, label->x);
    }
    return fmin(limit - 2, timeline->axis.x1 + 2) - box->x;
}

/* Return where the lane of `plan` begins in the picture. */
static double lane_left(const struct timeline *timeline, const struct timeline_lane *plan)
{
    double left = timeline->axis.x1;
    for (size_t i = plan->obstacles_from; i < plan->obstacles_to; i++) {
        const struct layout_rect *rect = &g_array_index(timeline->obstacles, struct layout_rect, i);
        if (rect->width > 0)
            left = fmin(left, rect->x);
    }
    return left;
}

/*
 * Find the place of a failure's label, *label, where it hides nothing: right of the cross; or else left of the whole
 * lane; or else right of the cross, cut short. Return a box without width if there is none.
 */
static struct layout_rect place_failure_label(struct timeline *timeline, size_t index,
                                              const struct figure_failure *failure, const char **label)
{
    const struct timeline_lane *plan = timeline_lane_at(timeline, index);
    struct text_meter *meter = timeline->layout->meter;
    double x = bars_x(&timeline->axis, failure->t_ns) + TIMELINE_SIGN_RADIUS + 3;
    double top = timeline_lane_middle(plan) - text_height(meter, TEXT_SMALL) / 2;
    struct layout_rect box = layout_text_rect(timeline->layout, TEXT_SMALL, *label, x, top, LAYOUT_LEFT);
    double room = failure_room(timeline, index, &box);
    if (box.width <= room)
        return box;
    struct layout_rect left = box;
    left.x = lane_left(timeline, plan) - 4 - box.width;
    if (left.x > timeline->axis.x0 + 2 && failure_room(timeline, index, &left) >= left.width)
        return left;
    *label = room < FAILURE_MIN_WIDTH ? "" : text_fit(meter, TEXT_SMALL, *label, room, TEXT_CUT_MIDDLE);
    return layout_text_rect(timeline->layout, TEXT_SMALL, *label, x, top, LAYOUT_LEFT);
}

void timeline_add_failure_labels(struct timeline *timeline, size_t index, struct figure_color background)
{
    const struct timeline_lane *plan = timeline_lane_at(timeline, index);
    for (size_t i = 0; i < plan->lane->failure_count; i++) {
        const struct figure_failure *failure = &plan->lane->failures[i];
        if (!timeline_is_on_axis(timeline, failure->t_ns))
            continue;
        const char *label = timeline_text(timeline, failure->label);
        struct layout_rect box = place_failure_label(timeline, index, failure, &label);
        if (*label == '\0')
            continue;
        layout_add_rect(timeline->page, box, background);
        layout_add_text(timeline->layout, timeline->page, TEXT_SMALL, INK_FAILURE, label, box.x, box.y, LAYOUT_LEFT);
        g_array_append_val(timeline->labels, box);
        timeline_add_lane_hit(timeline, plan, box, timeline_failure_tooltip(failure), failure->link);
    }
}
