#include "capture/handshake.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/peer.h"
#include "capture/delays.h"
#include "capture/dial.h"
#include "capture/handshake_parts.h"
#include "capture/viewlink.h"

static void take_early(struct conn *conn);
static void on_timeout(evutil_socket_t fd, short what, void *arg);

static void set_timer(struct conn *conn, unsigned ms)
{
    struct timeval timeout = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
    event_add(&conn->handshake->timer, &timeout);
}

void handshake_start(struct conn *conn)
{
    struct handshake *handshake = calloc(1, sizeof *handshake);
    if (!handshake)
        abort();
    conn->handshake = handshake;
    socks_init(&handshake->from_client, MITM__DIRECTION__TO_SERVER);
    evtimer_assign(&handshake->timer, conn->proxy->base, on_timeout, conn);
    set_timer(conn, conn->proxy->settings.handshake_ms);
    conn_set_state(conn, CONN_GREETING);
}

void handshake_free(struct conn *conn)
{
    struct handshake *handshake = conn->handshake;
    if (!handshake)
        return;
    event_del(&handshake->timer);
    if (handshake->dial)
        dial_cancel(handshake->dial);
    if (handshake->job)
        resolver_cancel(handshake->job);
    free(handshake->early);
    free(handshake);
    conn->handshake = NULL;
}

void handshake_linger(struct conn *conn)
{
    set_timer(conn, CONN_LINGER_MS);
}

static void emit_violation(struct conn *conn, Mitm__ViolationKind kind, Mitm__Direction direction,
                           uint64_t offset_bytes, const char *detail)
{
    EVENT_NEW(record, ev, conn_now(conn), Violation, VIOLATION, violation);
    EVENT_SET(ev, kind, kind);
    EVENT_SET(ev, direction, direction);
    EVENT_SET(ev, offset_bytes, offset_bytes);
    ev.detail = (char *)(uintptr_t)detail;
    event_emit(&conn->sink, &record);
}

/* ---------------------------------------------------------------- with an upstream */

/*
 * The upstream went away, or broke the protocol, before it had answered: answer in its place. `error` (errno) is what
 * the user is told about an upstream with which no handshake was begun.
 */
static void upstream_failed(struct conn *conn, int error)
{
    struct handshake *handshake = conn->handshake;
    side_close(&conn->server, false);
    handshake->upstream_down = true;
    switch (conn->state) {
    case CONN_DIALING_UPSTREAM:
    case CONN_METHOD:
        if (!proxy_report_shortage(conn->proxy, error))
            proxy_report_upstream(conn->proxy, error);
        handshake_choose_ourselves(conn);
        take_early(conn);
        break;
    case CONN_STATUS:
        handshake_answer_credentials(conn, 1);
        break;
    case CONN_REPLY:
        handshake_refuse(conn, SOCKS_GENERAL_FAILURE);
        break;
    case CONN_GREETING:
    case CONN_AUTH:
    case CONN_REQUEST:
    case CONN_DELAYED:
    case CONN_RESOLVING:
    case CONN_DIALING_SERVER:
    case CONN_RELAY:
    case CONN_LINGER:
    case CONN_DEAD:
        assert(false && "handshake: no upstream in this state");
    }
}

static void on_upstream_dialed(void *ctx, int fd, const struct sockaddr_storage *local, int error)
{
    (void)local;
    struct conn *conn = ctx;
    struct handshake *handshake = conn->handshake;
    proxy_busy(conn->proxy);
    if (fd < 0) {
        upstream_failed(conn, error);
        return;
    }
    side_open(&conn->server, conn->proxy->base, fd, conn_now(conn));
    socks_init(&handshake->from_server, MITM__DIRECTION__TO_CLIENT);
    uint8_t greeting[2 + sizeof handshake->methods] = {SOCKS_VERSION, (uint8_t)handshake->methods_n};
    memcpy(greeting + 2, handshake->methods, handshake->methods_n);
    side_send(&conn->server, greeting, 2 + handshake->methods_n);
    conn_set_state(conn, CONN_METHOD);
}

