#include "compare/options.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "compare/cmd_compare.h"
#include "compare/publish.h"

enum { BEFORE = CLI_FIRST_OWN, AFTER, GROUP, METRIC, BY, PAIRED, CONFIDENCE, ALPHA, FAIL_IF, PAGE_GAP, QUANTILE };
enum { MOST_GROUPS = 16, MOST_NAME = 40, BARE_WORD = 1 };

/* Return the group called so; a new one if there is none. */
static struct compare_group *group_named(struct compare_request *r, const char *name)
{
    for (size_t g = 0; g < r->group_count; g++) {
        if (strcmp(r->groups[g].name, name) == 0)
            return &r->groups[g];
    }
    r->groups = memory_grow(r->groups, r->group_count, &r->group_capacity, sizeof *r->groups);
    r->groups[r->group_count] = (struct compare_group){.name = name};
    return &r->groups[r->group_count++];
}

static void add_file(struct compare_group *group, const char *file)
{
    group->files = memory_grow(group->files, group->file_count, &group->file_capacity, sizeof *group->files);
    group->files[group->file_count++] = file;
}

/* Take NAME=FILE apart; set *group. The files may all follow: the shell does not expand NAME=*.mitm. */
static int take_group(struct compare_request *r, char *value, struct compare_group **group)
{
    char *equals = strchr(value, '=');
    size_t len = equals ? (size_t)(equals - value) : 0;
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 ._+-";
    if (len == 0 || len > MOST_NAME || strspn(value, letters) != len)
        return cli_usage(&cmd_compare,
                         "--group is NAME=FILE with a name of up to %d letters, digits, spaces and ._+-, not '%s'",
                         MOST_NAME, value);
    *equals = '\0';
    *group = group_named(r, value);
    if (equals[1] != '\0')
        add_file(*group, equals + 1);
    return -1;
}

static bool has_measure(const struct compare_request *r, const struct measure *measure)
{
    for (size_t i = 0; i < r->options.measure_count; i++) {
        if (r->options.measures[i] == measure)
            return true;
    }
    return false;
}

static void add_measure(struct compare_request *r, const struct measure *measure)
{
    struct compare_options *o = &r->options;
    if (has_measure(r, measure))
        return;
    o->measures = memory_grow(o->measures, o->measure_count, &r->measure_capacity, sizeof *o->measures);
    o->measures[o->measure_count++] = measure;
}

static int list_measures(void)
{
    for (size_t i = 0; i < measures_count(); i++) {
        const struct measure *m = measures_get(i);
        printf("%c %-20s %s: %s\n", m->usual ? '*' : ' ', m->name, m->label, m->definition);
    }
    puts("\n* compared unless others are named");
    return cli_finish_output(CLI_OK);
}

static int take_metric(struct compare_request *r, const char *value)
{
    if (strcmp(value, "help") == 0)
        return list_measures();
    const struct measure *measure = measures_find(value);
    if (!measure)
        return cli_usage(&cmd_compare,
                         "there is no measure '%s', but load-time, ttfb and others (--metric help lists them)", value);
    add_measure(r, measure);
    return -1;
}

/* Read a number between 0 and 1, both excluded. */
static bool take_share(const char *value, double *share)
{
    char *end;
    if (!strchr("0123456789.", value[0]) || !value[0])
        return false;
    errno = 0;
    *share = strtod(value, &end);
    return *end == '\0' && errno == 0 && *share > 0 && *share < 1;
}

static int take_rule(struct compare_request *r, const char *value)
{
    struct rule rule;
    char problem[RULE_PROBLEM_BYTES];
    if (!rule_parse(value, &rule, problem))
        return cli_usage(&cmd_compare, "--fail-if '%s': %s", value, problem);
    r->rules = memory_grow(r->rules, r->rule_count, &r->rule_capacity, sizeof *r->rules);
    r->rules[r->rule_count++] = rule;
    return -1;
}

static int take_format(struct compare_request *r, const char *value)
{
    int choice;
    if (!cli_choice(value, table_formats, TABLE_FORMATS, &choice))
        return cli_usage(&cmd_compare, "--format is text, json, csv, markdown or latex, not '%s'", value);
    r->format = (enum table_format)choice;
    r->formatted = true;
    return -1;
}

/* Take in an option that has nothing to do with groups. Return -1, or an exit code. */
static int take_setting(struct compare_request *r, int option, char **argv)
{
    struct compare_options *o = &r->options;
    uint64_t number;
    int choice;
    switch (option) {
    case 'o':
        r->out = optarg;
        return publish_known(optarg)
                   ? -1
                   : cli_usage(&cmd_compare, "the name of the document ends in .pdf, .html, .svg or .png, not '%s'",
                               optarg);
    case 'f':
        return take_format(r, optarg);
    case METRIC:
        return take_metric(r, optarg);
    case BY:
        if (!cli_choice(optarg, compare_by_words + 1, COMPARE_BYS - 1, &choice))
            return cli_usage(&cmd_compare, "--by is page, server or session, not '%s'", optarg);
        o->by = (enum compare_by)(choice + 1);
        return -1;
    case PAIRED:
        o->paired = true;
        return -1;
    case CONFIDENCE:
    case ALPHA:
        if (!take_share(optarg, option == CONFIDENCE ? &o->confidence : &o->alpha))
            return cli_usage(&cmd_compare, "%s is a number between 0 and 1, such as %s, not '%s'",
                             option == CONFIDENCE ? "--confidence" : "--alpha", option == CONFIDENCE ? "0.95" : "0.05",
                             optarg);
        return -1;
    case FAIL_IF:
        return take_rule(r, optarg);
    case PAGE_GAP:
        if (!cli_seconds(optarg, &o->gap_ns) || o->gap_ns == 0)
            return cli_usage(&cmd_compare, "--page-gap is a number of seconds such as 5, not '%s'", optarg);
        return -1;
    case QUANTILE:
        if (!cli_number(optarg, 9, &number) || number == 0)
            return cli_usage(&cmd_compare, "--quantile-type is 1 to 9, not '%s'", optarg);
        o->quantile_type = (unsigned)number;
        return -1;
    default:
        return cli_common_option(&cmd_compare, option, argv);
    }
}

