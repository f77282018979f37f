#include "base/peer.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

/* The kernel answers within the call that asks: this is for a kernel that does not. */
enum { ANSWER_MS = 100 };

struct request {
    struct nlmsghdr header;
    struct inet_diag_req_v2 body;
};

/* Write the address of `from` to `address` and its port to *port; return its family. IPv4 in IPv6 counts as IPv4. */
static sa_family_t take_address(const struct sockaddr_storage *from, __be32 address[4], __be16 *port)
{
    memset(address, 0, 4 * sizeof address[0]);
    if (from->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)from;
        memcpy(address, &in->sin_addr, sizeof in->sin_addr);
        *port = in->sin_port;
        return AF_INET;
    }
    if (from->ss_family != AF_INET6)
        return AF_UNSPEC;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)from;
    *port = in6->sin6_port;
    if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
        memcpy(address, in6->sin6_addr.s6_addr + 12, 4);
        return AF_INET;
    }
    memcpy(address, &in6->sin6_addr, sizeof in6->sin6_addr);
    return AF_INET6;
}

/* Describe the other end of `fd`: its source is our peer, its destination we. Return whether `fd` is such a socket. */
static bool describe_peer(int fd, struct request *request)
{
    struct sockaddr_storage here = {0}, there = {0};
    socklen_t here_len = sizeof here, there_len = sizeof there;
    if (getsockname(fd, (struct sockaddr *)&here, &here_len) != 0 ||
        getpeername(fd, (struct sockaddr *)&there, &there_len) != 0)
        return false;
    *request = (struct request){
        .header = {.nlmsg_len = sizeof *request, .nlmsg_type = SOCK_DIAG_BY_FAMILY, .nlmsg_flags = NLM_F_REQUEST},
        .body = {.sdiag_protocol = IPPROTO_TCP, .idiag_states = UINT32_MAX}};
    struct inet_diag_sockid *id = &request->body.id;
    sa_family_t family = take_address(&there, id->idiag_src, &id->idiag_sport);
    request->body.sdiag_family = (uint8_t)family;
    if (family == AF_UNSPEC || take_address(&here, id->idiag_dst, &id->idiag_dport) != family)
        return false;
    /* A link-local address means nothing without its interface. */
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&there;
    if (family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr))
        id->idiag_if = in6->sin6_scope_id;
    id->idiag_cookie[0] = id->idiag_cookie[1] = INET_DIAG_NOCOOKIE;
    return true;
}

/*
 * Whether `answer` is about the socket asked for. The kernel may also give a listening socket with the port of the
 * peer, or what remains of a connection that has been closed: nobody owns that (inode 0), and its user would be 0.
 */
static bool is_of_peer(const struct inet_diag_msg *answer, const struct request *request)
{
    return answer->idiag_state != TCP_LISTEN && answer->idiag_inode != 0 &&
           answer->id.idiag_sport == request->body.id.idiag_sport &&
           answer->id.idiag_dport == request->body.id.idiag_dport;
}

static bool ask(int netlink, const struct request *request, uid_t *uid)
{
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    if (sendto(netlink, request, sizeof *request, 0, (const struct sockaddr *)&kernel, sizeof kernel) < 0)
        return false;
    struct pollfd ready = {.fd = netlink, .events = POLLIN};
    if (poll(&ready, 1, ANSWER_MS) != 1)
        return false;
    union {
        struct nlmsghdr header;
        uint8_t bytes[4096];
    } answer;
    ssize_t n = recv(netlink, &answer, sizeof answer, MSG_DONTWAIT);
    if (n < 0 || !NLMSG_OK(&answer.header, (size_t)n) || answer.header.nlmsg_type != SOCK_DIAG_BY_FAMILY ||
        answer.header.nlmsg_len < NLMSG_LENGTH(sizeof(struct inet_diag_msg)))
        return false;
    const struct inet_diag_msg *message = NLMSG_DATA(&answer.header);
    if (!is_of_peer(message, request))
        return false;
    *uid = message->idiag_uid;
    return true;
}

bool peer_user(int fd, uid_t *uid)
{
    struct request request;
    if (!describe_peer(fd, &request))
        return false;
    int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (netlink < 0)
        return false;
    bool found = ask(netlink, &request, uid);
    close(netlink);
    return found;
}

bool peer_is_own_user(int fd)
{
    uid_t uid;
    return peer_user(fd, &uid) && (uid == 0 || uid == geteuid());
}
