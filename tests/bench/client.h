/*
 * The load generator: many connections through a SOCKS5 proxy, or straight to the origin server, in one thread.
 *
 * Every response is checked: status, length, each byte of the body. The run is bounded by its count of requests and by
 * time; a connection that fails counts as an error and is replaced by a new one, until there are too many errors.
 */
#ifndef MITM_TESTS_BENCH_CLIENT_H
#define MITM_TESTS_BENCH_CLIENT_H

#include "net.h"

struct client_plan {
    struct net_address proxy;  /* len 0: straight to the origin */
    struct net_address origin; /* IPv4 */
    uint64_t requests;         /* how many in all */
    uint64_t per_connection;   /* requests of one connection, then the server closes it; 0: any number */
    uint64_t parallel;         /* connections that are busy at the same time */
    uint64_t body;             /* length of the body, or count of its chunks */
    bool chunked;
    bool hold;        /* keep connections open when they have done their requests, until stdin ends */
    unsigned seconds; /* time allowed for the requests */
};

/*
 * Do what the plan says and print the result to stdout as one line of JSON: requests, connections, errors, bytes (of
 * bodies), seconds, and the percentiles of the times from request to complete response. With `hold`, the line is
 * printed when all connections are idle. Return whether all went well.
 */
bool client_run(const struct client_plan *plan) __attribute__((warn_unused_result));

#endif
