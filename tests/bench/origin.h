/*
 * The origin server of the bench: HTTP/1.1, keep-alive, one thread, nothing but what the load generator asks for.
 *
 *     GET /length/N    a body of N bytes, by Content-Length
 *     GET /chunks/N    a body of N chunks (body.h)
 *
 * A request with "Connection: close" is the last one: the server closes first, so that the ports of closed connections
 * rest on its side and nobody runs out of them.
 */
#ifndef MITM_TESTS_BENCH_ORIGIN_H
#define MITM_TESTS_BENCH_ORIGIN_H

#include <stdint.h>

/* Serve on 127.0.0.1, `port` (0: any; printed on stderr), until the parent process ends or `seconds` have passed. */
void origin_run(uint16_t port, unsigned seconds);

#endif
