#include "origin.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "body.h"
#include "net.h"

enum { REQUEST_BYTES = 2048, HEAD_BYTES = 256, BATCH = 256 };
enum { CHUNK_FRAME_BYTES = BODY_PERIOD_BYTES + 8, CHUNKED_TABLE_BYTES = CHUNK_FRAME_BYTES * BODY_REPEATS };

/* A connection: a request being read, or a response being sent: head, `left` bytes of a repeated table, tail. */
struct served {
    int fd;
    bool listener, writing;
    bool last; /* close after this response */
    size_t request_len;
    char request[REQUEST_BYTES];
    char head[HEAD_BYTES];
    size_t head_offset, head_len;
    const unsigned char *table;
    size_t period_bytes, phase;
    uint64_t left;
    const char *tail;
};

struct origin {
    int epoll;
    struct served listener;
};

static unsigned char chunked_table[CHUNKED_TABLE_BYTES];

static void chunked_init(void)
{
    unsigned char *out = chunked_table;
    char size[8];

    for (int i = 0; i < BODY_REPEATS; i++) {
        snprintf(size, sizeof(size), "%x\r\n", BODY_PERIOD_BYTES);
        memcpy(out, size, 6);
        memcpy(out + 6, body_table, BODY_PERIOD_BYTES);
        memcpy(out + 6 + BODY_PERIOD_BYTES, "\r\n", 2);
        out += CHUNK_FRAME_BYTES;
    }
}

static void served_free(struct served *served)
{
    close(served->fd);
    free(served);
}

/* Prepare the response to the request. Return false if it is none of ours. */
static bool served_answer(struct served *served)
{
    static const char start[] = "HTTP/1.1 200 OK\r\nServer: bench\r\nDate: Tue, 15 Nov 1994 08:12:31 GMT\r\n"
                                "Content-Type: application/octet-stream\r\n";
    unsigned long long n;
    char kind[8];

    if (sscanf(served->request, "GET /%6[a-z]/%llu HTTP/1.1\r\n", kind, &n) != 2)
        return false;
    bool chunked = strcmp(kind, "chunks") == 0;
    if (!chunked && strcmp(kind, "length") != 0)
        return false;
    int len = chunked ? snprintf(served->head, HEAD_BYTES, "%sTransfer-Encoding: chunked\r\n\r\n", start)
                      : snprintf(served->head, HEAD_BYTES, "%sContent-Length: %llu\r\n\r\n", start, n);
    served->head_len = (size_t)len;
    served->head_offset = served->phase = 0;
    served->table = chunked ? chunked_table : body_table;
    served->period_bytes = chunked ? CHUNK_FRAME_BYTES : BODY_PERIOD_BYTES;
    served->left = chunked ? n * CHUNK_FRAME_BYTES : n;
    served->tail = chunked ? "0\r\n\r\n" : "";
    served->last = strstr(served->request, "\r\nConnection: close\r\n") != NULL;
    return true;
}

/* Count `sent` bytes as sent. */
static void served_advance(struct served *served, size_t sent)
{
    size_t head = served->head_len - served->head_offset;

    head = sent < head ? sent : head;
    served->head_offset += head;
    sent -= head;
    size_t body = sent < served->left ? sent : (size_t)served->left;
    served->phase = (served->phase + body) % served->period_bytes;
    served->left -= body;
    served->tail += sent - body;
}

/* Send what the socket takes. Return 1 if the response is complete, 0 if not, -1 if the connection has failed. */
static int served_send(struct served *served)
{
    for (;;) {
        struct iovec parts[3] = {{served->head + served->head_offset, served->head_len - served->head_offset}};
        size_t table = served->period_bytes * BODY_REPEATS - served->phase;
        parts[1].iov_base = (void *)(uintptr_t)(served->table + served->phase);
        parts[1].iov_len = served->left < table ? (size_t)served->left : table;
        parts[2].iov_base = (void *)(uintptr_t)served->tail;
        parts[2].iov_len = served->left <= table ? strlen(served->tail) : 0;
        size_t total = parts[0].iov_len + parts[1].iov_len + parts[2].iov_len;
        if (total == 0)
            return 1;
        struct msghdr message = {.msg_iov = parts, .msg_iovlen = 3};
        ssize_t n = sendmsg(served->fd, &message, MSG_NOSIGNAL);
        if (n == -1)
            return errno == EAGAIN ? 0 : -1;
        served_advance(served, (size_t)n);
    }
}

/* Answer all requests that have been read. Return false if the connection is to be closed. */
static bool served_step(struct origin *origin, struct served *served)
{
    for (;;) {
        int result = served_send(served);
        if (result != 1) {
            if (result == 0 && !served->writing)
                net_watch(origin->epoll, EPOLL_CTL_MOD, served->fd, EPOLLOUT, served);
            served->writing = true;
            return result == 0;
        }
        if (served->last)
            return false;
        served->request[served->request_len] = '\0';
        char *end = strstr(served->request, "\r\n\r\n");
        if (end == NULL)
            break;
        if (!served_answer(served))
            return false;
        served->request_len -= (size_t)(end + 4 - served->request);
        memmove(served->request, end + 4, served->request_len);
    }
    if (served->writing)
        net_watch(origin->epoll, EPOLL_CTL_MOD, served->fd, EPOLLIN, served);
    served->writing = false;
    return served->request_len < REQUEST_BYTES - 1;
}

static void served_event(struct origin *origin, struct served *served)
{
    if (!served->writing) {
        ssize_t n = recv(served->fd, served->request + served->request_len, REQUEST_BYTES - 1 - served->request_len, 0);
        if (n == -1 && errno == EAGAIN)
            return;
        if (n <= 0) {
            served_free(served);
            return;
        }
        served->request_len += (size_t)n;
    }
    if (!served_step(origin, served))
        served_free(served);
}

static void origin_accept(struct origin *origin, const struct served *listener)
{
    for (;;) {
        int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd == -1)
            return;
        struct served *served = malloc(sizeof(*served));
        if (served == NULL)
            net_die("malloc");
        *served = (struct served){.fd = fd, .table = body_table, .period_bytes = BODY_PERIOD_BYTES, .tail = ""};
        net_no_delay(fd);
        net_watch(origin->epoll, EPOLL_CTL_ADD, fd, EPOLLIN, served);
    }
}

void origin_run(uint16_t port, unsigned seconds)
{
    static struct origin origin;
    static struct epoll_event events[BATCH];
    struct net_address address;

    prctl(PR_SET_PDEATHSIG, SIGTERM);
    alarm(seconds);
    chunked_init();
    origin.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (origin.epoll == -1 || !net_literal(&address, "127.0.0.1", port))
        net_die("start");
    origin.listener = (struct served){.fd = net_listen(&address, "bench_load origin"), .listener = true};
    net_watch(origin.epoll, EPOLL_CTL_ADD, origin.listener.fd, EPOLLIN, &origin.listener);
    for (;;) {
        int n = epoll_wait(origin.epoll, events, BATCH, -1);
        for (int i = 0; i < n; i++) {
            struct served *served = events[i].data.ptr;
            if (served->listener)
                origin_accept(&origin, served);
            else
                served_event(&origin, served);
        }
    }
}
