/* Rules of --fail-if: 'load-time > +5%', 'goodput < -10%', 'load-time > +200ms'. */
#ifndef MITM_COMPARE_RULE_H
#define MITM_COMPARE_RULE_H

#include "compare/compare.h"

struct rule {
    const char *text; /* as given */
    const struct measure *measure;
    bool above;    /* '>'; else '<' */
    bool relative; /* in %: of the median before */
    double limit;  /* a share, or in the measure's unit */
};

enum { RULE_PROBLEM_BYTES = 240 };

/*
 * Read `text` into *rule; `text` must outlive it. A rule is a measure's name, '>' and a number that is not negative, or
 * '<' and one that is not positive, and a unit: % (of the median before), or one of the measure's: ns us ms s, B kB MB
 * GB, bit/s kbit/s Mbit/s Gbit/s, pp (percentage points, of shares), none for counts. Return false and write to
 * `problem` what is wrong with it, if so.
 */
bool rule_parse(const char *text, struct rule *rule, char problem[RULE_PROBLEM_BYTES])
    __attribute__((warn_unused_result));

enum rule_result {
    RULE_KEPT,    /* not proven to be broken */
    RULE_BROKEN,  /* the whole interval lies beyond the limit, and the shift is proven */
    RULE_UNKNOWN, /* the row has no interval or no p: too few values */
    RULE_OTHER    /* the row is of another measure */
};

enum rule_result rule_judge(const struct rule *rule, const struct comparison *comparison,
                            const struct compare_row *row);

#endif
