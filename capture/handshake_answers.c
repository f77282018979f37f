/* The answers of a handshake that are ours: the messages that go to the client, and the events that record them. */
#include <string.h>

#include "capture/handshake_parts.h"

void handshake_emit_response(struct conn *conn, uint64_t t_ns, uint8_t reply, Mitm__ReplyOrigin origin,
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

void handshake_refuse(struct conn *conn, uint8_t reply)
{
    uint8_t answer[22];
    size_t len = socks_write_reply(answer, reply, NULL, 0, 0);
    handshake_emit_response(conn, conn_now(conn), reply, MITM__REPLY_ORIGIN__PROXY, NULL, 0, 0);
    conn_refuse(conn, answer, len);
}

void handshake_choose(struct conn *conn, uint8_t method)
{
    uint8_t answer[2] = {SOCKS_VERSION, method};
    EVENT_NEW(record, ev, conn_now(conn), SocksMethodChosen, SOCKS_METHOD_CHOSEN, socks_method_chosen);
    EVENT_SET(ev, method, method);
    event_emit(&conn->sink, &record);
    if (method == SOCKS_METHOD_NO_ACCEPTABLE) {
        conn_refuse(conn, answer, sizeof answer);
        return;
    }
    side_send(&conn->client, answer, sizeof answer);
    conn_set_state(conn, method == SOCKS_METHOD_USERNAME ? CONN_AUTH : CONN_REQUEST);
}

void handshake_choose_ourselves(struct conn *conn)
{
    const struct handshake *handshake = conn->handshake;
    bool username = memchr(handshake->methods, SOCKS_METHOD_USERNAME, handshake->methods_n) != NULL;
    handshake_choose(conn, username ? SOCKS_METHOD_USERNAME : SOCKS_METHOD_NONE);
}

void handshake_answer_credentials(struct conn *conn, uint8_t status)
{
    uint8_t answer[2] = {SOCKS_AUTH_VERSION, status};
    EVENT_NEW(record, ev, conn_now(conn), SocksAuthEnd, SOCKS_AUTH_END, socks_auth_end);
    EVENT_SET(ev, status, status);
    event_emit(&conn->sink, &record);
    if (status != 0) {
        conn_refuse(conn, answer, sizeof answer);
        return;
    }
    side_send(&conn->client, answer, sizeof answer);
    conn_set_state(conn, CONN_REQUEST);
}
