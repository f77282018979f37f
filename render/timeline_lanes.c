/* The lanes of a timeline: planned, put on pages, and added. */
#include <math.h>

#include "render/timeline_parts.h"

#define GROUP_MIN_HEIGHT  14.0 /* so that the labels of two groups of one low lane do not meet */
#define FAILURE_DISTANCE  3.0  /* two crosses that are closer count as crowded */
#define DOT_DISTANCE      2.0  /* two dots that are closer count as crowded */
#define DOT_MIN_RADIUS    1.0
#define FAILURE_MIN_WIDTH 60.0  /* a failure label is not cut shorter than this */
#define TALL_PLOT         500.0 /* from this height on the ticks are labelled at the lower end too */

static const struct timeline_density densities[] = {
    {.max_lanes = 60, .row = 19, .bar = 10, .group_gap = 10}, {.max_lanes = 150, .row = 14, .bar = 8, .group_gap = 8},
    {.max_lanes = 400, .row = 10, .bar = 7, .group_gap = 6},  {.max_lanes = 1200, .row = 7, .bar = 5, .group_gap = 5},
    {.max_lanes = 0, .row = 5, .bar = 4, .group_gap = 4},     {.max_lanes = 0, .row = 3, .bar = 2, .group_gap = 4},
};

bool timeline_choose_density(struct timeline *timeline, size_t level)
{
    size_t i = 0;
    while (densities[i].max_lanes != 0 && timeline->lanes->len > densities[i].max_lanes)
        i++;
    if (i + level >= G_N_ELEMENTS(densities))
        return false;
    timeline->density = densities[i + level];
    if (timeline->heading > 0) { /* a failure's label is higher than a low lane */
        double label = text_height(timeline->layout->meter, TEXT_SMALL);
        timeline->heading = TIMELINE_HEADING + fmax(0, (label - timeline->density.row) / 2);
    }
    return true;
}

static struct timeline_lane *lane_at(const struct timeline *timeline, size_t index)
{
    return &g_array_index(timeline->lanes, struct timeline_lane, index);
}

static bool is_on_axis(const struct timeline *timeline, int64_t t_ns)
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

/* Note what occurs in `lane`, for the legend. */
static void note_lane(struct timeline *timeline, const struct timeline_lane *plan)
{
    const struct figure_lane *lane = plan->lane;
    for (size_t i = 0; i < lane->bar_count; i++) {
        if (plan->places[i].shape == BAR_RECT || plan->places[i].shape == BAR_DOT)
            timeline->phase_occurs[lane->bars[i].phase] = true;
        if (plan->places[i].shape == BAR_DOT)
            note_dot(timeline, lane->bars[i].phase);
        else if (plan->places[i].shape == BAR_CROWDED)
            timeline->crowded++;
    }
    for (size_t i = 0; i < lane->dot_count; i++) {
        if (is_on_axis(timeline, lane->dots[i].t_ns))
            note_dot(timeline, lane->dots[i].phase);
    }
    for (size_t i = 0; i < lane->failure_count; i++)
        timeline->failure_occurs = timeline->failure_occurs || is_on_axis(timeline, lane->failures[i].t_ns);
    timeline->end_occurs[lane->end] = true;
}

void timeline_plan_lanes(struct timeline *timeline)
{
    const struct timeline_figure *figure = timeline->figure;
    for (size_t i = 0; i < figure->group_count; i++) {
        for (size_t k = 0; k < figure->groups[i].lane_count; k++) {
            const struct figure_lane *lane = &figure->groups[i].lanes[k];
            struct timeline_lane plan = {
                .group = &figure->groups[i], .lane = lane, .number = timeline->lanes->len, .group_number = i};
            plan.places = g_new(struct bar_place, lane->bar_count + 1);
            plan.tracks = bars_place(&timeline->axis, figure->palette, lane->bars, lane->bar_count, plan.places);
            note_lane(timeline, &plan);
            g_array_append_val(timeline->lanes, plan);
        }
    }
    for (size_t i = 0; i < figure->share_count; i++) {
        if (figure->shares[i].amount > 0)
            timeline->phase_occurs[figure->shares[i].phase] = true;
    }
}

