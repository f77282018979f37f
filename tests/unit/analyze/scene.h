/* Makes events for tests, one per call: times in milliseconds, ids as given. They go to `sink`, in the session that was
 * started last. */
#ifndef MITM_TESTS_UNIT_ANALYZE_SCENE_H
#define MITM_TESTS_UNIT_ANALYZE_SCENE_H

#include "analyze/model.h"
#include "proto/event.h"

/* Emit `record` as an event of the session, of a connection and an exchange; 0: of none. */
void scene_emit(const struct event_sink *sink, Mitm__Record *record, uint32_t connection, uint32_t exchange);

void scene_session_start(const struct event_sink *sink, uint32_t session);
/* A session of which a key log was read. */
void scene_decrypted_session(const struct event_sink *sink, uint32_t session);
void scene_session_end(const struct event_sink *sink, uint32_t session, uint64_t t_ms);
void scene_connection_start(const struct event_sink *sink, uint32_t connection, uint64_t t_ms);
void scene_connection_end(const struct event_sink *sink, uint32_t connection, uint64_t t_ms, Mitm__EndCause cause);
void scene_socks(const struct event_sink *sink, uint32_t connection, uint64_t t_ms, uint32_t command, const char *host,
                 uint32_t port);
void scene_reply(const struct event_sink *sink, uint32_t connection, uint64_t t_ms, uint32_t reply);
void scene_request(const struct event_sink *sink, uint32_t connection, uint32_t exchange, uint64_t t_ms,
                   const char *target);
void scene_request_head(const struct event_sink *sink, uint32_t connection, uint32_t exchange, uint64_t t_ms);
void scene_request_end(const struct event_sink *sink, uint32_t connection, uint32_t exchange, uint64_t t_ms);
void scene_response(const struct event_sink *sink, uint32_t connection, uint32_t exchange, uint64_t t_ms,
                    uint32_t status);
void scene_body(const struct event_sink *sink, uint32_t connection, uint32_t exchange, uint64_t t_ms,
                uint64_t len_bytes);
void scene_response_end(const struct event_sink *sink, uint32_t connection, uint32_t exchange, uint64_t t_ms,
                        uint64_t body_bytes, Mitm__HttpEndCause cause);
void scene_opaque(const struct event_sink *sink, uint32_t connection, uint64_t t_ms, Mitm__Direction direction,
                  uint64_t len_bytes);

/* The head of a request or (with `response`) of a response, complete with one or two fields; a name may be NULL. */
void scene_fields(const struct event_sink *sink, uint32_t connection, uint32_t exchange, uint64_t t_ms, bool response,
                  const char *const fields[4]);
void scene_user(const struct event_sink *sink, uint32_t connection, uint64_t t_ms, const char *name);
/* Settings with a fixed connect delay (0: none), an upstream, and a limit of 50,000 bytes per second to the client. */
void scene_settings(const struct event_sink *sink, uint64_t t_ms, uint64_t connect_delay_ms, Mitm__UpstreamKind kind);
void scene_mark(const struct event_sink *sink, uint64_t t_ms, const char *text);
void scene_pause(const struct event_sink *sink, uint64_t t_ms);
void scene_resume(const struct event_sink *sink, uint64_t t_ms, uint64_t events);
/* A delay of the CONNECT request (exchange 0) or of an HTTP request that arrived at arrived_ms and was sent at t_ms. */
void scene_delay(const struct event_sink *sink, uint32_t connection, uint32_t exchange, uint64_t arrived_ms,
                 uint64_t t_ms);
void scene_rate_limited(const struct event_sink *sink, uint32_t connection, Mitm__Direction direction,
                        uint64_t first_ms, uint64_t t_ms);

/* Return a sink that applies events to `model`; no session has been started. */
struct event_sink scene_to_model(struct model *model);

#endif
