#include "analyze/connections.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/connections_parts.h"
#include "analyze/escape.h"
#include "analyze/format.h"
#include "base/memory.h"
#include "analyze/words.h"

void connections_put(struct connections_lines *lines, struct text text)
{
    if (!lines->raw)
        escape_print(lines->value, text);
    else if (text.len > 0)
        fwrite(text.data, 1, text.len, lines->value);
}

bool connections_begin(struct connections_lines *lines, int64_t t_ns, const char *event,
                       const struct model_headers *headers)
{
    if (t_ns == MODEL_NONE)
        return false;
    lines->lines = memory_grow(lines->lines, lines->count, &lines->capacity, sizeof *lines->lines);
    lines->lines[lines->count] =
        (struct connections_line){.t_ns = t_ns, .number = lines->count, .event = event, .headers = headers};
    lines->value = open_memstream(&lines->value_text, &lines->value_len);
    if (!lines->value)
        abort();
    return true;
}

void connections_end(struct connections_lines *lines)
{
    if (fclose(lines->value) != 0)
        abort();
    struct connections_line *line = &lines->lines[lines->count++];
    line->value = lines->value_text;
    line->value_len = lines->value_len;
}

void connections_add(struct connections_lines *lines, int64_t t_ns, const char *event, const char *format, ...)
{
    if (!connections_begin(lines, t_ns, event, NULL))
        return;
    va_list arguments;
    va_start(arguments, format);
    vfprintf(lines->value, format, arguments);
    va_end(arguments);
    connections_end(lines);
}

/* Add the line of an event with a recorded text and, if `port` is not negative, a port. */
static void add_text_line(struct connections_lines *lines, int64_t t_ns, const char *event, struct text text,
                          int64_t port)
{
    if (!connections_begin(lines, t_ns, event, NULL))
        return;
    connections_put(lines, text);
    if (port >= 0)
        fprintf(lines->value, ":%" PRId64, port);
    connections_end(lines);
}

static const char *or_unknown(const char *words)
{
    return words ? words : "unknown";
}

/* ---------------------------------------------------------------- SOCKS */

static void add_greeting(struct connections_lines *lines, const struct model_connection *c)
{
    if (connections_begin(lines, c->methods_ns, "SocksMethodsOffered", NULL)) {
        for (uint32_t i = 0; i < c->methods.len; i++) {
            const char *words = words_socks_method(c->methods.data[i]);
            fputs(i > 0 ? ", " : "", lines->value);
            if (words)
                fputs(words, lines->value);
            else
                fprintf(lines->value, "method %02X", c->methods.data[i]);
        }
        connections_end(lines);
    }
    const char *method = words_socks_method(c->method);
    if (method)
        connections_add(lines, c->method_ns, "SocksMethodChosen", "%s", method);
    else
        connections_add(lines, c->method_ns, "SocksMethodChosen", "method %02" PRIX32, c->method);
    if (connections_begin(lines, c->auth_start_ns, "SocksAuthStart", NULL)) {
        fprintf(lines->value, "credential %" PRIu32 ", user name ", c->credential);
        connections_put(lines, c->username);
        connections_end(lines);
    }
    if (c->auth_status == 0)
        connections_add(lines, c->auth_end_ns, "SocksAuthEnd", "accepted");
    else
        connections_add(lines, c->auth_end_ns, "SocksAuthEnd", "refused (status %" PRIu32 ")", c->auth_status);
}

static bool is_connect(const struct model_connection *c)
{
    enum { CONNECT = 1 };
    return c->command == CONNECT;
}

static void add_request(struct connections_lines *lines, const struct model_connection *c)
{
    if (!connections_begin(lines, c->socks_start_ns, "SocksRequestStart", NULL))
        return;
    if (!is_connect(c))
        fprintf(lines->value, "%s ", or_unknown(words_socks_command(c->command)));
    connections_put(lines, c->host);
    connections_end(lines);
}