/* Return the height of a bar on one of several tracks. */
static double track_bar(const struct timeline *timeline)
{
    return fmax(2, round(timeline->density.bar * 0.6));
}

static double lane_height(const struct timeline *timeline, const struct timeline_lane *plan)
{
    const struct timeline_density *density = &timeline->density;
    if (plan->tracks == 1)
        return density->row;
    double pad = density->row - density->bar;
    return fmax(density->row, (double)plan->tracks * (track_bar(timeline) + 1) - 1 + pad);
}

/* Return the upper edge of the bars on `track` and set *height to theirs. */
static double track_top(const struct timeline *timeline, const struct timeline_lane *plan, size_t track, double *height)
{
    *height = plan->tracks == 1 ? timeline->density.bar : track_bar(timeline);
    double all = (double)plan->tracks * (*height + 1) - 1;
    return plan->y + (plan->height - all) / 2 + (double)track * (*height + 1);
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
        const struct figure_group *group = lane_at(timeline, i)->group;
        for (; i < timeline->lanes->len && lane_at(timeline, i)->group == group; i++) {
            struct timeline_lane *plan = lane_at(timeline, i);
            plan->y = segment.bottom;
            plan->height = lane_height(timeline, plan);
            plan->page = layout_page_count(timeline->layout) - 1;
            double end = fmax(plan->y + plan->height, top + GROUP_MIN_HEIGHT);
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
        if (i < timeline->lanes->len && lane_at(timeline, i)->group == group)
            break;
    }
    timeline->y = y;
    return i;
}

/* Add the light stripes: every second lane, or every second group where lanes are low. */
static void add_stripes(struct timeline *timeline, const struct timeline_segment *segment, size_t segment_number)
{
    struct layout_rect stripe = {timeline->margin / 2, segment->top, timeline->options->width - timeline->margin,
                                 segment->bottom - segment->top};
    bool by_group = timeline->density.row < 14;
    if (by_group && segment_number % 2 == 0)
        layout_add_rect(timeline->page, stripe, INK_STRIPE);
    for (size_t i = 0; i < segment->count && !by_group; i += 2) {
        const struct timeline_lane *plan = lane_at(timeline, segment->first + i);
        stripe.y = plan->y;
        stripe.height = plan->height;
        layout_add_rect(timeline->page, stripe, INK_STRIPE);
    }
}

/* Return the name behind '#' in `link`, NULL if that is no such link. */
static const char *link_name(struct timeline *timeline, struct figure_text link)
{
    if (!layout_link_is_local(link) || link.bytes[0] != '#')
        return NULL;
    return text_format(timeline->layout->meter, "%.*s", (int)link.len_bytes - 1, link.bytes + 1);
}

/* Make `rect` in an embedded timeline lead to what `link` names, and its height `y` a place that can be led to. */
static void add_embedded_places(struct timeline *timeline, struct layout_rect rect, struct figure_text link, double y)
{
    const char *name = link_name(timeline, link);
    if (!name)
        return;
    const char *anchor = text_format(timeline->layout->meter, "lane-%s", name);
    layout_add_anchor(timeline->layout, timeline->page, anchor, 0, fmax(y, 0));
    layout_add_hit(timeline->layout, timeline->page, rect, NULL, (struct figure_text){NULL, 0}, name);
}

/* Add the label of the segment's group and its hit area; on continued pages it leads to where the group begins. */
static void add_group_label(struct timeline *timeline, const struct timeline_segment *segment)
{
    const struct timeline_lane *plan = lane_at(timeline, segment->first);
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
        add_embedded_places(timeline, box, group->link, segment->top - 4);
        return;
    }
    const char *anchor = text_format(timeline->layout->meter, "group-%zu", plan->group_number + 1);
    bool begins = layout_add_anchor(timeline->layout, timeline->page, anchor, 0, segment->top - 4);
    if (begins)
        layout_add_bookmark(timeline->layout, 0, full, plan->page, segment->top - 4);
    layout_add_hit(timeline->layout, timeline->page, box, tooltip, group->link, begins ? NULL : anchor);
}