static void upstream_method(struct conn *conn)
{
    const struct handshake *handshake = conn->handshake;
    uint8_t method = handshake->message.method;
    uint8_t answer[2] = {SOCKS_VERSION, method};
    if (method == SOCKS_METHOD_NO_ACCEPTABLE) {
        conn_refuse(conn, answer, sizeof answer);
        return;
    }
    if (!memchr(handshake->methods, method, handshake->methods_n)) {
        emit_violation(conn, MITM__VIOLATION_KIND__SOCKS_REPLY, MITM__DIRECTION__TO_CLIENT, 1,
                       "the upstream chose a method that was not offered");
        upstream_failed(conn, EPROTO);
        return;
    }
    proxy_report_upstream(conn->proxy, 0);
    side_send(&conn->client, answer, sizeof answer);
    conn_set_state(conn, method == SOCKS_METHOD_USERNAME ? CONN_AUTH : CONN_REQUEST);
}

static void upstream_status(struct conn *conn)
{
    uint8_t answer[2] = {SOCKS_AUTH_VERSION, conn->handshake->message.status};
    if (answer[1] != 0) {
        conn_refuse(conn, answer, sizeof answer);
        return;
    }
    side_send(&conn->client, answer, sizeof answer);
    conn_set_state(conn, CONN_REQUEST);
}

/* The upstream's reply, complete at `t_ns`; `command` is what was asked for. */
static void upstream_reply(struct conn *conn, uint64_t t_ns, uint8_t command)
{
    const struct handshake *handshake = conn->handshake;
    const struct socks_message *reply = &handshake->message;
    const struct socks *bytes = &handshake->from_server;
    bool relay = reply->reply == SOCKS_SUCCEEDED && command == SOCKS_CONNECT;
    if (relay)
        side_send(&conn->client, bytes->bytes, bytes->len_bytes);
    handshake_emit_response(conn, t_ns, reply->reply, MITM__REPLY_ORIGIN__UPSTREAM, reply->host, reply->host_len_bytes,
                            reply->port);
    if (relay)
        conn_begin_relay(conn);
    else
        conn_refuse(conn, bytes->bytes, bytes->len_bytes); /* refused, or resolved: there is nothing to relay */
}

/* ---------------------------------------------------------------- the live view */

/* Connect the client with the view's process: what is relayed from now on is none of the measurement's. */
static void open_view(struct conn *conn)
{
    struct proxy *proxy = conn->proxy;
    uint8_t answer[1024];
    size_t len = socks_write_reply(answer, SOCKS_SUCCEEDED, NULL, 0, 0);
    int error;
    int fd = viewlink_connect(proxy->settings.view_path, &error);
    if (fd >= 0) {
        side_send(&conn->client, answer, len);
        side_open(&conn->server, proxy->base, fd, conn_now(conn));
        conn_begin_relay(conn);
        return;
    }
    proxy_report_shortage(proxy, error);
    size_t text_len = strlen(viewlink_unavailable);
    assert(len + text_len <= sizeof answer);
    memcpy(answer + len, viewlink_unavailable, text_len);
    conn_refuse(conn, answer, len + text_len);
}

/* Serve the request if it is for mitm.proxy; return whether it is. Else the connection is part of the measurement. */
static bool serve_view(struct conn *conn)
{
    enum viewlink_request kind = viewlink_classify(&conn->handshake->message);
    if (kind == VIEWLINK_OTHER) {
        conn_measure(conn);
        return false;
    }
    conn_leave_out(conn);
    if (kind == VIEWLINK_REFUSED || !conn->proxy->settings.view_path) {
        handshake_refuse(conn, SOCKS_CONNECTION_REFUSED);
    } else if (!peer_is_own_user(conn->client.fd)) {
        proxy_report_stranger(conn->proxy);
        handshake_refuse(conn, SOCKS_NOT_ALLOWED);
    } else {
        open_view(conn);
    }
    return true;
}

/* ---------------------------------------------------------------- the client's messages */

static void client_greeting(struct conn *conn)
{
    struct handshake *handshake = conn->handshake;
    const struct socks *greeting = &handshake->from_client;
    static const uint8_t passed_on[] = {SOCKS_METHOD_NONE, SOCKS_METHOD_USERNAME};
    for (size_t i = 2; i < greeting->len_bytes; i++) {
        uint8_t method = greeting->bytes[i];
        if (memchr(passed_on, method, sizeof passed_on) && !memchr(handshake->methods, method, handshake->methods_n))
            handshake->methods[handshake->methods_n++] = method;
    }
    if (handshake->methods_n == 0) {
        handshake_choose(conn, SOCKS_METHOD_NO_ACCEPTABLE);
    } else if (conn->direct) {
        handshake_choose_ourselves(conn);
    } else {
        struct resolve_addresses upstream = {.n = 1, .address = {conn->proxy->settings.upstream}};
        conn_set_state(conn, CONN_DIALING_UPSTREAM);
        dial_start(&handshake->dial, conn->proxy->base, &upstream, &conn->sink, &conn->proxy->clock, on_upstream_dialed,
                   conn);
    }
}

