#include "analyze/fold_parts.h"

#include <string.h>

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
    session->decrypted = ev->decrypted;
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
                                     .inner_protocol_ns = MODEL_NONE,
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
    uint32_t protocol = ev->has_protocol ? (uint32_t)ev->protocol : 0;
    int64_t *member_ns = ev->inside_tls ? &c->inner_protocol_ns : &c->protocol_ns;
    if (*member_ns != MODEL_NONE)
        return;
    *member_ns = t_ns;
    if (ev->inside_tls)
        c->inner_protocol = protocol;
    else
        c->protocol = protocol;
    if (protocol == MITM__PROTOCOL__HTTP2)
        fold_http2_of(c);
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

static void opaque_data(struct model_session *session, struct model_connection *c, const Mitm__OpaqueData *ev,
                        int64_t t_ns)
{
    int direction = direction_index(ev->has_direction, ev->direction);
    if (direction == MODEL_DIRECTIONS)
        return;
    fold_opaque(c, direction, ev->len_bytes, t_ns);
    see_bytes(session, c, direction, ev->len_bytes, t_ns);
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
