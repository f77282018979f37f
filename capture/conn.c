#include "capture/conn.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/decode/app.h"
#include "capture/decode/socks.h"
#include "capture/dial.h"

enum state {
    /* The client's messages. */
    STATE_GREETING,
    STATE_AUTH,
    STATE_REQUEST,
    /* Waiting for the upstream: connection, method, status of user name and password, reply. */
    STATE_DIALING_UPSTREAM,
    STATE_METHOD,
    STATE_STATUS,
    STATE_REPLY,
    /* The built-in server at work. */
    STATE_RESOLVING,
    STATE_DIALING_SERVER,

    STATE_RELAY,
    /* Refused: the client gets the rest of the answer, what it still says is dropped. */
    STATE_LINGER,
    STATE_DEAD
};

/* One of the two sockets. */
struct side {
    struct conn *conn;
    int fd;                   /* -1: none */
    struct event read, write; /* `write` is added while bytes are pending */
    uint8_t *pending;         /* what this side would not take yet: at most one read's worth */
    size_t pending_at, pending_len;
    bool ended;    /* its FIN has been read */
    bool fin_sent; /* our FIN has been sent to it */
    bool broken;   /* it takes no more bytes: they are dropped; reading it will tell why */
};

/* What only the handshake needs. */
struct handshake {
    struct socks from_client, from_server;
    struct socks_message message;
    uint8_t methods[2]; /* that the client offers and we can pass on */
    size_t methods_n;
    bool upstream_down; /* the upstream cannot be reached: we answer in its place */
    struct event timer;
    struct dial *dial;
    struct resolve_job *job;
    /* What the client sent ahead of its turn. */
    uint8_t *early;
    size_t early_len;
    uint64_t early_t_ns;
};

struct conn {
    TAILQ_ENTRY(conn) link;
    struct proxy *proxy;
    uint32_t id;
    enum state state;
    struct side client, server;
    struct handshake *handshake; /* NULL from STATE_RELAY on */
    struct app *app;             /* NULL before the first byte behind the handshake */
    struct event_sink sink;
    uint64_t to_server_bytes, to_client_bytes; /* behind the handshake */
    bool to_server_ended, to_client_ended;     /* EndOfStream has been emitted */
};

static void set_state(struct conn *conn, enum state state);
static void finish(struct conn *conn, Mitm__EndCause cause, int error);
static void take_early(struct conn *conn);
static void socket_failed(struct side *from, int error);

/* ---------------------------------------------------------------- events */

static void emit(void *ctx, Mitm__Record *record)
{
    struct conn *conn = ctx;
    EVENT_SET(*record, connection, conn->id);
    if (record->event_case == MITM__RECORD__EVENT_HTTP_REQUEST_START)
        conn->proxy->stats.requests++;
    proxy_record(conn->proxy, record);
}

static uint64_t now(const struct conn *conn)
{
    return clock_t_ns(&conn->proxy->clock);
}

/* Say that `direction` has ended, unless that has been said. */
static void end_direction(struct conn *conn, Mitm__Direction direction, Mitm__EndCause cause, int error)
{
    bool *ended = direction == MITM__DIRECTION__TO_SERVER ? &conn->to_server_ended : &conn->to_client_ended;
    if (*ended)
        return;
    *ended = true;
    uint64_t t_ns = now(conn);
    if (conn->app)
        app_end(conn->app, direction, t_ns, cause);
    EVENT_NEW(record, ev, t_ns, EndOfStream, END_OF_STREAM, end_of_stream);
    EVENT_SET(ev, direction, direction);
    EVENT_SET(ev, cause, cause);
    if (cause == MITM__END_CAUSE__CONNECTION_ERROR)
        EVENT_SET(ev, error, (uint32_t)error);
    event_emit(&conn->sink, &record);
}

/* Decode `len` bytes behind the handshake. */
static void tap(struct conn *conn, Mitm__Direction direction, uint64_t t_ns, const uint8_t *data, size_t len)
{
    struct proxy_stats *stats = &conn->proxy->stats;
    if (direction == MITM__DIRECTION__TO_SERVER) {
        conn->to_server_bytes += len;
        stats->to_server_bytes += len;
    } else {
        conn->to_client_bytes += len;
        stats->to_client_bytes += len;
    }
    if (!conn->app)
        conn->app = app_new(&conn->sink, conn->proxy->settings.body_limit_bytes);
    app_feed(conn->app, direction, t_ns, data, len);
}

/* ---------------------------------------------------------------- the two sides */

static struct side *other(struct side *side)
{
    return side == &side->conn->client ? &side->conn->server : &side->conn->client;
}

