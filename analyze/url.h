/* Where requests were addressed to: what their URLs begin with. A request of HTTP/2 names an authority that need not be
 * the server of its connection (RFC 9113, 9.1.1). */
#ifndef MITM_ANALYZE_URL_H
#define MITM_ANALYZE_URL_H

#include "analyze/model.h"

struct url_origin {
    bool https;       /* else http */
    struct text host; /* as recorded, without the brackets of an IPv6 address; no data: not known */
    uint32_t port;
};

/* Return where `exchange` of `connection` was addressed to: its scheme and authority, where HTTP/2 has them, else its
 * connection's server. `exchange` NULL: what a request of the connection would be addressed to. */
struct url_origin url_origin(const struct model_connection *connection, const struct model_exchange *exchange);

/* Return whether `port` goes without saying in a URL of this scheme. */
bool url_is_usual_port(bool https, uint32_t port);

/* Addresses longer than this are not written: texts_keep() keeps longer texts more than once. */
enum { URL_MAX_BYTES = 300 };

/*
 * Write to `to` what `reference`, seen in or as an answer to the request `exchange` of `connection`, refers to (RFC
 * 3986, 5.2; "../" is left as it is). Return its length, 0 if it is too long.
 */
size_t url_resolve(const struct model_connection *connection, const struct model_exchange *exchange,
                   struct text reference, char to[URL_MAX_BYTES]);

#endif
