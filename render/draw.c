#include "render/draw.h"

/* What a layout is painted with. */
struct painter {
    cairo_t *cr;
    PangoLayout *text;
    const struct text_meter *meter;
};

static void set_color(cairo_t *cr, struct figure_color color, double alpha)
{
    cairo_set_source_rgba(cr, color.red / 255.0, color.green / 255.0, color.blue / 255.0, alpha);
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

static void draw_circle(cairo_t *cr, const struct layout_item *item)
{
    double radius = item->rect.width / 2;
    double inset = item->kind == LAYOUT_RING ? item->stroke / 2 : 0;
    cairo_new_path(cr);
    cairo_arc(cr, item->rect.x + radius, item->rect.y + radius, radius - inset, 0, 2 * G_PI);
    if (item->kind == LAYOUT_DOT) {
        cairo_fill(cr);
        return;
    }
    set_color(cr, INK_PAPER, 1);
    cairo_fill_preserve(cr);
    set_color(cr, item->color, 1);
    cairo_set_line_width(cr, item->stroke);
    cairo_stroke(cr);
}

static void draw_cross(cairo_t *cr, const struct layout_item *item)
{
    const struct layout_rect *rect = &item->rect;
    cairo_move_to(cr, rect->x, rect->y);
    cairo_line_to(cr, rect->x + rect->width, rect->y + rect->height);
    cairo_move_to(cr, rect->x, rect->y + rect->height);
    cairo_line_to(cr, rect->x + rect->width, rect->y);
    /* A white seam keeps the cross apart from a bar below it. */
    set_color(cr, INK_PAPER, 1);
    cairo_set_line_width(cr, item->stroke + 2);
    cairo_stroke_preserve(cr);
    set_color(cr, item->color, 1);
    cairo_set_line_width(cr, item->stroke + 0.3);
    cairo_stroke(cr);
}

/* Trace the upper edge of an area. */
static void trace_edge(cairo_t *cr, const struct layout_item *item)
{
    cairo_new_path(cr);
    for (size_t i = 0; i < item->point_count; i++)
        cairo_line_to(cr, item->points[i].x, item->points[i].y);
}

static void draw_area(cairo_t *cr, const struct layout_item *item)
{
    double bottom = item->rect.y + item->rect.height;
    trace_edge(cr, item);
    cairo_line_to(cr, item->rect.x + item->rect.width, bottom);
    cairo_line_to(cr, item->rect.x, bottom);
    cairo_close_path(cr);
    set_color(cr, item->color, 0.22);
    cairo_fill(cr);
    trace_edge(cr, item);
    set_color(cr, item->color, 1);
    cairo_set_line_width(cr, item->stroke);
    cairo_stroke(cr);
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
    set_color(cr, item->color, 1);
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
        draw_circle(cr, item);
        break;
    case LAYOUT_CROSS:
        draw_cross(cr, item);
        break;
    case LAYOUT_AREA:
        draw_area(cr, item);
        break;
    case LAYOUT_TEXT:
        draw_text(painter, item);
        break;
    }
}

void draw_page(cairo_t *cr, const struct layout *layout, const struct layout_page *page)
{
    set_color(cr, INK_PAPER, 1);
    cairo_rectangle(cr, 0, 0, page->width, page->height);
    cairo_fill(cr);
    struct painter painter = {.cr = cr, .meter = layout->meter};
    painter.text = pango_layout_new(text_meter_context(layout->meter));
    pango_layout_set_auto_dir(painter.text, FALSE);
    pango_layout_set_single_paragraph_mode(painter.text, TRUE);
    for (guint i = 0; i < page->items->len; i++)
        draw_item(&painter, &g_array_index(page->items, struct layout_item, i));
    g_object_unref(painter.text);
}
