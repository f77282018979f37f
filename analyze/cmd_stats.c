#include <stdio.h>

#include "analyze/cli.h"
#include "analyze/load.h"
#include "analyze/stats.h"

static const char help[] =
    "usage: mitm-analyze stats [--format text|json|csv] FILE...\n"
    "\n"
    "Prints a summary of each session, and for each server: connections, requests, responses, mean response time,\n"
    "total connection time, and the distribution (minimum, median, 90 % and 99 % quantiles, maximum) of\n"
    "  SOCKS time     from SocksRequestStart to SocksResponseEnd, of CONNECT requests that succeeded\n"
    "  waiting time   from the end of the request to HttpResponseStart\n"
    "  transfer time  from HttpResponseStart to HttpResponseEnd\n"
    "  body bytes     of the responses, as transferred\n"
    "as well as the SOCKS failures. The exact definitions are in the manual: man mitm-analyze.\n"
    "\n"
    "  -f, --format text|json|csv  text is for people (the default); times in json and csv are whole nanoseconds\n"
    "  -h, --help                  print this\n"
    "      --version               print the version\n"
    "\n"
    "FILE is a session (.mitm, .mitm.zst), - is standard input. Exit status: 0, 2 wrong use, 3 unreadable file.\n";

enum format { TEXT, JSON, CSV };

static void print_all(const struct model *model, enum format format)
{
    size_t columns = cli_columns();
    if (format == CSV)
        stats_csv_head(stdout);
    if (format == JSON)
        fputs("{\"sessions\":[", stdout);
    for (size_t i = 0; i < model_session_count(model); i++) {
        struct stats stats;
        stats_init(&stats, model_session(model, i));
        if (i > 0 && format != CSV)
            fputs(format == JSON ? "," : "\n", stdout);
        if (format == TEXT)
            stats_text(stdout, &stats, i + 1, columns);
        else if (format == JSON)
            stats_json(stdout, &stats, i + 1);
        else
            stats_csv(stdout, &stats, i + 1);
        stats_fini(&stats);
    }
    if (format == JSON)
        fputs("]}\n", stdout);
}

static int run(int argc, char **argv)
{
    static const struct option options[] = {
        {"format", required_argument, NULL, 'f'}, CLI_COMMON_OPTIONS, {NULL, 0, NULL, 0}};
    static const char *const formats[] = {[TEXT] = "text", [JSON] = "json", [CSV] = "csv"};
    int format = TEXT;
    for (int option; (option = getopt_long(argc, argv, ":f:h", options, NULL)) != -1;) {
        if (option != 'f')
            return cli_common_option(&cmd_stats, option, argv);
        if (!cli_choice(optarg, formats, sizeof formats / sizeof *formats, &format))
            return cli_usage(&cmd_stats, "--format is text, json or csv, not '%s'", optarg);
    }
    if (optind == argc)
        return cli_usage(&cmd_stats, "name a session file");
    struct model *model = model_new(&(struct model_options){0});
    int code = load_files(model, (const char *const *)argv + optind, (size_t)(argc - optind));
    if (code == CLI_OK || model_session_count(model) > 0)
        print_all(model, (enum format)format);
    model_free(model);
    return cli_finish_output(code);
}

const struct cli_verb cmd_stats = {"stats", "session summary and statistics for each server", help, run};
