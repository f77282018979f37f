#include "analyze/failures.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "analyze/metrics.h"
#include "analyze/words.h"

/* A failure that was found: what it is said of, as long as it is not in words. */
struct found {
    int64_t t_ns;
    enum failure_kind kind;
    size_t index;  /* of the connection */
    size_t number; /* found failures with equal times keep their order */
    const struct model_exchange *exchange;
    int direction;
};

struct finder {
    const struct model_session *session;
    struct found *found;
    size_t count, capacity;
    size_t index; /* of the connection looked at */
};

static void add(struct finder *finder, enum failure_kind kind, int64_t t_ns, const struct model_exchange *exchange,
                int direction)
{
    finder->found = memory_grow(finder->found, finder->count, &finder->capacity, sizeof *finder->found);
    finder->found[finder->count] = (struct found){.t_ns = t_ns,
                                                  .kind = kind,
                                                  .index = finder->index,
                                                  .number = finder->count,
                                                  .exchange = exchange,
                                                  .direction = direction};
    finder->count++;
}

/* ---------------------------------------------------------------- finding */

/* Return whether the response was cut off. (What was not followed is a violation, and a tunnel has no end.) */
static bool cut_off(const struct model_exchange *x)
{
    return x->response.end_ns != MODEL_NONE && (x->response.cause == MITM__HTTP_END_CAUSE__TRUNCATED ||
                                                x->response.cause == MITM__HTTP_END_CAUSE__STREAM_RESET);
}

/* Return the kind of what was said in `direction`; `by_client`: that of the client. The server's follows it. */
static enum failure_kind said_by(enum failure_kind by_client, int direction)
{
    return (enum failure_kind)((int)by_client + (direction == MODEL_TO_CLIENT));
}

/* Find what became of the exchange's stream; return false if it was not reset before its response was complete. */
static bool find_reset(struct finder *finder, const struct model_exchange *x)
{
    enum { NO_ERROR = 0 };
    if (!x->h2 || x->h2->reset_ns == MODEL_NONE || metrics_complete(x))
        return false;
    bool failed = x->h2->reset_error != NO_ERROR;
    if (metrics_canceled(x))
        add(finder, FAILURE_CANCELED, x->h2->reset_ns, x, MODEL_TO_SERVER);
    else if (failed)
        add(finder, said_by(FAILURE_STREAM_CLIENT, (int)x->h2->reset_direction), x->h2->reset_ns, x, MODEL_TO_CLIENT);
    return metrics_canceled(x) || failed;
}

static void find_of_exchange(struct finder *finder, const struct model_connection *c, const struct model_exchange *x)
{
    enum { FIRST_ERROR = 400 };
    if (x->has_status && x->status >= FIRST_ERROR && x->response.start_ns != MODEL_NONE)
        add(finder, FAILURE_STATUS, x->response.start_ns, x, MODEL_TO_CLIENT);
    if (find_reset(finder, x))
        return;
    if (cut_off(x))
        add(finder, FAILURE_RESPONSE, x->response.end_ns, x, MODEL_TO_CLIENT);
    else if (x->has_request && !x->has_response && !model_connection_open(c))
        add(finder, FAILURE_RESPONSE, c->end_ns, x, MODEL_TO_CLIENT);
}

/* Find fatal alerts, or else that the handshake did not end. */
static void find_of_tls(struct finder *finder, const struct model_connection *c)
{
    const struct model_tls *tls = c->tls;
    bool alerted = false;
    for (int direction = 0; direction < MODEL_DIRECTIONS; direction++) {
        if (model_alert_fatal(&tls->alerts[direction])) {
            add(finder, said_by(FAILURE_TLS_CLIENT, direction), tls->alerts[direction].t_ns, NULL, direction);
            alerted = true;
        }
    }
    bool followed = c->streams[MODEL_TO_SERVER].violation.t_ns == MODEL_NONE &&
                    c->streams[MODEL_TO_CLIENT].violation.t_ns == MODEL_NONE;
    bool ended = tls->end_ns != MODEL_NONE || c->exchange_count > 0 || model_connection_open(c) || !followed;
    if (!alerted && !ended && tls->client_hello_ns != MODEL_NONE)
        add(finder, FAILURE_TLS_END, c->end_ns, NULL, MODEL_TO_SERVER);
}

static void find_of_http2(struct finder *finder, const struct model_http2 *http2)
{
    for (int direction = 0; direction < MODEL_DIRECTIONS; direction++) {
        if (http2->go_away_ns[direction] != MODEL_NONE && http2->go_away_error[direction] != 0)
            add(finder, said_by(FAILURE_GO_AWAY_CLIENT, direction), http2->go_away_ns[direction], NULL, direction);
    }
}

