/* How measures are distributed: a row for each measure, by server for each server. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/measures.h"
#include "base/memory.h"
#include "analyze/sheet.h"
#include "analyze/stats_by.h"
#include "statistics/quantile.h"

static const struct table_column server_heads[] = {
    {"session", "session", TABLE_COUNT}, {"server", "server", TABLE_WORDS}, {"port", "port", TABLE_COUNT}};
static const struct table_column value_heads[] = {
    {"measure", "measure", TABLE_WORDS}, {"unit", "unit", TABLE_WORDS}, {"n", "n", TABLE_COUNT},
    {"missing", "missing", TABLE_COUNT}, {"min", "min", TABLE_BY_ROW},  {"q1", "q1", TABLE_BY_ROW},
    {"median", "median", TABLE_BY_ROW},  {"q3", "q3", TABLE_BY_ROW},    {"p90", "p90", TABLE_BY_ROW},
    {"p99", "p99", TABLE_BY_ROW},        {"max", "max", TABLE_BY_ROW}};

enum { SERVER_HEADS = 3, VALUE_HEADS = 11, HEADS = SERVER_HEADS + VALUE_HEADS };

/* A sample of one measure. */
struct sample {
    double *values;
    size_t count, capacity, missing;
};

struct spreads {
    const struct stats_by *options;
    struct sheet *sheet;
    struct pages **pages; /* of each session */
    unsigned present;     /* measures_present() */
    bool people;
    bool single; /* each measure has one value: of a session */
    size_t head_count;
    struct table_column heads[HEADS];
};

static void sample_add(struct sample *sample, double value)
{
    sample->values = memory_grow(sample->values, sample->count, &sample->capacity, sizeof *sample->values);
    sample->values[sample->count++] = value;
}

static void add_server(struct sheet *sheet, size_t session_number, const struct model_server *server)
{
    sheet_number(sheet, (double)session_number);
    if (!server)
        sheet_words(sheet, "(no request)");
    else if (server->kind == MODEL_SERVER_LOOKUP)
        sheet_words(sheet, "(name look-ups)");
    else
        sheet_text(sheet, server->host);
    sheet_number(sheet, server && server->kind == MODEL_SERVER_CONNECT ? server->port : (double)NAN);
}

/* Add the cells of a sample, which is sorted for that. */
static void add_sample(struct spreads *spreads, const struct measure *measure, struct sample *sample)
{
    static const char *const units[] = {[MEASURE_NS] = "ns",
                                        [MEASURE_BYTES] = "bytes",
                                        [MEASURE_COUNT] = "1",
                                        [MEASURE_BITS_PER_S] = "bit/s",
                                        [MEASURE_SHARE] = "1"};
    static const double shown[] = {0, 0.25, 0.5, 0.75, 0.9, 0.99, 1};
    struct sheet *sheet = spreads->sheet;
    size_t n = sample->count;
    if (n > 0)
        quantile_sort(sample->values, n);
    sheet_words(sheet, spreads->people ? measure->label : measure->name);
    if (spreads->single) {
        sheet_number(sheet, sample->values[0]);
        return;
    }
    if (!spreads->people)
        sheet_words(sheet, units[measure->unit]);
    sheet_number(sheet, (double)n);
    sheet_number(sheet, (double)sample->missing);
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
        sheet_number(sheet, quantile(sample->values, n, shown[i], spreads->options->quantile_type));
}

static void set_unit(struct spreads *spreads, const struct measure *measure)
{
    static const enum table_unit units[] = {[MEASURE_NS] = TABLE_NS,
                                            [MEASURE_BYTES] = TABLE_BYTES,
                                            [MEASURE_COUNT] = TABLE_COUNT,
                                            [MEASURE_BITS_PER_S] = TABLE_BITS_PER_S,
                                            [MEASURE_SHARE] = TABLE_SHARE};
    sheet_row_unit(spreads->sheet, units[measure->unit]);
}

/* ---------------------------------------------------------------- of all together */

static void add_of_all(struct spreads *spreads, const struct measure *measure)
{
    struct sample sample = {0};
    for (size_t i = 0; i < model_session_count(spreads->options->model); i++) {
        struct measure_values values =
            measures_collect(measure, model_session(spreads->options->model, i), spreads->pages[i]);
        sample.missing += values.missing;
        for (size_t k = 0; k < values.count; k++)
            sample_add(&sample, values.values[k].value);
        measures_free(&values);
    }
    if (sample.count > 0 || !spreads->people) {
        set_unit(spreads, measure);
        add_sample(spreads, measure, &sample);
    }
    free(sample.values);
}

/* ---------------------------------------------------------------- by server */

/* Divide the values of a session among its servers; the last sample is of connections without a request. */
static struct sample *by_server(const struct measure *measure, const struct model_session *session,
                                const struct pages *pages)
{
    struct sample *samples = memory_new(session->server_count + 1, sizeof *samples);
    struct measure_values values = measures_collect(measure, session, pages);
    for (size_t i = 0; i < values.count; i++) {
        uint32_t server = values.values[i].server;
        sample_add(&samples[server == MODEL_NO_INDEX ? session->server_count : server], values.values[i].value);
    }
    measures_free(&values);
    for (size_t i = 0; i < session->connection_count; i++) {
        const struct model_connection *c = model_connection(session, i);
        size_t server = c->server == MODEL_NO_INDEX ? session->server_count : c->server;
        samples[server].missing += measure->level == MEASURE_OF_CONNECTION ? 1 : c->exchange_count;
    }
    for (size_t i = 0; i <= session->server_count; i++)
        samples[i].missing -= samples[i].count; /* so far those that could be */
    return samples;
}

