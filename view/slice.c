#include "view/slice.h"

#include <stdlib.h>
#include <time.h>

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

enum intake_step slice_read(struct intake *intake, int64_t slice_ns)
{
    enum { LOOK_EVERY = 64 }; /* records: the clock is not asked for each */
    int64_t end_ns = now_ns() + slice_ns;
    for (unsigned n = 1;; n++) {
        enum intake_step step = intake_next(intake);
        if (step != INTAKE_MORE || (n % LOOK_EVERY == 0 && now_ns() >= end_ns))
            return step;
    }
}

struct event *slice_event(struct event_base *base, event_callback_fn turn, void *ctx)
{
    struct event *event = evtimer_new(base, turn, ctx);
    if (!event)
        abort();
    return event;
}

void slice_again(struct event *event)
{
    const struct timeval at_once = {0, 0};
    if (!evtimer_pending(event, NULL) && evtimer_add(event, &at_once) != 0)
        abort();
}
