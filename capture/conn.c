#include "capture/conn.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "capture/conn_private.h"
#include "capture/decode/app.h"
#include "capture/delays.h"
#include "capture/handshake.h"

/* ---------------------------------------------------------------- events */

static bool release_held(struct conn *conn);

/* Whether `record` is of something that came before the end of the latest pause, and waited for its keys: it may have
 * come in the pause. The same holds for all of a connection that ended in it without having been recorded. */
static bool is_of_pause(const struct conn *conn, const Mitm__Record *record)
{
    uint64_t resumed_t_ns = conn->proxy->resumed_t_ns;
    bool waited = record->t_ns < resumed_t_ns && conn->decrypting.since_ns < resumed_t_ns;
    return conn->decrypting.waits && (waited || (conn->id == 0 && conn->state == CONN_DEAD));
}

static void emit(void *ctx, Mitm__Record *record)
{
    struct conn *conn = ctx;
    if (conn->part == CONN_LEFT_OUT || is_of_pause(conn, record))
        return;
    if (record->event_case == MITM__RECORD__EVENT_HTTP_REQUEST_START && app_is_http1(conn->app))
        delays_request(conn, record->http_request_start->offset_bytes, record->t_ns, record->exchange);
    if (conn->part == CONN_UNDECIDED) {
        proxy_set_slack(conn->proxy, record);
        held_take(&conn->held, record);
        conn->held_n++;
        return;
    }
    if (conn->id == 0 && !release_held(conn)) {
        conn->proxy->unrecorded++;
        return;
    }
    EVENT_SET(*record, connection, conn->id);
    if (record->event_case == MITM__RECORD__EVENT_HTTP_REQUEST_START && !conn->proxy->paused)
        conn->proxy->stats.requests++;
    proxy_record(conn->proxy, record);
}

static void drop_held(struct conn *conn)
{
    held_drop(&conn->held);
    free(conn->held_login);
    conn->held_login = NULL;
}

/* Record what was held. */
static void emit_held(void *ctx, Mitm__Record *record)
{
    struct conn *conn = ctx;
    struct credentials *credentials = conn->proxy->credentials;
    if (record->event_case == MITM__RECORD__EVENT_SOCKS_AUTH_START && conn->held_login) {
        uint32_t number = credentials_number(credentials, conn->held_login, conn->held_login_len);
        if (number > 0)
            EVENT_SET(*record->socks_auth_start, credential, number);
    }
    emit(conn, record);
}

/* `conn` is part of the measurement and has no records yet: record what was held, but not in a pause. Return whether
 * that was done. */
static bool release_held(struct conn *conn)
{
    struct proxy *proxy = conn->proxy;
    if (proxy->paused)
        return false;
    conn->id = (uint32_t)++proxy->stats.connections;
    conn->held_n = 0;
    struct event_sink sink = {.emit = emit_held, .ctx = conn};
    held_release(&conn->held, proxy->arena, &sink);
    drop_held(conn);
    return true;
}

void conn_measure(struct conn *conn)
{
    struct proxy *proxy = conn->proxy;
    if (conn->part != CONN_UNDECIDED)
        return;
    conn->part = CONN_MEASURED;
    proxy->undecided--;
    proxy->stats.open++;
    (void)release_held(conn);
}

void conn_hold_login(struct conn *conn, const uint8_t *login, size_t len)
{
    free(conn->held_login);
    conn->held_login = malloc(len);
    if (!conn->held_login)
        abort();
    memcpy(conn->held_login, login, len);
    conn->held_login_len = len;
}

uint64_t conn_now(const struct conn *conn)
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
    throttle_end(direction == MITM__DIRECTION__TO_SERVER ? &conn->client : &conn->server);
    uint64_t t_ns = conn_now(conn);
    if (conn->app)
        app_end(conn->app, direction, t_ns, cause);
    decrypting_look(conn);
    delays_decoded(conn);
    EVENT_NEW(record, ev, t_ns, EndOfStream, END_OF_STREAM, end_of_stream);
    EVENT_SET(ev, direction, direction);
    EVENT_SET(ev, cause, cause);
    if (cause == MITM__END_CAUSE__CONNECTION_ERROR)
        EVENT_SET(ev, error, (uint32_t)error);
    event_emit(&conn->sink, &record);
}