/* Whether bytes of the client are wanted in this state, or of the server. */
static bool wants_client(enum state state)
{
    switch (state) {
    case STATE_GREETING:
    case STATE_AUTH:
    case STATE_REQUEST:
    case STATE_REPLY:
    case STATE_RESOLVING:
    case STATE_DIALING_SERVER:
    case STATE_RELAY:
    case STATE_LINGER:
        return true;
    case STATE_DIALING_UPSTREAM:
    case STATE_METHOD:
    case STATE_STATUS:
    case STATE_DEAD:
        break;
    }
    return false;
}

static bool wants_server(enum state state)
{
    return state == STATE_METHOD || state == STATE_STATUS || state == STATE_REPLY || state == STATE_RELAY;
}

/* Read from `side` or not, as state and back-pressure want it. */
static void update_reading(struct side *side)
{
    struct conn *conn = side->conn;
    if (side->fd < 0)
        return;
    bool wanted = side == &conn->client ? wants_client(conn->state) : wants_server(conn->state);
    bool blocked = other(side)->pending_len > 0 && conn->state != STATE_LINGER;
    if (wanted && !blocked && !side->ended)
        event_add(&side->read, NULL);
    else
        event_del(&side->read);
}

static void drop_pending(struct side *side)
{
    free(side->pending);
    side->pending = NULL;
    side->pending_at = side->pending_len = 0;
}

/* Send our FIN to `side` if the other one has ended and everything has been passed on. */
static void pass_on_fin(struct side *side)
{
    if (other(side)->ended && side->pending_len == 0 && side->fd >= 0 && !side->fin_sent) {
        side->fin_sent = true;
        shutdown(side->fd, SHUT_WR);
    }
}

