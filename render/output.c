#include "render/output.h"

#include <cairo-pdf.h>
#include <cairo-svg.h>
#include <inttypes.h>
#include <math.h>
#include <time.h>

#include "render/draw.h"
#include "render/indexed.h"
#include "render/xref.h"

#define OUTLINE_LEVELS 4 /* of the outline of a PDF, at most */

static cairo_status_t append_bytes(void *closure, const unsigned char *data, unsigned length)
{
    g_string_append_len(closure, (const char *)data, length);
    return CAIRO_STATUS_SUCCESS;
}

/* Return the first failure of drawing with `cr` on `surface`, and free both. */
static cairo_status_t finish(cairo_t *cr, cairo_surface_t *surface)
{
    cairo_status_t status = cairo_status(cr);
    cairo_destroy(cr);
    cairo_surface_finish(surface);
    if (status == CAIRO_STATUS_SUCCESS)
        status = cairo_surface_status(surface);
    cairo_surface_destroy(surface);
    return status;
}

/* Append `value` with two decimals, in no locale. */
static void append_number(GString *out, double value)
{
    int64_t hundredths = llround(value * 100);
    const char *sign = hundredths < 0 ? "-" : "";
    uint64_t magnitude = (uint64_t)(hundredths < 0 ? -hundredths : hundredths);
    g_string_append_printf(out, "%s%" PRIu64 ".%02" PRIu64, sign, magnitude / 100, magnitude % 100);
}

/* Append ` name="value"`, the value with two decimals. */
static void append_number_attribute(GString *out, const char *name, double value)
{
    g_string_append_printf(out, " %s=\"", name);
    append_number(out, value);
    g_string_append_c(out, '"');
}

/* Append ` name="value"`, the value escaped. */
static void append_text_attribute(GString *out, const char *name, const char *value)
{
    g_string_append_printf(out, " %s=\"", name);
    text_append_xml(out, value);
    g_string_append_c(out, '"');
}

/*
 * Append one hit area as SVG. `targets` (NULL: no links) are the links whose target is in the picture already: the
 * first area with a link is its target, so that picture.svg#connection-435 shows that lane, and a click gives that
 * address.
 */
static void append_svg_hit(GString *out, const struct layout_hit *hit, GHashTable *targets)
{
    bool linked = targets && hit->link;
    if (!linked && !hit->tooltip)
        return;
    if (linked) {
        g_string_append(out, "<a");
        append_text_attribute(out, "xlink:href", hit->link);
        g_string_append_c(out, '>');
    }
    g_string_append(out, "<rect");
    if (linked && hit->link[0] == '#' && g_hash_table_add(targets, (gpointer)(uintptr_t)hit->link))
        append_text_attribute(out, "id", hit->link + 1);
    append_number_attribute(out, "x", hit->rect.x);
    append_number_attribute(out, "y", hit->rect.y);
    append_number_attribute(out, "width", hit->rect.width);
    append_number_attribute(out, "height", hit->rect.height);
    if (hit->tooltip) {
        g_string_append(out, "><title>");
        text_append_xml(out, hit->tooltip);
        g_string_append(out, "</title></rect>");
    } else {
        g_string_append(out, "/>");
    }
    g_string_append(out, linked ? "</a>\n" : "\n");
}

/* Take the id of cairo's only surface away: it counts the surfaces of the process. Nothing refers to it. */
static void remove_surface_id(GString *out, gsize start)
{
    static const char before[] = "<g id=\"surface";
    const char *found = strstr(out->str + start, before);
    if (!found)
        return;
    gssize at = found + 2 - out->str; /* after "<g" */
    const char *end = strchr(found, '>');
    g_string_erase(out, at, end - out->str - at);
}

/* Put the title behind the opening <svg …> of the document that begins at `start`, and the hit areas before its end. */
static void complete_svg(GString *out, gsize start, const struct layout *layout, bool links)
{
    const struct layout_page *page = layout_page(layout, 0);
    remove_surface_id(out, start);
    char *end = g_strrstr(out->str + start, "</svg>");
    if (end)
        g_string_truncate(out, (gsize)(end - out->str));
    if (links)
        g_string_append(out, "<style>rect:target{fill:#f2c94c;fill-opacity:.3}</style>\n");
    g_string_append(out, "<g fill=\"none\" stroke=\"none\" pointer-events=\"all\"");
    if (layout->unit_pt != OUTPUT_POINTS_PER_UNIT) {
        g_string_append(out, " transform=\"scale(");
        append_number(out, layout->unit_pt / OUTPUT_POINTS_PER_UNIT);
        g_string_append(out, ")\"");
    }
    g_string_append(out, ">\n");
    GHashTable *targets = links ? g_hash_table_new(g_str_hash, g_str_equal) : NULL;
    for (guint i = 0; i < page->hits->len; i++)
        append_svg_hit(out, &g_array_index(page->hits, struct layout_hit, i), targets);
    if (targets)
        g_hash_table_destroy(targets);
    g_string_append(out, "</g>\n</svg>\n");
    const char *opening = strstr(out->str + start, "<svg");
    const char *behind = opening ? strchr(opening, '>') : NULL;
    if (!behind || *layout->title == '\0')
        return;
    GString *title = g_string_new("\n<title>");
    text_append_xml(title, layout->title);
    g_string_append(title, "</title>");
    g_string_insert(out, behind + 1 - out->str, title->str);
    g_string_free(title, TRUE);
}