/* Add the labels of the segment's lanes, those that have room. */
static void add_lane_labels(struct timeline *timeline, const struct timeline_segment *segment)
{
    double room = timeline->number_right - timeline->margin - timeline->label_width - 8;
    double height = text_height(timeline->layout->meter, TEXT_SMALL);
    double free_from = segment->top + timeline->heading - 1;
    for (size_t i = 0; i < segment->count; i++) {
        const struct timeline_lane *plan = lane_at(timeline, segment->first + i);
        double top = plan->y + (plan->height - height) / 2;
        if (i == 0)
            top = fmax(top, free_from);
        if (top < free_from || top + height > segment->bottom + 1)
            continue;
        const char *label = timeline_text(timeline, plan->lane->label);
        label = text_fit(timeline->layout->meter, TEXT_SMALL, label, room, TEXT_CUT_MIDDLE);
        layout_add_text(timeline->layout, timeline->page, TEXT_SMALL, INK_QUIET, label, timeline->number_right, top,
                        LAYOUT_RIGHT);
        free_from = top + height;
    }
}

static void add_obstacle(struct timeline *timeline, struct layout_rect rect)
{
    g_array_append_val(timeline->obstacles, rect);
}

/* Return the height of the middle line of `plan`. */
static double lane_middle(const struct timeline_lane *plan)
{
    return plan->y + plan->height / 2;
}

/* Return the radius of signs, smaller in low rows. */
static double sign_radius(const struct timeline *timeline, double greatest)
{
    return fmin(greatest, timeline->density.row / 2 - 0.5);
}

/* Add the life line of a lane. It is the first of the lane's obstacles. */
static void add_life_line(struct timeline *timeline, const struct timeline_lane *plan)
{
    const struct figure_lane *lane = plan->lane;
    int64_t to_ns = MAX(lane->from_ns, lane->to_ns);
    double y = lane_middle(plan);
    double x0 = bars_x(&timeline->axis, lane->from_ns);
    double x1 = bars_x(&timeline->axis, to_ns);
    bool is_visible = to_ns >= timeline->axis.from_ns && lane->from_ns <= timeline->axis.to_ns && x1 > x0;
    add_obstacle(timeline, (struct layout_rect){x0, y - 0.5, is_visible ? x1 - x0 : 0, 1});
    if (is_visible)
        layout_add_line(timeline->page, LAYOUT_LINE, (struct layout_point){x0, y}, (struct layout_point){x1, y}, 0.75,
                        INK_LIFE);
}

/* Add the hit area of something that covers x0 … x1 of a lane, from `top` on. It has what the lane has if it has
 * nothing itself. */
static void add_lane_hit(struct timeline *timeline, const struct timeline_lane *plan, struct layout_rect rect,
                         struct figure_text tooltip, struct figure_text link)
{
    struct figure_text shown = tooltip.len_bytes > 0 ? tooltip : plan->lane->tooltip;
    layout_add_hit(timeline->layout, timeline->page, rect, timeline_tooltip(timeline, shown),
                   link.len_bytes > 0 ? link : plan->lane->link, NULL);
}

/* Add the hit area of the whole lane, with the anchors that links lead to. */
static void add_whole_lane_hit(struct timeline *timeline, const struct timeline_lane *plan)
{
    double x = timeline->number_right - 50;
    double right = timeline->options->width - timeline->margin / 2;
    struct layout_rect rect = {fmax(x, timeline->margin + timeline->label_width + 4), plan->y, 0, plan->height};
    rect.width = right - rect.x;
    if (timeline->options->embedded) {
        add_embedded_places(timeline, rect, plan->lane->link, plan->y - 4);
        return;
    }
    struct text_meter *meter = timeline->layout->meter;
    const char *target = NULL;
    if (timeline->options->index)
        target = text_format(meter, "index-%zu", plan->number + 1);
    layout_add_hit(timeline->layout, timeline->page, rect, timeline_tooltip(timeline, plan->lane->tooltip),
                   plan->lane->link, target);
    layout_add_anchor(timeline->layout, timeline->page, text_format(meter, "lane-%zu", plan->number + 1), 0,
                      plan->y - 4);
    const char *name = link_name(timeline, plan->lane->link);
    if (name)
        layout_add_anchor(timeline->layout, timeline->page, name, 0, plan->y - 4);
}

