/* Events of HTTP. */
#include <string.h>
#include <strings.h>

#include "analyze/fold_parts.h"
#include "base/memory.h"

struct model_exchange fold_new_exchange(uint32_t id)
{
    struct model_message message = {.start_ns = MODEL_NONE,
                                    .head_ns = MODEL_NONE,
                                    .end_ns = MODEL_NONE,
                                    .body_bytes = MODEL_NONE,
                                    .head_bytes = MODEL_NONE};
    return (struct model_exchange){.id = id,
                                   .next = MODEL_NO_INDEX,
                                   .request = message,
                                   .response = message,
                                   .informational_ns = MODEL_NONE,
                                   .decoded_bytes = MODEL_NONE,
                                   .sent_ns = MODEL_NONE};
}

/* Fields are kept as: length of name, length of value (as uint32_t), name, value. */
static struct model_headers keep_headers(struct texts *texts, Mitm__Header **headers, size_t n)
{
    size_t len = 0;
    for (size_t i = 0; i < n; i++)
        len += 2 * sizeof(uint32_t) + headers[i]->name.len + headers[i]->value.len;
    if (len == 0)
        return (struct model_headers){0};
    uint8_t *p = texts_reserve(texts, len);
    struct model_headers kept = {.data = p, .len = len};
    for (size_t i = 0; i < n; i++) {
        const ProtobufCBinaryData parts[2] = {headers[i]->name, headers[i]->value};
        for (int k = 0; k < 2; k++) {
            uint32_t part_len = (uint32_t)parts[k].len;
            memcpy(p, &part_len, sizeof part_len);
            p += sizeof part_len;
        }
        for (int k = 0; k < 2; k++) {
            if (parts[k].len > 0)
                memcpy(p, parts[k].data, parts[k].len);
            p += parts[k].len;
        }
    }
    return kept;
}

bool model_headers_next(const struct model_headers *headers, size_t *at, struct text *name, struct text *value)
{
    if (*at >= headers->len)
        return false;
    memcpy(&name->len, headers->data + *at, sizeof name->len);
    memcpy(&value->len, headers->data + *at + sizeof name->len, sizeof value->len);
    name->data = headers->data + *at + 2 * sizeof name->len;
    value->data = name->data + name->len;
    *at += 2 * sizeof name->len + name->len + value->len;
    return true;
}

/* What the two directions of HTTP have in common. */
struct http_context {
    struct model_session *session;
    struct model_connection *connection;
    struct texts *texts;
    bool keep_headers;
    int64_t t_ns;
    int direction;
};

static void message_head(const struct http_context *ctx, struct model_message *message, Mitm__Header **headers,
                         size_t n, bool has_head_bytes, uint64_t head_bytes, uint32_t omitted)
{
    if (message->head_ns != MODEL_NONE)
        return;
    message->head_ns = ctx->t_ns;
    if (has_head_bytes) {
        message->head_bytes = model_number(head_bytes);
        see_bytes(ctx->session, ctx->connection, ctx->direction, head_bytes, ctx->t_ns);
    }
    if (ctx->keep_headers)
        message->headers = keep_headers(ctx->texts, headers, n);
    message->headers.omitted = omitted;
}

static void message_body(const struct http_context *ctx, struct model_message *message, uint64_t len_bytes,
                         uint32_t chunks)
{
    message->pieces += message->pieces < UINT32_MAX;
    message->chunks = message->chunks > UINT32_MAX - chunks ? UINT32_MAX : message->chunks + chunks;
    see_bytes(ctx->session, ctx->connection, ctx->direction, len_bytes, ctx->t_ns);
    if (message->end_ns == MODEL_NONE) {
        uint64_t before = message->body_bytes == MODEL_NONE ? 0 : (uint64_t)message->body_bytes;
        message->body_bytes = model_number(rate_sum(before, len_bytes));
    }
}

/* Note when the body of `x` reached the sizes of enum model_mass with the piece `ev`. */
static void note_masses(struct model_exchange *x, const Mitm__HttpResponseBody *ev, int64_t t_ns)
{
    static const uint64_t masses[MODEL_MASSES] = {
        [MODEL_50_KIB] = 51200, [MODEL_512_KIB] = 524288, [MODEL_1_MIB] = 1048576, [MODEL_5_MIB] = 5242880};
    if (x->response.end_ns != MODEL_NONE)
        return;
    uint64_t seen = x->response.body_bytes == MODEL_NONE ? 0 : (uint64_t)x->response.body_bytes;
    uint64_t from = ev->has_offset_bytes ? ev->offset_bytes : seen;
    uint64_t to = rate_sum(from, ev->len_bytes);
    if (to < masses[0])
        return;
    for (int i = 0; i < MODEL_MASSES; i++) {
        if (from >= masses[i] || to < masses[i])
            continue;
        if (!x->reached_ns) {
            x->reached_ns = memory_new(MODEL_MASSES, sizeof *x->reached_ns);
            for (int k = 0; k < MODEL_MASSES; k++)
                x->reached_ns[k] = MODEL_NONE;
        }
        ONCE(x->reached_ns[i], t_ns);
    }
}

