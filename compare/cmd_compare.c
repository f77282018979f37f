#include "compare/cmd_compare.h"

#include <stdio.h>

#include "compare/publish.h"
#include "compare/options.h"
#include "compare/output.h"

static const char help[] =
    "usage: mitm-analyze compare --before FILE... --after FILE... [options]\n"
    "       mitm-analyze compare --group NAME=FILE [FILE...] --group NAME=FILE [FILE...] ... [options]\n"
    "\n"
    "Says by how much what the recordings after a change measure differs from those before, and whether that is more\n"
    "than chance. Per measure: number of values, median, shift (Hodges-Lehmann) with confidence intervals, change in "
    "%,\n"
    "p (Mann-Whitney, corrected by Holm's method), Cliff's delta, and a verdict; ~ where nothing is proven.\n"
    "A page load gives one value: of its connections or requests the median. What the data cannot say follows as "
    "notes.\n"
    "\n"
    "      --before FILE...       all names up to the next option; may be repeated, as --after and --group\n"
    "      --after FILE...\n"
    "      --group NAME=FILE...   more than two groups: each is compared with the first; 'NAME= *.mitm' with a space "
    "lets\n"
    "                             the shell find the files\n"
    "      --metric NAME          compare this measure; may be repeated; --metric help lists all\n"
    "      --by page|server       a row per page (its address) or server, and measure\n"
    "      --by session           one value per session: the median of its values\n"
    "      --paired               compare the k-th load of a page with the k-th load of the same page, the k-th "
    "request\n"
    "                             with the k-th of the same method and address: Wilcoxon's signed rank test\n"
    "      --confidence P         level of the intervals (0.95)\n"
    "      --alpha P              what is proven has a corrected p below this (0.05)\n"
    "      --fail-if RULE         exit 1 if it is proven that RULE holds: 'load-time > +5%', 'goodput < -10%',\n"
    "                             'load-time > +200ms'; may be repeated\n"
    "      --page-gap SECONDS     pause that separates page loads (5)\n"
    "      --quantile-type 1...9  how medians are computed, as in R (7)\n"
    "  -f, --format text|json|csv|markdown|latex\n"
    "  -o, --output OUT           a document instead: table, notes, distributions and time graphs as OUT.pdf, "
    "OUT.html; the\n"
    "                             distributions and time graphs as one picture, OUT.svg, OUT.png; with -f the table, "
    "too\n"
    "  -h, --help                 print this\n"
    "      --version              print the version\n"
    "\n"
    "FILE is a session (.mitm, .mitm.zst), - is standard input.\n"
    "Exit status: 0; 1 a rule of --fail-if is broken; 2 wrong use; 3 a file cannot be read or written.\n";

static int compare(const struct compare_request *r)
{
    struct comparison *comparison = compare_new(r->groups, r->group_count, &r->options);
    const struct compare_rules rules = {r->rules, r->rule_count};
    int code = CLI_OK;
    if (!r->out || r->formatted)
        compare_write(stdout, comparison, &rules, r->format, cli_columns());
    if (r->out)
        code = publish_write(comparison, r->out);
    for (size_t i = 0; i < r->rule_count; i++) {
        if (compare_write_rule(stderr, comparison, &r->rules[i]) && code == CLI_OK)
            code = CLI_NO;
    }
    compare_free(comparison);
    return code;
}

static int run(int argc, char **argv)
{
    struct compare_request request = {0};
    int code = options_read(&request, argc, argv);
    if (code == -1) {
        code = compare_load(request.groups, request.group_count, &request.options);
        if (code == CLI_OK)
            code = compare(&request);
        compare_unload(request.groups, request.group_count);
        code = cli_finish_output(code);
    }
    options_fini(&request);
    return code;
}

const struct cli_verb cmd_compare = {"compare", "what differs between recordings, and whether it is proven", help, run};
