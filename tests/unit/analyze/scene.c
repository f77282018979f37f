#include "scene.h"

#include <string.h>

/* The session of the events that follow. */
static bool has_session;
static uint32_t session_number;

static uint64_t ns(uint64_t t_ms)
{
    return t_ms * 1000000;
}

void scene_emit(const struct event_sink *sink, Mitm__Record *record, uint32_t connection, uint32_t exchange)
{
    record->has_session = has_session;
    record->session = session_number;
    record->has_connection = connection > 0;
    record->connection = connection;
    record->has_exchange = exchange > 0;
    record->exchange = exchange;
    event_emit(sink, record);
}

static void start(const struct event_sink *sink, uint32_t session, bool decrypted)
{
    EVENT_NEW(record, ev, 0, SessionStart, SESSION_START, session_start);
    ev.magic = (char[]){"MITM session"};
    if (decrypted)
        EVENT_SET(ev, decrypted, true);
    has_session = true;
    session_number = session;
    scene_emit(sink, &record, 0, 0);
}

void scene_session_start(const struct event_sink *sink, uint32_t session)
{
    start(sink, session, false);
}

void scene_decrypted_session(const struct event_sink *sink, uint32_t session)
{
    start(sink, session, true);
}

void scene_session_end(const struct event_sink *sink, uint32_t session, uint64_t t_ms)
{
    EVENT_NEW(record, ev, ns(t_ms), SessionEnd, SESSION_END, session_end);
    has_session = true;
    session_number = session;
    EVENT_SET(ev, cause, MITM__SESSION_END_CAUSE__SIGNAL);
    scene_emit(sink, &record, 0, 0);
}

void scene_connection_start(const struct event_sink *sink, uint32_t connection, uint64_t t_ms)
{
    EVENT_NEW(record, ev, ns(t_ms), ConnectionStart, CONNECTION_START, connection_start);
    ev.client_address = (char[]){"127.0.0.1"};
    EVENT_SET(ev, client_port, 40000);
    scene_emit(sink, &record, connection, 0);
}

void scene_connection_end(const struct event_sink *sink, uint32_t connection, uint64_t t_ms, Mitm__EndCause cause)
{
    EVENT_NEW(record, ev, ns(t_ms), ConnectionEnd, CONNECTION_END, connection_end);
    EVENT_SET(ev, cause, cause);
    scene_emit(sink, &record, connection, 0);
}

void scene_socks(const struct event_sink *sink, uint32_t connection, uint64_t t_ms, uint32_t command, const char *host,
                 uint32_t port)
{
    EVENT_NEW(record, ev, ns(t_ms), SocksRequestStart, SOCKS_REQUEST_START, socks_request_start);
    EVENT_SET(ev, command, command);
    EVENT_SET_BYTES(ev, host, host, strlen(host));
    EVENT_SET(ev, port, port);
    scene_emit(sink, &record, connection, 0);
}

void scene_reply(const struct event_sink *sink, uint32_t connection, uint64_t t_ms, uint32_t reply)
{
    EVENT_NEW(record, ev, ns(t_ms), SocksResponseEnd, SOCKS_RESPONSE_END, socks_response_end);
    EVENT_SET(ev, reply, reply);
    scene_emit(sink, &record, connection, 0);
}

void scene_request(const struct event_sink *sink, uint32_t connection, uint32_t exchange, uint64_t t_ms,
                   const char *target)
{
    EVENT_NEW(record, ev, ns(t_ms), HttpRequestStart, HTTP_REQUEST_START, http_request_start);
    EVENT_SET_BYTES(ev, method, "GET", 3);
    EVENT_SET_BYTES(ev, target, target, strlen(target));
    ev.version = (char[]){"1.1"};
    scene_emit(sink, &record, connection, exchange);
}

