#include "figures/cmd_figure.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/chart.h"
#include "analyze/load.h"
#include "base/memory.h"
#include "figures/plots.h"
#include "figures/request.h"
#include "statistics/quantile.h"

static const char help[] =
    "usage: mitm-analyze figure timeline|ecdf|phases|throughput|concurrency -o OUT.pdf|OUT.svg|OUT.png [options] "
    "FILE...\n"
    "\n"
    "Draws one figure for a paper, exactly as wide as asked for, without a title.\n"
    "  timeline     a line for each connection\n"
    "  ecdf         the distribution of a metric with its confidence band; a curve for each FILE\n"
    "  phases       where the time went, a bar for each server or page load\n"
    "  throughput   bytes received per second, over time\n"
    "  concurrency  open connections, and requests on their way, over time\n"
    "\n"
    "  -o, --output OUT       the picture: PDF, SVG or PNG by the ending of its name\n"
    "      --width LENGTH     its width (84mm); in mm, cm, in, pt or px\n"
    "      --height LENGTH    its height (as much as needed)\n"
    "      --font NAME        family of its font (DejaVu Sans)\n"
    "      --font-size SIZE   size of its text (8pt)\n"
    "      --palette default|colorblind|gray\n"
    "      --title TEXT       a title within the picture\n"
    "      --metric NAME      ecdf: of what (load-time); mitm-analyze(1) lists the metrics\n"
    "      --log              ecdf: a logarithmic axis\n"
    "      --label TEXT       ecdf: what the next FILE is called; may be repeated\n"
    "      --by server|page   phases: what a bar is (server)\n"
    "      --from T, --to T   over time: the part from T to T, in seconds since the start of the session\n"
    "      --server NAME      timeline, ecdf: only this server: host, or host:port\n"
    "      --page N           ecdf: only what belongs to the page with this number\n"
    "      --page-gap T       ecdf, phases: a pause of T seconds ends a page load (5)\n"
    "      --session N        the file's session number N (the first; ecdf: all of them)\n"
    "  -h, --help             print this\n"
    "      --version          print the version\n"
    "\n"
    "FILE is a session (.mitm, .mitm.zst), - is standard input. OUT is replaced if it exists.\n"
    "Exit status: 0; 1 nothing there to draw; 2 wrong use; 3 a file cannot be read or written.\n";

static int64_t created_s(const struct model_session *session)
{
    return session->has_wall_clock ? (int64_t)(session->wall_clock_ns / 1000000000) : 0;
}

/* Say how writing the picture went; return the exit code. */
static int finish(const struct request *request, enum render_result result, int error)
{
    if (result == RENDER_OK)
        return CLI_OK;
    if (result == RENDER_NO_FONT)
        return cli_usage(&cmd_figure, "--font %s: %s", request->render.font, render_result_text(result));
    if (result == RENDER_TOO_NARROW)
        return cli_usage(&cmd_figure, "--width: %s", render_result_text(result));
    cli_warn("%s: %s", request->out, result == RENDER_IO_ERROR ? strerror(error) : render_result_text(result));
    return result == RENDER_TOO_LARGE ? CLI_NO : CLI_IO;
}

/* ---------------------------------------------------------------- timeline */

static int draw_timeline(const struct model_session *session, const struct request *request)
{
    const struct chart_options options = {
        .from_ns = request->from_ns, .to_ns = request->to_ns, .server = request->server};
    struct chart *chart = chart_new(session, &options);
    struct timeline_figure figure = *chart_figure(chart);
    int code = CLI_NO, error;
    for (size_t i = 0; i < figure.warning_count; i++) /* a figure has no place for them */
        cli_warn("%s: %.*s", session->file, (int)figure.warnings[i].len_bytes, figure.warnings[i].bytes);
    if (request->title)
        figure.title = figure_text(request->title);
    if (figure.group_count == 0)
        cli_warn("%s: there is no connection to draw%s%s", session->file, request->server ? " to this server" : "",
                 request->from_ns != MODEL_NONE || request->to_ns != MODEL_NONE ? " in this period" : "");
    else
        code = finish(request, render_timeline_file(&figure, request->format, &request->render, request->out, &error),
                      error);
    chart_free(chart);
    return code;
}

/* ---------------------------------------------------------------- plots */

/* Draw `plots`, which is freed. */
static int draw_plots(struct plots *plots, const struct request *request)
{
    const struct plot_figure *figure = plots_figure(plots);
    int code = CLI_NO, error;
    if (figure->panel_count == 0)
        cli_warn("%s: %.*s", request->files[0], (int)figure->empty_label.len_bytes, figure->empty_label.bytes);
    else
        code =
            finish(request, render_plot_file(figure, request->format, &request->render, request->out, &error), error);
    plots_free(plots);
    return code;
}

static struct plots_options options_of(const struct request *request, const struct model_session *session)
{
    return (struct plots_options){.title = figure_text(request->title),
                                  .log = request->log,
                                  .from_ns = request->from_ns,
                                  .to_ns = request->to_ns,
                                  .created_s = created_s(session)};
}

