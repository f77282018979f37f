/*
 * Words for the codes of events. Each function returns a static string; for an unknown code NULL.
 */
#ifndef MITM_ANALYZE_WORDS_H
#define MITM_ANALYZE_WORDS_H

#include <stdint.h>
#include <stdio.h>

struct model_connection;
struct model_session;

/* SOCKS replies: RFC 1928, section 6; Tor's F0 … F7: proposal 304. */
const char *words_socks_reply(uint32_t reply);

/* SOCKS authentication methods: RFC 1928, section 3. */
const char *words_socks_method(uint32_t method);

/* SOCKS commands: RFC 1928, section 4; Tor's F0 and F1. */
const char *words_socks_command(uint32_t command);

/* Why a connection or a direction of it ended (EndCause). */
const char *words_end_cause(uint32_t cause);

/* Why a message ended otherwise than as its head announced (HttpEndCause); NULL for all regular ends, too. */
const char *words_http_end_cause(uint32_t cause);

/* What broke a protocol (ViolationKind). */
const char *words_violation(uint32_t kind);

/* A protocol (Protocol). */
const char *words_protocol(uint32_t protocol);

enum { WORDS_PROTOCOL_BYTES = 80 };

/* Write what is spoken on `connection` of `session` to `to`, which is returned: "HTTP/1.1", "TLS 1.3", "HTTP/2 over TLS
 * 1.3", or, where a key log was read, "TLS 1.3 (not decrypted)"; "" if it is not known. */
const char *words_connection_protocol(char to[WORDS_PROTOCOL_BYTES], const struct model_session *session,
                                      const struct model_connection *connection);

/* TLS: versions; names of cipher suites and groups as IANA's registry has them (the common ones); descriptions of
 * alerts (RFC 8446, 6, and RFC 5246, 7.2); how decryption went (TlsDecryptionStatus). */
const char *words_tls_version(uint32_t version);
const char *words_tls_cipher_suite(uint32_t suite);
const char *words_tls_group(uint32_t group);
const char *words_tls_alert(uint32_t description);
const char *words_tls_decryption(uint32_t status);

/* Error codes of HTTP/2 (RFC 9113, 7): "REFUSED_STREAM". */
const char *words_http2_error(uint32_t code);

/* Opcodes of WebSocket (RFC 6455, 5.2). */
const char *words_websocket_opcode(uint32_t opcode);

/* Print a name, or where it is NULL the code itself: `prefix` and four hexadecimal digits. */
void words_print_code(FILE *out, const char *name, const char *prefix, uint32_t code);

/* Why events are missing (LossCause). */
const char *words_loss_cause(uint32_t cause);

/* Why the recording ended (SessionEndCause). */
const char *words_session_end_cause(uint32_t cause);

/* Print `reply` to `out` in words with its number in hexadecimal, as SOCKS writes it: "connection refused (05)". */
void words_print_socks_reply(FILE *out, uint32_t reply);

#endif
