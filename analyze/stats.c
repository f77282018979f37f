#include "analyze/stats.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "analyze/metrics.h"

void stats_values_push(struct stats_values *values, int64_t value)
{
    values->values = memory_grow(values->values, values->count, &values->capacity, sizeof *values->values);
    values->values[values->count++] = (double)value;
}

void stats_values_add(struct stats_values *values, int64_t value)
{
    if (value != MODEL_NONE)
        stats_values_push(values, value);
}

/* The values of one row. */
struct gathered {
    struct stats_values quantities[STATS_QUANTITIES];
    struct stats_values response;
    struct stats_values replies; /* failures */
    bool connection_unknown;
    uint64_t connection_ns;
};

static void gather_exchange(struct stats_row *row, struct gathered *gathered, const struct model_connection *connection,
                            const struct model_exchange *exchange)
{
    row->requests += exchange->has_request;
    row->responses += exchange->has_response;
    row->incomplete += exchange->has_response && !metrics_complete(exchange) &&
                       exchange->response.cause != MITM__HTTP_END_CAUSE__TUNNEL;
    row->canceled += metrics_canceled(exchange);
    row->limited += metrics_transfer_limited(connection, exchange);
    stats_values_add(&gathered->response, metrics_response_ns(connection, exchange));
    stats_values_add(&gathered->quantities[STATS_WAITING], metrics_waiting_ns(connection, exchange));
    stats_values_add(&gathered->quantities[STATS_TRANSFER], metrics_transfer_ns(connection, exchange));
    stats_values_add(&gathered->quantities[STATS_BYTES], metrics_body_bytes(exchange));
}

bool stats_requests_known(const struct stats_row *row)
{
    return row->requests > 0 || row->hidden == 0;
}

const char *stats_handshakes_title(uint64_t count, uint64_t inferred)
{
    if (inferred == 0)
        return "TLS handshake";
    return inferred < count ? "TLS handshake, in part inferred" : "TLS handshake, inferred";
}

const char *stats_tls_title(const struct stats_row *total)
{
    return stats_handshakes_title(total->handshakes, total->inferred);
}

/* Add `bytes`, which may be missing, to a sum; `first`: it has none yet. */
static void add_bytes(int64_t *sum, bool first, int64_t bytes)
{
    if (first || *sum == MODEL_NONE)
        *sum = bytes;
    else if (bytes != MODEL_NONE)
        *sum = model_number(rate_sum((uint64_t)*sum, (uint64_t)bytes));
}

static void gather_tls(struct stats_row *row, struct gathered *gathered, const struct model_connection *connection)
{
    const struct model_tls *tls = connection->tls;
    row->tls++;
    row->decrypted += tls->decrypted;
    row->hidden += metrics_hidden(connection);
    row->handshakes += tls->end_ns != MODEL_NONE;
    row->inferred += tls->end_ns != MODEL_NONE && tls->end_inferred;
    stats_values_add(&gathered->quantities[STATS_TLS], metrics_tls_ns(connection));
    if (tls->decrypted || !tls->turns)
        return;
    row->turns = rate_sum(row->turns, rate_sum(tls->turns->count, tls->turns->omitted));
    for (size_t i = 0; i < tls->turns->count; i++) {
        const struct model_turn *turn = &tls->turns->turns[i];
        stats_values_add(&gathered->quantities[STATS_INFERRED_WAITING], metrics_turn_waiting_ns(connection, turn));
        stats_values_add(&gathered->quantities[STATS_INFERRED_TRANSFER], metrics_turn_transfer_ns(connection, turn));
    }
}

static void gather_connection(struct stats_row *row, struct gathered *gathered, const struct model_session *session,
                              const struct model_connection *connection)
{
    row->connections++;
    row->leaks += metrics_possible_leak(connection);
    row->open += model_connection_open(connection);
    for (int direction = 0; direction < MODEL_DIRECTIONS; direction++)
        row->violations += connection->streams[direction].violation.t_ns != MODEL_NONE;
    add_bytes(&row->sent_bytes, row->connections == 1, model_connection_bytes(connection, MODEL_TO_SERVER));
    add_bytes(&row->received_bytes, row->connections == 1, model_connection_bytes(connection, MODEL_TO_CLIENT));
    stats_values_add(&gathered->quantities[STATS_SOCKS], metrics_socks_ns(connection));
    row->http2 += connection->http2 != NULL;
    if (connection->tls)
        gather_tls(row, gathered, connection);
    if (metrics_socks_failed(connection))
        stats_values_add(&gathered->replies, connection->reply);
    int64_t connection_ns = metrics_connection_ns(connection);
    if (connection_ns == MODEL_NONE)
        gathered->connection_unknown = true;
    else
        gathered->connection_ns = rate_sum(gathered->connection_ns, (uint64_t)connection_ns);
    for (const struct model_exchange *x = model_first_exchange(session, connection); x;
         x = model_next_exchange(session, x))
        gather_exchange(row, gathered, connection, x);
}