/* Count what the end says of the body and no piece of it did (a recording of sizes only): when it came is not known. */
static void count_unseen(const struct http_context *ctx, const struct model_message *message, uint64_t body_bytes)
{
    struct model_stream *stream = &ctx->connection->streams[ctx->direction];
    uint64_t seen = message->body_bytes == MODEL_NONE ? 0 : (uint64_t)message->body_bytes;
    if (body_bytes > seen && !ctx->connection->tls) {
        stream->seen_bytes = rate_sum(stream->seen_bytes, body_bytes - seen);
        stream->sized = true;
    }
}

static void message_end(const struct http_context *ctx, struct model_message *message, bool has_body_bytes,
                        uint64_t body_bytes, uint32_t cause, Mitm__Header **trailers, size_t n)
{
    if (message->end_ns != MODEL_NONE)
        return;
    message->end_ns = ctx->t_ns;
    message->cause = cause;
    if (has_body_bytes) {
        count_unseen(ctx, message, body_bytes);
        message->body_bytes = model_number(body_bytes);
    }
    if (ctx->keep_headers)
        message->trailers = keep_headers(ctx->texts, trailers, n);
}

static bool field_is(const Mitm__Header *field, const char *name)
{
    size_t len = strlen(name);
    return field->has_name && field->name.len == len && strncasecmp((const char *)field->name.data, name, len) == 0;
}

static bool begins_with(ProtobufCBinaryData value, const char *beginning)
{
    size_t len = strlen(beginning);
    return value.len >= len && strncasecmp((const char *)value.data, beginning, len) == 0;
}

static enum model_destination destination(ProtobufCBinaryData value)
{
    static const char *const frames[] = {"iframe", "frame", "embed", "object"};
    if (value.len == 8 && begins_with(value, "document"))
        return MODEL_DOCUMENT;
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
        if (value.len == strlen(frames[i]) && begins_with(value, frames[i]))
            return MODEL_FRAME;
    }
    return MODEL_OTHER_DESTINATION;
}

/* Keep what tells page loads apart (analyze/pages.h). */
static void navigation_fields(struct model_exchange *x, struct texts *texts, const Mitm__HttpRequestHeaders *ev)
{
    for (size_t i = 0; i < ev->n_headers; i++) {
        const Mitm__Header *field = ev->headers[i];
        if (field_is(field, "Referer"))
            x->referer = keep_bytes(texts, field->has_value, field->value);
        else if (field_is(field, "Accept"))
            x->accepts_html = begins_with(field->value, "text/html");
        else if (field_is(field, "Sec-Fetch-Dest"))
            x->destination = (uint8_t)destination(field->value);
    }
}

static void redirection_field(struct model_exchange *x, struct texts *texts, const Mitm__HttpResponseHeaders *ev)
{
    if (!x->has_status || x->status / 100 != 3)
        return;
    for (size_t i = 0; i < ev->n_headers; i++) {
        if (field_is(ev->headers[i], "Location"))
            x->location = keep_bytes(texts, ev->headers[i]->has_value, ev->headers[i]->value);
    }
}

static void request_start(struct model_exchange *x, struct texts *texts, const Mitm__HttpRequestStart *ev, int64_t t_ns)
{
    if (x->request.start_ns != MODEL_NONE)
        return;
    x->request.start_ns = t_ns;
    x->method = keep_bytes(texts, ev->has_method, ev->method);
    x->target = keep_bytes(texts, ev->has_target, ev->target);
    x->target_omitted_bytes = ev->target_omitted_bytes;
    x->request.version = keep_string(texts, ev->version);
}

static void response_start(struct model_exchange *x, struct texts *texts, const Mitm__HttpResponseStart *ev,
                           int64_t t_ns)
{
    if (x->response.start_ns != MODEL_NONE)
        return;
    x->response.start_ns = t_ns;
    x->has_status = ev->has_status;
    x->status = ev->status;
    x->reason = keep_bytes(texts, ev->has_reason, ev->reason);
    x->response.version = keep_string(texts, ev->version);
}

static void informational(const struct http_context *ctx, struct model_exchange *x, const Mitm__HttpInformational *ev)
{
    x->informational += x->informational < UINT32_MAX;
    x->informational_ns = ctx->t_ns;
    x->informational_status = ev->status;
    see_bytes(ctx->session, ctx->connection, MODEL_TO_CLIENT, ev->head_bytes, ctx->t_ns);
}

