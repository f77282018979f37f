/*
 * How wrong the times are that are inferred without keys: for the connections of a session that were decrypted, what
 * their turns say (fold_tls.c has the rule) beside what their requests say, which is the truth.
 *
 * A turn is held against the requests that began in it: from its first read of the client to the next turn's. A turn
 * with one request is compared with it; one with several, as HTTP/2 sends them, or with none is counted.
 */
#ifndef MITM_ANALYZE_INFERENCE_H
#define MITM_ANALYZE_INFERENCE_H

#include "analyze/model.h"
#include "analyze/stats.h"

struct inference_part {
    struct stats_summary exact, inferred; /* of all requests, and of all turns */
    struct stats_summary error;           /* inferred less exact, of the handshakes, and the turns with one request; */
    struct stats_summary magnitude;       /* … and without its sign */
};

struct inference {
    uint64_t connections;            /* that were decrypted from the beginning to the end, and had turns or requests */
    uint64_t requests, turns;        /* requests that were sent; turns with those that were omitted */
    uint64_t single, several, none;  /* turns that held so many requests */
    uint64_t outside;                /* requests in no turn */
    struct inference_part handshake; /* of the connections whose handshake's end is exact, and was inferred, too */
    struct inference_part waiting, transfer;
};

/* Compute what the inference would have said of `session`, with quantiles by `quantile_type`. */
struct inference inference_of(const struct model_session *session, unsigned quantile_type);

/* Write it as text for people, after an empty line, or as a JSON object. */
void inference_text(FILE *out, const struct inference *inference);
void inference_json(FILE *out, const struct inference *inference);

#endif