/* Round to the nearest whole number, halves up. */
static int64_t rounded(double value)
{
    double whole = floor(value + 0.5);
    return whole >= 0x1p63 ? INT64_MAX : (int64_t)whole;
}

static struct stats_summary summarise(struct stats_values *values, unsigned type)
{
    size_t n = values->count;
    if (n == 0)
        return (struct stats_summary){0, MODEL_NONE, MODEL_NONE, MODEL_NONE, MODEL_NONE, MODEL_NONE};
    quantile_sort(values->values, n);
    return (struct stats_summary){.count = n,
                                  .min = rounded(values->values[0]),
                                  .median = rounded(quantile(values->values, n, 0.5, type)),
                                  .p90 = rounded(quantile(values->values, n, 0.9, type)),
                                  .p99 = rounded(quantile(values->values, n, 0.99, type)),
                                  .max = rounded(values->values[n - 1])};
}

struct stats_summary stats_values_finish(struct stats_values *values, unsigned quantile_type)
{
    struct stats_summary summary = summarise(values, quantile_type);
    free(values->values);
    *values = (struct stats_values){0};
    return summary;
}

static void count_failures(struct stats_row *row, struct stats_values *replies)
{
    quantile_sort(replies->values, replies->count);
    size_t capacity = 0;
    for (size_t i = 0; i < replies->count; i++) {
        uint32_t reply = (uint32_t)replies->values[i];
        if (row->failure_count == 0 || row->failures[row->failure_count - 1].reply != reply) {
            row->failures = memory_grow(row->failures, row->failure_count, &capacity, sizeof *row->failures);
            row->failures[row->failure_count++] = (struct stats_failure){reply, 0};
        }
        row->failures[row->failure_count - 1].count++;
    }
}

/* Finish a row from what was gathered, which is freed. */
static void finish_row(struct stats_row *row, struct gathered *gathered, unsigned type)
{
    for (int q = 0; q < STATS_QUANTITIES; q++)
        row->quantities[q] = stats_values_finish(&gathered->quantities[q], type);
    row->mean_response_ns = gathered->response.count > 0
                                ? rounded(quantile_mean(gathered->response.values, gathered->response.count))
                                : MODEL_NONE;
    row->connection_ns = row->connections == 0 || gathered->connection_unknown
                             ? MODEL_NONE
                             : (int64_t)(gathered->connection_ns > INT64_MAX ? INT64_MAX : gathered->connection_ns);
    count_failures(row, &gathered->replies);
    free(gathered->response.values);
    free(gathered->replies.values);
}

void stats_init(struct stats *stats, const struct model_session *session, unsigned quantile_type)
{
    /* One more than there are servers: connections without a request. */
    size_t n = session->server_count + 1;
    *stats =
        (struct stats){.session = session, .rows = memory_new(n, sizeof *stats->rows), .quantile_type = quantile_type};
    struct gathered *gathered = memory_new(n, sizeof *gathered);
    struct gathered all = {0};
    for (size_t i = 0; i < session->server_count; i++)
        stats->rows[i].server = model_server(session, i);
    for (size_t i = 0; i < session->connection_count; i++) {
        const struct model_connection *connection = model_connection(session, i);
        size_t row = connection->server == MODEL_NO_INDEX ? n - 1 : connection->server;
        gather_connection(&stats->rows[row], &gathered[row], session, connection);
        gather_connection(&stats->total, &all, session, connection);
    }
    for (size_t i = 0; i < n; i++)
        finish_row(&stats->rows[i], &gathered[i], quantile_type);
    finish_row(&stats->total, &all, quantile_type);
    free(gathered);
    stats->row_count = stats->rows[n - 1].connections > 0 ? n : n - 1;
}

void stats_fini(struct stats *stats)
{
    for (size_t i = 0; i < stats->row_count; i++)
        free(stats->rows[i].failures);
    free(stats->rows);
    free(stats->total.failures);
    *stats = (struct stats){0};
}

const char *stats_quantity_name(enum stats_quantity quantity)
{
    static const char *const names[] = {
        [STATS_SOCKS] = "socks_ns",
        [STATS_WAITING] = "waiting_ns",
        [STATS_TRANSFER] = "transfer_ns",
        [STATS_BYTES] = "body_bytes",
        [STATS_TLS] = "tls_ns",
        [STATS_INFERRED_WAITING] = "inferred_waiting_ns",
        [STATS_INFERRED_TRANSFER] = "inferred_transfer_ns",
    };
    return names[quantity];
}
