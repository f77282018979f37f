#include "loopback.h"

#include <criterion/criterion.h>
#include <errno.h>

#include "capture/resolve.h"

static int listen_with(const char *ip, uint16_t port, int backlog, struct sockaddr_storage *address)
{
    cr_assert(resolve_literal(ip, port, address));
    int fd = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_geq(fd, 0);
    cr_assert_eq(bind(fd, (const struct sockaddr *)address, resolve_length(address)), 0, "errno %d", errno);
    cr_assert_eq(listen(fd, backlog), 0);
    socklen_t len = sizeof *address;
    cr_assert_eq(getsockname(fd, (struct sockaddr *)address, &len), 0);
    return fd;
}

int loopback_listen(const char *ip, uint16_t port, struct sockaddr_storage *address)
{
    return listen_with(ip, port, 16, address);
}

int loopback_listen_silently(const char *ip, struct sockaddr_storage *address)
{
    int fd = listen_with(ip, 0, 0, address);
    for (int i = 0; i < 2; i++) { /* with a backlog of 0 one connection waits, and that is all */
        int filler = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        cr_assert(connect(filler, (const struct sockaddr *)address, resolve_length(address)) == 0 ||
                  errno == EINPROGRESS);
    }
    return fd;
}

int loopback_connect(const struct sockaddr_storage *address)
{
    int fd = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(connect(fd, (const struct sockaddr *)address, resolve_length(address)), 0, "errno %d", errno);
    return fd;
}
