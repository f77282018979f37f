/* Properties that every layout has, over many made-up figures. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "figures.h"
#include "render/layout.h"
#include "render/timeline.h"

#define SLACK 0.05 /* rounding */

static const struct timeline_options picture = {.width = 1100, .max_height = 32767};
static const struct timeline_options narrow = {.width = 600, .max_height = 32767};
static const struct timeline_options pages = {.width = 1123, .page_height = 793, .index = true};
static const struct timeline_options small_pages = {.width = 560, .page_height = 560, .index = true};
/* Figures for papers: 84 mm and 170 mm wide with text of 8 pt, and the narrowest. */
static const struct text_font one_size = {.size = 11};
static const struct timeline_options column = {
    .width = 327, .max_height = 32767, .bare = true, .titled = true, .font = &one_size};
static const struct timeline_options columns = {.width = 662, .max_height = 32767, .bare = true, .font = &one_size};
static const struct timeline_options narrowest = {
    .width = TIMELINE_LEAST_WIDTH, .max_height = 32767, .bare = true, .font = &one_size};
static const struct timeline_options *const all_options[] = {&picture, &narrow,  &pages,    &small_pages,
                                                             &column,  &columns, &narrowest};

static const struct figure_plan plans[] = {
    {1, 0, 0, 3, 1000000000, false, 0},
    {2, 1, 1, 3, 3000000, false, 0},
    {3, 2, 5, 4, 6200000000, false, 0},
    {4, 9, 50, 6, 30000000000, false, 0},
    {5, 60, 500, 6, 180000000000, false, 0},
    {6, 300, 2000, 5, 10800000000000, false, 0},
    {7, 1, 500, 2, 6200000000, false, 0},
    {8, 3, 4, 400, 6200000000, false, 0},
    {9, 2, 9, 5, 6200000000, true, 0},
    {10, 20, 120, 6, 1000, true, 0},
    {11, 100, 600, 8, 50000000000000, true, 0},
    {12, 5, 5, 3, 1, false, 0},
    /* Connections of several lanes: 1, 5, 100 and 500 of them. */
    {13, 1, 1, 4, 6200000000, false, 1},
    {14, 3, 6, 4, 6200000000, false, 24},
    {15, 10, 100, 4, 6200000000, false, 8},
    {16, 1, 1, 1, 6200000000, false, 500},
    {17, 6, 500, 3, 60000000000, false, 4},
    {18, 5, 12, 4, 6200000000, true, 12},
};

static const struct layout_item *item_at(const struct layout_page *page, guint i)
{
    return &g_array_index(page->items, struct layout_item, i);
}

static const struct layout_hit *hit_at(const struct layout_page *page, guint i)
{
    return &g_array_index(page->hits, struct layout_hit, i);
}

static bool same_color(struct figure_color a, struct figure_color b)
{
    return a.red == b.red && a.green == b.green && a.blue == b.blue;
}

/* Return whether `item` is a bar, a part of the share bar or a sample of the legend. */
static bool is_phase_rect(const struct timeline_figure *figure, const struct layout_item *item)
{
    for (size_t i = 0; i < figure->palette_count; i++) {
        bool filled = item->kind == LAYOUT_RECT || item->kind == LAYOUT_HATCH;
        if (filled && same_color(item->color, figure->palette[i].color))
            return true;
    }
    return false;
}

static void check_inside(const struct layout_page *page)
{
    for (guint i = 0; i < page->items->len; i++) {
        const struct layout_rect *rect = &item_at(page, i)->rect;
        cr_assert(rect->x >= 0 && rect->y >= 0 && rect->width >= 0 && rect->height >= 0, "item %u begins at %g %g", i,
                  rect->x, rect->y);
        cr_assert(rect->x + rect->width <= page->width && rect->y + rect->height <= page->height,
                  "item %u reaches to %g %g on a page of %g x %g: %s", i, rect->x + rect->width, rect->y + rect->height,
                  page->width, page->height, item_at(page, i)->text ? item_at(page, i)->text : "");
    }
    for (guint i = 0; i < page->hits->len; i++) {
        const struct layout_rect *rect = &hit_at(page, i)->rect;
        cr_assert(rect->x >= 0 && rect->y >= 0 && rect->x + rect->width <= page->width &&
                  rect->y + rect->height <= page->height);
        cr_assert(rect->width > 0 && rect->height > 0);
    }
}

