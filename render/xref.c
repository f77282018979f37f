#include "render/xref.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define ENTRY_BYTES 20
#define TAIL_BYTES  40 /* "startxref", an offset and "%%EOF" are within these, and no more than text */

/* Return the number that the decimal digits at `text` are. */
static gsize number_at(const char *text)
{
    return (gsize)strtoull(text, NULL, 10);
}

/* Return whether the object `number` begins at `at`. */
static bool is_object_at(const GString *pdf, gsize at, gsize number)
{
    if (at >= pdf->len)
        return false;
    char *expected = g_strdup_printf("%zu 0 obj", number);
    bool found = g_str_has_prefix(pdf->str + at, expected);
    g_free(expected);
    return found;
}

void xref_free_missing(GString *pdf, gsize start)
{
    gsize tail = pdf->len - start > TAIL_BYTES ? pdf->len - TAIL_BYTES : start;
    const char *last = g_strstr_len(pdf->str + tail, (gssize)(pdf->len - tail), "startxref\n");
    if (!last)
        return;
    gsize at = start + number_at(last + strlen("startxref\n"));
    if (at >= pdf->len || !g_str_has_prefix(pdf->str + at, "xref\n0 "))
        return;
    gsize count = number_at(pdf->str + at + strlen("xref\n0 "));
    const char *line_end = strchr(pdf->str + at + strlen("xref\n"), '\n');
    char *entry = line_end ? pdf->str + (line_end + 1 - pdf->str) : NULL;
    for (gsize i = 0; entry && i < count && entry + ENTRY_BYTES <= pdf->str + pdf->len; i++, entry += ENTRY_BYTES) {
        if (entry[17] == 'n' && !is_object_at(pdf, start + number_at(entry), i))
            memcpy(entry, "0000000000 65535 f ", ENTRY_BYTES - 1);
    }
}
