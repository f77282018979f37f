#include "view/server.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/peer.h"
#include "view/answer.h"
#include "view/change.h"
#include "view/embedded.h"
#include "view/events.h"
#include "view/form.h"
#include "view/guard.h"
#include "view/page.h"
#include "view/sample.h"

enum {
    MAX_HEADERS_BYTES = 16384,
    MAX_BODY_BYTES = 8192,
    PATIENCE_SECONDS = 30, /* with clients that neither read nor write */
    MAX_DESCRIPTORS = 200, /* more are not accepted until some are closed */
    LOOK_EVERY_MS = 20,    /* whether a change that was made has come through the file … */
    LOOKS = 50             /* … so often at most: recorders write at least every 100 ms */
};

struct server {
    struct event_base *base;
    const struct view_options *options;
    struct evhttp *http;
    struct evconnlistener *listener;
    struct event *accept_again;
    struct page_site site, sample;
    struct events *events, *sample_events;
    struct change *change; /* NULL: nothing can be changed */
    char *stem;            /* of the names of downloads */
};

/* ---------------------------------------------------------------- what can be asked for */

enum route_kind { ROUTE_PAGE, ROUTE_STYLE, ROUTE_SCRIPT, ROUTE_EVENTS, ROUTE_ICON };

struct route {
    const char *name;
    enum guard_kind guard;
    enum route_kind kind;
    enum page_kind page;
};

static const struct route routes[] = {
    {"", GUARD_PAGE, ROUTE_PAGE, PAGE_HTML},
    {"proxy.pac", GUARD_PAGE, ROUTE_PAGE, PAGE_PAC},
    {"graph.svg", GUARD_PART, ROUTE_PAGE, PAGE_SVG},
    {"graph.png", GUARD_PART, ROUTE_PAGE, PAGE_PNG},
    {"graph.pdf", GUARD_PART, ROUTE_PAGE, PAGE_PDF},
    {"requests.csv", GUARD_PART, ROUTE_PAGE, PAGE_CSV},
    {"report.html", GUARD_PART, ROUTE_PAGE, PAGE_FILE},
    {"session.mitm", GUARD_PART, ROUTE_PAGE, PAGE_SESSION},
    {"style.css", GUARD_PART, ROUTE_STYLE, PAGE_HTML},
    {"script.js", GUARD_PART, ROUTE_SCRIPT, PAGE_HTML},
    {"events", GUARD_PART, ROUTE_EVENTS, PAGE_HTML},
    {"favicon.ico", GUARD_ICON, ROUTE_ICON, PAGE_HTML},
};

static const struct route *find_route(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        if (strlen(routes[i].name) == len && memcmp(routes[i].name, name, len) == 0)
            return &routes[i];
    }
    return NULL;
}

/* ---------------------------------------------------------------- who asks */

/* Return the value of a header line; *repeated if there is more than one. */
static const char *header(struct evhttp_request *request, const char *name, bool *repeated)
{
    const char *found = NULL;
    const struct evkeyvalq *headers = evhttp_request_get_input_headers(request);
    for (const struct evkeyval *line = headers->tqh_first; line; line = line->next.tqe_next) {
        if (strcasecmp(line->key, name) != 0)
            continue;
        *repeated |= found != NULL;
        found = line->value;
    }
    return found;
}

static bool allowed(const struct server *server, struct evhttp_request *request, enum guard_kind kind, const char *key)
{
    struct evhttp_connection *connection = evhttp_request_get_connection(request);
    if (server->options->same_user &&
        !peer_is_own_user(bufferevent_getfd(evhttp_connection_get_bufferevent(connection))))
        return false;
    const struct guard_identity identity = {server->options->host, server->options->secret};
    struct guard_request asked = {.kind = kind, .target = evhttp_request_get_uri(request), .key = key};
    asked.host = header(request, "Host", &asked.repeated);
    asked.sec_fetch_site = header(request, "Sec-Fetch-Site", &asked.repeated);
    asked.origin = header(request, "Origin", &asked.repeated);
    asked.referer = header(request, "Referer", &asked.repeated);
    asked.accept = header(request, "Accept", &asked.repeated);
    asked.user_agent = header(request, "User-Agent", &asked.repeated);
    return guard_allows(&identity, &asked);
}

