#include "compare/output.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/format.h"
#include "analyze/settings.h"
#include "base/json.h"
#include "base/plain.h"

enum table_unit compare_unit(const struct measure *measure)
{
    switch (measure->unit) {
    case MEASURE_NS:
        return TABLE_NS;
    case MEASURE_BYTES:
        return TABLE_BYTES;
    case MEASURE_COUNT:
        return TABLE_COUNT;
    case MEASURE_BITS_PER_S:
        return TABLE_BITS_PER_S;
    case MEASURE_SHARE:
        break;
    }
    return TABLE_SHARE;
}

static void add_string(struct table *table, const char *string)
{
    table_words(table, string, string ? strlen(string) : 0);
}

static void add_subject(struct table *table, const struct compare_row *row)
{
    table_words(table, (const char *)row->subject.data, row->subject.len);
}

static bool has_subjects(const struct comparison *c)
{
    return c->options->by == COMPARE_PAGE || c->options->by == COMPARE_SERVER;
}

static void add_side(struct table *table, const struct compare_side *side)
{
    table_estimate(table, side->median, side->interval.low, side->interval.high);
}

static void add_shift(struct table *table, const struct compare_row *row)
{
    table_estimate(table, row->shift.estimate, row->shift.interval.low, row->shift.interval.high);
    table_estimate(table, row->change, row->change_low, row->change_high);
}

struct table *compare_table(const struct comparison *c)
{
    bool many = c->group_count > 2;
    struct table_column columns[12];
    size_t n = 0;
    if (has_subjects(c))
        columns[n++] = (struct table_column){"subject", compare_by_words[c->options->by], TABLE_WORDS};
    columns[n++] = (struct table_column){"measure", "measure", TABLE_WORDS};
    if (many)
        columns[n++] = (struct table_column){"group", "group", TABLE_WORDS};
    const struct table_column rest[] = {
        {"n_before", "n", TABLE_COUNT},     {"before", c->groups[0].name, TABLE_BY_ROW},
        {"n_after", "n", TABLE_COUNT},      {"after", many ? "group" : c->groups[1].name, TABLE_BY_ROW},
        {"shift", "shift", TABLE_BY_ROW},   {"change", "change", TABLE_CHANGE},
        {"p_holm", "p", TABLE_P},           {"cliffs_delta", "delta", TABLE_PLAIN},
        {"verdict", "verdict", TABLE_WORDS}};
    enum { REST = sizeof rest / sizeof *rest };
    memcpy(columns + n, rest, sizeof rest);
    struct table *table = table_new(columns, n + REST, NULL);
    for (size_t i = 0; i < c->row_count; i++) {
        const struct compare_row *row = &c->rows[i];
        table_row_unit(table, compare_unit(row->measure));
        if (has_subjects(c))
            add_subject(table, row);
        add_string(table, row->measure->label);
        if (many)
            add_string(table, c->groups[row->group].name);
        table_number(table, (double)row->before.n, (double)NAN);
        add_side(table, &row->before);
        table_number(table, (double)row->after.n, (double)NAN);
        add_side(table, &row->after);
        add_shift(table, row);
        table_number(table, row->p_holm, (double)NAN);
        table_number(table, row->delta, (double)NAN);
        add_string(table, row->verdict);
    }
    return table;
}

/* The codes of all notes, each once. */
static char *note_codes(const struct comparison *c)
{
    char *codes = NULL;
    size_t len;
    FILE *out = open_memstream(&codes, &len);
    if (!out)
        abort();
    for (size_t i = 0; i < c->note_count; i++) {
        bool again = false;
        for (size_t j = 0; j < i; j++)
            again |= strcmp(c->notes[j].code, c->notes[i].code) == 0;
        if (!again)
            fprintf(out, "%s%s", i > 0 ? " " : "", c->notes[i].code);
    }
    if (fclose(out) != 0)
        abort();
    return codes;
}

