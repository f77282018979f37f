#include "analyze/measures_protocols.h"

#include <math.h>
#include <stdlib.h>

#include "analyze/metrics.h"
#include "base/memory.h"
#include "statistics/quantile.h"

static const double missing = (double)NAN;

static double number(int64_t value)
{
    return value == MODEL_NONE ? missing : (double)value;
}

static bool has_messages(const struct model_h2 *h2)
{
    return h2 && (h2->messages[MODEL_TO_SERVER].count > 0 || h2->messages[MODEL_TO_CLIENT].count > 0);
}

unsigned measures_present(const struct model *model)
{
    unsigned present = 0;
    for (size_t i = 0; i < model_session_count(model); i++) {
        const struct model_session *session = model_session(model, i);
        for (size_t k = 0; k < session->connection_count; k++) {
            present |= session->connections[k].tls ? 1u << MEASURE_WITH_TLS : 0;
            present |= session->connections[k].http2 ? 1u << MEASURE_WITH_HTTP2 : 0;
        }
        for (size_t k = 0; k < session->exchange_count; k++)
            present |= has_messages(session->exchanges[k].h2) ? 1u << MEASURE_WITH_WEBSOCKET : 0;
    }
    return present;
}

double measures_tls(const struct measure_subject *s)
{
    return number(metrics_tls_ns(s->connection));
}

double measures_tls_exact(const struct measure_subject *s)
{
    const struct model_tls *tls = s->connection->tls;
    return tls && !tls->end_inferred ? measures_tls(s) : missing;
}

double measures_tls_inferred(const struct measure_subject *s)
{
    const struct model_tls *tls = s->connection->tls;
    return tls && tls->end_inferred ? measures_tls(s) : missing;
}

/* Return the turns of a connection whose requests are not known. */
static const struct model_turns *turns_of(const struct model_connection *c)
{
    return c->tls && !c->tls->decrypted ? c->tls->turns : NULL;
}

typedef int64_t (*turn_metric)(const struct model_connection *connection, const struct model_turn *turn);

/* Return the median of a metric of the connection's turns. */
static double median_of_turns(const struct model_connection *c, turn_metric metric)
{
    const struct model_turns *turns = turns_of(c);
    size_t n = 0;
    if (!turns)
        return missing;
    double *values = memory_new(turns->count, sizeof *values);
    for (size_t i = 0; i < turns->count; i++) {
        int64_t ns = metric(c, &turns->turns[i]);
        if (ns != MODEL_NONE)
            values[n++] = (double)ns;
    }
    if (n > 0)
        quantile_sort(values, n);
    double median = n > 0 ? quantile(values, n, 0.5, QUANTILE_TYPE) : missing;
    free(values);
    return median;
}

double measures_inferred_waiting(const struct measure_subject *s)
{
    return median_of_turns(s->connection, metrics_turn_waiting_ns);
}

double measures_inferred_transfer(const struct measure_subject *s)
{
    return median_of_turns(s->connection, metrics_turn_transfer_ns);
}

double measures_turns(const struct measure_subject *s)
{
    const struct model_turns *turns = turns_of(s->connection);
    return turns ? (double)turns->count + (double)turns->omitted : missing;
}

double measures_ping(const struct measure_subject *s)
{
    return number(metrics_ping_ns(s->connection));
}

double measures_stalled(const struct measure_subject *s)
{
    return number(metrics_stalled_ns(s->exchange));
}

/* Return the sum of both directions; missing where there is no WebSocket. */
static double sum_of_messages(const struct model_h2 *h2, bool bytes)
{
    if (!has_messages(h2))
        return missing;
    double sum = 0;
    for (int i = 0; i < MODEL_DIRECTIONS; i++)
        sum += bytes ? (double)h2->messages[i].bytes : (double)h2->messages[i].count;
    return sum;
}

double measures_messages(const struct measure_subject *s)
{
    return sum_of_messages(s->exchange->h2, false);
}

double measures_message_bytes(const struct measure_subject *s)
{
    return sum_of_messages(s->exchange->h2, true);
}
