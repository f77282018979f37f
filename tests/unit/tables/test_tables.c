/* Tables in each format: expectations written by hand from RFC 4180, RFC 8259, CommonMark, and table.h. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tables/table.h"

static const struct table_column columns[] = {{"page", "page", TABLE_WORDS},
                                              {"n", "n", TABLE_COUNT},
                                              {"median_ns", "median", TABLE_NS},
                                              {"change", "change", TABLE_CHANGE},
                                              {"p", "p", TABLE_P}};
enum { COLUMNS = sizeof columns / sizeof *columns };

static void words(struct table *table, const char *text)
{
    table_words(table, text, strlen(text));
}

static struct table *sample(const char *name, const char *caption)
{
    struct table *table = table_new(columns, COLUMNS, caption);
    words(table, name);
    table_number(table, 20, (double)NAN);
    table_estimate(table, 1234567890, 1150000000, 1450000000);
    table_estimate(table, -0.0512, -0.0611, -0.0398);
    table_number(table, 0.0034, (double)NAN);
    words(table, "b");
    table_number(table, 3, (double)NAN);
    table_estimate(table, 56789012, (double)NAN, (double)NAN);
    table_estimate(table, (double)NAN, (double)NAN, (double)NAN);
    table_number(table, (double)NAN, (double)NAN);
    return table;
}

static void expect(struct table *table, enum table_format format, size_t width, const char *expected)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    table_write(table, out, format, width);
    fclose(out);
    cr_expect_str_eq(text, expected, "%s", text);
    free(text);
    table_free(table);
}

Test(tables, text)
{
    expect(sample("a", NULL), TABLE_TEXT, 0,
           "page   n         median (s)               change       p\n"
           "a     20  1.23 [1.15, 1.45]  -5.1 [-6.1, -4.0] %  0.0034\n"
           "b      3             0.0568                    –  –\n");
}

Test(tables, text_narrow)
{
    expect(sample("abcdefghijklmnopqrstuvwxyz", "Caption"), TABLE_TEXT, 60,
           "Caption\n\n"
           "page                   n         median (s)               change       p\n"
           "abcdefghijklmnopqrs…  20  1.23 [1.15, 1.45]  -5.1 [-6.1, -4.0] %  0.0034\n"
           "b                      3             0.0568                    –  –\n");
}

/* RFC 4180: CRLF, quotes doubled; as everywhere in CSV, what could be a formula gets an apostrophe. */
Test(tables, csv)
{
    expect(sample("=1,\"\xff", NULL), TABLE_CSV, 0,
           "page,n,median_ns,median_ns_low,median_ns_high,change,change_low,change_high,p\r\n"
           "\"'=1,\"\"\\xFF\",20,1234567890,1150000000,1450000000,-0.0512,-0.0611,-0.0398,0.0034\r\n"
           "b,3,56789012,,,,,,\r\n");
}

Test(tables, json)
{
    expect(sample("\"µ\x1b", NULL), TABLE_JSON, 0,
           "[{\"page\":\"\\\"µ\\u001b\",\"n\":20,\"median_ns\":1234567890,\"median_ns_low\":1150000000,"
           "\"median_ns_high\":1450000000,\"change\":-0.0512,\"change_low\":-0.0611,\"change_high\":-0.0398,"
           "\"p\":0.0034},"
           "{\"page\":\"b\",\"n\":3,\"median_ns\":56789012,\"median_ns_low\":null,\"median_ns_high\":null,"
           "\"change\":null,\"change_low\":null,\"change_high\":null,\"p\":null}]");
}

Test(tables, markdown)
{
    expect(sample("a|<b>*_www.x.y", "Caption"), TABLE_MARKDOWN, 0,
           "Caption\n\n"
           "| page | n | median (s) | change | p |\n"
           "|:---|---:|---:|---:|---:|\n"
           "| a\\|\\<b\\>\\*\\_www\\.x.y | 20 | 1.23 [1.15, 1.45] | -5.1 [-6.1, -4.0] % | 0.0034 |\n"
           "| b | 3 | 0.0568 | – | – |\n");
}

Test(tables, latex)
{
    expect(sample("100% a_b & {c}\\$~--^#", NULL), TABLE_LATEX, 0,
           "% \\usepackage{booktabs}\n"
           "\\begin{tabular}{lrrrr}\n"
           "\\toprule\n"
           "page & n & median (s) & change & p \\\\\n"
           "\\midrule\n"
           "100\\% a\\_b \\& \\{c\\}\\textbackslash{}x5C\\$$\\sim$-{}-\\textasciicircum{}\\# & 20 & 1.23 "
           "[1.15, "
           "1.45] & $-$5.1 [$-$6.1, $-$4.0] \\% & 0.0034 \\\\\n"
           "b & 3 & 0.0568 & -- & --\\phantom{.0000} \\\\\n"
           "\\bottomrule\n"
           "\\end{tabular}\n");
}

