#include "report/sheet.h"

#include <glib.h>
#include <stdarg.h>

#include "analyze/format.h"
#include "analyze/model.h"

struct sheet {
    const struct paper_column *columns;
    size_t column_count;
    GArray *cells; /* struct paper_cell */
    GStringChunk *strings;
};

struct sheet *sheet_new(const struct paper_column *columns, size_t count)
{
    struct sheet *sheet = g_new0(struct sheet, 1);
    sheet->columns = columns;
    sheet->column_count = count;
    sheet->cells = g_array_new(FALSE, TRUE, sizeof(struct paper_cell));
    sheet->strings = g_string_chunk_new(4096);
    return sheet;
}

void sheet_free(struct sheet *sheet)
{
    g_array_free(sheet->cells, TRUE);
    g_string_chunk_free(sheet->strings);
    g_free(sheet);
}

void sheet_bytes(struct sheet *sheet, const void *data, size_t len)
{
    struct paper_cell cell = {0};
    if (len > 0)
        cell.text = (struct figure_text){g_string_chunk_insert_len(sheet->strings, data, (gssize)len), len};
    g_array_append_val(sheet->cells, cell);
}

void sheet_text(struct sheet *sheet, struct text text)
{
    sheet_bytes(sheet, text.data, text.len);
}

/* Return a string formatted as by vprintf() that lives as long as the sheet. */
static const char *keep(struct sheet *sheet, const char *format, va_list arguments)
{
    char *text = g_strdup_vprintf(format, arguments);
    const char *kept = g_string_chunk_insert_const(sheet->strings, text);
    g_free(text);
    return kept;
}

void sheet_printf(struct sheet *sheet, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    struct paper_cell cell = {.text = figure_text(keep(sheet, format, arguments))};
    va_end(arguments);
    g_array_append_val(sheet->cells, cell);
}

void sheet_count(struct sheet *sheet, uint64_t count)
{
    char buffer[FORMAT_BYTES];
    sheet_printf(sheet, "%s", format_count(buffer, count));
}

void sheet_duration(struct sheet *sheet, int64_t ns)
{
    char buffer[FORMAT_BYTES];
    sheet_printf(sheet, "%s", ns == MODEL_NONE ? "–" : format_duration(buffer, ns));
}

void sheet_size(struct sheet *sheet, int64_t bytes)
{
    char buffer[FORMAT_BYTES];
    sheet_printf(sheet, "%s", bytes == MODEL_NONE ? "–" : format_size(buffer, (uint64_t)bytes));
}

static struct paper_cell *last_cell(struct sheet *sheet)
{
    return &g_array_index(sheet->cells, struct paper_cell, sheet->cells->len - 1);
}

void sheet_link(struct sheet *sheet, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    last_cell(sheet)->link = keep(sheet, format, arguments);
    va_end(arguments);
}

void sheet_anchor(struct sheet *sheet, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    last_cell(sheet)->anchor = keep(sheet, format, arguments);
    va_end(arguments);
}

void sheet_strong(struct sheet *sheet)
{
    last_cell(sheet)->strong = true;
}

size_t sheet_rows(const struct sheet *sheet)
{
    return sheet->cells->len / sheet->column_count;
}

void sheet_add(struct sheet *sheet, struct paper *paper, const char *caption)
{
    const struct paper_cell *cells = (const struct paper_cell *)(void *)sheet->cells->data;
    if (sheet_rows(sheet) > 0)
        paper_table(paper, figure_text(caption), sheet->columns, sheet->column_count, cells, sheet_rows(sheet));
    sheet_free(sheet);
}
