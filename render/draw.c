#include "render/draw.h"

#include <string.h>

/* What a layout is painted with. */
struct painter {
    cairo_t *cr;
    PangoLayout *text;
    const struct text_meter *meter;
    bool dark;
};

/* Colours and what stands for them on a dark ground; others are used as they are. Phases keep their hue, and differ in
 * lightness from each other and from the ground. */
static const struct figure_color dark_colors[][2] = {
    {{0x1c, 0x21, 0x28}, {0xe4, 0xe8, 0xed}}, /* INK_TEXT */
    {{0x5d, 0x66, 0x73}, {0xa3, 0xad, 0xb9}}, /* INK_QUIET */
    {{0xdd, 0xe1, 0xe7}, {0x2e, 0x35, 0x3e}}, /* INK_LINE */
    {{0xb4, 0xbb, 0xc5}, {0x4d, 0x57, 0x63}}, /* INK_LIFE */
    {{0xf5, 0xf7, 0xf9}, {0x1b, 0x20, 0x27}}, /* INK_STRIPE */
    {{0xff, 0xff, 0xff}, {0x14, 0x18, 0x1d}}, /* INK_PAPER */
    {{0xb3, 0x2d, 0x24}, {0xff, 0x7b, 0x72}}, /* INK_FAILURE */
    {{0x2b, 0x31, 0x3a}, {0xc9, 0xd1, 0xd9}}, /* INK_MARK */
    {FIGURE_COLOR_TLS, {0xd9, 0xa0, 0xe8}},      {FIGURE_COLOR_SOCKS, {0x58, 0x9b, 0xea}},
    {FIGURE_COLOR_TRANSFER, {0x46, 0xad, 0x5e}}, {FIGURE_COLOR_WAITING, {0x6e, 0x78, 0x85}},
};

struct figure_color draw_color(struct figure_color color, bool dark)
{
    for (size_t i = 0; dark && i < sizeof dark_colors / sizeof *dark_colors; i++) {
        if (memcmp(&dark_colors[i][0], &color, sizeof color) == 0)
            return dark_colors[i][1];
    }
    return color;
}

static void set_color(const struct painter *painter, struct figure_color color, double alpha)
{
    color = draw_color(color, painter->dark);
    cairo_set_source_rgba(painter->cr, color.red / 255.0, color.green / 255.0, color.blue / 255.0, alpha);
}

static void draw_line(cairo_t *cr, const struct layout_item *item)
{
    static const double dotted[] = {1.5, 2.5};
    cairo_set_line_width(cr, item->stroke);
    if (item->kind == LAYOUT_DOTTED)
        cairo_set_dash(cr, dotted, 2, 0);
    cairo_move_to(cr, item->rect.x, item->rect.y);
    cairo_line_to(cr, item->rect.x + item->rect.width, item->rect.y + item->rect.height);
    cairo_stroke(cr);
    cairo_set_dash(cr, NULL, 0, 0);
}

static void draw_circle(const struct painter *painter, const struct layout_item *item)
{
    cairo_t *cr = painter->cr;
    double radius = item->rect.width / 2;
    double inset = item->kind == LAYOUT_RING ? item->stroke / 2 : 0;
    cairo_new_path(cr);
    cairo_arc(cr, item->rect.x + radius, item->rect.y + radius, radius - inset, 0, 2 * G_PI);
    if (item->kind == LAYOUT_DOT) {
        cairo_fill(cr);
        return;
    }
    set_color(painter, INK_PAPER, 1);
    cairo_fill_preserve(cr);
    set_color(painter, item->color, 1);
    cairo_set_line_width(cr, item->stroke);
    cairo_stroke(cr);
}

static void draw_cross(const struct painter *painter, const struct layout_item *item)
{
    cairo_t *cr = painter->cr;
    const struct layout_rect *rect = &item->rect;
    cairo_move_to(cr, rect->x, rect->y);
    cairo_line_to(cr, rect->x + rect->width, rect->y + rect->height);
    cairo_move_to(cr, rect->x, rect->y + rect->height);
    cairo_line_to(cr, rect->x + rect->width, rect->y);
    /* A seam keeps the cross apart from a bar below it. */
    set_color(painter, INK_PAPER, 1);
    cairo_set_line_width(cr, item->stroke + 2);
    cairo_stroke_preserve(cr);
    set_color(painter, item->color, 1);
    cairo_set_line_width(cr, item->stroke + 0.3);
    cairo_stroke(cr);
}

/* Trace the line through an item's points. */
static void trace_edge(cairo_t *cr, const struct layout_item *item)
{
    cairo_new_path(cr);
    for (size_t i = 0; i < item->point_count; i++)
        cairo_line_to(cr, item->points[i].x, item->points[i].y);
}

static void draw_area(const struct painter *painter, const struct layout_item *item)
{
    cairo_t *cr = painter->cr;
    double bottom = item->rect.y + item->rect.height;
    trace_edge(cr, item);
    cairo_line_to(cr, item->rect.x + item->rect.width, bottom);
    cairo_line_to(cr, item->rect.x, bottom);
    cairo_close_path(cr);
    set_color(painter, item->color, 0.22);
    cairo_fill(cr);
    trace_edge(cr, item);
    set_color(painter, item->color, 1);
    cairo_set_line_width(cr, item->stroke);
    cairo_stroke(cr);
}

