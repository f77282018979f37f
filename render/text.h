/*
 * Text: made safe to show, measured, and fitted into the room there is.
 *
 * A `text_meter` measures text in the fonts of the pictures. Lengths are in layout units (CSS pixels). It remembers
 * what it has measured. Strings that functions return without saying otherwise belong to the meter and live as long as
 * it does. Memory is GLib's: running out of it ends the program.
 */
#ifndef MITM_RENDER_TEXT_H
#define MITM_RENDER_TEXT_H

#include <pango/pangocairo.h>

#include "render/figure.h"

/* The fonts of the pictures: one family in these sizes and weights. In figures for a page of somebody else's, whose
 * texts have a size to keep to, all have that size; only the title is larger. */
enum text_style {
    TEXT_TITLE,   /* 17, bold; or 1.25 × the size asked for */
    TEXT_HEADING, /* 11, bold: servers, strips */
    TEXT_BODY,    /* 11: subtitles, legend, marks, warnings */
    TEXT_SMALL,   /* 10: lanes, ticks, notes */
    TEXT_COVER,   /* 26, bold: the title of a document on paper; and its */
    TEXT_CHAPTER, /* 19, bold: headings */
    TEXT_SECTION, /* 14, bold */
    TEXT_PROSE,   /* 12.5: paragraphs */
};
#define TEXT_STYLE_COUNT 8

/* What to write with. All zero is the usual. */
struct text_font {
    const char *family; /* NULL: TEXT_FAMILY */
    double size;        /* in layout units; 0: the sizes above */
};
#define TEXT_FAMILY "DejaVu Sans"

/* Return whether the font `family` is installed; upper and lower case count the same. */
bool text_family_exists(const char *family) __attribute__((warn_unused_result));

/* Where text that is too long is cut: "www.exam…org:80" or "a long sentence tha…". */
enum text_cut {
    TEXT_CUT_MIDDLE,
    TEXT_CUT_END,
};

/* Greatest number of characters that are kept of a text from outside before it is fitted. */
#define TEXT_MAX_CHARS 600

struct text_meter;

/* Return a new meter of texts in `font` (NULL: the usual), to be freed with text_meter_free(). */
struct text_meter *text_meter_new(const struct text_font *font);
void text_meter_free(struct text_meter *meter);

/* Return the pango context of `meter`; it belongs to the meter. */
PangoContext *text_meter_context(struct text_meter *meter);

/* Return the description of the font of `style`; it belongs to the meter. */
const PangoFontDescription *text_meter_font(const struct text_meter *meter, enum text_style style);

/* Return the size of the font of `style`: one em. */
double text_size(const struct text_meter *meter, enum text_style style);

/* Return how far a line of `style` reaches above its baseline, and its whole height. */
double text_ascent(const struct text_meter *meter, enum text_style style);
double text_height(const struct text_meter *meter, enum text_style style);

/* Return the width of `string`, valid UTF-8, on one line of `style`. */
double text_width(struct text_meter *meter, enum text_style style, const char *string);

/*
 * Return `text` as valid UTF-8 of one line in which every character shows: invalid bytes become U+FFFD; characters that
 * are invisible or change the direction, and piled-up combining marks, become "<U+202E>". Of more than TEXT_MAX_CHARS
 * characters the middle is replaced by "…". If `keep_newlines`, '\n' stays.
 */
const char *text_safe(struct text_meter *meter, struct figure_text text, bool keep_newlines);

/* Return `string` cut at `cut` so that it is at most `max_width` wide; "" if not even "…" fits. */
const char *text_fit(struct text_meter *meter, enum text_style style, const char *string, double max_width,
                     enum text_cut cut);

/*
 * Break `string` at spaces into at most `max_lines` lines of at most `max_width`, put them into `lines` and return
 * their number. A line that is too long without a space, and the last one if there is more, are cut with an ellipsis.
 */
size_t text_wrap(struct text_meter *meter, enum text_style style, const char *string, double max_width,
                 const char **lines, size_t max_lines);

/* Return a copy of `string` that belongs to `meter`. */
const char *text_keep(struct text_meter *meter, const char *string);

/* Return a string formatted as by printf, for integers and strings only (the locale must not show). */
const char *text_format(struct text_meter *meter, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Append to `out` the characters of the valid UTF-8 `string` with &, <, >, " and ' escaped for XML and HTML, and '\n'
 * as
 * "&#10;". */
void text_append_xml(GString *out, const char *string);

#endif
