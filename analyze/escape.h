/*
 * Shows recorded text, which an attacker may have chosen, on terminals and in reports: nothing in it can move the
 * cursor, hide or turn around what stands beside it.
 */
#ifndef MITM_ANALYZE_ESCAPE_H
#define MITM_ANALYZE_ESCAPE_H

#include <stdio.h>

#include "analyze/texts.h"

/* Print `text` to `out`; all but printable ASCII, and the backslash, become \xHH. */
void escape_print(FILE *out, struct text text);

/* Print `text` as a field of CSV (RFC 4180) after the same escaping, with quotes where they are needed. A field that a
 * spreadsheet would take for a formula gets an apostrophe in front. */
void escape_print_csv(FILE *out, struct text text);

#endif
