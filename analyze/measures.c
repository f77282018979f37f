#include "analyze/measures.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "analyze/measures_protocols.h"
#include "analyze/metrics.h"

/* Return the value, or `missing` where there is none. */
typedef double (*compute)(const struct measure_subject *subject);

static const double missing = (double)NAN;

/* ---------------------------------------------------------------- values */

static double number(int64_t value)
{
    return value == MODEL_NONE ? missing : (double)value;
}

/* Return `bytes` in `ns` as bits per second. */
static double rate(double bytes, int64_t ns)
{
    return ns == MODEL_NONE || ns == 0 ? missing : bytes * 8 * 1e9 / (double)ns;
}

static double load_time(const struct measure_subject *s)
{
    return number(page_load_ns(s->page));
}

static double page_ttfb(const struct measure_subject *s)
{
    const struct page *page = s->page;
    return page->first_byte_ns < page->start_ns ? missing : (double)(page->first_byte_ns - page->start_ns);
}

/* A figure that may still grow while the page is loading. */
static double settled(const struct page *page, double value)
{
    return page->open ? missing : value;
}

static double page_round_trips(const struct measure_subject *s)
{
    size_t n = s->page->parts.round_trips;
    return n == 0 ? missing : settled(s->page, (double)n);
}

static double page_requests(const struct measure_subject *s)
{
    return page_requests_known(s->page) ? settled(s->page, (double)s->page->requests) : missing;
}

static double page_connections(const struct measure_subject *s)
{
    return settled(s->page, (double)s->page->connections);
}

static double page_servers(const struct measure_subject *s)
{
    return settled(s->page, (double)s->page->servers);
}

static double page_bytes(const struct measure_subject *s)
{
    return settled(s->page, (double)s->page->received_bytes);
}

static double page_failures(const struct measure_subject *s)
{
    return settled(s->page, (double)s->page->failures);
}

static double share(const struct page *page, int64_t part_ns)
{
    int64_t load_ns = page_load_ns(page);
    return part_ns == MODEL_NONE || load_ns <= 0 ? missing : (double)part_ns / (double)load_ns;
}

static double page_socks_share(const struct measure_subject *s)
{
    return share(s->page, s->page->parts.socks_ns);
}

static double page_tls_share(const struct measure_subject *s)
{
    return share(s->page, s->page->parts.tls_ns);
}

static double page_waiting_share(const struct measure_subject *s)
{
    return share(s->page, s->page->parts.waiting_ns);
}

static double page_transfer_share(const struct measure_subject *s)
{
    return share(s->page, s->page->parts.transfer_ns);
}

static double page_idle_share(const struct measure_subject *s)
{
    return share(s->page, s->page->parts.idle_ns);
}

static double page_reuse(const struct measure_subject *s)
{
    size_t n = s->page->requests;
    return n == 0 ? missing : settled(s->page, (double)s->page->parts.reused / (double)n);
}

static double page_parallelism(const struct measure_subject *s)
{
    size_t n = s->page->parts.parallelism;
    return n == 0 ? missing : settled(s->page, (double)n);
}

static double socks(const struct measure_subject *s)
{
    return number(metrics_socks_ns(s->connection));
}

static double connection_ttfb(const struct measure_subject *s)
{
    return number(metrics_connection_ttfb_ns(s->connection, s->session));
}

static double connection_time(const struct measure_subject *s)
{
    return number(metrics_connection_ns(s->connection));
}

static double connection_requests(const struct measure_subject *s)
{
    return (double)s->connection->request_count;
}

static double connection_bytes(const struct measure_subject *s)
{
    return number(model_connection_bytes(s->connection, MODEL_TO_CLIENT));
}

static double connection_sent_bytes(const struct measure_subject *s)
{
    return number(model_connection_bytes(s->connection, MODEL_TO_SERVER));
}

static double waiting(const struct measure_subject *s)
{
    return number(metrics_waiting_ns(s->connection, s->exchange));
}

static double ttfb(const struct measure_subject *s)
{
    return number(metrics_response_ns(s->connection, s->exchange));
}

static double transfer(const struct measure_subject *s)
{
    return number(metrics_transfer_ns(s->connection, s->exchange));
}

