/* The table of contents of a document on paper: before its first heading. */
#include <math.h>

#include "render/paper_parts.h"

#define CHAPTER_HEIGHT 22.0
#define SECTION_HEIGHT 18.0
#define TITLE_HEIGHT   32.0

static const struct layout_bookmark *entry_at(const struct paper *paper, size_t i)
{
    return &g_array_index(paper->layout->bookmarks, struct layout_bookmark, i);
}

static double entry_height(const struct layout_bookmark *entry)
{
    return entry->level == 0 ? CHAPTER_HEIGHT : SECTION_HEIGHT;
}

/* Return how many pages the contents need besides the first, if they begin at `y`. */
static size_t count_pages(const struct paper *paper, double y)
{
    size_t pages = 0;
    y += TITLE_HEIGHT;
    for (guint i = 0; i < paper->layout->bookmarks->len; i++) {
        double height = entry_height(entry_at(paper, i));
        if (y + height > paper->bottom) {
            y = paper->top;
            pages++;
        }
        y += height;
    }
    return pages;
}

/* Add the line of `entry`, the heading number `number`. */
static void add_entry(struct paper *paper, struct layout_page *page, const struct layout_bookmark *entry, size_t number,
                      double y)
{
    struct layout *layout = paper->layout;
    enum text_style style = entry->level == 0 ? TEXT_HEADING : TEXT_BODY;
    double left = paper->left + (entry->level == 0 ? 0 : 18);
    double top = y + (entry->level == 0 ? 5 : 2);
    const char *page_number = text_format(layout->meter, "%zu", entry->page + 1);
    struct layout_rect at_right =
        layout_add_text(layout, page, style, INK_TEXT, page_number, paper->right, top, LAYOUT_RIGHT);
    const char *text = text_fit(layout->meter, style, entry->text, paper->right - 60 - left, TEXT_CUT_END);
    struct layout_rect box = layout_add_text(layout, page, style, INK_TEXT, text, left, top, LAYOUT_LEFT);
    double from = box.x + box.width + 6, to = at_right.x - 6;
    double base = top + text_ascent(layout->meter, style) - 1;
    if (to > from)
        layout_add_line(page, LAYOUT_DOTTED, (struct layout_point){from, base}, (struct layout_point){to, base}, 0.75,
                        INK_LIFE);
    struct layout_rect line = {left, top, paper->right - left, box.height};
    layout_add_hit(layout, page, line, NULL, PAPER_NO_LINK, text_format(layout->meter, "heading-%zu", number));
}

void paper_begin_contents(struct paper *paper)
{
    if (paper->y + TITLE_HEIGHT + 3 * CHAPTER_HEIGHT > paper->bottom)
        paper_turn(paper);
    paper->contents_page = layout_page_count(paper->layout) - 1;
    paper->contents_top = paper->y + 10;
    paper_turn(paper);
}

void paper_add_contents(struct paper *paper)
{
    struct layout *layout = paper->layout;
    if (layout->bookmarks->len == 0)
        return;
    size_t pages = count_pages(paper, paper->contents_top);
    for (size_t i = 0; i < pages; i++)
        layout_insert_page(layout, paper->contents_page + 1, paper->width, paper->height);
    struct layout_page *page = layout_page(layout, paper->contents_page);
    size_t turned = 0;
    double y = paper->contents_top;
    layout_add_text(layout, page, TEXT_SECTION, INK_TEXT, "Contents", paper->left, y, LAYOUT_LEFT);
    y += TITLE_HEIGHT;
    for (guint i = 0; i < layout->bookmarks->len; i++) {
        const struct layout_bookmark *entry = entry_at(paper, i);
        if (y + entry_height(entry) > paper->bottom) {
            page = layout_page(layout, paper->contents_page + ++turned);
            y = paper->top;
        }
        add_entry(paper, page, entry, i + 1, y);
        y += entry_height(entry);
    }
}
