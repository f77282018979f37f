#include "net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>

void net_die(const char *what)
{
    fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
    exit(3);
}

bool net_literal(struct net_address *address, const char *host, uint16_t port)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

    memset(address, 0, sizeof(*address));
    if (inet_pton(AF_INET, host, &v4.sin_addr) == 1) {
        memcpy(&address->storage, &v4, sizeof(v4));
        address->len = sizeof(v4);
        return true;
    }
    if (inet_pton(AF_INET6, host, &v6.sin6_addr) == 1) {
        memcpy(&address->storage, &v6, sizeof(v6));
        address->len = sizeof(v6);
        return true;
    }
    return false;
}

bool net_parse(struct net_address *address, const char *text)
{
    const char *colon = strrchr(text, ':');
    char host[INET6_ADDRSTRLEN];
    size_t len = colon != NULL ? (size_t)(colon - text) : 0;
    char *end;

    if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
        text++;
        len -= 2;
    }
    if (len == 0 || len >= sizeof(host))
        return false;
    memcpy(host, text, len);
    host[len] = '\0';
    long port = strtol(colon + 1, &end, 10);
    return end != colon + 1 && *end == '\0' && port >= 0 && port <= UINT16_MAX &&
           net_literal(address, host, (uint16_t)port);
}

int net_listen(const struct net_address *address, const char *program)
{
    struct net_address bound = {.len = sizeof(bound.storage)};
    int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;

    if (fd == -1 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1 ||
        bind(fd, &address->any, address->len) == -1 || listen(fd, SOMAXCONN) == -1 ||
        getsockname(fd, &bound.any, &bound.len) == -1)
        net_die("listen");
    /* sin_port and sin6_port lie at the same place. */
    fprintf(stderr, "%s: listening on %u\n", program, ntohs(((const struct sockaddr_in *)&bound.storage)->sin_port));
    return fd;
}

void net_no_delay(int fd)
{
    int on = 1;

    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == -1)
        net_die("TCP_NODELAY");
}

void net_reset_on_close(int fd)
{
    struct linger linger = {.l_onoff = 1};

    if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) == -1)
        net_die("SO_LINGER");
}

void net_raise_file_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
        net_die("getrlimit");
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) == -1)
        net_die("setrlimit");
}

uint64_t net_now_ns(void)
{
    struct timespec now;

    if (clock_gettime(CLOCK_MONOTONIC, &now) == -1)
        net_die("clock_gettime");
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

void net_watch(int epoll, int operation, int fd, uint32_t events, void *ptr)
{
    struct epoll_event event = {.events = events, .data.ptr = ptr};

    if (epoll_ctl(epoll, operation, fd, &event) == -1)
        net_die("epoll_ctl");
}
