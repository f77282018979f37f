/* Reads from sockets with the time at which the kernel received the bytes. */
#ifndef MITM_CAPTURE_INPUT_H
#define MITM_CAPTURE_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "capture/clock.h"

struct input {
    ssize_t len_bytes;    /* > 0: bytes; 0: end of file; -1: `error` */
    int error;            /* errno */
    uint64_t t_ns;        /* arrival of the last of the bytes; the time of the call where the kernel gave none */
    struct clock_now now; /* right after the call */
};

/* Ask the kernel to stamp what arrives on `fd`; return false if it cannot. Accepted sockets inherit it. */
bool input_enable_stamps(int fd);

/* Read at most `size` bytes from `fd` into `buffer`, without waiting; retries when interrupted. */
struct input input_read(int fd, uint8_t *buffer, size_t size, const struct clock *clock);

#endif
