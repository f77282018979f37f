/*
 * The floor: a plain SOCKS5 relay that decodes nothing and records nothing. What it costs is what passing bytes on with
 * recv and send costs at least; every other proxy of the bench is compared with it.
 *
 * One thread, epoll, one buffer of 64 KiB for all connections, one recv and one send per readable socket. It does all
 * that a correct relay must: back-pressure (what the receiver does not take is kept, and the sender is not read
 * meanwhile), half-close, resets, SOCKS errors. With -w it writes every byte that it passes on to a file as well, 256
 * KiB at a time.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "net.h"

enum { BUFFER_BYTES = 65536, BATCH = 256, FILE_BUFFER_BYTES = 262144 };

enum { SOCKS_VERSION = 5, SOCKS_CONNECT = 1, METHOD_OPEN = 0, METHOD_NONE = 0xff, NAME_BYTES = 255 };
enum { TYPE_IPV4 = 1, TYPE_NAME = 3, TYPE_IPV6 = 4 };
enum {
    REPLY_OK = 0,
    REPLY_FAILURE = 1,
    REPLY_NET_UNREACHABLE = 3,
    REPLY_HOST_UNREACHABLE = 4,
    REPLY_REFUSED = 5,
    REPLY_COMMAND = 7,
    REPLY_TYPE = 8
};

enum phase { PHASE_LISTEN, PHASE_GREETING, PHASE_REQUEST, PHASE_WAITING, PHASE_CONNECTING, PHASE_RELAY };

/*
 * One socket. `pending` are bytes that it could not take yet; while there are any, its peer is not read. During the
 * handshake they are what the client has sent of an incomplete greeting or request.
 */
struct side {
    int fd;
    enum phase phase;
    uint32_t watched;
    bool ended;  /* it has sent all that it will send */
    bool closed; /* both sides of the connection are to be closed after this batch of events */
    struct side *peer;
    unsigned char *pending;
    size_t pending_offset, pending_len;
    struct side *next_closed;
};

struct floor {
    int epoll;
    int file;
    size_t file_used;
    unsigned char *file_buffer;
    struct side *closed;                               /* one side of each connection to close */
    _Alignas(4096) unsigned char buffer[BUFFER_BYTES]; /* the kernel copies to whole pages faster */
};

static void floor_write(const unsigned char *data, size_t len, int file)
{
    while (len > 0) {
        ssize_t n = write(file, data, len);
        if (n == -1)
            net_die("write");
        data += n;
        len -= (size_t)n;
    }
}

static void floor_record(struct floor *floor, const unsigned char *data, size_t len)
{
    if (floor->file == -1)
        return;
    if (floor->file_used + len > FILE_BUFFER_BYTES) {
        floor_write(floor->file_buffer, floor->file_used, floor->file);
        floor->file_used = 0;
    }
    memcpy(floor->file_buffer + floor->file_used, data, len);
    floor->file_used += len;
}

static struct side *side_new(struct floor *floor, int fd, enum phase phase, uint32_t watched)
{
    struct side *side = calloc(1, sizeof(*side));

    if (side == NULL)
        net_die("calloc");
    side->fd = fd;
    side->phase = phase;
    side->watched = watched;
    net_watch(floor->epoll, EPOLL_CTL_ADD, fd, watched, side);
    return side;
}

static void side_watch(struct floor *floor, struct side *side, uint32_t watched)
{
    if (side->watched == watched)
        return;
    side->watched = watched;
    net_watch(floor->epoll, EPOLL_CTL_MOD, side->fd, watched, side);
}

static void side_free(struct side *side)
{
    close(side->fd);
    free(side->pending);
    free(side);
}

/* Mark the connection of `side` for closing; it stays valid until the batch of events is done. */
static void connection_close(struct floor *floor, struct side *side)
{
    if (side->closed)
        return;
    side->closed = true;
    if (side->peer != NULL)
        side->peer->closed = true;
    side->next_closed = floor->closed;
    floor->closed = side;
}

static void connection_reset(struct floor *floor, struct side *side)
{
    net_reset_on_close(side->fd);
    if (side->peer != NULL)
        net_reset_on_close(side->peer->fd);
    connection_close(floor, side);
}

