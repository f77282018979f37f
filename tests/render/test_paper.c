/* Documents on paper: what is where on their pages. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "figures.h"
#include "render/paper_parts.h"

#define SLACK 0.6 /* rounding, and the space at the end of a line */

static const struct paper_options usual = {
    .title = {"A document", 10}, .footer = {"the foot", 8}, .created_s = 1700000000, .contents = true};

static const struct layout_item *item_at(const struct layout_page *page, guint i)
{
    return &g_array_index(page->items, struct layout_item, i);
}

/* Return how many texts on `page` are `text`. */
static size_t count_on(const struct layout_page *page, const char *text)
{
    size_t n = 0;
    for (guint i = 0; i < page->items->len; i++)
        n += item_at(page, i)->kind == LAYOUT_TEXT && strcmp(item_at(page, i)->text, text) == 0;
    return n;
}

static size_t count_text(const struct paper *paper, const char *text)
{
    size_t n = 0;
    for (size_t i = 0; i < layout_page_count(paper->layout); i++)
        n += count_on(layout_page(paper->layout, i), text);
    return n;
}

/* Check that the texts of `page` lie between the margins and hide nothing of each other. */
static void check_texts(const struct paper *paper, const struct layout_page *page, size_t number)
{
    for (guint i = 0; i < page->items->len; i++) {
        const struct layout_item *item = item_at(page, i);
        const struct layout_rect *rect = &item->rect;
        cr_assert(rect->x >= 0 && rect->x + rect->width <= paper->width, "page %zu: an item reaches out", number);
        if (item->kind != LAYOUT_TEXT)
            continue;
        cr_assert(rect->x >= paper->left - SLACK && rect->x + rect->width <= paper->right + SLACK,
                  "page %zu: %s (%g … %g)", number, item->text, rect->x, rect->x + rect->width);
        cr_assert(rect->y >= paper->top - SLACK && rect->y + rect->height <= paper->height - 20, "page %zu: %s", number,
                  item->text);
        for (guint k = 0; k < i; k++) {
            const struct layout_item *other = item_at(page, k);
            cr_assert(other->kind != LAYOUT_TEXT || !layout_rects_overlap(rect, &other->rect, SLACK),
                      "page %zu: '%s' hides '%s'", number, item->text, other->text);
        }
    }
}

/* Check what holds for every document that is complete. */
static void check_document(const struct paper *paper)
{
    size_t count = layout_page_count(paper->layout);
    for (size_t i = 0; i < count; i++) {
        char number[60];
        snprintf(number, sizeof number, "page %zu of %zu", i + 1, count);
        cr_assert_eq(count_on(layout_page(paper->layout, i), number), 1, "%s", number);
        check_texts(paper, layout_page(paper->layout, i), i + 1);
    }
    for (guint i = 0; i < paper->layout->bookmarks->len; i++) {
        const struct layout_bookmark *heading = &g_array_index(paper->layout->bookmarks, struct layout_bookmark, i);
        const struct layout_page *page = layout_page(paper->layout, heading->page);
        bool followed = false;
        for (guint k = 0; k < page->items->len; k++) {
            const struct layout_item *item = item_at(page, k);
            bool is_text = item->kind == LAYOUT_TEXT && item->style != TEXT_CHAPTER && item->style != TEXT_SECTION;
            followed = followed || (is_text && item->rect.y > heading->y && item->rect.y < paper->bottom);
        }
        cr_assert(followed, "nothing follows '%s' on page %zu", heading->text, heading->page + 1);
    }
}

/* Add a table of `rows` rows whose first cells are "row N"; every tenth has a long text. */
static void add_table(struct paper *paper, size_t rows)
{
    const struct paper_column columns[] = {{figure_text("Name"), false},
                                           {figure_text("A number of things"), true},
                                           {figure_text("What is said of it"), false}};
    char(*names)[40] = calloc(rows, sizeof *names);
    struct paper_cell *cells = calloc(rows * 3, sizeof *cells);
    char word[256];
    memset(word, 'w', sizeof word - 1);
    word[255] = '\0';
    for (size_t i = 0; i < rows; i++) {
        snprintf(names[i], sizeof *names, "row %zu", i);
        cells[3 * i] = (struct paper_cell){.text = figure_text(names[i]), .link = "first", .strong = i % 7 == 0};
        cells[3 * i + 1].text = figure_text("1,234,567");
        cells[3 * i + 2].text = figure_text(i % 10 == 9 ? word : "words that are short");
        cells[3 * i + 2].anchor = i == 0 ? "first" : NULL;
    }
    paper_table(paper, figure_text("The caption"), columns, 3, cells, rows);
    free(cells);
    free(names);
}

