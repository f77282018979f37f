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
                 {"~", "\\textasciitilde{}"},
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

static void put_tabular(struct table *table, FILE *out)
{
    static const char fraction[] = ".000000000000000000000000";
    size_t *most = memory_new(table->column_count, sizeof *most);
    fputs("\\begin{tabular}{", out);
    for (size_t i = 0; i < table->column_count; i++) {
        most[i] = table_most_fraction(table, i);
        putc(table_is_number(table, i) ? 'r' : 'l', out);
    }
    fputs("}\n\\toprule\n", out);
    for (size_t i = 0; i < table->column_count; i++) {
        fputs(i > 0 ? " & " : "", out);
        put(out, table_head(table, i), false);
    }
    fputs(" \\\\\n\\midrule\n", out);
    for (size_t row = 0; row < table_rows(table); row++) {
        for (size_t i = 0; i < table->column_count; i++) {
            fputs(i > 0 ? " & " : "", out);
            const char *cell = table_cell(table, row, i);
            if (i == 0 && (cell[0] == '[' || cell[0] == '*')) /* not an argument of the \\ before it */
                fputs("{}", out);
            put(out, cell, table_is_number(table, i));
            size_t own = table_fraction(table, row, i);
            if (own < most[i]) /* digits stand below each other */
                fprintf(out, "\\phantom{%.*s}", (int)(most[i] - own), own == 0 ? fraction : fraction + 1);
        }
        fputs(" \\\\\n", out);
    }
    fputs("\\bottomrule\n\\end{tabular}\n", out);
    free(most);
}

void table_write_latex(struct table *table, FILE *out)
{
    fputs("% \\usepackage{booktabs}\n", out);
    if (!table->caption) {
        put_tabular(table, out);
        return;
    }
    fputs("\\begin{table}\n\\centering\n\\caption{", out);
    put(out, table->caption, false);
    fputs("}\n", out);
    put_tabular(table, out);
    fputs("\\end{table}\n", out);
}
