/*
 * HTML: the only place that escapes. All text that was recorded, or that somebody else chose, goes through here.
 *
 * What these functions write is the same in text and between double quotes: neither markup, nor an invalid, invisible
 * or direction-changing character is left of what somebody chose.
 */
#ifndef MITM_REPORT_HTML_H
#define MITM_REPORT_HTML_H

#include <stddef.h>
#include <stdio.h>

#include "analyze/texts.h"

/* Write the `len` bytes at `data` as text: &, <, >, " and ' as references; what does not show, as render/safe.h has it:
 * U+FFFD, "<U+202E>". */
void html_bytes(FILE *out, const void *data, size_t len);

/* The same for a string, and for recorded text. */
void html_string(FILE *out, const char *string);
void html_text(FILE *out, struct text text);

/* Write the `len` bytes at `data` percent-encoded for the query of a URL (RFC 3986, section 2): only letters, digits
 * and
 * "-._~:" stay, which need no escaping in HTML either. */
void html_url(FILE *out, const void *data, size_t len);

/* Write the `len` bytes at `data` in base64 (RFC 4648, section 4): the content of a data: URL. */
void html_base64(FILE *out, const void *data, size_t len);

#endif
