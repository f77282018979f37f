/*
 * Text from outside, made safe to show: valid UTF-8 in which every character shows. Pictures and HTML share it.
 */
#ifndef MITM_RENDER_SAFE_H
#define MITM_RENDER_SAFE_H

#include <glib.h>

#include "render/figure.h"

/*
 * Append to `out` what `text` from *at on begins with, one character or one invalid byte, in visible form, and move *at
 * past it. Invalid bytes become U+FFFD; characters that are invisible or change the direction, and piled-up combining
 * marks, become "<U+202E>". If `keep_newlines`, '\n' stays. *marks, at first 0, counts the combining marks in a row.
 */
void safe_append_next(GString *out, struct figure_text text, size_t *at, bool keep_newlines, int *marks);

#endif
