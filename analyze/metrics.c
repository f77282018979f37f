#include "analyze/metrics.h"

#include <arpa/inet.h>
#include <string.h>

enum { CONNECT = 1 };

static int64_t between(int64_t from_ns, int64_t to_ns)
{
    return from_ns == MODEL_NONE || to_ns == MODEL_NONE || to_ns < from_ns ? MODEL_NONE : to_ns - from_ns;
}

static int64_t later(int64_t a_ns, int64_t b_ns)
{
    return a_ns > b_ns ? a_ns : b_ns;
}

/* Return whether a rate limit held back bytes of `direction` at some time in from_ns … to_ns. */
static bool held(const struct model_connection *connection, int direction, int64_t from_ns, int64_t to_ns)
{
    const struct model_hold *hold = &connection->streams[direction].hold;
    return hold->first_ns != MODEL_NONE && hold->first_ns <= to_ns && hold->last_ns >= from_ns;
}

int64_t metrics_socks_start_ns(const struct model_connection *connection)
{
    if (connection->socks_start_ns == MODEL_NONE)
        return MODEL_NONE;
    return later(connection->socks_start_ns, connection->socks_sent_ns);
}

int64_t metrics_socks_ns(const struct model_connection *connection)
{
    if (connection->command != CONNECT || connection->reply != 0)
        return MODEL_NONE;
    return between(metrics_socks_start_ns(connection), connection->socks_end_ns);
}

bool metrics_socks_failed(const struct model_connection *connection)
{
    return connection->socks_end_ns != MODEL_NONE && connection->reply != 0;
}

int64_t metrics_tls_start_ns(const struct model_connection *connection)
{
    if (!connection->tls || connection->tls->client_hello_ns == MODEL_NONE)
        return MODEL_NONE;
    return later(connection->tls->client_hello_ns, connection->socks_end_ns);
}

int64_t metrics_tls_ns(const struct model_connection *connection)
{
    int64_t start_ns = metrics_tls_start_ns(connection);
    if (start_ns == MODEL_NONE || held(connection, MODEL_TO_SERVER, start_ns, connection->tls->end_ns) ||
        held(connection, MODEL_TO_CLIENT, start_ns, connection->tls->end_ns))
        return MODEL_NONE;
    return between(start_ns, connection->tls->end_ns);
}

int64_t metrics_ready_ns(const struct model_connection *connection)
{
    return later(connection->socks_end_ns, connection->tls ? connection->tls->end_ns : MODEL_NONE);
}

bool metrics_pushed(const struct model_exchange *exchange)
{
    return exchange->h2 && exchange->h2->pushed;
}

bool metrics_canceled(const struct model_exchange *exchange)
{
    enum { CANCEL = 8 }; /* RFC 9113, 7 */
    const struct model_h2 *h2 = exchange->h2;
    return h2 && h2->reset_ns != MODEL_NONE && h2->reset_direction == MODEL_TO_SERVER && h2->reset_error == CANCEL &&
           !metrics_complete(exchange);
}

int64_t metrics_exchange_end_ns(const struct model_exchange *exchange)
{
    if (exchange->response.end_ns != MODEL_NONE)
        return exchange->response.end_ns;
    return exchange->h2 ? exchange->h2->reset_ns : MODEL_NONE;
}

int64_t metrics_request_sent_ns(const struct model_connection *connection, const struct model_exchange *exchange)
{
    if (exchange->request.start_ns == MODEL_NONE || metrics_pushed(exchange))
        return MODEL_NONE;
    return later(later(exchange->request.start_ns, exchange->sent_ns), connection->socks_sent_ns);
}

int64_t metrics_waiting_start_ns(const struct model_connection *connection, const struct model_exchange *exchange)
{
    int64_t limit_ns = exchange->response.start_ns;
    if (!exchange->has_request || limit_ns == MODEL_NONE || metrics_pushed(exchange))
        return MODEL_NONE;
    const int64_t request_ns[] = {exchange->request.start_ns, exchange->request.head_ns, exchange->request.end_ns};
    int64_t latest_ns = MODEL_NONE;
    for (size_t i = 0; i < sizeof request_ns / sizeof *request_ns; i++) {
        if (request_ns[i] <= limit_ns && request_ns[i] > latest_ns)
            latest_ns = request_ns[i];
    }
    int64_t sent_ns = later(exchange->sent_ns, connection->socks_sent_ns);
    if (latest_ns == MODEL_NONE || sent_ns > limit_ns)
        return MODEL_NONE;
    latest_ns = later(latest_ns, sent_ns);
    if (connection->socks_end_ns <= limit_ns)
        latest_ns = later(latest_ns, connection->socks_end_ns);
    if (connection->tls && connection->tls->end_ns <= limit_ns)
        latest_ns = later(latest_ns, connection->tls->end_ns);
    return latest_ns;
}

/* Return whether a rate limit held back what the client sent before the response began, or, on a connection of HTTP/2,
 * the responses that came before it there. */
