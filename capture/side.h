/*
 * One socket of a connection, the client's or the server's: what is sent to it, and what it would not take yet.
 *
 * Bytes go to the kernel at once. What the kernel does not take is kept and sent when it can be; the owner reads no
 * more from the other side meanwhile, so that at most one read's worth is ever kept.
 */
#ifndef MITM_CAPTURE_SIDE_H
#define MITM_CAPTURE_SIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "capture/throttle.h"

struct conn;
struct side;

/* Called from the loop: there is something to read; or all that was kept has been sent, or never will be
 * (side->broken). */
typedef void side_fn(struct side *side);

struct side {
    struct conn *conn; /* the owner */
    int fd;            /* -1: none */
    struct event read, write;
    side_fn *on_readable, *on_drained;
    uint8_t *kept;
    size_t kept_at, kept_len; /* kept[kept_at …] is to be sent */
    uint64_t emptied_t_ns;    /* what had arrived by then has been read (session time): set by the owner */
    uint64_t arrived_t_ns;    /* when the last bytes read had arrived (session time): set by the owner */
    struct throttle_side throttle;
    bool left;     /* there may be more than that: the last read was full, or reading has been stopped */
    bool paused;   /* reading has been stopped */
    bool ended;    /* its FIN has been read: set by the owner */
    bool fin_sent; /* our FIN has been sent to it */
    bool broken;   /* it takes no more bytes: they are dropped. Reading it will tell why. */
};

/*
 * Set the options that the sockets of all sides have: no delay of small segments, urgent data in line, the kernel's
 * receive times. To be called for those that connect before they do, and for the one that listens: accepted ones
 * inherit them. Return whether the kernel gives receive times.
 */
bool side_prepare(int fd);

/* Initialise `side` of `conn`, without a socket yet. */
void side_init(struct side *side, struct conn *conn, side_fn *on_readable, side_fn *on_drained);

/* Give `side` its socket `fd`, non-blocking, which it owns from now on, at the session time `t_ns`; what has been kept
 * is sent when it can be. */
void side_open(struct side *side, struct event_base *base, int fd, uint64_t t_ns);

/* Close the socket, if there is one, and drop what was kept; with `reset` the peer gets an RST. */
void side_close(struct side *side, bool reset);

/* Call on_readable when there is something to read, or no more. */
void side_read(struct side *side, bool wanted);

/* Send `len` bytes at `data` to `side`. Return whether the kernel took all of them within this call. */
bool side_send(struct side *side, const uint8_t *data, size_t len);

/* Send a FIN to `side`, unless that has been done; only when nothing is kept. */
void side_send_fin(struct side *side);

/* Whether `side` takes no bytes any more and has none left to give: nothing else will tell that it is gone. */
bool side_gone(const struct side *side);

#endif