/* Return the items of `page` that `choose` picks, from top to bottom. */
static GPtrArray *pick(const struct timeline_figure *figure, const struct layout_page *page,
                       bool (*choose)(const struct timeline_figure *, const struct layout_item *))
{
    GPtrArray *picked = g_ptr_array_new();
    for (guint i = 0; i < page->items->len; i++) {
        if (choose(figure, item_at(page, i)))
            g_ptr_array_add(picked, &g_array_index(page->items, struct layout_item, i));
    }
    return picked;
}

static int compare_tops(const void *left, const void *right)
{
    double a = (*(const struct layout_item *const *)left)->rect.y;
    double b = (*(const struct layout_item *const *)right)->rect.y;
    return a < b ? -1 : a > b;
}

/* Check that no two of the picked items overlap. */
static void check_apart(GPtrArray *picked, const char *what)
{
    g_ptr_array_sort(picked, compare_tops);
    for (guint i = 0; i < picked->len; i++) {
        const struct layout_item *a = picked->pdata[i];
        for (guint k = i + 1; k < picked->len; k++) {
            const struct layout_item *b = picked->pdata[k];
            if (b->rect.y >= a->rect.y + a->rect.height)
                break;
            cr_assert(!layout_rects_overlap(&a->rect, &b->rect, SLACK),
                      "two %s overlap: %g %g %g %g '%s' and %g %g %g %g '%s'", what, a->rect.x, a->rect.y,
                      a->rect.width, a->rect.height, a->text ? a->text : "", b->rect.x, b->rect.y, b->rect.width,
                      b->rect.height, b->text ? b->text : "");
        }
    }
    g_ptr_array_free(picked, TRUE);
}

static bool is_text(const struct timeline_figure *figure, const struct layout_item *item)
{
    (void)figure;
    return item->kind == LAYOUT_TEXT;
}

/* Bars, and the texts in red, which must not hide them. */
static bool is_bar_or_failure(const struct timeline_figure *figure, const struct layout_item *item)
{
    return is_phase_rect(figure, item) || (item->kind == LAYOUT_TEXT && same_color(item->color, INK_FAILURE));
}

static bool is_stall(const struct timeline_figure *figure, const struct layout_item *item)
{
    (void)figure;
    return item->kind == LAYOUT_RECT && same_color(item->color, INK_STALL);
}

/* Return whether `line` lies along the lower edge of `bar`. */
static bool is_along(const struct layout_rect *line, const struct layout_rect *bar)
{
    return line->x >= bar->x - SLACK && line->x + line->width <= bar->x + bar->width + SLACK &&
           line->height < bar->height && fabs(line->y + line->height - bar->y - bar->height) < SLACK;
}

/* Check that the lines of stalls lie along bars, or the sample of the legend. */
static void check_stalls(const struct timeline_figure *figure, const struct layout_page *page)
{
    for (guint i = 0; i < page->items->len; i++) {
        if (!is_stall(figure, item_at(page, i)))
            continue;
        guint k = i; /* the bar is below it */
        while (k > 0 && !(is_phase_rect(figure, item_at(page, k - 1)) &&
                          is_along(&item_at(page, i)->rect, &item_at(page, k - 1)->rect)))
            k--;
        cr_assert(k > 0, "line %u at %g %g", i, item_at(page, i)->rect.x, item_at(page, i)->rect.y);
    }
}

static void check_bars_visible(const struct timeline_figure *figure, const struct layout_page *page)
{
    for (guint i = 0; i < page->items->len; i++) {
        if (!is_phase_rect(figure, item_at(page, i)) || item_at(page, i)->rect.height > 15)
            continue; /* the share bar is to scale */
        cr_assert(item_at(page, i)->rect.width >= 0.5 && item_at(page, i)->rect.height >= 2);
    }
}

