/* What was held back: dark lines along the lower edges of bars. */
#include <math.h>

#include "render/timeline_parts.h"

#define LEAST_WIDTH 1.0 /* of a line, and of a gap between two */

/* Add the line from `from` to `to`, unless it is empty, at the lower edge of `bar`, parted from the rest of it above.
 */
static void add_line(struct timeline *timeline, struct layout_rect bar, double from, double to)
{
    if (to <= from)
        return;
    double height = bar.height < 7 ? 1 : 2;
    struct layout_rect line = {from, bar.y + bar.height - height, to - from, height};
    if (bar.height >= 5)
        layout_add_rect(timeline->page, (struct layout_rect){from, line.y - 1, line.width, 1}, INK_PAPER);
    layout_add_rect(timeline->page, line, INK_STALL);
}

void timeline_add_stall_sign(struct timeline *timeline, struct layout_rect bar)
{
    layout_add_rect(timeline->page, bar, timeline->figure->palette[timeline->stall_phase].color);
    add_line(timeline, bar, bar.x, bar.x + bar.width);
}

static bool is_on_axis(const struct timeline *timeline, const struct figure_stall *stall)
{
    return stall->from_ns < stall->to_ns && stall->from_ns < timeline->axis.to_ns &&
           stall->to_ns > timeline->axis.from_ns;
}

void timeline_note_stalls(struct timeline *timeline, const struct timeline_lane *plan)
{
    const struct figure_lane *lane = plan->lane;
    for (size_t i = 0; i < lane->stall_count && !timeline->stall_occurs; i++) {
        size_t bar = lane->stalls[i].bar;
        timeline->stall_occurs = plan->places[bar].shape == BAR_RECT && is_on_axis(timeline, &lane->stalls[i]);
        timeline->stall_phase = lane->bars[bar].phase;
    }
}

/*
 * Add the lines of the `count` stalls of the bar drawn in `bar`. Stalls too short for a line are gathered until they
 * are long enough together, and so are gaps: the part of the bar that has a line is that of the time in which it was
 * held back. If the stalls are too short even together, they have the shortest line.
 */
static void add_lines(struct timeline *timeline, struct layout_rect bar, const struct figure_stall *stalls,
                      size_t count)
{
    double right = bar.x + bar.width, least = fmin(LEAST_WIDTH, bar.width);
    double gathered = 0, from = bar.x, to = bar.x, end = bar.x; /* the line in the making: from … to */
    bool seen = false;
    for (size_t i = 0; i < count; i++) {
        if (!is_on_axis(timeline, &stalls[i]))
            continue;
        seen = true;
        end = CLAMP(bars_x(&timeline->axis, stalls[i].to_ns), bar.x, right);
        gathered += end - CLAMP(bars_x(&timeline->axis, stalls[i].from_ns), bar.x, right);
        if (gathered < least)
            continue;
        if (end - gathered - to >= LEAST_WIDTH) {
            add_line(timeline, bar, from, to);
            from = to = end - gathered;
        }
        to += gathered;
        gathered = 0;
    }
    add_line(timeline, bar, from, to);
    if (seen && to <= bar.x)
        add_line(timeline, bar, fmax(end - least, bar.x), fmax(end, bar.x + least));
}

void timeline_add_stalls(struct timeline *timeline, const struct timeline_lane *plan)
{
    const struct figure_lane *lane = plan->lane;
    size_t next;
    for (size_t i = 0; i < lane->stall_count; i = next) {
        size_t bar = lane->stalls[i].bar;
        for (next = i + 1; next < lane->stall_count && lane->stalls[next].bar == bar; next++)
            ;
        if (plan->places[bar].shape == BAR_RECT)
            add_lines(timeline, timeline_bar_rect(timeline, plan, bar), lane->stalls + i, next - i);
    }
}