static void emit_auth(struct conn *conn)
{
    const struct socks *auth = &conn->handshake->from_client;
    const uint8_t *username, *password;
    size_t username_len, password_len;
    socks_credentials(auth, &username, &username_len, &password, &password_len);
    EVENT_NEW(record, ev, auth->first_t_ns, SocksAuthStart, SOCKS_AUTH_START, socks_auth_start);
    EVENT_SET_BYTES(ev, username, username, username_len);
    conn_hold_login(conn, auth->bytes, auth->len_bytes);
    event_emit(&conn->sink, &record);
}

static void client_auth(struct conn *conn)
{
    struct handshake *handshake = conn->handshake;
    const struct socks *auth = &handshake->from_client;
    emit_auth(conn);
    if (conn->direct || handshake->upstream_down) {
        handshake_answer_credentials(conn, 0);
        return;
    }
    side_send(&conn->server, auth->bytes, auth->len_bytes);
    socks_expect(&handshake->from_server, SOCKS_STATUS);
    conn_set_state(conn, CONN_STATUS);
}

/* Wait until the request is due, which its delay counts from its first byte. */
static void wait_until_due(struct conn *conn)
{
    const struct handshake *handshake = conn->handshake;
    uint64_t due_ns = handshake->from_client.first_t_ns + handshake->connect_delay_ns, now_ns = conn_now(conn);
    uint64_t us = due_ns > now_ns ? (due_ns - now_ns + 999) / 1000 : 0;
    struct timeval wait = {.tv_sec = (time_t)(us / 1000000), .tv_usec = (suseconds_t)(us % 1000000)};
    event_add(&conn->handshake->timer, &wait);
}

/* Hold the request back if the settings want that; return whether they do. */
static bool delay_request(struct conn *conn)
{
    struct proxy *proxy = conn->proxy;
    const struct settings_delay *delay = &proxy->settings.live.connect_delay;
    struct handshake *handshake = conn->handshake;
    if (handshake->message.command != SOCKS_CONNECT || handshake->upstream_down || delay->max_ns == 0)
        return false;
    handshake->connect_delay_ns = random_between(&proxy->connect_random, delay->min_ns, delay->max_ns);
    conn_set_state(conn, CONN_DELAYED);
    wait_until_due(conn);
    return true;
}

static void pass_request_on(struct conn *conn);

/* The time of a request held back has come, or nearly so. */
static void on_request_due(struct conn *conn)
{
    const struct handshake *handshake = conn->handshake;
    uint64_t arrived_ns = handshake->from_client.first_t_ns, drawn_ns = handshake->connect_delay_ns;
    proxy_busy(conn->proxy);
    if (conn_now(conn) < arrived_ns + drawn_ns) {
        wait_until_due(conn);
        return;
    }
    uint64_t t_ns = conn_now(conn);
    delays_emit(conn, MITM__DELAY_KIND__CONNECT_DELAY, t_ns, arrived_ns, drawn_ns, 0);
    pass_request_on(conn);
    delays_pass_on(conn);
    conn_passed_on(conn);
}

static void client_request(struct conn *conn)
{
    event_del(&conn->handshake->timer);
    if (serve_view(conn) || delay_request(conn))
        return;
    pass_request_on(conn);
}

/* Pass the request on, or serve or refuse it. */
static void pass_request_on(struct conn *conn)
{
    struct handshake *handshake = conn->handshake;
    uint8_t command = handshake->message.command;
    if (conn->direct) {
        set_timer(conn, conn->proxy->settings.handshake_ms);
        handshake_serve(conn);
    } else if (command != SOCKS_CONNECT && command != SOCKS_RESOLVE && command != SOCKS_RESOLVE_PTR) {
        handshake_refuse(conn, SOCKS_COMMAND_NOT_SUPPORTED);
    } else if (handshake->upstream_down) {
        handshake_refuse(conn, SOCKS_GENERAL_FAILURE);
    } else {
        side_send(&conn->server, handshake->from_client.bytes, handshake->from_client.len_bytes);
        socks_expect(&handshake->from_server, SOCKS_REPLY);
        conn_set_state(conn, CONN_REPLY);
    }
}