static bool request_limited(const struct model_connection *connection, const struct model_exchange *exchange)
{
    int64_t from_ns = exchange->request.start_ns;
    if (from_ns == MODEL_NONE)
        from_ns = metrics_waiting_start_ns(connection, exchange);
    int64_t to_ns = exchange->response.start_ns;
    return held(connection, MODEL_TO_SERVER, from_ns, to_ns) ||
           (connection->http2 && held(connection, MODEL_TO_CLIENT, from_ns, to_ns));
}

int64_t metrics_waiting_ns(const struct model_connection *connection, const struct model_exchange *exchange)
{
    if (request_limited(connection, exchange))
        return MODEL_NONE;
    return between(metrics_waiting_start_ns(connection, exchange), exchange->response.start_ns);
}

int64_t metrics_response_ns(const struct model_connection *connection, const struct model_exchange *exchange)
{
    if (request_limited(connection, exchange))
        return MODEL_NONE;
    return between(metrics_request_sent_ns(connection, exchange), exchange->response.start_ns);
}

bool metrics_complete(const struct model_exchange *exchange)
{
    uint32_t cause = exchange->response.cause;
    return exchange->response.end_ns != MODEL_NONE && cause != MITM__HTTP_END_CAUSE__TRUNCATED &&
           cause != MITM__HTTP_END_CAUSE__NOT_FOLLOWED && cause != MITM__HTTP_END_CAUSE__TUNNEL &&
           cause != MITM__HTTP_END_CAUSE__STREAM_RESET;
}

/* Transfer time, whether a rate limit held it back or not. */
static int64_t plain_transfer_ns(const struct model_exchange *exchange)
{
    return metrics_complete(exchange) ? between(exchange->response.start_ns, exchange->response.end_ns) : MODEL_NONE;
}

bool metrics_transfer_limited(const struct model_connection *connection, const struct model_exchange *exchange)
{
    return plain_transfer_ns(exchange) != MODEL_NONE &&
           held(connection, MODEL_TO_CLIENT, exchange->response.start_ns, exchange->response.end_ns);
}

int64_t metrics_transfer_ns(const struct model_connection *connection, const struct model_exchange *exchange)
{
    return metrics_transfer_limited(connection, exchange) ? MODEL_NONE : plain_transfer_ns(exchange);
}

int64_t metrics_ttlb_ns(const struct model_connection *connection, const struct model_exchange *exchange)
{
    if (!metrics_complete(exchange) || request_limited(connection, exchange) ||
        metrics_transfer_limited(connection, exchange))
        return MODEL_NONE;
    return between(metrics_request_sent_ns(connection, exchange), exchange->response.end_ns);
}

/* Return when the body reached `mass`; MODEL_NONE: not, or a limit held bytes of it back from from_ns on. */
static int64_t reached_ns(const struct model_connection *connection, const struct model_exchange *exchange,
                          enum model_mass mass, int64_t from_ns)
{
    int64_t t_ns = exchange->reached_ns ? exchange->reached_ns[mass] : MODEL_NONE;
    return t_ns == MODEL_NONE || held(connection, MODEL_TO_CLIENT, from_ns, t_ns) ? MODEL_NONE : t_ns;
}

int64_t metrics_ttlb_of_ns(const struct model_connection *connection, const struct model_exchange *exchange,
                           enum model_mass mass)
{
    if (request_limited(connection, exchange))
        return MODEL_NONE;
    return between(metrics_request_sent_ns(connection, exchange),
                   reached_ns(connection, exchange, mass, exchange->response.start_ns));
}

int64_t metrics_growth_ns(const struct model_connection *connection, const struct model_exchange *exchange,
                          enum model_mass from, enum model_mass to)
{
    int64_t from_ns = exchange->reached_ns ? exchange->reached_ns[from] : MODEL_NONE;
    return between(from_ns, reached_ns(connection, exchange, to, from_ns));
}

int64_t metrics_encrypted_from_ns(const struct model_connection *connection)
{
    const struct model_tls *tls = connection->tls;
    if (!tls || (tls->decrypted && tls->failure == 0))
        return MODEL_NONE;
    return tls->decrypted ? tls->failure_ns : 0;
}

bool metrics_hidden(const struct model_connection *connection)
{
    if (metrics_encrypted_from_ns(connection) == MODEL_NONE)
        return false;
    const struct model_tls *tls = connection->tls;
    return tls->decrypted || tls->end_ns != MODEL_NONE || tls->turns;
}

int64_t metrics_turn_waiting_ns(const struct model_connection *connection, const struct model_turn *turn)
{
    if (held(connection, MODEL_TO_SERVER, turn->request_first_ns, turn->response_first_ns))
        return MODEL_NONE;
    return between(turn->request_last_ns, turn->response_first_ns);
}

int64_t metrics_turn_transfer_ns(const struct model_connection *connection, const struct model_turn *turn)
{
    if (held(connection, MODEL_TO_CLIENT, turn->response_first_ns, turn->response_last_ns))
        return MODEL_NONE;
    return between(turn->response_first_ns, turn->response_last_ns);
}

