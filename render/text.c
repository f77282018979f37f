#include "render/text.h"

#include <stdarg.h>

#include "render/safe.h"

/* Fontconfig keeps its patterns behind encoded pointers, which LeakSanitizer takes for lost. They do not grow. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_options(void);

const char *__lsan_default_suppressions(void)
{
    return "leak:libfontconfig";
}

const char *__lsan_default_options(void)
{
    return "print_suppressions=0";
}

struct text_meter {
    PangoFontMap *fonts;
    PangoContext *context;
    PangoLayout *layout;
    PangoFontDescription *font[TEXT_STYLE_COUNT];
    double ascent[TEXT_STYLE_COUNT];
    double height[TEXT_STYLE_COUNT];
    GHashTable *widths[TEXT_STYLE_COUNT]; /* string → double, both owned by the table */
    GStringChunk *strings;
};

static const struct {
    double size;
    PangoWeight weight;
} styles[TEXT_STYLE_COUNT] = {
    [TEXT_TITLE] = {17, PANGO_WEIGHT_BOLD},   [TEXT_HEADING] = {11, PANGO_WEIGHT_BOLD},
    [TEXT_BODY] = {11, PANGO_WEIGHT_NORMAL},  [TEXT_SMALL] = {10, PANGO_WEIGHT_NORMAL},
    [TEXT_COVER] = {26, PANGO_WEIGHT_BOLD},   [TEXT_CHAPTER] = {19, PANGO_WEIGHT_BOLD},
    [TEXT_SECTION] = {14, PANGO_WEIGHT_BOLD}, [TEXT_PROSE] = {12.5, PANGO_WEIGHT_NORMAL},
};

/* Create the font, the line metrics and the table of widths of `style`, as `asked`. */
static void add_style(struct text_meter *meter, enum text_style style, const struct text_font *asked)
{
    double size = asked->size > 0 ? asked->size * (style == TEXT_TITLE ? 1.25 : 1) : styles[style].size;
    PangoFontDescription *font = pango_font_description_new();
    pango_font_description_set_family(font, asked->family ? asked->family : TEXT_FAMILY);
    pango_font_description_set_weight(font, styles[style].weight);
    pango_font_description_set_absolute_size(font, size * PANGO_SCALE);
    PangoFontMetrics *metrics = pango_context_get_metrics(meter->context, font, NULL);
    meter->font[style] = font;
    meter->ascent[style] = (double)pango_font_metrics_get_ascent(metrics) / PANGO_SCALE;
    meter->height[style] = meter->ascent[style] + (double)pango_font_metrics_get_descent(metrics) / PANGO_SCALE;
    meter->widths[style] = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    pango_font_metrics_unref(metrics);
}

bool text_family_exists(const char *family)
{
    PangoFontMap *fonts = pango_cairo_font_map_new();
    PangoFontFamily **families;
    int count;
    pango_font_map_list_families(fonts, &families, &count);
    bool exists = false;
    for (int i = 0; i < count; i++)
        exists = exists || g_ascii_strcasecmp(pango_font_family_get_name(families[i]), family) == 0;
    g_free(families);
    g_object_unref(fonts);
    return exists;
}

struct text_meter *text_meter_new(const struct text_font *font)
{
    static const struct text_font usual = {NULL, 0};
    struct text_meter *meter = g_new0(struct text_meter, 1);
    meter->fonts = pango_cairo_font_map_new();
    pango_cairo_font_map_set_resolution(PANGO_CAIRO_FONT_MAP(meter->fonts), 72);
    meter->context = pango_font_map_create_context(meter->fonts);
    /* The same glyphs at the same places on every surface. */
    cairo_font_options_t *options = cairo_font_options_create();
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
    pango_cairo_context_set_font_options(meter->context, options);
    cairo_font_options_destroy(options);
    pango_context_set_round_glyph_positions(meter->context, FALSE);
    pango_context_set_base_dir(meter->context, PANGO_DIRECTION_LTR);
    pango_context_set_language(meter->context, pango_language_from_string("en"));
    meter->layout = pango_layout_new(meter->context);
    pango_layout_set_auto_dir(meter->layout, FALSE);
    pango_layout_set_single_paragraph_mode(meter->layout, TRUE);
    meter->strings = g_string_chunk_new(4096);
    for (int style = 0; style < TEXT_STYLE_COUNT; style++)
        add_style(meter, (enum text_style)style, font ? font : &usual);
    return meter;
}

void text_meter_free(struct text_meter *meter)
{
    for (int style = 0; style < TEXT_STYLE_COUNT; style++) {
        pango_font_description_free(meter->font[style]);
        g_hash_table_destroy(meter->widths[style]);
    }
    g_string_chunk_free(meter->strings);
    g_object_unref(meter->layout);
    g_object_unref(meter->context);
    g_object_unref(meter->fonts);
    g_free(meter);
}

PangoContext *text_meter_context(struct text_meter *meter)
{
    return meter->context;
}

const PangoFontDescription *text_meter_font(const struct text_meter *meter, enum text_style style)
{
    return meter->font[style];
}

double text_size(const struct text_meter *meter, enum text_style style)
{
    return (double)pango_font_description_get_size(meter->font[style]) / PANGO_SCALE;
}

double text_ascent(const struct text_meter *meter, enum text_style style)
{
    return meter->ascent[style];
}

double text_height(const struct text_meter *meter, enum text_style style)
{
    return meter->height[style];
}