bool fold_is_http(const Mitm__Record *record)
{
    switch ((int)record->event_case) {
    case MITM__RECORD__EVENT_DELAY:
        return record->delay->has_kind && record->delay->kind == MITM__DELAY_KIND__REQUEST_DELAY;
    case MITM__RECORD__EVENT_HTTP_REQUEST_START:
    case MITM__RECORD__EVENT_HTTP_REQUEST_HEADERS:
    case MITM__RECORD__EVENT_HTTP_REQUEST_BODY:
    case MITM__RECORD__EVENT_HTTP_REQUEST_END:
    case MITM__RECORD__EVENT_HTTP_RESPONSE_START:
    case MITM__RECORD__EVENT_HTTP_RESPONSE_HEADERS:
    case MITM__RECORD__EVENT_HTTP_RESPONSE_BODY:
    case MITM__RECORD__EVENT_HTTP_RESPONSE_END:
    case MITM__RECORD__EVENT_HTTP_INFORMATIONAL:
        return true;
    default:
        return false;
    }
}

static bool is_request(int event)
{
    return event == MITM__RECORD__EVENT_HTTP_REQUEST_START || event == MITM__RECORD__EVENT_HTTP_REQUEST_HEADERS ||
           event == MITM__RECORD__EVENT_HTTP_REQUEST_BODY || event == MITM__RECORD__EVENT_HTTP_REQUEST_END;
}

static void fold_request(const struct http_context *ctx, struct model_exchange *x, const Mitm__Record *record)
{
    if (!x->has_request) {
        x->has_request = true;
        ctx->connection->request_count++;
    }
    if (record->event_case == MITM__RECORD__EVENT_HTTP_REQUEST_START) {
        if (x->request.start_ns == MODEL_NONE)
            fold_http2_request(ctx->connection, x, ctx->texts, record->http_request_start);
        request_start(x, ctx->texts, record->http_request_start, ctx->t_ns);
    } else if (record->event_case == MITM__RECORD__EVENT_HTTP_REQUEST_HEADERS) {
        const Mitm__HttpRequestHeaders *ev = record->http_request_headers;
        if (x->request.head_ns == MODEL_NONE)
            navigation_fields(x, ctx->texts, ev);
        message_head(ctx, &x->request, ev->headers, ev->n_headers, ev->has_head_bytes, ev->head_bytes, ev->omitted);
    } else if (record->event_case == MITM__RECORD__EVENT_HTTP_REQUEST_BODY) {
        message_body(ctx, &x->request, record->http_request_body->len_bytes, record->http_request_body->chunks);
    } else {
        const Mitm__HttpRequestEnd *ev = record->http_request_end;
        message_end(ctx, &x->request, ev->has_body_bytes, ev->body_bytes, ev->has_cause ? (uint32_t)ev->cause : 0,
                    ev->trailers, ev->n_trailers);
    }
}

static void fold_response(const struct http_context *ctx, struct model_exchange *x, const Mitm__Record *record)
{
    if (record->event_case == MITM__RECORD__EVENT_HTTP_INFORMATIONAL) {
        informational(ctx, x, record->http_informational);
        return;
    }
    if (!x->has_response) {
        x->has_response = true;
        ctx->connection->response_count++;
    }
    if (record->event_case == MITM__RECORD__EVENT_HTTP_RESPONSE_START) {
        response_start(x, ctx->texts, record->http_response_start, ctx->t_ns);
    } else if (record->event_case == MITM__RECORD__EVENT_HTTP_RESPONSE_HEADERS) {
        const Mitm__HttpResponseHeaders *ev = record->http_response_headers;
        if (x->response.head_ns == MODEL_NONE)
            redirection_field(x, ctx->texts, ev);
        message_head(ctx, &x->response, ev->headers, ev->n_headers, ev->has_head_bytes, ev->head_bytes, ev->omitted);
    } else if (record->event_case == MITM__RECORD__EVENT_HTTP_RESPONSE_BODY) {
        note_masses(x, record->http_response_body, ctx->t_ns);
        message_body(ctx, &x->response, record->http_response_body->len_bytes, record->http_response_body->chunks);
    } else {
        const Mitm__HttpResponseEnd *ev = record->http_response_end;
        message_end(ctx, &x->response, ev->has_body_bytes, ev->body_bytes, ev->has_cause ? (uint32_t)ev->cause : 0,
                    ev->trailers, ev->n_trailers);
    }
}

void fold_http(struct model_session *session, struct model_connection *c, struct model_exchange *x, struct texts *texts,
               bool keep, const Mitm__Record *record, int64_t t_ns)
{
    struct http_context ctx = {.session = session,
                               .connection = c,
                               .texts = texts,
                               .keep_headers = keep,
                               .t_ns = t_ns,
                               .direction = MODEL_TO_CLIENT};
    if (record->event_case == MITM__RECORD__EVENT_DELAY) {
        ONCE(x->sent_ns, t_ns);
    } else if (is_request((int)record->event_case)) {
        ctx.direction = MODEL_TO_SERVER;
        fold_request(&ctx, x, record);
    } else {
        fold_response(&ctx, x, record);
    }
}
