/* What flows down the pages of a document: headings, paragraphs, figures. */
#include <math.h>

#include "render/paper_parts.h"
#include "render/timeline.h"

#define HEADING_LINES    3
#define KEPT_LINES       6     /* a paragraph of so many lines is not divided */
#define TIMELINE_LEAST   300.0 /* a timeline does not begin with less room */
#define TIMELINE_OVERLAP 24.0  /* its own margin: it is laid out so much wider at either side */

static enum text_style heading_style(int level)
{
    return level == 1 ? TEXT_CHAPTER : TEXT_SECTION;
}

static double heading_gap(int level)
{
    return level == 1 ? 26 : 20;
}

/* Break the heading into `lines`; return their number. */
static size_t heading_lines(struct paper *paper, const struct paper_pending *heading, const char **lines)
{
    return paper_break(paper, heading_style(heading->level), heading->text, paper->right - paper->left, lines,
                       HEADING_LINES);
}

/* Return the height that the pending headings take, the gap above the first aside. */
static double pending_height(struct paper *paper)
{
    const char *lines[HEADING_LINES];
    double height = 0;
    for (guint i = 0; i < paper->pending->len; i++) {
        const struct paper_pending *heading = &g_array_index(paper->pending, struct paper_pending, i);
        double pitch = text_height(paper->layout->meter, heading_style(heading->level)) * 1.1;
        height +=
            (double)heading_lines(paper, heading, lines) * pitch + 8 + (i > 0 ? heading_gap(heading->level) / 2 : 0);
    }
    return height;
}

/* Return the gap above the pending headings where they are put. */
static double pending_gap(const struct paper *paper)
{
    if (paper->pending->len == 0 || paper->y <= paper->top)
        return 0;
    return heading_gap(g_array_index(paper->pending, struct paper_pending, 0).level);
}

/* Add one heading at paper->y. */
static void add_heading(struct paper *paper, const struct paper_pending *heading)
{
    const char *lines[HEADING_LINES];
    struct layout *layout = paper->layout;
    enum text_style style = heading_style(heading->level);
    double above = fmax(0, paper->y - 6);
    size_t count = heading_lines(paper, heading, lines);
    layout_add_bookmark(layout, (unsigned)heading->level - 1, heading->text, layout_page_count(layout) - 1, above);
    layout_add_anchor(layout, paper->page, text_format(layout->meter, "heading-%zu", ++paper->headings), 0, above);
    if (heading->anchor)
        layout_add_anchor(layout, paper->page, heading->anchor, 0, above);
    for (size_t i = 0; i < count; i++, paper->y += text_height(layout->meter, style) * 1.1)
        layout_add_text(layout, paper->page, style, INK_TEXT, lines[i], paper->left, paper->y, LAYOUT_LEFT);
    paper->y += 8;
}

double paper_room(struct paper *paper)
{
    return paper->bottom - paper->y - pending_gap(paper) - pending_height(paper);
}

bool paper_make_room(struct paper *paper, double height)
{
    if (paper_room(paper) < height && paper->y > paper->top)
        paper_turn(paper);
    if (paper->too_large)
        return false;
    paper->y += pending_gap(paper);
    for (guint i = 0; i < paper->pending->len; i++) {
        const struct paper_pending *heading = &g_array_index(paper->pending, struct paper_pending, i);
        paper->y += i > 0 ? heading_gap(heading->level) / 2 : 0;
        add_heading(paper, heading);
    }
    g_array_set_size(paper->pending, 0);
    return true;
}

void paper_heading(struct paper *paper, int level, struct figure_text text, const char *anchor)
{
    if (paper->contents && paper->headings == 0 && paper->pending->len == 0) {
        paper_begin_contents(paper);
    }
    struct paper_pending heading = {
        .level = level, .text = paper_text(paper, text), .anchor = paper_name(paper, anchor)};
    g_array_append_val(paper->pending, heading);
}

/* Add `text` in lines, `indent` from the left; return whether there was room. */
static void add_text(struct paper *paper, struct figure_text text, enum text_style style, struct figure_color color,
                     double indent, bool bar)
{
    const char *lines[PAPER_MAX_LINES];
    struct layout *layout = paper->layout;
    size_t count =
        paper_break(paper, style, paper_text(paper, text), paper->right - paper->left - indent, lines, PAPER_MAX_LINES);
    double pitch = text_height(layout->meter, style) * 1.2;
    for (size_t i = 0; i < count; i++) {
        size_t needed = i + 2 == count ? 2 : 1; /* no line stands alone on a page */
        if (i == 0)
            needed = count <= KEPT_LINES ? count : 2;
        if (!paper_make_room(paper, (double)needed * pitch))
            return;
        if (bar)
            layout_add_rect(paper->page, (struct layout_rect){paper->left, paper->y, 3, pitch}, color);
        layout_add_text(layout, paper->page, style, color, lines[i], paper->left + indent, paper->y, LAYOUT_LEFT);
        paper->y += pitch;
    }
    paper->y += count > 0 ? 8 : 0;
}

void paper_paragraph(struct paper *paper, struct figure_text text, bool warning)
{
    add_text(paper, text, TEXT_PROSE, warning ? INK_FAILURE : INK_TEXT, warning ? 12 : 0, warning);
}

void paper_note(struct paper *paper, struct figure_text text)
{
    add_text(paper, text, TEXT_BODY, INK_QUIET, 0, false);
}

void paper_timeline(struct paper *paper, const struct timeline_figure *figure)
{
    struct timeline_figure bare = *figure;
    bare.title = PAPER_NO_LINK;
    if (!paper_make_room(paper, TIMELINE_LEAST))
        return;
    struct timeline_options options = {
        .width = paper->right - paper->left + 2 * TIMELINE_OVERLAP,
        .page_height = paper->bottom - paper->top,
        .embedded = true,
        .first_height = paper->bottom - paper->y,
    };
    struct layout *timeline = timeline_layout(&bare, &options);
    if (!timeline) {
        paper->too_large = true;
        return;
    }
    for (size_t i = 0; i < layout_page_count(timeline) && !paper->too_large; i++) {
        const struct layout_page *part = layout_page(timeline, i);
        if (i > 0)
            paper_turn(paper);
        layout_add_copy(paper->layout, paper->page, part,
                        (struct layout_point){paper->left - TIMELINE_OVERLAP, paper->y}, paper->prefix);
        paper->y += part->height;
    }
    paper->y += 10;
    layout_free(timeline);
}