/* Add the bars of a lane that are no dots. */
static void add_bars(struct timeline *timeline, const struct timeline_lane *plan)
{
    for (size_t i = 0; i < plan->lane->bar_count; i++) {
        const struct figure_bar *bar = &plan->lane->bars[i];
        const struct bar_place *place = &plan->places[i];
        if (place->shape != BAR_RECT)
            continue;
        struct layout_rect rect = {.x = place->x0, .width = place->x1 - place->x0};
        rect.y = track_top(timeline, plan, place->track, &rect.height);
        add_obstacle(timeline, rect);
        struct layout_rect hit = rect;
        if (plan->tracks == 1) {
            hit.y = plan->y;
            hit.height = plan->height;
        }
        add_lane_hit(timeline, plan, hit, bar->tooltip, bar->link);
        if (rect.width > 4)
            rect.width -= 0.75; /* parts it from a neighbour of the same colour */
        layout_add_rect(timeline->page, rect, timeline->figure->palette[bar->phase].color);
    }
}

/* A dot of a lane: a figure_dot, or a bar too short to see. */
struct lane_dot {
    struct layout_point center;
    size_t phase;
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
        struct lane_dot dot = {{(place->x0 + place->x1) / 2, top + height / 2}, bar->phase, bar->tooltip, bar->link};
        g_array_append_val(dots, dot);
    }
    for (size_t i = 0; i < plan->lane->dot_count; i++) {
        const struct figure_dot *own = &plan->lane->dots[i];
        struct lane_dot dot = {
            {bars_x(&timeline->axis, own->t_ns), lane_middle(plan)}, own->phase, own->tooltip, own->link};
        if (is_on_axis(timeline, own->t_ns))
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
        layout_add_sign(timeline->page, LAYOUT_DOT, center, radius, timeline->figure->palette[all[i].phase].color);
        struct layout_rect rect = {center.x - radius, center.y - radius, 2 * radius, 2 * radius};
        add_obstacle(timeline, rect);
        add_lane_hit(timeline, plan, rect, all[i].tooltip, all[i].link);
    }
    g_array_free(dots, TRUE);
}

/* Return the tooltip of `failure`: its label if it has none. */
static struct figure_text failure_tooltip(const struct figure_failure *failure)
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
        if (!is_on_axis(timeline, failure->t_ns))
            continue;
        struct layout_point center = {bars_x(&timeline->axis, failure->t_ns), lane_middle(plan)};
        if (fabs(center.x - last_x) < FAILURE_DISTANCE) {
            timeline->crowded++;
            continue;
        }
        last_x = center.x;
        layout_add_sign(timeline->page, LAYOUT_CROSS, center, radius, INK_FAILURE);
        struct layout_rect rect = {center.x - radius, center.y - radius, 2 * radius, 2 * radius};
        add_obstacle(timeline, rect);
        add_lane_hit(timeline, plan, rect, failure_tooltip(failure), failure->link);
    }
}

