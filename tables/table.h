/*
 * Tables: rows of named columns with units, written as text for people, CSV (RFC 4180), JSON, Markdown or LaTeX
 * (booktabs).
 *
 * CSV and JSON carry the values as they are, in base units (ns, bytes, bit/s, shares), with all their digits, and
 * columns by `name`. The others are for people: each column of times, sizes or rates gets one unit that fits all its
 * values, named in its head, and each value is rounded to what its sample supports (table_number()). A missing value is
 * an empty field, null, or "–". Texts may be an attacker's: each writer escapes them for its format.
 */
#ifndef MITM_TABLES_TABLE_H
#define MITM_TABLES_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum table_format { TABLE_TEXT, TABLE_JSON, TABLE_CSV, TABLE_MARKDOWN, TABLE_LATEX };

/* The words of --format in the order of enum table_format, and their number. */
extern const char *const table_formats[];
enum { TABLE_FORMATS = 5 };

enum table_unit {
    TABLE_WORDS,
    TABLE_COUNT,
    TABLE_NS,
    TABLE_BYTES,
    TABLE_BITS_PER_S,
    TABLE_SHARE,  /* 0 … 1; shown in % */
    TABLE_CHANGE, /* relative change, 0.05: shown as "+5.0 %" */
    TABLE_P,      /* p-value; shown with two significant digits, "<0.0001" */
    TABLE_PLAIN,  /* a number without unit: Cliff's δ, with two decimals */
    TABLE_BY_ROW  /* the unit that table_row_unit() set; for people each cell then names it: "1.23 s" */
};

struct table_column {
    const char *name;  /* "before_median_ns": in CSV and JSON */
    const char *title; /* "before": for people */
    enum table_unit unit;
};

struct table;

/* Return a new table of `count` columns, whose strings must outlive it; `caption` (NULL: none) is copied. Free it with
 * table_free(). */
struct table *table_new(const struct table_column *columns, size_t count, const char *caption);
void table_free(struct table *table);

/* Add the next cell of the current row; the row is full with `count` cells. What is no plain ASCII in it is shown to
 * people as \xHH, as everywhere; JSON has it as it is. */
void table_words(struct table *table, const char *text, size_t len_bytes);
/* Set the unit of the current row's cells in columns of TABLE_BY_ROW, before its first cell. */
void table_row_unit(struct table *table, enum table_unit unit);
/* A number; NAN: missing. `uncertainty` is half the width of its confidence interval (NAN: not known): for people the
 * number is rounded so that the uncertainty would keep two significant digits; if it is not known, to three significant
 * digits (counts: none are dropped). Whole base units (B, ns, bit/s) have no decimals. */
void table_number(struct table *table, double value, double uncertainty);
/* An estimate with its interval, shown as "1.23 [1.10, 1.40]". In CSV and JSON three fields: NAME, NAME_low, NAME_high.
 * The column must have been filled like this in all rows. */
void table_estimate(struct table *table, double value, double low, double high);

/* Write it, once its last row is full. Text: `width` columns, 0 any (the first column is shortened where needed);
 * without rows "none". JSON: an array of objects. LaTeX: for the package booktabs; a float with \caption if there is a
 * caption, else the tabular alone. Before the first column of TABLE_BY_ROW, CSV and JSON have one more, "unit": "ns",
 * "bytes", "bit/s", or "1".
 */
void table_write(struct table *table, FILE *out, enum table_format format, size_t width);

/* The same in LaTeX, without caption, as two tabulars below each other, since one would be too wide for a page: both
 * have the first `lead` columns, the first one the next `count`, the second one the rest. */
void table_write_latex_halves(struct table *table, FILE *out, size_t lead, size_t count);

/* Write plain text for Markdown: nothing in it is markup (CommonMark, 2.4) or becomes a link ("www."). */
void table_put_markdown(FILE *out, const char *text);

/* The pieces that other writers (HTML, PDF) need: sizes, and a cell or a head as people read it; strings belong to the
 * table. They are plain: of what is no ASCII, only our own "µ" and "–" occur. */
size_t table_rows(const struct table *table);
size_t table_columns(const struct table *table);
const char *table_head(struct table *table, size_t column);
const char *table_cell(struct table *table, size_t row, size_t column);
bool table_is_number(const struct table *table, size_t column);

#endif