static void find_of_connection(struct finder *finder, const struct model_connection *c)
{
    bool unanswered = c->socks_start_ns != MODEL_NONE && c->socks_end_ns == MODEL_NONE && !model_connection_open(c);
    if (metrics_socks_failed(c))
        add(finder, FAILURE_SOCKS, c->socks_end_ns, NULL, MODEL_TO_CLIENT);
    else if (unanswered)
        add(finder, FAILURE_SOCKS, c->end_ns, NULL, MODEL_TO_CLIENT);
    for (const struct model_exchange *x = model_first_exchange(finder->session, c); x;
         x = model_next_exchange(finder->session, x))
        find_of_exchange(finder, c, x);
    for (int direction = 0; direction < MODEL_DIRECTIONS; direction++) {
        if (c->streams[direction].violation.t_ns != MODEL_NONE)
            add(finder, FAILURE_PROTOCOL, c->streams[direction].violation.t_ns, NULL, direction);
    }
    if (c->tls)
        find_of_tls(finder, c);
    if (c->http2)
        find_of_http2(finder, c->http2);
    bool broken = c->end_cause == MITM__END_CAUSE__RESET || c->end_cause == MITM__END_CAUSE__CONNECTION_ERROR;
    if (c->end_ns != MODEL_NONE && broken && !metrics_socks_failed(c)) /* a client resets what was refused, too */
        add(finder, FAILURE_CONNECTION, c->end_ns, NULL, MODEL_TO_CLIENT);
}

static int compare(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    if (x->t_ns != y->t_ns)
        return x->t_ns < y->t_ns ? -1 : 1;
    return x->number < y->number ? -1 : 1;
}

/* ---------------------------------------------------------------- words */

static void put(FILE *out, struct text text)
{
    if (text.len > 0)
        fwrite(text.data, 1, text.len, out);
}

/* "GET /logo.png" */
static void put_request(FILE *out, const struct model_exchange *x)
{
    if (!x->has_request) {
        fputs("an unknown request", out);
        return;
    }
    put(out, x->method);
    putc(' ', out);
    put(out, x->target);
}

static void put_socks(FILE *out, const struct model_connection *c)
{
    if (c->socks_end_ns == MODEL_NONE) {
        fputs("The connection ended before the SOCKS request was answered.", out);
        return;
    }
    fputs("The SOCKS request failed: ", out);
    words_print_socks_reply(out, c->reply);
    fputs(c->reply_origin == MITM__REPLY_ORIGIN__PROXY ? ", said by mitm-proxy itself." : ".", out);
}

static void put_response(FILE *out, const struct model_exchange *x)
{
    fputs(cut_off(x) ? "The response was cut off: " : "There was no response: ", out);
    put_request(out, x);
    if (cut_off(x) && x->response.body_bytes != MODEL_NONE)
        fprintf(out, " (after %" PRId64 " bytes of its body)", x->response.body_bytes);
    putc('.', out);
}

static void put_status(FILE *out, const struct model_exchange *x)
{
    fprintf(out, "The server answered %" PRIu32, x->status);
    if (x->reason.len > 0) {
        putc(' ', out);
        put(out, x->reason);
    }
    fputs(" to ", out);
    put_request(out, x);
    putc('.', out);
}

static void put_violation(FILE *out, const struct model_connection *c, int direction)
{
    const struct model_violation *violation = &c->streams[direction].violation;
    const char *words = words_violation(violation->kind);
    fprintf(out, "The %s broke the protocol: %s", direction == MODEL_TO_SERVER ? "client" : "server",
            words ? words : "unknown violation");
    if (violation->detail.len > 0) {
        fputs(": ", out);
        put(out, violation->detail);
    }
    putc('.', out);
}

/* Return who reset the connection: the side whose direction ended so. NULL: not known. */
static const char *who_reset(const struct model_connection *c)
{
    bool client = c->streams[MODEL_TO_SERVER].end_cause == MITM__END_CAUSE__RESET;
    bool server = c->streams[MODEL_TO_CLIENT].end_cause == MITM__END_CAUSE__RESET;
    return client == server ? NULL : client ? "client" : "server";
}

static void put_connection(FILE *out, const struct model_connection *c)
{
    const char *who = who_reset(c);
    if (c->end_cause == MITM__END_CAUSE__RESET)
        fprintf(out, "The connection was reset%s%s.", who ? " by the " : "", who ? who : "");
    else if (c->connect_error != 0)
        fprintf(out, "The connection failed: %s.", strerror((int)(c->connect_error & INT32_MAX)));
    else
        fputs("The connection failed.", out);
}

