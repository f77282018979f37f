#include "compare/rule.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    enum measure_unit of;
    const char *name;
    double factor;
} units[] = {{MEASURE_NS, "ns", 1},
             {MEASURE_NS, "us", 1e3},
             {MEASURE_NS, "µs", 1e3},
             {MEASURE_NS, "ms", 1e6},
             {MEASURE_NS, "s", 1e9},
             {MEASURE_BYTES, "B", 1},
             {MEASURE_BYTES, "kB", 1e3},
             {MEASURE_BYTES, "MB", 1e6},
             {MEASURE_BYTES, "GB", 1e9},
             {MEASURE_BITS_PER_S, "bit/s", 1},
             {MEASURE_BITS_PER_S, "kbit/s", 1e3},
             {MEASURE_BITS_PER_S, "Mbit/s", 1e6},
             {MEASURE_BITS_PER_S, "Gbit/s", 1e9},
             {MEASURE_SHARE, "pp", 0.01},
             {MEASURE_COUNT, "", 1}};

static const char *skip_spaces(const char *p)
{
    while (*p == ' ')
        p++;
    return p;
}

/* Read the measure's name at *p and move behind it. */
static bool parse_measure(const char **p, struct rule *rule, char problem[RULE_PROBLEM_BYTES])
{
    size_t len = strspn(*p, "abcdefghijklmnopqrstuvwxyz0123456789-");
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)(len < sizeof name ? len : sizeof name - 1), *p);
    *p = skip_spaces(*p + len);
    if (len == 0) {
        snprintf(problem, RULE_PROBLEM_BYTES, "a rule begins with a measure, as in 'load-time > +5%%'");
        return false;
    }
    rule->measure = measures_find(name);
    if (!rule->measure)
        snprintf(problem, RULE_PROBLEM_BYTES,
                 "there is no measure '%s', but load-time, ttfb and others (--metric help lists them)", name);
    return rule->measure != NULL;
}

/* Read a decimal number at *p and move behind it: no hexadecimal digits, no "inf". */
static bool parse_number(const char **p, double *number)
{
    const char *digits = *p + (**p == '+' || **p == '-');
    if (!strchr("0123456789.", *digits) || !*digits || (digits[0] == '0' && (digits[1] | 0x20) == 'x'))
        return false;
    char *end;
    *number = strtod(*p, &end);
    bool ok = end > digits && isfinite(*number);
    *p = skip_spaces(end);
    return ok;
}

static bool parse_unit(const char *p, struct rule *rule, char problem[RULE_PROBLEM_BYTES])
{
    size_t len = strlen(p);
    while (len > 0 && p[len - 1] == ' ')
        len--;
    rule->relative = len == 1 && *p == '%';
    if (rule->relative) {
        rule->limit /= 100;
        return true;
    }
    char known[96] = "%";
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (units[i].of != rule->measure->unit)
            continue;
        if (strlen(units[i].name) == len && memcmp(units[i].name, p, len) == 0) {
            rule->limit *= units[i].factor;
            return true;
        }
        if (units[i].name[0] && (unsigned char)units[i].name[0] < 0x80)
            snprintf(known + strlen(known), sizeof known - strlen(known), ", %s", units[i].name);
    }
    snprintf(problem, RULE_PROBLEM_BYTES, "'%.40s' is no unit for %s: %s%s", p, rule->measure->name, known,
             rule->measure->unit == MEASURE_COUNT ? " or none" : "");
    return false;
}

bool rule_parse(const char *text, struct rule *rule, char problem[RULE_PROBLEM_BYTES])
{
    *rule = (struct rule){.text = text};
    const char *p = skip_spaces(text);
    if (!parse_measure(&p, rule, problem))
        return false;
    if (*p != '>' && *p != '<') {
        snprintf(problem, RULE_PROBLEM_BYTES, "'>' or '<' follows the measure, as in '%s > +5%%'", rule->measure->name);
        return false;
    }
    rule->above = *p == '>';
    p = skip_spaces(p + 1);
    if (!parse_number(&p, &rule->limit)) {
        snprintf(problem, RULE_PROBLEM_BYTES, "a number follows '%c', as in '%s %s5%%'", rule->above ? '>' : '<',
                 rule->measure->name, rule->above ? "> +" : "< -");
        return false;
    }
    if (rule->above ? rule->limit < 0 : rule->limit > 0) {
        snprintf(problem, RULE_PROBLEM_BYTES, "'>' is for rises (+) and '<' is for falls (-)");
        return false;
    }
    return parse_unit(p, rule, problem);
}

enum rule_result rule_judge(const struct rule *rule, const struct comparison *comparison, const struct compare_row *row)
{
    if (row->measure != rule->measure)
        return RULE_OTHER;
    double low = rule->relative ? row->change_low : row->shift.interval.low;
    double high = rule->relative ? row->change_high : row->shift.interval.high;
    if (isnan(low) || isnan(high) || isnan(row->p_holm))
        return RULE_UNKNOWN;
    bool beyond = rule->above ? low > rule->limit : high < rule->limit;
    return beyond && compare_proven(comparison, row) ? RULE_BROKEN : RULE_KEPT;
}
