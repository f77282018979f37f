/*
 * The proxy's end of the socket by which the view asks for changes (view/control.h).
 *
 * The view reads what attackers wrote, so its messages are taken for what they are: of any content, of any length, in
 * any number. What is no request is dropped or answered with an error, and they cost the loop a bounded part of its
 * time.
 */
#ifndef MITM_VIEW_CHANNEL_H
#define MITM_VIEW_CHANNEL_H

#include <stddef.h>

#include <event2/event.h>

#include "view/control.h"

/* One request is taken in this time; others wait. */
#define CHANNEL_PAUSE_MS 10

struct channel;

/*
 * Make the changes in the `len` bytes at `lines`: lines "NAME=VALUE\n", of which only that form and the absence of
 * control characters have been checked. Return what became of them; if they are refused, write one line that says what
 * is wrong to `error`.
 */
typedef enum control_result channel_change_fn(void *ctx, const char *lines, size_t len, char *error, size_t error_size);

/* Take requests from `fd` (non-blocking, the caller's; open until channel_free()) in the loop `base`: `change` is
 * called with `ctx` for each. */
struct channel *channel_new(struct event_base *base, int fd, channel_change_fn *change, void *ctx);

/* Take no more requests, and free `channel`; NULL is allowed. */
void channel_free(struct channel *channel);

#endif