/* All that is known of the rows: for CSV and JSON. */
static struct table *full_table(const struct comparison *c, bool notes)
{
    static const struct table_column columns[] = {{"group", "", TABLE_WORDS},
                                                  {"subject", "", TABLE_WORDS},
                                                  {"measure", "", TABLE_WORDS},
                                                  {"before_n", "", TABLE_COUNT},
                                                  {"after_n", "", TABLE_COUNT},
                                                  {"before_missing", "", TABLE_COUNT},
                                                  {"after_missing", "", TABLE_COUNT},
                                                  {"before_unpaired", "", TABLE_COUNT},
                                                  {"after_unpaired", "", TABLE_COUNT},
                                                  {"before_median", "", TABLE_BY_ROW},
                                                  {"after_median", "", TABLE_BY_ROW},
                                                  {"shift", "", TABLE_BY_ROW},
                                                  {"change", "", TABLE_CHANGE},
                                                  {"shift_confidence", "", TABLE_PLAIN},
                                                  {"test", "", TABLE_WORDS},
                                                  {"statistic", "", TABLE_PLAIN},
                                                  {"p", "", TABLE_P},
                                                  {"p_holm", "", TABLE_P},
                                                  {"cliffs_delta", "", TABLE_PLAIN},
                                                  {"effect", "", TABLE_WORDS},
                                                  {"verdict", "", TABLE_WORDS},
                                                  {"notes", "", TABLE_WORDS}};
    enum { COLUMNS = sizeof columns / sizeof *columns };
    struct table *table = table_new(columns, notes ? COLUMNS : COLUMNS - 1, NULL);
    char *codes = note_codes(c);
    for (size_t i = 0; i < c->row_count; i++) {
        const struct compare_row *row = &c->rows[i];
        table_row_unit(table, compare_unit(row->measure));
        add_string(table, c->groups[row->group].name);
        add_subject(table, row);
        add_string(table, row->measure->name);
        const size_t counts[] = {row->before.n,      row->after.n,         row->before.missing,
                                 row->after.missing, row->unpaired_before, row->unpaired_after};
        for (size_t k = 0; k < sizeof counts / sizeof *counts; k++)
            table_number(table, (double)counts[k], (double)NAN);
        add_side(table, &row->before);
        add_side(table, &row->after);
        add_shift(table, row);
        bool has = !isnan(row->test.p);
        table_number(table, isnan(row->shift.interval.low) ? (double)NAN : row->shift.reached, (double)NAN);
        add_string(table, !has ? "none" : row->test.exact ? "exact" : "normal approximation");
        table_number(table, has ? row->test.statistic : (double)NAN, (double)NAN);
        table_number(table, row->test.p, (double)NAN);
        table_number(table, row->p_holm, (double)NAN);
        table_number(table, row->delta, (double)NAN);
        add_string(table, row->effect);
        add_string(table, row->verdict);
        if (notes)
            add_string(table, codes);
    }
    free(codes);
    return table;
}

static void write_table(struct table *table, FILE *out, enum table_format format, size_t width)
{
    table_write(table, out, format, width);
    table_free(table);
}

static void write_halves(struct table *table, FILE *out)
{
    table_write_latex_halves(table, out, table_columns(table) - COMPARE_VALUES - COMPARE_DIFFERENCES, COMPARE_VALUES);
    table_free(table);
}

static void put_file(FILE *out, const char *file)
{
    plain_print(out, file, strlen(file));
}

