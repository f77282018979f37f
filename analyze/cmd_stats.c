#include <inttypes.h>
#include <stdio.h>

#include "analyze/cli.h"
#include "analyze/load.h"
#include "analyze/measures.h"
#include "analyze/stats.h"
#include "analyze/stats_by.h"

static const char help[] =
    "usage: mitm-analyze stats [--by request|connection|server|page|session] [options] FILE...\n"
    "\n"
    "Prints a summary of each session, and for each server: connections, requests, responses, mean response time,\n"
    "total connection time, and the distribution (minimum, median, 90 % and 99 % quantiles, maximum) of\n"
    "  SOCKS time     from SocksRequestStart to SocksResponseEnd, of CONNECT requests that succeeded\n"
    "  TLS handshake  from TlsClientHello or SocksResponseEnd, the later, to TlsHandshakeEnd, exact or inferred\n"
    "  waiting time   from the end of the request to HttpResponseStart\n"
    "  transfer time  from HttpResponseStart to HttpResponseEnd\n"
    "  body bytes     of the responses, as transferred\n"
    "  inferred ...   of the turns that are seen of TLS which was not decrypted\n"
    "as well as the SOCKS failures, and the page loads. The exact definitions, of all measures and of what a page "
    "load\n"
    "is, are in the manual: man mitm-analyze.\n"
    "\n"
    "      --by LEVEL           all measures of each request, connection, server, page or session, and how they are\n"
    "                           distributed; by server or session, also what failed; by session, the whole session\n"
    "                           is taken as one page load\n"
    "  -f, --format FORMAT      text for people (the default), json or csv (in ns, bytes, bit/s), markdown, latex\n"
    "      --page-gap SECONDS   the pause that separates page loads (5)\n"
    "      --quantile-type N    definition 1 to 9 of quantiles, as in R (7)\n"
    "  -h, --help               print this\n"
    "      --version            print the version\n"
    "\n"
    "FILE is a session (.mitm, .mitm.zst), - is standard input. Exit status: 0, 2 wrong use, 3 unreadable file.\n";

/* What the command line asks for. */
struct options {
    struct stats_by by;
    bool has_level;
};

static void print_sessions(const struct options *options)
{
    const struct model *model = options->by.model;
    enum table_format format = options->by.format;
    bool wide = measures_present(model) != 0;
    if (format == TABLE_CSV)
        (wide ? stats_csv_wide_head : stats_csv_head)(stdout);
    if (format == TABLE_JSON)
        fputs("{\"sessions\":[", stdout);
    for (size_t i = 0; i < model_session_count(model); i++) {
        const struct model_session *session = model_session(model, i);
        struct stats stats;
        stats_init(&stats, session, options->by.quantile_type);
        if (i > 0 && format != TABLE_CSV)
            fputs(format == TABLE_JSON ? "," : "\n", stdout);
        if (format == TABLE_TEXT) {
            stats_text(stdout, &stats, i + 1, options->by.width);
            stats_pages(stdout, session, i + 1, &options->by.pages, options->by.width);
        } else if (format == TABLE_JSON) {
            stats_json(stdout, &stats, i + 1);
        } else {
            (wide ? stats_csv_wide : stats_csv)(stdout, &stats, i + 1);
        }
        stats_fini(&stats);
    }
    if (format == TABLE_JSON)
        fputs("]}\n", stdout);
}

/* The summary of a session says what was left out; here nothing else would. */
static void warn_of_overflow(const struct model *model)
{
    uint64_t n = 0;
    for (size_t i = 0; i < model_session_count(model); i++)
        n = rate_sum(n, model_session(model, i)->overflow);
    if (n > 0)
        cli_warn("%" PRIu64 " events are left out: too many sessions, connections or requests for this program", n);
}

static void print_all(struct options *options)
{
    enum table_format format = options->by.format;
    if (options->has_level) {
        warn_of_overflow(options->by.model);
        stats_by(stdout, &options->by);
    } else if (format == TABLE_MARKDOWN || format == TABLE_LATEX) {
        warn_of_overflow(options->by.model);
        options->by.level = STATS_BY_PAGE;
        stats_by(stdout, &options->by);
        putchar('\n');
        options->by.level = STATS_BY_SERVER;
        stats_by(stdout, &options->by);
    } else {
        print_sessions(options);
    }
}

enum { BY = CLI_FIRST_OWN, PAGE_GAP, TYPE };

/* Read the value of an option of stats; return CLI_OK, or the exit code. */
static int read_option(struct options *options, int option)
{
    int choice;
    uint64_t number;
    switch (option) {
    case 'f':
        if (!cli_choice(optarg, table_formats, TABLE_FORMATS, &choice))
            return cli_usage(&cmd_stats, "--format is text, json, csv, markdown or latex, not '%s'", optarg);
        options->by.format = (enum table_format)choice;
        return CLI_OK;
    case BY:
        if (!cli_choice(optarg, stats_levels, STATS_LEVELS, &choice))
            return cli_usage(&cmd_stats, "--by is request, connection, server, page or session, not '%s'", optarg);
        options->by.level = (enum stats_level)choice;
        options->has_level = true;
        return CLI_OK;
    case PAGE_GAP:
        if (!cli_seconds(optarg, &options->by.pages.gap_ns) || options->by.pages.gap_ns == 0)
            return cli_usage(&cmd_stats, "--page-gap is a time in seconds above 0, not '%s'", optarg);
        return CLI_OK;
    default:
        if (!cli_number(optarg, 9, &number) || number == 0)
            return cli_usage(&cmd_stats, "--quantile-type is a number from 1 to 9, not '%s'", optarg);
        options->by.quantile_type = (unsigned)number;
        return CLI_OK;
    }
}

static int run(int argc, char **argv)
{
    static const struct option known[] = {{"format", required_argument, NULL, 'f'},
                                          {"by", required_argument, NULL, BY},
                                          {"page-gap", required_argument, NULL, PAGE_GAP},
                                          {"quantile-type", required_argument, NULL, TYPE},
                                          CLI_COMMON_OPTIONS,
                                          {NULL, 0, NULL, 0}};
    struct options options = {.by = {.quantile_type = QUANTILE_TYPE, .width = cli_columns()}};
    for (int option; (option = getopt_long(argc, argv, ":f:h", known, NULL)) != -1;) {
        if (option != 'f' && option != BY && option != PAGE_GAP && option != TYPE)
            return cli_common_option(&cmd_stats, option, argv);
        int code = read_option(&options, option);
        if (code != CLI_OK)
            return code;
    }
    if (optind == argc)
        return cli_usage(&cmd_stats, "name a session file");
    struct model *model = model_new(&(struct model_options){0});
    options.by.model = model;
    int code = load_files(model, (const char *const *)argv + optind, (size_t)(argc - optind));
    if (code == CLI_OK || model_session_count(model) > 0)
        print_all(&options);
    model_free(model);
    return cli_finish_output(code);
}

const struct cli_verb cmd_stats = {"stats", "summary and statistics: requests, connections, servers, pages, sessions",
                                   help, run};
