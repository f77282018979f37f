#include "analyze/fold.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "analyze/memory.h"

/* The first report counts. Set `member` to `value` if it is not known yet. */
#define ONCE(member, value)                                                                                            \
    do {                                                                                                               \
        if ((member) == MODEL_NONE)                                                                                    \
            (member) = (value);                                                                                        \
    } while (0)

static struct text keep_bytes(struct texts *texts, bool has, ProtobufCBinaryData bytes)
{
    return has ? texts_keep(texts, bytes.data, bytes.len) : (struct text){0};
}

static struct text keep_string(struct texts *texts, const char *string)
{
    return string ? texts_keep(texts, string, strlen(string)) : (struct text){0};
}

/* Return the model's index of a direction; MODEL_DIRECTIONS if it is none. */
static int direction_index(bool has, Mitm__Direction direction)
{
    if (has && direction == MITM__DIRECTION__TO_SERVER)
        return MODEL_TO_SERVER;
    return has && direction == MITM__DIRECTION__TO_CLIENT ? MODEL_TO_CLIENT : MODEL_DIRECTIONS;
}

/* ---------------------------------------------------------------- sessions */

static struct text join_command(struct texts *texts, const Mitm__SessionStart *ev)
{
    size_t len = 0;
    for (size_t i = 0; i < ev->n_command; i++)
        len += ev->command[i].len + 1;
    if (len == 0)
        return (struct text){0};
    uint8_t *p = texts_reserve(texts, len);
    struct text joined = {p, (uint32_t)(len - 1)};
    for (size_t i = 0; i < ev->n_command; i++) {
        if (ev->command[i].len > 0)
            memcpy(p, ev->command[i].data, ev->command[i].len);
        p += ev->command[i].len;
        *p++ = ' ';
    }
    return joined;
}

static void session_start(struct model_session *session, struct texts *texts, const Mitm__SessionStart *ev)
{
    if (session->started)
        return;
    session->started = true;
    session->has_wall_clock = ev->has_wall_clock_ns;
    session->wall_clock_ns = ev->wall_clock_ns;
    session->tool = keep_string(texts, ev->tool);
    session->label = keep_string(texts, ev->label);
    session->upstream_kind = ev->has_upstream_kind ? (uint32_t)ev->upstream_kind : 0;
    session->upstream_address = keep_string(texts, ev->upstream_address);
    session->listen_address = keep_string(texts, ev->listen_address);
    session->time_source = ev->has_time_source ? (uint32_t)ev->time_source : 0;
    session->command = join_command(texts, ev);
}

static void session_end(struct model_session *session, const Mitm__SessionEnd *ev)
{
    if (session->ended)
        return;
    session->ended = true;
    session->end_cause = ev->has_cause ? (uint32_t)ev->cause : 0;
    session->has_recorded = ev->has_records;
    session->recorded = ev->records;
    session->has_command_status = ev->has_command_status;
    session->command_status = ev->command_status;
}

static void loss(struct model_session *session, const Mitm__Loss *ev)
{
    uint32_t cause = ev->has_cause ? (uint32_t)ev->cause : 0;
    struct model_loss *loss = &session->losses[cause < MODEL_LOSS_CAUSES ? cause : 0];
    loss->count++;
    loss->events = rate_sum(loss->events, ev->has_events ? ev->events : 0);
    loss->len_bytes = rate_sum(loss->len_bytes, ev->has_len_bytes ? ev->len_bytes : 0);
}

static void proxy_delay(struct model_session *session, const Mitm__ProxyDelay *ev)
{
    session->delay_count = rate_sum(session->delay_count, ev->has_count ? ev->count : 0);
    session->delay_sum_ns = rate_sum(session->delay_sum_ns, ev->has_sum_ns ? ev->sum_ns : 0);
    if (ev->has_max_ns && ev->max_ns > session->delay_max_ns)
        session->delay_max_ns = ev->max_ns;
}

static uint64_t magnitude(int64_t value)
{
    return value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
}

