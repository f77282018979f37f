/* Properties that every layout of a plot has: texts apart, nothing outside, exact heights. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "render/plot_layout.h"

#define SLACK 0.05 /* rounding */

enum { MOST = 120, SERIES = 4, ROWS = 12, PHASES = 3 };

/* A plot with the memory that it points to. */
struct made {
    double x[SERIES][MOST], y[SERIES][MOST], low[SERIES][MOST], high[SERIES][MOST];
    double parts[ROWS][PHASES];
    struct plot_series series[SERIES];
    struct plot_strip strips[ROWS];
    struct plot_bar bars[ROWS];
    struct figure_phase palette[PHASES];
    struct plot_mark mark;
    struct figure_text note;
    struct plot_panel panels[2];
    struct plot_figure figure;
};

static unsigned long long state;

/* Return the next of a sequence of numbers in 0 … 1 that looks like chance (Knuth's MMIX generator). */
static double chance(void)
{
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (double)(state >> 11) / 9007199254740992.0;
}

static const char *const labels[] = {"before (n = 20)", "after", "",
                                     "a group with a name that is rather long (n = 1234567)"};

static void make_series(struct made *made, size_t count, double scale)
{
    for (size_t s = 0; s < SERIES; s++) {
        double x = scale * chance();
        for (size_t i = 0; i < count; i++) {
            made->x[s][i] = x += scale * chance() / 10;
            made->y[s][i] = (double)i / (double)count;
            made->low[s][i] = fmax(made->y[s][i] - 0.2, 0);
            made->high[s][i] = fmin(made->y[s][i] + 0.2, 1);
        }
        made->series[s] = (struct plot_series){.label = figure_text(labels[s]),
                                               .style = s,
                                               .x = made->x[s],
                                               .y = made->y[s],
                                               .low = made->low[s],
                                               .high = made->high[s],
                                               .count = count,
                                               .steps = s % 2 == 0};
    }
}

static void make_rows(struct made *made, size_t count, double scale)
{
    for (size_t i = 0; i < ROWS; i++) {
        made->strips[i] = (struct plot_strip){.label = figure_text(labels[i % 4]),
                                              .style = i,
                                              .values = made->x[i % SERIES],
                                              .count = count,
                                              .q1 = scale / 4,
                                              .median = scale / 2,
                                              .q3 = scale,
                                              .low = i % 2 ? (double)NAN : scale / 3,
                                              .high = i % 2 ? (double)NAN : scale * 0.7};
        for (size_t k = 0; k < PHASES; k++)
            made->parts[i][k] = i == 3 ? 0 : scale * chance();
        made->bars[i] = (struct plot_bar){.label = figure_text(i % 3 ? "www.example.org:443" : labels[3]),
                                          .parts = made->parts[i],
                                          .inferred = i % 4 == 2 ? made->parts[i - 1] : NULL};
    }
}

static void make(struct made *made, enum plot_kind kind, unsigned seed, size_t count, double scale, bool log)
{
    static const struct figure_phase palette[PHASES] = {{.label = {"SOCKS", 5}, .color = FIGURE_COLOR_SOCKS},
                                                        {.label = {"waiting", 7}, .color = FIGURE_COLOR_WAITING},
                                                        {.label = {"transfer", 8}, .color = FIGURE_COLOR_TRANSFER}};
    state = seed;
    make_series(made, count, scale);
    make_rows(made, count, scale);
    made->mark = (struct plot_mark){scale, figure_text("a mark")};
    made->note = figure_text("A note that is long enough to need more than one line where the figure is narrow.");
    made->panels[0] = (struct plot_panel){.kind = kind,
                                          .title = figure_text("Panel"),
                                          .x = {.label = figure_text("page load time"), .unit = PLOT_NS, .log = log},
                                          .y = {.label = figure_text("share of values"), .unit = PLOT_SHARE},
                                          .series = made->series,
                                          .series_count = SERIES,
                                          .strips = made->strips,
                                          .strip_count = ROWS,
                                          .palette = palette,
                                          .palette_count = PHASES,
                                          .bars = made->bars,
                                          .bar_count = ROWS,
                                          .marks = &made->mark,
                                          .mark_count = 1};
    made->panels[1] = made->panels[0];
    made->panels[1].same_x = true;
    made->figure = (struct plot_figure){.title = figure_text("A figure"),
                                        .notes = &made->note,
                                        .note_count = 1,
                                        .panels = made->panels,
                                        .panel_count = 2};
}

