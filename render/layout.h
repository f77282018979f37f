/*
 * Layouts: positioned drawing items on pages, and hit areas. The stage between a figure and its drawing, and what the
 * golden tests compare: positions as data.
 *
 * - Coordinates are in layout units (CSS pixels), from the top left corner of the page, y downwards.
 * - Items are painted in the order in which they were added. Hit areas that were added later lie above earlier ones.
 * - The functions that add are the only way to change a layout. Texts are kept in the layout's own text meter; callers
 *   give safe texts (text_safe()).
 */
#ifndef MITM_RENDER_LAYOUT_H
#define MITM_RENDER_LAYOUT_H

#include <stdio.h>

#include "render/text.h"

/* Inks of everything that is not a phase. */
#define INK_TEXT    ((struct figure_color){0x1c, 0x21, 0x28})
#define INK_QUIET   ((struct figure_color){0x5d, 0x66, 0x73})
#define INK_LINE    ((struct figure_color){0xdd, 0xe1, 0xe7})
#define INK_LIFE    ((struct figure_color){0xb4, 0xbb, 0xc5})
#define INK_STRIPE  ((struct figure_color){0xf5, 0xf7, 0xf9})
#define INK_PAPER   ((struct figure_color){0xff, 0xff, 0xff})
#define INK_FAILURE ((struct figure_color)FIGURE_COLOR_FAILURE)
#define INK_MARK    ((struct figure_color){0x2b, 0x31, 0x3a})
#define INK_STALL   INK_TEXT

/* One layout unit in points, usually: a CSS pixel. */
#define LAYOUT_UNIT_PT 0.75

struct layout_rect {
    double x;
    double y;
    double width;
    double height;
};

enum layout_kind {
    LAYOUT_RECT,   /* filled */
    LAYOUT_LINE,   /* from one corner of `rect` to the opposite one; a width or height may be 0 */
    LAYOUT_DOTTED, /* the same, dotted */
    LAYOUT_DOT,    /* filled circle in `rect` */
    LAYOUT_RING,   /* hollow circle in `rect` */
    LAYOUT_CROSS,  /* two diagonals of `rect` */
    LAYOUT_AREA,   /* filled polygon from the bottom of `rect`, with a line along its top */
    LAYOUT_TEXT,   /* one line of text; `rect` is its line box */
    LAYOUT_PATH,   /* a line through points, solid or dashed */
    LAYOUT_SHADE,  /* a polygon, filled so that what is below shows through */
    LAYOUT_HATCH,  /* hatched and outlined within `rect` */
};

struct layout_point {
    double x;
    double y;
};

struct layout_item {
    enum layout_kind kind;
    struct layout_rect rect; /* what it covers, strokes aside */
    struct figure_color color;
    double stroke;               /* lines, paths, rings, crosses: width */
    const char *text;            /* text: never empty */
    enum text_style style;       /* text */
    struct layout_point *points; /* area: its upper edge from left to right; path, shade: corners */
    size_t point_count;
    const double *dash; /* path: lengths of strokes and gaps in multiples of the width; NULL: solid */
    size_t dash_count;
};

/* A place that has something to say. Each text may be NULL. */
struct layout_hit {
    struct layout_rect rect;
    const char *tooltip;
    const char *link;   /* the figure's link, a local reference: SVG, image map */
    const char *target; /* the name of an anchor of this layout: PDF */
};

/* A place that links lead to (PDF). `name` consists of letters, digits, '.', '_' and '-', and is unique in the layout.
 */
struct layout_anchor {
    const char *name;
    double x;
    double y;
};

/* A line of the outline (PDF). */
struct layout_bookmark {
    const char *text;
    size_t page;
    double y;
    unsigned level; /* 0: at the top; else below the last one of a lower level */
};

struct layout_page {
    double width;
    double height;
    GArray *items;   /* struct layout_item */
    GArray *hits;    /* struct layout_hit */
    GArray *anchors; /* struct layout_anchor */
};

struct layout {
    struct text_meter *meter; /* owns all texts */
    const char *title;
    const char *author; /* "": not said */
    int64_t created_s;
    double unit_pt;    /* size of a layout unit in points: LAYOUT_UNIT_PT unless set otherwise */
    GPtrArray *pages;  /* struct layout_page */
    GArray *bookmarks; /* struct layout_bookmark */
    GHashTable *names; /* of anchors */
};

