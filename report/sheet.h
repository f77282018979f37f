/*
 * Sheets: tables for a document on paper, filled cell by cell.
 */
#ifndef MITM_REPORT_SHEET_H
#define MITM_REPORT_SHEET_H

#include "analyze/texts.h"
#include "render/paper.h"

struct sheet;

/* Return a new sheet of `count` columns, which must outlive it; free it with sheet_add(), or sheet_free(). */
struct sheet *sheet_new(const struct paper_column *columns, size_t count);
void sheet_free(struct sheet *sheet);

/* Add the next cell: recorded bytes as they are; a text as by printf; numbers with their units, "–" for MODEL_NONE. */
void sheet_bytes(struct sheet *sheet, const void *data, size_t len);
void sheet_text(struct sheet *sheet, struct text text);
void sheet_printf(struct sheet *sheet, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sheet_count(struct sheet *sheet, uint64_t count);
void sheet_duration(struct sheet *sheet, int64_t ns);
void sheet_size(struct sheet *sheet, int64_t bytes);

/* Make the last cell lead to, or be, an anchor; make it bold. */
void sheet_link(struct sheet *sheet, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sheet_anchor(struct sheet *sheet, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sheet_strong(struct sheet *sheet);

/* Return how many rows are complete. */
size_t sheet_rows(const struct sheet *sheet);

/* Add the table to `paper`, with `caption` (NULL: none), unless it has no row, and free it. */
void sheet_add(struct sheet *sheet, struct paper *paper, const char *caption);

#endif
