#include "render/timeline.h"

#include <math.h>

#include "render/timeline_parts.h"

#define MARGIN      24.0
#define BARE_MARGIN 1.0
/* Below this width the names of servers stand above their lanes. */
#define NARROW 560.0
/* Height at the bottom of a page that stays free. */
#define PAGE_BOTTOM 20.0
/* Of the running title, with the gap below it. */
#define TITLE_HEIGHT 22.0

double timeline_bottom(const struct timeline *timeline)
{
    const struct timeline_options *options = timeline->options;
    if (options->embedded)
        return timeline->page->height;
    return options->page_height > 0 ? options->page_height - PAGE_BOTTOM : HUGE_VAL;
}

double timeline_room(const struct timeline *timeline)
{
    const struct timeline_options *options = timeline->options;
    double used = options->embedded ? 0 : timeline->margin + TITLE_HEIGHT + PAGE_BOTTOM;
    return options->page_height > 0 ? options->page_height - used : HUGE_VAL;
}

const char *timeline_text(struct timeline *timeline, struct figure_text text)
{
    return text_safe(timeline->layout->meter, text, false);
}

const char *timeline_tooltip(struct timeline *timeline, struct figure_text text)
{
    return text_safe(timeline->layout->meter, text, true);
}

void timeline_new_page(struct timeline *timeline)
{
    const struct timeline_options *options = timeline->options;
    bool first = layout_page_count(timeline->layout) == 0;
    double height = options->embedded && first ? options->first_height : options->page_height;
    timeline->page = layout_add_page(timeline->layout, options->width, height);
    timeline->y = options->embedded ? 0 : timeline->margin;
    if (first || options->embedded)
        return;
    double room = options->width - 2 * timeline->margin - 100; /* page numbers at the right */
    const char *title = text_fit(timeline->layout->meter, TEXT_HEADING, timeline->layout->title, room, TEXT_CUT_END);
    layout_add_text(timeline->layout, timeline->page, TEXT_HEADING, INK_QUIET, title, timeline->margin, timeline->y,
                    LAYOUT_LEFT);
    timeline->y += TITLE_HEIGHT;
}

/* Add everything; return false if it does not fit. */
static bool add_parts(struct timeline *timeline)
{
    timeline_new_page(timeline);
    timeline_add_header(timeline);
    if (!timeline_add_lanes(timeline))
        return false;
    timeline_add_foot(timeline);
    if (timeline->options->embedded) {
        timeline->page->height = timeline->y;
        return layout_page_count(timeline->layout) <= TIMELINE_MAX_PAGES;
    }
    if (timeline->options->page_height > 0) {
        if (timeline->options->index && timeline->lanes->len > 0 && !timeline_add_index(timeline))
            return false;
        timeline_add_page_numbers(timeline);
        return true;
    }
    timeline->page->height = timeline->options->bare ? ceil(timeline->y) : ceil(timeline->y + timeline->margin - 8);
    return timeline->page->height <= timeline->options->max_height;
}

/* Return the layout with the rows of density `level`; NULL if it does not fit. If there is no such level, set *lowest.
 */
static struct layout *try_level(const struct timeline_figure *figure, const struct timeline_options *options,
                                size_t level, bool *lowest)
{
    struct timeline timeline = {
        .figure = figure,
        .options = options,
        .layout = layout_new(options->font),
        .margin = options->bare ? BARE_MARGIN : MARGIN,
        .heading = options->width < NARROW ? TIMELINE_HEADING : 0,
        .lanes = g_array_new(FALSE, FALSE, sizeof(struct timeline_lane)),
        .segments = g_array_new(FALSE, FALSE, sizeof(struct timeline_segment)),
        .obstacles = g_array_new(FALSE, FALSE, sizeof(struct layout_rect)),
        .labels = g_array_new(FALSE, FALSE, sizeof(struct layout_rect)),
        .phase_occurs = g_new0(bool, figure->palette_count + 1),
    };
    timeline.layout->title = timeline_text(&timeline, figure->title);
    timeline.layout->created_s = figure->created_s;
    timeline_measure(&timeline);
    timeline_plan_lanes(&timeline);
    *lowest = !timeline_choose_density(&timeline, level);
    bool fits = !*lowest && add_parts(&timeline);
    for (guint i = 0; i < timeline.lanes->len; i++)
        g_free(g_array_index(timeline.lanes, struct timeline_lane, i).places);
    g_array_free(timeline.lanes, TRUE);
    g_array_free(timeline.segments, TRUE);
    g_array_free(timeline.obstacles, TRUE);
    g_array_free(timeline.labels, TRUE);
    g_free(timeline.phase_occurs);
    if (fits)
        return timeline.layout;
    layout_free(timeline.layout);
    return NULL;
}

struct layout *timeline_layout(const struct timeline_figure *figure, const struct timeline_options *options)
{
    bool lowest = false;
    for (size_t level = 0; !lowest; level++) {
        struct layout *layout = try_level(figure, options, level, &lowest);
        if (layout)
            return layout;
    }
    return NULL;
}
