#include "scene_tls.h"

#include <string.h>

static uint64_t ns(uint64_t t_ms)
{
    return t_ms * 1000000;
}

void scene_protocol(const struct event_sink *sink, uint32_t connection, uint64_t t_ms, Mitm__Protocol protocol,
                    bool inside_tls)
{
    EVENT_NEW(record, ev, ns(t_ms), ProtocolDetected, PROTOCOL_DETECTED, protocol_detected);
    EVENT_SET(ev, protocol, protocol);
    EVENT_SET(ev, inside_tls, inside_tls);
    scene_emit(sink, &record, connection, 0);
}

void scene_violation(const struct event_sink *sink, uint32_t connection, uint64_t t_ms, Mitm__ViolationKind kind,
                     Mitm__Direction direction)
{
    EVENT_NEW(record, ev, ns(t_ms), Violation, VIOLATION, violation);
    EVENT_SET(ev, kind, kind);
    EVENT_SET(ev, direction, direction);
    scene_emit(sink, &record, connection, 0);
}

void scene_client_hello(const struct event_sink *sink, uint32_t connection, uint64_t t_ms, const char *name)
{
    ProtobufCBinaryData alpn[] = {{2, (uint8_t[]){'h', '2'}}, {8, (uint8_t[]){"http/1.1"}}};
    EVENT_NEW(record, ev, ns(t_ms), TlsClientHello, TLS_CLIENT_HELLO, tls_client_hello);
    EVENT_SET(ev, len_bytes, 495);
    EVENT_SET_BYTES(ev, server_name, name, strlen(name));
    ev.n_alpn = 2;
    ev.alpn = alpn;
    scene_emit(sink, &record, connection, 0);
}

void scene_server_hello(const struct event_sink *sink, uint32_t connection, uint64_t t_ms)
{
    EVENT_NEW(record, ev, ns(t_ms), TlsServerHello, TLS_SERVER_HELLO, tls_server_hello);
    EVENT_SET(ev, version, 0x0304);
    EVENT_SET(ev, cipher_suite, 0x1301);
    EVENT_SET(ev, group, 0x001d);
    EVENT_SET(ev, resumed, false);
    scene_emit(sink, &record, connection, 0);
}

void scene_handshake_end(const struct event_sink *sink, uint32_t connection, uint64_t t_ms, bool inferred)
{
    EVENT_NEW(record, ev, ns(t_ms), TlsHandshakeEnd, TLS_HANDSHAKE_END, tls_handshake_end);
    if (inferred)
        EVENT_SET(ev, inferred, true);
    else
        EVENT_SET_BYTES(ev, alpn, "h2", 2);
    scene_emit(sink, &record, connection, 0);
}

void scene_tls_data(const struct event_sink *sink, uint32_t connection, uint64_t t_ms, Mitm__Direction direction,
                    uint64_t len_bytes, uint32_t records, uint32_t largest_bytes)
{
    EVENT_NEW(record, ev, ns(t_ms), TlsData, TLS_DATA, tls_data);
    EVENT_SET(ev, direction, direction);
    EVENT_SET(ev, len_bytes, len_bytes);
    EVENT_SET(ev, records, records);
    EVENT_SET(ev, largest_bytes, largest_bytes);
    scene_emit(sink, &record, connection, 0);
}

void scene_tls_early(const struct event_sink *sink, uint32_t connection, uint64_t t_ms, uint64_t len_bytes)
{
    EVENT_NEW(record, ev, ns(t_ms), TlsData, TLS_DATA, tls_data);
    EVENT_SET(ev, direction, MITM__DIRECTION__TO_SERVER);
    EVENT_SET(ev, len_bytes, len_bytes);
    EVENT_SET(ev, records, 1);
    EVENT_SET(ev, largest_bytes, (uint32_t)len_bytes);
    EVENT_SET(ev, early, true);
    scene_emit(sink, &record, connection, 0);
}

void scene_alert(const struct event_sink *sink, uint32_t connection, uint64_t t_ms, Mitm__Direction direction,
                 uint32_t level, uint32_t description)
{
    EVENT_NEW(record, ev, ns(t_ms), TlsAlert, TLS_ALERT, tls_alert);
    EVENT_SET(ev, direction, direction);
    if (level > 0) {
        EVENT_SET(ev, level, level);
        EVENT_SET(ev, description, description);
    }
    scene_emit(sink, &record, connection, 0);
}