cairo_status_t output_svg(const struct layout *layout, bool links, bool dark, GString *out)
{
    gsize start = out->len;
    const struct layout_page *page = layout_page(layout, 0);
    double scale = layout->unit_pt / OUTPUT_POINTS_PER_UNIT;
    cairo_surface_t *surface =
        cairo_svg_surface_create_for_stream(append_bytes, out, page->width * scale, page->height * scale);
    cairo_svg_surface_set_document_unit(surface, CAIRO_SVG_UNIT_PX);
    cairo_t *cr = cairo_create(surface);
    cairo_scale(cr, scale, scale);
    draw_page(cr, layout, page, dark);
    cairo_status_t status = finish(cr, surface);
    if (status == CAIRO_STATUS_SUCCESS)
        complete_svg(out, start, layout, links);
    return status;
}

/* Write the image `surface` of `page` as PNG, with the very colours of what was drawn. */
static cairo_status_t write_png(cairo_surface_t *surface, const struct layout_page *page, bool dark, double per_inch,
                                GString *out)
{
    guint32 inks[64];
    guint count = 0;
    for (guint i = 0; i <= page->items->len && count < G_N_ELEMENTS(inks); i++) {
        struct figure_color color = i == 0 ? INK_PAPER : g_array_index(page->items, struct layout_item, i - 1).color;
        color = draw_color(color, dark);
        guint32 ink = (guint32)color.red << 16 | (guint32)color.green << 8 | color.blue;
        bool known = false;
        for (guint k = 0; k < count; k++)
            known = known || inks[k] == ink;
        if (!known)
            inks[count++] = ink;
    }
    return indexed_png(surface, inks, count, per_inch, out);
}

cairo_status_t output_png(const struct layout *layout, double scale, bool dark, GString *out)
{
    const struct layout_page *page = layout_page(layout, 0);
    double per_inch = scale * 72 / OUTPUT_POINTS_PER_UNIT;
    scale *= layout->unit_pt / OUTPUT_POINTS_PER_UNIT;
    cairo_surface_t *surface =
        cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)ceil(page->width * scale), (int)ceil(page->height * scale));
    cairo_t *cr = cairo_create(surface);
    draw_ground(cr, dark);
    cairo_scale(cr, scale, scale);
    draw_page(cr, layout, page, dark);
    cairo_status_t status = cairo_status(cr);
    if (status == CAIRO_STATUS_SUCCESS)
        status = write_png(surface, page, dark, per_inch, out);
    cairo_status_t finished = finish(cr, surface);
    return status != CAIRO_STATUS_SUCCESS ? status : finished;
}

/* Add the anchors and links of `page` as tags. Their coordinates are points: cairo 1.16 takes them as they are, without
 * regard to the transformation of `cr`. */
static void add_pdf_tags(cairo_t *cr, const struct layout *layout, const struct layout_page *page)
{
    cairo_save(cr);
    cairo_identity_matrix(cr);
    for (guint i = 0; i < page->anchors->len; i++) {
        const struct layout_anchor *anchor = &g_array_index(page->anchors, struct layout_anchor, i);
        GString *attributes = g_string_new(NULL);
        g_string_append_printf(attributes, "name='%s' x=", anchor->name);
        append_number(attributes, anchor->x * layout->unit_pt);
        g_string_append(attributes, " y=");
        append_number(attributes, fmax(anchor->y, 0) * layout->unit_pt);
        cairo_tag_begin(cr, CAIRO_TAG_DEST, attributes->str);
        cairo_tag_end(cr, CAIRO_TAG_DEST);
        g_string_free(attributes, TRUE);
    }
    for (guint i = 0; i < page->hits->len; i++) {
        const struct layout_hit *hit = &g_array_index(page->hits, struct layout_hit, i);
        if (!hit->target || !g_hash_table_contains(layout->names, hit->target))
            continue;
        GString *attributes = g_string_new(NULL);
        g_string_append_printf(attributes, "dest='%s' rect=[", hit->target);
        const double edges[] = {hit->rect.x, hit->rect.y, hit->rect.width, hit->rect.height};
        for (size_t k = 0; k < 4; k++) {
            append_number(attributes, edges[k] * layout->unit_pt);
            g_string_append_c(attributes, k < 3 ? ' ' : ']');
        }
        cairo_tag_begin(cr, CAIRO_TAG_LINK, attributes->str);
        cairo_tag_end(cr, CAIRO_TAG_LINK);
        g_string_free(attributes, TRUE);
    }
    cairo_restore(cr);
}

