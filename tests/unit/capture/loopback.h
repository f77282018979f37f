/* Servers on loopback that answer, or do not. */
#ifndef MITM_TESTS_UNIT_CAPTURE_LOOPBACK_H
#define MITM_TESTS_UNIT_CAPTURE_LOOPBACK_H

#include <stdint.h>
#include <sys/socket.h>

/* Return a socket that listens at `ip`, on `port` or, with 0, on any; store the address in *address. */
int loopback_listen(const char *ip, uint16_t port, struct sockaddr_storage *address);

/* The same, but no connection is ever established: its queue is full, so that the kernel drops what else comes. */
int loopback_listen_silently(const char *ip, struct sockaddr_storage *address);

/* Return a socket connected to `address`. */
int loopback_connect(const struct sockaddr_storage *address);

#endif
