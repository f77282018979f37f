#include "tables/table.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/plain.h"
#include "tables/number.h"
#include "tables/parts.h"

const char *const table_formats[] = {"text", "json", "csv", "markdown", "latex"};

/* What stands where a value is missing. */
static const char missing[] = "–";

static char *copy(const char *text, size_t len_bytes)
{
    char *to = memory_new(len_bytes + 1, 1);
    if (len_bytes > 0)
        memcpy(to, text, len_bytes);
    return to;
}

struct table *table_new(const struct table_column *columns, size_t count, const char *caption)
{
    struct table *table = memory_new(1, sizeof *table);
    table->columns = memory_new(count, sizeof *table->columns);
    memcpy(table->columns, columns, count * sizeof *columns);
    table->column_count = count;
    table->caption = caption ? copy(caption, strlen(caption)) : NULL;
    table->heads = memory_new(count, sizeof *table->heads);
    return table;
}

void table_free(struct table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        free(table->cells[i].words);
        free(table->cells[i].shown);
    }
    for (size_t i = 0; i < table->column_count; i++)
        free(table->heads[i]);
    free(table->heads);
    free(table->columns);
    free(table->cells);
    free(table->row_units);
    free(table->caption);
    free(table);
}

static void add(struct table *table, struct table_cell cell)
{
    size_t row = table->count / table->column_count;
    if (table->count % table->column_count == 0) {
        table->row_units = memory_grow(table->row_units, row, &table->row_capacity, sizeof *table->row_units);
        table->row_units[row] = table->next_unit;
        table->next_unit = TABLE_PLAIN;
    }
    table->cells = memory_grow(table->cells, table->count, &table->capacity, sizeof *table->cells);
    table->cells[table->count++] = cell;
}

static const struct table_column *next_column(const struct table *table)
{
    return &table->columns[table->count % table->column_count];
}

void table_words(struct table *table, const char *text, size_t len_bytes)
{
    assert(next_column(table)->unit == TABLE_WORDS);
    add(table, (struct table_cell){.kind = CELL_WORDS, .words = copy(text, len_bytes), .len_bytes = len_bytes});
}

void table_row_unit(struct table *table, enum table_unit unit)
{
    assert(table->count % table->column_count == 0 && unit != TABLE_WORDS && unit != TABLE_BY_ROW);
    table->next_unit = unit;
}

void table_number(struct table *table, double value, double uncertainty)
{
    assert(next_column(table)->unit != TABLE_WORDS);
    add(table, (struct table_cell){.kind = CELL_NUMBER, .value = value, .uncertainty = uncertainty});
}

void table_estimate(struct table *table, double value, double low, double high)
{
    assert(next_column(table)->unit != TABLE_WORDS);
    add(table, (struct table_cell){
                   .kind = CELL_ESTIMATE, .value = value, .uncertainty = (high - low) / 2, .low = low, .high = high});
}

size_t table_rows(const struct table *table)
{
    return table->count / table->column_count;
}

size_t table_columns(const struct table *table)
{
    return table->column_count;
}

bool table_is_number(const struct table *table, size_t column)
{
    return table->columns[column].unit != TABLE_WORDS;
}

struct table_cell *table_at(const struct table *table, size_t row, size_t column)
{
    return &table->cells[row * table->column_count + column];
}

enum table_unit table_unit_at(const struct table *table, size_t row, size_t column)
{
    enum table_unit unit = table->columns[column].unit;
    return unit == TABLE_BY_ROW ? table->row_units[row] : unit;
}

size_t table_first_by_row(const struct table *table)
{
    size_t column = 0;
    while (column < table->column_count && table->columns[column].unit != TABLE_BY_ROW)
        column++;
    return column;
}

bool table_has_estimates(const struct table *table, size_t column)
{
    return table->count > column && table->cells[column].kind == CELL_ESTIMATE;
}

const char *table_unit_name(enum table_unit unit)
{
    switch (unit) {
    case TABLE_NS:
        return "ns";
    case TABLE_BYTES:
        return "bytes";
    case TABLE_BITS_PER_S:
        return "bit/s";
    case TABLE_WORDS:
    case TABLE_COUNT:
    case TABLE_SHARE:
    case TABLE_CHANGE:
    case TABLE_P:
    case TABLE_PLAIN:
    case TABLE_BY_ROW:
        break;
    }
    return "1";
}

static double greater(double greatest, const struct table_cell *cell)
{
    return isfinite(cell->value) && fabs(cell->value) > greatest ? fabs(cell->value) : greatest;
}

/* The scale of a column, or of a row's cells that have its unit. */
static struct number_scale scale_of(const struct table *table, size_t row, size_t column)
{
    double greatest = 0;
    bool by_row = table->columns[column].unit == TABLE_BY_ROW;
    size_t rows = table_rows(table);
    for (size_t i = 0; by_row && rows > 0 && i < table->column_count; i++) {
        if (table->columns[i].unit == TABLE_BY_ROW)
            greatest = greater(greatest, table_at(table, row, i));
    }
    for (size_t i = 0; !by_row && i < rows; i++)
        greatest = greater(greatest, table_at(table, i, column));
    enum table_unit unit = by_row && rows > 0 ? table->row_units[row] : table->columns[column].unit;
    return number_scale(unit, greatest);
}