static void add_by_server(struct spreads *spreads, const struct measure *measure, size_t index)
{
    const struct model_session *session = model_session(spreads->options->model, index);
    struct sample *samples = by_server(measure, session, spreads->pages[index]);
    for (size_t i = 0; i <= session->server_count; i++) {
        if (samples[i].count > 0 || (!spreads->people && samples[i].missing > 0)) {
            set_unit(spreads, measure);
            add_server(spreads->sheet, index + 1, i < session->server_count ? model_server(session, i) : NULL);
            add_sample(spreads, measure, &samples[i]);
        }
        free(samples[i].values);
    }
    free(samples);
}

/* ---------------------------------------------------------------- the sheet */

/* Return whether the distribution of `measure` is given at the level asked for. */
static bool is_asked_for(const struct stats_by *options, const struct measure *measure)
{
    static const enum measure_level levels[] = {[STATS_BY_REQUEST] = MEASURE_OF_REQUEST,
                                                [STATS_BY_CONNECTION] = MEASURE_OF_CONNECTION,
                                                [STATS_BY_SERVER] = MEASURE_OF_REQUEST,
                                                [STATS_BY_PAGE] = MEASURE_OF_PAGE,
                                                [STATS_BY_SESSION] = MEASURE_OF_SESSION};
    if (options->level == STATS_BY_SERVER)
        return measure->level == MEASURE_OF_CONNECTION || measure->level == MEASURE_OF_REQUEST;
    if (options->level == STATS_BY_SESSION && measure->level == MEASURE_OF_PAGE)
        return true; /* each session as one page load */
    return measure->level == levels[options->level];
}

/* Session measures count the pages of the usual grouping; page measures by session are of the session as one. */
static void group_pages(struct spreads *spreads, bool by_session)
{
    for (size_t i = 0; i < model_session_count(spreads->options->model); i++) {
        struct pages_options options = {.gap_ns = spreads->options->pages.gap_ns, .by_session = by_session};
        pages_free(spreads->pages[i]);
        spreads->pages[i] = pages_new(model_session(spreads->options->model, i), &options);
    }
}

static void add_measures(struct spreads *spreads, bool pages_too, bool others_too)
{
    const struct stats_by *options = spreads->options;
    for (size_t i = 0; i < measures_count(); i++) {
        const struct measure *measure = measures_get(i);
        bool wanted = measure->level == MEASURE_OF_PAGE ? pages_too : others_too;
        if (!wanted || !measures_occur(measure, spreads->present) || !is_asked_for(options, measure))
            continue;
        if (options->level != STATS_BY_SERVER)
            add_of_all(spreads, measure);
        for (size_t k = 0; options->level == STATS_BY_SERVER && k < model_session_count(options->model); k++)
            add_by_server(spreads, measure, k);
    }
}

static void choose_heads(struct spreads *spreads)
{
    static const struct table_column single[] = {{"measure", "measure", TABLE_WORDS}, {"value", "value", TABLE_BY_ROW}};
    for (size_t i = 0; spreads->single && i < sizeof single / sizeof *single; i++)
        spreads->heads[spreads->head_count++] = single[i];
    for (size_t i = 0; spreads->options->level == STATS_BY_SERVER && i < SERVER_HEADS; i++)
        spreads->heads[spreads->head_count++] = server_heads[i];
    for (size_t i = 0; !spreads->single && i < VALUE_HEADS; i++) {
        if (!spreads->people || strcmp(value_heads[i].name, "unit") != 0)
            spreads->heads[spreads->head_count++] = value_heads[i];
    }
}

/* Return whether people get nothing from distributions: there is at most one page. */
static bool is_one_page(const struct spreads *spreads, size_t sessions)
{
    size_t n = 0;
    for (size_t i = 0; i < sessions; i++)
        n += pages_count(spreads->pages[i]);
    return n < 2;
}

static void write_spreads(FILE *out, struct spreads *spreads)
{
    const struct stats_by *options = spreads->options;
    choose_heads(spreads);
    spreads->sheet = sheet_begin(out, options->format, spreads->heads, spreads->head_count,
                                 spreads->single ? "Session" : "Distributions", options->width);
    add_measures(spreads, options->level != STATS_BY_SESSION, true);
    if (options->level == STATS_BY_SESSION) {
        group_pages(spreads, true);
        add_measures(spreads, true, false);
    }
    sheet_end(spreads->sheet);
}

void stats_spreads(FILE *out, const struct stats_by *options)
{
    size_t sessions = model_session_count(options->model);
    struct spreads spreads = {.options = options, .pages = memory_new(sessions, sizeof(struct pages *))};
    spreads.present = measures_present(options->model);
    spreads.people = options->format != TABLE_CSV && options->format != TABLE_JSON;
    spreads.single = spreads.people && options->level == STATS_BY_SESSION && sessions == 1;
    group_pages(&spreads, false);
    if (!spreads.people || options->level != STATS_BY_PAGE || !is_one_page(&spreads, sessions))
        write_spreads(out, &spreads);
    for (size_t i = 0; i < sessions; i++)
        pages_free(spreads.pages[i]);
    free(spreads.pages);
}
