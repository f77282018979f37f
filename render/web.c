#include "render/web.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "render/draw.h"

/* A drawing in the making. */
struct web {
    GString *body;
    GArray *colors; /* struct figure_color, each once; its place is the number of its class */
    const struct text_meter *meter;
};

/* Append tenths of a unit as a decimal number, in no locale. */
static void append_tenths(GString *out, long tenths)
{
    unsigned long magnitude = (unsigned long)labs(tenths);
    g_string_append_printf(out, "%s%lu", tenths < 0 ? "-" : "", magnitude / 10);
    if (magnitude % 10 != 0)
        g_string_append_printf(out, ".%lu", magnitude % 10);
}

/* Append ` name='value'`, rounded. */
static void append_attribute(GString *out, const char *name, double value)
{
    g_string_append_printf(out, " %s='", name);
    append_tenths(out, lround(value * 10));
    g_string_append_c(out, '\'');
}

/* Return the number of the class that stands for `color`. */
static guint class_of(struct web *web, struct figure_color color)
{
    guint i = 0;
    while (i < web->colors->len &&
           memcmp(&g_array_index(web->colors, struct figure_color, i), &color, sizeof color) != 0)
        i++;
    if (i == web->colors->len)
        g_array_append_val(web->colors, color);
    return i;
}

/* Append the rules of all colours on a light or dark ground. */
static void append_colors(GString *out, const GArray *colors, bool dark)
{
    for (guint i = 0; i < colors->len; i++) {
        struct figure_color color = draw_color(g_array_index(colors, struct figure_color, i), dark);
        g_string_append_printf(out, ".c%u{color:#%02x%02x%02x}", i, color.red, color.green, color.blue);
    }
}

/* Append the path through `count` points, without those that lie on the one before them. */
static void append_path(GString *out, const struct layout_point *points, size_t count)
{
    long before_x = 0, before_y = 0;
    for (size_t i = 0; i < count; i++) {
        long x = lround(points[i].x * 10), y = lround(points[i].y * 10);
        bool moves_x = i == 0 || x != before_x, moves_y = i == 0 || y != before_y;
        if (moves_x || moves_y)
            g_string_append_c(out, i == 0 ? 'M' : !moves_y ? 'H' : !moves_x ? 'V' : 'L');
        if (moves_x)
            append_tenths(out, x);
        if (moves_x && moves_y)
            g_string_append_c(out, ' ');
        if (moves_y)
            append_tenths(out, y);
        before_x = x, before_y = y;
    }
}

/* Append a line through `count` points. */
static void add_stroke(struct web *web, const struct layout_item *item, const struct layout_point *points, size_t count)
{
    GString *out = web->body;
    g_string_append_printf(out, "<path class='s c%u'", class_of(web, item->color));
    append_attribute(out, "stroke-width", item->stroke);
    for (size_t i = 0; i < item->dash_count; i++) {
        g_string_append(out, i == 0 ? " stroke-dasharray='" : " ");
        append_tenths(out, lround(item->dash[i] * item->stroke * 10));
    }
    g_string_append(out, item->dash_count > 0 ? "' d='" : " d='");
    append_path(out, points, count);
    g_string_append(out, "'/>");
}

static void add_line(struct web *web, const struct layout_item *item)
{
    const struct layout_rect *rect = &item->rect;
    const struct layout_point ends[] = {{rect->x, rect->y}, {rect->x + rect->width, rect->y + rect->height}};
    add_stroke(web, item, ends, 2);
}

static void add_shade(struct web *web, const struct layout_item *item)
{
    g_string_append_printf(web->body, "<path class='f c%u' d='", class_of(web, item->color));
    append_path(web->body, item->points, item->point_count);
    g_string_append(web->body, "z'/>");
}

static void add_text(struct web *web, const struct layout_item *item)
{
    GString *out = web->body;
    g_string_append_printf(out, "<text class='c%u'", class_of(web, item->color));
    append_attribute(out, "x", item->rect.x);
    append_attribute(out, "y", item->rect.y + text_ascent(web->meter, item->style));
    append_attribute(out, "textLength", item->rect.width);
    if (item->style != TEXT_BODY)
        append_attribute(out, "font-size", text_size(web->meter, item->style));
    if (pango_font_description_get_weight(text_meter_font(web->meter, item->style)) == PANGO_WEIGHT_BOLD)
        g_string_append(out, " font-weight='bold'");
    g_string_append_c(out, '>');
    text_append_xml(out, item->text);
    g_string_append(out, "</text>");
}

static void add_item(struct web *web, const struct layout_item *item)
{
    if (item->kind == LAYOUT_LINE)
        add_line(web, item);
    else if (item->kind == LAYOUT_PATH)
        add_stroke(web, item, item->points, item->point_count);
    else if (item->kind == LAYOUT_SHADE)
        add_shade(web, item);
    else if (item->kind == LAYOUT_TEXT)
        add_text(web, item);
    else
        assert(false && "web: kind");
}

/* Append the rules of the classes: c0, c1 … are colours, s lines, f shades. */
static void append_style(GString *out, const struct web *web)
{
    g_string_append(out, "<style>svg{fill:currentColor;font-family:\"" TEXT_FAMILY "\",Verdana,sans-serif}"
                         ".s{fill:none;stroke:currentColor;stroke-linejoin:bevel}");
    g_string_append_printf(out, ".f{fill-opacity:.%02d}", DRAW_SHADE_PERCENT);
    append_colors(out, web->colors, false);
    g_string_append(out, "@media(prefers-color-scheme:dark){");
    append_colors(out, web->colors, true);
    g_string_append(out, "}</style>");
}

void web_svg(const struct layout *layout, GString *out)
{
    const struct layout_page *page = layout_page(layout, 0);
    struct web web = {.body = g_string_new(NULL),
                      .colors = g_array_new(FALSE, FALSE, sizeof(struct figure_color)),
                      .meter = layout->meter};
    g_string_append_printf(web.body, "<rect class='c%u' width='100%%' height='100%%'/>", class_of(&web, INK_PAPER));
    for (guint i = 0; i < page->items->len; i++)
        add_item(&web, &g_array_index(page->items, struct layout_item, i));
    g_string_append(out, "<svg xmlns='http://www.w3.org/2000/svg' xml:space='preserve'");
    append_attribute(out, "width", page->width);
    append_attribute(out, "height", page->height);
    append_attribute(out, "font-size", text_size(web.meter, TEXT_BODY));
    g_string_append_c(out, '>');
    append_style(out, &web);
    g_string_append_len(out, web.body->str, (gssize)web.body->len);
    g_string_append(out, "</svg>");
    g_array_free(web.colors, TRUE);
    g_string_free(web.body, TRUE);
}
