#include "render/layout.h"

#include <assert.h>
#include <math.h>

static void free_page(void *pointer)
{
    struct layout_page *page = pointer;
    for (guint i = 0; i < page->items->len; i++)
        g_free(g_array_index(page->items, struct layout_item, i).points);
    g_array_free(page->items, TRUE);
    g_array_free(page->hits, TRUE);
    g_array_free(page->anchors, TRUE);
    g_free(page);
}

struct layout *layout_new(const struct text_font *font)
{
    struct layout *layout = g_new0(struct layout, 1);
    layout->meter = text_meter_new(font);
    layout->unit_pt = LAYOUT_UNIT_PT;
    layout->title = "";
    layout->author = "";
    layout->pages = g_ptr_array_new_with_free_func(free_page);
    layout->bookmarks = g_array_new(FALSE, FALSE, sizeof(struct layout_bookmark));
    layout->names = g_hash_table_new(g_str_hash, g_str_equal);
    return layout;
}

void layout_free(struct layout *layout)
{
    g_hash_table_destroy(layout->names);
    g_array_free(layout->bookmarks, TRUE);
    g_ptr_array_free(layout->pages, TRUE);
    text_meter_free(layout->meter);
    g_free(layout);
}

struct layout_page *layout_add_page(struct layout *layout, double width, double height)
{
    struct layout_page *page = g_new(struct layout_page, 1);
    *page = (struct layout_page){
        .width = width,
        .height = height,
        .items = g_array_new(FALSE, FALSE, sizeof(struct layout_item)),
        .hits = g_array_new(FALSE, FALSE, sizeof(struct layout_hit)),
        .anchors = g_array_new(FALSE, FALSE, sizeof(struct layout_anchor)),
    };
    g_ptr_array_add(layout->pages, page);
    return page;
}

void layout_remove_last_page(struct layout *layout)
{
    g_ptr_array_set_size(layout->pages, (gint)layout->pages->len - 1);
}

void layout_insert_page(struct layout *layout, size_t index, double width, double height)
{
    layout_add_page(layout, width, height);
    gpointer page = g_ptr_array_steal_index(layout->pages, layout->pages->len - 1);
    g_ptr_array_insert(layout->pages, (gint)index, page);
    for (guint i = 0; i < layout->bookmarks->len; i++) {
        struct layout_bookmark *bookmark = &g_array_index(layout->bookmarks, struct layout_bookmark, i);
        if (bookmark->page >= index)
            bookmark->page++;
    }
}

size_t layout_page_count(const struct layout *layout)
{
    return layout->pages->len;
}

struct layout_page *layout_page(const struct layout *layout, size_t index)
{
    assert(index < layout->pages->len);
    return g_ptr_array_index(layout->pages, index);
}

void layout_add_rect(struct layout_page *page, struct layout_rect rect, struct figure_color color)
{
    struct layout_item item = {.kind = LAYOUT_RECT, .rect = rect, .color = color};
    g_array_append_val(page->items, item);
}

void layout_add_hatch(struct layout_page *page, struct layout_rect rect, struct figure_color color)
{
    struct layout_item item = {.kind = LAYOUT_HATCH, .rect = rect, .stroke = 1, .color = color};
    g_array_append_val(page->items, item);
}

void layout_add_line(struct layout_page *page, enum layout_kind kind, struct layout_point from, struct layout_point to,
                     double stroke, struct figure_color color)
{
    assert(from.x <= to.x && from.y <= to.y);
    struct layout_item item = {
        .kind = kind, .rect = {from.x, from.y, to.x - from.x, to.y - from.y}, .stroke = stroke, .color = color};
    g_array_append_val(page->items, item);
}

void layout_add_sign(struct layout_page *page, enum layout_kind kind, struct layout_point center, double radius,
                     struct figure_color color)
{
    struct layout_item item = {
        .kind = kind,
        .rect = {center.x - radius, center.y - radius, 2 * radius, 2 * radius},
        .stroke = fmin(1.5, radius / 2),
        .color = color,
    };
    g_array_append_val(page->items, item);
}

void layout_add_area(struct layout_page *page, struct layout_rect rect, const struct layout_point *points, size_t count,
                     struct figure_color color)
{
    struct layout_point *copy = g_new(struct layout_point, count);
    memcpy(copy, points, count * sizeof *points);
    struct layout_item item = {
        .kind = LAYOUT_AREA, .rect = rect, .stroke = 1, .color = color, .points = copy, .point_count = count};
    g_array_append_val(page->items, item);
}

/* Return a new item with a copy of the points, over the rectangle that they span. */
static struct layout_item item_of_points(enum layout_kind kind, const struct layout_point *points, size_t count,
                                         struct figure_color color)
{
    struct layout_point low = points[0];
    struct layout_point high = points[0];
    for (size_t i = 1; i < count; i++) {
        low = (struct layout_point){fmin(low.x, points[i].x), fmin(low.y, points[i].y)};
        high = (struct layout_point){fmax(high.x, points[i].x), fmax(high.y, points[i].y)};
    }
    struct layout_point *copy = g_new(struct layout_point, count);
    memcpy(copy, points, count * sizeof *points);
    return (struct layout_item){.kind = kind,
                                .rect = {low.x, low.y, high.x - low.x, high.y - low.y},
                                .color = color,
                                .points = copy,
                                .point_count = count};
}

void layout_add_path(struct layout_page *page, const struct layout_point *points, size_t count, double stroke,
                     const double *dash, size_t dash_count, struct figure_color color)
{
    assert(count >= 2);
    struct layout_item item = item_of_points(LAYOUT_PATH, points, count, color);
    item.stroke = stroke;
    item.dash = dash;
    item.dash_count = dash_count;
    g_array_append_val(page->items, item);
}

