/*
 * Writes the document of a session in which everything that somebody else can choose is chosen to do harm:
 *     make_hostile served|file|sessions|pdf SEED
 * to standard output; sessions: of two such sessions.
 */
#include <stdlib.h>
#include <string.h>

#include "../analyze/scene_tls.h"
#include "report/pdf.h"
#include "report/report.h"

static const char *const texts[] = {
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "</td></tr></table></style></title><b>out</b>",
    "--><svg onload=alert(1)><!--",
    "&lt;i&gt;&#60;i&#62;",
    "\xff\xfe<u>\xc0\xbc",
    "\xe2\x80\xae<i>gnp.exe\xe2\x80\xac",
    "javascript:alert(1)//http://evil.example/",
    "line\r\n\r\n<p>two</p>\tx",
};
enum { TEXTS = sizeof texts / sizeof *texts };

static uint64_t state;

/* Return the next of the texts, in an order that the seed decides. */
static const char *next(void)
{
    state = state * 6364136223846793005U + 1442695040888963407U;
    return texts[(state >> 33) % TEXTS];
}

static void put(struct event_sink *sink, Mitm__Record *record, uint32_t connection, uint32_t exchange)
{
    record->has_connection = connection > 0;
    record->connection = connection;
    record->has_exchange = exchange > 0;
    record->exchange = exchange;
    event_emit(sink, record);
}

static void put_start(struct event_sink *sink)
{
    EVENT_NEW(start, ev, 0, SessionStart, SESSION_START, session_start);
    ev.magic = (char[]){"MITM session"};
    ev.label = strdup(next());
    ev.tool = strdup(next());
    ev.upstream_address = strdup(next());
    ev.listen_address = strdup(next());
    EVENT_SET(ev, upstream_kind, MITM__UPSTREAM_KIND__SOCKS5);
    put(sink, &start, 0, 0);
    free(ev.label);
    free(ev.tool);
    free(ev.upstream_address);
    free(ev.listen_address);
}

/* Marks and changed settings. */
static void put_notes(struct event_sink *sink)
{
    for (uint64_t i = 1; i <= TEXTS; i++) {
        EVENT_NEW(mark, ev, i * 1000000, Mark, MARK, mark);
        EVENT_SET_BYTES(ev, text, texts[i - 1], strlen(texts[i - 1]));
        put(sink, &mark, 0, 0);
    }
    EVENT_NEW(settings, settings_ev, 5000000, Settings, SETTINGS, settings);
    EVENT_SET(settings_ev, origin, MITM__SETTINGS_ORIGIN__VIEW);
    EVENT_SET(settings_ev, upstream_kind, MITM__UPSTREAM_KIND__SOCKS5);
    settings_ev.upstream_address = strdup(next());
    put(sink, &settings, 0, 0);
    free(settings_ev.upstream_address);
    EVENT_NEW(pause, pause_ev, 6000000, Pause, PAUSE, pause);
    EVENT_SET(pause_ev, origin, MITM__SETTINGS_ORIGIN__VIEW);
    put(sink, &pause, 0, 0);
}

static void put_request(struct event_sink *sink, uint32_t connection, uint32_t exchange, uint64_t t_ns)
{
    const char *method = next(), *target = next(), *name = next(), *value = next();
    char *version = strdup(next());
    EVENT_NEW(start, start_ev, t_ns, HttpRequestStart, HTTP_REQUEST_START, http_request_start);
    EVENT_SET_BYTES(start_ev, method, method, strlen(method));
    EVENT_SET_BYTES(start_ev, target, target, strlen(target) + exchange % 2); /* with a NUL */
    start_ev.version = version;
    put(sink, &start, connection, exchange);
    EVENT_NEW(head, head_ev, t_ns + 1000, HttpRequestHeaders, HTTP_REQUEST_HEADERS, http_request_headers);
    Mitm__Header fields[2] = {MITM__HEADER__INIT, MITM__HEADER__INIT};
    Mitm__Header *headers[2] = {&fields[0], &fields[1]};
    EVENT_SET_BYTES(fields[0], name, "User-Agent", 10);
    EVENT_SET_BYTES(fields[0], value, value, strlen(value));
    EVENT_SET_BYTES(fields[1], name, name, strlen(name));
    EVENT_SET_BYTES(fields[1], value, value, strlen(value));
    head_ev.headers = headers;
    head_ev.n_headers = 2;
    put(sink, &head, connection, exchange);
    free(version);
}

