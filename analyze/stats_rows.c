/* A row for each request, connection, page or session. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/measures.h"
#include "base/memory.h"
#include "analyze/metrics.h"
#include "analyze/sheet.h"
#include "analyze/stats_by.h"
#include "analyze/stats_protocols.h"

/* What stands in a column. */
enum what {
    SESSION,
    FILE_NAME,
    LABEL,
    PAGE,
    CONNECTION,
    REQUEST,
    RULE,
    FIRST_PARTY,
    HOST,
    PORT,
    METHOD,
    TARGET,
    STATUS,
    ADDRESS, /* for people: of host, port and target what is needed */
    START,
    MEASURE,
    PROTOCOL
};

static const struct table_column heads[] = {
    [SESSION] = {"session", "session", TABLE_COUNT},
    [FILE_NAME] = {"file", "file", TABLE_WORDS},
    [LABEL] = {"label", "label", TABLE_WORDS},
    [PAGE] = {"page", "page", TABLE_COUNT},
    [CONNECTION] = {"connection", "connection", TABLE_COUNT},
    [REQUEST] = {"request", "request", TABLE_COUNT},
    [RULE] = {"rule", "begun by", TABLE_WORDS},
    [FIRST_PARTY] = {"first_party", "first party", TABLE_WORDS},
    [HOST] = {"server", "server", TABLE_WORDS},
    [PORT] = {"port", "port", TABLE_COUNT},
    [METHOD] = {"method", "method", TABLE_WORDS},
    [TARGET] = {"target", "target", TABLE_WORDS},
    [STATUS] = {"status", "status", TABLE_COUNT},
    [ADDRESS] = {"address", "address", TABLE_WORDS},
    [START] = {"start_ns", "start", TABLE_NS},
};

enum { MAX_COLUMNS = 64, NAME_BYTES = 64 };

/* The columns of a sheet. */
struct columns {
    size_t count;
    unsigned present; /* measures_present() */
    enum what what[MAX_COLUMNS];
    const struct measure *measures[MAX_COLUMNS];         /* of MEASURE */
    const struct stats_protocol *protocols[MAX_COLUMNS]; /* of PROTOCOL */
    bool of_whole_session[MAX_COLUMNS];                  /* a page's measure, of the session as one page load */
    struct table_column heads[MAX_COLUMNS];
    char names[MAX_COLUMNS][NAME_BYTES];
};

/* What the cells of a row are taken from. */
struct row {
    struct measure_subject subject, whole; /* `whole`: of the session as one page load */
    size_t session;
    size_t index; /* of the connection */
};

/* ---------------------------------------------------------------- columns */

static void add_column(struct columns *columns, enum what what)
{
    columns->what[columns->count] = what;
    columns->heads[columns->count++] = heads[what];
}

static enum table_unit unit_of(const struct measure *measure)
{
    static const enum table_unit units[] = {[MEASURE_NS] = TABLE_NS,
                                            [MEASURE_BYTES] = TABLE_BYTES,
                                            [MEASURE_COUNT] = TABLE_COUNT,
                                            [MEASURE_BITS_PER_S] = TABLE_BITS_PER_S,
                                            [MEASURE_SHARE] = TABLE_SHARE};
    return units[measure->unit];
}

/* Return a short head for a column of pages. */
static const char *title_of(const struct measure *measure)
{
    static const char *const beginnings[] = {"page load ", "page time to first ", "page bytes ",
                                             "page ",      "share of ",           "connection reuse"};
    static const char *const titles[] = {"load", "TTFB", "received", NULL, NULL, "reuse"};
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++) {
        size_t len = strlen(beginnings[i]);
        if (strncmp(measure->label, beginnings[i], len) == 0)
            return titles[i] ? titles[i] : measure->label + len;
    }
    return measure->label;
}

static void add_measure(struct columns *columns, const struct measure *measure, bool of_whole_session)
{
    size_t at = columns->count++;
    const char *suffix = measure->unit == MEASURE_NS ? "_ns" : measure->unit == MEASURE_BITS_PER_S ? "_bit_per_s" : "";
    snprintf(columns->names[at], NAME_BYTES, "%s%s", measure->name, suffix);
    for (char *p = columns->names[at]; *p; p++) {
        if (*p == '-')
            *p = '_';
    }
    columns->what[at] = MEASURE;
    columns->measures[at] = measure;
    columns->of_whole_session[at] = of_whole_session;
    columns->heads[at] = (struct table_column){columns->names[at], title_of(measure), unit_of(measure)};
}

