/* Rules of --fail-if. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "compare/rule.h"

static void good(const char *text, const char *measure, bool above, bool relative, double limit)
{
    struct rule rule;
    char problem[RULE_PROBLEM_BYTES] = "";
    cr_assert(rule_parse(text, &rule, problem), "%s: %s", text, problem);
    cr_expect_str_eq(rule.measure->name, measure);
    cr_expect_eq(rule.above, above, "%s", text);
    cr_expect_eq(rule.relative, relative, "%s", text);
    cr_expect_float_eq(rule.limit, limit, fabs(limit) * 1e-12, "%s: %.17g", text, rule.limit);
}

static void bad(const char *text, const char *part)
{
    struct rule rule;
    char problem[RULE_PROBLEM_BYTES] = "";
    cr_assert_not(rule_parse(text, &rule, problem), "%s", text);
    cr_expect(strstr(problem, part), "%s: %s", text, problem);
}

Test(rule, forms)
{
    good("load-time > +5%", "load-time", true, true, 0.05);
    good("load-time>5%", "load-time", true, true, 0.05);
    good("  goodput  <  -10 %  ", "goodput", false, true, -0.1);
    good("load-time > +200ms", "load-time", true, false, 200e6);
    good("load-time < -1.5 s", "load-time", false, false, -1.5e9);
    good("load-time > 3us", "load-time", true, false, 3e3);
    good("page-requests > 2", "page-requests", true, false, 2);
    good("page-bytes > 1.5MB", "page-bytes", true, false, 1.5e6);
    good("goodput < -1Mbit/s", "goodput", false, false, -1e6);
    good("page-reuse < -5pp", "page-reuse", false, false, -0.05);
    good("load-time > 0%", "load-time", true, true, 0);
}

Test(rule, problems)
{
    bad("", "begins with a measure");
    bad("> 5%", "begins with a measure");
    bad("load > 5%", "no measure 'load'");
    bad("load-time", "follows the measure");
    bad("load-time >= 5%", "number");
    bad("load-time > x%", "number");
    bad("load-time > +", "number");
    bad("load-time > 0x10ms", "number");
    bad("load-time > inf%", "number");
    bad("load-time > nan%", "number");
    bad("load-time > 1e999%", "number");
    bad("load-time > 5", "no unit");
    bad("load-time > 5 % more", "no unit");
    bad("load-time > 5kB", "no unit");
    bad("page-requests > 5ms", "or none");
    bad("load-time > -5%", "rises");
    bad("load-time < 5%", "falls");
}

/* The whole interval must lie beyond the limit, and the corrected p below alpha. */
Test(rule, judges)
{
    const struct compare_options options = {.alpha = 0.05};
    const struct comparison comparison = {.options = &options};
    struct rule rule;
    char problem[RULE_PROBLEM_BYTES];
    cr_assert(rule_parse("load-time > +5%", &rule, problem));
    struct compare_row row = {.measure = measures_find("load-time"),
                              .shift = {.estimate = 80, .interval = {60, 100}},
                              .change = 0.08,
                              .change_low = 0.06,
                              .change_high = 0.1,
                              .p_holm = 0.01};
    cr_expect_eq(rule_judge(&rule, &comparison, &row), RULE_BROKEN);
    row.change_low = 0.05;
    cr_expect_eq(rule_judge(&rule, &comparison, &row), RULE_KEPT, "the limit itself is not beyond it");
    row.change_low = 0.06;
    row.p_holm = 0.05;
    cr_expect_eq(rule_judge(&rule, &comparison, &row), RULE_KEPT, "p is not below alpha");
    row.p_holm = (double)NAN;
    cr_expect_eq(rule_judge(&rule, &comparison, &row), RULE_UNKNOWN);
    row.p_holm = 0.01;
    row.change_low = row.change_high = (double)NAN;
    cr_expect_eq(rule_judge(&rule, &comparison, &row), RULE_UNKNOWN);
    cr_assert(rule_parse("load-time > +59ns", &rule, problem));
    cr_expect_eq(rule_judge(&rule, &comparison, &row), RULE_BROKEN);
    cr_assert(rule_parse("load-time < -1ns", &rule, problem));
    cr_expect_eq(rule_judge(&rule, &comparison, &row), RULE_KEPT);
    row.measure = measures_find("ttfb");
    cr_expect_eq(rule_judge(&rule, &comparison, &row), RULE_OTHER);
}
