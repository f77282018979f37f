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

/* Delays and rate limits that the user asked for (Settings) are not the network's: no quantity counts them. */

/* The moment at which the SOCKS request was passed on: SocksRequestStart, or Delay where it was held back. */
int64_t metrics_socks_start_ns(const struct model_connection *connection);

/* SOCKS time: that moment → SocksResponseEnd of a CONNECT that succeeded. */
int64_t metrics_socks_ns(const struct model_connection *connection);

/* Return whether the SOCKS request was answered, and with a failure. */
bool metrics_socks_failed(const struct model_connection *connection);

/*
 * TLS time: the later of TlsClientHello and SocksResponseEnd → TlsHandshakeEnd, be it inferred or exact
 * (model_tls.end_inferred). Missing where a rate limit held back bytes of the connection meanwhile.
 */
int64_t metrics_tls_start_ns(const struct model_connection *connection);
int64_t metrics_tls_ns(const struct model_connection *connection);

/* The moment from which the connection could carry requests: the later of SocksResponseEnd and TlsHandshakeEnd;
 * MODEL_NONE where neither is known. */
int64_t metrics_ready_ns(const struct model_connection *connection);

/* Return whether the server promised the request (HTTP/2): nobody sent it, so that nobody waits for its response. */
bool metrics_pushed(const struct model_exchange *exchange);

/* Return whether the client gave the request up before its response was complete: it reset the stream with CANCEL. */
bool metrics_canceled(const struct model_exchange *exchange);

/* The moment from which nothing more of the response comes: HttpResponseEnd, or else the reset of its stream. */
int64_t metrics_exchange_end_ns(const struct model_exchange *exchange);

/* The moment at which the request began to be passed on: the latest of HttpRequestStart, its Delay, and that of the
 * SOCKS request. Missing where it was pushed. */
int64_t metrics_request_sent_ns(const struct model_connection *connection, const struct model_exchange *exchange);

/*
 * The moment from which the client waits for the response: the latest of SocksResponseEnd, TlsHandshakeEnd,
 * metrics_request_sent_ns(), end of the request's head and HttpRequestEnd that is not later than HttpResponseStart.
 * (The SOCKS reply and the handshake's end count since a request may be sent before them; the end of the request does
 * not where the response came earlier.) Missing where the request was pushed.
 */
int64_t metrics_waiting_start_ns(const struct model_connection *connection, const struct model_exchange *exchange);

/* Waiting time: that moment → HttpResponseStart. Missing where a rate limit held back what the client sent meanwhile:
 * when the request was passed on as a whole is not known then. On a connection of HTTP/2, whose streams share the way,
 * it is missing as well where a limit held back what the client received meanwhile. */
int64_t metrics_waiting_ns(const struct model_connection *connection, const struct model_exchange *exchange);

/* Response time: metrics_request_sent_ns() → HttpResponseStart; missing where the waiting time is because of a limit.
 */
int64_t metrics_response_ns(const struct model_connection *connection, const struct model_exchange *exchange);

/* Return whether the response was recorded to its proper end. */
bool metrics_complete(const struct model_exchange *exchange);

/* Transfer time: HttpResponseStart → HttpResponseEnd of a response that is complete, and that no rate limit held back.
 */
int64_t metrics_transfer_ns(const struct model_connection *connection, const struct model_exchange *exchange);

/* Time to the last byte: metrics_request_sent_ns() → HttpResponseEnd of a response that is complete. Missing where a
 * rate limit held back the request or the response. */
int64_t metrics_ttlb_ns(const struct model_connection *connection, const struct model_exchange *exchange);

/* The same until `mass` of the body has arrived, whether the response is complete or not. Missing where the body is not
 * that large, or where a limit held something back before. */
int64_t metrics_ttlb_of_ns(const struct model_connection *connection, const struct model_exchange *exchange,
                           enum model_mass mass);

/* The time in which a body grew from `from` to `to`; missing where the latter is, or a limit held bytes back. */
int64_t metrics_growth_ns(const struct model_connection *connection, const struct model_exchange *exchange,
                          enum model_mass from, enum model_mass to);

/* Return whether a complete response has no transfer time because it overlaps the time, from the first RateLimited's
 * beginning to the last RateLimited, in which a rate limit held back its connection's bytes to the client. */
bool metrics_transfer_limited(const struct model_connection *connection, const struct model_exchange *exchange);

/* The moment from which on the requests of a connection are not known, because it is encrypted and not, or no longer,
 * decrypted; missing where they are. What its turns say from then on is inferred. */
int64_t metrics_encrypted_from_ns(const struct model_connection *connection);

/* Return whether there may be such requests: not where the handshake was never completed, and nothing followed it. */
bool metrics_hidden(const struct model_connection *connection);

/* Of a turn that was seen of an encrypted connection: waiting, from the end of its request → first byte of its answer;
 * transfer, first → last byte of the answer. Missing where a rate limit held it back. */
int64_t metrics_turn_waiting_ns(const struct model_connection *connection, const struct model_turn *turn);
int64_t metrics_turn_transfer_ns(const struct model_connection *connection, const struct model_turn *turn);

/* Time that flow control of HTTP/2 held back data of this stream, in both directions; missing of what is no stream. */
int64_t metrics_stalled_ns(const struct model_exchange *exchange);

/* Mean time from the client's PING to the server's acknowledgement (HTTP/2). */
int64_t metrics_ping_ns(const struct model_connection *connection);

/* Size of the response's body as transferred, of a response that is complete; in bytes. */
int64_t metrics_body_bytes(const struct model_exchange *exchange);

/*
 * Return whether the client may have looked a name up without Tor: it asked for an IP address in a CONNECT (as a SOCKS
 * address or as a literal in place of a name) while a SOCKS5 upstream was set. Not counted are 127.0.0.0/8 and ::1,
 * which need no look-up, and fe80::/10: both hold the addresses that Tor itself makes up for .onion names (torrc(5),
 * VirtualAddrNetworkIPv4 and VirtualAddrNetworkIPv6). Who types an address in shows here, too: hence "may".
 */
bool metrics_possible_leak(const struct model_connection *connection);

/* The connection's start: ConnectionStart, or its first event where that is missing. */
int64_t metrics_connection_start_ns(const struct model_connection *connection);

/* Time to the first byte of a connection: its start → the first byte of a response, of opaque data, or of TLS to the
 * client, less the delays asked for in between. */
int64_t metrics_connection_ttfb_ns(const struct model_connection *connection, const struct model_session *session);

/* Connection time: the connection's start → ConnectionEnd of a connection that is not open any more. */
int64_t metrics_connection_ns(const struct model_connection *connection);

#endif