static void clock_step(struct model_session *session, const Mitm__ClockStep *ev)
{
    session->clock_steps++;
    if (ev->has_step_ns && magnitude(ev->step_ns) > magnitude(session->clock_step_max_ns))
        session->clock_step_max_ns = ev->step_ns;
}

void fold_session(struct model_session *session, struct texts *texts, const Mitm__Record *record)
{
    /* Not all cases: the others belong to connections. */
    int event = (int)record->event_case;
    if (fold_control(session, texts, record, model_number(record->t_ns)))
        return;
    if (event == MITM__RECORD__EVENT_SESSION_START)
        session_start(session, texts, record->session_start);
    else if (event == MITM__RECORD__EVENT_SESSION_END)
        session_end(session, record->session_end);
    else if (event == MITM__RECORD__EVENT_LOSS)
        loss(session, record->loss);
    else if (event == MITM__RECORD__EVENT_PROXY_DELAY)
        proxy_delay(session, record->proxy_delay);
    else if (event == MITM__RECORD__EVENT_CLOCK_STEP)
        clock_step(session, record->clock_step);
    else
        session->unknown_events++;
}

/* ---------------------------------------------------------------- connections */

struct model_connection fold_new_connection(uint32_t id)
{
    struct model_stream stream = {.end_ns = MODEL_NONE,
                                  .opaque_first_ns = MODEL_NONE,
                                  .opaque_last_ns = MODEL_NONE,
                                  .violation = {.t_ns = MODEL_NONE},
                                  .hold = {MODEL_NONE, MODEL_NONE, 0}};
    return (struct model_connection){.id = id,
                                     .server = MODEL_NO_INDEX,
                                     .first_ns = MODEL_NONE,
                                     .last_ns = MODEL_NONE,
                                     .start_ns = MODEL_NONE,
                                     .methods_ns = MODEL_NONE,
                                     .method_ns = MODEL_NONE,
                                     .auth_start_ns = MODEL_NONE,
                                     .auth_end_ns = MODEL_NONE,
                                     .socks_start_ns = MODEL_NONE,
                                     .socks_end_ns = MODEL_NONE,
                                     .socks_sent_ns = MODEL_NONE,
                                     .resolve_start_ns = MODEL_NONE,
                                     .resolve_end_ns = MODEL_NONE,
                                     .connect_start_ns = MODEL_NONE,
                                     .connect_end_ns = MODEL_NONE,
                                     .protocol_ns = MODEL_NONE,
                                     .first_exchange = MODEL_NO_INDEX,
                                     .last_exchange = MODEL_NO_INDEX,
                                     .streams = {stream, stream},
                                     .end_ns = MODEL_NONE,
                                     .end_bytes = {MODEL_NONE, MODEL_NONE}};
}

static void connection_start(struct model_connection *c, struct texts *texts, const Mitm__ConnectionStart *ev,
                             int64_t t_ns)
{
    if (c->start_ns != MODEL_NONE)
        return;
    c->start_ns = t_ns;
    c->client_address = keep_string(texts, ev->client_address);
    c->client_port = ev->client_port;
}

static void connection_end(struct model_connection *c, const Mitm__ConnectionEnd *ev, int64_t t_ns)
{
    if (c->end_ns != MODEL_NONE)
        return;
    c->end_ns = t_ns;
    c->end_cause = ev->has_cause ? (uint32_t)ev->cause : 0;
    if (ev->has_to_server_bytes)
        c->end_bytes[MODEL_TO_SERVER] = model_number(ev->to_server_bytes);
    if (ev->has_to_client_bytes)
        c->end_bytes[MODEL_TO_CLIENT] = model_number(ev->to_client_bytes);
}

static void end_of_stream(struct model_connection *c, const Mitm__EndOfStream *ev, int64_t t_ns)
{
    int direction = direction_index(ev->has_direction, ev->direction);
    if (direction == MODEL_DIRECTIONS || c->streams[direction].end_ns != MODEL_NONE)
        return;
    c->streams[direction].end_ns = t_ns;
    c->streams[direction].end_cause = ev->has_cause ? (uint32_t)ev->cause : 0;
    c->streams[direction].end_error = ev->error;
}