void conn_tap(struct conn *conn, Mitm__Direction direction, uint64_t t_ns, const uint8_t *data, size_t len)
{
    struct proxy_stats *stats = &conn->proxy->stats;
    if (conn->part == CONN_LEFT_OUT)
        return;
    if (direction == MITM__DIRECTION__TO_SERVER) {
        conn->to_server_bytes += len;
        stats->to_server_bytes += len;
    } else {
        conn->to_client_bytes += len;
        stats->to_client_bytes += len;
    }
    if (!conn->app)
        conn->app =
            app_new(&conn->sink, conn->proxy->settings.body_limit_bytes, decrypting_keys(conn->proxy->decrypting));
    app_feed(conn->app, direction, t_ns, data, len);
    decrypting_look(conn);
    delays_decoded(conn);
}

/* ---------------------------------------------------------------- the two sides */

static struct side *other(struct side *side)
{
    return side == &side->conn->client ? &side->conn->server : &side->conn->client;
}

bool conn_wants_client(enum conn_state state)
{
    switch (state) {
    case CONN_GREETING:
    case CONN_AUTH:
    case CONN_REQUEST:
    case CONN_DELAYED:
    case CONN_REPLY:
    case CONN_RESOLVING:
    case CONN_DIALING_SERVER:
    case CONN_RELAY:
    case CONN_LINGER:
        return true;
    case CONN_DIALING_UPSTREAM:
    case CONN_METHOD:
    case CONN_STATUS:
    case CONN_DEAD:
        break;
    }
    return false;
}

bool conn_wants_server(enum conn_state state)
{
    return state == CONN_METHOD || state == CONN_STATUS || state == CONN_REPLY || state == CONN_RELAY;
}

/* Read from `side` or not, as state and back-pressure want it. */
static void update_reading(struct side *side)
{
    const struct conn *conn = side->conn;
    bool wanted = side == &conn->client ? conn_wants_client(conn->state) : conn_wants_server(conn->state);
    bool blocked = other(side)->kept_len > 0 && conn->state != CONN_LINGER;
    if (side == &conn->client && delays_held_bytes(conn) >= DELAYS_HELD_MAX_BYTES)
        blocked = true;
    side_read(side, wanted && !blocked && !side->ended && !side->throttle.waiting);
}

void conn_set_state(struct conn *conn, enum conn_state state)
{
    conn->state = state;
    update_reading(&conn->client);
    update_reading(&conn->server);
}

/* Whether something for `side` is held back, or not passed on yet. */
static bool is_owed(const struct side *side)
{
    const struct conn *conn = side->conn;
    bool held = side == &conn->server && (delays_held_bytes(conn) > 0 || conn->state == CONN_DELAYED);
    return side->kept_len > 0 || held;
}

/* Send a FIN to `side` if the other one has ended and everything has been passed on. */
static void pass_on_fin(struct side *side)
{
    if (other(side)->ended && !is_owed(side))
        side_send_fin(side);
}

/* ---------------------------------------------------------------- the end */

void conn_finish(struct conn *conn, Mitm__EndCause cause, int error)
{
    if (conn->state == CONN_DEAD)
        return;
    conn_measure(conn);
    bool reset = cause == MITM__END_CAUSE__RESET || cause == MITM__END_CAUSE__CONNECTION_ERROR;
    side_close(&conn->client, reset);
    side_close(&conn->server, reset);
    handshake_free(conn);
    delays_free(conn);
    end_direction(conn, MITM__DIRECTION__TO_SERVER, cause, error);
    end_direction(conn, MITM__DIRECTION__TO_CLIENT, cause, error);
    EVENT_NEW(record, ev, conn_now(conn), ConnectionEnd, CONNECTION_END, connection_end);
    EVENT_SET(ev, cause, cause);
    EVENT_SET(ev, to_server_bytes, conn->to_server_bytes);
    EVENT_SET(ev, to_client_bytes, conn->to_client_bytes);
    event_emit(&conn->sink, &record);
    conn_set_state(conn, CONN_DEAD);
    if (conn->part == CONN_MEASURED)
        conn->proxy->stats.open--;
    TAILQ_REMOVE(&conn->proxy->conns, conn, link);
    TAILQ_INSERT_TAIL(&conn->proxy->dead, conn, link);
}

void conn_end(struct conn *conn)
{
    conn_finish(conn, MITM__END_CAUSE__SESSION_ENDED, 0);
}

void conn_free(struct conn *conn)
{
    struct proxy *proxy = conn->proxy;
    if (proxy->paused && conn->part == CONN_MEASURED)
        proxy->unrecorded += conn->held_n;
    drop_held(conn);
    if (conn->app)
        app_free(conn->app);
    free(conn);
}

void conn_reap(struct proxy *proxy)
{
    for (struct conn *conn; (conn = TAILQ_FIRST(&proxy->dead));) {
        TAILQ_REMOVE(&proxy->dead, conn, link);
        if (!decrypting_keeps(conn))
            conn_free(conn);
    }
}