static void draw_path(cairo_t *cr, const struct layout_item *item)
{
    double dash[8];
    for (size_t i = 0; i < item->dash_count && i < G_N_ELEMENTS(dash); i++)
        dash[i] = item->dash[i] * item->stroke;
    trace_edge(cr, item);
    cairo_set_line_width(cr, item->stroke);
    cairo_set_line_join(cr, CAIRO_LINE_JOIN_BEVEL);
    cairo_set_dash(cr, dash, (int)item->dash_count, 0);
    cairo_stroke(cr);
    cairo_set_dash(cr, NULL, 0, 0);
    cairo_set_line_join(cr, CAIRO_LINE_JOIN_MITER);
}

static void draw_shade(const struct painter *painter, const struct layout_item *item)
{
    trace_edge(painter->cr, item);
    cairo_close_path(painter->cr);
    set_color(painter, item->color, DRAW_SHADE_PERCENT / 100.0);
    cairo_fill(painter->cr);
}

/* Hatch a rectangle from its lower left to its upper right, and outline it. */
static void draw_hatch(const struct painter *painter, const struct layout_item *item)
{
    static const double distance = 4;
    cairo_t *cr = painter->cr;
    const struct layout_rect *rect = &item->rect;
    cairo_save(cr);
    cairo_rectangle(cr, rect->x, rect->y, rect->width, rect->height);
    set_color(painter, INK_PAPER, 1);
    cairo_fill_preserve(cr);
    set_color(painter, item->color, 0.25);
    cairo_fill_preserve(cr);
    cairo_clip(cr);
    set_color(painter, item->color, 1);
    cairo_set_line_width(cr, 1.4);
    double bottom = rect->y + rect->height;
    for (double x = rect->x - rect->height; x < rect->x + rect->width; x += distance) {
        cairo_move_to(cr, x - 1, bottom + 1);
        cairo_line_to(cr, x + rect->height + 1, rect->y - 1);
    }
    cairo_stroke(cr);
    cairo_rectangle(cr, rect->x, rect->y, rect->width, rect->height);
    cairo_set_line_width(cr, 2 * item->stroke); /* its outer half is clipped */
    cairo_stroke(cr);
    cairo_restore(cr);
}

/* Return whether all of `string` is ASCII or Latin: such characters stay within their line. */
static bool stays_in_line(const char *string)
{
    for (const char *p = string; *p != '\0'; p += g_utf8_skip[(unsigned char)*p]) {
        gunichar c = g_utf8_get_char(p);
        if (c > 0x17f && !(c >= 0x2010 && c <= 0x2026))
            return false;
    }
    return true;
}

static void draw_text(const struct painter *painter, const struct layout_item *item)
{
    cairo_t *cr = painter->cr;
    pango_layout_set_font_description(painter->text, text_meter_font(painter->meter, item->style));
    pango_layout_set_text(painter->text, item->text, -1);
    bool clip = !stays_in_line(item->text);
    if (clip) { /* scripts with tall or piled-up signs must not reach into other lines */
        cairo_save(cr);
        cairo_rectangle(cr, item->rect.x, item->rect.y - 1, item->rect.width + 1, item->rect.height + 2);
        cairo_clip(cr);
    }
    cairo_move_to(cr, item->rect.x, item->rect.y + text_ascent(painter->meter, item->style));
    pango_cairo_show_layout_line(cr, pango_layout_get_line_readonly(painter->text, 0));
    if (clip)
        cairo_restore(cr);
}

static void draw_item(const struct painter *painter, const struct layout_item *item)
{
    cairo_t *cr = painter->cr;
    set_color(painter, item->color, 1);
    switch (item->kind) {
    case LAYOUT_RECT:
        cairo_rectangle(cr, item->rect.x, item->rect.y, item->rect.width, item->rect.height);
        cairo_fill(cr);
        break;
    case LAYOUT_LINE:
    case LAYOUT_DOTTED:
        draw_line(cr, item);
        break;
    case LAYOUT_DOT:
    case LAYOUT_RING:
        draw_circle(painter, item);
        break;
    case LAYOUT_CROSS:
        draw_cross(painter, item);
        break;
    case LAYOUT_AREA:
        draw_area(painter, item);
        break;
    case LAYOUT_TEXT:
        draw_text(painter, item);
        break;
    case LAYOUT_PATH:
        draw_path(cr, item);
        break;
    case LAYOUT_SHADE:
        draw_shade(painter, item);
        break;
    case LAYOUT_HATCH:
        draw_hatch(painter, item);
        break;
    }
}

void draw_page(cairo_t *cr, const struct layout *layout, const struct layout_page *page, bool dark)
{
    struct painter painter = {.cr = cr, .meter = layout->meter, .dark = dark};
    set_color(&painter, INK_PAPER, 1);
    cairo_rectangle(cr, 0, 0, page->width, page->height);
    cairo_fill(cr);
    painter.text = pango_layout_new(text_meter_context(layout->meter));
    pango_layout_set_auto_dir(painter.text, FALSE);
    pango_layout_set_single_paragraph_mode(painter.text, TRUE);
    for (guint i = 0; i < page->items->len; i++)
        draw_item(&painter, &g_array_index(page->items, struct layout_item, i));
    g_object_unref(painter.text);
}

void draw_ground(cairo_t *cr, bool dark)
{
    struct painter painter = {.cr = cr, .dark = dark};
    set_color(&painter, INK_PAPER, 1);
    cairo_paint(cr);
}
