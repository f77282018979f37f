#include "encrypted.h"

#include <stdio.h>

#include "../analyze/scene_tls.h"

/* Connect to `host` within `wait_ms`. */
static uint64_t put_socks(const struct event_sink *sink, uint32_t connection, uint64_t t_ms, const char *host,
                          uint32_t port, uint64_t wait_ms)
{
    scene_connection_start(sink, connection, t_ms);
    scene_socks(sink, connection, t_ms + 1, 1, host, port);
    scene_reply(sink, connection, t_ms + wait_ms, 0);
    return t_ms + wait_ms;
}

/* The same, then a handshake; return when that was done. */
static uint64_t put_handshake(const struct event_sink *sink, uint32_t connection, uint64_t t_ms, const char *host,
                              uint64_t wait_ms, bool inferred)
{
    t_ms = put_socks(sink, connection, t_ms, host, 443, wait_ms) + 2;
    scene_protocol(sink, connection, t_ms, MITM__PROTOCOL__TLS, false);
    scene_client_hello(sink, connection, t_ms, host);
    scene_tls_data(sink, connection, t_ms, MITM__DIRECTION__TO_SERVER, 517, 0, 0);
    scene_server_hello(sink, connection, t_ms + wait_ms / 3);
    scene_tls_data(sink, connection, t_ms + wait_ms / 3, MITM__DIRECTION__TO_CLIENT, 3100, 2, 2800);
    t_ms += wait_ms / 3 + 3;
    scene_handshake_end(sink, connection, t_ms, inferred);
    scene_tls_data(sink, connection, t_ms, MITM__DIRECTION__TO_SERVER, 80, 1, 74);
    return t_ms;
}

/* The same, decrypted, with `protocol` within. */
static uint64_t put_tls(const struct event_sink *sink, uint32_t connection, uint64_t t_ms, const char *host,
                        uint64_t wait_ms, Mitm__Protocol protocol)
{
    t_ms = put_handshake(sink, connection, t_ms, host, wait_ms, false);
    scene_decryption(sink, connection, t_ms, MITM__TLS_DECRYPTION_STATUS__DECRYPTED, 0);
    scene_protocol(sink, connection, t_ms, protocol, true);
    return t_ms;
}

/* A response of `len_bytes` that begins at `first_ms` and takes `long_ms`. */
static void put_response(const struct event_sink *sink, uint32_t connection, uint32_t exchange, uint64_t first_ms,
                         uint64_t long_ms, uint64_t len_bytes)
{
    scene_response(sink, connection, exchange, first_ms, 200);
    for (uint64_t i = 0; i < 4; i++) {
        scene_tls_data(sink, connection, first_ms + long_ms * i / 3, MITM__DIRECTION__TO_CLIENT, len_bytes / 4, 1,
                       1400);
        scene_body(sink, connection, exchange, first_ms + long_ms * i / 3, len_bytes / 4);
    }
    scene_response_end(sink, connection, exchange, first_ms + long_ms, len_bytes, MITM__HTTP_END_CAUSE__END_STREAM);
}

/* The page: a document, then all that it names at once. */
static void put_page(const struct event_sink *sink, uint32_t connection, uint32_t streams)
{
    static const char *const endings[] = {"css", "js", "woff2", "webp", "webp", "jpeg", "webp"};
    uint64_t t_ms = put_tls(sink, connection, 40, "www.example", 900, MITM__PROTOCOL__HTTP2);
    scene_stream(sink, connection, 1, t_ms + 2, 1, "www.example", "/");
    put_response(sink, connection, 1, t_ms + 420, 260, 48000);
    t_ms += 500;
    for (uint32_t i = 2; i <= streams; i++) {
        char path[60];
        uint64_t from_ms = t_ms + i * 2 + (i > 30 ? 300 : 0) + (i > 80 ? 1400 : 0);
        uint64_t wait_ms = 260 + i * 7919 % 340, long_ms = i % 9 == 0 ? 0 : 20 + i * 104729 % 700;
        snprintf(path, sizeof path, "/assets/%02x/resource-%03u.%s", i * 37 % 256, i, endings[i % 7]);
        scene_stream(sink, connection, i, from_ms, 2 * i - 1, "www.example", path);
        if (i == 17) {
            scene_reset(sink, connection, from_ms + wait_ms, MITM__DIRECTION__TO_CLIENT, 2 * i - 1, 7);
            continue;
        }
        if (i % 11 == 4)
            scene_stall(sink, connection, from_ms + wait_ms + 5, from_ms + wait_ms + 125, MITM__DIRECTION__TO_CLIENT,
                        2 * i - 1);
        put_response(sink, connection, i, from_ms + wait_ms, long_ms, 3000 + i * 1299709 % 60000);
    }
    scene_ping(sink, connection, 5000, MITM__DIRECTION__TO_SERVER, false);
    scene_ping(sink, connection, 5240, MITM__DIRECTION__TO_CLIENT, true);
}