void layout_add_shade(struct layout_page *page, const struct layout_point *points, size_t count,
                      struct figure_color color)
{
    assert(count >= 3);
    struct layout_item item = item_of_points(LAYOUT_SHADE, points, count, color);
    g_array_append_val(page->items, item);
}

struct layout_rect layout_text_rect(struct layout *layout, enum text_style style, const char *text, double x,
                                    double top, enum layout_align align)
{
    double width = text_width(layout->meter, style, text);
    double shift = align == LAYOUT_LEFT ? 0 : align == LAYOUT_CENTER ? width / 2 : width;
    return (struct layout_rect){x - shift, top, width, text_height(layout->meter, style)};
}

struct layout_rect layout_add_text(struct layout *layout, struct layout_page *page, enum text_style style,
                                   struct figure_color color, const char *text, double x, double top,
                                   enum layout_align align)
{
    struct layout_rect rect = layout_text_rect(layout, style, text, x, top, align);
    struct layout_item item = {
        .kind = LAYOUT_TEXT, .rect = rect, .color = color, .text = text_keep(layout->meter, text), .style = style};
    if (*text != '\0')
        g_array_append_val(page->items, item);
    return rect;
}

/* Return whether `c` may stand in a local reference as it is. */
static bool is_link_char(char c)
{
    return (unsigned char)c > ' ' && c != 0x7f && !strchr("<>\"\\^`{|}", c);
}

bool layout_link_is_local(struct figure_text link)
{
    if (link.len_bytes == 0 || link.len_bytes > 4096)
        return false;
    if (!g_utf8_validate(link.bytes, (gssize)link.len_bytes, NULL))
        return false;
    bool in_path = true; /* before '?' and '#' */
    for (size_t i = 0; i < link.len_bytes; i++) {
        char c = link.bytes[i];
        if (!is_link_char(c))
            return false;
        if (in_path && c == ':')
            return false; /* a scheme, or what looks like one */
        if (in_path && c == '/' && i + 1 < link.len_bytes && link.bytes[i + 1] == '/')
            return false;
        in_path = in_path && c != '?' && c != '#';
    }
    return true;
}

void layout_add_hit(struct layout *layout, struct layout_page *page, struct layout_rect rect, const char *tooltip,
                    struct figure_text link, const char *target)
{
    struct layout_hit hit = {.rect = rect};
    if (tooltip && *tooltip != '\0')
        hit.tooltip = text_keep(layout->meter, tooltip);
    if (layout_link_is_local(link))
        hit.link = text_format(layout->meter, "%.*s", (int)link.len_bytes, link.bytes);
    if (target)
        hit.target = text_keep(layout->meter, target);
    if (hit.tooltip || hit.link || hit.target)
        g_array_append_val(page->hits, hit);
}

/* Return whether `name` may be an anchor's name. */
static bool is_anchor_name(const char *name)
{
    size_t len = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");
    return len > 0 && len <= 100 && name[len] == '\0';
}

bool layout_add_anchor(struct layout *layout, struct layout_page *page, const char *name, double x, double y)
{
    if (!is_anchor_name(name) || g_hash_table_contains(layout->names, name))
        return false;
    struct layout_anchor anchor = {.name = text_keep(layout->meter, name), .x = x, .y = y};
    g_array_append_val(page->anchors, anchor);
    g_hash_table_add(layout->names, (void *)(uintptr_t)anchor.name);
    return true;
}

void layout_add_bookmark(struct layout *layout, unsigned level, const char *text, size_t page, double y)
{
    struct layout_bookmark bookmark = {.text = text_keep(layout->meter, text), .page = page, .y = y, .level = level};
    g_array_append_val(layout->bookmarks, bookmark);
}

static void copy_item(struct layout *layout, struct layout_page *page, struct layout_item item, struct layout_point by)
{
    item.rect.x += by.x;
    item.rect.y += by.y;
    if (item.text)
        item.text = text_keep(layout->meter, item.text);
    if (item.points)
        item.points = g_memdup2(item.points, item.point_count * sizeof *item.points);
    for (size_t i = 0; i < item.point_count; i++) {
        item.points[i].x += by.x;
        item.points[i].y += by.y;
    }
    g_array_append_val(page->items, item);
}

void layout_add_copy(struct layout *layout, struct layout_page *page, const struct layout_page *from,
                     struct layout_point by, const char *prefix)
{
    for (guint i = 0; i < from->items->len; i++)
        copy_item(layout, page, g_array_index(from->items, struct layout_item, i), by);
    for (guint i = 0; i < from->hits->len; i++) {
        const struct layout_hit *hit = &g_array_index(from->hits, struct layout_hit, i);
        struct layout_rect rect = {hit->rect.x + by.x, hit->rect.y + by.y, hit->rect.width, hit->rect.height};
        const char *target = hit->target ? text_format(layout->meter, "%s%s", prefix, hit->target) : NULL;
        layout_add_hit(layout, page, rect, hit->tooltip, (struct figure_text){NULL, 0}, target);
    }
    for (guint i = 0; i < from->anchors->len; i++) {
        const struct layout_anchor *anchor = &g_array_index(from->anchors, struct layout_anchor, i);
        layout_add_anchor(layout, page, text_format(layout->meter, "%s%s", prefix, anchor->name), anchor->x + by.x,
                          anchor->y + by.y);
    }
}

bool layout_rects_overlap(const struct layout_rect *a, const struct layout_rect *b, double slack)
{
    return a->x + a->width > b->x + slack && b->x + b->width > a->x + slack && a->y + a->height > b->y + slack &&
           b->y + b->height > a->y + slack;
}