static double ttlb(const struct measure_subject *s)
{
    return number(metrics_ttlb_ns(s->connection, s->exchange));
}

static double ttlb_50k(const struct measure_subject *s)
{
    return number(metrics_ttlb_of_ns(s->connection, s->exchange, MODEL_50_KIB));
}

static double ttlb_1m(const struct measure_subject *s)
{
    return number(metrics_ttlb_of_ns(s->connection, s->exchange, MODEL_1_MIB));
}

static double ttlb_5m(const struct measure_subject *s)
{
    return number(metrics_ttlb_of_ns(s->connection, s->exchange, MODEL_5_MIB));
}

static double throughput(const struct measure_subject *s)
{
    return rate(524288, metrics_growth_ns(s->connection, s->exchange, MODEL_512_KIB, MODEL_1_MIB));
}

static double body_bytes(const struct measure_subject *s)
{
    return number(metrics_body_bytes(s->exchange));
}

/* What comes in a few reads says nothing of a rate: bodies below the smallest file of Tor Metrics have none. */
static double goodput(const struct measure_subject *s)
{
    double bytes = body_bytes(s);
    return bytes >= 51200 ? rate(bytes, metrics_transfer_ns(s->connection, s->exchange)) : missing;
}

static double session_duration(const struct measure_subject *s)
{
    return s->session->first_ns == MODEL_NONE ? missing : (double)(s->session->last_ns - s->session->first_ns);
}

static double session_pages(const struct measure_subject *s)
{
    return (double)pages_count(s->pages);
}

static double session_requests(const struct measure_subject *s)
{
    uint64_t n = 0;
    for (size_t i = 0; i < s->session->connection_count; i++)
        n += model_connection(s->session, i)->request_count;
    return (double)n;
}

static double session_connections(const struct measure_subject *s)
{
    return (double)s->session->connection_count;
}

static double session_servers(const struct measure_subject *s)
{
    return (double)s->session->server_count;
}

static double session_bytes(const struct measure_subject *s)
{
    double sum = s->session->connection_count == 0 ? 0 : missing;
    for (size_t i = 0; i < s->session->connection_count; i++) {
        int64_t bytes = model_connection_bytes(model_connection(s->session, i), MODEL_TO_CLIENT);
        if (bytes != MODEL_NONE)
            sum = isnan(sum) ? (double)bytes : sum + (double)bytes;
    }
    return sum;
}

static double session_failures(const struct measure_subject *s)
{
    uint64_t n = 0;
    for (size_t i = 0; i < pages_count(s->pages); i++)
        n += pages_get(s->pages, i)->failures;
    return (double)n;
}

/* ---------------------------------------------------------------- the register */

#define PAGE(name, label, unit, better, usual, function, definition)                                                   \
    {                                                                                                                  \
        {name, label, definition, MEASURE_OF_PAGE, unit, better, usual, MEASURE_ANYWHERE}, function                    \
    }
#define CONNECTION(name, label, unit, better, usual, function, definition)                                             \
    {                                                                                                                  \
        {name, label, definition, MEASURE_OF_CONNECTION, unit, better, usual, MEASURE_ANYWHERE}, function              \
    }
#define REQUEST(name, label, unit, better, usual, function, definition)                                                \
    {                                                                                                                  \
        {name, label, definition, MEASURE_OF_REQUEST, unit, better, usual, MEASURE_ANYWHERE}, function                 \
    }
#define SESSION(name, label, unit, better, usual, function, definition)                                                \
    {                                                                                                                  \
        {name, label, definition, MEASURE_OF_SESSION, unit, better, usual, MEASURE_ANYWHERE}, function                 \
    }

/* What not every recording has. */
#define OTHER(name, label, level, unit, better, usual, where, function, definition)                                    \
    {                                                                                                                  \
        {name, label, definition, level, unit, better, usual, where}, function                                         \
    }