static void add_measures(struct columns *columns, enum measure_level level, bool of_whole_session)
{
    for (size_t i = 0; i < measures_count(); i++) {
        if (measures_get(i)->level == level && measures_occur(measures_get(i), columns->present))
            add_measure(columns, measures_get(i), of_whole_session);
    }
}

static void add_protocols(struct columns *columns, enum measure_level level)
{
    for (size_t i = 0; i < stats_protocols_count(); i++) {
        const struct stats_protocol *protocol = stats_protocols_get(i);
        if (!stats_protocols_occur(protocol, level, columns->present))
            continue;
        columns->what[columns->count] = PROTOCOL;
        columns->protocols[columns->count] = protocol;
        columns->heads[columns->count++] = protocol->head;
    }
}

static void add_named(struct columns *columns, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct measure *measure = measures_find(names[i]);
        if (measures_occur(measure, columns->present))
            add_measure(columns, measure, false);
    }
}

/* For people, three narrow tables say of pages what one wide one does. */
static const char *const main_measures[] = {"load-time", "page-ttfb", "page-requests", "page-failures"};
static const char *const count_measures[] = {"page-connections", "page-servers", "page-bytes",
                                             "page-round-trips", "page-reuse",   "page-parallelism"};
static const char *const share_measures[] = {"load-time",          "page-socks-share",    "page-tls-share",
                                             "page-waiting-share", "page-transfer-share", "page-idle-share"};

static void page_columns(struct columns *columns, enum stats_detail detail, bool sessions, bool first_parties)
{
    static const enum what all[] = {SESSION, PAGE, RULE, FIRST_PARTY, HOST, PORT, TARGET, START};
    if (detail == STATS_ALL) {
        for (size_t i = 0; i < sizeof all / sizeof *all; i++)
            add_column(columns, all[i]);
        add_measures(columns, MEASURE_OF_PAGE, false);
        return;
    }
    if (detail == STATS_MAIN)
        add_column(columns, ADDRESS);
    if (sessions)
        add_column(columns, SESSION);
    add_column(columns, PAGE);
    if (detail == STATS_MAIN) {
        add_column(columns, START);
        add_named(columns, main_measures, sizeof main_measures / sizeof *main_measures);
        add_column(columns, RULE);
        if (first_parties)
            add_column(columns, FIRST_PARTY);
    } else if (detail == STATS_COUNTS) {
        add_named(columns, count_measures, sizeof count_measures / sizeof *count_measures);
    } else {
        add_named(columns, share_measures, sizeof share_measures / sizeof *share_measures);
    }
}

/* Return whether some connection has a SOCKS user name. */
static bool has_first_parties(const struct model *model)
{
    for (size_t i = 0; i < model_session_count(model); i++) {
        const struct model_session *session = model_session(model, i);
        for (size_t k = 0; k < session->connection_count; k++) {
            if (model_connection(session, k)->username.len > 0)
                return true;
        }
    }
    return false;
}

static void choose_columns(struct columns *columns, const struct stats_by *options, enum stats_detail detail)
{
    static const enum what requests[] = {SESSION, PAGE, CONNECTION, REQUEST, HOST, PORT, METHOD, TARGET, STATUS, START};
    static const enum what connections[] = {SESSION, PAGE, CONNECTION, HOST, PORT, FIRST_PARTY, START};
    static const enum what sessions[] = {SESSION, FILE_NAME, LABEL};
    *columns = (struct columns){.present = measures_present(options->model)};
    if (options->level == STATS_BY_REQUEST) {
        for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
            add_column(columns, requests[i]);
        add_measures(columns, MEASURE_OF_REQUEST, false);
        add_protocols(columns, MEASURE_OF_REQUEST);
    } else if (options->level == STATS_BY_CONNECTION) {
        for (size_t i = 0; i < sizeof connections / sizeof *connections; i++)
            add_column(columns, connections[i]);
        add_measures(columns, MEASURE_OF_CONNECTION, false);
        add_protocols(columns, MEASURE_OF_CONNECTION);
    } else if (options->level == STATS_BY_PAGE) {
        page_columns(columns, detail, model_session_count(options->model) > 1, has_first_parties(options->model));
    } else {
        for (size_t i = 0; i < sizeof sessions / sizeof *sessions; i++)
            add_column(columns, sessions[i]);
        add_measures(columns, MEASURE_OF_SESSION, false);
        add_measures(columns, MEASURE_OF_PAGE, true);
    }
}

