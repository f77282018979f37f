/* Who is at the other end of a TCP connection within this computer. */
#ifndef MITM_BASE_PEER_H
#define MITM_BASE_PEER_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>

/*
 * Store in *uid the user who owns the peer's socket of the TCP connection accepted as `fd`, as sock_diag(7) tells.
 * Return false if the peer is not on this computer, or that cannot be found out.
 */
bool peer_user(int fd, uid_t *uid) __attribute__((warn_unused_result));

/* Return whether the connection `fd` was made by this process's user, or by root. */
bool peer_is_own_user(int fd) __attribute__((warn_unused_result));

#endif