void scene_request_head(const struct event_sink *sink, uint32_t connection, uint32_t exchange, uint64_t t_ms)
{
    Mitm__Header host = MITM__HEADER__INIT;
    EVENT_SET_BYTES(host, name, "Host", 4);
    EVENT_SET_BYTES(host, value, "a.example\r\n evil\x1b[2J", 20);
    Mitm__Header *headers[] = {&host};
    EVENT_NEW(record, ev, ns(t_ms), HttpRequestHeaders, HTTP_REQUEST_HEADERS, http_request_headers);
    ev.n_headers = 1;
    ev.headers = headers;
    EVENT_SET(ev, head_bytes, 100);
    scene_emit(sink, &record, connection, exchange);
}

void scene_fields(const struct event_sink *sink, uint32_t connection, uint32_t exchange, uint64_t t_ms, bool response,
                  const char *const fields[4])
{
    Mitm__Header headers[2], *list[2];
    size_t n = 0;
    for (size_t i = 0; i < 4 && fields[i]; i += 2, n++) {
        headers[n] = (Mitm__Header)MITM__HEADER__INIT;
        EVENT_SET_BYTES(headers[n], name, fields[i], strlen(fields[i]));
        EVENT_SET_BYTES(headers[n], value, fields[i + 1], strlen(fields[i + 1]));
        list[n] = &headers[n];
    }
    if (response) {
        EVENT_NEW(record, ev, ns(t_ms), HttpResponseHeaders, HTTP_RESPONSE_HEADERS, http_response_headers);
        ev.n_headers = n;
        ev.headers = list;
        scene_emit(sink, &record, connection, exchange);
    } else {
        EVENT_NEW(record, ev, ns(t_ms), HttpRequestHeaders, HTTP_REQUEST_HEADERS, http_request_headers);
        ev.n_headers = n;
        ev.headers = list;
        scene_emit(sink, &record, connection, exchange);
    }
}

void scene_user(const struct event_sink *sink, uint32_t connection, uint64_t t_ms, const char *name)
{
    EVENT_NEW(record, ev, ns(t_ms), SocksAuthStart, SOCKS_AUTH_START, socks_auth_start);
    EVENT_SET_BYTES(ev, username, name, strlen(name));
    scene_emit(sink, &record, connection, 0);
}

void scene_request_end(const struct event_sink *sink, uint32_t connection, uint32_t exchange, uint64_t t_ms)
{
    EVENT_NEW(record, ev, ns(t_ms), HttpRequestEnd, HTTP_REQUEST_END, http_request_end);
    EVENT_SET(ev, body_bytes, 0);
    EVENT_SET(ev, cause, MITM__HTTP_END_CAUSE__NO_BODY);
    scene_emit(sink, &record, connection, exchange);
}

void scene_response(const struct event_sink *sink, uint32_t connection, uint32_t exchange, uint64_t t_ms,
                    uint32_t status)
{
    EVENT_NEW(record, ev, ns(t_ms), HttpResponseStart, HTTP_RESPONSE_START, http_response_start);
    ev.version = (char[]){"1.1"};
    EVENT_SET(ev, status, status);
    EVENT_SET_BYTES(ev, reason, "OK", 2);
    scene_emit(sink, &record, connection, exchange);
}

void scene_body(const struct event_sink *sink, uint32_t connection, uint32_t exchange, uint64_t t_ms,
                uint64_t len_bytes)
{
    EVENT_NEW(record, ev, ns(t_ms), HttpResponseBody, HTTP_RESPONSE_BODY, http_response_body);
    EVENT_SET(ev, len_bytes, len_bytes);
    scene_emit(sink, &record, connection, exchange);
}

void scene_response_end(const struct event_sink *sink, uint32_t connection, uint32_t exchange, uint64_t t_ms,
                        uint64_t body_bytes, Mitm__HttpEndCause cause)
{
    EVENT_NEW(record, ev, ns(t_ms), HttpResponseEnd, HTTP_RESPONSE_END, http_response_end);
    EVENT_SET(ev, body_bytes, body_bytes);
    EVENT_SET(ev, cause, cause);
    scene_emit(sink, &record, connection, exchange);
}

