/*
 * Statistics of a session: for each server, and for all together. Quantities are those of analyze/metrics.h.
 */
#ifndef MITM_ANALYZE_STATS_H
#define MITM_ANALYZE_STATS_H

#include <stdio.h>

#include "analyze/model.h"
#include "statistics/quantile.h"

/* Quantities of which the distribution is given. */
enum stats_quantity { STATS_SOCKS, STATS_WAITING, STATS_TRANSFER, STATS_BYTES, STATS_QUANTITIES };

/* A distribution. Where `count` is 0, the others are MODEL_NONE. */
struct stats_summary {
    size_t count;
    int64_t min, median, p90, p99, max;
};

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
};

/* Compute the statistics of `session`, which must not change as long as they are used; quantiles by the definition
 * `quantile_type` (statistics/quantile.h), rounded to whole numbers. Free them with stats_fini(). */
void stats_init(struct stats *stats, const struct model_session *session, unsigned quantile_type);
void stats_fini(struct stats *stats);

/* Name of a quantity in CSV and JSON ("socks_ns"). */
const char *stats_quantity_name(enum stats_quantity quantity);

/*
 * Write the statistics of a session: as text for `columns` columns (0: any number); as one JSON object; as lines of CSV
 * (stats_csv_head() writes the line of column names). `number` counts the sessions: 1, 2, 3 …
 */
void stats_text(FILE *out, const struct stats *stats, size_t number, size_t columns);
void stats_json(FILE *out, const struct stats *stats, size_t number);
void stats_csv_head(FILE *out);
void stats_csv(FILE *out, const struct stats *stats, size_t number);

#endif
