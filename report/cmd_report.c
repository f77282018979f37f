#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "analyze/cli.h"
#include "analyze/load.h"
#include "base/memory.h"
#include "render/save.h"
#include "report/pdf.h"
#include "report/report.h"
#include "report/selection.h"

static const char help[] =
    "usage: mitm-analyze report -o OUT.html|OUT.pdf [options] FILE...\n"
    "\n"
    "Writes what the live view shows as one HTML file that needs nothing else: graph, pages, servers, failures, "
    "connections.\n"
    "Or as a PDF to print: how it was recorded, summary, timeline, pages, servers, distributions, failures, "
    "connections.\n"
    "Several sessions are chapters of the one document, in HTML after a table of them.\n"
    "\n"
    "  -o, --output OUT         the document; its name ends in .html or .pdf\n"
    "      --title TEXT         its title (the session's label, command or file)\n"
    "      --author TEXT        its author (none)\n"
    "      --paper a4|letter    size of the pages of a PDF (a4)\n"
    "      --page-gap SECONDS   a pause of so long begins a new page load (5)\n"
    "      --session N          only session number N of the files (all)\n"
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
    bool is_pdf;
    const char *title, *author;
    int paper; /* enum paper_size */
    struct pages_options pages;
    struct report_query query;
};

/* Save `len` bytes as the document; return an exit code. */
static int save(const struct request *request, const char *bytes, size_t len)
{
    int error = save_file(request->out, bytes, len);
    if (error != 0)
        cli_warn("%s: %s", request->out, strerror(error));
    return error == 0 ? CLI_OK : CLI_IO;
}

/* Write the sessions that are asked for as a PDF; return an exit code. */
static int write_pdf(const struct model *model, const struct request *request)
{
    const struct pdf_options options = {.title = request->title,
                                        .author = request->author,
                                        .size = (enum paper_size)request->paper,
                                        .query = &request->query,
                                        .pages = request->pages};
    struct render_buffer pdf = {0};
    enum render_result result = pdf_report(model, &options, &pdf);
    int code = CLI_NO;
    if (result == RENDER_OK)
        code = save(request, pdf.bytes, pdf.len_bytes);
    else if (result == RENDER_TOO_LARGE)
        cli_warn(
            "%s: more than 10,000 pages: choose a session (--session), a time (--from, --to) or a server (--server)",
            request->out);
    else
        cli_warn("%s: %s", request->out, render_result_text(result));
    render_buffer_fini(&pdf);
    return code;
}

/* Print the HTML document on session `number`, or, if that is 0, on all `n`. */
static void print_html(FILE *out, const struct model *model, size_t n, const struct request *request)
{
    const struct report_place place = {.self_contained = true, .title = request->title, .author = request->author};
    size_t number = request->query.session, count = number > 0 ? 1 : n;
    struct report_input *inputs = memory_new(count, sizeof *inputs);
    struct pages **pages = memory_new(count, sizeof(struct pages *));
    for (size_t i = 0; i < count; i++) {
        const struct model_session *session = model_session(model, number > 0 ? number - 1 : i);
        pages[i] = pages_new(session, &request->pages);
        inputs[i] = (struct report_input){.model = model, .pages = pages[i], .details = model, .file = session->file};
    }
    if (count == 1)
        report_html(out, &inputs[0], &request->query, &place);
    else
        report_html_sessions(out, inputs, count, &request->query, &place);
    for (size_t i = 0; i < count; i++)
        pages_free(pages[i]);
    free(pages);
    free(inputs);
}

/* Write the sessions that are asked for, of the `n` that there are, as HTML; return an exit code. */
static int write_html(const struct model *model, size_t n, const struct request *request)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    if (!out)
        abort();
    print_html(out, model, n, request);
    if (fclose(out) != 0)
        abort();
    int code = save(request, text, len);
    free(text);
    return code;
}

static bool is_selective(const struct report_query *query)
{
    return query->server[0] || query->page != 0 || query->connection != 0 || query->from_ns != MODEL_NONE ||
           query->to_ns != MODEL_NONE;
}