/* See that what was asked for fits together; take the usual measures if none was named. */
static int finish(struct compare_request *r)
{
    if (r->named && r->sided)
        return cli_usage(&cmd_compare, "give either --before and --after, or --group, not both");
    if (r->group_count < 2)
        return cli_usage(&cmd_compare, "name the recordings of two groups: --before FILE... --after FILE...");
    for (size_t g = 0; g < r->group_count; g++) {
        if (r->groups[g].file_count == 0)
            return cli_usage(&cmd_compare, "group '%s' has no files: name them behind --group %s=", r->groups[g].name,
                             r->groups[g].name);
    }
    if (r->group_count > MOST_GROUPS)
        return cli_usage(&cmd_compare, "there are more than %d groups", MOST_GROUPS);
    for (size_t i = 0; i < r->options.measure_count; i++) {
        if (!compare_fits(r->options.measures[i], r->options.by))
            return cli_usage(&cmd_compare, "%s cannot be compared by %s: a value does not belong to one",
                             r->options.measures[i]->name, compare_by_words[r->options.by]);
    }
    r->options.usual = r->options.measure_count == 0;
    for (size_t i = 0; r->options.usual && i < measures_count(); i++) {
        if (measures_get(i)->usual && compare_fits(measures_get(i), r->options.by))
            add_measure(r, measures_get(i));
    }
    for (size_t i = 0; i < r->rule_count; i++) {
        if (!compare_fits(r->rules[i].measure, r->options.by))
            return cli_usage(&cmd_compare, "--fail-if '%s': it cannot be compared by %s", r->rules[i].text,
                             compare_by_words[r->options.by]);
        add_measure(r, r->rules[i].measure);
    }
    return -1;
}

static int take(struct compare_request *r, int option, char **argv, struct compare_group **group)
{
    switch (option) {
    case BARE_WORD:
        if (!*group)
            return cli_usage(&cmd_compare,
                             "'%s' belongs to no group: name files right after --before, --after or --group", optarg);
        add_file(*group, optarg);
        return -1;
    case BEFORE:
    case AFTER:
        r->sided = true;
        *group = group_named(r, option == BEFORE ? "before" : "after");
        add_file(*group, optarg);
        return -1;
    case GROUP:
        r->named = true;
        return take_group(r, optarg, group);
    default:
        *group = NULL;
        return take_setting(r, option, argv);
    }
}

int options_read(struct compare_request *r, int argc, char **argv)
{
    static const struct option options[] = {{"before", required_argument, NULL, BEFORE},
                                            {"after", required_argument, NULL, AFTER},
                                            {"group", required_argument, NULL, GROUP},
                                            {"metric", required_argument, NULL, METRIC},
                                            {"by", required_argument, NULL, BY},
                                            {"paired", no_argument, NULL, PAIRED},
                                            {"confidence", required_argument, NULL, CONFIDENCE},
                                            {"alpha", required_argument, NULL, ALPHA},
                                            {"fail-if", required_argument, NULL, FAIL_IF},
                                            {"page-gap", required_argument, NULL, PAGE_GAP},
                                            {"quantile-type", required_argument, NULL, QUANTILE},
                                            {"format", required_argument, NULL, 'f'},
                                            {"output", required_argument, NULL, 'o'},
                                            CLI_COMMON_OPTIONS,
                                            {NULL, 0, NULL, 0}};
    r->options.confidence = 0.95;
    r->options.alpha = 0.05;
    r->options.quantile_type = QUANTILE_TYPE;
    struct compare_group *group = NULL;
    /* '-': words that are no options come in their place, as option 1. */
    for (int option; (option = getopt_long(argc, argv, "-:f:o:h", options, NULL)) != -1;) {
        int code = take(r, option, argv, &group);
        if (code != -1)
            return code;
    }
    for (; optind < argc; optind++) { /* behind "--" */
        if (!group)
            return cli_usage(&cmd_compare, "'%s' belongs to no group", argv[optind]);
        add_file(group, argv[optind]);
    }
    if (r->sided && r->group_count == 2 && strcmp(r->groups[0].name, "after") == 0) { /* named in whatever order */
        struct compare_group first = r->groups[0];
        r->groups[0] = r->groups[1];
        r->groups[1] = first;
    }
    return finish(r);
}

void options_fini(struct compare_request *r)
{
    for (size_t g = 0; g < r->group_count; g++)
        free(r->groups[g].files);
    free(r->groups);
    free(r->rules);
    free(r->options.measures);
}
