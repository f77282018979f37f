/* The lanes of a timeline: planned, put on pages, and added with what stands beside them. */
#include <math.h>

#include "render/timeline_parts.h"

#define GROUP_MIN_HEIGHT 14.0 /* so that the labels of two groups of one low lane do not meet */
#define BRACKET_DISTANCE 1.5  /* from a bracket to the plot */
#define BRACKET_WIDTH    3.0
#define TALL_PLOT        500.0 /* from this height on the ticks are labelled at the lower end too */
#define PLOT_PADDING     4.0   /* above and below the lanes of a page */

static const struct timeline_density densities[] = {
    {.max_lanes = 60, .row = 19, .bar = 10, .group_gap = 10}, {.max_lanes = 150, .row = 14, .bar = 8, .group_gap = 8},
    {.max_lanes = 400, .row = 10, .bar = 7, .group_gap = 6},  {.max_lanes = 1200, .row = 7, .bar = 5, .group_gap = 5},
    {.max_lanes = 0, .row = 5, .bar = 4, .group_gap = 4},     {.max_lanes = 0, .row = 3, .bar = 2, .group_gap = 4},
};

struct timeline_lane *timeline_lane_at(const struct timeline *timeline, size_t index)
{
    return &g_array_index(timeline->lanes, struct timeline_lane, index);
}

/* Return whether the lane behind the one at `index` continues it. */
static bool is_continued(const struct timeline *timeline, size_t index)
{
    return index + 1 < timeline->lanes->len && timeline_lane_at(timeline, index + 1)->continues;
}

bool timeline_choose_density(struct timeline *timeline, size_t level)
{
    size_t i = 0;
    while (densities[i].max_lanes != 0 && timeline->lanes->len > densities[i].max_lanes)
        i++;
    if (i + level >= G_N_ELEMENTS(densities))
        return false;
    timeline->density = densities[i + level];
    for (size_t k = 0; k < timeline->lanes->len; k++)
        timeline_measure_lane(timeline, timeline_lane_at(timeline, k), is_continued(timeline, k));
    if (timeline->heading > 0) { /* a failure's label is higher than a low lane */
        double label = text_height(timeline->layout->meter, TEXT_SMALL);
        timeline->heading = TIMELINE_HEADING + fmax(0, (label - timeline->density.row) / 2);
    }
    return true;
}

bool timeline_is_on_axis(const struct timeline *timeline, int64_t t_ns)
{
    return t_ns >= timeline->axis.from_ns && t_ns <= timeline->axis.to_ns;
}

/* Note that a dot of `phase` occurs. */
static void note_dot(struct timeline *timeline, size_t phase)
{
    if (!timeline->dot_occurs)
        timeline->dot_phase = phase;
    timeline->dot_occurs = true;
}

/* Note that a bar of `phase` occurs. */
static void note_bar(struct timeline *timeline, size_t phase, bool inferred)
{
    timeline->phase_occurs[phase] = true;
    timeline->inferred_occurs = timeline->inferred_occurs || inferred;
}

/* Note what occurs in `lane`, for the legend. */
static void note_lane(struct timeline *timeline, const struct timeline_lane *plan)
{
    const struct figure_lane *lane = plan->lane;
    for (size_t i = 0; i < lane->bar_count; i++) {
        if (plan->places[i].shape == BAR_RECT || plan->places[i].shape == BAR_DOT)
            note_bar(timeline, lane->bars[i].phase, lane->bars[i].inferred);
        if (plan->places[i].shape == BAR_DOT)
            note_dot(timeline, lane->bars[i].phase);
        else if (plan->places[i].shape == BAR_CROWDED)
            timeline->crowded++;
    }
    for (size_t i = 0; i < lane->dot_count; i++) {
        if (timeline_is_on_axis(timeline, lane->dots[i].t_ns))
            note_dot(timeline, lane->dots[i].phase);
    }
    timeline_note_stalls(timeline, plan);
    for (size_t i = 0; i < lane->failure_count; i++)
        timeline->failure_occurs = timeline->failure_occurs || timeline_is_on_axis(timeline, lane->failures[i].t_ns);
    timeline->end_occurs[lane->end] = true;
}