/* Add the circle that tells how the lane ended. */
static void add_end(struct timeline *timeline, const struct timeline_lane *plan)
{
    const struct figure_lane *lane = plan->lane;
    if (lane->end == FIGURE_END_NONE)
        return;
    double radius = sign_radius(timeline, TIMELINE_SIGN_RADIUS);
    struct layout_point center = {timeline->axis.x1 + TIMELINE_END_DISTANCE, lane_middle(plan)};
    layout_add_sign(timeline->page, lane->end == FIGURE_END_OPEN ? LAYOUT_RING : LAYOUT_DOT, center, radius, INK_QUIET);
    struct layout_rect rect = {center.x - 8, plan->y, 16, plan->height};
    struct figure_text fallback =
        lane->end == FIGURE_END_OPEN ? timeline->figure->open_label : timeline->figure->closed_label;
    add_lane_hit(timeline, plan, rect, lane->end_tooltip.len_bytes > 0 ? lane->end_tooltip : fallback,
                 (struct figure_text){NULL, 0});
}

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
    const struct timeline_lane *plan = lane_at(timeline, index);
    double limit = free_until(timeline, plan, plan, box);
    for (size_t i = index; i > first->first; i--) {
        const struct timeline_lane *other = lane_at(timeline, i - 1);
        if (other->y + other->height <= box->y)
            break;
        limit = fmin(limit, free_until(timeline, plan, other, box));
    }
    for (size_t i = index + 1; i < last->first + last->count; i++) {
        const struct timeline_lane *other = lane_at(timeline, i);
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
    const struct timeline_lane *plan = lane_at(timeline, index);
    struct text_meter *meter = timeline->layout->meter;
    double x = bars_x(&timeline->axis, failure->t_ns) + TIMELINE_SIGN_RADIUS + 3;
    double top = lane_middle(plan) - text_height(meter, TEXT_SMALL) / 2;
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

/* Add the labels of the failures of the lane at `index`, where they hide nothing. */
static void add_failure_labels(struct timeline *timeline, size_t index, struct figure_color background)
{
    const struct timeline_lane *plan = lane_at(timeline, index);
    for (size_t i = 0; i < plan->lane->failure_count; i++) {
        const struct figure_failure *failure = &plan->lane->failures[i];
        if (!is_on_axis(timeline, failure->t_ns))
            continue;
        const char *label = timeline_text(timeline, failure->label);
        struct layout_rect box = place_failure_label(timeline, index, failure, &label);
        if (*label == '\0')
            continue;
        layout_add_rect(timeline->page, box, background);
        layout_add_text(timeline->layout, timeline->page, TEXT_SMALL, INK_FAILURE, label, box.x, box.y, LAYOUT_LEFT);
        g_array_append_val(timeline->labels, box);
        add_lane_hit(timeline, plan, box, failure_tooltip(failure), failure->link);
    }
}

/* Add one lane, its failure labels aside. */
static void add_lane(struct timeline *timeline, struct timeline_lane *plan)
{
    plan->obstacles_from = timeline->obstacles->len;
    add_whole_lane_hit(timeline, plan);
    add_life_line(timeline, plan);
    add_bars(timeline, plan);
    add_dots(timeline, plan);
    add_crosses(timeline, plan);
    add_end(timeline, plan);
    plan->obstacles_to = timeline->obstacles->len;
}

/* Return the colour of the stripe under the lane number `i` of a segment. */
static struct figure_color stripe_color(const struct timeline *timeline, size_t segment_number, size_t i)
{
    size_t number = timeline->density.row < 14 ? segment_number : i;
    return number % 2 == 0 ? INK_STRIPE : INK_PAPER;
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
        for (size_t k = 0; k < segments[i].count; k++)
            add_lane(timeline, lane_at(timeline, segments[i].first + k));
    }
    timeline_add_marks(timeline, top, bottom);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < segments[i].count; k++)
            add_failure_labels(timeline, segments[i].first + k, stripe_color(timeline, i, k));
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
        double least = timeline_axis_height(timeline) + 60;
        if (next > 0 || timeline->y + least > timeline_bottom(timeline))
            timeline_new_page(timeline);
        if (layout_page_count(timeline->layout) > TIMELINE_MAX_PAGES)
            return false;
        timeline_add_axis(timeline);
        double top = timeline->y;
        timeline->y += 4;
        next = fill_page(timeline, next, timeline_bottom(timeline));
        timeline->y += 4;
        add_page_of_lanes(timeline, top, timeline->y);
        if (timeline->options->page_height <= 0 && timeline->y - top > TALL_PLOT) {
            timeline_add_tick_labels(timeline, timeline->y + 3);
            timeline->y += 16;
        }
    }
    return true;
}