/* The socket of `from` failed with `error`: the other one is reset, as it would have been without us. */
static void socket_failed(struct side *from, int error)
{
    conn_finish(from->conn,
                error == ECONNRESET || error == EPIPE ? MITM__END_CAUSE__RESET : MITM__END_CAUSE__CONNECTION_ERROR,
                error);
}

void conn_refuse(struct conn *conn, const uint8_t *answer, size_t len)
{
    conn_measure(conn);
    side_close(&conn->server, false);
    delays_free(conn);
    conn->server.ended = true;
    side_send(&conn->client, answer, len);
    conn_set_state(conn, CONN_LINGER);
    pass_on_fin(&conn->client);
    handshake_linger(conn);
    if (conn->client.ended)
        conn_finish(conn, MITM__END_CAUSE__PROXY_ENDED, 0);
}

/* End the connection if both sides have ended and all has been passed on; return whether that is so. */
static bool finish_if_over(struct conn *conn)
{
    bool over = conn->state == CONN_RELAY && conn->client.ended && conn->server.ended && !is_owed(&conn->client) &&
                !is_owed(&conn->server);
    if (over)
        conn_finish(conn, MITM__END_CAUSE__FIN, 0);
    return over;
}

/* ---------------------------------------------------------------- the relay */

void conn_begin_relay(struct conn *conn)
{
    conn_set_state(conn, CONN_RELAY);
    handshake_free(conn);
    delays_pass_on(conn);
    pass_on_fin(&conn->server);
    pass_on_fin(&conn->client);
}

void conn_client_data(struct conn *conn, uint64_t t_ns, const uint8_t *data, size_t len)
{
    if (delays_wanted(conn)) {
        delays_take(conn, t_ns, data, len);
        return;
    }
    side_send(&conn->server, data, len);
    conn_tap(conn, MITM__DIRECTION__TO_SERVER, t_ns, data, len);
}

void conn_passed_on(struct conn *conn)
{
    struct side *server = &conn->server;
    if (conn->state == CONN_DEAD || conn->state == CONN_LINGER)
        return;
    if (side_gone(server)) {
        socket_failed(server, ECONNRESET);
        return;
    }
    pass_on_fin(server);
    if (!finish_if_over(conn))
        update_reading(&conn->client);
}

/* Pass on what was held back and needs to be no longer, now that the decoder knows more. */
static void pass_on_decided(struct conn *conn)
{
    if (delays_held_bytes(conn) == 0)
        return;
    delays_pass_on(conn);
    conn_passed_on(conn);
}

/* All that was kept for `side` has been sent, or it is broken. */
static void on_drained(struct side *side)
{
    proxy_busy(side->conn->proxy);
    if (side_gone(side)) {
        socket_failed(side, ECONNRESET);
        return;
    }
    if (side == &side->conn->server)
        delays_pass_on(side->conn);
    pass_on_fin(side);
    if (!finish_if_over(side->conn))
        update_reading(other(side));
}

void conn_take_turn(struct side *side)
{
    update_reading(side);
}

/* Whether the rate limits hold for what is read from `side`. */
static bool is_limited(const struct side *side)
{
    return side->conn->state == CONN_RELAY && side->conn->part == CONN_MEASURED;
}

/* Read at most `size` bytes from `side` into the buffer. */
static struct input read_side(struct side *side, size_t size)
{
    struct proxy *proxy = side->conn->proxy;
    side->paused = side->paused && side->left;
    struct input input =
        proxy_read(proxy, side->fd, size, side->left ? side->emptied_t_ns : UINT64_MAX, side->arrived_t_ns);
    if (input.len_bytes > 0)
        side->arrived_t_ns = input.t_ns;
    side->left = input.len_bytes == (ssize_t)size;
    if (input.len_bytes > 0 && is_limited(side))
        throttle_count(side, (size_t)input.len_bytes, size);
    side->emptied_t_ns = side->left ? input.t_ns - proxy->slack_ns : input.now.t_ns;
    return input;
}

/* Pass on what has been read from `from`, then decode it. */
static void relay(struct side *from, Mitm__Direction direction, const struct input *input)
{
    struct conn *conn = from->conn;
    struct proxy *proxy = conn->proxy;
    struct side *to = other(from);
    size_t len = (size_t)input->len_bytes;
    if (direction == MITM__DIRECTION__TO_SERVER && delays_wanted(conn)) {
        delays_take(conn, input->t_ns, proxy->buffer, len);
        conn_passed_on(conn);
        return;
    }
    if (side_send(to, proxy->buffer, len) && !from->paused && conn->part == CONN_MEASURED)
        proxy_passed_on(proxy, input);
    conn_tap(conn, direction, input->t_ns, proxy->buffer, len);
    pass_on_decided(conn); /* an answer can tell what the client's bytes are */
    if (conn->state == CONN_DEAD)
        return;
    if (side_gone(to))
        socket_failed(to, ECONNRESET);
    else if (to->kept_len > 0)
        update_reading(from);
}