/* Plan the lanes of the figure's group number `index`. */
static void plan_group(struct timeline *timeline, size_t index)
{
    const struct timeline_figure *figure = timeline->figure;
    const struct figure_group *group = &figure->groups[index];
    const struct figure_lane *head = NULL;
    for (size_t i = 0; i < group->lane_count; i++) {
        const struct figure_lane *lane = &group->lanes[i];
        bool continues = head && lane->continues;
        if (!continues) {
            head = lane;
            timeline->connections++;
        }
        struct timeline_lane plan = {.group = group,
                                     .lane = lane,
                                     .head = head,
                                     .continues = continues,
                                     .number = timeline->connections - 1,
                                     .group_number = index};
        plan.places = g_new(struct bar_place, lane->bar_count + 1);
        plan.tracks = bars_place(&timeline->axis, figure->palette, lane->bars, lane->bar_count, plan.places);
        note_lane(timeline, &plan);
        g_array_append_val(timeline->lanes, plan);
    }
}

void timeline_plan_lanes(struct timeline *timeline)
{
    const struct timeline_figure *figure = timeline->figure;
    for (size_t i = 0; i < figure->group_count; i++)
        plan_group(timeline, i);
    for (size_t i = 0; i < figure->share_count; i++) {
        if (figure->shares[i].amount > 0)
            note_bar(timeline, figure->shares[i].phase, figure->shares[i].inferred);
    }
}

/* Return the height of the lane at `index` with those that continue it. */
static double connection_height(const struct timeline *timeline, size_t index)
{
    double height = timeline_lane_at(timeline, index)->height;
    for (size_t i = index; is_continued(timeline, i); i++)
        height += timeline_lane_at(timeline, i + 1)->height;
    return height;
}

/* Return the height that the lane at `index` needs on the page: with those that continue it, unless they are more than
 * a page holds. */
static double needed_height(struct timeline *timeline, size_t index)
{
    const struct timeline_lane *plan = timeline_lane_at(timeline, index);
    double page = timeline_room(timeline) - timeline_axis_height(timeline) - 2 * PLOT_PADDING - timeline->heading;
    double all = plan->continues ? plan->height : connection_height(timeline, index);
    return all <= page ? all : plan->height;
}

/*
 * Give the lanes from index `first` on their places between timeline->y and `bottom` of the current page, at least one
 * of them, and collect timeline->segments. Return the index of the first lane that has no room; move timeline->y below
 * them.
 */
static size_t fill_page(struct timeline *timeline, size_t first, double bottom)
{
    g_array_set_size(timeline->segments, 0);
    double y = timeline->y;
    size_t i = first;
    while (i < timeline->lanes->len) {
        double top = i == first ? y : y + timeline->density.group_gap;
        struct timeline_segment segment = {.first = i, .top = top, .bottom = top + timeline->heading};
        const struct figure_group *group = timeline_lane_at(timeline, i)->group;
        for (; i < timeline->lanes->len && timeline_lane_at(timeline, i)->group == group; i++) {
            struct timeline_lane *plan = timeline_lane_at(timeline, i);
            plan->y = segment.bottom;
            plan->page = layout_page_count(timeline->layout) - 1;
            double end = fmax(plan->y + needed_height(timeline, i), top + GROUP_MIN_HEIGHT);
            if (end > bottom && i > first)
                break;
            segment.bottom += plan->height;
            segment.count++;
        }
        if (segment.count == 0)
            break;
        segment.bottom = fmax(segment.bottom, top + GROUP_MIN_HEIGHT);
        y = segment.bottom;
        g_array_append_val(timeline->segments, segment);
        if (i < timeline->lanes->len && timeline_lane_at(timeline, i)->group == group)
            break;
    }
    timeline->y = y;
    return i;
}

/* Return whether the connection of `plan`, a lane of `segment`, has a light stripe below it. */
static bool has_stripe(const struct timeline *timeline, const struct timeline_segment *segment,
                       const struct timeline_lane *plan)
{
    return (plan->number - timeline_lane_at(timeline, segment->first)->number) % 2 == 0;
}

/* Add the light stripes: every second connection, or every second group where lanes are low. */
static void add_stripes(struct timeline *timeline, const struct timeline_segment *segment, size_t segment_number)
{
    struct layout_rect stripe = {timeline->margin / 2, segment->top, timeline->options->width - timeline->margin,
                                 segment->bottom - segment->top};
    bool by_group = timeline->density.row < 14;
    if (by_group && segment_number % 2 == 0)
        layout_add_rect(timeline->page, stripe, INK_STRIPE);
    for (size_t i = 0; i < segment->count && !by_group; i++) {
        const struct timeline_lane *plan = timeline_lane_at(timeline, segment->first + i);
        if (!has_stripe(timeline, segment, plan))
            continue;
        stripe.y = plan->y;
        stripe.height = plan->height;
        layout_add_rect(timeline->page, stripe, INK_STRIPE);
    }
}

