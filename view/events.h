/*
 * Server-sent events (HTML, 9.2): tells the pages that are open when the session has changed, at most once a second.
 */
#ifndef MITM_VIEW_EVENTS_H
#define MITM_VIEW_EVENTS_H

#include <event2/http.h>

#include "view/follow.h"

#define EVENTS_MAX_STREAMS 16

struct events;

/* Return what tells of changes of `follow`, which must outlive it; the caller frees it with events_free(). */
struct events *events_new(struct event_base *base, struct follow *follow);
void events_free(struct events *events);

/* Answer `request` with a stream of events: the number of the state of the session (follow_generation()) at once and
 * whenever it has changed. Refused if there are EVENTS_MAX_STREAMS already; a client that does not read is dropped. */
void events_serve(struct events *events, struct evhttp_request *request);

#endif