static void violation(struct model_connection *c, struct texts *texts, const Mitm__Violation *ev, int64_t t_ns)
{
    int direction = direction_index(ev->has_direction, ev->direction);
    struct model_violation *v = &c->streams[direction == MODEL_DIRECTIONS ? MODEL_TO_SERVER : direction].violation;
    if (v->t_ns != MODEL_NONE)
        return;
    *v = (struct model_violation){.t_ns = t_ns,
                                  .kind = ev->has_kind ? (uint32_t)ev->kind : 0,
                                  .has_offset = ev->has_offset_bytes,
                                  .offset_bytes = ev->offset_bytes,
                                  .detail = keep_string(texts, ev->detail)};
}

static void protocol_detected(struct model_connection *c, const Mitm__ProtocolDetected *ev, int64_t t_ns)
{
    if (c->protocol_ns != MODEL_NONE)
        return;
    c->protocol_ns = t_ns;
    c->protocol = ev->has_protocol ? (uint32_t)ev->protocol : 0;
}

static void rate_limited(struct model_connection *c, const Mitm__RateLimited *ev, int64_t t_ns)
{
    int direction = direction_index(ev->has_direction, ev->direction);
    if (direction == MODEL_DIRECTIONS)
        return;
    struct model_hold *hold = &c->streams[direction].hold;
    int64_t first_ns = ev->has_first_t_ns ? model_number(ev->first_t_ns) : t_ns;
    if (hold->first_ns == MODEL_NONE || first_ns < hold->first_ns)
        hold->first_ns = first_ns;
    if (t_ns > hold->last_ns)
        hold->last_ns = t_ns;
    hold->held_ns = rate_sum(hold->held_ns, ev->held_ns);
}

static int64_t pause_ns(const struct model_burst *a, const struct model_burst *b)
{
    return b->from_ns > a->to_ns ? b->from_ns - a->to_ns : 0;
}

/* Join bursts with pauses up to gap_ns; double that until half of the room is free. */
static void join_bursts(struct model_bursts *bursts)
{
    while (bursts->count > MODEL_BURSTS / 2 && bursts->gap_ns < INT64_MAX / 2) {
        bursts->gap_ns *= 2;
        size_t n = 0;
        for (size_t i = 1; i < bursts->count; i++) {
            struct model_burst *last = &bursts->bursts[n], *next = &bursts->bursts[i];
            if (pause_ns(last, next) <= bursts->gap_ns) {
                last->to_ns = next->to_ns > last->to_ns ? next->to_ns : last->to_ns;
                last->bytes = rate_sum(last->bytes, next->bytes);
            } else {
                bursts->bursts[++n] = *next;
            }
        }
        bursts->count = n + 1;
    }
}

/* Return `bursts`, or new ones if it is NULL, with room for one more; the pointer may have changed. */
static struct model_bursts *make_room(struct model_bursts *bursts)
{
    static const int64_t first_gap_ns = 20000000;
    if (bursts && bursts->count == MODEL_BURSTS)
        join_bursts(bursts);
    if (bursts && bursts->count < bursts->capacity)
        return bursts;
    size_t capacity = bursts ? bursts->capacity * 2 : 2;
    struct model_bursts *p = realloc(bursts, sizeof *p + capacity * sizeof *p->bursts);
    if (!p)
        abort();
    if (!bursts)
        *p = (struct model_bursts){.gap_ns = first_gap_ns};
    p->capacity = capacity;
    return p;
}

static void add_burst(struct model_connection *c, int64_t t_ns, uint64_t len_bytes)
{
    struct model_bursts *bursts = c->bursts;
    struct model_burst burst = {t_ns, t_ns, len_bytes};
    struct model_burst *last = bursts ? &bursts->bursts[bursts->count - 1] : NULL;
    if (last && pause_ns(last, &burst) <= bursts->gap_ns) {
        last->to_ns = t_ns > last->to_ns ? t_ns : last->to_ns;
        last->bytes = rate_sum(last->bytes, len_bytes);
        return;
    }
    bursts = c->bursts = make_room(bursts);
    bursts->bursts[bursts->count++] = burst;
}

