/*
 * How single events change the parts of the model: one function per kind of event, each for one connection, exchange or
 * session. They follow the rules of analyze/model.h; only model_apply() calls them.
 */
#ifndef MITM_ANALYZE_FOLD_H
#define MITM_ANALYZE_FOLD_H

#include "analyze/model.h"

/* Return a connection, or an exchange, of which nothing is known yet. */
struct model_connection fold_new_connection(uint32_t id);
struct model_exchange fold_new_exchange(uint32_t id);

/* Return settings of which nothing is known. */
struct model_settings fold_no_settings(void);

/* Fold an event of the user's doing: settings, marks, pauses. Return false, and do nothing, if it is another one. */
bool fold_control(struct model_session *session, struct texts *texts, const Mitm__Record *record, int64_t t_ns);

/* Return the UpstreamKind that was set at t_ns, as far as that is known; 0 if it is not. */
uint8_t fold_upstream_kind(const struct model_session *session, int64_t t_ns);

/* Fold an event that concerns the whole session. */
void fold_session(struct model_session *session, struct texts *texts, const Mitm__Record *record);

/* Fold an event of a connection that is no HTTP. The server of SocksRequestStart is not set. */
void fold_connection(struct model_session *session, struct model_connection *connection, struct texts *texts,
                     const Mitm__Record *record, int64_t t_ns);

/* Fold an event of TLS. Return false, and do nothing, if it is another one. */
bool fold_tls(struct model_session *session, struct model_connection *connection, struct texts *texts,
              const Mitm__Record *record, int64_t t_ns);

/* Fold an event of HTTP/2 or WebSocket. Return false, and do nothing, if it is another one. `exchange`: the one that it
 * concerns, or NULL. */
bool fold_http2(struct model_connection *connection, struct model_exchange *exchange, const Mitm__Record *record,
                int64_t t_ns);

/* Note what is said of HTTP/2 by the beginning of a request. */
void fold_http2_request(struct model_connection *connection, struct model_exchange *exchange, struct texts *texts,
                        const Mitm__HttpRequestStart *event);

/* Return whether the event may concern an exchange, though it is no HTTP event, and store the HTTP/2 stream that it
 * names in *stream; 0: none. */
bool fold_names_stream(const Mitm__Record *record, uint32_t *stream);

/* Fold an HTTP event of `exchange`, which belongs to `connection`. */
void fold_http(struct model_session *session, struct model_connection *connection, struct model_exchange *exchange,
               struct texts *texts, bool keep_headers, const Mitm__Record *record, int64_t t_ns);

/* Return whether the record's event is an HTTP event. */
bool fold_is_http(const Mitm__Record *record);

#endif