void scene_opaque(const struct event_sink *sink, uint32_t connection, uint64_t t_ms, Mitm__Direction direction,
                  uint64_t len_bytes)
{
    EVENT_NEW(record, ev, ns(t_ms), OpaqueData, OPAQUE_DATA, opaque_data);
    EVENT_SET(ev, direction, direction);
    EVENT_SET(ev, len_bytes, len_bytes);
    scene_emit(sink, &record, connection, 0);
}

static void apply(void *ctx, Mitm__Record *record)
{
    model_apply(ctx, record, false);
}

struct event_sink scene_to_model(struct model *model)
{
    has_session = false;
    session_number = 0;
    return (struct event_sink){.emit = apply, .ctx = model};
}

/* ---------------------------------------------------------------- of the user's doing */

void scene_settings(const struct event_sink *sink, uint64_t t_ms, uint64_t connect_delay_ms, Mitm__UpstreamKind kind)
{
    EVENT_NEW(record, ev, ns(t_ms), Settings, SETTINGS, settings);
    Mitm__DelayRange range = MITM__DELAY_RANGE__INIT;
    EVENT_SET(range, min_ns, ns(connect_delay_ms));
    EVENT_SET(range, max_ns, ns(connect_delay_ms));
    EVENT_SET(ev, origin, MITM__SETTINGS_ORIGIN__VIEW);
    if (connect_delay_ms > 0)
        ev.connect_delay = &range;
    EVENT_SET(ev, upstream_kind, kind);
    EVENT_SET(ev, rate_down, 50000);
    scene_emit(sink, &record, 0, 0);
}

void scene_mark(const struct event_sink *sink, uint64_t t_ms, const char *text)
{
    EVENT_NEW(record, ev, ns(t_ms), Mark, MARK, mark);
    EVENT_SET_BYTES(ev, text, text, strlen(text));
    scene_emit(sink, &record, 0, 0);
}

void scene_pause(const struct event_sink *sink, uint64_t t_ms)
{
    EVENT_NEW(record, ev, ns(t_ms), Pause, PAUSE, pause);
    EVENT_SET(ev, origin, MITM__SETTINGS_ORIGIN__VIEW);
    scene_emit(sink, &record, 0, 0);
}

void scene_resume(const struct event_sink *sink, uint64_t t_ms, uint64_t events)
{
    EVENT_NEW(record, ev, ns(t_ms), Resume, RESUME, resume);
    EVENT_SET(ev, events, events);
    scene_emit(sink, &record, 0, 0);
}

void scene_delay(const struct event_sink *sink, uint32_t connection, uint32_t exchange, uint64_t arrived_ms,
                 uint64_t t_ms)
{
    EVENT_NEW(record, ev, ns(t_ms), Delay, DELAY, delay);
    EVENT_SET(ev, kind, exchange > 0 ? MITM__DELAY_KIND__REQUEST_DELAY : MITM__DELAY_KIND__CONNECT_DELAY);
    EVENT_SET(ev, arrived_t_ns, ns(arrived_ms));
    EVENT_SET(ev, drawn_ns, ns(t_ms - arrived_ms));
    scene_emit(sink, &record, connection, exchange);
}

void scene_rate_limited(const struct event_sink *sink, uint32_t connection, Mitm__Direction direction,
                        uint64_t first_ms, uint64_t t_ms)
{
    EVENT_NEW(record, ev, ns(t_ms), RateLimited, RATE_LIMITED, rate_limited);
    EVENT_SET(ev, direction, direction);
    EVENT_SET(ev, first_t_ns, ns(first_ms));
    EVENT_SET(ev, held_ns, ns(t_ms - first_ms));
    scene_emit(sink, &record, connection, 0);
}
