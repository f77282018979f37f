#include "analyze/url.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { HTTP_PORT = 80, HTTPS_PORT = 443, LARGEST_PORT = 65535 };

static bool is_word(struct text text, const char *word)
{
    return text.len == strlen(word) && strncasecmp((const char *)text.data, word, text.len) == 0;
}

/* Take a port from the end of *authority; return 0 if there is none. */
static uint32_t take_port(struct text *authority)
{
    uint32_t port = 0, digits = 0, unit = 1, len = authority->len;
    while (len > 0 && digits < 5 && authority->data[len - 1] >= '0' && authority->data[len - 1] <= '9') {
        port += unit * (uint32_t)(authority->data[--len] - '0');
        unit *= 10;
        digits++;
    }
    if (digits == 0 || len == 0 || authority->data[len - 1] != ':' || port > LARGEST_PORT)
        return 0;
    authority->len = len - 1;
    return port;
}

static struct text without_brackets(struct text host)
{
    if (host.len < 2 || host.data[0] != '[' || host.data[host.len - 1] != ']')
        return host;
    return (struct text){host.data + 1, host.len - 2};
}

struct url_origin url_origin(const struct model_connection *connection, const struct model_exchange *exchange)
{
    struct url_origin origin = {connection->tls != NULL, connection->host, connection->port};
    const struct model_h2 *h2 = exchange ? exchange->h2 : NULL;
    if (h2 && (is_word(h2->scheme, "https") || is_word(h2->scheme, "http")))
        origin.https = h2->scheme.len == 5;
    if (!h2 || h2->authority.len == 0)
        return origin;
    struct text host = h2->authority;
    uint32_t port = take_port(&host);
    if (host.len == 0)
        return origin;
    origin.host = without_brackets(host);
    origin.port = port != 0 ? port : origin.https ? HTTPS_PORT : HTTP_PORT;
    return origin;
}

bool url_is_usual_port(bool https, uint32_t port)
{
    return port == (https ? HTTPS_PORT : HTTP_PORT);
}

/* ---------------------------------------------------------------- references */

/* Return the length of "http://" or "https://" that `address` begins with; 0: it does not. */
static size_t scheme_len(const char *address, size_t len)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t n = strlen(schemes[i]);
        if (len > n && strncasecmp(address, schemes[i], n) == 0)
            return n;
    }
    return 0;
}

static bool is_absolute(struct text address)
{
    return scheme_len((const char *)address.data, address.len) > 0;
}

/* Write the origin that the request `x` of `c` was addressed to to `to`, "http://www.example.org:8080", and return its
 * length. */
static size_t write_origin(const struct model_connection *c, const struct model_exchange *x, char to[URL_MAX_BYTES])
{
    struct url_origin origin = url_origin(c, x);
    char port[16] = "";
    if (!url_is_usual_port(origin.https, origin.port))
        snprintf(port, sizeof port, ":%u", origin.port);
    int n = snprintf(to, URL_MAX_BYTES, "%s://%.*s%s", origin.https ? "https" : "http",
                     (int)(origin.host.len < 256 ? origin.host.len : 256), (const char *)origin.host.data, port);
    for (int i = 0; i < n; i++) {
        if (to[i] >= 'A' && to[i] <= 'Z')
            to[i] = (char)(to[i] | 0x20);
    }
    return (size_t)n;
}

size_t url_resolve(const struct model_connection *c, const struct model_exchange *x, struct text reference,
                   char to[URL_MAX_BYTES])
{
    size_t n = 0;
    if (is_absolute(reference)) {
        /* as it is */
    } else if (reference.len >= 2 && memcmp(reference.data, "//", 2) == 0) {
        n = (size_t)snprintf(to, URL_MAX_BYTES, "%s:", url_origin(c, x).https ? "https" : "http");
    } else {
        n = write_origin(c, x, to);
        if (reference.len == 0 || reference.data[0] != '/') { /* relative to the request's folder */
            const uint8_t *slash = x->target.len > 0 ? memrchr(x->target.data, '/', x->target.len) : NULL;
            size_t folder = slash && !is_absolute(x->target) ? (size_t)(slash - x->target.data) + 1 : 0;
            if (n + folder + 1 > URL_MAX_BYTES)
                return 0;
            if (folder > 0)
                memcpy(to + n, x->target.data, folder);
            else
                to[n] = '/', folder = 1;
            n += folder;
        }
    }
    if (n + reference.len + 1 > URL_MAX_BYTES)
        return 0;
    if (reference.len > 0)
        memcpy(to + n, reference.data, reference.len);
    n += reference.len;
    size_t scheme = scheme_len(to, n);
    const char *host = scheme > 0 ? to + scheme : to + n;
    if (!memchr(host, '/', (size_t)(to + n - host)))
        to[n++] = '/';
    return n;
}
