/* CSV, as RFC 4180 has it. */
#include <math.h>

#include "base/json.h"
#include "base/plain.h"
#include "tables/parts.h"

static void put_number(FILE *out, double value)
{
    char digits[JSON_NUMBER_BYTES];
    if (isfinite(value))
        fputs(json_digits(digits, value), out);
}

static void put_head(const struct table *table, FILE *out)
{
    size_t by_row = table_first_by_row(table);
    for (size_t i = 0; i < table->column_count; i++) {
        const char *name = table->columns[i].name;
        fputs(i > 0 ? "," : "", out);
        fputs(i == by_row ? "unit," : "", out);
        fputs(name, out);
        if (table_has_estimates(table, i))
            fprintf(out, ",%s_low,%s_high", name, name);
    }
    fputs("\r\n", out);
}

void table_write_csv(const struct table *table, FILE *out)
{
    size_t by_row = table_first_by_row(table);
    put_head(table, out);
    for (size_t row = 0; row < table_rows(table); row++) {
        for (size_t i = 0; i < table->column_count; i++) {
            const struct table_cell *cell = table_at(table, row, i);
            fputs(i > 0 ? "," : "", out);
            if (i == by_row)
                fprintf(out, "%s,", table_unit_name(table_unit_at(table, row, i)));
            if (cell->kind == CELL_WORDS) {
                plain_print_csv(out, cell->words, cell->len_bytes);
                continue;
            }
            put_number(out, cell->value);
            if (cell->kind == CELL_ESTIMATE) {
                putc(',', out);
                put_number(out, cell->low);
                putc(',', out);
                put_number(out, cell->high);
            }
        }
        fputs("\r\n", out);
    }
}
