#include "analyze/sheet.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/escape.h"
#include "base/memory.h"
#include "base/json.h"
#include "proto/event.h"

struct sheet {
    FILE *out;
    enum table_format format;
    const struct table_column *columns;
    size_t count, width;
    size_t at; /* the next cell's column */
    bool begun;
    struct table *table; /* NULL: written at once */
};

struct sheet *sheet_begin(FILE *out, enum table_format format, const struct table_column *columns, size_t count,
                          const char *caption, size_t width)
{
    struct sheet *sheet = memory_new(1, sizeof *sheet);
    *sheet = (struct sheet){.out = out, .format = format, .columns = columns, .count = count, .width = width};
    if (format == TABLE_JSON) {
        putc('[', out);
    } else if (format == TABLE_CSV) {
        for (size_t i = 0; i < count; i++)
            fprintf(out, "%s%s", i > 0 ? "," : "", columns[i].name);
        fputs("\r\n", out);
    } else {
        sheet->table = table_new(columns, count, caption);
    }
    return sheet;
}

void sheet_end(struct sheet *sheet)
{
    if (sheet->format == TABLE_JSON)
        putc(']', sheet->out);
    if (sheet->table)
        table_write(sheet->table, sheet->out, sheet->format, sheet->width);
    if (sheet->table)
        table_free(sheet->table);
    free(sheet);
}

void sheet_row_unit(struct sheet *sheet, enum table_unit unit)
{
    if (sheet->table)
        table_row_unit(sheet->table, unit);
}

/* Write what stands before a cell. */
static void begin_cell(struct sheet *sheet)
{
    bool first = sheet->at == 0;
    if (sheet->format == TABLE_JSON)
        fprintf(sheet->out, "%s\"%s\":", !first ? "," : sheet->begun ? ",{" : "{", sheet->columns[sheet->at].name);
    else if (!first)
        putc(',', sheet->out);
}

static void end_cell(struct sheet *sheet)
{
    sheet->begun = true;
    sheet->at = (sheet->at + 1) % sheet->count;
    if (sheet->at == 0)
        fputs(sheet->format == TABLE_JSON ? "}" : "\r\n", sheet->out);
}

void sheet_text(struct sheet *sheet, struct text text)
{
    if (sheet->table) {
        table_words(sheet->table, (const char *)text.data, text.len);
        return;
    }
    begin_cell(sheet);
    if (sheet->format == TABLE_CSV)
        escape_print_csv(sheet->out, text);
    else if (text.data)
        event_print_json_bytes(sheet->out, text.data, text.len);
    else
        fputs("null", sheet->out);
    end_cell(sheet);
}

void sheet_words(struct sheet *sheet, const char *words)
{
    sheet_text(sheet, (struct text){(const uint8_t *)words, words ? (uint32_t)strlen(words) : 0});
}

void sheet_number(struct sheet *sheet, double value)
{
    char digits[JSON_NUMBER_BYTES];
    if (sheet->table) {
        table_number(sheet->table, value, (double)NAN);
        return;
    }
    begin_cell(sheet);
    if (isfinite(value))
        fputs(json_digits(digits, value), sheet->out);
    else if (sheet->format == TABLE_JSON)
        fputs("null", sheet->out);
    end_cell(sheet);
}
