/*
 * Words for the codes of events. Each function returns a static string; for an unknown code NULL.
 */
#ifndef MITM_ANALYZE_WORDS_H
#define MITM_ANALYZE_WORDS_H

#include <stdint.h>
#include <stdio.h>

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

/* What is spoken on a connection (Protocol). */
const char *words_protocol(uint32_t protocol);

/* Why events are missing (LossCause). */
const char *words_loss_cause(uint32_t cause);

/* Why the recording ended (SessionEndCause). */
const char *words_session_end_cause(uint32_t cause);

/* Print `reply` to `out` in words with its number in hexadecimal, as SOCKS writes it: "connection refused (05)". */
void words_print_socks_reply(FILE *out, uint32_t reply);

#endif
