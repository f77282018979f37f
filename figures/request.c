#include "figures/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/cli.h"
#include "base/memory.h"
#include "figures/cmd_figure.h"
#include "figures/length.h"

enum {
    WIDTH = CLI_FIRST_OWN,
    HEIGHT,
    FONT,
    FONT_SIZE,
    PALETTE,
    TITLE,
    SCALE,
    METRIC,
    LOG,
    BY,
    LABEL,
    FROM,
    TO,
    SERVER,
    PAGE,
    SESSION,
    GAP
};

static const char *const kinds[] = {"timeline", "ecdf", "phases", "throughput", "concurrency"};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* Which kinds of figures an option is for: bits 1 << kind. */
enum { ALL = (1 << KINDS) - 1, OVER_TIME = 1 << REQUEST_TIMELINE | 1 << REQUEST_THROUGHPUT | 1 << REQUEST_CONCURRENCY };

static unsigned kinds_of(int option)
{
    switch (option) {
    case METRIC:
    case LOG:
    case LABEL:
        return 1 << REQUEST_ECDF;
    case BY:
        return 1 << REQUEST_PHASES;
    case FROM:
    case TO:
        return OVER_TIME;
    case SERVER:
        return 1 << REQUEST_TIMELINE | 1 << REQUEST_ECDF;
    case PAGE:
        return 1 << REQUEST_ECDF;
    case GAP:
        return 1 << REQUEST_ECDF | 1 << REQUEST_PHASES;
    default:
        return ALL;
    }
}

static int take_length(double *pt, const char *name, const char *value, double least_pt, double most_pt,
                       const char *range, const char *examples)
{
    if (length_read(value, pt) && *pt >= least_pt - 1e-6 && *pt <= most_pt + 1e-6)
        return CLI_OK;
    return cli_usage(&cmd_figure, "%s is a length of %s, such as %s, not '%s'", name, range, examples, value);
}

static int take_metric(struct request *request, const char *value)
{
    request->measure = measures_find(value);
    if (request->measure)
        return CLI_OK;
    return cli_usage(&cmd_figure, "there is no metric '%s' (mitm-analyze(1) lists them: load-time, waiting, socks …)",
                     value);
}

/* What the picture looks like. */
static int take_look(struct request *request, int option, const char *value)
{
    static const char *const palettes[] = {"default", "colorblind", "gray"};
    struct render_options *render = &request->render;
    int palette;
    switch (option) {
    case WIDTH:
        return take_length(&render->figure_width_pt, "--width", value, 60 * 72 / 25.4, 1500, "60mm to 1500pt",
                           "84mm, 3.3in, 240pt or 320px");
    case HEIGHT:
        return take_length(&render->figure_height_pt, "--height", value, 20 * 72 / 25.4, 3000, "20mm to 3000pt",
                           "60mm, 2.5in, 180pt or 240px");
    case FONT:
        render->font = value;
        return *value != '\0' ? CLI_OK : cli_usage(&cmd_figure, "--font is the name of a font family");
    case FONT_SIZE:
        return take_length(&render->font_pt, "--font-size", value, 6, 24, "6pt to 24pt", "8pt or 3mm");
    case PALETTE:
        if (!cli_choice(value, palettes, sizeof palettes / sizeof *palettes, &palette))
            return cli_usage(&cmd_figure, "--palette is default, colorblind or gray, not '%s'", value);
        render->palette = (enum render_palette)palette;
        return CLI_OK;
    default:
        request->title = value;
        render->titled = *value != '\0';
        return CLI_OK;
    }
}

/* What it shows. */
static int take_content(struct request *request, int option, const char *value)
{
    static const char *const by[] = {"server", "page"};
    uint64_t number;
    int64_t gap_ns;
    int choice;
    switch (option) {
    case METRIC:
        return take_metric(request, value);
    case LOG:
        request->log = true;
        return CLI_OK;
    case BY:
        if (!cli_choice(value, by, 2, &choice))
            return cli_usage(&cmd_figure, "--by is server or page, not '%s'", value);
        request->by_page = choice == 1;
        return CLI_OK;
    case LABEL:
        request->labels[request->label_count++] = value;
        return CLI_OK;
    case FROM:
    case TO:
        if (!cli_seconds(value, option == FROM ? &request->from_ns : &request->to_ns))
            return cli_usage(&cmd_figure, "a time is a number of seconds such as 4.25, not '%s'", value);
        return CLI_OK;
    case SERVER:
        request->server = value;
        return CLI_OK;
    case PAGE:
        if (!cli_number(value, UINT32_MAX, &number) || number == 0)
            return cli_usage(&cmd_figure, "--page is the number of a page, 1, 2, 3 …, not '%s'", value);
        request->page = (uint32_t)number;
        return CLI_OK;
    case SESSION:
        if (!cli_number(value, UINT32_MAX, &request->session) || request->session == 0)
            return cli_usage(&cmd_figure, "--session is 1, 2, 3 …, not '%s'", value);
        return CLI_OK;
    default:
        if (!cli_seconds(value, &gap_ns) || gap_ns == 0)
            return cli_usage(&cmd_figure, "--page-gap is a number of seconds such as 5 or 0.5, not '%s'", value);
        request->gap_ns = gap_ns;
        return CLI_OK;
    }
}

