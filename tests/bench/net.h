/*
 * What the programs of the bench share: addresses, sockets, limits, time.
 *
 * Only numeric addresses are understood and nothing is ever resolved. A function that cannot do its work ends the
 * program with exit code 3 and one line on stderr, unless it says otherwise: a bench has nothing to save.
 */
#ifndef MITM_TESTS_BENCH_NET_H
#define MITM_TESTS_BENCH_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct net_address {
    union {
        struct sockaddr any;
        struct sockaddr_storage storage;
    };
    socklen_t len;
};

/* Say `what` and the text of errno on stderr and end the program with exit code 3. */
void net_die(const char *what) __attribute__((noreturn));

/* Set `address` to the IPv4 or IPv6 literal `host` and `port`. Return false if `host` is no literal. */
bool net_literal(struct net_address *address, const char *host, uint16_t port) __attribute__((warn_unused_result));

/* Set `address` to what `text` says: ADDR:PORT or [ADDR]:PORT. Return false if it says nothing. */
bool net_parse(struct net_address *address, const char *text) __attribute__((warn_unused_result));

/* Return a listening non-blocking socket on `address`; print "PROGRAM: listening on PORT" on stderr. */
int net_listen(const struct net_address *address, const char *program);

/* Switch Nagle's algorithm off on `fd`: it would hold back the second of two small pieces. */
void net_no_delay(int fd);

/* Let `fd` be reset instead of closed: close() sends RST. */
void net_reset_on_close(int fd);

/* Allow as many open files as the system lets us. */
void net_raise_file_limit(void);

/* Return the time of the monotonic clock. */
uint64_t net_now_ns(void);

/* Add `fd` to, or change it in, the epoll set `epoll`. */
void net_watch(int epoll, int operation, int fd, uint32_t events, void *ptr);

#endif
