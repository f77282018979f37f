/* The index of a timeline's lanes: at the end of a PDF, in place of tooltips. */
#include <math.h>

#include "render/timeline_parts.h"

#define ROW_HEIGHT 14.0

/* The left edges of the index's columns. */
struct columns {
    double label_right;
    double group;
    double group_width;
    double details;
    double details_width;
    double page_right;
};

static struct columns measure(const struct timeline *timeline)
{
    double right = timeline->options->width - timeline->margin;
    struct columns columns = {.label_right = timeline->margin + 80, .page_right = right};
    columns.group = columns.label_right + 14;
    columns.group_width = fmax(timeline->label_width, 60);
    columns.details = columns.group + columns.group_width + 16;
    columns.details_width = right - 60 - columns.details;
    return columns;
}

/* Return `text`, safe and fitted, with its lines joined. */
static const char *fit(struct timeline *timeline, struct figure_text text, double width, enum text_cut cut)
{
    GString *joined = g_string_new(timeline_tooltip(timeline, text));
    g_string_replace(joined, "\n", " · ", 0);
    const char *line = text_keep(timeline->layout->meter, joined->str);
    g_string_free(joined, TRUE);
    return text_fit(timeline->layout->meter, TEXT_SMALL, line, width, cut);
}

/* Add the line of one lane. */
static void add_row(struct timeline *timeline, const struct columns *columns, const struct timeline_lane *plan)
{
    struct layout *layout = timeline->layout;
    struct layout_page *page = timeline->page;
    double y = timeline->y;
    const char *label = fit(timeline, plan->lane->label, 80, TEXT_CUT_MIDDLE);
    const char *group = fit(timeline, plan->group->label, columns->group_width, TEXT_CUT_MIDDLE);
    const char *details = fit(timeline, plan->lane->tooltip, columns->details_width, TEXT_CUT_END);
    const char *number = text_format(layout->meter, "page %zu", plan->page + 1);
    layout_add_text(layout, page, TEXT_SMALL, INK_TEXT, label, columns->label_right, y, LAYOUT_RIGHT);
    layout_add_text(layout, page, TEXT_SMALL, INK_TEXT, group, columns->group, y, LAYOUT_LEFT);
    layout_add_text(layout, page, TEXT_SMALL, INK_QUIET, details, columns->details, y, LAYOUT_LEFT);
    layout_add_text(layout, page, TEXT_SMALL, INK_QUIET, number, columns->page_right, y, LAYOUT_RIGHT);
    struct layout_rect row = {timeline->margin / 2, y, columns->page_right - timeline->margin / 2, ROW_HEIGHT - 1};
    layout_add_hit(layout, page, row, NULL, (struct figure_text){NULL, 0},
                   text_format(layout->meter, "lane-%zu", plan->number + 1));
    layout_add_anchor(layout, page, text_format(layout->meter, "index-%zu", plan->number + 1), 0, y - 4);
    timeline->y += ROW_HEIGHT;
}

/* Begin a page of the index. */
static void begin_page(struct timeline *timeline, bool first)
{
    timeline_new_page(timeline);
    if (!first)
        return;
    layout_add_text(timeline->layout, timeline->page, TEXT_HEADING, INK_TEXT, "Index", timeline->margin, timeline->y,
                    LAYOUT_LEFT);
    layout_add_bookmark(timeline->layout, 0, "Index", layout_page_count(timeline->layout) - 1, timeline->y - 4);
    timeline->y += 20;
}

bool timeline_add_index(struct timeline *timeline)
{
    struct columns columns = measure(timeline);
    begin_page(timeline, true);
    for (guint i = 0; i < timeline->lanes->len; i++) {
        const struct timeline_lane *plan = timeline_lane_at(timeline, i);
        if (plan->continues)
            continue;
        if (timeline->y + ROW_HEIGHT > timeline_bottom(timeline))
            begin_page(timeline, false);
        if (layout_page_count(timeline->layout) > TIMELINE_MAX_PAGES)
            return false;
        if (plan->number % 2 == 0)
            layout_add_rect(timeline->page,
                            (struct layout_rect){timeline->margin / 2, timeline->y - 1,
                                                 timeline->options->width - timeline->margin, ROW_HEIGHT},
                            INK_STRIPE);
        add_row(timeline, &columns, plan);
    }
    return true;
}
