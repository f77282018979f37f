/*
 * The definitions of all measured quantities: from which event to which. Statistics, pictures and tables take them from
 * here, so that they cannot differ. mitm-analyze(1) explains and justifies them.
 *
 * Each function returns nanoseconds, or MODEL_NONE where the quantity was not recorded, does not exist, or would be
 * negative.
 */
#ifndef MITM_ANALYZE_METRICS_H
#define MITM_ANALYZE_METRICS_H

#include "analyze/model.h"

/* SOCKS time: SocksRequestStart → SocksResponseEnd of a CONNECT that succeeded. */
int64_t metrics_socks_ns(const struct model_connection *connection);

/* Return whether the SOCKS request was answered, and with a failure. */
bool metrics_socks_failed(const struct model_connection *connection);

/*
 * The moment from which the client waits for the response: the latest of SocksResponseEnd, HttpRequestStart, end of the
 * request's head and HttpRequestEnd that is not later than HttpResponseStart. (The SOCKS reply counts since a request
 * may be sent before it; the end of the request does not where the response came earlier.)
 */
int64_t metrics_waiting_start_ns(const struct model_connection *connection, const struct model_exchange *exchange);

/* Waiting time: that moment → HttpResponseStart. */
int64_t metrics_waiting_ns(const struct model_connection *connection, const struct model_exchange *exchange);

/* Response time: HttpRequestStart → HttpResponseStart. */
int64_t metrics_response_ns(const struct model_exchange *exchange);

/* Return whether the response was recorded to its proper end. */
bool metrics_complete(const struct model_exchange *exchange);

/* Transfer time: HttpResponseStart → HttpResponseEnd of a response that is complete. */
int64_t metrics_transfer_ns(const struct model_exchange *exchange);

/* Size of the response's body as transferred, of a response that is complete; in bytes. */
int64_t metrics_body_bytes(const struct model_exchange *exchange);

/* The connection's start: ConnectionStart, or its first event where that is missing. */
int64_t metrics_connection_start_ns(const struct model_connection *connection);

/* Connection time: the connection's start → ConnectionEnd of a connection that is not open any more. */
int64_t metrics_connection_ns(const struct model_connection *connection);

#endif