static const struct entry {
    struct measure measure;
    compute compute;
} entries[] = {
    PAGE("load-time", "page load time", MEASURE_NS, MEASURE_LESS, true, load_time,
         "first event of the page → end of its last response"),
    PAGE("page-ttfb", "page time to first byte", MEASURE_NS, MEASURE_LESS, true, page_ttfb,
         "first event of the page → first byte of its first response"),
    PAGE("page-round-trips", "page round trips", MEASURE_COUNT, MEASURE_LESS, false, page_round_trips,
         "greatest number of waits for an answer, one after the other"),
    PAGE("page-requests", "page requests", MEASURE_COUNT, MEASURE_NEITHER, false, page_requests,
         "requests of the page"),
    PAGE("page-connections", "page connections", MEASURE_COUNT, MEASURE_NEITHER, false, page_connections,
         "connections that carried something of the page"),
    PAGE("page-servers", "page servers", MEASURE_COUNT, MEASURE_NEITHER, false, page_servers,
         "servers of these connections"),
    PAGE("page-bytes", "page bytes received", MEASURE_BYTES, MEASURE_NEITHER, false, page_bytes,
         "heads and bodies of the page's responses, and opaque data to the client"),
    PAGE("page-failures", "page failures", MEASURE_COUNT, MEASURE_LESS, false, page_failures,
         "SOCKS requests that failed, and requests without a whole response"),
    PAGE("page-socks-share", "share of SOCKS", MEASURE_SHARE, MEASURE_NEITHER, false, page_socks_share,
         "part of the load time that passed with nothing but waiting for SOCKS replies"),
    OTHER("page-tls-share", "share of TLS", MEASURE_OF_PAGE, MEASURE_SHARE, MEASURE_NEITHER, false, MEASURE_WITH_TLS,
          page_tls_share, "part of the load time in which TLS handshakes went on, and neither waiting nor transfer"),
    PAGE("page-waiting-share", "share of waiting", MEASURE_SHARE, MEASURE_NEITHER, false, page_waiting_share,
         "part of the load time in which a response was waited for and none came in"),
    PAGE("page-transfer-share", "share of transfer", MEASURE_SHARE, MEASURE_NEITHER, false, page_transfer_share,
         "part of the load time in which something was being transferred"),
    PAGE("page-idle-share", "share of idle", MEASURE_SHARE, MEASURE_NEITHER, false, page_idle_share,
         "part of the load time in which nothing of the page was on its way"),
    PAGE("page-reuse", "connection reuse", MEASURE_SHARE, MEASURE_NEITHER, false, page_reuse,
         "part of the requests that went over a connection which an earlier request had used"),
    PAGE("page-parallelism", "page parallelism", MEASURE_COUNT, MEASURE_NEITHER, false, page_parallelism,
         "greatest number of requests that were on their way at once"),
    CONNECTION("socks", "SOCKS time", MEASURE_NS, MEASURE_LESS, true, socks,
               "CONNECT request sent → its reply, where that was a success"),
    OTHER("tls-handshake", "TLS handshake", MEASURE_OF_CONNECTION, MEASURE_NS, MEASURE_LESS, true, MEASURE_WITH_TLS,
          measures_tls, "later of ClientHello and SOCKS reply → handshake's end, exact or inferred"),
    OTHER("tls-exact", "TLS handshake, exact", MEASURE_OF_CONNECTION, MEASURE_NS, MEASURE_LESS, false, MEASURE_WITH_TLS,
          measures_tls_exact, "those of them of which the end was seen"),
    OTHER("tls-inferred", "TLS handshake, inferred", MEASURE_OF_CONNECTION, MEASURE_NS, MEASURE_LESS, false,
          MEASURE_WITH_TLS, measures_tls_inferred, "those of them of which the end was inferred, without keys"),
    CONNECTION("connection-ttfb", "connection time to first byte", MEASURE_NS, MEASURE_LESS, true, connection_ttfb,
               "connection accepted → first byte from its server"),
    CONNECTION("connection-time", "connection time", MEASURE_NS, MEASURE_NEITHER, false, connection_time,
               "connection accepted → its end"),
    CONNECTION("connection-requests", "requests per connection", MEASURE_COUNT, MEASURE_NEITHER, false,
               connection_requests, "requests that were seen on the connection"),
    CONNECTION("connection-bytes", "bytes received per connection", MEASURE_BYTES, MEASURE_NEITHER, false,
               connection_bytes, "payload from the server to the client"),
    CONNECTION("connection-sent-bytes", "bytes sent per connection", MEASURE_BYTES, MEASURE_NEITHER, false,
               connection_sent_bytes, "payload from the client to the server"),
    OTHER("inferred-waiting", "inferred waiting", MEASURE_OF_CONNECTION, MEASURE_NS, MEASURE_LESS, false,
          MEASURE_WITH_TLS, measures_inferred_waiting,
          "median over the turns of a connection that is not decrypted: end of the request → first of the answer"),
    OTHER("inferred-transfer", "inferred transfer", MEASURE_OF_CONNECTION, MEASURE_NS, MEASURE_LESS, false,
          MEASURE_WITH_TLS, measures_inferred_transfer, "median over the same turns: first → last of the answer"),
    OTHER("turns", "turns per connection", MEASURE_OF_CONNECTION, MEASURE_COUNT, MEASURE_NEITHER, false,
          MEASURE_WITH_TLS, measures_turns, "turns that were seen of a connection that is not decrypted"),
    OTHER("ping", "HTTP/2 ping", MEASURE_OF_CONNECTION, MEASURE_NS, MEASURE_LESS, false, MEASURE_WITH_HTTP2,
          measures_ping, "mean over the client's PING frames: sent → acknowledged"),
    REQUEST("waiting", "waiting time", MEASURE_NS, MEASURE_LESS, true, waiting,
            "end of the request → first byte of its response"),
    REQUEST("ttfb", "time to first byte", MEASURE_NS, MEASURE_LESS, false, ttfb,
            "request sent → first byte of its response"),
    REQUEST("transfer", "transfer time", MEASURE_NS, MEASURE_LESS, true, transfer,
            "first byte → last byte of a whole response"),
    REQUEST("ttlb", "time to last byte", MEASURE_NS, MEASURE_LESS, false, ttlb,
            "request sent → last byte of a whole response"),
    REQUEST("ttlb-50k", "time to 50 KiB", MEASURE_NS, MEASURE_LESS, false, ttlb_50k,
            "request sent → 51,200 bytes of the body have arrived"),
    REQUEST("ttlb-1m", "time to 1 MiB", MEASURE_NS, MEASURE_LESS, false, ttlb_1m,
            "request sent → 1,048,576 bytes of the body have arrived"),
    REQUEST("ttlb-5m", "time to 5 MiB", MEASURE_NS, MEASURE_LESS, false, ttlb_5m,
            "request sent → 5,242,880 bytes of the body have arrived"),
    REQUEST("throughput", "throughput", MEASURE_BITS_PER_S, MEASURE_MORE, true, throughput,
            "4,194,304 bit / time in which the body grew from 0.5 MiB to 1 MiB"),
    REQUEST("goodput", "goodput", MEASURE_BITS_PER_S, MEASURE_MORE, true, goodput,
            "bits of the body / transfer time, of bodies from 50 KiB on"),
    REQUEST("body-bytes", "body size", MEASURE_BYTES, MEASURE_NEITHER, false, body_bytes,
            "bytes of a whole response's body, as transferred"),
    OTHER("stalled", "stalled time", MEASURE_OF_REQUEST, MEASURE_NS, MEASURE_LESS, false, MEASURE_WITH_HTTP2,
          measures_stalled, "time in which flow control held back the data of the HTTP/2 stream"),
    OTHER("websocket-messages", "WebSocket messages", MEASURE_OF_REQUEST, MEASURE_COUNT, MEASURE_NEITHER, false,
          MEASURE_WITH_WEBSOCKET, measures_messages, "messages and control frames in both directions"),
    OTHER("websocket-bytes", "WebSocket bytes", MEASURE_OF_REQUEST, MEASURE_BYTES, MEASURE_NEITHER, false,
          MEASURE_WITH_WEBSOCKET, measures_message_bytes, "their payload"),
    SESSION("session-duration", "session duration", MEASURE_NS, MEASURE_NEITHER, false, session_duration,
            "first event → last event of the recording"),
    SESSION("session-pages", "page loads per session", MEASURE_COUNT, MEASURE_NEITHER, false, session_pages,
            "page loads"),
    SESSION("session-requests", "requests per session", MEASURE_COUNT, MEASURE_NEITHER, false, session_requests,
            "requests that were seen"),
    SESSION("session-connections", "connections per session", MEASURE_COUNT, MEASURE_NEITHER, false,
            session_connections, "connections"),
    SESSION("session-servers", "servers per session", MEASURE_COUNT, MEASURE_NEITHER, false, session_servers,
            "servers of all connections"),
    SESSION("session-bytes", "bytes received per session", MEASURE_BYTES, MEASURE_NEITHER, false, session_bytes,
            "payload from all servers to the client"),
    SESSION("session-failures", "failures per session", MEASURE_COUNT, MEASURE_LESS, false, session_failures,
            "SOCKS requests that failed, and requests without a whole response"),
};