/* A table with a caption is a float over both columns of a page; two halves have the first columns both. */
Test(tables, latex_wide)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    struct table *table = sample("~", "Caption");
    table_write(table, out, TABLE_LATEX, 0);
    fflush(out);
    cr_expect_not_null(strstr(text, "\\begin{table*}"), "%s", text);
    cr_expect_not_null(strstr(text, "\\caption{Caption}"), "%s", text);
    cr_expect_not_null(strstr(text, "\\end{tabular}\n\\end{table*}\n"), "%s", text);
    rewind(out);
    table_write_latex_halves(table, out, 1, 2);
    fclose(out);
    cr_expect_not_null(strstr(text,
                              "\\begin{tabular}{lrr}\n\\toprule\npage & n & median (s) \\\\\n\\midrule\n$\\sim$ & 20 & "
                              "1.23 [1.15, 1.45] \\\\\nb & 3 & 0.0568 \\\\\n\\bottomrule\n\\end{tabular}\n\\par"),
                       "%s", text);
    cr_expect_not_null(
        strstr(text, "\\begin{tabular}{lrr}\n\\toprule\npage & change & p \\\\\n\\midrule\n$\\sim$ & $-$5.1 [$-$6.1, "
                     "$-$4.0] \\% & 0.0034 \\\\\n"),
        "%s", text);
    table_free(table);
    free(text);
}

static const struct table_column by_row[] = {{"measure", "measure", TABLE_WORDS},
                                             {"before", "before", TABLE_BY_ROW},
                                             {"after", "after", TABLE_BY_ROW},
                                             {"delta", "delta", TABLE_PLAIN}};

static struct table *mixed(void)
{
    struct table *table = table_new(by_row, 4, NULL);
    table_row_unit(table, TABLE_NS);
    words(table, "*load");
    table_number(table, 1500000000, (double)NAN);
    table_number(table, 900000000, (double)NAN);
    table_number(table, -0.456, (double)NAN);
    table_row_unit(table, TABLE_COUNT);
    words(table, "requests");
    table_number(table, 30.5, (double)NAN);
    table_number(table, 12345, (double)NAN);
    table_number(table, 1, (double)NAN);
    return table;
}

/* A row has one unit, which each of its cells names. */
Test(tables, unit_by_row)
{
    expect(mixed(), TABLE_TEXT, 0,
           "measure   before    after  delta\n"
           "*load     1.50 s  0.900 s  -0.46\n"
           "requests    30.5    12345   1.00\n");
    expect(mixed(), TABLE_CSV, 0,
           "measure,unit,before,after,delta\r\n"
           "*load,ns,1500000000,900000000,-0.456\r\n"
           "requests,1,30.5,12345,1\r\n");
}

/* A star would be the argument of the line's end before it. */
Test(tables, latex_star)
{
    expect(mixed(), TABLE_LATEX, 0,
           "% \\usepackage{booktabs}\n\\begin{tabular}{lrrr}\n\\toprule\nmeasure & before & after & delta "
           "\\\\\n\\midrule\n{}*load & 1.50 s & 0.900 s & $-$0.46 \\\\\nrequests & 30.5 & 12345 & 1.00 "
           "\\\\\n\\bottomrule\n\\end{tabular}\n");
}

Test(tables, without_rows)
{
    expect(table_new(by_row, 4, NULL), TABLE_JSON, 0, "[]");
    expect(table_new(by_row, 4, NULL), TABLE_CSV, 0, "measure,unit,before,after,delta\r\n");
    expect(table_new(by_row, 4, NULL), TABLE_TEXT, 0, "none\n");
    expect(table_new(by_row, 4, "Caption"), TABLE_TEXT, 0, "Caption\n\nnone\n");
}

Test(tables, column_aligned_at_the_point)
{
    static const struct table_column one[] = {{"t_ns", "t", TABLE_NS}};
    struct table *table = table_new(one, 1, NULL);
    table_number(table, 1500000000, 15000000); /* 0.015 s */
    table_number(table, 300000000, 2000000000);
    table_number(table, 20e9, (double)NAN);
    expect(table, TABLE_TEXT, 0,
           " t (s)\n"
           " 1.500\n"
           " 0.3\n"
           "20.0\n");
}
