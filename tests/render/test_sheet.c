/* Properties that every sheet has: texts apart, nothing outside, all parts from top to bottom. */
#include <criterion/criterion.h>
#include <math.h>

#include "figures.h"
#include "render/render.h"
#include "render/sheet_layout.h"

#define SLACK 0.05 /* rounding */

enum { MOST_PLOTS = 200, VALUES = 20 };

/* A sheet with the memory that it points to. */
struct made {
    double values[VALUES], shares[VALUES];
    struct plot_series series;
    struct plot_strip strip;
    char titles[MOST_PLOTS][120];
    struct plot_panel panels[MOST_PLOTS][2];
    struct plot_figure plots[MOST_PLOTS];
    struct figure_text subtitles[2], note;
    struct sheet_figure figure;
};

static void make(struct made *made, size_t plots, const struct timeline_figure *timeline)
{
    for (size_t i = 0; i < VALUES; i++) {
        made->values[i] = 1e9 + 1e7 * (double)(i * i);
        made->shares[i] = (double)(i + 1) / VALUES;
    }
    made->series = (struct plot_series){
        .label = figure_text("before (n = 20)"), .x = made->values, .y = made->shares, .count = VALUES, .steps = true};
    made->strip = (struct plot_strip){.label = figure_text("before (n = 20)"),
                                      .values = made->values,
                                      .count = VALUES,
                                      .q1 = made->values[5],
                                      .median = made->values[10],
                                      .q3 = made->values[15],
                                      .low = (double)NAN,
                                      .high = (double)NAN};
    for (size_t i = 0; i < plots; i++) {
        const struct plot_axis time = {.label = figure_text("time"), .unit = PLOT_NS};
        snprintf(made->titles[i], sizeof made->titles[i],
                 "measure %zu, a-server-whose-name-is-too-long-for-its-half-of-the-picture-%zu.example.org", i, i);
        made->panels[i][0] = (struct plot_panel){.kind = PLOT_LINES,
                                                 .title = figure_text(made->titles[i]),
                                                 .x = time,
                                                 .y = {.label = figure_text("share"), .unit = PLOT_SHARE, .to = 1},
                                                 .series = &made->series,
                                                 .series_count = 1};
        made->panels[i][1] = (struct plot_panel){
            .kind = PLOT_STRIPS, .x = time, .same_x = true, .strips = &made->strip, .strip_count = 1};
        made->plots[i] = (struct plot_figure){.panels = made->panels[i], .panel_count = 2};
    }
    made->subtitles[0] = figure_text("before: 20 recordings");
    made->subtitles[1] = figure_text("after: 20 recordings, with a long label\xff that an attacker chose\x1b[2J.");
    made->note = figure_text("What is to be seen.");
    made->figure = (struct sheet_figure){.title = figure_text("Comparison"),
                                         .subtitles = made->subtitles,
                                         .subtitle_count = 2,
                                         .plots = made->plots,
                                         .plot_count = plots,
                                         .notes = &made->note,
                                         .note_count = 1,
                                         .timeline = timeline};
}

static const struct layout_item *item_at(const struct layout_page *page, guint i)
{
    return &g_array_index(page->items, struct layout_item, i);
}

static void check_page(const struct layout_page *page)
{
    for (guint i = 0; i < page->items->len; i++) {
        const struct layout_item *item = item_at(page, i);
        const struct layout_rect *rect = &item->rect;
        cr_assert(rect->x >= -SLACK && rect->y >= -SLACK && rect->x + rect->width <= page->width + SLACK &&
                      rect->y + rect->height <= page->height + SLACK,
                  "item %u ('%s') at %g %g, %g x %g", i, item->text ? item->text : "", rect->x, rect->y, rect->width,
                  rect->height);
        for (guint k = 0; k < i && item->kind == LAYOUT_TEXT; k++) {
            const struct layout_item *other = item_at(page, k);
            cr_assert(other->kind != LAYOUT_TEXT || !layout_rects_overlap(rect, &other->rect, SLACK),
                      "'%s' and '%s' overlap", item->text, other->text);
        }
    }
}

/* Return the lower edge of the text that begins so, of which there is one; it is below `above`. */
static double check_text(const struct layout_page *page, const char *start, double above)
{
    double bottom = 0;
    for (guint i = 0; i < page->items->len; i++) {
        const struct layout_item *item = item_at(page, i);
        if (item->kind != LAYOUT_TEXT || !g_str_has_prefix(item->text, start))
            continue;
        cr_assert(bottom <= 0, "'%s' occurs twice", start);
        cr_assert_geq(item->rect.y, above - SLACK, "'%s' is at %g, not below %g", start, item->rect.y, above);
        bottom = item->rect.y + item->rect.height;
    }
    cr_assert(bottom > 0, "no '%s'", start);
    return bottom;
}