/* Return the number of bars of the figure that touch its time axis. */
static size_t count_bars(const struct timeline_figure *figure)
{
    size_t count = 0;
    for (size_t g = 0; g < figure->group_count; g++) {
        for (size_t l = 0; l < figure->groups[g].lane_count; l++) {
            const struct figure_lane *lane = &figure->groups[g].lanes[l];
            for (size_t i = 0; i < lane->bar_count; i++) {
                int64_t to_ns = MAX(lane->bars[i].from_ns, lane->bars[i].to_ns);
                count += lane->bars[i].from_ns <= figure->to_ns && to_ns >= figure->from_ns;
            }
        }
    }
    return count;
}

/* Check that the bars that have no hit area are those that the note at the end owns up to, dots included. */
static void check_hits(const struct timeline_figure *figure, const struct layout *layout)
{
    size_t found = 0;
    unsigned long crowded = 0;
    for (size_t p = 0; p < layout_page_count(layout); p++) {
        const struct layout_page *page = layout_page(layout, p);
        for (guint i = 0; i < page->hits->len; i++)
            found += hit_at(page, i)->tooltip && strncmp(hit_at(page, i)->tooltip, "bar ", 4) == 0;
        for (guint i = 0; i < page->items->len; i++) {
            const char *text = item_at(page, i)->text;
            if (text && g_str_has_prefix(text, "Not drawn: "))
                crowded = strtoul(text + strlen("Not drawn: "), NULL, 10);
        }
    }
    size_t expected = count_bars(figure);
    cr_assert(found <= expected && found + crowded >= expected, "%zu of %zu bars, %lu crowded", found, expected,
              crowded);
}

/* Check that each connection begins on exactly one page. */
static void check_lanes(const struct timeline_figure *figure, const struct layout *layout)
{
    size_t lanes = 0;
    for (size_t i = 0; i < figure->group_count; i++) {
        for (size_t k = 0; k < figure->groups[i].lane_count; k++)
            lanes += !figure->groups[i].lanes[k].continues;
    }
    size_t *seen = g_new0(size_t, lanes + 1);
    for (size_t p = 0; p < layout_page_count(layout); p++) {
        const struct layout_page *page = layout_page(layout, p);
        for (guint i = 0; i < page->anchors->len; i++) {
            const char *name = g_array_index(page->anchors, struct layout_anchor, i).name;
            if (strncmp(name, "lane-", 5) == 0)
                seen[strtoul(name + 5, NULL, 10)]++;
        }
    }
    cr_assert_eq(seen[0], 0);
    for (size_t i = 1; i <= lanes; i++)
        cr_assert_eq(seen[i], 1);
    g_free(seen);
}

static void check_layout(const struct timeline_figure *figure, const struct timeline_options *options)
{
    struct layout *layout = timeline_layout(figure, options);
    cr_assert(layout != NULL);
    for (size_t p = 0; p < layout_page_count(layout); p++) {
        const struct layout_page *page = layout_page(layout, p);
        check_inside(page);
        check_apart(pick(figure, page, is_text), "texts");
        check_apart(pick(figure, page, is_bar_or_failure), "bars or failure labels");
        check_bars_visible(figure, page);
        check_stalls(figure, page);
        check_apart(pick(figure, page, is_stall), "lines of stalls");
    }
    check_hits(figure, layout);
    check_lanes(figure, layout);
    layout_free(layout);
}

Test(layout, properties)
{
    for (size_t i = 0; i < G_N_ELEMENTS(plans); i++) {
        struct test_figure *test = figures_random(&plans[i]);
        for (size_t k = 0; k < G_N_ELEMENTS(all_options); k++)
            check_layout(&test->figure, all_options[k]);
        figures_free(test);
    }
}

