/* Markdown's pipe tables, as GitHub Flavored Markdown has them. */
#include <string.h>

#include "tables/parts.h"

void table_put_markdown(FILE *out, const char *text)
{
    for (const char *p = text; *p; p++) {
        bool link = *p == '.' && p - text >= 3 && strncmp(p - 3, "www", 3) == 0;
        link |= *p == ':' && p[1] == '/'; /* "http://" */
        if (link || strchr("\\`*_{}<>[]#|~!&$^@", *p))
            putc('\\', out);
        putc(*p, out);
    }
}

static void put_cell(struct table *table, FILE *out, size_t row, size_t column)
{
    if (table_is_number(table, column))
        fputs(table_cell(table, row, column), out);
    else
        table_put_markdown(out, table_cell(table, row, column));
}

void table_write_markdown(struct table *table, FILE *out)
{
    if (table->caption) {
        table_put_markdown(out, table->caption);
        fputs("\n\n", out);
    }
    for (size_t i = 0; i < table->column_count; i++) {
        fputs("| ", out);
        fputs(table_head(table, i), out);
        putc(' ', out);
    }
    fputs("|\n", out);
    for (size_t i = 0; i < table->column_count; i++)
        fputs(table_is_number(table, i) ? "|---:" : "|:---", out);
    fputs("|\n", out);
    for (size_t row = 0; row < table_rows(table); row++) {
        for (size_t i = 0; i < table->column_count; i++) {
            fputs("| ", out);
            put_cell(table, out, row, i);
            putc(' ', out);
        }
        fputs("|\n", out);
    }
}
