#include "analyze/metrics.h"

enum { CONNECT = 1 };

static int64_t between(int64_t from_ns, int64_t to_ns)
{
    return from_ns == MODEL_NONE || to_ns == MODEL_NONE || to_ns < from_ns ? MODEL_NONE : to_ns - from_ns;
}

int64_t metrics_socks_ns(const struct model_connection *connection)
{
    if (connection->command != CONNECT || connection->reply != 0)
        return MODEL_NONE;
    return between(connection->socks_start_ns, connection->socks_end_ns);
}

bool metrics_socks_failed(const struct model_connection *connection)
{
    return connection->socks_end_ns != MODEL_NONE && connection->reply != 0;
}

int64_t metrics_waiting_start_ns(const struct model_connection *connection, const struct model_exchange *exchange)
{
    int64_t limit_ns = exchange->response.start_ns;
    if (!exchange->has_request || limit_ns == MODEL_NONE)
        return MODEL_NONE;
    const int64_t request_ns[] = {exchange->request.start_ns, exchange->request.head_ns, exchange->request.end_ns};
    int64_t latest_ns = MODEL_NONE;
    for (size_t i = 0; i < sizeof request_ns / sizeof *request_ns; i++) {
        if (request_ns[i] <= limit_ns && request_ns[i] > latest_ns)
            latest_ns = request_ns[i];
    }
    if (latest_ns == MODEL_NONE)
        return MODEL_NONE;
    bool socks_later = connection->socks_end_ns <= limit_ns && connection->socks_end_ns > latest_ns;
    return socks_later ? connection->socks_end_ns : latest_ns;
}

int64_t metrics_waiting_ns(const struct model_connection *connection, const struct model_exchange *exchange)
{
    return between(metrics_waiting_start_ns(connection, exchange), exchange->response.start_ns);
}

int64_t metrics_response_ns(const struct model_exchange *exchange)
{
    return between(exchange->request.start_ns, exchange->response.start_ns);
}

bool metrics_complete(const struct model_exchange *exchange)
{
    uint32_t cause = exchange->response.cause;
    return exchange->response.end_ns != MODEL_NONE && cause != MITM__HTTP_END_CAUSE__TRUNCATED &&
           cause != MITM__HTTP_END_CAUSE__NOT_FOLLOWED && cause != MITM__HTTP_END_CAUSE__TUNNEL;
}

int64_t metrics_transfer_ns(const struct model_exchange *exchange)
{
    return metrics_complete(exchange) ? between(exchange->response.start_ns, exchange->response.end_ns) : MODEL_NONE;
}

int64_t metrics_body_bytes(const struct model_exchange *exchange)
{
    return metrics_complete(exchange) ? exchange->response.body_bytes : MODEL_NONE;
}

int64_t metrics_connection_start_ns(const struct model_connection *connection)
{
    return connection->start_ns != MODEL_NONE ? connection->start_ns : connection->first_ns;
}

int64_t metrics_connection_ns(const struct model_connection *connection)
{
    if (model_connection_open(connection))
        return MODEL_NONE;
    return between(metrics_connection_start_ns(connection), connection->end_ns);
}
