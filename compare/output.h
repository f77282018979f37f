/* A comparison as text, JSON, CSV, Markdown, LaTeX. */
#ifndef MITM_COMPARE_OUTPUT_H
#define MITM_COMPARE_OUTPUT_H

#include <stdio.h>

#include "compare/compare.h"
#include "compare/rule.h"
#include "tables/table.h"

struct compare_rules {
    const struct rule *rules;
    size_t count;
};

/* Return the table of the rows for people, to be freed with table_free(). */
struct table *compare_table(const struct comparison *comparison);
/* Behind what names the row it has so many columns of numbers and medians, and then so many of what differs. Where it
 * is too wide for a page these are two tables. */
enum { COMPARE_VALUES = 4, COMPARE_DIFFERENCES = 5 };

/* Return how the measure's values are shown. */
enum table_unit compare_unit(const struct measure *measure);

/* Write the comparison to `out`; `width`: as table_write() has it. In LaTeX, all but the table are comments; CSV has
 * the codes of all notes in the last column of each row. */
void compare_write(FILE *out, const struct comparison *comparison, const struct compare_rules *rules,
                   enum table_format format, size_t width);

/* Write to `out` what rule `rule` found in its rows, one line for each that is broken or unknown: "--fail-if
 * 'load-time > +5%': page load time: …"; return whether one is broken. */
bool compare_write_rule(FILE *out, const struct comparison *comparison, const struct rule *rule);

/* Return a group in words, to be freed with free(), with the date, label and settings of its first recording: "before:
 * 20 recordings, a.mitm, b.mitm and 18 more; begun 2011-09-23 14:05:06 UTC; no delays". Nothing in it moves a cursor.
 */
char *compare_group_words(const struct compare_group *group);

/* Write one sentence on how the rows were computed. */
void compare_write_method(FILE *out, const struct comparison *comparison);

#endif