/* A message that broke RFC 1928 or 1929 has been seen: answer as far as there is an answer, and close. */
static void client_bad(struct conn *conn)
{
    static const uint8_t no_method[2] = {SOCKS_VERSION, SOCKS_METHOD_NO_ACCEPTABLE};
    static const uint8_t socks4_rejected[8] = {0, 0x5B};
    static const char not_http[] =
        "HTTP/1.0 501 Not an HTTP proxy\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
        "This is mitm-proxy, a SOCKS5 proxy. Enter this address in your browser's settings as "
        "a SOCKS host, version 5, not as an HTTP proxy.\n";
    const uint8_t *bytes = conn->handshake->from_client.bytes;
    switch (conn->handshake->from_client.kind) {
    case SOCKS_REQUEST:
        handshake_refuse(conn, bytes[0] != SOCKS_VERSION ? SOCKS_GENERAL_FAILURE
                               : bytes[3] == SOCKS_NAME  ? SOCKS_GENERAL_FAILURE
                                                         : SOCKS_ADDRESS_TYPE_NOT_SUPPORTED);
        return;
    case SOCKS_AUTH:
        handshake_answer_credentials(conn, 1);
        return;
    case SOCKS_GREETING:
    case SOCKS_METHOD:
    case SOCKS_STATUS:
    case SOCKS_REPLY:
        break;
    }
    if (bytes[0] == 4)
        conn_refuse(conn, socks4_rejected, sizeof socks4_rejected);
    else if (bytes[0] >= 'A' && bytes[0] <= 'Z')
        conn_refuse(conn, (const uint8_t *)not_http, sizeof not_http - 1);
    else
        conn_refuse(conn, no_method, sizeof no_method);
}

static void client_message(struct conn *conn)
{
    switch (conn->handshake->from_client.kind) {
    case SOCKS_GREETING:
        client_greeting(conn);
        return;
    case SOCKS_AUTH:
        client_auth(conn);
        return;
    case SOCKS_REQUEST:
        client_request(conn);
        return;
    case SOCKS_METHOD:
    case SOCKS_STATUS:
    case SOCKS_REPLY:
        assert(false && "handshake: a client does not send this");
    }
}

/* ---------------------------------------------------------------- input */

bool handshake_client_speaks(const struct conn *conn)
{
    return conn->state == CONN_GREETING || conn->state == CONN_AUTH || conn->state == CONN_REQUEST;
}

/* Return the message that the client is to send in `state`, when it is its turn. */
static enum socks_kind expected_kind(enum conn_state state)
{
    return state == CONN_GREETING ? SOCKS_GREETING : state == CONN_AUTH ? SOCKS_AUTH : SOCKS_REQUEST;
}

/* Whether what the client sends is for the server. */
static bool client_speaks_to_server(enum conn_state state)
{
    return state == CONN_DELAYED || state == CONN_REPLY || state == CONN_RESOLVING || state == CONN_DIALING_SERVER ||
           state == CONN_RELAY;
}

/* Keep what the client sent before it was its turn. */
static void keep_early(struct conn *conn, uint64_t t_ns, const uint8_t *data, size_t len)
{
    struct handshake *handshake = conn->handshake;
    assert(!handshake->early); /* the client is not read in these states */
    handshake->early = malloc(len);
    if (!handshake->early)
        abort();
    memcpy(handshake->early, data, len);
    handshake->early_len = len;
    handshake->early_t_ns = t_ns;
}

void handshake_client_bytes(struct conn *conn, uint64_t t_ns, const uint8_t *data, size_t len)
{
    while (len > 0 && handshake_client_speaks(conn)) {
        struct handshake *handshake = conn->handshake;
        if (handshake->from_client.kind != expected_kind(conn->state))
            socks_expect(&handshake->from_client, expected_kind(conn->state));
        size_t used;
        switch (socks_feed(&handshake->from_client, &conn->sink, t_ns, data, len, &used, &handshake->message)) {
        case SOCKS_MORE:
            return;
        case SOCKS_BAD:
            client_bad(conn);
            return;
        case SOCKS_DONE:
            break;
        }
        data += used;
        len -= used;
        client_message(conn);
    }
    if (len == 0)
        return;
    if (client_speaks_to_server(conn->state)) {
        conn_client_data(conn, t_ns, data, len);
    } else if (conn->state == CONN_DIALING_UPSTREAM || conn->state == CONN_METHOD || conn->state == CONN_STATUS) {
        keep_early(conn, t_ns, data, len);
    }
}