static void floor_reap(struct floor *floor)
{
    while (floor->closed != NULL) {
        struct side *side = floor->closed;
        floor->closed = side->next_closed;
        if (side->peer != NULL)
            side_free(side->peer);
        side_free(side);
    }
}

/* Watch for what the state of the connection asks for. */
static void side_watch_relay(struct floor *floor, struct side *side)
{
    uint32_t watched = 0;

    if (!side->ended && side->peer->pending_len == 0)
        watched |= EPOLLIN;
    if (side->pending_len > 0)
        watched |= EPOLLOUT;
    side_watch(floor, side, watched);
}

static bool would_block(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

/* Keep `len` bytes at `data` for later in new memory at *copy. */
static void keep(unsigned char **copy, size_t *copy_len, const unsigned char *data, size_t len)
{
    free(*copy);
    *copy = len > 0 ? malloc(len) : NULL;
    *copy_len = len;
    if (len > 0 && *copy == NULL)
        net_die("malloc");
    if (len > 0)
        memcpy(*copy, data, len);
}

/* Send to `side`; keep what it does not take. Return false if the connection has failed. */
static bool side_send(struct floor *floor, struct side *side, const unsigned char *data, size_t len)
{
    ssize_t n = send(side->fd, data, len, MSG_NOSIGNAL);

    if (n == -1 && !would_block()) {
        connection_reset(floor, side);
        return false;
    }
    size_t sent = n == -1 ? 0 : (size_t)n;
    if (sent == len)
        return true;
    side->pending_offset = 0;
    keep(&side->pending, &side->pending_len, data + sent, len - sent);
    return true;
}

/* The peer of `side` has ended: say so to `side` once it has everything; close when both have ended. */
static void side_pass_end(struct floor *floor, struct side *side)
{
    if (side->pending_len > 0)
        return;
    if (shutdown(side->fd, SHUT_WR) == -1 && errno != ENOTCONN)
        net_die("shutdown");
    if (side->ended && side->peer->pending_len == 0)
        connection_close(floor, side);
}

static void side_flush(struct floor *floor, struct side *side)
{
    ssize_t n = send(side->fd, side->pending + side->pending_offset, side->pending_len, MSG_NOSIGNAL);

    if (n == -1) {
        if (!would_block())
            connection_reset(floor, side);
        return;
    }
    side->pending_offset += (size_t)n;
    side->pending_len -= (size_t)n;
    if (side->pending_len > 0)
        return;
    free(side->pending);
    side->pending = NULL;
    if (side->peer->ended)
        side_pass_end(floor, side);
}

static void side_read(struct floor *floor, struct side *side)
{
    ssize_t n = recv(side->fd, floor->buffer, BUFFER_BYTES, 0);

    if (n == -1) {
        if (!would_block())
            connection_reset(floor, side);
        return;
    }
    if (n == 0) {
        side->ended = true;
        side_pass_end(floor, side->peer);
        return;
    }
    if (side_send(floor, side->peer, floor->buffer, (size_t)n))
        floor_record(floor, floor->buffer, (size_t)n);
}

static void relay(struct floor *floor, struct side *side, uint32_t events)
{
    if (side->pending_len > 0 && (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0)
        side_flush(floor, side);
    if (!side->closed && !side->ended && side->peer->pending_len == 0 &&
        (events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0)
        side_read(floor, side);
    else if (!side->closed && (events & EPOLLERR) != 0)
        connection_reset(floor, side);
    if (side->closed)
        return;
    side_watch_relay(floor, side);
    side_watch_relay(floor, side->peer);
    /* Both directions of this socket are done, the other one is not: epoll would say so for ever. */
    if (side->watched == 0 && side->ended && (events & EPOLLHUP) != 0)
        net_watch(floor->epoll, EPOLL_CTL_DEL, side->fd, 0, NULL);
}

/* Answer the request and close. */
static void refuse(struct floor *floor, struct side *side, unsigned char code)
{
    unsigned char reply[10] = {SOCKS_VERSION, code, 0, TYPE_IPV4};

    if (send(side->fd, reply, sizeof(reply), MSG_NOSIGNAL) == -1 && !would_block())
        net_reset_on_close(side->fd);
    connection_close(floor, side);
}

/* Take the greeting. Return its length, 0 if it is incomplete. */
static size_t greeting(struct floor *floor, struct side *side, const unsigned char *data, size_t len)
{
    unsigned char answer[2] = {SOCKS_VERSION, METHOD_NONE};

    if (len < 2U || len < 2U + data[1])
        return 0;
    if (data[0] == SOCKS_VERSION && memchr(data + 2, METHOD_OPEN, data[1]) != NULL)
        answer[1] = METHOD_OPEN;
    if (send(side->fd, answer, sizeof(answer), MSG_NOSIGNAL) != sizeof(answer) || answer[1] == METHOD_NONE)
        connection_close(floor, side);
    side->phase = PHASE_REQUEST;
    return 2U + data[1];
}

static unsigned char reply_of_errno(int error)
{
    switch (error) {
    case ECONNREFUSED:
        return REPLY_REFUSED;
    case ENETUNREACH:
        return REPLY_NET_UNREACHABLE;
    case EHOSTUNREACH:
    case ETIMEDOUT:
        return REPLY_HOST_UNREACHABLE;
    default:
        return REPLY_FAILURE;
    }
}

static void connect_to(struct floor *floor, struct side *side, const struct net_address *address)
{
    int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd == -1) {
        refuse(floor, side, REPLY_FAILURE);
        return;
    }
    net_no_delay(fd);
    if (connect(fd, &address->any, address->len) == -1 && errno != EINPROGRESS) {
        refuse(floor, side, reply_of_errno(errno));
        close(fd);
        return;
    }
    struct side *peer = side_new(floor, fd, PHASE_CONNECTING, EPOLLOUT);
    side->phase = PHASE_WAITING;
    side_watch(floor, side, 0);
    side->peer = peer;
    peer->peer = side;
}

/* Set `address` to the destination of the request. Return a SOCKS reply code. */
static unsigned char request_address(struct net_address *address, const unsigned char *data)
{
    char host[NAME_BYTES + 1];
    size_t len = data[3] == TYPE_IPV4 ? 4 : data[3] == TYPE_IPV6 ? 16 : data[4];
    const unsigned char *text = data + (data[3] == TYPE_NAME ? 5 : 4);
    in_port_t port;

    memcpy(&port, text + len, sizeof(port));
    memset(address, 0, sizeof(*address));
    if (data[3] == TYPE_IPV4) {
        struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = port};
        memcpy(&v4.sin_addr, text, len);
        memcpy(&address->storage, &v4, sizeof(v4));
        address->len = sizeof(v4);
        return REPLY_OK;
    }
    if (data[3] == TYPE_IPV6) {
        struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = port};
        memcpy(&v6.sin6_addr, text, len);
        memcpy(&address->storage, &v6, sizeof(v6));
        address->len = sizeof(v6);
        return REPLY_OK;
    }
    memcpy(host, text, len);
    host[len] = '\0';
    return net_literal(address, host, ntohs(port)) ? REPLY_OK : REPLY_HOST_UNREACHABLE;
}

