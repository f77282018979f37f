/* Classes of failures, by server or of whole sessions. */
#include <math.h>
#include <stdlib.h>

#include "analyze/failures.h"
#include "base/memory.h"
#include "analyze/sheet.h"
#include "analyze/stats_by.h"

static const struct table_column heads[] = {
    {"session", "session", TABLE_COUNT}, {"server", "server", TABLE_WORDS}, {"port", "port", TABLE_COUNT},
    {"failure", "failure", TABLE_WORDS}, {"n", "n", TABLE_COUNT},           {"of", "of", TABLE_COUNT},
    {"of_what", "of what", TABLE_WORDS}, {"share", "share", TABLE_SHARE}};

/* How many connections and requests there were: of each server, of connections without a request, of all. */
struct attempts {
    uint64_t connections, requests;
};

static struct attempts *count_attempts(const struct model_session *session)
{
    struct attempts *attempts = memory_new(session->server_count + 2, sizeof *attempts);
    for (size_t i = 0; i < session->connection_count; i++) {
        const struct model_connection *c = model_connection(session, i);
        size_t server = c->server == MODEL_NO_INDEX ? session->server_count : c->server;
        attempts[server].connections++;
        attempts[server].requests += c->exchange_count;
        attempts[session->server_count + 1].connections++;
        attempts[session->server_count + 1].requests += c->exchange_count;
    }
    return attempts;
}

static void add_server(struct sheet *sheet, const struct model_session *session, uint32_t index, bool all)
{
    const struct model_server *server = index == MODEL_NO_INDEX || all ? NULL : model_server(session, index);
    if (all)
        sheet_words(sheet, "(all)");
    else if (!server)
        sheet_words(sheet, "(no request)");
    else if (server->kind == MODEL_SERVER_LOOKUP)
        sheet_words(sheet, "(name look-ups)");
    else
        sheet_text(sheet, server->host);
    sheet_number(sheet, server && server->kind == MODEL_SERVER_CONNECT ? server->port : (double)NAN);
}

static void add_class(struct sheet *sheet, const struct model_session *session, size_t number,
                      const struct failure_class *class, bool all, const struct attempts *attempts)
{
    char *words;
    size_t len;
    FILE *out = open_memstream(&words, &len);
    if (!out)
        abort();
    failures_print_class(out, class);
    if (fclose(out) != 0)
        abort();
    bool connections = failures_of_connections(class->kind);
    size_t server = class->server == MODEL_NO_INDEX ? session->server_count : class->server;
    const struct attempts *mine = &attempts[all ? session->server_count + 1 : server];
    uint64_t of = connections ? mine->connections : mine->requests;
    sheet_number(sheet, (double)number);
    add_server(sheet, session, class->server, all);
    sheet_text(sheet, (struct text){(const uint8_t *)words, (uint32_t)len});
    sheet_number(sheet, (double)class->count);
    sheet_number(sheet, (double)of);
    sheet_words(sheet, connections ? "connections" : "requests");
    sheet_number(sheet, (double)class->count / (double)of);
    free(words);
}

static int compare_codes(const void *a, const void *b)
{
    const struct failure_class *x = a, *y = b;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    return x->code < y->code ? -1 : x->code > y->code;
}

/* Join the classes of all servers; return how many are left. */
static size_t join_servers(struct failure_class *classes, size_t count)
{
    size_t n = 0;
    if (count > 0)
        qsort(classes, count, sizeof *classes, compare_codes);
    for (size_t i = 0; i < count; i++) {
        if (n > 0 && compare_codes(&classes[n - 1], &classes[i]) == 0)
            classes[n - 1].count += classes[i].count;
        else
            classes[n++] = classes[i];
    }
    return n;
}

void stats_failure_classes(FILE *out, const struct stats_by *options)
{
    bool all = options->level != STATS_BY_SERVER;
    struct sheet *sheet =
        sheet_begin(out, options->format, heads, sizeof heads / sizeof *heads, "Failures", options->width);
    for (size_t i = 0; i < model_session_count(options->model); i++) {
        const struct model_session *session = model_session(options->model, i);
        size_t n;
        struct failure_class *classes = failures_classes(session, &n);
        struct attempts *attempts = count_attempts(session);
        if (all)
            n = join_servers(classes, n);
        for (size_t k = 0; k < n; k++)
            add_class(sheet, session, i + 1, &classes[k], all, attempts);
        free(attempts);
        free(classes);
    }
    sheet_end(sheet);
}
