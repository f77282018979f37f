/*
 * Flow control (RFC 9113, 5.2 and 6.9): how much the sender of data may still send, and since when it may send none.
 *
 * A change of SETTINGS_INITIAL_WINDOW_SIZE counts from the receiver's SETTINGS frame on; the sender applies it a little
 * later, when the frame has reached it.
 */
#ifndef MITM_CAPTURE_DECODE_HTTP2_FLOW_H
#define MITM_CAPTURE_DECODE_HTTP2_FLOW_H

#include "proto/event.h"

#define FLOW_INITIAL_BYTES 65535
#define FLOW_MAX_BYTES     INT32_MAX

/* The window of a stream or connection, for one direction of data. */
struct window {
    int64_t left; /* below 0 after a change of SETTINGS_INITIAL_WINDOW_SIZE, or where the sender does not obey */
    uint64_t stall_t_ns;
    bool stalled; /* since stall_t_ns */
};

/* The sender has used `n` bytes. */
static inline void flow_use(struct window *window, uint64_t n)
{
    window->left -= (int64_t)n;
}

/* The sender has more to send, at `t_ns`: if the window is used up, that is a stall from now on. */
static inline void flow_want(struct window *window, uint64_t t_ns)
{
    if (window->left <= 0 && !window->stalled) {
        window->stalled = true;
        window->stall_t_ns = t_ns;
    }
}

/* Change the window by `change`, up to FLOW_MAX_BYTES. Return whether that ends a stall. */
static inline bool flow_change(struct window *window, int64_t change)
{
    window->left = window->left + change < FLOW_MAX_BYTES ? window->left + change : FLOW_MAX_BYTES;
    return window->stalled && window->left > 0;
}

/*
 * If `window` is stalled, end that and emit Http2Stall to `sink`: data in `direction` of the stream `stream` and the
 * exchange `exchange` (0: of the connection) were held back until `t_ns`.
 */
void flow_end_stall(struct window *window, const struct event_sink *sink, Mitm__Direction direction, uint32_t stream,
                    uint32_t exchange, uint64_t t_ns);

#endif
