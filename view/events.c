#include "view/events.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "base/memory.h"
#include "view/answer.h"

enum {
    ALIVE_EVERY = 15,        /* ticks: a comment goes out, so that both ends notice when the other is gone */
    MAX_UNREAD_BYTES = 4096, /* that a client may leave in our buffer */
    SILENCE_SECONDS = 86400  /* clients say nothing: that must not end the stream */
};

struct stream {
    struct events *events; /* NULL: this place is free */
    struct evhttp_request *request;
    uint64_t told; /* the number last sent */
};

struct events {
    struct follow *follow;
    struct event *tick; /* once a second while there are streams */
    struct stream streams[EVENTS_MAX_STREAMS];
    size_t count;
    unsigned ticks;
    bool asking;
};

static void arm(struct events *events)
{
    const struct timeval second = {1, 0};
    if (events->count > 0 && !evtimer_pending(events->tick, NULL) && evtimer_add(events->tick, &second) != 0)
        abort();
}

/* The connection is being closed. If the client did so, libevent leaves the request to us: ending it frees it. */
static void closed(struct evhttp_connection *connection, void *ctx)
{
    struct stream *stream = ctx;
    (void)connection;
    struct evhttp_request *request = stream->request;
    stream->events->count--;
    *stream = (struct stream){0};
    if (!evhttp_request_get_connection(request))
        evhttp_send_reply_end(request);
}

/* Send `format` with `number`, or drop who does not read. */
static void deliver(struct stream *stream, const char *format, uint64_t number)
{
    struct evhttp_connection *connection = evhttp_request_get_connection(stream->request);
    struct bufferevent *bufferevent = evhttp_connection_get_bufferevent(connection);
    if (evbuffer_get_length(bufferevent_get_output(bufferevent)) > MAX_UNREAD_BYTES) {
        evhttp_connection_free(connection); /* calls closed() */
        return;
    }
    char text[96];
    int n = snprintf(text, sizeof text, "%s", format);
    if (number)
        n = snprintf(text, sizeof text, "event: change\ndata: %" PRIu64 "\n\n", number);
    struct evbuffer *buffer = evbuffer_new();
    if (!buffer || evbuffer_add(buffer, text, (size_t)n) != 0)
        abort();
    evhttp_send_reply_chunk(stream->request, buffer);
    evbuffer_free(buffer);
}

/* The model is up to date: tell those who do not know this state yet. */
static void tell(void *ctx)
{
    struct events *events = ctx;
    events->asking = false;
    uint64_t number = follow_generation(events->follow) + 1; /* 0 is "nothing told yet" */
    bool alive = events->ticks % ALIVE_EVERY == 0;
    for (size_t i = 0; i < EVENTS_MAX_STREAMS; i++) {
        struct stream *stream = &events->streams[i];
        if (!stream->events)
            continue;
        if (stream->told != number) {
            stream->told = number;
            deliver(stream, "", number);
        } else if (alive) {
            deliver(stream, ": still here\n\n", 0);
        }
    }
    arm(events);
}

static void ask(struct events *events)
{
    if (!events->asking)
        events->asking = follow_ask(events->follow, tell, events);
    if (!events->asking)
        arm(events);
}

static void on_tick(evutil_socket_t fd, short what, void *ctx)
{
    struct events *events = ctx;
    (void)fd;
    (void)what;
    events->ticks++;
    if (events->count > 0)
        ask(events);
}

struct events *events_new(struct event_base *base, struct follow *follow)
{
    struct events *events = memory_new(1, sizeof *events);
    events->follow = follow;
    events->tick = evtimer_new(base, on_tick, events);
    if (!events->tick)
        abort();
    return events;
}

void events_free(struct events *events)
{
    if (!events)
        return;
    event_free(events->tick);
    free(events);
}

void events_serve(struct events *events, struct evhttp_request *request)
{
    if (!follow_grows(events->follow)) { /* 204: the browser does not ask again (HTML, 9.2.3) */
        evhttp_send_reply(request, 204, NULL, NULL);
        return;
    }
    if (evhttp_request_get_command(request) == EVHTTP_REQ_HEAD) {
        answer_constant(request, 200, "text/event-stream", "", 0);
        return;
    }
    if (events->count == EVENTS_MAX_STREAMS) {
        answer_error(request, 503, "Too many pages are open.");
        return;
    }
    struct stream *stream = events->streams;
    while (stream->events)
        stream++;
    *stream = (struct stream){.events = events, .request = request};
    events->count++;
    struct evhttp_connection *connection = evhttp_request_get_connection(request);
    evhttp_connection_set_closecb(connection, closed, stream);
    evhttp_connection_set_timeout(connection, SILENCE_SECONDS);
    answer_header(request, "Content-Type", "text/event-stream");
    evhttp_send_reply_start(request, 200, NULL);
    deliver(stream, "retry: 2000\n\n", 0);
    ask(events);
}