const char *timeline_link_name(struct timeline *timeline, struct figure_text link)
{
    if (!layout_link_is_local(link) || link.bytes[0] != '#')
        return NULL;
    return text_format(timeline->layout->meter, "%.*s", (int)link.len_bytes - 1, link.bytes + 1);
}

void timeline_add_embedded_places(struct timeline *timeline, struct layout_rect rect, struct figure_text link, double y)
{
    const char *name = timeline_link_name(timeline, link);
    if (!name)
        return;
    const char *anchor = text_format(timeline->layout->meter, "lane-%s", name);
    layout_add_anchor(timeline->layout, timeline->page, anchor, 0, fmax(y, 0));
    layout_add_hit(timeline->layout, timeline->page, rect, NULL, (struct figure_text){NULL, 0}, name);
}

/* Add the label of the segment's group and its hit area; on continued pages it leads to where the group begins. */
static void add_group_label(struct timeline *timeline, const struct timeline_segment *segment)
{
    const struct timeline_lane *plan = timeline_lane_at(timeline, segment->first);
    const struct figure_group *group = plan->group;
    const char *full = timeline_text(timeline, group->label);
    bool above = timeline->heading > 0;
    double room = above ? timeline->axis.x1 - timeline->margin : timeline->label_width;
    const char *label = text_fit(timeline->layout->meter, TEXT_HEADING, full, room, TEXT_CUT_MIDDLE);
    double height = text_height(timeline->layout->meter, TEXT_HEADING);
    double top = segment->top + fmax(0, ((above ? TIMELINE_HEADING : fmin(plan->height, 19)) - height) / 2);
    struct layout_rect box = layout_add_text(timeline->layout, timeline->page, TEXT_HEADING, INK_TEXT, label,
                                             timeline->margin, top, LAYOUT_LEFT);
    const char *tooltip = group->tooltip.len_bytes > 0 ? timeline_tooltip(timeline, group->tooltip) : full;
    box.width = fmax(box.width, 10);
    if (timeline->options->embedded) {
        timeline_add_embedded_places(timeline, box, group->link, segment->top - 4);
        return;
    }
    const char *anchor = text_format(timeline->layout->meter, "group-%zu", plan->group_number + 1);
    bool begins = layout_add_anchor(timeline->layout, timeline->page, anchor, 0, segment->top - 4);
    if (begins)
        layout_add_bookmark(timeline->layout, 0, full, plan->page, segment->top - 4);
    layout_add_hit(timeline->layout, timeline->page, box, tooltip, group->link, begins ? NULL : anchor);
}

/* Return until where the label of the lane number `i` of a segment has room: those of connections come first. */
static double label_bottom(const struct timeline *timeline, const struct timeline_segment *segment, size_t i)
{
    const struct timeline_lane *plan = timeline_lane_at(timeline, segment->first + i);
    if (i + 1 == segment->count || !plan->continues)
        return segment->bottom + 1;
    return timeline_lane_middle(plan + 1) - text_height(timeline->layout->meter, TEXT_SMALL) / 2;
}

/* Add the labels of the segment's lanes, those that have room. A connection that goes on from another page has its own
 * again. */
static void add_lane_labels(struct timeline *timeline, const struct timeline_segment *segment)
{
    double gap = timeline->label_width > 0 ? 8 : 0;
    double room = timeline->number_right - timeline->margin - timeline->label_width - gap;
    double height = text_height(timeline->layout->meter, TEXT_SMALL);
    double free_from = segment->top + timeline->heading - 1;
    for (size_t i = 0; i < segment->count; i++) {
        const struct timeline_lane *plan = timeline_lane_at(timeline, segment->first + i);
        double top = timeline_lane_middle(plan) - height / 2;
        if (i == 0)
            top = fmax(top, free_from);
        const struct figure_lane *lane = i == 0 && plan->lane->label.len_bytes == 0 ? plan->head : plan->lane;
        bool has_room = top >= free_from && top + height <= label_bottom(timeline, segment, i);
        if (lane->label.len_bytes == 0 || !has_room)
            continue;
        const char *label = timeline_text(timeline, lane->label);
        label = text_fit(timeline->layout->meter, TEXT_SMALL, label, room, TEXT_CUT_MIDDLE);
        layout_add_text(timeline->layout, timeline->page, TEXT_SMALL, INK_QUIET, label, timeline->number_right, top,
                        LAYOUT_RIGHT);
        free_from = top + height;
    }
}

