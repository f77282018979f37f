/*
 * Statistics of a session: for each server, and for all together. Quantities are those of analyze/metrics.h.
 */
#ifndef MITM_ANALYZE_STATS_H
#define MITM_ANALYZE_STATS_H

#include <stdio.h>

#include "analyze/model.h"
#include "statistics/quantile.h"

/* Quantities of which the distribution is given. */
enum stats_quantity {
    STATS_SOCKS,
    STATS_WAITING,
    STATS_TRANSFER,
    STATS_BYTES,
    STATS_TLS, /* exact and inferred ends of handshakes: stats_row.inferred says how many are the latter */
    STATS_INFERRED_WAITING,
    STATS_INFERRED_TRANSFER, /* of the turns of TLS connections that are not decrypted */
    STATS_QUANTITIES
};

/* A distribution. Where `count` is 0, the others are MODEL_NONE. */
struct stats_summary {
    size_t count;
    int64_t min, median, p90, p99, max;
};

/* Numbers that a distribution is made of; all zero: none. */
struct stats_values {
    double *values; /* whole numbers */
    size_t count, capacity;
};

/* Keep `value`; stats_values_add() only if it is not MODEL_NONE. */
void stats_values_push(struct stats_values *values, int64_t value);
void stats_values_add(struct stats_values *values, int64_t value);

/* Return how the values are distributed, with quantiles by `quantile_type`, and free them. */
struct stats_summary stats_values_finish(struct stats_values *values, unsigned quantile_type);

struct stats_failure {
    uint32_t reply;
    uint64_t count;
};

/* A server, or all of them. */
struct stats_row {
    const struct model_server *server; /* NULL: all servers, or connections without a request */
    uint64_t connections, open;
    uint64_t requests, responses;
    uint64_t incomplete; /* responses without a proper end */
    uint64_t limited;    /* transfer times left out because of a rate limit (metrics_transfer_limited()) */
    uint64_t leaks;      /* connections that may be DNS leaks (metrics_possible_leak()) */
    uint64_t violations;
    uint64_t tls, decrypted, inferred;  /* TLS connections; those decrypted; those whose handshake's end is inferred */
    uint64_t handshakes;                /* those whose handshake ended */
    uint64_t http2;                     /* connections that spoke HTTP/2 */
    uint64_t canceled;                  /* requests that the client gave up (metrics_canceled()) */
    uint64_t hidden;                    /* connections with requests that cannot be seen (metrics_hidden()) */
    uint64_t turns;                     /* of TLS connections that are not decrypted */
    int64_t sent_bytes, received_bytes; /* payload, from and to the clients; MODEL_NONE: no size is known */
    int64_t mean_response_ns;           /* of the response time; MODEL_NONE: no response */
    int64_t connection_ns; /* sum of the connection times; MODEL_NONE if a connection is open, or not known */
    struct stats_summary quantities[STATS_QUANTITIES];
    struct stats_failure *failures; /* SOCKS replies that were failures, in the order of their codes */
    size_t failure_count;
};

struct stats {
    const struct model_session *session;
    struct stats_row total;
    struct stats_row *rows; /* servers in the order of appearance, then connections without a request, if any */
    size_t row_count;
    unsigned quantile_type;
};

/* Compute the statistics of `session`, which must not change as long as they are used; quantiles by the definition
 * `quantile_type` (statistics/quantile.h), rounded to whole numbers. Free them with stats_fini(). */
void stats_init(struct stats *stats, const struct model_session *session, unsigned quantile_type);
void stats_fini(struct stats *stats);

/* Return whether the row's number of requests says something: not where there are none because none can be seen. */
bool stats_requests_known(const struct stats_row *row);

/* What the times of `count` TLS handshakes, and the TLS times of `total`, are for people: whether their ends were seen.
 */
const char *stats_handshakes_title(uint64_t count, uint64_t inferred);
const char *stats_tls_title(const struct stats_row *total);

/* Name of a quantity in CSV and JSON ("socks_ns"). */
const char *stats_quantity_name(enum stats_quantity quantity);

/*
 * Write the statistics of a session: as text for `columns` columns (0: any number); as one JSON object; as lines of CSV
 * (stats_csv_head() writes the line of column names; the wide ones have further columns at the end, for TLS and
 * HTTP/2). `number` counts the sessions: 1, 2, 3 …
 */
void stats_text(FILE *out, const struct stats *stats, size_t number, size_t columns);
void stats_json(FILE *out, const struct stats *stats, size_t number);
void stats_csv_head(FILE *out);
void stats_csv(FILE *out, const struct stats *stats, size_t number);
void stats_csv_wide_head(FILE *out);
void stats_csv_wide(FILE *out, const struct stats *stats, size_t number);

#endif
