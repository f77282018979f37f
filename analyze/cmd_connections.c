#include <stdio.h>

#include "analyze/cli.h"
#include "analyze/connections.h"
#include "analyze/escape.h"
#include "analyze/load.h"

static const char help[] =
    "usage: mitm-analyze connections [--id N] [--headers first|all] FILE...\n"
    "\n"
    "Prints each connection (id, server, port, open or closed), then its events: seconds, event, value.\n"
    "\n"
    "  -i, --id N               only the connection with this id\n"
    "  -H, --headers first|all  of requests and responses the first line (the default), or all header lines\n"
    "  -h, --help               print this\n"
    "      --version            print the version\n"
    "\n"
    "FILE is a session (.mitm, .mitm.zst), - is standard input.\n"
    "Exit status: 0; 1 there is no connection N; 2 wrong use; 3 unreadable file.\n";

/* What was asked for. */
struct selection {
    bool one;
    uint64_t id;
    bool all_headers;
};

/* Print the session's connections that were asked for; return their number. */
static size_t print_session(const struct model_session *session, const struct selection *selection, size_t number,
                            bool several)
{
    size_t printed = 0;
    for (size_t i = 0; i < session->connection_count; i++) {
        const struct model_connection *connection = model_connection(session, i);
        if (selection->one && connection->id != selection->id)
            continue;
        if (printed == 0 && several) {
            printf("%sSession %zu: ", number > 1 ? "\n" : "", number);
            escape_print(stdout, session->label);
            fputs("\n\n", stdout);
        }
        if (printed++ > 0)
            putchar('\n');
        connections_print(stdout, session, connection, selection->all_headers);
    }
    return printed;
}

static int print_all(const struct model *model, const struct selection *selection)
{
    size_t printed = 0, n = model_session_count(model);
    for (size_t i = 0; i < n; i++)
        printed += print_session(model_session(model, i), selection, i + 1, n > 1);
    if (printed > 0 || !selection->one)
        return CLI_OK;
    cli_warn("there is no connection %llu", (unsigned long long)selection->id);
    return CLI_NO;
}

static int run(int argc, char **argv)
{
    static const struct option options[] = {{"id", required_argument, NULL, 'i'},
                                            {"headers", required_argument, NULL, 'H'},
                                            CLI_COMMON_OPTIONS,
                                            {NULL, 0, NULL, 0}};
    static const char *const amounts[] = {"first", "all"};
    struct selection selection = {0};
    int amount = 0;
    for (int option; (option = getopt_long(argc, argv, ":i:H:h", options, NULL)) != -1;) {
        if (option == 'i') {
            selection.one = true;
            if (!cli_number(optarg, UINT32_MAX, &selection.id))
                return cli_usage(&cmd_connections, "--id is the number of a connection, not '%s'", optarg);
        } else if (option == 'H') {
            if (!cli_choice(optarg, amounts, sizeof amounts / sizeof *amounts, &amount))
                return cli_usage(&cmd_connections, "--headers is first or all, not '%s'", optarg);
        } else {
            return cli_common_option(&cmd_connections, option, argv);
        }
    }
    if (optind == argc)
        return cli_usage(&cmd_connections, "name a session file");
    selection.all_headers = amount == 1;
    struct model *model =
        model_new(&(struct model_options){.keep_headers = selection.all_headers, .decode_contents = true});
    int code = load_files(model, (const char *const *)argv + optind, (size_t)(argc - optind));
    if (model_session_count(model) > 0) {
        int answer = print_all(model, &selection);
        code = code == CLI_OK ? answer : code;
    }
    model_free(model);
    return cli_finish_output(code);
}

const struct cli_verb cmd_connections = {"connections", "each connection with its events and their times", help, run};
