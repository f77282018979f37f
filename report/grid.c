#include "report/grid.h"

#include <glib.h>
#include <stdarg.h>

#include "analyze/format.h"
#include "analyze/model.h"

struct grid {
    const struct paper_column *columns;
    size_t column_count;
    GArray *cells; /* struct paper_cell */
    GStringChunk *strings;
};

struct grid *grid_new(const struct paper_column *columns, size_t count)
{
    struct grid *grid = g_new0(struct grid, 1);
    grid->columns = columns;
    grid->column_count = count;
    grid->cells = g_array_new(FALSE, TRUE, sizeof(struct paper_cell));
    grid->strings = g_string_chunk_new(4096);
    return grid;
}

void grid_free(struct grid *grid)
{
    g_array_free(grid->cells, TRUE);
    g_string_chunk_free(grid->strings);
    g_free(grid);
}

void grid_bytes(struct grid *grid, const void *data, size_t len)
{
    struct paper_cell cell = {0};
    if (len > 0)
        cell.text = (struct figure_text){g_string_chunk_insert_len(grid->strings, data, (gssize)len), len};
    g_array_append_val(grid->cells, cell);
}

void grid_text(struct grid *grid, struct text text)
{
    grid_bytes(grid, text.data, text.len);
}

/* Return a string formatted as by vprintf() that lives as long as the grid. */
__attribute__((format(printf, 2, 0))) static const char *keep(struct grid *grid, const char *format, va_list arguments)
{
    char *text = g_strdup_vprintf(format, arguments);
    const char *kept = g_string_chunk_insert_const(grid->strings, text);
    g_free(text);
    return kept;
}

void grid_printf(struct grid *grid, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    struct paper_cell cell = {.text = figure_text(keep(grid, format, arguments))};
    va_end(arguments);
    g_array_append_val(grid->cells, cell);
}

void grid_count(struct grid *grid, uint64_t count)
{
    char buffer[FORMAT_BYTES];
    grid_printf(grid, "%s", format_count(buffer, count));
}

void grid_duration(struct grid *grid, int64_t ns)
{
    char buffer[FORMAT_BYTES];
    grid_printf(grid, "%s", ns == MODEL_NONE ? "–" : format_duration(buffer, ns));
}

void grid_size(struct grid *grid, int64_t bytes)
{
    char buffer[FORMAT_BYTES];
    grid_printf(grid, "%s", bytes == MODEL_NONE ? "–" : format_size(buffer, (uint64_t)bytes));
}

static struct paper_cell *last_cell(struct grid *grid)
{
    return &g_array_index(grid->cells, struct paper_cell, grid->cells->len - 1);
}

void grid_link(struct grid *grid, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    last_cell(grid)->link = keep(grid, format, arguments);
    va_end(arguments);
}

void grid_anchor(struct grid *grid, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    last_cell(grid)->anchor = keep(grid, format, arguments);
    va_end(arguments);
}

void grid_strong(struct grid *grid)
{
    last_cell(grid)->strong = true;
}

size_t grid_rows(const struct grid *grid)
{
    return grid->cells->len / grid->column_count;
}

void grid_add(struct grid *grid, struct paper *paper, const char *caption)
{
    const struct paper_cell *cells = (const struct paper_cell *)(void *)grid->cells->data;
    if (grid_rows(grid) > 0)
        paper_table(paper, figure_text(caption), grid->columns, grid->column_count, cells, grid_rows(grid));
    grid_free(grid);
}