size_t measures_count(void)
{
    return sizeof entries / sizeof *entries;
}

const struct measure *measures_get(size_t index)
{
    assert(index < measures_count());
    return &entries[index].measure;
}

const struct measure *measures_find(const char *name)
{
    for (size_t i = 0; i < measures_count(); i++) {
        if (strcmp(entries[i].measure.name, name) == 0)
            return &entries[i].measure;
    }
    return NULL;
}

double measures_value(const struct measure *measure, const struct measure_subject *subject)
{
    return ((const struct entry *)measure)->compute(subject); /* it is the first member of one */
}

/* ---------------------------------------------------------------- collecting */

struct collector {
    struct measure_values values;
    size_t capacity;
    const struct measure *measure;
};

static void collect(struct collector *collector, const struct measure_subject *subject, struct measure_value value)
{
    struct measure_values *values = &collector->values;
    value.value = measures_value(collector->measure, subject);
    if (isnan(value.value)) {
        values->missing++;
        return;
    }
    values->values = memory_grow(values->values, values->count, &collector->capacity, sizeof *values->values);
    values->values[values->count++] = value;
}

static int64_t exchange_start_ns(const struct model_exchange *x)
{
    return x->request.start_ns != MODEL_NONE ? x->request.start_ns : x->response.start_ns;
}