static const char *side(int direction)
{
    return direction == MODEL_TO_SERVER ? "client" : "server";
}

/* "handshake_failure (40)" */
static void put_code(FILE *out, const char *name, uint32_t code)
{
    fprintf(out, "%s (%" PRIu32 ")", name ? name : "unknown code", code);
}

static void put_tls(FILE *out, const struct model_connection *c, int direction)
{
    const struct model_alert *alert = &c->tls->alerts[direction];
    fprintf(out, "The %s gave up TLS%s: ", side(direction), c->tls->end_ns == MODEL_NONE ? " in the handshake" : "");
    put_code(out, words_tls_alert(alert->description), alert->description);
    putc('.', out);
}

static void put_stream(FILE *out, const struct model_exchange *x)
{
    if (metrics_canceled(x)) {
        fputs("The client canceled ", out);
    } else {
        fprintf(out, "The %s reset the stream, ", side((int)x->h2->reset_direction));
        put_code(out, words_http2_error(x->h2->reset_error), x->h2->reset_error);
        fputs(": ", out);
    }
    put_request(out, x);
    putc('.', out);
}

static void put_go_away(FILE *out, const struct model_connection *c, int direction)
{
    fprintf(out, "The %s gave up the HTTP/2 connection: ", side(direction));
    put_code(out, words_http2_error(c->http2->go_away_error[direction]), c->http2->go_away_error[direction]);
    putc('.', out);
}

static void put_sentence(FILE *out, const struct model_connection *c, const struct found *found)
{
    switch (found->kind) {
    case FAILURE_SOCKS:
        put_socks(out, c);
        break;
    case FAILURE_CONNECTION:
        put_connection(out, c);
        break;
    case FAILURE_TLS_END:
        fputs("The connection ended before the TLS handshake did.", out);
        break;
    case FAILURE_TLS_CLIENT:
    case FAILURE_TLS_SERVER:
        put_tls(out, c, found->direction);
        break;
    case FAILURE_RESPONSE:
        put_response(out, found->exchange);
        break;
    case FAILURE_STREAM_CLIENT:
    case FAILURE_STREAM_SERVER:
    case FAILURE_CANCELED:
        put_stream(out, found->exchange);
        break;
    case FAILURE_GO_AWAY_CLIENT:
    case FAILURE_GO_AWAY_SERVER:
        put_go_away(out, c, found->direction);
        break;
    case FAILURE_PROTOCOL:
        put_violation(out, c, found->direction);
        break;
    case FAILURE_STATUS:
    case FAILURE_KINDS:
        put_status(out, found->exchange);
        break;
    }
}

static FILE *text_stream(char **text, size_t *len)
{
    FILE *out = open_memstream(text, len);
    if (!out)
        abort();
    return out;
}

static struct failure in_words(const struct model_session *session, const struct found *found)
{
    const struct model_connection *c = model_connection(session, found->index);
    struct failure failure = {.t_ns = found->t_ns, .kind = found->kind, .connection = c->id, .index = found->index};
    FILE *out = text_stream(&failure.server, &failure.server_len);
    put(out, c->host);
    if (c->port != 0)
        fprintf(out, ":%" PRIu32, c->port);
    if (fclose(out) != 0)
        abort();
    out = text_stream(&failure.sentence, &failure.sentence_len);
    put_sentence(out, c, found);
    if (fclose(out) != 0)
        abort();
    return failure;
}

/* ---------------------------------------------------------------- the list */

static void find(struct finder *finder, const bool *shown)
{
    for (finder->index = 0; finder->index < finder->session->connection_count; finder->index++) {
        if (!shown || shown[finder->index])
            find_of_connection(finder, model_connection(finder->session, finder->index));
    }
}

void failures_init(struct failures *failures, const struct model_session *session, const bool *shown, size_t max)
{
    struct finder finder = {.session = session};
    find(&finder, shown);
    if (finder.count > 0)
        qsort(finder.found, finder.count, sizeof *finder.found, compare);
    size_t n = max > 0 && finder.count > max ? max : finder.count;
    *failures =
        (struct failures){.list = memory_new(n, sizeof *failures->list), .count = n, .left_out = finder.count - n};
    for (size_t i = 0; i < n; i++)
        failures->list[i] = in_words(session, &finder.found[i]);
    free(finder.found);
}

void failures_fini(struct failures *failures)
{
    for (size_t i = 0; i < failures->count; i++) {
        free(failures->list[i].server);
        free(failures->list[i].sentence);
    }
    free(failures->list);
    *failures = (struct failures){0};
}

