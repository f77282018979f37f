/* The built-in SOCKS5 server: what happens to a request when there is no upstream. */
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "capture/dial.h"
#include "capture/handshake_parts.h"

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

/*
 * Whether the user has chosen the upstream since `conn` was accepted. Its request then came too late to be served
 * around the upstream: it is refused, and the client's next connection goes through the upstream.
 */
static bool is_too_late(const struct conn *conn)
{
    return conn->direct && !conn->proxy->settings.live.direct;
}

static void on_server_dialed(void *ctx, int fd, const struct sockaddr_storage *local, int error)
{
    struct conn *conn = ctx;
    proxy_busy(conn->proxy);
    if (is_too_late(conn)) {
        if (fd >= 0)
            close(fd);
        handshake_refuse(conn, SOCKS_NOT_ALLOWED);
        return;
    }
    if (fd < 0) {
        proxy_report_shortage(conn->proxy, error);
        handshake_refuse(conn, reply_for_errno(error));
        return;
    }
    char text[RESOLVE_TEXT_SIZE];
    uint16_t port = resolve_text(local, text);
    const struct sockaddr_in *in = (const struct sockaddr_in *)local;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)local;
    bool ipv6 = local->ss_family == AF_INET6;
    uint8_t answer[22];
    size_t len = socks_write_reply(answer, SOCKS_SUCCEEDED,
                                   ipv6 ? (const uint8_t *)&in6->sin6_addr : (const uint8_t *)&in->sin_addr,
                                   ipv6 ? 16 : 4, port);
    side_send(&conn->client, answer, len);
    handshake_emit_response(conn, conn_now(conn), SOCKS_SUCCEEDED, MITM__REPLY_ORIGIN__PROXY, text, strlen(text), port);
    side_open(&conn->server, conn->proxy->base, fd, conn_now(conn));
    conn_begin_relay(conn);
}

static void dial_server(struct conn *conn, const struct resolve_addresses *addresses)
{
    conn_set_state(conn, CONN_DIALING_SERVER);
    dial_start(&conn->handshake->dial, conn->proxy->base, addresses, &conn->sink, &conn->proxy->clock, on_server_dialed,
               conn);
}

static void on_resolved(void *ctx, int error, const struct resolve_addresses *addresses)
{
    struct conn *conn = ctx;
    proxy_busy(conn->proxy);
    conn->handshake->job = NULL;
    char texts[RESOLVE_ADDRESSES_MAX][RESOLVE_TEXT_SIZE];
    char *list[RESOLVE_ADDRESSES_MAX];
    EVENT_NEW(record, ev, conn_now(conn), ResolveEnd, RESOLVE_END, resolve_end);
    for (size_t i = 0; i < addresses->n; i++) {
        resolve_text(&addresses->address[i], texts[i]);
        list[i] = texts[i];
    }
    ev.n_addresses = addresses->n;
    ev.addresses = list;
    if (error)
        ev.error = (char *)(uintptr_t)resolve_error_text(error);
    event_emit(&conn->sink, &record);
    if (is_too_late(conn))
        handshake_refuse(conn, SOCKS_NOT_ALLOWED);
    else if (error || addresses->n == 0)
        handshake_refuse(conn, SOCKS_HOST_UNREACHABLE);
    else
        dial_server(conn, addresses);
}

void handshake_serve(struct conn *conn)
{
    const struct socks_message *request = &conn->handshake->message;
    if (request->command != SOCKS_CONNECT) {
        handshake_refuse(conn, SOCKS_COMMAND_NOT_SUPPORTED);
        return;
    }
    if (is_too_late(conn)) {
        handshake_refuse(conn, SOCKS_NOT_ALLOWED);
        return;
    }
    struct resolver *resolver = proxy_resolver(conn->proxy);
    struct resolve_addresses addresses;
    switch (resolver_local(resolver, request->host, request->host_len_bytes, request->port, &addresses)) {
    case RESOLVE_LOCAL_DONE:
        dial_server(conn, &addresses);
        return;
    case RESOLVE_LOCAL_REFUSED:
        handshake_refuse(conn, SOCKS_HOST_UNREACHABLE);
        return;
    case RESOLVE_LOCAL_ASK:
        break;
    }
    EVENT_NEW(record, ev, conn_now(conn), ResolveStart, RESOLVE_START, resolve_start);
    EVENT_SET_BYTES(ev, host, request->host, request->host_len_bytes);
    event_emit(&conn->sink, &record);
    conn_set_state(conn, CONN_RESOLVING);
    conn->handshake->job = resolver_start(resolver, request->host, request->port, on_resolved, conn);
}
