#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "analyze/cli.h"
#include "analyze/load.h"
#include "render/save.h"
#include "report/report.h"

static const char help[] =
    "usage: mitm-analyze report -o OUT.html [options] FILE\n"
    "\n"
    "Writes what the live view shows as one HTML file that needs nothing else: graph, pages, servers, failures, "
    "connections.\n"
    "\n"
    "  -o, --output OUT         the document; its name ends in .html\n"
    "      --session N          the file's session number N (the last is the default)\n"
    "      --from T, --to T     connections of the time from T to T, in seconds since the start of the session\n"
    "      --server NAME        only connections to this server: host, or host:port\n"
    "      --page N             only connections of the page with this number\n"
    "      --connection N       only the connection with this id\n"
    "  -H, --headers first|all  of requests and responses the first line, or all header lines (as the session has it)\n"
    "  -h, --help               print this\n"
    "      --version            print the version\n"
    "\n"
    "FILE is a session (.mitm, .mitm.zst), - is standard input. OUT is replaced if it exists.\n"
    "Exit status: 0; 1 nothing there to show; 2 wrong use; 3 a file cannot be read or written.\n";

struct request {
    const char *out;
    struct report_query query;
};

/* Write the document of `session`; return an exit code. */
static int write_report(const struct model *model, const struct model_session *session, const struct request *request)
{
    struct pages *pages = pages_new(session, &(struct pages_options){0});
    const struct report_input input = {.model = model, .pages = pages, .details = model, .file = session->file};
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    if (!out)
        abort();
    report_html(out, &input, &request->query, &(struct report_place){.self_contained = true});
    if (fclose(out) != 0)
        abort();
    int error = save_file(request->out, text, len);
    if (error != 0)
        cli_warn("%s: %s", request->out, strerror(error));
    free(text);
    pages_free(pages);
    return error == 0 ? CLI_OK : CLI_IO;
}

static int load_and_write(const char *file, const struct request *request)
{
    struct model *model = model_new(&(struct model_options){.keep_headers = request->query.headers != 1});
    int code = load_files(model, &file, 1);
    size_t n = model_session_count(model), number = request->query.session;
    if (n > 0 && number > n) {
        cli_warn("%s: there is no session %zu, the last is %zu", file, number, n);
        code = CLI_NO;
    } else if (n > 0) {
        if (n > 1 && number == 0)
            cli_warn("%s: there are %zu sessions; this is the last (--session N shows another)", file, n);
        int written = write_report(model, model_session(model, (number > 0 ? number : n) - 1), request);
        code = written != CLI_OK ? written : code;
    } else if (code == CLI_OK) {
        cli_warn("%s: there is no event in it", file);
        code = CLI_NO;
    }
    model_free(model);
    return code;
}

enum { FROM = CLI_FIRST_OWN, TO, SERVER, PAGE, CONNECTION, SESSION };

/* Read a number of at least 1. */
static bool read_number(const char *word, uint64_t max, uint64_t *number)
{
    return cli_number(word, max, number) && *number > 0;
}

/* Take in a time. Return CLI_OK, or CLI_USAGE after a message. */
static int take_time(int64_t *t_ns, const char *value)
{
    if (cli_seconds(value, t_ns))
        return CLI_OK;
    return cli_usage(&cmd_report, "a time is a number of seconds such as 4.25, not '%s'", value);
}

/* Take in the name of the document. */
static int take_out(struct request *request, const char *value)
{
    size_t len = strlen(value);
    request->out = value;
    if (len > 5 && strcasecmp(value + len - 5, ".html") == 0)
        return CLI_OK;
    return cli_usage(&cmd_report, "the name of the report ends in .html, not '%s'", value);
}

/* Take in an option with its value. */
static int take_option(struct request *request, int option, const char *value)
{
    static const char *const amounts[] = {"first", "all"};
    struct report_query *query = &request->query;
    uint64_t number;
    switch (option) {
    case 'o':
        return take_out(request, value);
    case 'H':
        if (!cli_choice(value, amounts, sizeof amounts / sizeof *amounts, &query->headers))
            return cli_usage(&cmd_report, "--headers is first or all, not '%s'", value);
        query->headers++;
        return CLI_OK;
    case FROM:
        return take_time(&query->from_ns, value);
    case TO:
        return take_time(&query->to_ns, value);
    case SERVER:
        if (strlen(value) >= sizeof query->server)
            return cli_usage(&cmd_report, "--server is a name of less than %zu characters", sizeof query->server);
        strcpy(query->server, value);
        return CLI_OK;
    case PAGE:
        if (!read_number(value, UINT32_MAX, &number))
            return cli_usage(&cmd_report, "--page is the number of a page, 1, 2, 3 …, not '%s'", value);
        query->page = (uint32_t)number;
        return CLI_OK;
    case CONNECTION:
        if (!read_number(value, UINT32_MAX, &number))
            return cli_usage(&cmd_report, "--connection is the number of a connection, not '%s'", value);
        query->connection = (uint32_t)number;
        return CLI_OK;
    default:
        if (!read_number(value, UINT32_MAX, &number))
            return cli_usage(&cmd_report, "--session is 1, 2, 3 …, not '%s'", value);
        query->session = (size_t)number;
        return CLI_OK;
    }
}

static int run(int argc, char **argv)
{
    static const struct option options[] = {{"output", required_argument, NULL, 'o'},
                                            {"headers", required_argument, NULL, 'H'},
                                            {"from", required_argument, NULL, FROM},
                                            {"to", required_argument, NULL, TO},
                                            {"server", required_argument, NULL, SERVER},
                                            {"page", required_argument, NULL, PAGE},
                                            {"connection", required_argument, NULL, CONNECTION},
                                            {"session", required_argument, NULL, SESSION},
                                            CLI_COMMON_OPTIONS,
                                            {NULL, 0, NULL, 0}};
    struct request request = {.query = {.from_ns = MODEL_NONE, .to_ns = MODEL_NONE}};
    for (int option; (option = getopt_long(argc, argv, ":o:H:h", options, NULL)) != -1;) {
        if (option != 'o' && option != 'H' && option < FROM)
            return cli_common_option(&cmd_report, option, argv);
        int code = take_option(&request, option, optarg);
        if (code != CLI_OK)
            return code;
    }
    const struct report_query *query = &request.query;
    if (!request.out)
        return cli_usage(&cmd_report, "name the document: -o OUT.html");
    if (optind + 1 != argc)
        return cli_usage(&cmd_report, "name one session file");
    if (query->from_ns != MODEL_NONE && query->to_ns != MODEL_NONE && query->to_ns <= query->from_ns)
        return cli_usage(&cmd_report, "--to must be later than --from");
    return cli_finish_output(load_and_write(argv[optind], &request));
}

const struct cli_verb cmd_report = {"report", "all of it as one HTML file, like the live view", help, run};