/* Return the colour of the stripe under the lane number `i` of a segment. */
static struct figure_color stripe_color(const struct timeline *timeline, size_t segment_number, size_t i)
{
    const struct timeline_segment *segment =
        &g_array_index(timeline->segments, struct timeline_segment, segment_number);
    bool striped = timeline->density.row < 14
                       ? segment_number % 2 == 0
                       : has_stripe(timeline, segment, timeline_lane_at(timeline, segment->first + i));
    return striped ? INK_STRIPE : INK_PAPER;
}

/* Add the brackets at the left of lanes of one connection. */
static void add_brackets(struct timeline *timeline, const struct timeline_segment *segment)
{
    double right = timeline->axis.x0 - BRACKET_DISTANCE, left = right - BRACKET_WIDTH;
    size_t end = segment->first + segment->count;
    for (size_t first = segment->first, last; first < end; first = last + 1) {
        last = first;
        while (last + 1 < end && is_continued(timeline, last))
            last++;
        const struct timeline_lane *plan = timeline_lane_at(timeline, first);
        if (last == first && !plan->continues)
            continue;
        double top = timeline_lane_middle(plan), bottom = timeline_lane_middle(timeline_lane_at(timeline, last));
        const struct layout_point points[] = {{right, top}, {left, top}, {left, bottom}, {right, bottom}};
        bool begins = !plan->continues, ends = !is_continued(timeline, last);
        size_t count = 2u + begins + ends;
        if (first != last)
            layout_add_path(timeline->page, points + !begins, count, 1, NULL, 0, INK_LIFE);
    }
}

/* Add what fill_page() has put on the current page, between `top` and `bottom`. */
static void add_page_of_lanes(struct timeline *timeline, double top, double bottom)
{
    const struct timeline_segment *segments = (const struct timeline_segment *)(void *)timeline->segments->data;
    size_t count = timeline->segments->len;
    g_array_set_size(timeline->obstacles, 0);
    g_array_set_size(timeline->labels, 0);
    for (size_t i = 0; i < count; i++)
        add_stripes(timeline, &segments[i], i);
    timeline_add_grid(timeline, top, bottom);
    for (size_t i = 0; i < count; i++) {
        add_group_label(timeline, &segments[i]);
        add_lane_labels(timeline, &segments[i]);
        add_brackets(timeline, &segments[i]);
        for (size_t k = 0; k < segments[i].count; k++)
            timeline_add_lane(timeline, timeline_lane_at(timeline, segments[i].first + k));
    }
    timeline_add_marks(timeline, top, bottom);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < segments[i].count; k++)
            timeline_add_failure_labels(timeline, segments[i].first + k, stripe_color(timeline, i, k));
    }
}

/* Say that there are no lanes, in place of them. */
static void add_empty(struct timeline *timeline)
{
    timeline_add_axis(timeline);
    double top = timeline->y;
    timeline_add_grid(timeline, top, top + 60);
    timeline_add_marks(timeline, top, top + 60);
    const struct bars_axis *axis = &timeline->axis;
    const char *text = timeline_text(timeline, timeline->figure->empty_label);
    text = text_fit(timeline->layout->meter, TEXT_BODY, text, axis->x1 - axis->x0, TEXT_CUT_END);
    struct layout_rect box =
        layout_text_rect(timeline->layout, TEXT_BODY, text, (axis->x0 + axis->x1) / 2, top + 23, LAYOUT_CENTER);
    layout_add_rect(timeline->page, (struct layout_rect){box.x - 4, box.y, box.width + 8, box.height}, INK_PAPER);
    layout_add_text(timeline->layout, timeline->page, TEXT_BODY, INK_QUIET, text, box.x, box.y, LAYOUT_LEFT);
    timeline->y = top + 60;
}

bool timeline_add_lanes(struct timeline *timeline)
{
    if (timeline->lanes->len == 0)
        add_empty(timeline);
    size_t next = 0;
    while (next < timeline->lanes->len) {
        double lanes = 2 * PLOT_PADDING + timeline->heading + needed_height(timeline, next);
        double least = timeline_axis_height(timeline) + fmax(60, lanes);
        if (next > 0 || timeline->y + least > timeline_bottom(timeline))
            timeline_new_page(timeline);
        if (layout_page_count(timeline->layout) > TIMELINE_MAX_PAGES)
            return false;
        timeline_add_axis(timeline);
        double top = timeline->y;
        timeline->y += PLOT_PADDING;
        next = fill_page(timeline, next, timeline_bottom(timeline));
        timeline->y += PLOT_PADDING;
        add_page_of_lanes(timeline, top, timeline->y);
        if (timeline->options->page_height <= 0 && timeline->y - top > TALL_PLOT) {
            timeline_add_tick_labels(timeline, timeline->y + 3);
            timeline->y += 16;
        }
    }
    return true;
}
