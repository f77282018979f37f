/*
 * Grids: tables for a document on paper, filled cell by cell.
 */
#ifndef MITM_REPORT_GRID_H
#define MITM_REPORT_GRID_H

#include "analyze/texts.h"
#include "render/paper.h"

struct grid;

/* Return a new grid of `count` columns, which must outlive it; free it with grid_add(), or grid_free(). */
struct grid *grid_new(const struct paper_column *columns, size_t count);
void grid_free(struct grid *grid);

/* Add the next cell: recorded bytes as they are; a text as by printf; numbers with their units, "–" for MODEL_NONE. */
void grid_bytes(struct grid *grid, const void *data, size_t len);
void grid_text(struct grid *grid, struct text text);
void grid_printf(struct grid *grid, const char *format, ...) __attribute__((format(printf, 2, 3)));
void grid_count(struct grid *grid, uint64_t count);
void grid_duration(struct grid *grid, int64_t ns);
void grid_size(struct grid *grid, int64_t bytes);

/* Make the last cell lead to, or be, an anchor; make it bold. */
void grid_link(struct grid *grid, const char *format, ...) __attribute__((format(printf, 2, 3)));
void grid_anchor(struct grid *grid, const char *format, ...) __attribute__((format(printf, 2, 3)));
void grid_strong(struct grid *grid);

/* Return how many rows are complete. */
size_t grid_rows(const struct grid *grid);

/* Add the table to `paper`, with `caption` (NULL: none), unless it has no row, and free it. */
void grid_add(struct grid *grid, struct paper *paper, const char *caption);

#endif