static void refuse(struct evhttp_request *request)
{
    answer_error(request, 403, "This is only for who opens it himself.");
}

/* ---------------------------------------------------------------- GET */

/* What the page says after a change: only these, so that nobody can put words there by a link. */
static const char *message_of(const char *done)
{
    static const char *const messages[][2] = {{"settings", "The settings are changed."},
                                              {"mark", "The mark is set."},
                                              {"pause", "Recording is paused."},
                                              {"resume", "Recording goes on."}};
    for (size_t i = 0; done && i < sizeof messages / sizeof *messages; i++) {
        if (strcmp(done, messages[i][0]) == 0)
            return messages[i][1];
    }
    return NULL;
}

static void serve_route(struct server *server, struct evhttp_request *request, const struct route *route,
                        const struct page_site *site, const struct evkeyvalq *query, const char *query_text)
{
    switch (route->kind) {
    case ROUTE_PAGE: {
        const char *dark = evhttp_find_header(query, "dark");
        page_serve(request, &(struct page_request){.site = site,
                                                   .kind = route->page,
                                                   .query = query_text,
                                                   .message = message_of(evhttp_find_header(query, "done")),
                                                   .dark = dark && strcmp(dark, "1") == 0});
        break;
    }
    case ROUTE_STYLE:
        answer_constant(request, 200, "text/css; charset=utf-8", report_style(), strlen(report_style()));
        break;
    case ROUTE_SCRIPT:
        answer_constant(request, 200, "text/javascript; charset=utf-8", embedded_script,
                        embedded_len(embedded_script, embedded_script_end));
        break;
    case ROUTE_EVENTS:
        events_serve(site == &server->sample ? server->sample_events : server->events, request);
        break;
    case ROUTE_ICON: /* browsers ask for it by themselves; there is none */
        evhttp_send_reply(request, 204, NULL, NULL);
        break;
    }
}

static void serve_get(struct server *server, struct evhttp_request *request)
{
    static const char sample[] = "/sample/";
    const char *target = evhttp_request_get_uri(request);
    size_t len = strcspn(target, "?");
    const char *query_text = target[len] == '?' ? target + len + 1 : "";
    const struct page_site *site = &server->site;
    const char *name = target + 1;
    if (strncmp(target, sample, sizeof sample - 1) == 0) {
        site = &server->sample;
        name = target + sizeof sample - 1;
    }
    const struct route *route = target[0] == '/' ? find_route(name, len - (size_t)(name - target)) : NULL;
    struct evkeyvalq query;
    bool parsed = form_parse(&query, query_text);
    const char *key = evhttp_find_header(&query, "key");
    if (!allowed(server, request, route ? route->guard : GUARD_PAGE, key))
        refuse(request);
    else if (!route)
        answer_error(request, 404, "There is no such page.");
    else if (!parsed)
        answer_error(request, 400, "What follows the question mark is not understood.");
    else
        serve_route(server, request, route, site, &query, query_text);
    evhttp_clear_headers(&query);
}

/* ---------------------------------------------------------------- POST */

struct posted {
    struct server *server;
    struct evhttp_request *request;
    char *back; /* the query of the page that the form was on, in its canonical form */
    const char *done;
    uint64_t changes;   /* that had been read when this one was asked for */
    unsigned looks;     /* that are left */
    struct event *look; /* the next one */
};

static void posted_free(struct posted *posted)
{
    event_free(posted->look);
    free(posted->back);
    free(posted);
}

/* Return the query `text` in its canonical form, malloc'd: nothing in it but what a page's query can hold. */
static char *canonical(const char *text)
{
    struct report_query query;
    char *bytes;
    size_t len;
    FILE *out = open_memstream(&bytes, &len);
    if (!out)
        abort();
    report_query_parse(&query, text); /* what is wrong with it is left out */
    report_query_print(out, &query);
    if (fclose(out) != 0)
        abort();
    return bytes;
}

