#include "capture/input.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <string.h>
#include <sys/socket.h>

bool input_enable_stamps(int fd)
{
    int flags = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
    return setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof flags) == 0;
}

/* Return the kernel's software time stamp among the control messages, or NULL. */
static const struct timespec *find_stamp(struct msghdr *message)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPING) {
            const struct scm_timestamping *stamps = (const void *)CMSG_DATA(c);
            return stamps->ts[0].tv_sec ? &stamps->ts[0] : NULL;
        }
    }
    return NULL;
}

struct input input_read(int fd, uint8_t *buffer, size_t size, const struct clock *clock)
{
    struct iovec iov = {.iov_base = buffer, .iov_len = size};
    _Alignas(struct cmsghdr) uint8_t control[256];
    struct msghdr message = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct input input = {0};
    do {
        input.len_bytes = recvmsg(fd, &message, MSG_DONTWAIT);
    } while (input.len_bytes < 0 && errno == EINTR);
    input.error = input.len_bytes < 0 ? errno : 0;
    input.now = clock_read(clock);
    input.t_ns = input.now.t_ns;
    if (input.len_bytes > 0) {
        const struct timespec *stamp = find_stamp(&message);
        if (stamp)
            input.t_ns = clock_convert(&input.now, stamp);
    }
    return input;
}