Test(layout, hostile_figures)
{
    for (uint64_t seed = 100; seed < 160; seed++) {
        struct figure_plan plan = {seed,
                                   1 + seed % 7,
                                   7 + seed % 40,
                                   1 + seed % 9,
                                   1 + (int64_t)(seed * seed * seed),
                                   true,
                                   seed % 3 == 0 ? seed % 7 : 0};
        struct test_figure *test = figures_random(&plan);
        check_layout(&test->figure, all_options[seed % G_N_ELEMENTS(all_options)]);
        figures_free(test);
    }
}

Test(layout, zero_figure)
{
    static const struct timeline_figure nothing;
    for (size_t k = 0; k < G_N_ELEMENTS(all_options); k++)
        check_layout(&nothing, all_options[k]);
}

Test(layout, too_large)
{
    struct figure_plan plan = {1, 1, 3000, 1, 1000000000, false, 0};
    struct test_figure *test = figures_random(&plan);
    struct timeline_options low = {.width = 1100, .max_height = 5000};
    cr_assert(timeline_layout(&test->figure, &low) == NULL);
    low.max_height = 10000; /* 3,000 rows of 3 units fit, of 5 do not */
    struct layout *layout = timeline_layout(&test->figure, &low);
    cr_assert(layout != NULL);
    cr_assert(layout_page(layout, 0)->height <= 10000);
    layout_free(layout);
    figures_free(test);
}

/* Return the text `string` of the layout's first page, or NULL. */
static const struct layout_item *find_text(const struct layout *layout, const char *string)
{
    const struct layout_page *page = layout_page(layout, 0);
    for (guint i = 0; i < page->items->len; i++) {
        if (g_strcmp0(item_at(page, i)->text, string) == 0)
            return item_at(page, i);
    }
    return NULL;
}

static const struct figure_phase two_phases[] = {{.label = {"SOCKS", 5}, .color = FIGURE_COLOR_SOCKS},
                                                 {.label = {"transfer", 8}, .color = FIGURE_COLOR_TRANSFER}};

/* Fill `lanes` with connections of `height` lanes each, every lane with one bar whose tooltip is "CONNECTION". */
static void make_connections(struct figure_lane *lanes, const struct figure_bar *bars, size_t count, size_t height)
{
    for (size_t i = 0; i < count; i++)
        lanes[i] = (struct figure_lane){.continues = i % height != 0,
                                        .label = i % height == 0 ? figure_text("7") : (struct figure_text){NULL, 0},
                                        .to_ns = 1000,
                                        .bars = &bars[i / height],
                                        .bar_count = 1,
                                        .end = i % height == 0 ? FIGURE_END_CLOSED : FIGURE_END_NONE};
}

/* Return the number of hit areas on `page` with the tooltip `tooltip`. */
static size_t count_hits(const struct layout_page *page, const char *tooltip)
{
    size_t count = 0;
    for (guint i = 0; i < page->hits->len; i++)
        count += g_strcmp0(hit_at(page, i)->tooltip, tooltip) == 0;
    return count;
}

/* Connections of 20 lanes are not torn, although pages end at other places. */
Test(layout, lanes_of_a_connection_are_on_one_page)
{
    enum { CONNECTIONS = 13, HEIGHT = 20 };
    static char names[CONNECTIONS][20];
    static struct figure_bar bars[CONNECTIONS];
    static struct figure_lane lanes[CONNECTIONS * HEIGHT];
    for (size_t i = 0; i < CONNECTIONS; i++) {
        g_snprintf(names[i], sizeof names[i], "connection %zu", i);
        bars[i] = (struct figure_bar){.from_ns = 100, .to_ns = 900, .tooltip = figure_text(names[i])};
    }
    make_connections(lanes, bars, CONNECTIONS * HEIGHT, HEIGHT);
    const struct figure_group group = {
        .label = figure_text("a.example"), .lanes = lanes, .lane_count = CONNECTIONS * HEIGHT};
    const struct timeline_figure figure = {
        .to_ns = 1000, .palette = two_phases, .palette_count = 2, .groups = &group, .group_count = 1};
    struct layout *layout = timeline_layout(&figure, &small_pages);
    cr_assert_gt(layout_page_count(layout), 3);
    for (size_t p = 0; p < layout_page_count(layout); p++) {
        for (size_t i = 0; i < CONNECTIONS; i++) {
            size_t count = count_hits(layout_page(layout, p), names[i]);
            cr_expect(count == 0 || count == HEIGHT, "page %zu has %zu lanes of connection %zu", p + 1, count, i);
        }
    }
    layout_free(layout);
}