static void add_reply(struct connections_lines *lines, const struct model_connection *c)
{
    if (!connections_begin(lines, c->socks_end_ns, "SocksResponseEnd", NULL))
        return;
    if (c->reply != 0) {
        words_print_socks_reply(lines->value, c->reply);
        if (c->reply_origin == MITM__REPLY_ORIGIN__PROXY)
            fputs(", from mitm-proxy itself", lines->value);
    } else {
        /* The name asked for, as in 2011; the answer where one was asked for. */
        connections_put(lines, is_connect(c) ? c->host : c->bound_address);
    }
    connections_end(lines);
}

/* Add that a request which arrived at from_ns was held back until sent_ns. */
static void add_delay(struct connections_lines *lines, int64_t from_ns, int64_t sent_ns)
{
    char buffer[FORMAT_BYTES];
    if (from_ns != MODEL_NONE && sent_ns >= from_ns)
        connections_add(lines, sent_ns, "Delay", "held back for %s, as set", format_seconds(buffer, sent_ns - from_ns));
    else
        connections_add(lines, sent_ns, "Delay", "held back, as set");
}

static void add_connecting(struct connections_lines *lines, const struct model_connection *c)
{
    char count[FORMAT_BYTES];
    add_text_line(lines, c->resolve_start_ns, "ResolveStart", c->host, -1);
    if (c->resolve_error.data) {
        add_text_line(lines, c->resolve_end_ns, "ResolveEnd", c->resolve_error, -1);
    } else if (connections_begin(lines, c->resolve_end_ns, "ResolveEnd", NULL)) {
        connections_put(lines, c->resolve_first_address);
        if (c->resolve_addresses > 1)
            fprintf(lines->value, " and %s more", format_count(count, c->resolve_addresses - 1));
        connections_end(lines);
    }
    if (c->connect_attempts > 1)
        connections_add(lines, c->connect_start_ns, "ConnectStart", "%" PRIu32 " attempts", c->connect_attempts);
    else
        add_text_line(lines, c->connect_start_ns, "ConnectStart", c->connect_address, c->connect_port);
    if (connections_begin(lines, c->connect_end_ns, "ConnectEnd", NULL)) {
        connections_put(lines, c->connect_address);
        fprintf(lines->value, ":%" PRIu32, c->connect_port);
        if (c->connect_error != 0)
            fprintf(lines->value, ": %s", strerror((int)(c->connect_error & INT32_MAX)));
        connections_end(lines);
    }
}

/* ---------------------------------------------------------------- HTTP */

static void add_request_start(struct connections_lines *lines, const struct model_exchange *x)
{
    if (!connections_begin(lines, x->request.start_ns, "HttpRequestStart", &x->request.headers))
        return;
    connections_put(lines, x->method);
    putc(' ', lines->value);
    connections_put(lines, x->target);
    if (x->target_omitted_bytes > 0)
        fprintf(lines->value, "… (%" PRIu64 " bytes more)", x->target_omitted_bytes);
    if (x->request.version.len > 0) {
        fputs(" HTTP/", lines->value);
        connections_put(lines, x->request.version);
    }
    connections_put_stream(lines, x);
    connections_end(lines);
}

static void add_response_start(struct connections_lines *lines, const struct model_exchange *x)
{
    if (!connections_begin(lines, x->response.start_ns, "HttpResponseStart", &x->response.headers))
        return;
    fputs("HTTP/", lines->value);
    connections_put(lines, x->response.version);
    if (x->has_status)
        fprintf(lines->value, " %" PRIu32, x->status);
    if (x->reason.len > 0) {
        putc(' ', lines->value);
        connections_put(lines, x->reason);
    }
    connections_put_number(lines, x);
    connections_end(lines);
}