Test(paper, whole_documents)
{
    /* Different lengths of what comes before, so that pages end at every place. */
    for (size_t before = 0; before < 60; before++) {
        struct paper_options options = usual;
        options.size = before % 2 == 0 ? PAPER_A4 : PAPER_LETTER;
        options.contents = before % 3 != 0;
        struct paper *paper = paper_new(&options);
        for (size_t i = 0; i < before; i++)
            paper_paragraph(paper, figure_text("A line."), i % 5 == 4);
        for (int chapter = 0; chapter < 3; chapter++) {
            paper_heading(paper, 1, figure_text("A chapter"), "chapter");
            paper_heading(paper, 2, figure_text("A section"), NULL);
            add_table(paper, 5 + before);
            paper_heading(paper, 2, figure_text("Another section"), NULL);
            paper_note(paper, figure_text("A note."));
        }
        paper_complete(paper);
        check_document(paper);
        cr_assert_eq(paper->layout->bookmarks->len, 9);
        paper_free(paper);
    }
}

Test(paper, a_head_on_each_page_and_each_row_once)
{
    struct paper *paper = paper_new(&usual);
    enum { ROWS = 2000 };
    paper_heading(paper, 1, figure_text("Rows"), NULL);
    add_table(paper, ROWS);
    paper_complete(paper);
    size_t pages = layout_page_count(paper->layout);
    cr_assert_gt(pages, 20);
    for (size_t i = 1; i < pages; i++) /* the first page has the contents */
        cr_assert_eq(count_on(layout_page(paper->layout, i), "Name"), 1, "page %zu", i + 1);
    for (size_t i = 0; i < ROWS; i++) {
        char name[40];
        snprintf(name, sizeof name, "row %zu", i);
        if (i % 97 == 0 || i + 1 == ROWS)
            cr_assert_eq(count_text(paper, name), 1, "%s", name);
    }
    paper_free(paper);
}

Test(paper, contents_name_the_pages)
{
    struct paper *paper = paper_new(&usual);
    enum { CHAPTERS = 120 }; /* the contents need more than one page */
    for (int i = 0; i < CHAPTERS; i++) {
        char text[40];
        snprintf(text, sizeof text, "Chapter number %d", i);
        paper_new_page(paper);
        paper_heading(paper, 1, figure_text(text), NULL);
        paper_paragraph(paper, figure_text("It is short."), false);
    }
    paper_complete(paper);
    check_document(paper);
    const struct layout_bookmark *last = &g_array_index(paper->layout->bookmarks, struct layout_bookmark, CHAPTERS - 1);
    cr_assert_eq(last->page + 1, layout_page_count(paper->layout), "the last chapter is on the last page");
    char number[40];
    snprintf(number, sizeof number, "%zu", last->page + 1);
    size_t on = 0;
    while (count_on(layout_page(paper->layout, on), "Chapter number 119") == 0)
        on++;
    cr_assert(on > 0 && on < 6, "the contents go on on page %zu", on + 1);
    cr_assert_eq(count_on(layout_page(paper->layout, on), number), 1);
    paper_free(paper);
}

Test(paper, timelines)
{
    static const struct figure_plan plans[] = {{1, 0, 0, 3, 1000000000, false, 0},
                                               {5, 60, 500, 6, 180000000000, false, 0},
                                               {9, 2, 9, 5, 6200000000, true, 0},
                                               {11, 20, 120, 6, 6200000000, true, 0},
                                               {12, 3, 6, 4, 6200000000, false, 40}};
    struct paper *paper = paper_new(&usual);
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++) {
        char prefix[20];
        struct test_figure *test = figures_random(&plans[i]);
        snprintf(prefix, sizeof prefix, "f%zu-", i);
        paper_set_names(paper, prefix);
        paper_heading(paper, 1, figure_text("A timeline"), NULL);
        paper_timeline(paper, &test->figure);
        figures_free(test);
    }
    paper_complete(paper);
    for (size_t i = 0; i < layout_page_count(paper->layout); i++) {
        const struct layout_page *page = layout_page(paper->layout, i);
        for (guint k = 0; k < page->items->len; k++) {
            const struct layout_rect *rect = &item_at(page, k)->rect;
            cr_assert(rect->x >= 0 && rect->x + rect->width <= paper->width && rect->y >= paper->top - 1 &&
                          rect->y + rect->height <= paper->height - 20,
                      "page %zu", i + 1);
        }
    }
    paper_free(paper);
}

