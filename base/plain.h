/*
 * Text that somebody else chose, made plain: nothing in it can move a terminal's cursor, hide or turn around what
 * stands beside it, or be a formula to a spreadsheet.
 */
#ifndef MITM_BASE_PLAIN_H
#define MITM_BASE_PLAIN_H

#include <stddef.h>
#include <stdio.h>

/* Print the `len` bytes at `data` to `out`; all but printable ASCII, and the backslash, become \xHH. */
void plain_print(FILE *out, const void *data, size_t len);

/* Print them as a field of CSV (RFC 4180) after the same escaping, with quotes where they are needed. A field that a
 * spreadsheet would take for a formula gets an apostrophe in front. */
void plain_print_csv(FILE *out, const void *data, size_t len);

#endif