static void put_response(struct event_sink *sink, uint32_t connection, uint32_t exchange, uint64_t t_ns)
{
    const char *reason = next();
    char *version = strdup(next());
    EVENT_NEW(start, ev, t_ns, HttpResponseStart, HTTP_RESPONSE_START, http_response_start);
    EVENT_SET(ev, status, 404);
    EVENT_SET_BYTES(ev, reason, reason, strlen(reason));
    ev.version = version;
    put(sink, &start, connection, exchange);
    EVENT_NEW(end, end_ev, t_ns + 5000000, HttpResponseEnd, HTTP_RESPONSE_END, http_response_end);
    EVENT_SET(end_ev, body_bytes, 1000);
    put(sink, &end, connection, exchange);
    free(version);
}

/* TLS with a stream of HTTP/2 that was reset, decrypted in part. */
static void put_tls(struct event_sink *sink, uint32_t connection, uint64_t t_ns)
{
    const char *name = next(), *alpn = next(), *authority = next(), *target = next();
    ProtobufCBinaryData offered = {strlen(alpn), (uint8_t *)(uintptr_t)alpn};
    EVENT_NEW(hello, hello_ev, t_ns, TlsClientHello, TLS_CLIENT_HELLO, tls_client_hello);
    EVENT_SET_BYTES(hello_ev, server_name, name, strlen(name));
    hello_ev.alpn = &offered;
    hello_ev.n_alpn = 1;
    put(sink, &hello, connection, 0);
    EVENT_NEW(end, end_ev, t_ns + 1000000, TlsHandshakeEnd, TLS_HANDSHAKE_END, tls_handshake_end);
    EVENT_SET_BYTES(end_ev, alpn, alpn, strlen(alpn));
    put(sink, &end, connection, 0);
    scene_decryption(sink, connection, t_ns / 1000000 + 1, MITM__TLS_DECRYPTION_STATUS__DECRYPTED, 0);
    EVENT_NEW(start, start_ev, t_ns + 2000000, HttpRequestStart, HTTP_REQUEST_START, http_request_start);
    EVENT_SET_BYTES(start_ev, method, target, strlen(target));
    EVENT_SET_BYTES(start_ev, target, target, strlen(target));
    EVENT_SET_BYTES(start_ev, scheme, authority, strlen(authority));
    EVENT_SET_BYTES(start_ev, authority, authority, strlen(authority));
    EVENT_SET(start_ev, stream, 1);
    put(sink, &start, connection, 9);
    scene_message(sink, connection, 9, t_ns / 1000000 + 3, t_ns / 1000000 + 3, MITM__DIRECTION__TO_CLIENT, 5);
    scene_reset(sink, connection, t_ns / 1000000 + 4, MITM__DIRECTION__TO_CLIENT, 1, 2);
    EVENT_NEW(failed, failed_ev, t_ns + 5000000, TlsDecryption, TLS_DECRYPTION, tls_decryption);
    EVENT_SET(failed_ev, status, MITM__TLS_DECRYPTION_STATUS__DECRYPTION_FAILED);
    failed_ev.detail = strdup(next());
    put(sink, &failed, connection, 0);
    free(failed_ev.detail);
}

