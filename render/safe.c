#include "render/safe.h"

#define MARKS_IN_A_ROW 2 /* combining marks on one character that are drawn as such */

/* Return whether `c` is drawn as nothing or changes how its neighbours are drawn, combining marks aside. */
static bool is_invisible(gunichar c)
{
    if (c == 0x115f || c == 0x1160 || c == 0x2800 || c == 0x3164 || c == 0xffa0 || c == 0x034f)
        return true; /* fillers and blanks that count as letters, symbols and marks */
    if ((c >= 0xfe00 && c <= 0xfe0f) || (c >= 0xe0100 && c <= 0xe01ef))
        return true; /* variation selectors */
    switch ((int)g_unichar_type(c)) {
    case G_UNICODE_CONTROL:
    case G_UNICODE_FORMAT:
    case G_UNICODE_UNASSIGNED:
    case G_UNICODE_PRIVATE_USE:
    case G_UNICODE_SURROGATE:
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
        return true;
    default:
        return false;
    }
}

/* Append `c` in the form in which it shows; `marks` counts the combining marks in a row. */
static void append_visible(GString *out, gunichar c, bool keep_newlines, int *marks)
{
    *marks = g_unichar_ismark(c) ? *marks + 1 : 0;
    if (c == '\n' && keep_newlines)
        g_string_append_c(out, '\n');
    else if (is_invisible(c) || *marks > MARKS_IN_A_ROW)
        g_string_append_printf(out, "<U+%04X>", c);
    else
        g_string_append_unichar(out, c);
}

void safe_append_next(GString *out, struct figure_text text, size_t *at, bool keep_newlines, int *marks)
{
    const char *p = text.bytes + *at;
    if ((unsigned char)*p < 0x80) { /* NUL too, which GLib would take for the end */
        append_visible(out, (unsigned char)*p, keep_newlines, marks);
        *at += 1;
        return;
    }
    size_t left = text.len_bytes - *at;
    gunichar c = g_utf8_get_char_validated(p, (gssize)MIN(left, 6));
    if (c == (gunichar)-1 || c == (gunichar)-2) {
        *marks = 0;
        g_string_append(out, "\xef\xbf\xbd");
        *at += 1;
        return;
    }
    append_visible(out, c, keep_newlines, marks);
    *at += (size_t)g_unichar_to_utf8(c, NULL);
}
