/*
 * Text in aligned columns. Cells are added row by row; columns_print() writes them with two spaces between columns,
 * each column as wide as its widest cell. Widths are counted in characters (our own texts hold "µ" and "–", recorded
 * ones are escaped to ASCII).
 */
#ifndef MITM_ANALYZE_COLUMNS_H
#define MITM_ANALYZE_COLUMNS_H

#include <stddef.h>
#include <stdio.h>

#include "analyze/texts.h"

struct columns;

/* Return a table; `align` has one letter for each column: 'l' or 'r'. It must outlive the table. */
struct columns *columns_new(const char *align);
void columns_free(struct columns *columns);

/* Add the next cell, in printf's manner. */
void columns_add(struct columns *columns, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Add a cell of recorded text and a suffix of our own. */
void columns_add_text(struct columns *columns, struct text text, const char *suffix);

/* Write all rows to `out`, `indent` spaces before each. If they are wider than `width` (0: any), the cells of the first
 * column are shortened ("www.exam…"), to 20 characters at least. */
void columns_print(const struct columns *columns, FILE *out, size_t indent, size_t width);

#endif