static void put_connection(struct event_sink *sink, uint32_t connection)
{
    uint64_t t_ns = connection * UINT64_C(10000000);
    const char *username = next();
    scene_connection_start(sink, connection, connection * 10);
    EVENT_NEW(auth, auth_ev, t_ns, SocksAuthStart, SOCKS_AUTH_START, socks_auth_start);
    EVENT_SET_BYTES(auth_ev, username, username, strlen(username));
    put(sink, &auth, connection, 0);
    scene_socks(sink, connection, connection * 10 + 1, 1, next(), 80);
    scene_reply(sink, connection, connection * 10 + 2, connection % 5 == 0 ? 5 : 0);
    EVENT_NEW(resolve, resolve_ev, t_ns + 3000000, ResolveEnd, RESOLVE_END, resolve_end);
    resolve_ev.error = strdup(next());
    put(sink, &resolve, connection, 0);
    free(resolve_ev.error);
    for (uint32_t exchange = 1; exchange <= 3; exchange++) {
        put_request(sink, connection, exchange, t_ns + exchange * UINT64_C(20000000));
        put_response(sink, connection, exchange, t_ns + exchange * UINT64_C(20000000) + 10000000);
    }
    if (connection % 2 == 0)
        put_tls(sink, connection, t_ns + 30000000);
    EVENT_NEW(violation, violation_ev, t_ns + 90000000, Violation, VIOLATION, violation);
    EVENT_SET(violation_ev, kind, MITM__VIOLATION_KIND__HTTP_OTHER);
    EVENT_SET(violation_ev, direction, MITM__DIRECTION__TO_CLIENT);
    violation_ev.detail = strdup(next());
    put(sink, &violation, connection, 0);
    free(violation_ev.detail);
}

/* Write the session as a PDF; return whether there is one. */
static bool write_pdf(const struct model *model, const struct report_query *query)
{
    struct render_buffer pdf = {0};
    const struct pdf_options options = {.title = next(), .author = next(), .query = query};
    bool done = pdf_report(model, &options, &pdf) == RENDER_OK;
    if (done)
        fwrite(pdf.bytes, 1, pdf.len_bytes, stdout);
    render_buffer_fini(&pdf);
    return done;
}

static void put_session(struct event_sink *sink)
{
    enum { CONNECTIONS = REPORT_PART_CONNECTIONS + 5 };
    put_start(sink);
    put_notes(sink);
    for (uint32_t connection = 1; connection <= CONNECTIONS; connection++)
        put_connection(sink, connection);
}

/* Write the session, and another like it, as one document. */
static void write_sessions(struct model *model, const struct report_query *query)
{
    struct event_sink sink = scene_to_model(model);
    struct report_input inputs[2];
    struct pages *pages[2];
    const struct report_place place = {.self_contained = true, .author = next()};
    put_session(&sink);
    for (size_t i = 0; i < 2; i++) {
        pages[i] = pages_new(model_session(model, i), &(struct pages_options){0});
        inputs[i] = (struct report_input){
            .model = model, .pages = pages[i], .details = model, .file = next(), .problem = next()};
    }
    report_html_sessions(stdout, inputs, 2, query, &place);
    for (size_t i = 0; i < 2; i++)
        pages_free(pages[i]);
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    bool served = strcmp(argv[1], "served") == 0;
    state = strtoull(argv[2], NULL, 10);
    struct model *model = model_new(&(struct model_options){.keep_headers = true});
    struct event_sink sink = scene_to_model(model);
    put_session(&sink);
    struct pages *pages = pages_new(model_session(model, 0), &(struct pages_options){0});
    const struct report_input input = {
        .model = model, .pages = pages, .details = model, .file = next(), .problem = next(), .live = served};
    struct report_query query = {.from_ns = MODEL_NONE, .to_ns = MODEL_NONE, .headers = 2};
    const struct report_place place = {
        .self_contained = !served, .base = "/", .key = "0123456789abcdef", .settings = true, .message = next()};
    bool written = true;
    if (strcmp(argv[1], "pdf") == 0)
        written = write_pdf(model, &query);
    else if (strcmp(argv[1], "sessions") == 0)
        write_sessions(model, &query);
    else
        report_html(stdout, &input, &query, &place);
    pages_free(pages);
    model_free(model);
    return written && fflush(stdout) == 0 && !ferror(stdout) ? 0 : 3;
}