static void check_page(const struct layout_page *page, double width, double height)
{
    for (guint i = 0; i < page->items->len; i++) {
        const struct layout_item *item = &g_array_index(page->items, struct layout_item, i);
        const struct layout_rect *rect = &item->rect;
        cr_assert(rect->x >= -SLACK && rect->y >= -SLACK && rect->x + rect->width <= width + SLACK &&
                      rect->y + rect->height <= height + SLACK,
                  "item %u (%d, '%s') at %g %g, %g x %g, on %g x %g", i, (int)item->kind, item->text ? item->text : "",
                  rect->x, rect->y, rect->width, rect->height, width, height);
        for (guint k = 0; k < i && item->kind == LAYOUT_TEXT; k++) {
            const struct layout_item *other = &g_array_index(page->items, struct layout_item, k);
            cr_assert(other->kind != LAYOUT_TEXT || !layout_rects_overlap(rect, &other->rect, SLACK),
                      "'%s' and '%s' overlap at width %g", item->text, other->text, width);
        }
    }
}

/* Lay the figure out alone on a page; return its height. */
static double check_figure(const struct plot_figure *figure, double width, double height)
{
    static const struct plot_look look = {.titled = true};
    struct layout *layout = layout_new(&(struct text_font){.size = 11});
    cr_assert_geq(width, plot_layout_least_width(layout));
    double wanted = plot_layout_height(layout, figure, width, &look);
    cr_expect_eq(layout_page_count(layout), 0, "measuring leaves no page");
    struct layout_page *page = layout_add_page(layout, width, 1);
    double taken = plot_layout_add(layout, page, figure, (struct layout_rect){0, 0, width, height}, &look);
    if (height > 0)
        cr_assert(fabs(taken - height) < SLACK, "%g high, not %g", taken, height);
    else
        cr_assert(fabs(taken - wanted) < SLACK, "%g high, not %g", taken, wanted);
    check_page(page, width, taken);
    layout_free(layout);
    return taken;
}

/* 60 mm, 84 mm and 170 mm with text of 8 pt, in units of 8/11 pt. */
static const double widths[] = {234, 327, 663};

Test(plot, properties)
{
    static struct made made;
    static const double scales[] = {5, 3e6, 2.5e9, 9e12};
    for (unsigned seed = 0; seed < 60; seed++) {
        enum plot_kind kind = (enum plot_kind)(seed % 3);
        size_t count = seed % 5 == 0 ? 1 : seed % 5 == 1 ? 2 : MOST;
        make(&made, kind, seed, count, scales[seed % 4], seed % 7 == 0 && kind != PLOT_BARS);
        for (size_t i = 0; i < 3; i++) {
            double height = check_figure(&made.figure, widths[i], 0);
            check_figure(&made.figure, widths[i], height + 111);
            check_figure(&made.figure, widths[i], height - 40);
        }
    }
}

Test(plot, nothing)
{
    static const struct plot_figure empty = {.empty_label = {"No value was recorded.", 22}};
    for (size_t i = 0; i < 3; i++)
        cr_expect_gt(check_figure(&empty, widths[i], 0), 0);
}

/* Constants, zeros on a logarithmic axis, and one value. */
Test(plot, values_without_range)
{
    static struct made made;
    for (int kind = 0; kind < 3; kind++) {
        for (int log = 0; log < 2; log++) {
            for (int zero = 0; zero < 2; zero++) {
                make(&made, (enum plot_kind)kind, 1, MOST, 1e9, log == 1);
                for (size_t i = 0; i < MOST; i++)
                    made.x[0][i] = made.x[1][i] = made.x[2][i] = made.x[3][i] = zero ? 0 : 1e9;
                memset(made.parts, 0, sizeof made.parts);
                check_figure(&made.figure, widths[1], 0);
            }
        }
    }
}

/* A hundred thousand values in a picture of a few hundred pixels: what it takes depends on the picture. */
Test(plot, many_values_take_no_more_than_few)
{
    enum { MANY = 100000 };
    double *x = g_new(double, MANY), *y = g_new(double, MANY);
    for (size_t i = 0; i < MANY; i++) {
        x[i] = (double)i;
        y[i] = chance();
    }
    const struct plot_series series = {.x = x, .y = y, .count = MANY};
    const struct plot_panel panel = {.kind = PLOT_LINES, .series = &series, .series_count = 1};
    const struct plot_figure figure = {.panels = &panel, .panel_count = 1};
    static const struct plot_look look = {.titled = false};
    struct layout *layout = layout_new(NULL);
    struct layout_page *page = layout_add_page(layout, 327, 1);
    plot_layout_add(layout, page, &figure, (struct layout_rect){0, 0, 327, 0}, &look);
    size_t points = 0;
    for (guint i = 0; i < page->items->len; i++)
        points += g_array_index(page->items, struct layout_item, i).point_count;
    cr_expect_gt(points, 327);
    cr_expect_leq(points, 4 * 2 * 328, "four points for each half unit: %zu", points);
    layout_free(layout);
    g_free(x);
    g_free(y);
}