/* Return whether one of the sessions that are asked for, of `n`, has a connection that is selected. */
static bool has_selected(const struct model *model, size_t n, const struct request *request)
{
    size_t number = request->query.session, selected = 0;
    for (size_t i = number > 0 ? number - 1 : 0; i < (number > 0 ? number : n) && selected == 0; i++) {
        const struct model_session *session = model_session(model, i);
        if (request->query.from_ns != MODEL_NONE && request->query.from_ns > session->last_ns)
            continue;
        struct pages *pages = pages_new(session, &request->pages);
        struct selection selection;
        selection_init(&selection, session, pages, &request->query);
        selected = selection.count;
        selection_fini(&selection);
        pages_free(pages);
    }
    return selected > 0;
}

static int load_and_write(char **files, size_t file_count, const struct request *request)
{
    bool headers = !request->is_pdf && request->query.headers != 1;
    struct model *model = model_new(&(struct model_options){.keep_headers = headers, .decode_contents = true});
    const char *const *paths = (const char *const *)files;
    const char *file = paths[file_count - 1];
    int code = load_files(model, paths, file_count);
    size_t n = model_session_count(model), number = request->query.session;
    if (n > 0 && number > n) {
        cli_warn("%s: there is no session %zu, the last is %zu", file, number, n);
        code = CLI_NO;
    } else if (n > 0 && is_selective(&request->query) && !has_selected(model, n, request)) {
        cli_warn("%s: no connection is selected (mitm-analyze connections lists all)", file);
        code = CLI_NO;
    } else if (n > 0) {
        int written = request->is_pdf ? write_pdf(model, request) : write_html(model, n, request);
        code = written != CLI_OK ? written : code;
    } else if (code == CLI_OK) {
        cli_warn("%s: there is no event in it", file);
        code = CLI_NO;
    }
    model_free(model);
    return code;
}

enum { FROM = CLI_FIRST_OWN, TO, SERVER, PAGE, CONNECTION, SESSION, TITLE, AUTHOR, PAPER, PAGE_GAP };

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
    request->is_pdf = len > 4 && strcasecmp(value + len - 4, ".pdf") == 0;
    if (request->is_pdf || (len > 5 && strcasecmp(value + len - 5, ".html") == 0))
        return CLI_OK;
    return cli_usage(&cmd_report, "the name of the report ends in .html or .pdf, not '%s'", value);
}

/* Take in an option of the whole document; return CLI_OK, or CLI_USAGE after a message. */
static int take_document_option(struct request *request, int option, const char *value)
{
    static const char *const papers[] = {[PAPER_A4] = "a4", [PAPER_LETTER] = "letter"};
    switch (option) {
    case TITLE:
        request->title = value;
        return CLI_OK;
    case AUTHOR:
        request->author = value;
        return CLI_OK;
    case PAPER:
        if (cli_choice(value, papers, sizeof papers / sizeof *papers, &request->paper))
            return CLI_OK;
        return cli_usage(&cmd_report, "--paper is a4 or letter, not '%s'", value);
    default:
        if (cli_seconds(value, &request->pages.gap_ns) && request->pages.gap_ns > 0)
            return CLI_OK;
        return cli_usage(&cmd_report, "--page-gap is a number of seconds above 0, not '%s'", value);
    }
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
    case TITLE:
    case AUTHOR:
    case PAPER:
    case PAGE_GAP:
        return take_document_option(request, option, value);
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
                                            {"title", required_argument, NULL, TITLE},
                                            {"author", required_argument, NULL, AUTHOR},
                                            {"paper", required_argument, NULL, PAPER},
                                            {"page-gap", required_argument, NULL, PAGE_GAP},
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
        return cli_usage(&cmd_report, "name the document: -o OUT.html or -o OUT.pdf");
    if (optind == argc)
        return cli_usage(&cmd_report, "name a session file");
    if (query->from_ns != MODEL_NONE && query->to_ns != MODEL_NONE && query->to_ns <= query->from_ns)
        return cli_usage(&cmd_report, "--to must be later than --from");
    return cli_finish_output(load_and_write(argv + optind, (size_t)(argc - optind), &request));
}

const struct cli_verb cmd_report = {"report", "all of it as one HTML file, like the live view, or as a PDF", help, run};