/* Return a new layout without pages, with texts in `font` (NULL: the usual); free it with layout_free(). */
struct layout *layout_new(const struct text_font *font);
void layout_free(struct layout *layout);

/* Append an empty page and return it; it belongs to the layout. Its height may be changed later. */
struct layout_page *layout_add_page(struct layout *layout, double width, double height);

/* Insert an empty page as number `index`, at most the number of pages; what comes after it moves on by one. */
void layout_insert_page(struct layout *layout, size_t index, double width, double height);

/* Remove the last page, on which there is no anchor and to which no bookmark leads. */
void layout_remove_last_page(struct layout *layout);

size_t layout_page_count(const struct layout *layout);
struct layout_page *layout_page(const struct layout *layout, size_t index);

void layout_add_rect(struct layout_page *page, struct layout_rect rect, struct figure_color color);
void layout_add_hatch(struct layout_page *page, struct layout_rect rect, struct figure_color color);
/* Add a line from (x0, y0) to (x1, y1), where x0 ≤ x1 and y0 ≤ y1. */
void layout_add_line(struct layout_page *page, enum layout_kind kind, struct layout_point from, struct layout_point to,
                     double stroke, struct figure_color color);
/* Add a dot, ring or cross around `center`, reaching `radius` to each side. */
void layout_add_sign(struct layout_page *page, enum layout_kind kind, struct layout_point center, double radius,
                     struct figure_color color);
/* Add an area over `rect` whose upper edge are the `count` points; they are copied. */
void layout_add_area(struct layout_page *page, struct layout_rect rect, const struct layout_point *points, size_t count,
                     struct figure_color color);

/* Add a line of width `stroke` through the `count` points (≥ 2), which are copied. `dash` is static. */
void layout_add_path(struct layout_page *page, const struct layout_point *points, size_t count, double stroke,
                     const double *dash, size_t dash_count, struct figure_color color);
/* Add the polygon with the `count` corners (≥ 3), which are copied. */
void layout_add_shade(struct layout_page *page, const struct layout_point *points, size_t count,
                      struct figure_color color);

/* Where a text is put in relation to x. */
enum layout_align {
    LAYOUT_LEFT,
    LAYOUT_CENTER,
    LAYOUT_RIGHT,
};

/* Return the line box of `text` in `style` at x, with its upper edge at `top`. */
struct layout_rect layout_text_rect(struct layout *layout, enum text_style style, const char *text, double x,
                                    double top, enum layout_align align);

/* Add `text` there and return its line box. Nothing is added if it is empty. */
struct layout_rect layout_add_text(struct layout *layout, struct layout_page *page, enum text_style style,
                                   struct figure_color color, const char *text, double x, double top,
                                   enum layout_align align);

/*
 * Add a hit area. `link` is left out unless it is a local reference. Nothing is added if no text is left.
 */
void layout_add_hit(struct layout *layout, struct layout_page *page, struct layout_rect rect, const char *tooltip,
                    struct figure_text link, const char *target);

/* Add an anchor unless `name` is taken or has other characters than an anchor's name may have. Return whether it was
 * added. */
bool layout_add_anchor(struct layout *layout, struct layout_page *page, const char *name, double x, double y);

void layout_add_bookmark(struct layout *layout, unsigned level, const char *text, size_t page, double y);

/* Add to `page` of `layout` what is drawn on `from`, a page of another layout, moved by `by`, with its tooltips, its
 * places that lead to targets and those that are led to; `prefix` is put before the names of both. Other links are left
 * out. */
void layout_add_copy(struct layout *layout, struct layout_page *page, const struct layout_page *from,
                     struct layout_point by, const char *prefix);

/* Return whether `link` is a reference without scheme and host, in valid UTF-8 without control characters and spaces.
 */
bool layout_link_is_local(struct figure_text link);

/* Return whether two rectangles overlap by more than `slack` in both directions. */
bool layout_rects_overlap(const struct layout_rect *a, const struct layout_rect *b, double slack);

/*
 * Print the layout: per page its size, items, hit areas and anchors, one per line, in order, rounded to a whole unit:
 *     `page 1 1100x420`, `text 24 14 210 20 title "…" #1c2128`, `hit 40 60 10 19 "tooltip" link="#a"`
 */
void layout_dump(const struct layout *layout, FILE *out);

#endif
