#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "analyze/chart.h"
#include "analyze/cli.h"
#include "analyze/load.h"
#include "render/render.h"

static const char help[] =
    "usage: mitm-analyze timeline -o OUT.svg|OUT.png|OUT.pdf [options] FILE\n"
    "\n"
    "Draws a line for each connection: blue SOCKS, gray waiting for the response, green transfer, a dot where the body "
    "is\n"
    "empty or too short to see, a circle at the right: filled closed, hollow still open.\n"
    "\n"
    "  -o, --output OUT       the picture: SVG, PNG or PDF by the ending of its name\n"
    "      --from T, --to T   the part from T to T, in seconds since the start of the session\n"
    "      --server NAME      only connections to this server: host, or host:port\n"
    "      --connection N     only the connection with this id\n"
    "      --session N        the file's session number N (1 is the first and the default)\n"
    "      --width PX         width of an SVG or PNG, 600 to 4000 (1100)\n"
    "  -h, --help             print this\n"
    "      --version          print the version\n"
    "\n"
    "FILE is a session (.mitm, .mitm.zst), - is standard input. OUT is replaced if it exists.\n"
    "Exit status: 0; 1 nothing there to draw; 2 wrong use; 3 a file cannot be read or written.\n";

struct request {
    struct chart_options chart;
    const char *out;
    enum render_format format;
    uint64_t session;
    uint64_t width;
};

static void warn_unselected(const struct chart_options *chart)
{
    static const char hint[] = "(mitm-analyze connections lists all)";
    if (!chart->one_connection)
        cli_warn("there is no connection to '%s' %s", chart->server, hint);
    else if (!chart->server)
        cli_warn("there is no connection %" PRIu32 " %s", chart->connection, hint);
    else
        cli_warn("there is no connection %" PRIu32 " to '%s' %s", chart->connection, chart->server, hint);
}

static int draw(const struct model_session *session, const struct request *request)
{
    struct chart *chart = chart_new(session, &request->chart);
    const struct timeline_figure *figure = chart_figure(chart);
    bool selected = request->chart.server || request->chart.one_connection;
    bool period = request->chart.from_ns != MODEL_NONE || request->chart.to_ns != MODEL_NONE;
    int code = CLI_OK;
    if (figure->group_count == 0 && selected && !period) {
        warn_unselected(&request->chart);
        code = CLI_NO;
    } else if (period && (figure->group_count == 0 || figure->to_ns <= figure->from_ns)) {
        cli_warn("nothing happens in this period (mitm-analyze connections shows the times)");
        code = CLI_NO;
    } else {
        const struct render_options options = {.width_px = (double)request->width, .links = true};
        int error;
        /* Thousands of lines take a while. */
        bool say = session->connection_count > 2000 && isatty(STDERR_FILENO);
        if (say)
            fprintf(stderr, "drawing %zu connections …", session->connection_count);
        enum render_result result = render_timeline_file(figure, request->format, &options, request->out, &error);
        if (say)
            fputs("\r\033[K", stderr);
        if (result != RENDER_OK) {
            cli_warn("%s: %s", request->out, result == RENDER_IO_ERROR ? strerror(error) : render_result_text(result));
            code = result == RENDER_TOO_LARGE ? CLI_NO : CLI_IO;
        }
    }
    chart_free(chart);
    return code;
}

static int load_and_draw(const char *file, const struct request *request)
{
    struct model *model = model_new(&(struct model_options){.decode_contents = true});
    int code = load_files(model, &file, 1);
    size_t n = model_session_count(model);
    if (n > 0 && request->session > n) {
        cli_warn("%s: there is no session %" PRIu64 ", the last is %zu", file, request->session, n);
        code = CLI_NO;
    } else if (n > 0) {
        if (n > 1 && request->session == 0)
            cli_warn("%s: there are %zu sessions; this is the first (--session N shows another)", file, n);
        int drawn = draw(model_session(model, request->session > 0 ? (size_t)request->session - 1 : 0), request);
        code = drawn != CLI_OK ? drawn : code;
    } else if (code == CLI_OK) {
        cli_warn("%s: there is no event in it", file);
        code = CLI_NO;
    }
    model_free(model);
    return code;
}

enum { FROM = CLI_FIRST_OWN, TO, SERVER, CONNECTION, SESSION, WIDTH };

/* Take in an option with its value. Return CLI_OK, or CLI_USAGE after a message. */
static int take_option(struct request *request, int option, const char *value)
{
    uint64_t number;
    switch (option) {
    case 'o':
        request->out = value;
        if (!render_format_of(value, &request->format))
            return cli_usage(&cmd_timeline, "the name of the picture ends in .svg, .png or .pdf, not '%s'", value);
        return CLI_OK;
    case FROM:
    case TO:
        if (!cli_seconds(value, option == FROM ? &request->chart.from_ns : &request->chart.to_ns))
            return cli_usage(&cmd_timeline, "a time is a number of seconds such as 4.25, not '%s'", value);
        return CLI_OK;
    case SERVER:
        request->chart.server = value;
        return CLI_OK;
    case CONNECTION:
        if (!cli_number(value, UINT32_MAX, &number))
            return cli_usage(&cmd_timeline, "--connection is the number of a connection, not '%s'", value);
        request->chart.one_connection = true;
        request->chart.connection = (uint32_t)number;
        return CLI_OK;
    case SESSION:
        if (!cli_number(value, UINT32_MAX, &request->session) || request->session == 0)
            return cli_usage(&cmd_timeline, "--session is 1, 2, 3 …, not '%s'", value);
        return CLI_OK;
    default:
        if (!cli_number(value, 4000, &request->width) || request->width < 600)
            return cli_usage(&cmd_timeline, "--width is 600 to 4000 pixels, not '%s'", value);
        return CLI_OK;
    }
}

static int run(int argc, char **argv)
{
    static const struct option options[] = {{"output", required_argument, NULL, 'o'},
                                            {"from", required_argument, NULL, FROM},
                                            {"to", required_argument, NULL, TO},
                                            {"server", required_argument, NULL, SERVER},
                                            {"connection", required_argument, NULL, CONNECTION},
                                            {"session", required_argument, NULL, SESSION},
                                            {"width", required_argument, NULL, WIDTH},
                                            CLI_COMMON_OPTIONS,
                                            {NULL, 0, NULL, 0}};
    struct request request = {.chart = {.from_ns = MODEL_NONE, .to_ns = MODEL_NONE}};
    for (int option; (option = getopt_long(argc, argv, ":o:h", options, NULL)) != -1;) {
        if (option != 'o' && option < FROM)
            return cli_common_option(&cmd_timeline, option, argv);
        int code = take_option(&request, option, optarg);
        if (code != CLI_OK)
            return code;
    }
    if (!request.out)
        return cli_usage(&cmd_timeline, "name the picture: -o OUT.svg, OUT.png or OUT.pdf");
    if (optind + 1 != argc)
        return cli_usage(&cmd_timeline, "name one session file");
    const struct chart_options *chart = &request.chart;
    if (chart->from_ns != MODEL_NONE && chart->to_ns != MODEL_NONE && chart->to_ns <= chart->from_ns)
        return cli_usage(&cmd_timeline, "--to must be later than --from");
    return cli_finish_output(load_and_draw(argv[optind], &request));
}

const struct cli_verb cmd_timeline = {"timeline", "a picture: a line for each connection, as SVG, PNG or PDF", help,
                                      run};