int64_t metrics_stalled_ns(const struct model_exchange *exchange)
{
    const struct model_h2 *h2 = exchange->h2;
    if (!h2 || h2->stream == 0)
        return MODEL_NONE;
    return model_number(rate_sum((uint64_t)h2->stalled_ns[MODEL_TO_SERVER], (uint64_t)h2->stalled_ns[MODEL_TO_CLIENT]));
}

int64_t metrics_ping_ns(const struct model_connection *connection)
{
    const struct model_http2 *http2 = connection->http2;
    return http2 && http2->ping_count > 0 ? (int64_t)((uint64_t)http2->ping_sum_ns / http2->ping_count) : MODEL_NONE;
}

int64_t metrics_body_bytes(const struct model_exchange *exchange)
{
    return metrics_complete(exchange) ? exchange->response.body_bytes : MODEL_NONE;
}

int64_t metrics_connection_start_ns(const struct model_connection *connection)
{
    return connection->start_ns != MODEL_NONE ? connection->start_ns : connection->first_ns;
}

static int64_t earlier(int64_t a_ns, int64_t b_ns)
{
    return a_ns == MODEL_NONE || (b_ns != MODEL_NONE && b_ns < a_ns) ? b_ns : a_ns;
}

/* Return how much of from_ns … to_ns passed until `until_ns`. */
static int64_t overlap(int64_t from_ns, int64_t to_ns, int64_t until_ns)
{
    int64_t end_ns = earlier(to_ns, until_ns);
    return from_ns == MODEL_NONE || end_ns < from_ns ? 0 : end_ns - from_ns;
}

int64_t metrics_connection_ttfb_ns(const struct model_connection *connection, const struct model_session *session)
{
    const struct model_exchange *first = NULL;
    for (const struct model_exchange *x = model_first_exchange(session, connection); x && !first;
         x = model_next_exchange(session, x))
        first = x->response.start_ns != MODEL_NONE ? x : NULL;
    int64_t byte_ns = connection->streams[MODEL_TO_CLIENT].opaque_first_ns;
    if (connection->tls)
        byte_ns = connection->tls->data_first_ns[MODEL_TO_CLIENT];
    if (first)
        byte_ns = earlier(byte_ns, first->response.start_ns);
    int64_t ttfb_ns = between(metrics_connection_start_ns(connection), byte_ns);
    if (ttfb_ns == MODEL_NONE || held(connection, MODEL_TO_SERVER, connection->first_ns, byte_ns))
        return MODEL_NONE;
    if (connection->socks_sent_ns != MODEL_NONE)
        ttfb_ns -= overlap(connection->socks_start_ns, connection->socks_sent_ns, byte_ns);
    if (first && first->sent_ns != MODEL_NONE) /* a request may have arrived while the SOCKS request was held back */
        ttfb_ns -= overlap(later(first->request.start_ns, connection->socks_sent_ns), first->sent_ns, byte_ns);
    return ttfb_ns < 0 ? MODEL_NONE : ttfb_ns;
}

int64_t metrics_connection_ns(const struct model_connection *connection)
{
    if (model_connection_open(connection))
        return MODEL_NONE;
    return between(metrics_connection_start_ns(connection), connection->end_ns);
}

/* Copy `text` without the brackets of an IPv6 literal; return false if it is too long for an address. */
static bool copy_address(char to[INET6_ADDRSTRLEN], struct text text)
{
    if (text.len >= 2 && text.data[0] == '[' && text.data[text.len - 1] == ']')
        text = (struct text){text.data + 1, text.len - 2};
    if (text.len == 0 || text.len >= INET6_ADDRSTRLEN || memchr(text.data, 0, text.len))
        return false;
    memcpy(to, text.data, text.len);
    to[text.len] = 0;
    return true;
}

/* Return whether `text` is an IP address that someone had to look up. */
static bool is_looked_up(struct text text)
{
    char address[INET6_ADDRSTRLEN];
    struct in6_addr ip6;
    struct in_addr ip4;
    if (!copy_address(address, text))
        return false;
    if (inet_pton(AF_INET, address, &ip4) == 1)
        return ntohl(ip4.s_addr) >> 24 != 127;
    if (inet_pton(AF_INET6, address, &ip6) != 1)
        return false;
    bool mapped_loopback = IN6_IS_ADDR_V4MAPPED(&ip6) && ip6.s6_addr[12] == 127;
    return !IN6_IS_ADDR_LOOPBACK(&ip6) && !IN6_IS_ADDR_LINKLOCAL(&ip6) && !mapped_loopback;
}

bool metrics_possible_leak(const struct model_connection *connection)
{
    return connection->socks_start_ns != MODEL_NONE && connection->command == CONNECT &&
           connection->upstream_kind == MITM__UPSTREAM_KIND__SOCKS5 && is_looked_up(connection->host);
}