/* `from` has ended its direction: pass the FIN on, then say so. */
static void relay_fin(struct side *from, Mitm__Direction direction)
{
    struct conn *conn = from->conn;
    if (finish_if_over(conn)) /* closing sends the FIN */
        return;
    pass_on_fin(other(from));
    end_direction(conn, direction, MITM__END_CAUSE__FIN, 0);
    pass_on_decided(conn);
    update_reading(from);
}

static void client_fin(struct conn *conn)
{
    conn->client.ended = true;
    if (handshake_client_speaks(conn))
        handshake_client_left(conn);
    else if (conn->state == CONN_LINGER)
        conn_finish(conn, MITM__END_CAUSE__PROXY_ENDED, 0);
    else
        relay_fin(&conn->client, MITM__DIRECTION__TO_SERVER);
}

static void on_client_readable(struct side *side)
{
    struct conn *conn = side->conn;
    size_t size = is_limited(side) ? throttle_allowance(side) : PROXY_READ_BYTES;
    if (size == 0) {
        update_reading(side);
        return;
    }
    struct input input = read_side(side, size);
    if (input.len_bytes < 0) {
        if (input.error != EAGAIN)
            socket_failed(side, input.error);
    } else if (input.len_bytes == 0) {
        if (side->broken) /* the failed send has taken the error from the socket */
            socket_failed(side, ECONNRESET);
        else
            client_fin(conn);
    } else if (conn->state == CONN_RELAY) {
        relay(side, MITM__DIRECTION__TO_SERVER, &input);
    } else {
        handshake_client_bytes(conn, input.t_ns, conn->proxy->buffer, (size_t)input.len_bytes);
        update_reading(side);
    }
}

static void server_fin(struct conn *conn)
{
    if (conn->state != CONN_RELAY) {
        handshake_upstream_left(conn, true);
        return;
    }
    conn->server.ended = true;
    relay_fin(&conn->server, MITM__DIRECTION__TO_CLIENT);
}

static void on_server_readable(struct side *side)
{
    struct conn *conn = side->conn;
    size_t size = is_limited(side) ? throttle_allowance(side) : PROXY_READ_BYTES;
    if (size == 0) {
        update_reading(side);
        return;
    }
    struct input input = read_side(side, size);
    if (input.len_bytes < 0) {
        if (input.error == EAGAIN)
            return;
        if (conn->state == CONN_RELAY)
            socket_failed(side, input.error);
        else
            handshake_upstream_left(conn, false);
    } else if (input.len_bytes == 0) {
        if (side->broken && conn->state == CONN_RELAY)
            socket_failed(side, ECONNRESET);
        else
            server_fin(conn);
    } else if (conn->state == CONN_RELAY) {
        relay(side, MITM__DIRECTION__TO_CLIENT, &input);
    } else {
        handshake_upstream_bytes(conn, input.t_ns, conn->proxy->buffer, (size_t)input.len_bytes);
        update_reading(side);
        update_reading(other(side)); /* its early data may have been more than the upstream takes */
    }
}

void conn_leave_out(struct conn *conn)
{
    assert(conn->part == CONN_UNDECIDED);
    conn->part = CONN_LEFT_OUT;
    conn->proxy->undecided--;
    drop_held(conn);
    side_close(&conn->server, false);
    memset(&conn->server, 0, sizeof conn->server);
    side_init(&conn->server, conn, on_server_readable, on_drained);
}

void conn_start(struct proxy *proxy, int fd, const struct sockaddr_storage *client)
{
    struct conn *conn = calloc(1, sizeof *conn);
    if (!conn)
        abort();
    conn->proxy = proxy;
    conn->direct = proxy->settings.live.direct;
    conn->sink = (struct event_sink){.emit = emit, .ctx = conn};
    TAILQ_INSERT_TAIL(&proxy->conns, conn, link);
    proxy->undecided++;
    side_init(&conn->client, conn, on_client_readable, on_drained);
    side_init(&conn->server, conn, on_server_readable, on_drained);
    side_open(&conn->client, proxy->base, fd, conn_now(conn));

    char text[RESOLVE_TEXT_SIZE];
    EVENT_NEW(record, ev, conn_now(conn), ConnectionStart, CONNECTION_START, connection_start);
    EVENT_SET(ev, client_port, resolve_text(client, text));
    ev.client_address = text;
    event_emit(&conn->sink, &record);
    handshake_start(conn);
}
