/* The command line of `mitm-analyze compare`. Inside of compare/ alone. */
#ifndef MITM_COMPARE_OPTIONS_H
#define MITM_COMPARE_OPTIONS_H

#include "compare/compare.h"
#include "compare/rule.h"
#include "tables/table.h"

struct compare_request {
    struct compare_options options;
    struct compare_group *groups;
    size_t group_count, group_capacity;
    struct rule *rules;
    size_t rule_count, rule_capacity, measure_capacity;
    enum table_format format;
    bool formatted;    /* --format was given */
    bool sided, named; /* --before or --after were, or --group */
    const char *out;   /* -o; NULL: none */
};

/* Read the arguments into *request, which is all zero; free it with options_fini() in any case. Return -1 if there is
 * something to do, else the exit code: --help, or a message was printed. */
int options_read(struct compare_request *request, int argc, char **argv);
void options_fini(struct compare_request *request);

#endif
