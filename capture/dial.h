/*
 * Dials: connects to the first of several addresses that answers, as RFC 8305 (Happy Eyeballs) has it: one after the
 * other, the next one without waiting for the end of an attempt that takes longer than DIAL_NEXT_MS.
 */
#ifndef MITM_CAPTURE_DIAL_H
#define MITM_CAPTURE_DIAL_H

#include <event2/event.h>
#include <event2/event_struct.h>

#include "capture/clock.h"
#include "capture/resolve.h"
#include "proto/event.h"

/* Connection Attempt Delay (RFC 8305, 5). */
#define DIAL_NEXT_MS 250

struct dial;

/*
 * `fd` is connected from `local`, non-blocking and the receiver's, and side_prepare() has been called for it; or it is
 * -1 and `error` the errno of the last attempt to fail.
 */
typedef void dial_done_fn(void *ctx, int fd, const struct sockaddr_storage *local, int error);

/*
 * Connect to one of `addresses` (n ≥ 1, copied). ConnectStart and ConnectEnd of each attempt go to `sink`, with times
 * of `clock`. *slot holds the dial until it is over; then it is NULL and `done` is called with `ctx`, once, perhaps
 * from within this call. The owner may end it before with dial_cancel(*slot).
 */
void dial_start(struct dial **slot, struct event_base *base, const struct resolve_addresses *addresses,
                const struct event_sink *sink, const struct clock *clock, dial_done_fn *done, void *ctx);

/* Give up: `done` will not be called, *slot becomes NULL. Attempts under way get their ConnectEnd (ECANCELED). */
void dial_cancel(struct dial *dial);

#endif