/* Send what can be sent now. Return how much that was; marks `side` broken if it fails. */
static size_t send_now(struct side *side, const uint8_t *data, size_t len)
{
    ssize_t n;
    do {
        n = send(side->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    if (n >= 0)
        return (size_t)n;
    if (errno != EAGAIN)
        side->broken = true;
    return 0;
}

/* Keep `len` bytes for `side` until it takes them. */
static void keep_pending(struct side *side, const uint8_t *data, size_t len)
{
    uint8_t *all = malloc(side->pending_len + len);
    if (!all)
        abort();
    if (side->pending_len > 0)
        memcpy(all, side->pending + side->pending_at, side->pending_len);
    memcpy(all + side->pending_len, data, len);
    size_t kept = side->pending_len + len;
    drop_pending(side);
    side->pending = all;
    side->pending_len = kept;
    if (side->fd >= 0)
        event_add(&side->write, NULL);
}

/* Pass `len` bytes on to `side`. Return whether the kernel took all of them at once. */
static bool pass_on(struct side *side, const uint8_t *data, size_t len)
{
    size_t sent = 0;
    if (side->fd >= 0 && side->pending_len == 0 && !side->broken)
        sent = send_now(side, data, len);
    if (side->broken)
        return false;
    if (sent < len)
        keep_pending(side, data + sent, len - sent);
    return sent == len;
}

/* Whether `side` takes no bytes any more and has none left to give: nothing else will tell that it is gone. */
static bool gone(const struct side *side)
{
    return side->broken && side->ended;
}

/* End the connection if both sides have ended and all has been passed on; return whether that is so. */
static bool finish_if_over(struct conn *conn)
{
    bool over = conn->state == STATE_RELAY && conn->client.ended && conn->server.ended &&
                conn->client.pending_len == 0 && conn->server.pending_len == 0;
    if (over)
        finish(conn, MITM__END_CAUSE__FIN, 0);
    return over;
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct side *side = arg;
    size_t sent = send_now(side, side->pending + side->pending_at, side->pending_len);
    side->pending_at += sent;
    side->pending_len -= sent;
    if (side->pending_len > 0 && !side->broken) {
        event_add(&side->write, NULL);
        return;
    }
    drop_pending(side);
    if (gone(side)) {
        socket_failed(side, ECONNRESET);
        return;
    }
    pass_on_fin(side);
    if (!finish_if_over(side->conn))
        update_reading(other(side));
}

static void on_client_readable(evutil_socket_t fd, short what, void *arg);
static void on_server_readable(evutil_socket_t fd, short what, void *arg);

static void side_init(struct side *side, struct conn *conn)
{
    side->conn = conn;
    side->fd = -1;
}

static void side_open(struct side *side, int fd)
{
    struct conn *conn = side->conn;
    side->fd = fd;
    event_assign(&side->read, conn->proxy->base, fd, EV_READ | EV_PERSIST,
                 side == &conn->client ? on_client_readable : on_server_readable, side);
    event_assign(&side->write, conn->proxy->base, fd, EV_WRITE, on_writable, side);
    if (side->pending_len > 0)
        event_add(&side->write, NULL);
}

static void side_close(struct side *side, bool reset)
{
    drop_pending(side);
    if (side->fd < 0)
        return;
    event_del(&side->read);
    event_del(&side->write);
    if (reset) {
        struct linger linger = {.l_onoff = 1, .l_linger = 0};
        setsockopt(side->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    }
    close(side->fd);
    side->fd = -1;
}

/* ---------------------------------------------------------------- the end */

static void handshake_free(struct conn *conn)
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

/* End the connection: both directions, which have not ended before, because of `cause`. */
static void finish(struct conn *conn, Mitm__EndCause cause, int error)
{
    if (conn->state == STATE_DEAD)
        return;
    bool reset = cause == MITM__END_CAUSE__RESET || cause == MITM__END_CAUSE__CONNECTION_ERROR;
    side_close(&conn->client, reset);
    side_close(&conn->server, reset);
    handshake_free(conn);
    end_direction(conn, MITM__DIRECTION__TO_SERVER, cause, error);
    end_direction(conn, MITM__DIRECTION__TO_CLIENT, cause, error);
    EVENT_NEW(record, ev, now(conn), ConnectionEnd, CONNECTION_END, connection_end);
    EVENT_SET(ev, cause, cause);
    EVENT_SET(ev, to_server_bytes, conn->to_server_bytes);
    EVENT_SET(ev, to_client_bytes, conn->to_client_bytes);
    event_emit(&conn->sink, &record);
    set_state(conn, STATE_DEAD);
    conn->proxy->stats.open--;
    TAILQ_REMOVE(&conn->proxy->conns, conn, link);
    TAILQ_INSERT_TAIL(&conn->proxy->dead, conn, link);
}

void conn_end(struct conn *conn)
{
    finish(conn, MITM__END_CAUSE__SESSION_ENDED, 0);
}

bool conn_any_client_open(const struct proxy *proxy)
{
    const struct conn *conn;
    TAILQ_FOREACH(conn, &proxy->conns, link)
    {
        if (!conn->client.ended)
            return true;
    }
    return false;
}

void conn_reap(struct proxy *proxy)
{
    for (struct conn *conn; (conn = TAILQ_FIRST(&proxy->dead));) {
        TAILQ_REMOVE(&proxy->dead, conn, link);
        if (conn->app)
            app_free(conn->app);
        free(conn);
    }
}

/* The socket of `from` failed with `error`: the other one is reset, as it would have been without us. */
static void socket_failed(struct side *from, int error)
{
    finish(from->conn,
           error == ECONNRESET || error == EPIPE ? MITM__END_CAUSE__RESET : MITM__END_CAUSE__CONNECTION_ERROR, error);
}

/* Send the client its last bytes, then end the connection when it closes, or CONN_LINGER_S later. */
static void refuse(struct conn *conn, const uint8_t *answer, size_t len)
{
    side_close(&conn->server, false);
    conn->server.ended = true;
    pass_on(&conn->client, answer, len);
    set_state(conn, STATE_LINGER);
    pass_on_fin(&conn->client);
    struct timeval timeout = {.tv_sec = CONN_LINGER_S};
    event_add(&conn->handshake->timer, &timeout);
    if (conn->client.ended)
        finish(conn, MITM__END_CAUSE__PROXY_ENDED, 0);
}

/* ---------------------------------------------------------------- handshake: answers of our own */

static void emit_response(struct conn *conn, uint64_t t_ns, uint8_t reply, Mitm__ReplyOrigin origin,
                          const char *address, size_t address_len, uint16_t port)
{
    EVENT_NEW(record, ev, t_ns, SocksResponseEnd, SOCKS_RESPONSE_END, socks_response_end);
    EVENT_SET(ev, reply, reply);
    EVENT_SET(ev, origin, origin);
    if (address) {
        EVENT_SET_BYTES(ev, bound_address, address, address_len);
        EVENT_SET(ev, bound_port, port);
    }
    event_emit(&conn->sink, &record);
}

/* Refuse the request with REP `reply`. */
static void refuse_request(struct conn *conn, uint8_t reply)
{
    uint8_t answer[22];
    size_t len = socks_write_reply(answer, reply, NULL, 0, 0);
    emit_response(conn, now(conn), reply, MITM__REPLY_ORIGIN__PROXY, NULL, 0, 0);
    refuse(conn, answer, len);
}

static void choose_method(struct conn *conn, uint8_t method)
{
    uint8_t answer[2] = {SOCKS_VERSION, method};
    EVENT_NEW(record, ev, now(conn), SocksMethodChosen, SOCKS_METHOD_CHOSEN, socks_method_chosen);
    EVENT_SET(ev, method, method);
    event_emit(&conn->sink, &record);
    if (method == SOCKS_METHOD_NO_ACCEPTABLE) {
        refuse(conn, answer, sizeof answer);
        return;
    }
    pass_on(&conn->client, answer, sizeof answer);
    set_state(conn, method == SOCKS_METHOD_USERNAME ? STATE_AUTH : STATE_REQUEST);
}

/* Choose as Tor does: user name and password if they are offered. */
static void choose_method_ourselves(struct conn *conn)
{
    const struct handshake *handshake = conn->handshake;
    bool username = memchr(handshake->methods, SOCKS_METHOD_USERNAME, handshake->methods_n) != NULL;
    choose_method(conn, username ? SOCKS_METHOD_USERNAME : SOCKS_METHOD_NONE);
}

static void accept_credentials(struct conn *conn)
{
    static const uint8_t answer[2] = {SOCKS_AUTH_VERSION, 0};
    EVENT_NEW(record, ev, now(conn), SocksAuthEnd, SOCKS_AUTH_END, socks_auth_end);
    EVENT_SET(ev, status, 0);
    event_emit(&conn->sink, &record);
    pass_on(&conn->client, answer, sizeof answer);
    set_state(conn, STATE_REQUEST);
}

/* The handshake is over, and it succeeded. */
static void begin_relay(struct conn *conn)
{
    set_state(conn, STATE_RELAY);
    handshake_free(conn);
    pass_on_fin(&conn->server);
    pass_on_fin(&conn->client);
}

/* ---------------------------------------------------------------- handshake: the built-in server */

static uint8_t reply_for_errno(int error)
{
    switch (error) {
    case ECONNREFUSED:
    case ECONNRESET:
        return SOCKS_CONNECTION_REFUSED;
    case ENETUNREACH:
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
        return SOCKS_NETWORK_UNREACHABLE;
    case EHOSTUNREACH:
        return SOCKS_HOST_UNREACHABLE;
    case ETIMEDOUT:
        return SOCKS_TTL_EXPIRED; /* as Tor answers a timeout */
    case EACCES:
    case EPERM:
        return SOCKS_NOT_ALLOWED;
    default:
        return SOCKS_GENERAL_FAILURE;
    }
}

static void on_server_dialed(void *ctx, int fd, int error)
{
    struct conn *conn = ctx;
    if (fd < 0) {
        refuse_request(conn, reply_for_errno(error));
        return;
    }
    if (conn->proxy->stamps)
        input_enable_stamps(fd);
    struct sockaddr_storage local = {0};
    socklen_t local_len = sizeof local;
    getsockname(fd, (struct sockaddr *)&local, &local_len);
    char text[RESOLVE_TEXT_SIZE];
    uint16_t port = resolve_text(&local, text);
    const struct sockaddr_in *in = (const struct sockaddr_in *)&local;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&local;
    bool ipv6 = local.ss_family == AF_INET6;
    uint8_t answer[22];
    size_t len = socks_write_reply(answer, SOCKS_SUCCEEDED,
                                   ipv6 ? (const uint8_t *)&in6->sin6_addr : (const uint8_t *)&in->sin_addr,
                                   ipv6 ? 16 : 4, port);
    pass_on(&conn->client, answer, len);
    emit_response(conn, now(conn), SOCKS_SUCCEEDED, MITM__REPLY_ORIGIN__PROXY, text, strlen(text), port);
    side_open(&conn->server, fd);
    begin_relay(conn);
}

static void dial_server(struct conn *conn, const struct resolve_addresses *addresses)
{
    set_state(conn, STATE_DIALING_SERVER);
    dial_start(&conn->handshake->dial, conn->proxy->base, addresses, &conn->sink, &conn->proxy->clock, on_server_dialed,
               conn);
}

static void on_resolved(void *ctx, int error, const struct resolve_addresses *addresses)
{
    struct conn *conn = ctx;
    conn->handshake->job = NULL;
    char texts[RESOLVE_ADDRESSES_MAX][RESOLVE_TEXT_SIZE];
    char *list[RESOLVE_ADDRESSES_MAX];
    EVENT_NEW(record, ev, now(conn), ResolveEnd, RESOLVE_END, resolve_end);
    for (size_t i = 0; i < addresses->n; i++) {
        resolve_text(&addresses->address[i], texts[i]);
        list[i] = texts[i];
    }
    ev.n_addresses = addresses->n;
    ev.addresses = list;
    if (error)
        ev.error = (char *)(uintptr_t)resolve_error_text(error);
    event_emit(&conn->sink, &record);
    if (error || addresses->n == 0)
        refuse_request(conn, SOCKS_HOST_UNREACHABLE);
    else
        dial_server(conn, addresses);
}

/* Do what the request in handshake->message asks for. */
static void serve_request(struct conn *conn)
{
    struct proxy *proxy = conn->proxy;
    const struct socks_message *request = &conn->handshake->message;
    if (request->command != SOCKS_CONNECT) {
        refuse_request(conn, SOCKS_COMMAND_NOT_SUPPORTED);
        return;
    }
    struct resolve_addresses addresses;
    switch (resolver_local(proxy->resolver, request->host, request->host_len_bytes, request->port, &addresses)) {
    case RESOLVE_LOCAL_DONE:
        dial_server(conn, &addresses);
        return;
    case RESOLVE_LOCAL_REFUSED:
        refuse_request(conn, SOCKS_HOST_UNREACHABLE);
        return;
    case RESOLVE_LOCAL_ASK:
        break;
    }
    EVENT_NEW(record, ev, now(conn), ResolveStart, RESOLVE_START, resolve_start);
    EVENT_SET_BYTES(ev, host, request->host, request->host_len_bytes);
    event_emit(&conn->sink, &record);
    set_state(conn, STATE_RESOLVING);
    conn->handshake->job = resolver_start(proxy->resolver, request->host, request->port, on_resolved, conn);
}

/* ---------------------------------------------------------------- handshake: with an upstream */

/* The upstream went away, or broke the protocol, before it had answered: answer in its place. */
static void upstream_failed(struct conn *conn)
{
    static const uint8_t auth_failed[2] = {SOCKS_AUTH_VERSION, 1};
    struct handshake *handshake = conn->handshake;
    side_close(&conn->server, false);
    handshake->upstream_down = true;
    switch (conn->state) {
    case STATE_DIALING_UPSTREAM:
    case STATE_METHOD:
        choose_method_ourselves(conn);
        take_early(conn);
        break;
    case STATE_STATUS:
        refuse(conn, auth_failed, sizeof auth_failed);
        break;
    case STATE_REPLY:
        refuse_request(conn, SOCKS_GENERAL_FAILURE);
        break;
    case STATE_GREETING:
    case STATE_AUTH:
    case STATE_REQUEST:
    case STATE_RESOLVING:
    case STATE_DIALING_SERVER:
    case STATE_RELAY:
    case STATE_LINGER:
    case STATE_DEAD:
        assert(!"conn: no upstream in this state");
    }
}

static void on_upstream_dialed(void *ctx, int fd, int error)
{
    struct conn *conn = ctx;
    struct handshake *handshake = conn->handshake;
    proxy_report_upstream(conn->proxy, error);
    if (fd < 0) {
        upstream_failed(conn);
        return;
    }
    if (conn->proxy->stamps)
        input_enable_stamps(fd);
    side_open(&conn->server, fd);
    socks_init(&handshake->from_server, MITM__DIRECTION__TO_CLIENT);
    uint8_t greeting[2 + sizeof handshake->methods] = {SOCKS_VERSION, (uint8_t)handshake->methods_n};
    memcpy(greeting + 2, handshake->methods, handshake->methods_n);
    pass_on(&conn->server, greeting, 2 + handshake->methods_n);
    set_state(conn, STATE_METHOD);
}

static void upstream_method(struct conn *conn)
{
    const struct handshake *handshake = conn->handshake;
    uint8_t method = handshake->message.method;
    uint8_t answer[2] = {SOCKS_VERSION, method};
    if (method == SOCKS_METHOD_NO_ACCEPTABLE) {
        refuse(conn, answer, sizeof answer);
        return;
    }
    if (!memchr(handshake->methods, method, handshake->methods_n)) {
        EVENT_NEW(record, ev, now(conn), Violation, VIOLATION, violation);
        EVENT_SET(ev, kind, MITM__VIOLATION_KIND__SOCKS_REPLY);
        EVENT_SET(ev, direction, MITM__DIRECTION__TO_CLIENT);
        EVENT_SET(ev, offset_bytes, 1);
        ev.detail = (char *)(uintptr_t) "the upstream chose a method that was not offered";
        event_emit(&conn->sink, &record);
        upstream_failed(conn);
        return;
    }
    pass_on(&conn->client, answer, sizeof answer);
    set_state(conn, method == SOCKS_METHOD_USERNAME ? STATE_AUTH : STATE_REQUEST);
}

static void upstream_status(struct conn *conn)
{
    uint8_t answer[2] = {SOCKS_AUTH_VERSION, conn->handshake->message.status};
    if (answer[1] != 0) {
        refuse(conn, answer, sizeof answer);
        return;
    }
    pass_on(&conn->client, answer, sizeof answer);
    set_state(conn, STATE_REQUEST);
}

/* The upstream's reply, complete at `t_ns`; `command` is what was asked for. */
static void upstream_reply(struct conn *conn, uint64_t t_ns, uint8_t command)
{
    const struct handshake *handshake = conn->handshake;
    const struct socks_message *reply = &handshake->message;
    const struct socks *bytes = &handshake->from_server;
    bool relay = reply->reply == SOCKS_SUCCEEDED && command == SOCKS_CONNECT;
    if (relay)
        pass_on(&conn->client, bytes->bytes, bytes->len_bytes);
    emit_response(conn, t_ns, reply->reply, MITM__REPLY_ORIGIN__UPSTREAM, reply->host, reply->host_len_bytes,
                  reply->port);
    if (relay)
        begin_relay(conn);
    else
        refuse(conn, bytes->bytes, bytes->len_bytes); /* refused, or resolved: there is nothing to relay */
}

/* ---------------------------------------------------------------- handshake: the client's messages */

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
        choose_method(conn, SOCKS_METHOD_NO_ACCEPTABLE);
    } else if (conn->proxy->settings.direct) {
        choose_method_ourselves(conn);
    } else {
        struct resolve_addresses upstream = {.n = 1, .address = {conn->proxy->settings.upstream}};
        set_state(conn, STATE_DIALING_UPSTREAM);
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
    uint32_t number = credentials_number(conn->proxy->credentials, auth->bytes, auth->len_bytes);
    if (number > 0)
        EVENT_SET(ev, credential, number);
    event_emit(&conn->sink, &record);
}

static void client_auth(struct conn *conn)
{
    struct handshake *handshake = conn->handshake;
    const struct socks *auth = &handshake->from_client;
    emit_auth(conn);
    if (conn->proxy->settings.direct || handshake->upstream_down) {
        accept_credentials(conn);
        return;
    }
    pass_on(&conn->server, auth->bytes, auth->len_bytes);
    socks_expect(&handshake->from_server, SOCKS_STATUS);
    set_state(conn, STATE_STATUS);
}

static void client_request(struct conn *conn)
{
    struct handshake *handshake = conn->handshake;
    uint8_t command = handshake->message.command;
    event_del(&handshake->timer);
    if (conn->proxy->settings.direct) {
        struct timeval timeout = {.tv_sec = CONN_HANDSHAKE_S};
        event_add(&handshake->timer, &timeout);
        serve_request(conn);
    } else if (command != SOCKS_CONNECT && command != SOCKS_RESOLVE && command != SOCKS_RESOLVE_PTR) {
        refuse_request(conn, SOCKS_COMMAND_NOT_SUPPORTED);
    } else if (handshake->upstream_down) {
        refuse_request(conn, SOCKS_GENERAL_FAILURE);
    } else {
        pass_on(&conn->server, handshake->from_client.bytes, handshake->from_client.len_bytes);
        socks_expect(&handshake->from_server, SOCKS_REPLY);
        set_state(conn, STATE_REPLY);
    }
}

/* A message that broke RFC 1928 or 1929 has been seen: answer as far as there is an answer, and close. */
static void client_bad(struct conn *conn)
{
    static const uint8_t no_method[2] = {SOCKS_VERSION, SOCKS_METHOD_NO_ACCEPTABLE};
    static const uint8_t auth_failed[2] = {SOCKS_AUTH_VERSION, 1};
    static const uint8_t socks4_rejected[8] = {0, 0x5B};
    static const char not_http[] =
        "HTTP/1.0 501 Not an HTTP proxy\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
        "This is mitm-proxy, a SOCKS5 proxy. Enter this address in your browser's settings as "
        "a SOCKS host, version 5, not as an HTTP proxy.\n";
    const uint8_t *bytes = conn->handshake->from_client.bytes;
    switch (conn->handshake->from_client.kind) {
    case SOCKS_REQUEST:
        refuse_request(conn, bytes[0] != SOCKS_VERSION ? SOCKS_GENERAL_FAILURE
                             : bytes[3] == SOCKS_NAME  ? SOCKS_GENERAL_FAILURE
                                                       : SOCKS_ADDRESS_TYPE_NOT_SUPPORTED);
        return;
    case SOCKS_AUTH:
        refuse(conn, auth_failed, sizeof auth_failed);
        return;
    case SOCKS_GREETING:
    case SOCKS_METHOD:
    case SOCKS_STATUS:
    case SOCKS_REPLY:
        break;
    }
    if (bytes[0] == 4)
        refuse(conn, socks4_rejected, sizeof socks4_rejected);
    else if (bytes[0] >= 'A' && bytes[0] <= 'Z')
        refuse(conn, (const uint8_t *)not_http, sizeof not_http - 1);
    else
        refuse(conn, no_method, sizeof no_method);
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
        assert(!"conn: a client does not send this");
    }
}

/* ---------------------------------------------------------------- input */

static bool client_speaks_socks(enum state state)
{
    return state == STATE_GREETING || state == STATE_AUTH || state == STATE_REQUEST;
}

/* Whether what the client sends is for the server. */
static bool client_speaks_to_server(enum state state)
{
    return state == STATE_REPLY || state == STATE_RESOLVING || state == STATE_DIALING_SERVER || state == STATE_RELAY;
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

/* Take `len` bytes from the client: messages of the handshake, then data for the server. */
static void client_bytes(struct conn *conn, uint64_t t_ns, const uint8_t *data, size_t len)
{
    while (len > 0 && client_speaks_socks(conn->state)) {
        struct handshake *handshake = conn->handshake;
        enum socks_kind kind = conn->state == STATE_GREETING ? SOCKS_GREETING
                               : conn->state == STATE_AUTH   ? SOCKS_AUTH
                                                             : SOCKS_REQUEST;
        if (handshake->from_client.kind != kind)
            socks_expect(&handshake->from_client, kind);
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
        pass_on(&conn->server, data, len);
        tap(conn, MITM__DIRECTION__TO_SERVER, t_ns, data, len);
    } else if (conn->state == STATE_DIALING_UPSTREAM || conn->state == STATE_METHOD || conn->state == STATE_STATUS) {
        keep_early(conn, t_ns, data, len);
    }
}

/* It may be the client's turn now: take what it sent before. */
static void take_early(struct conn *conn)
{
    struct handshake *handshake = conn->handshake;
    if (!handshake || !handshake->early || !wants_client(conn->state))
        return;
    uint8_t *early = handshake->early;
    handshake->early = NULL;
    client_bytes(conn, handshake->early_t_ns, early, handshake->early_len);
    free(early);
}

/* The client has ended its direction in the middle of the handshake. */
static void client_left(struct conn *conn)
{
    socks_truncated(&conn->handshake->from_client, &conn->sink, now(conn));
    finish(conn, MITM__END_CAUSE__FIN, 0);
}

/* `from` has ended its direction: pass the FIN on, then say so. */
static void fin_in_relay(struct side *from, Mitm__Direction direction)
{
    struct conn *conn = from->conn;
    pass_on_fin(other(from));
    end_direction(conn, direction, MITM__END_CAUSE__FIN, 0);
    if (!finish_if_over(conn))
        update_reading(from);
}

static void client_fin(struct conn *conn)
{
    conn->client.ended = true;
    if (client_speaks_socks(conn->state)) {
        client_left(conn);
        return;
    }
    if (conn->state == STATE_LINGER) {
        finish(conn, MITM__END_CAUSE__PROXY_ENDED, 0);
        return;
    }
    fin_in_relay(&conn->client, MITM__DIRECTION__TO_SERVER);
}

/* Pass on what has been read from `from`, then decode it. */
static void relay(struct side *from, Mitm__Direction direction, const struct input *input)
{
    struct conn *conn = from->conn;
    struct proxy *proxy = conn->proxy;
    struct side *to = other(from);
    size_t len = (size_t)input->len_bytes;
    if (pass_on(to, proxy->buffer, len))
        proxy_passed_on(proxy, input);
    tap(conn, direction, input->t_ns, proxy->buffer, len);
    if (gone(to))
        socket_failed(to, ECONNRESET);
    else if (to->pending_len > 0)
        update_reading(from);
}

static void on_client_readable(evutil_socket_t fd, short what, void *arg)
{
    (void)what;
    struct side *side = arg;
    struct conn *conn = side->conn;
    struct proxy *proxy = conn->proxy;
    struct input input = proxy_read(proxy, fd);
    if (input.len_bytes < 0) {
        if (input.error != EAGAIN)
            socket_failed(side, input.error);
        return;
    }
    if (input.len_bytes == 0) {
        if (side->broken) /* the failed send has taken the error from the socket */
            socket_failed(side, ECONNRESET);
        else
            client_fin(conn);
        return;
    }
    size_t len = (size_t)input.len_bytes;
    if (conn->state == STATE_RELAY) {
        relay(side, MITM__DIRECTION__TO_SERVER, &input);
        return;
    }
    client_bytes(conn, input.t_ns, proxy->buffer, len);
    if (conn->state != STATE_DEAD)
        update_reading(side);
}

/* Take `len` bytes of the upstream's part of the handshake, and what follows it. */
static void upstream_bytes(struct conn *conn, uint64_t t_ns, const uint8_t *data, size_t len)
{
    struct handshake *handshake = conn->handshake;
    uint8_t command = handshake->message.command; /* of the request, in STATE_REPLY */
    size_t used;
    switch (socks_feed(&handshake->from_server, &conn->sink, t_ns, data, len, &used, &handshake->message)) {
    case SOCKS_MORE:
        return;
    case SOCKS_BAD:
        upstream_failed(conn);
        return;
    case SOCKS_DONE:
        break;
    }
    if (conn->state == STATE_METHOD)
        upstream_method(conn);
    else if (conn->state == STATE_STATUS)
        upstream_status(conn);
    else
        upstream_reply(conn, t_ns, command);
    take_early(conn);
    if (used == len)
        return;
    if (conn->state == STATE_RELAY) {
        pass_on(&conn->client, data + used, len - used);
        tap(conn, MITM__DIRECTION__TO_CLIENT, t_ns, data + used, len - used);
    } else if (wants_server(conn->state)) {
        upstream_bytes(conn, t_ns, data + used, len - used);
    }
}

static void server_fin(struct conn *conn)
{
    if (conn->state != STATE_RELAY) {
        socks_truncated(&conn->handshake->from_server, &conn->sink, now(conn));
        upstream_failed(conn);
        return;
    }
    conn->server.ended = true;
    fin_in_relay(&conn->server, MITM__DIRECTION__TO_CLIENT);
}

static void on_server_readable(evutil_socket_t fd, short what, void *arg)
{
    (void)what;
    struct side *side = arg;
    struct conn *conn = side->conn;
    struct proxy *proxy = conn->proxy;
    struct input input = proxy_read(proxy, fd);
    if (input.len_bytes < 0) {
        if (input.error == EAGAIN)
            return;
        if (conn->state == STATE_RELAY)
            socket_failed(side, input.error);
        else
            upstream_failed(conn);
        return;
    }
    if (input.len_bytes == 0) {
        if (side->broken && conn->state == STATE_RELAY)
            socket_failed(side, ECONNRESET);
        else
            server_fin(conn);
        return;
    }
    size_t len = (size_t)input.len_bytes;
    if (conn->state == STATE_RELAY) {
        relay(side, MITM__DIRECTION__TO_CLIENT, &input);
        return;
    }
    upstream_bytes(conn, input.t_ns, proxy->buffer, len);
    if (conn->state != STATE_DEAD)
        update_reading(side);
}

/* ---------------------------------------------------------------- states */

static void set_state(struct conn *conn, enum state state)
{
    conn->state = state;
    update_reading(&conn->client);
    update_reading(&conn->server);
}

static void on_timeout(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct conn *conn = arg;
    struct handshake *handshake = conn->handshake;
    if (conn->state == STATE_LINGER) {
        finish(conn, MITM__END_CAUSE__PROXY_ENDED, 0);
        return;
    }
    if (conn->state == STATE_RESOLVING || conn->state == STATE_DIALING_SERVER) {
        if (handshake->job)
            resolver_cancel(handshake->job);
        handshake->job = NULL;
        if (handshake->dial)
            dial_cancel(handshake->dial);
        refuse_request(conn, SOCKS_TTL_EXPIRED);
        return;
    }
    if (conn->state == STATE_DIALING_UPSTREAM || conn->state == STATE_METHOD || conn->state == STATE_STATUS) {
        if (handshake->dial)
            dial_cancel(handshake->dial);
        struct timeval timeout = {.tv_sec = CONN_HANDSHAKE_S};
        event_add(&handshake->timer, &timeout);
        upstream_failed(conn);
        return;
    }
    EVENT_NEW(record, ev, now(conn), Violation, VIOLATION, violation);
    EVENT_SET(ev, kind, MITM__VIOLATION_KIND__SOCKS_TIMEOUT);
    EVENT_SET(ev, direction, MITM__DIRECTION__TO_SERVER);
    EVENT_SET(ev, offset_bytes, handshake->from_client.offset_bytes + handshake->from_client.len_bytes);
    ev.detail = (char *)(uintptr_t) "the client did not complete the SOCKS handshake in time";
    event_emit(&conn->sink, &record);
    finish(conn, MITM__END_CAUSE__PROXY_ENDED, 0);
}

void conn_start(struct proxy *proxy, uint32_t id, int fd, const struct sockaddr_storage *client)
{
    struct conn *conn = calloc(1, sizeof *conn);
    struct handshake *handshake = calloc(1, sizeof *handshake);
    if (!conn || !handshake)
        abort();
    conn->proxy = proxy;
    conn->id = id;
    conn->sink = (struct event_sink){.emit = emit, .ctx = conn};
    conn->handshake = handshake;
    TAILQ_INSERT_TAIL(&proxy->conns, conn, link);
    proxy->stats.connections++;
    proxy->stats.open++;
    side_init(&conn->client, conn);
    side_init(&conn->server, conn);
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    side_open(&conn->client, fd);

    char text[RESOLVE_TEXT_SIZE];
    EVENT_NEW(record, ev, now(conn), ConnectionStart, CONNECTION_START, connection_start);
    EVENT_SET(ev, client_port, resolve_text(client, text));
    ev.client_address = text;
    event_emit(&conn->sink, &record);

    socks_init(&handshake->from_client, MITM__DIRECTION__TO_SERVER);
    evtimer_assign(&handshake->timer, proxy->base, on_timeout, conn);
    struct timeval timeout = {.tv_sec = CONN_HANDSHAKE_S};
    event_add(&handshake->timer, &timeout);
    set_state(conn, STATE_GREETING);
}
