#include "analyze/columns.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/escape.h"
#include "base/memory.h"

enum { GAP = 2, LEAST_FIRST = 20 };

struct columns {
    const char *align;
    size_t n;
    char **cells;
    size_t count, capacity;
};

struct columns *columns_new(const char *align)
{
    struct columns *columns = memory_new(1, sizeof *columns);
    columns->align = align;
    columns->n = strlen(align);
    return columns;
}

void columns_free(struct columns *columns)
{
    for (size_t i = 0; i < columns->count; i++)
        free(columns->cells[i]);
    free(columns->cells);
    free(columns);
}

static void add_cell(struct columns *columns, char *cell)
{
    if (!cell)
        abort();
    columns->cells = memory_grow(columns->cells, columns->count, &columns->capacity, sizeof *columns->cells);
    columns->cells[columns->count++] = cell;
}

void columns_add(struct columns *columns, const char *format, ...)
{
    char *cell = NULL;
    va_list arguments;
    va_start(arguments, format);
    int n = vasprintf(&cell, format, arguments);
    va_end(arguments);
    add_cell(columns, n < 0 ? NULL : cell);
}

void columns_add_text(struct columns *columns, struct text text, const char *suffix)
{
    char *cell = NULL;
    size_t len;
    FILE *out = open_memstream(&cell, &len);
    if (!out)
        abort();
    escape_print(out, text);
    fputs(suffix, out);
    fclose(out);
    add_cell(columns, cell);
}

/* Characters of UTF-8 text of our own. */
static size_t width_of(const char *text)
{
    size_t width = 0;
    for (; *text; text++)
        width += ((unsigned char)*text & 0xC0) != 0x80;
    return width;
}

static void pad(FILE *out, size_t n)
{
    fprintf(out, "%*s", (int)n, "");
}

static void print_cell(FILE *out, const char *cell, size_t width, bool right, bool last)
{
    size_t own = width_of(cell);
    if (own > width) { /* a first column that had to become narrower: ASCII */
        fprintf(out, "%.*s…", (int)width - 1, cell);
        own = width;
    } else {
        if (right)
            pad(out, width - own);
        fputs(cell, out);
    }
    if (!right && !last)
        pad(out, width - own);
    if (!last)
        pad(out, GAP);
}

/* Store the columns' widths. */
static void measure(const struct columns *columns, size_t *widths, size_t indent, size_t limit)
{
    size_t total = indent + GAP * (columns->n - 1);
    for (size_t i = 0; i < columns->count; i++) {
        size_t width = width_of(columns->cells[i]);
        if (width > widths[i % columns->n])
            widths[i % columns->n] = width;
    }
    for (size_t i = 0; i < columns->n; i++)
        total += widths[i];
    if (limit == 0 || total <= limit)
        return;
    size_t over = total - limit;
    size_t least = widths[0] < LEAST_FIRST ? widths[0] : LEAST_FIRST;
    widths[0] = widths[0] > over + least ? widths[0] - over : least;
}

void columns_print(const struct columns *columns, FILE *out, size_t indent, size_t width)
{
    assert(columns->count % columns->n == 0);
    size_t *widths = memory_new(columns->n, sizeof *widths);
    measure(columns, widths, indent, width);
    for (size_t row = 0; row < columns->count; row += columns->n) {
        /* Empty cells at the end of a row leave no spaces. */
        size_t used = columns->n;
        while (used > 0 && columns->cells[row + used - 1][0] == '\0')
            used--;
        if (used > 0)
            pad(out, indent);
        for (size_t i = 0; i < used; i++)
            print_cell(out, columns->cells[row + i], widths[i], columns->align[i] == 'r', i + 1 == used);
        putc('\n', out);
    }
    free(widths);
}
