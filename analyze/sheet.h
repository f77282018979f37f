/*
 * Rows of named columns that may be very many: CSV and JSON are written while the rows are added, so that no memory is
 * needed for them; formats for people, which need to know all rows first, by way of a table (tables/table.h).
 */
#ifndef MITM_ANALYZE_SHEET_H
#define MITM_ANALYZE_SHEET_H

#include <stdio.h>

#include "analyze/texts.h"
#include "tables/table.h"

struct sheet;

/*
 * Begin a sheet of `count` columns, which must outlive it, in `format` on `out`. CSV has a line of names first, JSON is
 * an array of objects. `caption` (NULL: none) and `width` are for people. sheet_end() writes the rest and frees it.
 */
struct sheet *sheet_begin(FILE *out, enum table_format format, const struct table_column *columns, size_t count,
                          const char *caption, size_t width);
void sheet_end(struct sheet *sheet);

/* Set the unit of the next row's cells in columns of TABLE_BY_ROW. In CSV and JSON the values are in base units. */
void sheet_row_unit(struct sheet *sheet, enum table_unit unit);

/* Add the next cell of the current row: recorded text, words of our own, or a number (NAN: missing). Text without data
 * is missing. */
void sheet_text(struct sheet *sheet, struct text text);
void sheet_words(struct sheet *sheet, const char *words);
void sheet_number(struct sheet *sheet, double value);

#endif