static void show_changed(struct posted *posted)
{
    char *location;
    if (asprintf(&location, "/?%s%sdone=%s", posted->back, posted->back[0] ? "&" : "", posted->done) < 0)
        abort();
    answer_redirect(posted->request, location);
    free(location);
    posted_free(posted);
}

static void look_again(struct posted *posted)
{
    const struct timeval wait = {0, LOOK_EVERY_MS * 1000};
    if (posted->looks-- == 0)
        show_changed(posted);
    else if (evtimer_add(posted->look, &wait) != 0)
        abort();
}

/* All that is in the file has been read: if the change is not among it, the page would show what was before. */
static void looked(void *ctx)
{
    struct posted *posted = ctx;
    if (follow_changes(posted->server->site.follow) > posted->changes)
        show_changed(posted);
    else
        look_again(posted);
}

static void look(evutil_socket_t fd, short what, void *ctx)
{
    struct posted *posted = ctx;
    (void)fd;
    (void)what;
    if (!follow_ask(posted->server->site.follow, looked, posted))
        look_again(posted);
}

static void show_problem(struct server *server, struct evhttp_request *request, const char *back, const char *problem)
{
    page_serve(request, &(struct page_request){.site = &server->site, .query = back, .problem = problem});
}

static void change_made(void *ctx, enum control_result result, const char *problem)
{
    struct posted *posted = ctx;
    switch (result) {
    case CONTROL_REFUSED:
        show_problem(posted->server, posted->request, posted->back, problem);
        posted_free(posted);
        break;
    case CONTROL_SAME:
        show_changed(posted);
        break;
    case CONTROL_CHANGED:
        look(-1, 0, posted);
        break;
    }
}

/* Return which message the page shows afterwards. */
static const char *done_of(const struct evkeyvalq *form)
{
    const char *recording = evhttp_find_header(form, "recording");
    if (recording)
        return strcmp(recording, "pause") == 0 ? "pause" : "resume";
    return evhttp_find_header(form, "mark") ? "mark" : "settings";
}

static void serve_form(struct server *server, struct evhttp_request *request, const struct evkeyvalq *form)
{
    char *back = canonical(evhttp_find_header(form, "back"));
    const char *problem = server->change ? change_check(form, "key back") : "Nothing can be changed here.";
    if (problem) {
        show_problem(server, request, back, problem);
        free(back);
        return;
    }
    struct posted *posted = memory_new(1, sizeof *posted);
    *posted = (struct posted){.server = server, .request = request, .back = back, .done = done_of(form)};
    posted->changes = follow_changes(server->site.follow);
    posted->looks = LOOKS;
    posted->look = evtimer_new(server->base, look, posted);
    if (!posted->look)
        abort();
    change_ask(server->change, form, change_made, posted);
}

static void serve_post(struct server *server, struct evhttp_request *request)
{
    struct evbuffer *body = evhttp_request_get_input_buffer(request);
    size_t len = evbuffer_get_length(body);
    char text[MAX_BODY_BYTES + 1];
    bool fits = len <= MAX_BODY_BYTES && evbuffer_remove(body, text, len) == (int)len;
    text[fits ? len : 0] = '\0';
    struct evkeyvalq form;
    bool parsed = form_parse(&form, text) && fits && strlen(text) == len;
    if (!allowed(server, request, GUARD_POST, evhttp_find_header(&form, "key")))
        refuse(request);
    else if (!parsed)
        answer_error(request, 400, "The form is not understood.");
    else if (strcmp(evhttp_request_get_uri(request), "/settings") != 0)
        answer_error(request, 404, "There is no such page.");
    else
        serve_form(server, request, &form);
    evhttp_clear_headers(&form);
}

/* ---------------------------------------------------------------- connections */

static void on_request(struct evhttp_request *request, void *ctx)
{
    struct server *server = ctx;
    answer_safe_headers(request, false);
    enum evhttp_cmd_type method = evhttp_request_get_command(request);
    if (method == EVHTTP_REQ_GET || method == EVHTTP_REQ_HEAD) {
        serve_get(server, request);
    } else if (method == EVHTTP_REQ_POST) {
        serve_post(server, request);
    } else {
        answer_header(request, "Allow", "GET, HEAD, POST");
        answer_error(request, 405, "This method is not known here.");
    }
}

