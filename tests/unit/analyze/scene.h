/* Makes events for tests, one per call: times in milliseconds, ids as given. They go to `sink`, in the session that was
 * started last. */
#ifndef MITM_TESTS_UNIT_ANALYZE_SCENE_H
#define MITM_TESTS_UNIT_ANALYZE_SCENE_H

#include "analyze/model.h"
#include "proto/event.h"

void scene_session_start(const struct event_sink *sink, uint32_t session);
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

/* Return a sink that applies events to `model`; no session has been started. */
struct event_sink scene_to_model(struct model *model);

#endif
