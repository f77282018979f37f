#include <criterion/criterion.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/peer.h"

enum { NOBODY = 65534 };

/* Listen at `address`; store where in it. */
static int listen_at(struct sockaddr_in6 *address)
{
    socklen_t len = sizeof *address;
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    int off = 0;
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (fd < 0 || bind(fd, (const struct sockaddr *)address, len) != 0)
        cr_skip_test("no IPv6 here");
    cr_assert_eq(listen(fd, 8), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)address, &len), 0);
    return fd;
}

static int listen_v4(struct sockaddr_in *address)
{
    socklen_t len = sizeof *address;
    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(bind(fd, (const struct sockaddr *)address, len), 0);
    cr_assert_eq(listen(fd, 8), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)address, &len), 0);
    return fd;
}

/* Connect to `address`; store the other end in *accepted. */
static int join(int listener, const void *address, socklen_t len, int *accepted)
{
    int client = socket(((const struct sockaddr *)address)->sa_family, SOCK_STREAM, 0);
    cr_assert_eq(connect(client, address, len), 0);
    *accepted = accept(listener, NULL, NULL);
    cr_assert_geq(*accepted, 0);
    return client;
}

static void assert_own(int fd)
{
    uid_t uid = 12345;
    cr_assert(peer_user(fd, &uid));
    cr_assert_eq(uid, geteuid());
    cr_assert(peer_is_own_user(fd));
}

Test(peer, ipv4)
{
    struct sockaddr_in address;
    int accepted, listener = listen_v4(&address);
    int client = join(listener, &address, sizeof address, &accepted);
    assert_own(accepted);
    assert_own(client);
}

Test(peer, ipv6)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int accepted, listener = listen_at(&address);
    int client = join(listener, &address, sizeof address, &accepted);
    assert_own(accepted);
    assert_own(client);
}

Test(peer, ipv4_within_ipv6)
{
    struct sockaddr_in6 any = {.sin6_family = AF_INET6};
    int accepted, listener = listen_at(&any);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = any.sin6_port};
    int client = join(listener, &address, sizeof address, &accepted);
    assert_own(accepted);
    assert_own(client);
}

Test(peer, half_closed)
{
    struct sockaddr_in address;
    int accepted, listener = listen_v4(&address);
    int client = join(listener, &address, sizeof address, &accepted);
    shutdown(client, SHUT_WR);
    assert_own(accepted);
}

/* Nobody owns a closed socket: the kernel says user 0, who must not be taken for root. */
Test(peer, closed)
{
    struct sockaddr_in address;
    int accepted, listener = listen_v4(&address);
    close(join(listener, &address, sizeof address, &accepted));
    uid_t uid;
    cr_assert_not(peer_user(accepted, &uid));
    cr_assert_not(peer_is_own_user(accepted));
}

/* The port of the peer listens as well, which is what a look-up gives when the connection's socket has gone. */
Test(peer, closed_where_another_socket_listens)
{
    int on = 1, accepted, listener;
    struct sockaddr_in address, own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    listener = listen_v4(&address);
    socklen_t len = sizeof own;
    int client = socket(AF_INET, SOCK_STREAM, 0), decoy = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(client, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    setsockopt(decoy, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    cr_assert_eq(bind(client, (const struct sockaddr *)&own, len), 0);
    cr_assert_eq(getsockname(client, (struct sockaddr *)&own, &len), 0);
    cr_assert_eq(bind(decoy, (const struct sockaddr *)&own, len), 0);
    cr_assert_eq(connect(client, (const struct sockaddr *)&address, sizeof address), 0);
    accepted = accept(listener, NULL, NULL);
    cr_assert_eq(listen(decoy, 8), 0);
    assert_own(accepted);
    struct linger reset = {.l_onoff = 1};
    setsockopt(client, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(client);
    uid_t uid;
    cr_assert_not(peer_user(accepted, &uid));
}

Test(peer, not_a_tcp_socket)
{
    int pair[2];
    uid_t uid;
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    cr_assert_not(peer_user(pair[0], &uid));
    cr_assert_not(peer_user(-1, &uid));
}

Test(peer, another_user)
{
    if (geteuid() != 0)
        cr_skip_test("only root can become another user");
    struct sockaddr_in address;
    int accepted, hold[2], listener = listen_v4(&address);
    cr_assert_eq(pipe(hold), 0);
    pid_t pid = fork();
    if (pid == 0) {
        char byte;
        close(hold[1]);
        if (setgid(NOBODY) != 0 || setuid(NOBODY) != 0)
            _exit(1);
        int client = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(client, (const struct sockaddr *)&address, sizeof address) != 0)
            _exit(2);
        _exit(read(hold[0], &byte, 1) == 0 ? 0 : 3);
    }
    accepted = accept(listener, NULL, NULL);
    uid_t uid;
    cr_assert(peer_user(accepted, &uid));
    cr_assert_eq(uid, NOBODY);
    cr_assert_not(peer_is_own_user(accepted));
    close(hold[1]);
    int status;
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert_eq(status, 0);
}