/* Descriptors are handed out from below: the next one tells how many are in use. */
static bool is_full(void)
{
    int next = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
    if (next >= 0)
        close(next);
    return next < 0 || next > MAX_DESCRIPTORS;
}

static void try_again_later(struct server *server)
{
    const struct timeval later = {0, 100000};
    evconnlistener_disable(server->listener);
    if (evtimer_add(server->accept_again, &later) != 0)
        abort();
}

static void on_accept_again(evutil_socket_t fd, short what, void *ctx)
{
    struct server *server = ctx;
    (void)fd;
    (void)what;
    if (is_full())
        try_again_later(server);
    else
        evconnlistener_enable(server->listener);
}

static void on_accept_error(struct evconnlistener *listener, void *ctx)
{
    (void)listener;
    try_again_later(ctx);
}

/* libevent asks for this whenever it has accepted a connection. */
static struct bufferevent *new_bufferevent(struct event_base *base, void *ctx)
{
    if (is_full())
        try_again_later(ctx);
    return bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
}

static void listen_on(struct server *server, int fd)
{
    server->listener =
        evconnlistener_new(server->base, NULL, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
    server->accept_again = evtimer_new(server->base, on_accept_again, server);
    server->http = evhttp_new(server->base);
    if (!server->listener || !server->accept_again || !server->http ||
        !evhttp_bind_listener(server->http, server->listener))
        abort();
    evconnlistener_set_error_cb(server->listener, on_accept_error);
    evhttp_set_bevcb(server->http, new_bufferevent, server);
    evhttp_set_max_headers_size(server->http, MAX_HEADERS_BYTES);
    evhttp_set_max_body_size(server->http, MAX_BODY_BYTES);
    evhttp_set_timeout(server->http, PATIENCE_SECONDS);
    evhttp_set_default_content_type(server->http, NULL);
    evhttp_set_allowed_methods(server->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST | EVHTTP_REQ_PUT |
                                                 EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS | EVHTTP_REQ_TRACE |
                                                 EVHTTP_REQ_CONNECT | EVHTTP_REQ_PATCH);
    evhttp_set_gencb(server->http, on_request, server);
}

/* ---------------------------------------------------------------- beginning and end */

/* Set the stem of downloads' names: the name of the session's file without its endings. */
static void set_stem(struct server *server)
{
    const char *slash = strrchr(server->options->path, '/');
    server->stem = strdup(slash ? slash + 1 : server->options->path);
    if (!server->stem)
        abort();
    static const char *const endings[] = {".zst", ".mitm"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t len = strlen(server->stem), n = strlen(endings[i]);
        if (len > n && strcmp(server->stem + len - n, endings[i]) == 0)
            server->stem[len - n] = '\0';
    }
}

struct server *server_new(struct event_base *base, const struct view_options *options)
{
    struct server *server = memory_new(1, sizeof *server);
    server->base = base;
    server->options = options;
    set_stem(server);
    server->site = (struct page_site){.follow = follow_new(base, options->path, options->path, options->follow),
                                      .stem = server->stem,
                                      .base = "/",
                                      .key = options->secret,
                                      .settings = options->control_fd >= 0};
    server->sample = (struct page_site){.follow = follow_new(base, sample_open(), "sample.mitm", false),
                                        .stem = "sample",
                                        .base = "/sample/",
                                        .key = options->secret};
    server->events = events_new(base, server->site.follow);
    server->sample_events = events_new(base, server->sample.follow);
    if (options->control_fd >= 0)
        server->change = change_new(base, options->control_fd);
    listen_on(server, options->listen_fd);
    return server;
}

void server_free(struct server *server)
{
    if (!server)
        return;
    evhttp_free(server->http);
    event_free(server->accept_again);
    change_free(server->change);
    events_free(server->events);
    events_free(server->sample_events);
    follow_free(server->site.follow);
    follow_free(server->sample.follow);
    free(server->stem);
    free(server);
}