Test(paper, links_lead_from_lanes_to_rows_and_back)
{
    struct figure_lane lane = {.label = {"7", 1}, .link = {"#connection-7", 13}, .to_ns = 500};
    struct figure_group group = {.label = {"a server", 8}, .lanes = &lane, .lane_count = 1};
    struct timeline_figure figure = {.to_ns = 1000, .groups = &group, .group_count = 1};
    const struct paper_column column = {{"Id", 2}, false};
    const struct paper_cell cell = {.text = {"7", 1}, .anchor = "connection-7", .link = "lane-connection-7"};
    struct paper *paper = paper_new(&usual);
    paper_set_names(paper, "s2-");
    paper_timeline(paper, &figure);
    paper_table(paper, (struct figure_text){NULL, 0}, &column, 1, &cell, 1);
    paper_complete(paper);
    cr_assert(g_hash_table_contains(paper->layout->names, "s2-connection-7"));
    cr_assert(g_hash_table_contains(paper->layout->names, "s2-lane-connection-7"));
    bool to_row = false, to_lane = false;
    const GArray *hits = layout_page(paper->layout, 0)->hits;
    for (guint i = 0; i < hits->len; i++) {
        const char *target = g_array_index(hits, struct layout_hit, i).target;
        to_row = to_row || (target && strcmp(target, "s2-connection-7") == 0);
        to_lane = to_lane || (target && strcmp(target, "s2-lane-connection-7") == 0);
    }
    cr_assert(to_row && to_lane);
    paper_free(paper);
}

Test(paper, texts_from_anywhere)
{
    char host[255], text[3000];
    memset(host, 'h', sizeof host);
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)(i * 7919 % 256);
    const struct figure_text texts[] = {{host, sizeof host}, {text, sizeof text}, {"\xff\xfe\n\x80", 4}, {"", 0}};
    struct paper *paper = paper_new(&(struct paper_options){
        .title = texts[1], .author = texts[2], .subtitle = texts[0], .footer = texts[1], .contents = true});
    for (size_t i = 0; i < 4; i++) {
        struct paper_column columns[12] = {{texts[i], false}, {texts[(i + 1) % 4], true}};
        struct paper_cell cells[24] = {{.text = texts[i]}, {.text = texts[0]}, [12] = {.text = texts[2]}};
        paper_heading(paper, 1, texts[i], "name");
        paper_paragraph(paper, texts[i], true);
        paper_table(paper, texts[i], columns, 12, cells, 2);
    }
    paper_complete(paper);
    for (size_t i = 0; i < layout_page_count(paper->layout); i++)
        check_texts(paper, layout_page(paper->layout, i), i + 1);
    paper_free(paper);
}

Test(paper, the_same_bytes_again)
{
    struct render_buffer first = {0}, second = {0};
    for (int i = 0; i < 2; i++) {
        struct paper *paper = paper_new(&usual);
        paper_heading(paper, 1, figure_text("Rows"), NULL);
        add_table(paper, 100);
        cr_assert_eq(paper_finish(paper, i == 0 ? &first : &second), RENDER_OK);
        paper_free(paper);
    }
    cr_assert(first.len_bytes > 1000 && first.len_bytes == second.len_bytes);
    cr_assert_eq(memcmp(first.bytes, second.bytes, first.len_bytes), 0);
    render_buffer_fini(&first);
    render_buffer_fini(&second);
}

Test(paper, too_many_pages)
{
    struct render_buffer out = {0};
    struct paper *paper = paper_new(&(struct paper_options){.title = figure_text("Endless")});
    for (size_t i = 0; i <= PAPER_MAX_PAGES; i++) {
        paper_new_page(paper);
        paper_paragraph(paper, figure_text("x"), false);
    }
    cr_assert_eq(paper_finish(paper, &out), RENDER_TOO_LARGE);
    cr_assert_null(out.bytes);
    paper_free(paper);
}
