/* Text in aligned columns, for terminals. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "tables/parts.h"

enum { GAP = 2, LEAST_FIRST = 20 };

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

struct layout {
    size_t *widths, *fractions; /* of each column; characters after the point at most */
};

static size_t cell_width(struct table *table, const struct layout *layout, size_t row, size_t column)
{
    return width_of(table_cell(table, row, column)) + layout->fractions[column] - table_fraction(table, row, column);
}

static void measure(struct table *table, const struct layout *layout, size_t limit)
{
    size_t n = table_columns(table), total = GAP * (n - 1), *widths = layout->widths;
    for (size_t i = 0; i < n; i++) {
        layout->fractions[i] = table_most_fraction(table, i);
        widths[i] = width_of(table_head(table, i));
        for (size_t row = 0; row < table_rows(table); row++) {
            size_t width = cell_width(table, layout, row, i);
            widths[i] = width > widths[i] ? width : widths[i];
        }
        total += widths[i];
    }
    if (limit == 0 || total <= limit)
        return;
    size_t over = total - limit, least = widths[0] < LEAST_FIRST ? widths[0] : LEAST_FIRST;
    widths[0] = widths[0] > over + least ? widths[0] - over : least;
}

/* Print a cell; `after`: characters that stand empty behind it so that points stand below each other. */
static void put(FILE *out, const char *text, size_t width, bool right, bool last, size_t after)
{
    size_t own = width_of(text) + after;
    if (own > width) { /* a first column that had to become narrower: its words are ASCII */
        fprintf(out, "%.*s…", (int)width - 1, text);
        own = width;
    } else {
        pad(out, right ? width - own : 0);
        fputs(text, out);
        pad(out, last ? 0 : after);
    }
    if (!last)
        pad(out, (right ? 0 : width - own) + GAP);
}

void table_write_text(struct table *table, FILE *out, size_t width)
{
    if (table->caption)
        fprintf(out, "%s\n\n", table->caption);
    if (table_rows(table) == 0) {
        fputs("none\n", out);
        return;
    }
    size_t n = table_columns(table);
    struct layout layout = {memory_new(n, sizeof(size_t)), memory_new(n, sizeof(size_t))};
    measure(table, &layout, width);
    for (size_t i = 0; i < n; i++)
        put(out, table_head(table, i), layout.widths[i], table_is_number(table, i), i + 1 == n, 0);
    putc('\n', out);
    for (size_t row = 0; row < table_rows(table); row++) {
        for (size_t i = 0; i < n; i++)
            put(out, table_cell(table, row, i), layout.widths[i], table_is_number(table, i), i + 1 == n,
                layout.fractions[i] - table_fraction(table, row, i));
        putc('\n', out);
    }
    free(layout.widths);
    free(layout.fractions);
}
