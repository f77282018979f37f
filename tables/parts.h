/* What the writers of tables share. Inside of tables/ alone. */
#ifndef MITM_TABLES_PARTS_H
#define MITM_TABLES_PARTS_H

#include "tables/table.h"

enum cell_kind { CELL_WORDS, CELL_NUMBER, CELL_ESTIMATE };

struct table_cell {
    enum cell_kind kind;
    char *words;
    size_t len_bytes;
    double value, uncertainty, low, high;
    char *shown; /* as people read it: plain ASCII and our own UTF-8; made when it is first asked for */
};

struct table {
    struct table_column *columns;
    size_t column_count;
    char *caption;
    struct table_cell *cells;
    size_t count, capacity;
    enum table_unit *row_units, next_unit;
    size_t row_capacity;
    char **heads;
};

/* Return the cell, and the unit of its value. */
struct table_cell *table_at(const struct table *table, size_t row, size_t column);
enum table_unit table_unit_at(const struct table *table, size_t row, size_t column);

/* Return the first column of TABLE_BY_ROW, or the number of columns. */
size_t table_first_by_row(const struct table *table);

/* Return whether the column holds estimates. */
bool table_has_estimates(const struct table *table, size_t column);

/* Return the name of a unit in CSV and JSON: "ns", "bytes", "bit/s"; "1": a number. */
const char *table_unit_name(enum table_unit unit);

/* Return how many characters follow the point of the cell's number, the point included, and the most of the column's
 * cells; 0 and 0 where numbers do not stand alone. */
size_t table_fraction(struct table *table, size_t row, size_t column);
size_t table_most_fraction(struct table *table, size_t column);

void table_write_text(struct table *table, FILE *out, size_t width);
void table_write_json(const struct table *table, FILE *out);
void table_write_csv(const struct table *table, FILE *out);
void table_write_markdown(struct table *table, FILE *out);
void table_write_latex(struct table *table, FILE *out);

#endif