/* Lanes of one connection lie closer together than connections; there is one life line, circle and bracket. */
Test(layout, lanes_of_a_connection_belong_together)
{
    static const struct figure_bar bars[] = {{.from_ns = 100, .to_ns = 900}, {.from_ns = 100, .to_ns = 900}};
    struct figure_lane lanes[6];
    make_connections(lanes, bars, 6, 3);
    const struct figure_group group = {.label = figure_text("a.example"), .lanes = lanes, .lane_count = 6};
    const struct timeline_figure figure = {
        .to_ns = 1000, .palette = two_phases, .palette_count = 2, .groups = &group, .group_count = 1};
    struct layout *layout = timeline_layout(&figure, &column);
    const struct layout_page *page = layout_page(layout, 0);
    double tops[7] = {0};
    size_t bars_seen = 0, lines = 0, circles = 0, brackets = 0;
    for (guint i = 0; i < page->items->len; i++) {
        const struct layout_item *item = item_at(page, i);
        if (is_phase_rect(&figure, item) && item->rect.width > 20 && bars_seen < 7)
            tops[bars_seen++] = item->rect.y;
        lines += item->kind == LAYOUT_LINE && same_color(item->color, INK_LIFE);
        circles += item->kind == LAYOUT_DOT;
        brackets += item->kind == LAYOUT_PATH;
    }
    cr_assert_eq(bars_seen, 6);
    cr_expect_lt(tops[2] - tops[1], tops[3] - tops[2] - 2);
    cr_expect_float_eq(tops[1] - tops[0], tops[2] - tops[1], 0.01);
    cr_expect_eq(lines, 2);
    cr_expect_eq(circles, 3, "two ends, and their entry of the legend");
    cr_expect_eq(brackets, 2);
    layout_free(layout);
}

/* Where rows are too low for both, the label of a connection comes before that of the last lane of another. */
Test(layout, labels_of_connections_come_first)
{
    enum { CONNECTIONS = 200, HEIGHT = 8 };
    static struct figure_bar bars[CONNECTIONS];
    static struct figure_lane lanes[CONNECTIONS * HEIGHT];
    for (size_t i = 0; i < CONNECTIONS; i++)
        bars[i] = (struct figure_bar){.from_ns = 100, .to_ns = 900};
    make_connections(lanes, bars, CONNECTIONS * HEIGHT, HEIGHT);
    for (size_t i = HEIGHT - 1; i < CONNECTIONS * HEIGHT; i += HEIGHT)
        lanes[i].label = figure_text("+85");
    const struct figure_group group = {
        .label = figure_text("a.example"), .lanes = lanes, .lane_count = CONNECTIONS * HEIGHT};
    const struct timeline_figure figure = {
        .to_ns = 1000, .palette = two_phases, .palette_count = 2, .groups = &group, .group_count = 1};
    struct layout *layout = timeline_layout(&figure, &picture);
    const struct layout_page *page = layout_page(layout, 0);
    size_t labels = 0;
    for (guint i = 0; i < page->items->len; i++)
        labels += g_strcmp0(item_at(page, i)->text, "7") == 0;
    cr_expect_eq(labels, CONNECTIONS);
    check_apart(pick(&figure, page, is_text), "texts");
    layout_free(layout);
}

