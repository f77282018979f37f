/* Makes events of TLS, HTTP/2 and WebSocket for tests, like scene.h. */
#ifndef MITM_TESTS_UNIT_ANALYZE_SCENE_TLS_H
#define MITM_TESTS_UNIT_ANALYZE_SCENE_TLS_H

#include "scene.h"

void scene_protocol(const struct event_sink *sink, uint32_t connection, uint64_t t_ms, Mitm__Protocol protocol,
                    bool inside_tls);
void scene_violation(const struct event_sink *sink, uint32_t connection, uint64_t t_ms, Mitm__ViolationKind kind,
                     Mitm__Direction direction);
/* A ClientHello for `name` that offers h2 and http/1.1; a ServerHello of TLS 1.3 with AES-128-GCM and X25519. */
void scene_client_hello(const struct event_sink *sink, uint32_t connection, uint64_t t_ms, const char *name);
void scene_server_hello(const struct event_sink *sink, uint32_t connection, uint64_t t_ms);
void scene_handshake_end(const struct event_sink *sink, uint32_t connection, uint64_t t_ms, bool inferred);
/* A read of `len_bytes` in which `records` records began, the longest of `largest_bytes`. */
void scene_tls_data(const struct event_sink *sink, uint32_t connection, uint64_t t_ms, Mitm__Direction direction,
                    uint64_t len_bytes, uint32_t records, uint32_t largest_bytes);
void scene_tls_early(const struct event_sink *sink, uint32_t connection, uint64_t t_ms, uint64_t len_bytes);
/* `level` 0: the alert cannot be read. */
void scene_alert(const struct event_sink *sink, uint32_t connection, uint64_t t_ms, Mitm__Direction direction,
                 uint32_t level, uint32_t description);
/* `direction` 0: both. */
void scene_decryption(const struct event_sink *sink, uint32_t connection, uint64_t t_ms,
                      Mitm__TlsDecryptionStatus status, Mitm__Direction direction);
/* A whole handshake: hello at `t_ms`, ServerHello at `t_ms` + 100, and its end at `t_ms` + 101, with their bytes: 500,
 * 3,000 and 80. */
void scene_handshake(const struct event_sink *sink, uint32_t connection, uint64_t t_ms, bool inferred);

/* A request of HTTP/2, complete, without a body. */
void scene_stream(const struct event_sink *sink, uint32_t connection, uint32_t exchange, uint64_t t_ms, uint32_t stream,
                  const char *authority, const char *path);
void scene_reset(const struct event_sink *sink, uint32_t connection, uint64_t t_ms, Mitm__Direction direction,
                 uint32_t stream, uint32_t error_code);
/* `stream` 0: of the connection. */
void scene_stall(const struct event_sink *sink, uint32_t connection, uint64_t first_ms, uint64_t t_ms,
                 Mitm__Direction direction, uint32_t stream);
void scene_ping(const struct event_sink *sink, uint32_t connection, uint64_t t_ms, Mitm__Direction direction, bool ack);
void scene_go_away(const struct event_sink *sink, uint32_t connection, uint64_t t_ms, Mitm__Direction direction,
                   uint32_t error_code);
void scene_message(const struct event_sink *sink, uint32_t connection, uint32_t exchange, uint64_t first_ms,
                   uint64_t t_ms, Mitm__Direction direction, uint64_t len_bytes);

#endif
