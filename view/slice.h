/* Reading a session file in slices of time, so that the event loop goes on serving. */
#ifndef MITM_VIEW_SLICE_H
#define MITM_VIEW_SLICE_H

#include <event2/event.h>

#include "analyze/intake.h"

/* Read from `intake` for about `slice_ns`. Return INTAKE_MORE if there is more to read. */
enum intake_step slice_read(struct intake *intake, int64_t slice_ns);

/* Return an event of `base` that calls `turn` with `ctx` each time after slice_again(). */
struct event *slice_event(struct event_base *base, event_callback_fn turn, void *ctx);

/* Have the event called in the loop's next round; sockets that are ready come first. */
void slice_again(struct event *event);

#endif