/* The power of ten of a cell's last digit, of values that are divided by `scale`. */
static int place_of(const struct table_cell *cell, enum table_unit unit, const struct number_scale *scale)
{
    enum { DIGITS = 3, DECIMALS = 2 };
    double uncertainty = cell->uncertainty / scale->factor;
    bool known = isfinite(uncertainty) && uncertainty > 0;
    if (unit == TABLE_PLAIN && !known)
        return -DECIMALS;
    int place = number_place(cell->value / scale->factor, uncertainty, DIGITS);
    bool whole = unit == TABLE_COUNT ? cell->value == trunc(cell->value) : scale->factor == 1 && unit != TABLE_PLAIN;
    if (whole && place < 0)
        place = 0;
    if (unit == TABLE_COUNT && !known && place > 0)
        place = 0;
    return place;
}

static void print_number(FILE *out, const struct table_cell *cell, enum table_unit unit,
                         const struct number_scale *scale)
{
    char text[NUMBER_BYTES];
    if (!isfinite(cell->value)) {
        fputs(missing, out);
        return;
    }
    if (unit == TABLE_P) {
        fputs(number_print_p(text, cell->value), out);
        return;
    }
    bool sign = unit == TABLE_CHANGE;
    int place = place_of(cell, unit, scale);
    fputs(number_print(text, cell->value / scale->factor, place, sign), out);
    if (cell->kind == CELL_ESTIMATE && isfinite(cell->low) && isfinite(cell->high)) {
        fprintf(out, " [%s", number_print(text, cell->low / scale->factor, place, sign));
        fprintf(out, ", %s]", number_print(text, cell->high / scale->factor, place, sign));
    }
}

static void show(struct table *table, size_t row, size_t column, const struct number_scale *scale)
{
    struct table_cell *cell = table_at(table, row, column);
    size_t len;
    FILE *out = open_memstream(&cell->shown, &len);
    if (!out)
        abort();
    if (cell->kind == CELL_WORDS) {
        plain_print(out, cell->words, cell->len_bytes);
    } else {
        print_number(out, cell, table_unit_at(table, row, column), scale);
        enum table_unit of = table->columns[column].unit;
        if ((of == TABLE_BY_ROW || of == TABLE_CHANGE) && isfinite(cell->value) && scale->name[0])
            fprintf(out, " %s", scale->name);
    }
    if (fclose(out) != 0)
        abort();
}

/* Make the heads and the cells as people read them. */
static void show_all(struct table *table)
{
    for (size_t column = 0; column < table->column_count; column++) {
        const struct table_column *c = &table->columns[column];
        struct number_scale scale = scale_of(table, 0, column);
        bool unit = c->unit != TABLE_BY_ROW && c->unit != TABLE_CHANGE && scale.name[0];
        int n = unit ? asprintf(&table->heads[column], "%s (%s)", c->title, scale.name)
                     : asprintf(&table->heads[column], "%s", c->title);
        if (n < 0)
            abort();
        for (size_t row = 0; row < table_rows(table); row++) {
            if (c->unit == TABLE_BY_ROW)
                scale = scale_of(table, row, column);
            show(table, row, column, &scale);
        }
    }
}

const char *table_head(struct table *table, size_t column)
{
    assert(table->count % table->column_count == 0);
    if (!table->heads[column])
        show_all(table);
    return table->heads[column];
}

const char *table_cell(struct table *table, size_t row, size_t column)
{
    table_head(table, column);
    return table_at(table, row, column)->shown;
}

size_t table_fraction(struct table *table, size_t row, size_t column)
{
    enum table_unit unit = table->columns[column].unit;
    if (table_at(table, row, column)->kind != CELL_NUMBER || unit == TABLE_BY_ROW || unit == TABLE_CHANGE)
        return 0;
    const char *point = strchr(table_cell(table, row, column), '.');
    return point ? strlen(point) : 0;
}

size_t table_most_fraction(struct table *table, size_t column)
{
    size_t most = 0;
    for (size_t row = 0; row < table_rows(table); row++) {
        size_t n = table_fraction(table, row, column);
        most = n > most ? n : most;
    }
    return most;
}

void table_write(struct table *table, FILE *out, enum table_format format, size_t width)
{
    assert(table->count % table->column_count == 0);
    switch (format) {
    case TABLE_TEXT:
        table_write_text(table, out, width);
        break;
    case TABLE_JSON:
        table_write_json(table, out);
        break;
    case TABLE_CSV:
        table_write_csv(table, out);
        break;
    case TABLE_MARKDOWN:
        table_write_markdown(table, out);
        break;
    case TABLE_LATEX:
        table_write_latex(table, out);
        break;
    }
}