/* It may be the client's turn now: take what it sent before. */
static void take_early(struct conn *conn)
{
    struct handshake *handshake = conn->handshake;
    if (!handshake || !handshake->early || !conn_wants_client(conn->state))
        return;
    uint8_t *early = handshake->early;
    handshake->early = NULL;
    handshake_client_bytes(conn, handshake->early_t_ns, early, handshake->early_len);
    free(early);
}

void handshake_upstream_bytes(struct conn *conn, uint64_t t_ns, const uint8_t *data, size_t len)
{
    struct handshake *handshake = conn->handshake;
    uint8_t command = handshake->message.command; /* of the request, in CONN_REPLY */
    size_t used;
    switch (socks_feed(&handshake->from_server, &conn->sink, t_ns, data, len, &used, &handshake->message)) {
    case SOCKS_MORE:
        return;
    case SOCKS_BAD:
        upstream_failed(conn, EPROTO);
        return;
    case SOCKS_DONE:
        break;
    }
    if (conn->state == CONN_METHOD)
        upstream_method(conn);
    else if (conn->state == CONN_STATUS)
        upstream_status(conn);
    else
        upstream_reply(conn, t_ns, command);
    take_early(conn);
    if (used == len || conn->part == CONN_LEFT_OUT) /* what else it sent is not for the view's client */
        return;
    if (conn->state == CONN_RELAY) {
        side_send(&conn->client, data + used, len - used);
        conn_tap(conn, MITM__DIRECTION__TO_CLIENT, t_ns, data + used, len - used);
    } else if (conn_wants_server(conn->state)) {
        handshake_upstream_bytes(conn, t_ns, data + used, len - used);
    }
}

void handshake_client_left(struct conn *conn)
{
    const struct socks *from_client = &conn->handshake->from_client;
    /* Between two messages it has merely changed its mind, as browsers do with connections made in advance. */
    if (from_client->kind == expected_kind(conn->state) && from_client->len_bytes > 0)
        socks_truncated(from_client, &conn->sink, conn_now(conn));
    conn_finish(conn, MITM__END_CAUSE__FIN, 0);
}

void handshake_upstream_left(struct conn *conn, bool fin)
{
    if (conn->client.ended) {
        /* The client gave up first, and that was passed on: there is nobody to answer. */
        conn_finish(conn, MITM__END_CAUSE__FIN, 0);
        return;
    }
    if (fin)
        socks_truncated(&conn->handshake->from_server, &conn->sink, conn_now(conn));
    upstream_failed(conn, ECONNRESET);
}

static void on_timeout(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct conn *conn = arg;
    struct handshake *handshake = conn->handshake;
    if (conn->state == CONN_DELAYED) {
        on_request_due(conn);
        return;
    }
    if (conn->state == CONN_LINGER) {
        conn_finish(conn, MITM__END_CAUSE__PROXY_ENDED, 0);
        return;
    }
    if (conn->state == CONN_RESOLVING || conn->state == CONN_DIALING_SERVER) {
        if (handshake->job)
            resolver_cancel(handshake->job);
        handshake->job = NULL;
        if (handshake->dial)
            dial_cancel(handshake->dial);
        handshake_refuse(conn, SOCKS_TTL_EXPIRED);
        return;
    }
    if (conn->state == CONN_DIALING_UPSTREAM || conn->state == CONN_METHOD || conn->state == CONN_STATUS) {
        if (handshake->dial)
            dial_cancel(handshake->dial);
        set_timer(conn, conn->proxy->settings.handshake_ms);
        upstream_failed(conn, ETIMEDOUT);
        return;
    }
    emit_violation(conn, MITM__VIOLATION_KIND__SOCKS_TIMEOUT, MITM__DIRECTION__TO_SERVER,
                   handshake->from_client.offset_bytes + handshake->from_client.len_bytes,
                   "the client did not complete the SOCKS handshake in time");
    conn_finish(conn, MITM__END_CAUSE__PROXY_ENDED, 0);
}
