/* Where flow control held back what a bar shows: lines that are as long as it took. */
#include <criterion/criterion.h>
#include <math.h>

#include "render/timeline.h"

#define SLACK 0.05 /* rounding */

static const struct figure_phase palette[] = {
    {.label = {"transfer", 8}, .color = FIGURE_COLOR_TRANSFER, .dot_when_short = true}};

/* What a picture shows of one lane. */
struct seen {
    struct layout_rect bar;        /* the last one */
    struct layout_rect lines[600]; /* of stalls, from left to right */
    size_t count;
    double width; /* of all of them */
    bool legend;
};

static bool has_color(const struct layout_item *item, struct figure_color color)
{
    return item->kind == LAYOUT_RECT && memcmp(&item->color, &color, sizeof color) == 0;
}

/* Draw `lane` from `from_ns` to `to_ns`. Each line lies along its bar, and right of the one before. */
static struct seen draw(const struct figure_lane *lane, int64_t from_ns, int64_t to_ns)
{
    static const struct timeline_options options = {.width = 1100, .max_height = 32767};
    const struct figure_group group = {.label = figure_text("a.example"), .lanes = lane, .lane_count = 1};
    const struct timeline_figure figure = {.from_ns = from_ns,
                                           .to_ns = to_ns,
                                           .palette = palette,
                                           .palette_count = 1,
                                           .groups = &group,
                                           .group_count = 1,
                                           .stall_label = figure_text("held back")};
    struct layout *layout = timeline_layout(&figure, &options);
    const struct layout_page *page = layout_page(layout, 0);
    struct seen seen = {.count = 0};
    bool in_lane = false; /* the legend comes before it, and the ticks' labels are between them */
    for (guint i = 0; i < page->items->len; i++) {
        const struct layout_item *item = &g_array_index(page->items, struct layout_item, i);
        seen.legend |= g_strcmp0(item->text, "held back") == 0;
        in_lane |= g_strcmp0(item->text, "a.example") == 0;
        if (in_lane && has_color(item, palette[0].color))
            seen.bar = item->rect;
        if (!in_lane || !has_color(item, INK_STALL))
            continue;
        const struct layout_rect *line = &item->rect;
        cr_assert_lt(seen.count, G_N_ELEMENTS(seen.lines));
        cr_assert(seen.count == 0 || line->x >= seen.lines[seen.count - 1].x + seen.lines[seen.count - 1].width);
        seen.lines[seen.count++] = *line;
        seen.width += line->width;
        cr_expect(fabs(line->y + line->height - seen.bar.y - seen.bar.height) < SLACK && line->height <= 3);
        cr_expect_leq(line->x + line->width, seen.bar.x + seen.bar.width + SLACK);
    }
    layout_free(layout);
    return seen;
}

/* A line is where its stall is, on the bar that it belongs to. */
Test(stalls, are_lines_along_bars)
{
    static const struct figure_bar bars[] = {{.from_ns = 0, .to_ns = 300}, {.from_ns = 400, .to_ns = 800}};
    static const struct figure_stall stalls[] = {{1, 500, 600}, {1, 650, 800}};
    const struct figure_lane lane = {.bars = bars, .bar_count = 2, .stalls = stalls, .stall_count = 2};
    struct seen seen = draw(&lane, 0, 1000);
    double unit = seen.bar.width / 400;
    cr_assert_eq(seen.count, 2);
    cr_expect_lt(fabs(seen.lines[0].x - seen.bar.x - 100 * unit), 1);
    cr_expect_lt(fabs(seen.lines[0].width - 100 * unit), 1);
    cr_expect_lt(fabs(seen.lines[1].x - seen.bar.x - 250 * unit), 1);
    cr_expect_lt(fabs(seen.lines[1].width - 150 * unit), 1);
    cr_expect(seen.legend);
}

/* Many that are too short to be seen are as long together as they are, from one tenth of the time to nine. */
Test(stalls, too_short_ones_keep_their_share)
{
    enum { STALLS = 20000, STEP_NS = 50000 };
    static struct figure_stall stalls[STALLS];
    static const struct figure_bar bar = {.from_ns = 0, .to_ns = (int64_t)STALLS * STEP_NS};
    const struct figure_lane lane = {.bars = &bar, .bar_count = 1, .stalls = stalls, .stall_count = STALLS};
    for (int64_t tenths = 1; tenths < 10; tenths += 2) {
        for (int64_t i = 0; i < STALLS; i++)
            stalls[i] = (struct figure_stall){0, i * STEP_NS, i * STEP_NS + STEP_NS * tenths / 10};
        struct seen seen = draw(&lane, 0, bar.to_ns);
        cr_expect_lt(fabs(seen.width - seen.bar.width * (double)tenths / 10), 2, "%d tenths: %g of %g", (int)tenths,
                     seen.width, seen.bar.width);
        cr_expect_gt(seen.count, 40, "%d tenths: spread over the bar", (int)tenths);
        cr_expect_lt((double)seen.count, seen.bar.width / 2 + 1);
    }
}

/* A single one is seen, however short it is; what is not on the axis, or of a dot, is not; and so says the legend. */
Test(stalls, that_are_seen)
{
    static const struct figure_bar bars[] = {{.from_ns = 0, .to_ns = 500000}, {.from_ns = 600000, .to_ns = 600001}};
    static const struct {
        int64_t from_ns;
        struct figure_stall stall;
        size_t lines;
    } cases[] = {
        {0, {0, 0, 1}, 1},
        {0, {0, 499999, 500000}, 1},
        {0, {0, 250000, 250001}, 1},
        {400000, {0, 100000, 450000}, 1},
        {400000, {0, 100000, 390000}, 0},
        {550000, {0, 100000, 450000}, 0},
        {0, {0, 250000, 250000}, 0},
        {0, {1, 600000, 600001}, 0},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const struct figure_lane lane = {.bars = bars, .bar_count = 2, .stalls = &cases[i].stall, .stall_count = 1};
        struct seen seen = draw(&lane, cases[i].from_ns, 1000000);
        cr_expect_eq(seen.count, cases[i].lines, "case %zu", i);
        cr_expect(seen.count == 0 || seen.width >= 0.99, "case %zu: %g", i, seen.width);
        cr_expect_eq(seen.legend, cases[i].lines > 0, "case %zu", i);
    }
}
