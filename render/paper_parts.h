/*
 * What the parts of a document on paper share. Only render/paper*.c and their tests include this.
 *
 * paper.c (pages, title, feet) · paper_contents.c (table of contents) · paper_flow.c (headings, paragraphs, figures) ·
 * paper_table.c (tables)
 */
#ifndef MITM_RENDER_PAPER_PARTS_H
#define MITM_RENDER_PAPER_PARTS_H

#include "render/layout.h"
#include "render/paper.h"

#define PAPER_MAX_PAGES 10000
#define PAPER_MAX_LINES 100 /* of a paragraph */
#define PAPER_INK_LINK  ((struct figure_color)FIGURE_COLOR_SOCKS)
#define PAPER_NO_LINK   ((struct figure_text){NULL, 0})

/* A heading that waits for what follows it. */
struct paper_pending {
    int level;
    const char *text;
    const char *anchor; /* with prefix; NULL: none */
};

/* The document in the making. Texts belong to the layout's meter. */
struct paper {
    struct layout *layout;
    struct layout_page *page; /* the current one */
    PangoLayout *breaker;     /* breaks texts into lines */
    double y;                 /* where the next part goes on the page */
    double width, height;     /* of a page */
    double left, right, top, bottom;
    size_t contents_page; /* where the contents begin */
    double contents_top;
    bool contents;
    bool too_large;
    const char *footer;
    const char *prefix;
    size_t headings;
    GArray *pending; /* struct paper_pending */
};

/* Go on with a new page without regard to what is pending. */
void paper_turn(struct paper *paper);

/* Make room for `height` (more than a page: a page) in one piece, add the pending headings above it, and return whether
 * there is a page: there are at most PAPER_MAX_PAGES. */
bool paper_make_room(struct paper *paper, double height);

/* Return the free height of the current page below what is pending. */
double paper_room(struct paper *paper);

/* Return the one-line safe form of `text`, which may be longer than text_safe() allows. */
const char *paper_text(struct paper *paper, struct figure_text text);

/* Return the name `name` with the prefix; NULL for NULL. */
const char *paper_name(struct paper *paper, const char *name);

/* Break `text` into at most `max_lines` lines of at most `max_width`, at spaces and, where a word is longer, anywhere;
 * the last one is cut with an ellipsis if there is more. Put them into `lines` and return their number. */
size_t paper_break(struct paper *paper, enum text_style style, const char *text, double max_width, const char **lines,
                   size_t max_lines);

/* paper_contents.c: make room for the beginning of the contents, and go on with a new page. */
void paper_begin_contents(struct paper *paper);
/* Add the table of contents there, and on new pages as far as needed. */
void paper_add_contents(struct paper *paper);

/* Complete the layout: contents and feet. */
void paper_complete(struct paper *paper);

#endif