/* ---------------------------------------------------------------- cells */

static struct text literal(const char *words)
{
    return (struct text){(const uint8_t *)words, words ? (uint32_t)strlen(words) : 0};
}

static const char *rule_word(enum page_rule rule)
{
    static const char *const words[] = {
        [PAGE_FIRST_PARTY] = "first party", [PAGE_NAVIGATION] = "navigation", [PAGE_PAUSE] = "pause"};
    return words[rule];
}

/* "www.example.org:8080/index.html" */
static void add_address(struct sheet *sheet, const struct page *page)
{
    enum { LONGEST = 60 };
    char *address;
    size_t len;
    FILE *out = open_memstream(&address, &len);
    if (!out)
        abort();
    if (page->host.len > 0)
        fwrite(page->host.data, 1, page->host.len, out);
    if (page->port != 0 && page->port != 80 && page->port != 443)
        fprintf(out, ":%u", page->port);
    if (page->target.len > 0)
        fwrite(page->target.data, 1, page->target.len, out);
    if (fclose(out) != 0)
        abort();
    if (len > LONGEST)
        strcpy(address + (len = LONGEST) - 3, "...");
    sheet_text(sheet, (struct text){(const uint8_t *)address, (uint32_t)len});
    free(address);
}

static double number_or_missing(int64_t value)
{
    return value == MODEL_NONE ? (double)NAN : (double)value;
}

static int64_t start_of(const struct row *row)
{
    const struct measure_subject *s = &row->subject;
    if (s->page)
        return s->page->start_ns;
    if (s->exchange)
        return s->exchange->request.start_ns != MODEL_NONE ? s->exchange->request.start_ns
                                                           : s->exchange->response.start_ns;
    return s->connection ? metrics_connection_start_ns(s->connection) : s->session->first_ns;
}

static double page_number(const struct row *row)
{
    const struct measure_subject *s = &row->subject;
    uint32_t number = s->page       ? s->page->number
                      : s->exchange ? pages_of_exchange(s->pages, (size_t)(s->exchange - s->session->exchanges))
                                    : pages_of_connection(s->pages, row->index);
    return number == 0 ? (double)NAN : number;
}

static struct text text_of(const struct row *row, enum what what)
{
    const struct measure_subject *s = &row->subject;
    switch ((int)what) {
    case FILE_NAME:
        return literal(s->session->file);
    case LABEL:
        return s->session->label;
    case RULE:
        return literal(rule_word(s->page->rule));
    case FIRST_PARTY:
        return s->page ? s->page->first_party : s->connection->username;
    case HOST:
        return s->page ? s->page->host : s->connection->host;
    case METHOD:
        return s->exchange->method;
    default:
        return s->page ? s->page->target : s->exchange->target;
    }
}

static double number_of(const struct row *row, enum what what)
{
    const struct measure_subject *s = &row->subject;
    uint32_t port;
    switch ((int)what) {
    case SESSION:
        return (double)row->session;
    case PAGE:
        return page_number(row);
    case CONNECTION:
        return s->connection->id;
    case REQUEST:
        return s->exchange->id;
    case PORT:
        port = s->page ? s->page->port : s->connection->port;
        return port == 0 ? (double)NAN : port;
    case STATUS:
        return s->exchange->has_status ? s->exchange->status : (double)NAN;
    default:
        return number_or_missing(start_of(row));
    }
}

static void add_row(struct sheet *sheet, const struct columns *columns, const struct row *row)
{
    for (size_t i = 0; i < columns->count; i++) {
        if (columns->what[i] == MEASURE)
            sheet_number(sheet, measures_value(columns->measures[i],
                                               columns->of_whole_session[i] ? &row->whole : &row->subject));
        else if (columns->what[i] == PROTOCOL)
            columns->protocols[i]->add(sheet, &row->subject);
        else if (columns->what[i] == ADDRESS)
            add_address(sheet, row->subject.page);
        else if (columns->heads[i].unit == TABLE_WORDS)
            sheet_text(sheet, text_of(row, columns->what[i]));
        else
            sheet_number(sheet, number_of(row, columns->what[i]));
    }
}

