/* LaTeX, for the package booktabs. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "tables/parts.h"

/* Return how LaTeX writes the character at `*p`, or NULL if as it is, and move *p to its last byte. */
static const char *latex_of(const char **p, bool number)
{
    static const struct {
        const char *from, *to;
    } words[] = {{"\\", "\\textbackslash{}"},
                 {"{", "\\{"},
                 {"}", "\\}"},
                 {"$", "\\$"},
                 {"&", "\\&"},
                 {"#", "\\#"},
                 {"_", "\\_"},
                 {"%", "\\%"},
                 {"~", "$\\sim$"},
                 {"^", "\\textasciicircum{}"},
                 {"<", "\\textless{}"},
                 {">", "\\textgreater{}"},
                 {"|", "\\textbar{}"},
                 {"\"", "{\\char34}"},
                 {"'", "{'}"},
                 {"`", "{`}"},
                 {"µ", "$\\mu$"},
                 {"–", "--"}};
    if (number && (**p == '-' || **p == '+'))
        return **p == '-' ? "$-$" : "$+$";
    if (!number && **p == '-' && (*p)[1] == '-') /* no ligature */
        return "-{}";
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t len = strlen(words[i].from);
        if (strncmp(*p, words[i].from, len) == 0) {
            *p += len - 1;
            return words[i].to;
        }
    }
    return NULL;
}

static void put(FILE *out, const char *text, bool number)
{
    for (const char *p = text; *p; p++) {
        const char *to = latex_of(&p, number);
        if (to)
            fputs(to, out);
        else
            putc(*p, out);
    }
}

/* Columns of a table: the first `lead` ones, and `count` from `from` on. */
struct choice {
    size_t lead, from, count;
};

static size_t column_at(const struct choice *choice, size_t i)
{
    return i < choice->lead ? i : choice->from + i - choice->lead;
}

static void put_row(struct table *table, FILE *out, const struct choice *choice, size_t row, const size_t *most)
{
    static const char fraction[] = ".000000000000000000000000";
    for (size_t i = 0; i < choice->lead + choice->count; i++) {
        size_t column = column_at(choice, i);
        fputs(i > 0 ? " & " : "", out);
        const char *cell = table_cell(table, row, column);
        if (i == 0 && (cell[0] == '[' || cell[0] == '*')) /* not an argument of the \\ before it */
            fputs("{}", out);
        put(out, cell, table_is_number(table, column));
        size_t own = table_fraction(table, row, column);
        if (own < most[i]) /* digits stand below each other */
            fprintf(out, "\\phantom{%.*s}", (int)(most[i] - own), own == 0 ? fraction : fraction + 1);
    }
    fputs(" \\\\\n", out);
}

static void put_tabular(struct table *table, FILE *out, const struct choice *choice)
{
    size_t columns = choice->lead + choice->count;
    size_t *most = memory_new(columns, sizeof *most);
    fputs("\\begin{tabular}{", out);
    for (size_t i = 0; i < columns; i++) {
        most[i] = table_most_fraction(table, column_at(choice, i));
        putc(table_is_number(table, column_at(choice, i)) ? 'r' : 'l', out);
    }
    fputs("}\n\\toprule\n", out);
    for (size_t i = 0; i < columns; i++) {
        fputs(i > 0 ? " & " : "", out);
        put(out, table_head(table, column_at(choice, i)), false);
    }
    fputs(" \\\\\n\\midrule\n", out);
    for (size_t row = 0; row < table_rows(table); row++)
        put_row(table, out, choice, row, most);
    fputs("\\bottomrule\n\\end{tabular}\n", out);
    free(most);
}

void table_write_latex(struct table *table, FILE *out)
{
    const struct choice all = {.count = table_columns(table)};
    fputs("% \\usepackage{booktabs}\n", out);
    if (!table->caption) {
        put_tabular(table, out, &all);
        return;
    }
    /* A column of two is too narrow; where there is one column, the star makes no difference. */
    fputs("\\begin{table*}\n\\centering\\footnotesize\\setlength{\\tabcolsep}{4pt}\n\\caption{", out);
    put(out, table->caption, false);
    fputs("}\n", out);
    put_tabular(table, out, &all);
    fputs("\\end{table*}\n", out);
}

void table_write_latex_halves(struct table *table, FILE *out, size_t lead, size_t count)
{
    const struct choice first = {lead, lead, count}, second = {lead, lead + count, table_columns(table) - lead - count};
    fputs("% \\usepackage{booktabs}\n", out);
    put_tabular(table, out, &first);
    fputs("\\par\\medskip\n", out);
    put_tabular(table, out, &second);
}
