#include "capture/side.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "capture/input.h"

bool side_prepare(int fd)
{
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof on); /* urgent data are data like others (RFC 6093) */
    return input_enable_stamps(fd);
}

void side_init(struct side *side, struct conn *conn, side_fn *on_readable, side_fn *on_drained)
{
    side->conn = conn;
    side->fd = -1;
    side->on_readable = on_readable;
    side->on_drained = on_drained;
}

static void drop_kept(struct side *side)
{
    free(side->kept);
    side->kept = NULL;
    side->kept_at = side->kept_len = 0;
}

/* Send what can be sent now. Return how much that was; marks `side` broken if it fails. */
static size_t send_now(struct side *side, const uint8_t *data, size_t len)
{
    ssize_t n;
    do {
        n = send(side->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    if (n >= 0)
        return (size_t)n;
    if (errno != EAGAIN)
        side->broken = true;
    return 0;
}

static void keep(struct side *side, const uint8_t *data, size_t len)
{
    uint8_t *all = malloc(side->kept_len + len);
    if (!all)
        abort();
    if (side->kept_len > 0)
        memcpy(all, side->kept + side->kept_at, side->kept_len);
    memcpy(all + side->kept_len, data, len);
    len += side->kept_len;
    drop_kept(side);
    side->kept = all;
    side->kept_len = len;
    if (side->fd >= 0)
        event_add(&side->write, NULL);
}

bool side_send(struct side *side, const uint8_t *data, size_t len)
{
    size_t sent = 0;
    if (side->fd >= 0 && side->kept_len == 0 && !side->broken)
        sent = send_now(side, data, len);
    if (side->broken)
        return false;
    if (sent < len)
        keep(side, data + sent, len - sent);
    return sent == len;
}

void side_send_fin(struct side *side)
{
    assert(side->kept_len == 0);
    if (side->fd < 0 || side->fin_sent)
        return;
    side->fin_sent = true;
    shutdown(side->fd, SHUT_WR);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct side *side = arg;
    side->on_readable(side);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct side *side = arg;
    size_t sent = send_now(side, side->kept + side->kept_at, side->kept_len);
    side->kept_at += sent;
    side->kept_len -= sent;
    if (side->kept_len > 0 && !side->broken) {
        event_add(&side->write, NULL);
        return;
    }
    drop_kept(side);
    side->on_drained(side);
}

void side_open(struct side *side, struct event_base *base, int fd, uint64_t t_ns)
{
    side->fd = fd;
    side->emptied_t_ns = t_ns;
    event_assign(&side->read, base, fd, EV_READ | EV_PERSIST, on_readable, side);
    event_assign(&side->write, base, fd, EV_WRITE, on_writable, side);
    if (side->kept_len > 0)
        event_add(&side->write, NULL);
}

void side_close(struct side *side, bool reset)
{
    drop_kept(side);
    if (side->fd < 0)
        return;
    event_del(&side->read);
    event_del(&side->write);
    if (reset) {
        struct linger linger = {.l_onoff = 1, .l_linger = 0};
        setsockopt(side->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    }
    close(side->fd);
    side->fd = -1;
}

void side_read(struct side *side, bool wanted)
{
    if (side->fd < 0)
        return;
    if (wanted) {
        event_add(&side->read, NULL);
    } else {
        event_del(&side->read);
        side->left = side->paused = true;
    }
}

bool side_gone(const struct side *side)
{
    return side->broken && side->ended;
}