/* Inferred bars are hatched in the colour of their phase, dots of them hollow, and the legend says so. */
Test(layout, inferred_bars_are_hatched)
{
    static const struct figure_phase palette[] = {
        {.label = {"transfer", 8}, .color = FIGURE_COLOR_TRANSFER, .dot_when_short = true}};
    static const struct figure_bar bars[] = {{.from_ns = 100, .to_ns = 400, .inferred = true},
                                             {.from_ns = 500, .to_ns = 500, .inferred = true},
                                             {.from_ns = 600, .to_ns = 900}};
    const struct figure_lane lane = {.to_ns = 1000, .bars = bars, .bar_count = 3};
    const struct figure_group group = {.label = figure_text("a.example"), .lanes = &lane, .lane_count = 1};
    const struct timeline_figure figure = {.to_ns = 1000,
                                           .palette = palette,
                                           .palette_count = 1,
                                           .groups = &group,
                                           .group_count = 1,
                                           .inferred_label = figure_text("inferred (encrypted)")};
    struct layout *layout = timeline_layout(&figure, &picture);
    const struct layout_page *page = layout_page(layout, 0);
    size_t hatched = 0, rings = 0, filled = 0;
    for (guint i = 0; i < page->items->len; i++) {
        const struct layout_item *item = item_at(page, i);
        bool own = same_color(item->color, palette[0].color);
        hatched += own && item->kind == LAYOUT_HATCH;
        rings += own && item->kind == LAYOUT_RING;
        filled += own && item->kind == LAYOUT_RECT;
    }
    cr_expect_eq(hatched, 1);
    cr_expect_eq(rings, 1);
    cr_expect_eq(filled, 2, "the exact bar and the phase's entry of the legend");
    cr_expect(find_text(layout, "inferred (encrypted)") != NULL);
    layout_free(layout);
}

/* A failure at the end of the axis has its label too: left of the lane, whole. */
Test(layout, late_failures_have_labels)
{
    static const struct figure_phase palette[] = {{.label = {"SOCKS", 5}, .color = FIGURE_COLOR_SOCKS}};
    static const struct figure_bar bar = {.from_ns = 800, .to_ns = 990};
    const struct figure_failure failure = {.t_ns = 990,
                                           .label = figure_text("onion service descriptor not found (F0)")};
    const struct figure_lane lane = {
        .from_ns = 800, .to_ns = 990, .bars = &bar, .bar_count = 1, .failures = &failure, .failure_count = 1};
    const struct figure_group group = {.label = figure_text("a.example"), .lanes = &lane, .lane_count = 1};
    const struct timeline_figure figure = {
        .to_ns = 1000, .palette = palette, .palette_count = 1, .groups = &group, .group_count = 1};
    for (size_t k = 0; k < 2; k++) {
        struct layout *layout = timeline_layout(&figure, all_options[k]);
        const struct layout_item *label = find_text(layout, "onion service descriptor not found (F0)");
        cr_assert(label != NULL);
        const struct layout_page *page = layout_page(layout, 0);
        for (guint i = 0; i < page->items->len; i++) {
            const struct layout_item *item = item_at(page, i);
            if (item->kind == LAYOUT_RECT && same_color(item->color, palette[0].color) && item->rect.y > 60)
                cr_expect_leq(label->rect.x + label->rect.width, item->rect.x);
        }
        layout_free(layout);
    }
}

/* A dot's colour is explained even where nothing else has it. */
Test(layout, the_legend_has_the_phases_of_dots)
{
    static const struct figure_phase palette[] = {
        {.label = {"transfer", 8}, .color = FIGURE_COLOR_TRANSFER, .dot_when_short = true},
        {.label = {"TLS data", 8}, .color = {0x8a, 0x5f, 0xb0}, .dot_when_short = true}};
    static const struct figure_bar bars[] = {{.phase = 0, .from_ns = 100, .to_ns = 100},
                                             {.phase = 1, .from_ns = 500, .to_ns = 500}};
    const struct figure_lane lane = {.to_ns = 1000, .bars = bars, .bar_count = 2};
    const struct figure_group group = {.label = figure_text("a.example"), .lanes = &lane, .lane_count = 1};
    const struct timeline_figure figure = {
        .to_ns = 1000, .palette = palette, .palette_count = 2, .groups = &group, .group_count = 1};
    struct layout *layout = timeline_layout(&figure, &picture);
    cr_expect(find_text(layout, "TLS data") != NULL);
    layout_free(layout);
}