double text_width(struct text_meter *meter, enum text_style style, const char *string)
{
    const double *known = g_hash_table_lookup(meter->widths[style], string);
    if (known)
        return *known;
    PangoRectangle ink;
    PangoRectangle logical;
    pango_layout_set_font_description(meter->layout, meter->font[style]);
    pango_layout_set_text(meter->layout, string, -1);
    pango_layout_get_extents(meter->layout, &ink, &logical);
    int right = MAX(logical.x + logical.width, ink.width > 0 ? ink.x + ink.width : 0);
    double *width = g_new(double, 1);
    *width = (double)right / PANGO_SCALE;
    g_hash_table_insert(meter->widths[style], g_strdup(string), width);
    return *width;
}

/* Replace the middle of `string`, if it has more than TEXT_MAX_CHARS characters, by an ellipsis. */
static void limit_chars(GString *string)
{
    glong chars = g_utf8_strlen(string->str, (gssize)string->len);
    if (chars <= TEXT_MAX_CHARS)
        return;
    glong kept = (TEXT_MAX_CHARS - 1) / 2;
    const char *head_end = g_utf8_offset_to_pointer(string->str, kept);
    const char *tail = g_utf8_offset_to_pointer(string->str, chars - kept);
    gssize at = head_end - string->str;
    g_string_erase(string, at, tail - head_end);
    g_string_insert(string, at, "…");
}

const char *text_safe(struct text_meter *meter, struct figure_text text, bool keep_newlines)
{
    /* Of a huge text only the two ends are read: they suffice, since a character has at most 6 bytes. */
    size_t end_bytes = (size_t)TEXT_MAX_CHARS * 6;
    size_t skip_from = text.len_bytes > 2 * end_bytes ? end_bytes : text.len_bytes;
    GString *out = g_string_new(NULL);
    int marks = 0;
    size_t at = 0;
    while (at < skip_from)
        safe_append_next(out, text, &at, keep_newlines, &marks);
    if (skip_from < text.len_bytes)
        at = text.len_bytes - end_bytes;
    while (at < text.len_bytes)
        safe_append_next(out, text, &at, keep_newlines, &marks);
    limit_chars(out);
    const char *safe = g_string_chunk_insert_const(meter->strings, out->str);
    g_string_free(out, TRUE);
    return safe;
}

/* Return `string`, of `chars` characters, with only `kept` of them around or before an ellipsis. The caller frees it.
 */
static char *cut_string(const char *string, glong chars, glong kept, enum text_cut cut)
{
    glong head = cut == TEXT_CUT_END ? kept : (kept + 1) / 2;
    const char *head_end = g_utf8_offset_to_pointer(string, head);
    const char *tail = cut == TEXT_CUT_END ? "" : g_utf8_offset_to_pointer(string, chars - (kept - head));
    return g_strdup_printf("%.*s…%s", (int)(head_end - string), string, tail);
}

const char *text_fit(struct text_meter *meter, enum text_style style, const char *string, double max_width,
                     enum text_cut cut)
{
    if (text_width(meter, style, string) <= max_width)
        return string;
    glong chars = g_utf8_strlen(string, -1);
    glong low = -1; /* number of characters known to fit; -1: not even the ellipsis */
    glong high = chars;
    while (high - low > 1) {
        glong middle = (low + high) / 2;
        char *shorter = cut_string(string, chars, middle, cut);
        if (text_width(meter, style, shorter) <= max_width)
            low = middle;
        else
            high = middle;
        g_free(shorter);
    }
    if (low < 0)
        return "";
    char *shorter = cut_string(string, chars, low, cut);
    const char *kept = g_string_chunk_insert_const(meter->strings, shorter);
    g_free(shorter);
    return kept;
}

/* Return how many bytes of `string` to put on one line: as many words as fit, at least one. */
static size_t line_bytes(struct text_meter *meter, enum text_style style, const char *string, double max_width)
{
    size_t fits = 0;
    for (size_t end = 0;; end++) {
        if (string[end] != ' ' && string[end] != '\0')
            continue;
        char *line = g_strndup(string, end);
        bool too_wide = text_width(meter, style, line) > max_width;
        g_free(line);
        if (too_wide && fits > 0)
            return fits;
        fits = end;
        if (too_wide || string[end] == '\0')
            return fits;
    }
}

size_t text_wrap(struct text_meter *meter, enum text_style style, const char *string, double max_width,
                 const char **lines, size_t max_lines)
{
    size_t count = 0;
    while (*string != '\0' && count < max_lines) {
        size_t len = count + 1 == max_lines ? strlen(string) : line_bytes(meter, style, string, max_width);
        char *line = g_strndup(string, len);
        lines[count++] = text_fit(meter, style, text_keep(meter, line), max_width, TEXT_CUT_END);
        g_free(line);
        string += len;
        while (*string == ' ')
            string++;
    }
    return count;
}

const char *text_keep(struct text_meter *meter, const char *string)
{
    return g_string_chunk_insert_const(meter->strings, string);
}

const char *text_format(struct text_meter *meter, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *string = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    const char *kept = text_keep(meter, string);
    g_free(string);
    return kept;
}

void text_append_xml(GString *out, const char *string)
{
    for (const char *p = string; *p != '\0'; p++) {
        switch (*p) {
        case '&':
            g_string_append(out, "&amp;");
            break;
        case '<':
            g_string_append(out, "&lt;");
            break;
        case '>':
            g_string_append(out, "&gt;");
            break;
        case '"':
            g_string_append(out, "&quot;");
            break;
        case '\'':
            g_string_append(out, "&#39;");
            break;
        case '\n':
            g_string_append(out, "&#10;");
            break;
        default:
            g_string_append_c(out, *p);
        }
    }
}
