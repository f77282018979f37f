/* The HTTP server of the view: decides who may ask (view/guard.h), and which part answers. */
#ifndef MITM_VIEW_SERVER_H
#define MITM_VIEW_SERVER_H

#include <event2/event.h>

#include "view/view.h"

struct server;

/* Serve in the loop `base` as `options` say, which must outlive the server. Reads nothing yet; files that have to be
 * made are made here. The caller frees the result with server_free(); the loop must not run any more then. */
struct server *server_new(struct event_base *base, const struct view_options *options);
void server_free(struct server *server);

#endif