static void write_group(FILE *out, const struct compare_group *group)
{
    enum { MOST = 3 };
    size_t sessions = model_session_count(group->model);
    fprintf(out, "%s: %zu recording%s, ", group->name, sessions, sessions == 1 ? "" : "s");
    for (size_t i = 0; i < group->file_count && i < MOST; i++) {
        fputs(i > 0 ? ", " : "", out);
        put_file(out, group->files[i]);
    }
    if (group->file_count > MOST)
        fprintf(out, " and %zu more", group->file_count - MOST);
    const struct model_session *first = sessions > 0 ? model_session(group->model, 0) : NULL;
    char date[FORMAT_BYTES];
    if (first && first->has_wall_clock)
        fprintf(out, "; begun %s", format_date(date, first->wall_clock_ns));
    if (first && first->label.len > 0) {
        fputs("; ", out);
        plain_print(out, first->label.data, first->label.len);
    }
    if (first && first->settings.t_ns != MODEL_NONE) {
        fputs("; ", out);
        settings_print(out, &first->settings);
    }
}

char *compare_group_words(const struct compare_group *group)
{
    char *words = NULL;
    size_t len;
    FILE *out = open_memstream(&words, &len);
    if (!out)
        abort();
    write_group(out, group);
    if (fclose(out) != 0)
        abort();
    return words;
}

/* Write `line`, which ends here, in the manner of the format. */
static void put_line(FILE *out, enum table_format format, const char *line)
{
    fputs(format == TABLE_LATEX ? "% " : format == TABLE_MARKDOWN ? "- " : "", out);
    if (format == TABLE_MARKDOWN)
        table_put_markdown(out, line);
    else
        fputs(line, out);
    putc('\n', out);
}

static void put_groups(FILE *out, const struct comparison *c, enum table_format format)
{
    for (size_t g = 0; g < c->group_count; g++) {
        char *line = compare_group_words(&c->groups[g]);
        put_line(out, format, line);
        free(line);
    }
    if (format == TABLE_MARKDOWN)
        putc('\n', out);
}

void compare_write_method(FILE *out, const struct comparison *c)
{
    fprintf(out,
            "Medians and Hodges-Lehmann shifts with %g %% intervals; p: %s, Holm's correction over %zu rows; delta: "
            "Cliff's; ~ nothing proven (alpha %g).",
            c->options->confidence * 100,
            c->options->paired ? "Wilcoxon's signed rank test of pairs" : "Mann-Whitney test", c->row_count,
            c->options->alpha);
}

static void put_explanation(FILE *out, const struct comparison *c, enum table_format format)
{
    fputs(format == TABLE_LATEX ? "% " : "\n", out);
    compare_write_method(out, c);
    fputs(format == TABLE_MARKDOWN ? "\n\n" : "\n", out);
}

static void put_notes(FILE *out, const struct comparison *c, enum table_format format)
{
    for (size_t i = 0; i < c->note_count; i++) {
        const struct compare_note *note = &c->notes[i];
        if (i == 0 && format == TABLE_TEXT)
            fputs("\nNotes\n", out);
        fprintf(out, format == TABLE_LATEX ? "%% %s: " : format == TABLE_MARKDOWN ? "- %s: " : "  %s: ", note->code);
        if (format == TABLE_MARKDOWN)
            table_put_markdown(out, note->text);
        else
            fputs(note->text, out);
        putc('\n', out);
    }
}

static void json_string(FILE *out, const char *string)
{
    json_bytes(out, (const uint8_t *)string, strlen(string));
}

static void json_group(FILE *out, const struct compare_group *group)
{
    fputs("{\"name\":", out);
    json_string(out, group->name);
    fprintf(out, ",\"sessions\":%zu,\"files\":[", model_session_count(group->model));
    for (size_t i = 0; i < group->file_count; i++) {
        fputs(i > 0 ? "," : "", out);
        json_string(out, group->files[i]);
    }
    fputs("]}", out);
}