/* ---------------------------------------------------------------- rows */

static void add_connections(struct sheet *sheet, const struct columns *columns, struct row *row, bool requests)
{
    const struct model_session *session = row->subject.session;
    for (row->index = 0; row->index < session->connection_count; row->index++) {
        const struct model_connection *c = model_connection(session, row->index);
        row->subject.connection = c;
        row->subject.exchange = NULL;
        if (!requests)
            add_row(sheet, columns, row);
        for (const struct model_exchange *x = model_first_exchange(session, c); requests && x;
             x = model_next_exchange(session, x)) {
            row->subject.exchange = x;
            add_row(sheet, columns, row);
        }
    }
}

/* Add the first `max` pages. */
static void add_pages(struct sheet *sheet, const struct columns *columns, struct row *row, size_t max)
{
    size_t n = pages_count(row->subject.pages);
    for (size_t i = 0; i < n && i < max; i++) {
        row->subject.page = pages_get(row->subject.pages, i);
        add_row(sheet, columns, row);
    }
}

/* Add the session itself, which as one page load has at most one page. */
static void add_session(struct sheet *sheet, const struct columns *columns, struct row *row,
                        const struct pages_options *options)
{
    static const struct page none = {.first_byte_ns = MODEL_NONE,
                                     .end_ns = MODEL_NONE,
                                     .open = true,
                                     .parts = {.socks_ns = MODEL_NONE,
                                               .tls_ns = MODEL_NONE,
                                               .waiting_ns = MODEL_NONE,
                                               .transfer_ns = MODEL_NONE,
                                               .idle_ns = MODEL_NONE}};
    struct pages_options whole_options = *options;
    whole_options.by_session = true;
    struct pages *whole = pages_new(row->subject.session, &whole_options);
    row->whole = (struct measure_subject){.session = row->subject.session, .pages = whole};
    row->whole.page = pages_count(whole) > 0 ? pages_get(whole, 0) : &none;
    add_row(sheet, columns, row);
    pages_free(whole);
}

void stats_rows(FILE *out, const struct stats_by *options, enum stats_detail detail)
{
    static const char *const captions[] = {[STATS_ALL] = NULL,
                                           [STATS_MAIN] = "Page loads",
                                           [STATS_COUNTS] = "What they consisted of",
                                           [STATS_SHARES] = "Where their time went"};
    struct columns *columns = memory_new(1, sizeof *columns);
    choose_columns(columns, options, detail);
    struct sheet *sheet =
        sheet_begin(out, options->format, columns->heads, columns->count, captions[detail], options->width);
    for (size_t i = 0; i < model_session_count(options->model); i++) {
        const struct model_session *session = model_session(options->model, i);
        struct pages_options usual = {.gap_ns = options->pages.gap_ns};
        struct pages *pages = pages_new(session, &usual);
        struct row row = {.subject = {.session = session, .pages = pages}, .session = i + 1};
        if (options->level == STATS_BY_PAGE)
            add_pages(sheet, columns, &row, SIZE_MAX);
        else if (options->level == STATS_BY_SESSION)
            add_session(sheet, columns, &row, &options->pages);
        else
            add_connections(sheet, columns, &row, options->level == STATS_BY_REQUEST);
        pages_free(pages);
    }
    sheet_end(sheet);
    free(columns);
}

void stats_pages(FILE *out, const struct model_session *session, size_t number, const struct pages_options *options,
                 size_t width)
{
    enum { SHOWN = 20 };
    struct pages *pages = pages_new(session, options);
    size_t n = pages_count(pages);
    if (n > 0) {
        struct columns *columns = memory_new(1, sizeof *columns);
        add_column(columns, ADDRESS);
        add_column(columns, START);
        add_named(columns, main_measures, sizeof main_measures / sizeof *main_measures);
        struct sheet *sheet = sheet_begin(out, TABLE_TEXT, columns->heads, columns->count, NULL, width);
        struct row row = {.subject = {.session = session, .pages = pages}, .session = number};
        putc('\n', out);
        add_pages(sheet, columns, &row, SHOWN);
        sheet_end(sheet);
        free(columns);
    }
    if (n > SHOWN)
        fprintf(out, "and %zu more page loads (--by page shows all)\n", n - SHOWN);
    pages_free(pages);
}