/* ---------------------------------------------------------------- classes */

static uint32_t code_of(const struct model_connection *c, const struct found *found)
{
    switch (found->kind) {
    case FAILURE_SOCKS:
        return c->socks_end_ns == MODEL_NONE ? FAILURE_NO_REPLY : c->reply;
    case FAILURE_TLS_END:
        return 0;
    case FAILURE_TLS_CLIENT:
    case FAILURE_TLS_SERVER:
        return c->tls->alerts[found->direction].description;
    case FAILURE_RESPONSE:
        return cut_off(found->exchange);
    case FAILURE_STREAM_CLIENT:
    case FAILURE_STREAM_SERVER:
    case FAILURE_CANCELED:
        return found->exchange->h2->reset_error;
    case FAILURE_GO_AWAY_CLIENT:
    case FAILURE_GO_AWAY_SERVER:
        return c->http2->go_away_error[found->direction];
    case FAILURE_CONNECTION:
        return c->end_cause;
    case FAILURE_PROTOCOL:
        return c->streams[found->direction].violation.kind;
    case FAILURE_STATUS:
    case FAILURE_KINDS:
        break;
    }
    return found->exchange->status;
}

static int compare_classes(const void *a, const void *b)
{
    const struct failure_class *x = a, *y = b;
    if (x->server != y->server)
        return x->server < y->server ? -1 : 1;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    return x->code < y->code ? -1 : x->code > y->code;
}

struct failure_class *failures_classes(const struct model_session *session, size_t *count)
{
    struct finder finder = {.session = session};
    find(&finder, NULL);
    struct failure_class *classes = memory_new(finder.count, sizeof *classes);
    for (size_t i = 0; i < finder.count; i++) {
        const struct model_connection *c = model_connection(session, finder.found[i].index);
        const struct found *found = &finder.found[i];
        classes[i] = (struct failure_class){c->server, found->kind, code_of(c, found), 1};
    }
    if (finder.count > 0)
        qsort(classes, finder.count, sizeof *classes, compare_classes);
    size_t n = 0;
    for (size_t i = 0; i < finder.count; i++) {
        if (n > 0 && compare_classes(&classes[n - 1], &classes[i]) == 0)
            classes[n - 1].count++;
        else
            classes[n++] = classes[i];
    }
    free(finder.found);
    *count = n;
    return classes;
}

bool failures_of_connections(enum failure_kind kind)
{
    return kind != FAILURE_RESPONSE && kind != FAILURE_STATUS && kind != FAILURE_STREAM_CLIENT &&
           kind != FAILURE_STREAM_SERVER && kind != FAILURE_CANCELED;
}

void failures_print_class(FILE *out, const struct failure_class *class)
{
    const char *words;
    switch (class->kind) {
    case FAILURE_SOCKS:
        fputs("SOCKS: ", out);
        if (class->code == FAILURE_NO_REPLY)
            fputs("no reply", out);
        else
            words_print_socks_reply(out, class->code);
        break;
    case FAILURE_TLS_END:
        fputs("TLS: handshake not finished", out);
        break;
    case FAILURE_TLS_CLIENT:
    case FAILURE_TLS_SERVER:
        fprintf(out, "TLS alert of the %s: ", side(class->kind == FAILURE_TLS_SERVER));
        put_code(out, words_tls_alert(class->code), class->code);
        break;
    case FAILURE_RESPONSE:
        fputs(class->code ? "response cut off" : "no response", out);
        break;
    case FAILURE_STREAM_CLIENT:
    case FAILURE_STREAM_SERVER:
        fprintf(out, "stream reset by the %s: ", side(class->kind == FAILURE_STREAM_SERVER));
        put_code(out, words_http2_error(class->code), class->code);
        break;
    case FAILURE_GO_AWAY_CLIENT:
    case FAILURE_GO_AWAY_SERVER:
        fprintf(out, "HTTP/2 given up by the %s: ", side(class->kind == FAILURE_GO_AWAY_SERVER));
        put_code(out, words_http2_error(class->code), class->code);
        break;
    case FAILURE_CANCELED:
        fputs("canceled by the client", out);
        break;
    case FAILURE_CONNECTION:
        fputs(class->code == MITM__END_CAUSE__RESET ? "connection reset" : "connection failed", out);
        break;
    case FAILURE_PROTOCOL:
        words = words_violation(class->code);
        fprintf(out, "protocol broken: %s", words ? words : "unknown violation");
        break;
    case FAILURE_STATUS:
    case FAILURE_KINDS:
        fprintf(out, "HTTP status %" PRIu32, class->code);
        break;
    }
}