static size_t count_tooltips(const struct layout_page *page, const char *start)
{
    size_t count = 0;
    for (guint i = 0; i < page->hits->len; i++) {
        const char *text = g_array_index(page->hits, struct layout_hit, i).tooltip;
        count += text && g_str_has_prefix(text, start);
    }
    return count;
}

Test(sheet, has_all_parts_in_order)
{
    static const struct figure_plan plan = {4, 3, 9, 4, 6200000000, true, 2};
    static const size_t counts[] = {0, 1, 2, 3, 20};
    static const double widths[] = {600, 1100, 4000};
    static struct made made;
    struct test_figure *test = figures_random(&plan);
    test->figure.title = figure_text("Typical loads");
    for (size_t i = 0; i < 15; i++) {
        size_t plots = counts[i % 5];
        make(&made, plots, &test->figure);
        struct layout *layout = sheet_layout(&made.figure, widths[i / 5], 32767);
        cr_assert_not_null(layout);
        cr_assert_eq(layout_page_count(layout), 1);
        const struct layout_page *page = layout_page(layout, 0);
        cr_assert(fabs(page->width - widths[i / 5]) < SLACK);
        check_page(page);
        double y = check_text(page, "after: 20", check_text(page, "before: 20 ", check_text(page, "Comparison", 0)));
        for (size_t k = 0; k < plots; k++) {
            char start[32];
            snprintf(start, sizeof start, "measure %zu,", k);
            double bottom = check_text(page, start, y);
            y = k % 2 == 1 ? bottom : y;
            cr_assert_eq(count_tooltips(page, made.titles[k]), 1, "the whole title of a plot");
        }
        check_text(page, "Typical loads", check_text(page, "What is to be seen.", y));
        cr_assert_gt(count_tooltips(page, "bar "), 0, "tooltips of the timeline");
        layout_free(layout);
    }
    figures_free(test);
}

/* What is higher than a picture may be is refused; a timeline with lower rows may fit where another does not. */
Test(sheet, is_not_too_high)
{
    static const struct figure_plan plan = {5, 6, 60, 2, 6200000000, false, 0};
    static struct made made;
    struct test_figure *test = figures_random(&plan);
    make(&made, 2, &test->figure);
    struct layout *layout = sheet_layout(&made.figure, 1100, 32767);
    cr_assert_not_null(layout);
    double height = layout_page(layout, 0)->height;
    layout_free(layout);
    layout = sheet_layout(&made.figure, 1100, height - 100);
    cr_assert_not_null(layout, "rows are made lower");
    cr_assert_leq(layout_page(layout, 0)->height, height - 100);
    layout_free(layout);
    cr_assert_null(sheet_layout(&made.figure, 1100, height / 4));
    make(&made, MOST_PLOTS, NULL);
    cr_assert_null(sheet_layout(&made.figure, 1100, 32767));
    struct render_buffer out = {0};
    cr_assert_eq(render_sheet(&made.figure, RENDER_PNG, NULL, &out), RENDER_TOO_LARGE);
    cr_assert_eq(out.len_bytes, 0);
    figures_free(test);
}

static unsigned big_endian(const char *bytes)
{
    const unsigned char *b = (const unsigned char *)bytes;
    return (unsigned)b[0] << 24 | (unsigned)b[1] << 16 | (unsigned)b[2] << 8 | b[3];
}

/* SVG and PNG have the same proportions. A tall PNG has fewer pixels for a unit. */
Test(sheet, is_drawn)
{
    static const struct figure_plan plan = {6, 2, 5, 3, 6200000000, false, 0};
    static struct made made;
    struct test_figure *test = figures_random(&plan);
    for (size_t plots = 3; plots <= 150; plots += 147) {
        struct render_buffer svg = {0}, png = {0};
        double width, height;
        make(&made, plots, &test->figure);
        cr_assert_eq(render_sheet(&made.figure, RENDER_SVG, NULL, &svg), RENDER_OK);
        cr_assert_eq(render_sheet(&made.figure, RENDER_PNG, NULL, &png), RENDER_OK);
        const char *size = strstr(svg.bytes, "<svg");
        cr_assert(size && sscanf(strstr(size, " width="), " width=\"%lf", &width) == 1);
        cr_assert_eq(sscanf(strstr(size, " height="), " height=\"%lf", &height), 1);
        cr_assert(fabs(width - 1100) < SLACK, "%g wide", width);
        double scale = big_endian(png.bytes + 16) / width;
        cr_assert(fabs(scale - (plots == 3 ? 2 : 1)) < 1e-9, "scale %g", scale);
        cr_assert(fabs(big_endian(png.bytes + 20) - height * scale) < 1, "%u high", big_endian(png.bytes + 20));
        render_buffer_fini(&svg);
        render_buffer_fini(&png);
    }
    figures_free(test);
}