void scene_decryption(const struct event_sink *sink, uint32_t connection, uint64_t t_ms,
                      Mitm__TlsDecryptionStatus status, Mitm__Direction direction)
{
    EVENT_NEW(record, ev, ns(t_ms), TlsDecryption, TLS_DECRYPTION, tls_decryption);
    EVENT_SET(ev, status, status);
    if (direction != 0)
        EVENT_SET(ev, direction, direction);
    scene_emit(sink, &record, connection, 0);
}

void scene_handshake(const struct event_sink *sink, uint32_t connection, uint64_t t_ms, bool inferred)
{
    scene_protocol(sink, connection, t_ms, MITM__PROTOCOL__TLS, false);
    scene_client_hello(sink, connection, t_ms, "www.example");
    scene_tls_data(sink, connection, t_ms, MITM__DIRECTION__TO_SERVER, 500, 0, 0);
    scene_server_hello(sink, connection, t_ms + 100);
    scene_tls_data(sink, connection, t_ms + 100, MITM__DIRECTION__TO_CLIENT, 3000, 2, 2800);
    scene_handshake_end(sink, connection, t_ms + 101, inferred);
    scene_tls_data(sink, connection, t_ms + 101, MITM__DIRECTION__TO_SERVER, 80, 1, 74);
}

void scene_stream(const struct event_sink *sink, uint32_t connection, uint32_t exchange, uint64_t t_ms, uint32_t stream,
                  const char *authority, const char *path)
{
    EVENT_NEW(record, ev, ns(t_ms), HttpRequestStart, HTTP_REQUEST_START, http_request_start);
    EVENT_SET_BYTES(ev, method, "GET", 3);
    EVENT_SET_BYTES(ev, target, path, strlen(path));
    ev.version = (char[]){"2"};
    EVENT_SET(ev, stream, stream);
    EVENT_SET_BYTES(ev, scheme, "https", 5);
    EVENT_SET_BYTES(ev, authority, authority, strlen(authority));
    scene_emit(sink, &record, connection, exchange);
    scene_request_head(sink, connection, exchange, t_ms);
    scene_request_end(sink, connection, exchange, t_ms);
}

void scene_reset(const struct event_sink *sink, uint32_t connection, uint64_t t_ms, Mitm__Direction direction,
                 uint32_t stream, uint32_t error_code)
{
    EVENT_NEW(record, ev, ns(t_ms), Http2Reset, HTTP2_RESET, http2_reset);
    EVENT_SET(ev, direction, direction);
    EVENT_SET(ev, stream, stream);
    EVENT_SET(ev, error_code, error_code);
    scene_emit(sink, &record, connection, 0);
}

void scene_stall(const struct event_sink *sink, uint32_t connection, uint64_t first_ms, uint64_t t_ms,
                 Mitm__Direction direction, uint32_t stream)
{
    EVENT_NEW(record, ev, ns(t_ms), Http2Stall, HTTP2_STALL, http2_stall);
    EVENT_SET(ev, direction, direction);
    if (stream > 0)
        EVENT_SET(ev, stream, stream);
    EVENT_SET(ev, first_t_ns, ns(first_ms));
    scene_emit(sink, &record, connection, 0);
}

void scene_ping(const struct event_sink *sink, uint32_t connection, uint64_t t_ms, Mitm__Direction direction, bool ack)
{
    EVENT_NEW(record, ev, ns(t_ms), Http2Ping, HTTP2_PING, http2_ping);
    EVENT_SET(ev, direction, direction);
    EVENT_SET(ev, ack, ack);
    scene_emit(sink, &record, connection, 0);
}

void scene_go_away(const struct event_sink *sink, uint32_t connection, uint64_t t_ms, Mitm__Direction direction,
                   uint32_t error_code)
{
    EVENT_NEW(record, ev, ns(t_ms), Http2GoAway, HTTP2_GO_AWAY, http2_go_away);
    EVENT_SET(ev, direction, direction);
    EVENT_SET(ev, error_code, error_code);
    scene_emit(sink, &record, connection, 0);
}

void scene_message(const struct event_sink *sink, uint32_t connection, uint32_t exchange, uint64_t first_ms,
                   uint64_t t_ms, Mitm__Direction direction, uint64_t len_bytes)
{
    EVENT_NEW(record, ev, ns(t_ms), WebSocketMessage, WEB_SOCKET_MESSAGE, web_socket_message);
    EVENT_SET(ev, direction, direction);
    EVENT_SET(ev, len_bytes, len_bytes);
    EVENT_SET(ev, first_t_ns, ns(first_ms));
    scene_emit(sink, &record, connection, exchange);
}