/* Add the size of a message's body at its end, or how much of it there is where it has no end. */
static void add_message_end(struct connections_lines *lines, const struct model_exchange *x,
                            const struct model_message *message, const char *end, const char *body)
{
    int64_t decoded_bytes = message == &x->response ? x->decoded_bytes : MODEL_NONE;
    if (message->end_ns == MODEL_NONE && message->pieces > 0)
        connections_add(lines, message->head_ns != MODEL_NONE ? message->head_ns : message->start_ns, body,
                        "%" PRId64 " bytes so far, in %" PRIu32 " piece%s", message->body_bytes, message->pieces,
                        message->pieces == 1 ? "" : "s");
    if (!connections_begin(lines, message->end_ns, end, &message->trailers))
        return;
    const char *cause = words_http_end_cause(message->cause);
    if (message->body_bytes != MODEL_NONE)
        fprintf(lines->value, "%" PRId64, message->body_bytes);
    if (decoded_bytes != MODEL_NONE)
        fprintf(lines->value, " (%" PRId64 " decoded)", decoded_bytes);
    if (cause)
        fprintf(lines->value, "%s%s", message->body_bytes != MODEL_NONE ? ", " : "", cause);
    connections_put_number(lines, x);
    connections_end(lines);
}

static void add_exchange(struct connections_lines *lines, const struct model_exchange *x)
{
    add_request_start(lines, x);
    add_delay(lines, x->request.start_ns, x->sent_ns);
    /* A request without a body ends with its head: there is nothing to say then. */
    if (x->request.body_bytes > 0 || words_http_end_cause(x->request.cause))
        add_message_end(lines, x, &x->request, "HttpRequestEnd", "HttpRequestBody");
    connections_add(lines, x->informational_ns, "HttpInformational", "%" PRIu32, x->informational_status);
    add_response_start(lines, x);
    add_message_end(lines, x, &x->response, "HttpResponseEnd", "HttpResponseBody");
    connections_add_stream(lines, x);
}

/* ---------------------------------------------------------------- the rest */

static void add_stream(struct connections_lines *lines, const struct model_connection *c, int direction)
{
    static const char *const names[MODEL_DIRECTIONS] = {"to server", "to client"};
    const struct model_stream *stream = &c->streams[direction];
    const struct model_violation *violation = &stream->violation;
    const struct model_hold *hold = &stream->hold;
    char bytes[FORMAT_BYTES], pieces[FORMAT_BYTES], until[FORMAT_BYTES];
    if (hold->first_ns != MODEL_NONE)
        connections_add(lines, hold->first_ns, "RateLimited", "%s: held back for %s in all, until %s, as set",
                        names[direction], format_seconds(bytes, model_number(hold->held_ns)),
                        format_moment(until, hold->last_ns));
    if (stream->opaque_pieces > 0)
        connections_add(lines, stream->opaque_first_ns, c->tls && !c->tls->decrypted ? "TlsData" : "OpaqueData",
                        "%s: %s bytes in %s piece%s, until %s", names[direction],
                        format_count(bytes, stream->opaque_bytes), format_count(pieces, stream->opaque_pieces),
                        stream->opaque_pieces == 1 ? "" : "s", format_moment(until, stream->opaque_last_ns));
    if (connections_begin(lines, violation->t_ns, "Violation", NULL)) {
        fprintf(lines->value, "%s: %s", names[direction], or_unknown(words_violation(violation->kind)));
        if (violation->has_offset)
            fprintf(lines->value, " at byte %s", format_count(bytes, violation->offset_bytes));
        if (violation->detail.len > 0) {
            fputs(": ", lines->value);
            connections_put(lines, violation->detail);
        }
        connections_end(lines);
    }
    if (connections_begin(lines, stream->end_ns, "EndOfStream", NULL)) {
        fprintf(lines->value, "%s: %s", names[direction], or_unknown(words_end_cause(stream->end_cause)));
        if (stream->end_error != 0)
            fprintf(lines->value, " (%s)", strerror((int)(stream->end_error & INT32_MAX)));
        connections_end(lines);
    }
}

static const char *count_or_missing(char to[FORMAT_BYTES], int64_t count)
{
    return count == MODEL_NONE ? "–" : format_count(to, (uint64_t)count);
}