/* Take the request. Return its length, 0 if it is incomplete. */
static size_t request(struct floor *floor, struct side *side, const unsigned char *data, size_t len)
{
    struct net_address address;

    if (len < 5)
        return 0;
    bool known_type = data[3] == TYPE_IPV4 || data[3] == TYPE_IPV6 || data[3] == TYPE_NAME;
    size_t used = 6U + (data[3] == TYPE_IPV4 ? 4U : data[3] == TYPE_IPV6 ? 16U : 1U + data[4]);
    if (len < used && known_type)
        return 0;
    unsigned char code = known_type ? request_address(&address, data) : REPLY_TYPE;
    if (data[0] != SOCKS_VERSION)
        connection_close(floor, side);
    else if (data[1] != SOCKS_CONNECT)
        refuse(floor, side, REPLY_COMMAND);
    else if (code != REPLY_OK)
        refuse(floor, side, code);
    else
        connect_to(floor, side, &address);
    return used;
}

/* Read from the client and take what is whole. Bytes sent before the reply are kept for the other side. */
static void handshake(struct floor *floor, struct side *side)
{
    unsigned char *data = floor->buffer;
    size_t len = side->pending_len, used;

    if (len > 0)
        memcpy(data, side->pending, len);
    ssize_t n = recv(side->fd, data + len, BUFFER_BYTES - len, 0);
    if (n <= 0) {
        if (n == 0 || !would_block())
            connection_close(floor, side);
        return;
    }
    len += (size_t)n;
    do {
        used = side->phase == PHASE_GREETING ? greeting(floor, side, data, len) : request(floor, side, data, len);
        data += used;
        len -= used;
    } while (used > 0 && side->phase == PHASE_REQUEST && !side->closed);
    if (side->closed)
        return;
    keep(&side->pending, &side->pending_len, data, side->phase == PHASE_WAITING ? 0 : len);
    if (side->phase == PHASE_WAITING)
        keep(&side->peer->pending, &side->peer->pending_len, data, len);
}