/* Set the title and the date of the document. */
static void set_pdf_metadata(cairo_surface_t *surface, const struct layout *layout)
{
    time_t created = layout->created_s;
    struct tm utc;
    char date[64];
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_TITLE, layout->title);
    if (!gmtime_r(&created, &utc) || utc.tm_year < 0 || utc.tm_year > 8099)
        memset(&utc, 0, sizeof utc), utc.tm_year = 70, utc.tm_mday = 1;
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", &utc);
    if (*layout->author != '\0')
        cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_AUTHOR, layout->author);
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATE_DATE, date);
}

static void add_pdf_outline(cairo_surface_t *surface, const struct layout *layout)
{
    int above[OUTLINE_LEVELS] = {0}; /* the last one of each level */
    for (guint i = 0; i < layout->bookmarks->len; i++) {
        const struct layout_bookmark *bookmark = &g_array_index(layout->bookmarks, struct layout_bookmark, i);
        GString *attributes = g_string_new(NULL);
        g_string_append_printf(attributes, "page=%zu pos=[0 ", bookmark->page + 1);
        append_number(attributes, fmax(bookmark->y, 0) * OUTPUT_POINTS_PER_UNIT);
        g_string_append_c(attributes, ']');
        unsigned level = MIN(bookmark->level, OUTLINE_LEVELS - 1);
        int parent = level > 0 ? above[level - 1] : CAIRO_PDF_OUTLINE_ROOT;
        int id = cairo_pdf_surface_add_outline(surface, parent, bookmark->text, attributes->str, 0);
        for (unsigned below = level; below < OUTLINE_LEVELS; below++)
            above[below] = id;
        g_string_free(attributes, TRUE);
    }
}

cairo_status_t output_pdf(const struct layout *layout, bool dark, GString *out)
{
    gsize start = out->len;
    const struct layout_page *first = layout_page(layout, 0);
    cairo_surface_t *surface = cairo_pdf_surface_create_for_stream(append_bytes, out, first->width * layout->unit_pt,
                                                                   first->height * layout->unit_pt);
    set_pdf_metadata(surface, layout);
    cairo_t *cr = cairo_create(surface);
    cairo_scale(cr, layout->unit_pt, layout->unit_pt);
    for (size_t i = 0; i < layout_page_count(layout); i++) {
        draw_page(cr, layout, layout_page(layout, i), dark);
        add_pdf_tags(cr, layout, layout_page(layout, i));
        cairo_show_page(cr);
    }
    add_pdf_outline(surface, layout);
    cairo_status_t status = finish(cr, surface);
    if (status == CAIRO_STATUS_SUCCESS)
        xref_free_missing(out, start);
    return status;
}

void output_image_map(const struct layout *layout, bool links, const char *name, GString *out)
{
    const struct layout_page *page = layout_page(layout, 0);
    g_string_append(out, "<map");
    append_text_attribute(out, "name", name);
    g_string_append(out, ">\n");
    GHashTable *links_seen = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = page->hits->len; i > 0; i--) { /* the first area that contains the place counts */
        const struct layout_hit *hit = &g_array_index(page->hits, struct layout_hit, i - 1);
        const struct layout_rect *rect = &hit->rect;
        bool linked = links && hit->link;
        if (!linked && !hit->tooltip)
            continue;
        g_string_append_printf(out, "<area coords=\"%ld,%ld,%ld,%ld\"", lround(fmax(floor(rect->x), 0)),
                               lround(fmax(floor(rect->y), 0)), lround(fmin(ceil(rect->x + rect->width), page->width)),
                               lround(fmin(ceil(rect->y + rect->height), page->height)));
        if (linked) {
            append_text_attribute(out, "href", hit->link);
            append_text_attribute(out, "alt", hit->tooltip ? hit->tooltip : hit->link);
            /* The tab key stops once for each target. */
            if (!g_hash_table_add(links_seen, (gpointer)(uintptr_t)hit->link))
                g_string_append(out, " tabindex=\"-1\"");
        }
        if (hit->tooltip)
            append_text_attribute(out, "title", hit->tooltip);
        g_string_append(out, ">\n");
    }
    g_hash_table_destroy(links_seen);
    g_string_append(out, "</map>\n");
}
