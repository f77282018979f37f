/* A session of a browser that speaks TLS and HTTP/2, made up but not by chance. */
#ifndef MITM_TESTS_UNIT_REPORT_ENCRYPTED_H
#define MITM_TESTS_UNIT_REPORT_ENCRYPTED_H

#include "proto/event.h"

/*
 * Emit session number `session`. www.example: HTTP/2, a page of `streams` streams at once; api.example: HTTP/1.1 over
 * TLS; cdn.example: not decrypted; fonts.example: a few streams; broken.example: a handshake that fails; chat.example:
 * a WebSocket.
 */
void encrypted_session(const struct event_sink *sink, uint32_t session, uint32_t streams);

#endif
