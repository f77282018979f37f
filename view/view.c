#include "view/view.h"

#include <event2/event.h>
#include <event2/listener.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "view/sandbox.h"
#include "view/server.h"

enum { EXIT_OK = 0 };

static void on_signal(evutil_socket_t number, short what, void *ctx)
{
    (void)number;
    (void)what;
    event_base_loopbreak(ctx);
}

/* Have the signal `number` end the loop. */
static struct event *ending_signal(struct event_base *base, int number)
{
    struct event *event = evsignal_new(base, number, on_signal, base);
    if (!event || event_add(event, NULL) != 0)
        abort();
    return event;
}

int view_run(const struct view_options *options)
{
    signal(SIGPIPE, SIG_IGN);
    struct event_base *base = event_base_new();
    if (!base)
        abort();
    struct event *terminate = ending_signal(base, SIGTERM), *interrupt = ending_signal(base, SIGINT);
    struct server *server = server_new(base, options);
    sandbox_enter();
    event_base_dispatch(base);
    server_free(server);
    event_free(terminate);
    event_free(interrupt);
    event_base_free(base);
    return EXIT_OK;
}
