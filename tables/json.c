/* JSON: an array with an object for each row. */
#include "base/json.h"
#include "tables/parts.h"

static void put_cell(FILE *out, const char *name, const struct table_cell *cell)
{
    fprintf(out, "\"%s\":", name);
    if (cell->kind == CELL_WORDS) {
        json_bytes(out, (const uint8_t *)cell->words, cell->len_bytes);
        return;
    }
    json_number(out, cell->value);
    if (cell->kind == CELL_ESTIMATE) {
        fprintf(out, ",\"%s_low\":", name);
        json_number(out, cell->low);
        fprintf(out, ",\"%s_high\":", name);
        json_number(out, cell->high);
    }
}

void table_write_json(const struct table *table, FILE *out)
{
    size_t by_row = table_first_by_row(table);
    putc('[', out);
    for (size_t row = 0; row < table_rows(table); row++) {
        fputs(row > 0 ? ",{" : "{", out);
        for (size_t i = 0; i < table->column_count; i++) {
            fputs(i > 0 ? "," : "", out);
            if (i == by_row)
                fprintf(out, "\"unit\":\"%s\",", table_unit_name(table_unit_at(table, row, i)));
            put_cell(out, table->columns[i].name, table_at(table, row, i));
        }
        putc('}', out);
    }
    putc(']', out);
}