/* Count bytes of a connection that were seen. */
static void see_bytes(struct model_session *session, struct model_connection *c, int direction, uint64_t len_bytes,
                      int64_t t_ns)
{
    c->streams[direction].seen_bytes = rate_sum(c->streams[direction].seen_bytes, len_bytes);
    c->streams[direction].sized = true;
    if (direction == MODEL_TO_CLIENT)
        rate_add(&session->received, t_ns, len_bytes);
}

static void opaque_data(struct model_session *session, struct model_connection *c, const Mitm__OpaqueData *ev,
                        int64_t t_ns)
{
    int direction = direction_index(ev->has_direction, ev->direction);
    if (direction == MODEL_DIRECTIONS)
        return;
    struct model_stream *stream = &c->streams[direction];
    stream->opaque_bytes = rate_sum(stream->opaque_bytes, ev->len_bytes);
    stream->opaque_pieces++;
    ONCE(stream->opaque_first_ns, t_ns);
    if (t_ns > stream->opaque_last_ns)
        stream->opaque_last_ns = t_ns;
    see_bytes(session, c, direction, ev->len_bytes, t_ns);
    if (direction == MODEL_TO_CLIENT)
        add_burst(c, t_ns, ev->len_bytes);
}

static void methods_offered(struct model_connection *c, struct texts *texts, const Mitm__SocksMethodsOffered *ev,
                            int64_t t_ns)
{
    if (c->methods_ns != MODEL_NONE)
        return;
    c->methods_ns = t_ns;
    c->methods = keep_bytes(texts, ev->has_methods, ev->methods);
}

static void method_chosen(struct model_connection *c, const Mitm__SocksMethodChosen *ev, int64_t t_ns)
{
    if (c->method_ns != MODEL_NONE)
        return;
    c->method_ns = t_ns;
    c->method = ev->method;
}

static void auth_start(struct model_connection *c, struct texts *texts, const Mitm__SocksAuthStart *ev, int64_t t_ns)
{
    if (c->auth_start_ns != MODEL_NONE)
        return;
    c->auth_start_ns = t_ns;
    c->username = keep_bytes(texts, ev->has_username, ev->username);
    c->credential = ev->credential;
}

static void auth_end(struct model_connection *c, const Mitm__SocksAuthEnd *ev, int64_t t_ns)
{
    if (c->auth_end_ns != MODEL_NONE)
        return;
    c->auth_end_ns = t_ns;
    c->auth_status = ev->status;
}

static void socks_request(struct model_connection *c, struct texts *texts, const Mitm__SocksRequestStart *ev,
                          int64_t t_ns)
{
    if (c->socks_start_ns != MODEL_NONE)
        return;
    c->socks_start_ns = t_ns;
    c->command = ev->command;
    c->address_type = ev->address_type;
    c->host = keep_bytes(texts, ev->has_host, ev->host);
    c->port = ev->port;
}

static void socks_response(struct model_connection *c, struct texts *texts, const Mitm__SocksResponseEnd *ev,
                           int64_t t_ns)
{
    if (c->socks_end_ns != MODEL_NONE)
        return;
    c->socks_end_ns = t_ns;
    c->reply = ev->reply;
    c->reply_origin = ev->has_origin ? (uint32_t)ev->origin : 0;
    c->bound_address = keep_bytes(texts, ev->has_bound_address, ev->bound_address);
    c->bound_port = ev->bound_port;
}

static void resolve_end(struct model_connection *c, struct texts *texts, const Mitm__ResolveEnd *ev, int64_t t_ns)
{
    if (c->resolve_end_ns != MODEL_NONE)
        return;
    c->resolve_end_ns = t_ns;
    c->resolve_addresses = ev->n_addresses > UINT32_MAX ? UINT32_MAX : (uint32_t)ev->n_addresses;
    c->resolve_first_address = keep_string(texts, ev->n_addresses > 0 ? ev->addresses[0] : NULL);
    c->resolve_error = keep_string(texts, ev->error);
}