/* What stands left of the share bar is not cut short in the narrowest picture. */
Test(layout, the_note_on_shares_is_whole)
{
    static const struct figure_phase palette[] = {{.label = {"SOCKS", 5}, .color = FIGURE_COLOR_SOCKS}};
    static const struct figure_share share = {.amount = 1};
    const struct timeline_figure figure = {.to_ns = 1000,
                                           .palette = palette,
                                           .palette_count = 1,
                                           .shares = &share,
                                           .share_count = 1,
                                           .shares_label = figure_text("where the time went"),
                                           .shares_note = figure_text("sum over 500 connections; idle time left out")};
    struct layout *layout = timeline_layout(&figure, &narrow);
    cr_expect(find_text(layout, "sum over 500 connections;") != NULL);
    cr_expect(find_text(layout, "idle time left out") != NULL);
    layout_free(layout);
}

/* Nor are the labels of small parts left out there, nor a longer note. */
Test(layout, small_shares_are_labelled_in_the_narrowest_picture)
{
    static const struct figure_phase palette[] = {{.label = {"SOCKS", 5}, .color = FIGURE_COLOR_SOCKS},
                                                  {.label = {"waiting", 7}, .color = FIGURE_COLOR_WAITING},
                                                  {.label = {"transfer", 8}, .color = FIGURE_COLOR_TRANSFER}};
    static const struct figure_share shares[] = {
        {.phase = 0, .amount = 10},  {.phase = 0, .amount = 20, .inferred = true},
        {.phase = 1, .amount = 900}, {.phase = 1, .amount = 30, .inferred = true},
        {.phase = 2, .amount = 30},  {.phase = 2, .amount = 10, .inferred = true}};
    const struct timeline_figure figure = {
        .to_ns = 1000,
        .palette = palette,
        .palette_count = G_N_ELEMENTS(palette),
        .shares = shares,
        .share_count = G_N_ELEMENTS(shares),
        .shares_label = figure_text("where the time went"),
        .shares_note = figure_text("sum over 500 connections, each stream by itself; idle time left out")};
    struct layout *layout = timeline_layout(&figure, &narrow);
    static const char *const texts[] = {
        "SOCKS 1 %",    "SOCKS (inferred) 2 %",    "waiting 90 %", "waiting (inferred) 3 %",
        "transfer 3 %", "transfer (inferred) 1 %", "time left out"};
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        cr_expect(find_text(layout, texts[i]) != NULL, "%s", texts[i]);
    layout_free(layout);
}

Test(layout, empty_says_so)
{
    struct figure_plan plan = {1, 0, 0, 0, 1000000000, false, 0};
    struct test_figure *test = figures_random(&plan);
    struct layout *layout = timeline_layout(&test->figure, &picture);
    const struct layout_page *page = layout_page(layout, 0);
    bool said = false;
    for (guint i = 0; i < page->items->len; i++)
        said = said || g_strcmp0(item_at(page, i)->text, "No connections recorded.") == 0;
    cr_assert(said);
    layout_free(layout);
    figures_free(test);
}

Test(layout, local_links)
{
    static const char *const local[] = {"#connection-435", "page.html#x", "a/b?c=d:e", "/x", "?a=//b"};
    static const char *const refused[] = {"http://example.org/",
                                          "//example.org",
                                          "javascript:alert(1)",
                                          "",
                                          "a b",
                                          "#\x01",
                                          "#\xff",
                                          "a\\b",
                                          "/x//y",
                                          "#\"x"};
    for (size_t i = 0; i < G_N_ELEMENTS(local); i++)
        cr_assert(layout_link_is_local(figure_text(local[i])), "%s", local[i]);
    for (size_t i = 0; i < G_N_ELEMENTS(refused); i++)
        cr_assert(!layout_link_is_local(figure_text(refused[i])), "%s", refused[i]);
}