static void json_rules(FILE *out, const struct comparison *c, const struct compare_rules *rules)
{
    static const char *const words[] = {[RULE_KEPT] = "kept", [RULE_BROKEN] = "broken", [RULE_UNKNOWN] = "unknown"};
    for (size_t i = 0; i < rules->count; i++) {
        fputs(i > 0 ? ",{\"rule\":" : "{\"rule\":", out);
        json_string(out, rules->rules[i].text);
        fputs(",\"results\":[", out);
        bool first = true;
        for (size_t r = 0; r < c->row_count; r++) {
            enum rule_result result = rule_judge(&rules->rules[i], c, &c->rows[r]);
            if (result == RULE_OTHER)
                continue;
            fprintf(out, "%s{\"row\":%zu,\"result\":\"%s\"}", first ? "" : ",", r, words[result]);
            first = false;
        }
        fputs("]}", out);
    }
}

static void write_json(FILE *out, const struct comparison *c, const struct compare_rules *rules)
{
    const struct compare_options *o = c->options;
    fprintf(out, "{\"by\":\"%s\",\"paired\":%s,\"confidence\":", compare_by_words[o->by], o->paired ? "true" : "false");
    json_number(out, o->confidence);
    fputs(",\"alpha\":", out);
    json_number(out, o->alpha);
    fprintf(out, ",\"quantile_type\":%u,\"page_gap_ns\":%" PRId64 ",\"groups\":[", o->quantile_type,
            o->gap_ns > 0 ? o->gap_ns : PAGES_GAP_NS);
    for (size_t g = 0; g < c->group_count; g++) {
        fputs(g > 0 ? "," : "", out);
        json_group(out, &c->groups[g]);
    }
    fputs("],\"rows\":", out);
    write_table(full_table(c, false), out, TABLE_JSON, 0);
    fputs(",\"notes\":[", out);
    for (size_t i = 0; i < c->note_count; i++) {
        fprintf(out, "%s{\"code\":\"%s\",\"text\":", i > 0 ? "," : "", c->notes[i].code);
        json_string(out, c->notes[i].text);
        putc('}', out);
    }
    fputs("],\"rules\":[", out);
    json_rules(out, c, rules);
    fputs("]}\n", out);
}

void compare_write(FILE *out, const struct comparison *c, const struct compare_rules *rules, enum table_format format,
                   size_t width)
{
    if (format == TABLE_JSON) {
        write_json(out, c, rules);
        return;
    }
    if (format == TABLE_CSV) {
        write_table(full_table(c, true), out, TABLE_CSV, 0);
        return;
    }
    put_groups(out, c, format);
    if (format == TABLE_TEXT)
        putc('\n', out);
    if (format == TABLE_LATEX)
        write_halves(compare_table(c), out);
    else
        write_table(compare_table(c), out, format, width);
    put_explanation(out, c, format);
    put_notes(out, c, format);
}

static void put_rule_name(FILE *out, const struct rule *rule)
{
    fputs("--fail-if '", out);
    plain_print(out, rule->text, strlen(rule->text));
    fputs("': ", out);
}

bool compare_write_rule(FILE *out, const struct comparison *c, const struct rule *rule)
{
    bool broken = false, found = false;
    for (size_t i = 0; i < c->row_count; i++) {
        const struct compare_row *row = &c->rows[i];
        enum rule_result result = rule_judge(rule, c, row);
        found |= result != RULE_OTHER;
        broken |= result == RULE_BROKEN;
        if (result != RULE_BROKEN && result != RULE_UNKNOWN)
            continue;
        put_rule_name(out, rule);
        plain_print(out, row->subject.data, row->subject.len);
        fprintf(out, "%s'%s' ", row->subject.len > 0 ? ": " : "", c->groups[row->group].name);
        if (result == RULE_UNKNOWN)
            fprintf(out, "cannot be judged: %zu and %zu values are too few\n", row->before.n, row->after.n);
        else
            fprintf(out, "breaks the rule: change %+.1f %% [%+.1f, %+.1f], p %.2g\n", row->change * 100,
                    row->change_low * 100, row->change_high * 100, row->p_holm);
    }
    if (!found) {
        put_rule_name(out, rule);
        fputs("cannot be judged: there is no value\n", out);
    }
    return broken;
}