/* The connect of `side` has ended, well or not. */
static void connected(struct floor *floor, struct side *side)
{
    static const unsigned char reply[10] = {SOCKS_VERSION, REPLY_OK, 0, TYPE_IPV4};
    int error = 0;
    socklen_t len = sizeof(error);

    if (getsockopt(side->fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
        net_die("SO_ERROR");
    if (error != 0) {
        refuse(floor, side->peer, reply_of_errno(error));
        return;
    }
    if (send(side->peer->fd, reply, sizeof(reply), MSG_NOSIGNAL) != sizeof(reply)) {
        connection_reset(floor, side);
        return;
    }
    side->phase = side->peer->phase = PHASE_RELAY;
    side_watch_relay(floor, side);
    side_watch_relay(floor, side->peer);
}

static void floor_accept(struct floor *floor, struct side *listener)
{
    for (;;) {
        int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd == -1) {
            if (!would_block() && errno != ECONNABORTED)
                net_die("accept");
            return;
        }
        net_no_delay(fd);
        side_new(floor, fd, PHASE_GREETING, EPOLLIN);
    }
}

static void floor_event(struct floor *floor, struct side *side, uint32_t events)
{
    if (side->closed)
        return;
    switch (side->phase) {
    case PHASE_LISTEN:
        floor_accept(floor, side);
        break;
    case PHASE_GREETING:
    case PHASE_REQUEST:
        handshake(floor, side);
        break;
    case PHASE_WAITING: /* not watched: the client has reset the connection */
        connection_reset(floor, side);
        break;
    case PHASE_CONNECTING:
        connected(floor, side);
        break;
    case PHASE_RELAY:
        relay(floor, side, events);
        break;
    }
}

static void floor_run(struct floor *floor)
{
    static struct epoll_event events[BATCH];

    for (;;) {
        int n = epoll_wait(floor->epoll, events, BATCH, -1);
        if (n == -1 && errno != EINTR)
            net_die("epoll_wait");
        for (int i = 0; i < n; i++)
            floor_event(floor, events[i].data.ptr, events[i].events);
        floor_reap(floor);
    }
}

static void floor_record_to(struct floor *floor, const char *path)
{
    floor->file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    floor->file_buffer = malloc(FILE_BUFFER_BYTES);
    if (floor->file == -1 || floor->file_buffer == NULL)
        net_die(path);
}

int main(int argc, char **argv)
{
    static struct floor floor = {.file = -1};
    struct net_address address;
    const char *listen_on = "127.0.0.1:0";
    int option;

    while ((option = getopt(argc, argv, "l:w:")) != -1) {
        if (option == 'l')
            listen_on = optarg;
        else if (option == 'w')
            floor_record_to(&floor, optarg);
        else
            return 2;
    }
    if (optind != argc || !net_parse(&address, listen_on)) {
        fprintf(stderr, "usage: bench_floor [-l ADDR:PORT] [-w FILE]\n");
        return 2;
    }
    net_raise_file_limit();
    floor.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (floor.epoll == -1)
        net_die("epoll_create1");
    side_new(&floor, net_listen(&address, "bench_floor"), PHASE_LISTEN, EPOLLIN);
    floor_run(&floor);
    return 0;
}
