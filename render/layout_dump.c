#include "render/layout.h"

#include <math.h>

static const char *const kind_names[] = {
    [LAYOUT_RECT] = "rect", [LAYOUT_LINE] = "line",   [LAYOUT_DOTTED] = "dotted", [LAYOUT_DOT] = "dot",
    [LAYOUT_RING] = "ring", [LAYOUT_CROSS] = "cross", [LAYOUT_AREA] = "area",     [LAYOUT_TEXT] = "text",
    [LAYOUT_PATH] = "path", [LAYOUT_SHADE] = "shade", [LAYOUT_HATCH] = "hatch",
};
static const char *const style_names[TEXT_STYLE_COUNT] = {
    [TEXT_TITLE] = "title", [TEXT_HEADING] = "heading", [TEXT_BODY] = "body",       [TEXT_SMALL] = "small",
    [TEXT_COVER] = "cover", [TEXT_CHAPTER] = "chapter", [TEXT_SECTION] = "section", [TEXT_PROSE] = "prose"};

/* Print the four edges of `rect` rounded: x, y, width, height. */
static void dump_rect(const struct layout_rect *rect, FILE *out)
{
    fprintf(out, " %ld %ld %ld %ld", lround(rect->x), lround(rect->y), lround(rect->width), lround(rect->height));
}

/* Print `text` in quotes, its newlines as \n and its backslashes and quotes escaped. */
static void dump_text(const char *text, FILE *out)
{
    fputc('"', out);
    for (; *text != '\0'; text++) {
        if (*text == '\n')
            fputs("\\n", out);
        else if (*text == '"' || *text == '\\')
            fprintf(out, "\\%c", *text);
        else
            fputc(*text, out);
    }
    fputc('"', out);
}

static void dump_item(const struct layout_item *item, FILE *out)
{
    fputs(kind_names[item->kind], out);
    dump_rect(&item->rect, out);
    fprintf(out, " #%02x%02x%02x", item->color.red, item->color.green, item->color.blue);
    if (item->kind == LAYOUT_TEXT) {
        fprintf(out, " %s ", style_names[item->style]);
        dump_text(item->text, out);
    }
    for (size_t i = 0; i < item->point_count; i++)
        fprintf(out, " %ld,%ld", lround(item->points[i].x), lround(item->points[i].y));
    for (size_t i = 0; i < item->dash_count; i++)
        fprintf(out, "%s%.1f", i == 0 ? " dash " : "-", item->dash[i]);
    fputc('\n', out);
}

static void dump_hit(const struct layout_hit *hit, FILE *out)
{
    fputs("hit", out);
    dump_rect(&hit->rect, out);
    if (hit->tooltip) {
        fputc(' ', out);
        dump_text(hit->tooltip, out);
    }
    if (hit->link)
        fprintf(out, " link=%s", hit->link);
    if (hit->target)
        fprintf(out, " target=%s", hit->target);
    fputc('\n', out);
}

void layout_dump(const struct layout *layout, FILE *out)
{
    for (size_t i = 0; i < layout_page_count(layout); i++) {
        const struct layout_page *page = layout_page(layout, i);
        fprintf(out, "page %zu %ldx%ld\n", i + 1, lround(page->width), lround(page->height));
        for (guint k = 0; k < page->items->len; k++)
            dump_item(&g_array_index(page->items, struct layout_item, k), out);
        for (guint k = 0; k < page->hits->len; k++)
            dump_hit(&g_array_index(page->hits, struct layout_hit, k), out);
        for (guint k = 0; k < page->anchors->len; k++) {
            const struct layout_anchor *anchor = &g_array_index(page->anchors, struct layout_anchor, k);
            fprintf(out, "anchor %ld %ld %s\n", lround(anchor->x), lround(anchor->y), anchor->name);
        }
    }
    for (guint k = 0; k < layout->bookmarks->len; k++) {
        const struct layout_bookmark *bookmark = &g_array_index(layout->bookmarks, struct layout_bookmark, k);
        fprintf(out, "bookmark page %zu %ld ", bookmark->page + 1, lround(bookmark->y));
        dump_text(bookmark->text, out);
        fputc('\n', out);
    }
}