/* Check what belongs together. */
static int check(const struct request *request)
{
    if (!request->out)
        return cli_usage(&cmd_figure, "name the picture: -o OUT.pdf, OUT.svg or OUT.png");
    if (request->file_count == 0)
        return cli_usage(&cmd_figure, "name a session file");
    if (request->file_count > 1 && request->kind != REQUEST_ECDF)
        return cli_usage(&cmd_figure, "name one session file: only an ecdf shows several");
    if (request->label_count > request->file_count)
        return cli_usage(&cmd_figure, "there are more labels than files");
    if (request->server && request->kind == REQUEST_ECDF && request->measure->level >= MEASURE_OF_PAGE)
        return cli_usage(&cmd_figure, "--server: %s is not of a server; name another --metric", request->measure->name);
    if (request->from_ns != MODEL_NONE && request->to_ns != MODEL_NONE && request->to_ns <= request->from_ns)
        return cli_usage(&cmd_figure, "--to must be later than --from");
    return CLI_OK;
}

static int read_options(struct request *request, int argc, char **argv, bool *made)
{
    static const struct option options[] = {{"output", required_argument, NULL, 'o'},
                                            {"width", required_argument, NULL, WIDTH},
                                            {"height", required_argument, NULL, HEIGHT},
                                            {"font", required_argument, NULL, FONT},
                                            {"font-size", required_argument, NULL, FONT_SIZE},
                                            {"palette", required_argument, NULL, PALETTE},
                                            {"title", required_argument, NULL, TITLE},
                                            {"metric", required_argument, NULL, METRIC},
                                            {"log", no_argument, NULL, LOG},
                                            {"by", required_argument, NULL, BY},
                                            {"label", required_argument, NULL, LABEL},
                                            {"from", required_argument, NULL, FROM},
                                            {"to", required_argument, NULL, TO},
                                            {"server", required_argument, NULL, SERVER},
                                            {"page", required_argument, NULL, PAGE},
                                            {"session", required_argument, NULL, SESSION},
                                            {"page-gap", required_argument, NULL, GAP},
                                            CLI_COMMON_OPTIONS,
                                            {NULL, 0, NULL, 0}};
    int index = 0, kind, code = CLI_OK;
    const char *odd[KINDS] = {NULL}; /* for each kind, the first option that is not for it */
    *made = false;
    for (int option; (option = getopt_long(argc, argv, ":o:h", options, &index)) != -1;) {
        if (option != 'o' && option < CLI_FIRST_OWN)
            return cli_common_option(&cmd_figure, option, argv);
        if (option == 'o') {
            request->out = optarg;
            if (!render_format_of(optarg, &request->format))
                return cli_usage(&cmd_figure, "the name of the picture ends in .pdf, .svg or .png, not '%s'", optarg);
            continue;
        }
        for (int k = 0; k < KINDS; k++) {
            if ((kinds_of(option) >> k & 1) == 0 && !odd[k])
                odd[k] = options[index].name;
        }
        code = option <= TITLE ? take_look(request, option, optarg) : take_content(request, option, optarg);
        if (code != CLI_OK)
            return code;
    }
    if (optind == argc || !cli_choice(argv[optind], kinds, KINDS, &kind))
        return cli_usage(&cmd_figure,
                         "name the kind of figure first: timeline, ecdf, phases, throughput or concurrency%s%s%s",
                         optind < argc ? ", not '" : "", optind < argc ? argv[optind] : "", optind < argc ? "'" : "");
    request->kind = (enum request_kind)kind;
    if (odd[kind])
        return cli_usage(&cmd_figure, "--%s is not for a figure of this kind: %s", odd[kind], kinds[kind]);
    request->files = (const char *const *)argv + optind + 1;
    request->file_count = (size_t)(argc - optind - 1);
    code = check(request);
    *made = code == CLI_OK;
    return code;
}

bool request_read(struct request *request, int argc, char **argv, int *code)
{
    *request = (struct request){.from_ns = MODEL_NONE,
                                .to_ns = MODEL_NONE,
                                .measure = measures_find("load-time"),
                                .labels = memory_new((size_t)argc, sizeof *request->labels),
                                .render = {.figure_width_pt = 84 * 72 / 25.4}};
    bool made;
    *code = read_options(request, argc, argv, &made);
    return made;
}

void request_fini(struct request *request)
{
    free(request->labels);
}