static int draw_phases(const struct model_session *session, const struct request *request)
{
    const struct plots_options options = options_of(request, session);
    struct pages *pages = pages_new(session, &(struct pages_options){.gap_ns = request->gap_ns});
    int code =
        draw_plots(plots_phases(session, pages, request->by_page ? PLOTS_PAGES : PLOTS_SERVERS, &options), request);
    pages_free(pages);
    return code;
}

/* Draw what shows one session: the one wanted. */
static int draw_session(const struct model *model, const struct request *request)
{
    size_t n = model_session_count(model), index = request->session > 0 ? (size_t)request->session - 1 : 0;
    if (index >= n) {
        cli_warn("%s: there is no session %" PRIu64 ", the last is %zu", request->files[0], request->session, n);
        return CLI_NO;
    }
    if (n > 1 && request->session == 0)
        cli_warn("%s: there are %zu sessions; this is the first (--session N shows another)", request->files[0], n);
    const struct model_session *session = model_session(model, index);
    const struct plots_options options = options_of(request, session);
    if (request->from_ns != MODEL_NONE && request->from_ns > session->last_ns) {
        cli_warn("%s: nothing happens in this period (mitm-analyze connections shows the times)", request->files[0]);
        return CLI_NO;
    }
    switch (request->kind) {
    case REQUEST_TIMELINE:
        return draw_timeline(session, request);
    case REQUEST_PHASES:
        return draw_phases(session, request);
    case REQUEST_THROUGHPUT:
        return draw_plots(plots_throughput(session, &options), request);
    case REQUEST_CONCURRENCY:
        return draw_plots(plots_concurrency(session, &options), request);
    case REQUEST_ECDF:
        break;
    }
    abort();
}

/* ---------------------------------------------------------------- samples */

struct sample {
    double *values;
    size_t count, capacity, sessions;
};

static bool is_wanted(const struct request *request, const struct model_session *session,
                      const struct measure_value *value)
{
    if (request->page != 0 && value->page != request->page)
        return false;
    return !request->server || (value->server != MODEL_NO_INDEX &&
                                model_server_named(model_server(session, value->server), request->server));
}

static void add_session(struct sample *sample, const struct model_session *session, const struct request *request)
{
    struct pages *pages = pages_new(session, &(struct pages_options){.gap_ns = request->gap_ns});
    struct measure_values values = measures_collect(request->measure, session, pages);
    for (size_t i = 0; i < values.count; i++) {
        if (!is_wanted(request, session, &values.values[i]))
            continue;
        sample->values = memory_grow(sample->values, sample->count, &sample->capacity, sizeof *sample->values);
        sample->values[sample->count++] = values.values[i].value;
    }
    measures_free(&values);
    pages_free(pages);
}

static void add_file(struct sample *sample, const struct model *model, const char *file, const struct request *request)
{
    for (size_t i = 0; i < model_session_count(model); i++) {
        const struct model_session *session = model_session(model, i);
        if (session->file == file && ++sample->sessions &&
            (request->session == 0 || sample->sessions == request->session))
            add_session(sample, session, request);
    }
    quantile_sort(sample->values, sample->count);
}

/* Return what the curve of a file is called: nothing where it is the only one. */
static struct figure_text label_of(const struct request *request, size_t index)
{
    if (index < request->label_count)
        return figure_text(request->labels[index]);
    if (request->file_count == 1)
        return (struct figure_text){NULL, 0};
    const char *slash = strrchr(request->files[index], '/');
    return figure_text(slash ? slash + 1 : request->files[index]);
}

static int draw_ecdf(const struct model *model, const struct request *request)
{
    const struct plots_options options = options_of(request, model_session(model, 0));
    struct sample *samples = memory_new(request->file_count, sizeof *samples);
    struct plots_sample *shown = memory_new(request->file_count, sizeof *shown);
    size_t empty = 0;
    int code = CLI_NO;
    for (size_t i = 0; i < request->file_count; i++) {
        add_file(&samples[i], model, request->files[i], request);
        shown[i] = (struct plots_sample){label_of(request, i), samples[i].values, samples[i].count};
        if (samples[i].count > 0)
            continue;
        empty++;
        cli_warn("%s: it has no value of %s%s", request->files[i], request->measure->name,
                 request->server || request->page != 0 ? " where it is looked for" : "");
    }
    if (empty < request->file_count)
        code = draw_plots(plots_ecdf(request->measure, shown, request->file_count, &options), request);
    for (size_t i = 0; i < request->file_count; i++)
        free(samples[i].values);
    free(samples);
    free(shown);
    return code;
}

static int run(int argc, char **argv)
{
    struct request request;
    int code;
    if (request_read(&request, argc, argv, &code)) {
        struct model *model = model_new(&(struct model_options){0});
        code = load_files(model, request.files, request.file_count);
        if (model_session_count(model) > 0) {
            int drawn = request.kind == REQUEST_ECDF ? draw_ecdf(model, &request) : draw_session(model, &request);
            code = drawn != CLI_OK ? drawn : code;
        } else if (code == CLI_OK) {
            cli_warn("%s: there is no event in it", request.files[0]);
            code = CLI_NO;
        }
        model_free(model);
    }
    request_fini(&request);
    return cli_finish_output(code);
}

const struct cli_verb cmd_figure = {"figure", "one figure for a paper, of an exact size", help, run};