static void add_end(struct connections_lines *lines, const struct model_connection *c)
{
    char sent[FORMAT_BYTES], received[FORMAT_BYTES];
    if (!connections_begin(lines, c->end_ns, "ConnectionEnd", NULL))
        return;
    fprintf(lines->value, "%s; %s bytes to server, %s to client", or_unknown(words_end_cause(c->end_cause)),
            count_or_missing(sent, model_connection_bytes(c, MODEL_TO_SERVER)),
            count_or_missing(received, model_connection_bytes(c, MODEL_TO_CLIENT)));
    connections_end(lines);
}

static void add_all(struct connections_lines *lines, const struct model_session *session,
                    const struct model_connection *c)
{
    add_text_line(lines, c->start_ns, "ConnectionStart", c->client_address, c->client_port);
    add_greeting(lines, c);
    add_request(lines, c);
    add_delay(lines, c->socks_start_ns, c->socks_sent_ns);
    add_connecting(lines, c);
    add_reply(lines, c);
    connections_add(lines, c->protocol_ns, "ProtocolDetected", "%s", or_unknown(words_protocol(c->protocol)));
    connections_add_protocols(lines, c);
    for (const struct model_exchange *x = model_first_exchange(session, c); x; x = model_next_exchange(session, x))
        add_exchange(lines, x);
    for (int direction = 0; direction < MODEL_DIRECTIONS; direction++)
        add_stream(lines, c, direction);
    add_end(lines, c);
}

static int compare(const void *a, const void *b)
{
    const struct connections_line *x = a, *y = b;
    if (x->t_ns != y->t_ns)
        return x->t_ns < y->t_ns ? -1 : 1;
    return x->number < y->number ? -1 : 1;
}

struct connections_line *connections_lines_new(const struct model_session *session,
                                               const struct model_connection *connection, bool raw, size_t *count)
{
    struct connections_lines lines = {.raw = raw};
    add_all(&lines, session, connection);
    if (lines.count > 0)
        qsort(lines.lines, lines.count, sizeof *lines.lines, compare);
    *count = lines.count;
    return lines.lines;
}

void connections_lines_free(struct connections_line *lines, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(lines[i].value);
    free(lines);
}

static void print_headers(FILE *out, const struct model_headers *headers)
{
    struct text name, value;
    for (size_t at = 0; model_headers_next(headers, &at, &name, &value);) {
        fputs("           ", out);
        escape_print(out, name);
        fputs(": ", out);
        escape_print(out, value);
        putc('\n', out);
    }
    if (headers->omitted > 0)
        fprintf(out, "           (%" PRIu32 " more were not recorded)\n", headers->omitted);
}

void connections_print(FILE *out, const struct model_session *session, const struct model_connection *connection,
                       bool all_headers)
{
    fprintf(out, "%" PRIu32 "  ", connection->id);
    if (connection->server == MODEL_NO_INDEX) {
        fputs("(no request)  –", out);
    } else {
        escape_print(out, connection->host);
        fprintf(out, "  %" PRIu32, connection->port);
    }
    fprintf(out, "  (%s)", model_connection_open(connection) ? "open" : "closed");
    char protocol[WORDS_PROTOCOL_BYTES];
    if (connection->tls || connection->http2)
        fprintf(out, "  %s", words_connection_protocol(protocol, session, connection));
    putc('\n', out);
    size_t count;
    struct connections_line *lines = connections_lines_new(session, connection, false, &count);
    for (size_t i = 0; i < count; i++) {
        const struct connections_line *line = &lines[i];
        char moment[FORMAT_BYTES];
        fprintf(out, "%s  %-19s%s%s\n", format_moment(moment, line->t_ns), line->event, line->value[0] ? "  " : "",
                line->value);
        if (all_headers && line->headers)
            print_headers(out, line->headers);
    }
    connections_lines_free(lines, count);
}