/* Collect what connections, or their exchanges, have. */
static void collect_connections(struct collector *collector, struct measure_subject *subject, bool exchanges)
{
    const struct model_session *session = subject->session;
    for (size_t i = 0; i < session->connection_count; i++) {
        const struct model_connection *c = subject->connection = model_connection(session, i);
        struct measure_value value = {.connection = (uint32_t)i,
                                      .exchange = MODEL_NO_INDEX,
                                      .server = c->server,
                                      .page = pages_of_connection(subject->pages, i),
                                      .t_ns = metrics_connection_start_ns(c)};
        if (!exchanges) {
            collect(collector, subject, value);
            continue;
        }
        for (const struct model_exchange *x = model_first_exchange(session, c); x;
             x = model_next_exchange(session, x)) {
            subject->exchange = x;
            value.exchange = (uint32_t)(x - session->exchanges);
            value.page = pages_of_exchange(subject->pages, value.exchange);
            value.t_ns = exchange_start_ns(x);
            collect(collector, subject, value);
        }
    }
}

static void collect_pages(struct collector *collector, struct measure_subject *subject)
{
    for (size_t i = 0; i < pages_count(subject->pages); i++) {
        subject->page = pages_get(subject->pages, i);
        collect(collector, subject,
                (struct measure_value){.connection = MODEL_NO_INDEX,
                                       .exchange = MODEL_NO_INDEX,
                                       .server = MODEL_NO_INDEX,
                                       .page = subject->page->number,
                                       .t_ns = subject->page->start_ns});
    }
}

struct measure_values measures_collect(const struct measure *measure, const struct model_session *session,
                                       const struct pages *pages)
{
    struct collector collector = {.measure = measure};
    struct measure_subject subject = {.session = session, .pages = pages};
    if (measure->level == MEASURE_OF_PAGE)
        collect_pages(&collector, &subject);
    else if (measure->level == MEASURE_OF_SESSION)
        collect(&collector, &subject,
                (struct measure_value){.connection = MODEL_NO_INDEX,
                                       .exchange = MODEL_NO_INDEX,
                                       .server = MODEL_NO_INDEX,
                                       .t_ns = session->first_ns});
    else
        collect_connections(&collector, &subject, measure->level == MEASURE_OF_REQUEST);
    return collector.values;
}

void measures_free(struct measure_values *values)
{
    free(values->values);
    *values = (struct measure_values){0};
}