/* What keys were missing for: its turns alone are seen. */
static void put_encrypted(const struct event_sink *sink, uint32_t connection, uint64_t t_ms)
{
    t_ms = put_handshake(sink, connection, t_ms, "cdn.example", 700, true);
    scene_decryption(sink, connection, t_ms + 10, MITM__TLS_DECRYPTION_STATUS__NO_KEYS, 0);
    t_ms += 40;
    for (uint64_t i = 0; i < 4; i++, t_ms += 900) {
        scene_tls_data(sink, connection, t_ms, MITM__DIRECTION__TO_SERVER, 420, 1, 420);
        scene_tls_data(sink, connection, t_ms + 250 + i * 60, MITM__DIRECTION__TO_CLIENT, 16000, 1, 16000);
        scene_tls_data(sink, connection, t_ms + 400 + i * 80, MITM__DIRECTION__TO_CLIENT, 90000, 6, 16000);
    }
    scene_connection_end(sink, connection, t_ms + 300, MITM__END_CAUSE__FIN);
}

static void put_http1(const struct event_sink *sink, uint32_t connection, uint64_t t_ms)
{
    t_ms = put_tls(sink, connection, t_ms, "api.example", 640, MITM__PROTOCOL__HTTP1) + 4;
    for (uint32_t i = 1; i <= 3; i++, t_ms += 800) {
        scene_request(sink, connection, i, t_ms, "/v1/items?page=1");
        scene_request_end(sink, connection, i, t_ms);
        put_response(sink, connection, i, t_ms + 380, 90 * i, 9000);
    }
    scene_connection_end(sink, connection, t_ms + 100, MITM__END_CAUSE__FIN);
}

static void put_failing(const struct event_sink *sink, uint32_t connection, uint64_t t_ms)
{
    t_ms = put_socks(sink, connection, t_ms, "broken.example", 443, 600);
    scene_protocol(sink, connection, t_ms + 2, MITM__PROTOCOL__TLS, false);
    scene_client_hello(sink, connection, t_ms + 2, "broken.example");
    scene_alert(sink, connection, t_ms + 320, MITM__DIRECTION__TO_CLIENT, 2, 40);
    scene_connection_end(sink, connection, t_ms + 325, MITM__END_CAUSE__FIN);
}

static void put_web_socket(const struct event_sink *sink, uint32_t connection, uint64_t t_ms)
{
    t_ms = put_tls(sink, connection, t_ms, "chat.example", 500, MITM__PROTOCOL__HTTP1) + 4;
    scene_request(sink, connection, 1, t_ms, "/socket");
    scene_request_end(sink, connection, 1, t_ms);
    scene_response(sink, connection, 1, t_ms + 300, 101);
    scene_response_end(sink, connection, 1, t_ms + 300, 0, MITM__HTTP_END_CAUSE__TUNNEL);
    for (uint64_t i = 0; i < 12; i++)
        scene_message(sink, connection, 1, t_ms + 400 + i * 150, t_ms + 401 + i * 150,
                      i % 3 == 0 ? MITM__DIRECTION__TO_SERVER : MITM__DIRECTION__TO_CLIENT, 200 + i * 31);
}

static void put_few(const struct event_sink *sink, uint32_t connection, uint64_t t_ms)
{
    t_ms = put_tls(sink, connection, t_ms, "fonts.example", 560, MITM__PROTOCOL__HTTP2) + 2;
    for (uint32_t i = 1; i <= 4; i++) {
        scene_stream(sink, connection, i, t_ms + i, 2 * i - 1, "fonts.example", "/latin.woff2");
        put_response(sink, connection, i, t_ms + 280 + i * 40, 60 * i, 22000);
    }
    scene_go_away(sink, connection, t_ms + 1500, MITM__DIRECTION__TO_CLIENT, 0);
    scene_connection_end(sink, connection, t_ms + 1510, MITM__END_CAUSE__FIN);
}

void encrypted_session(const struct event_sink *sink, uint32_t session, uint32_t streams)
{
    scene_decrypted_session(sink, session);
    put_page(sink, 1, streams);
    put_http1(sink, 2, 1900);
    put_encrypted(sink, 3, 1700);
    put_encrypted(sink, 4, 2100);
    put_few(sink, 5, 1750);
    put_failing(sink, 6, 1800);
    put_web_socket(sink, 7, 2400);
    scene_session_end(sink, session, 7200);
}