static void connect_start(struct model_connection *c, struct texts *texts, const Mitm__ConnectStart *ev, int64_t t_ns)
{
    ONCE(c->connect_start_ns, t_ns);
    if (c->connect_attempts < UINT32_MAX)
        c->connect_attempts++;
    if (c->connect_end_ns == MODEL_NONE) {
        c->connect_address = keep_string(texts, ev->address);
        c->connect_port = ev->port;
    }
}

static void connect_end(struct model_connection *c, struct texts *texts, const Mitm__ConnectEnd *ev, int64_t t_ns)
{
    c->connect_end_ns = t_ns;
    c->connect_error = ev->error;
    c->connect_address = keep_string(texts, ev->address);
    c->connect_port = ev->port;
}

void fold_connection(struct model_session *session, struct model_connection *c, struct texts *texts,
                     const Mitm__Record *record, int64_t t_ns)
{
    switch ((int)record->event_case) {
    case MITM__RECORD__EVENT_CONNECTION_START:
        connection_start(c, texts, record->connection_start, t_ns);
        break;
    case MITM__RECORD__EVENT_CONNECTION_END:
        connection_end(c, record->connection_end, t_ns);
        break;
    case MITM__RECORD__EVENT_END_OF_STREAM:
        end_of_stream(c, record->end_of_stream, t_ns);
        break;
    case MITM__RECORD__EVENT_VIOLATION:
        violation(c, texts, record->violation, t_ns);
        break;
    case MITM__RECORD__EVENT_PROTOCOL_DETECTED:
        protocol_detected(c, record->protocol_detected, t_ns);
        break;
    case MITM__RECORD__EVENT_RATE_LIMITED:
        rate_limited(c, record->rate_limited, t_ns);
        break;
    case MITM__RECORD__EVENT_DELAY:
        if (record->delay->has_kind && record->delay->kind == MITM__DELAY_KIND__CONNECT_DELAY)
            ONCE(c->socks_sent_ns, t_ns);
        break;
    case MITM__RECORD__EVENT_OPAQUE_DATA:
        opaque_data(session, c, record->opaque_data, t_ns);
        break;
    case MITM__RECORD__EVENT_SOCKS_METHODS_OFFERED:
        methods_offered(c, texts, record->socks_methods_offered, t_ns);
        break;
    case MITM__RECORD__EVENT_SOCKS_METHOD_CHOSEN:
        method_chosen(c, record->socks_method_chosen, t_ns);
        break;
    case MITM__RECORD__EVENT_SOCKS_AUTH_START:
        auth_start(c, texts, record->socks_auth_start, t_ns);
        break;
    case MITM__RECORD__EVENT_SOCKS_AUTH_END:
        auth_end(c, record->socks_auth_end, t_ns);
        break;
    case MITM__RECORD__EVENT_SOCKS_REQUEST_START:
        socks_request(c, texts, record->socks_request_start, t_ns);
        break;
    case MITM__RECORD__EVENT_SOCKS_RESPONSE_END:
        socks_response(c, texts, record->socks_response_end, t_ns);
        break;
    case MITM__RECORD__EVENT_RESOLVE_START:
        ONCE(c->resolve_start_ns, t_ns);
        break;
    case MITM__RECORD__EVENT_RESOLVE_END:
        resolve_end(c, texts, record->resolve_end, t_ns);
        break;
    case MITM__RECORD__EVENT_CONNECT_START:
        connect_start(c, texts, record->connect_start, t_ns);
        break;
    case MITM__RECORD__EVENT_CONNECT_END:
        connect_end(c, texts, record->connect_end, t_ns);
        break;
    default:
        session->unknown_events++;
    }
}

/* ---------------------------------------------------------------- HTTP */

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

/* Count what the end says of the body and no piece of it did (a recording of sizes only): when it came is not known. */
static void count_unseen(const struct http_context *ctx, const struct model_message *message, uint64_t body_bytes)
{
    struct model_stream *stream = &ctx->connection->streams[ctx->direction];
    uint64_t seen = message->body_bytes == MODEL_NONE ? 0 : (uint64_t)message->body_bytes;
    if (body_bytes > seen) {
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
