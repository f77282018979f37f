/* The time limits of a connection, on a whole proxy that runs in the test, with limits that do not take a minute. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

#include "capture/proxy.h"
#include "loopback.h"
#include "proto/reader.h"

enum { LIMIT_MS = 100 };

static char path[] = "/tmp/mitm-conn-XXXXXX";
static struct proxy *proxy;
static struct recorder *recorder;

/* Start a proxy in front of `upstream`; NULL: the built-in server. Return a client's socket. */
static int start(const struct sockaddr_storage *upstream)
{
    struct proxy_settings settings = {.live.direct = !upstream, .handshake_ms = LIMIT_MS};
    cr_assert(resolve_literal("127.0.0.1", 0, &settings.listen));
    if (upstream)
        settings.upstream = *upstream;
    int error;
    proxy = proxy_new(&settings, &error);
    cr_assert_not_null(proxy);
    close(mkstemp(path));
    recorder = recorder_open(path, true, &error);
    cr_assert_not_null(recorder);
    proxy_start(proxy, recorder);
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    cr_assert_eq(getsockname(proxy->listen_fd, (struct sockaddr *)&address, &len), 0);
    return loopback_connect(&address);
}

/* Run the proxy until `fd` has got `want` bytes or the end; assert that these are `expected`, and then the end. */
static void assert_answer(int fd, const uint8_t *expected, size_t want)
{
    uint8_t bytes[64];
    size_t n = 0;
    for (;;) {
        ssize_t got = recv(fd, bytes + n, sizeof bytes - n, MSG_DONTWAIT);
        if (got == 0)
            break;
        if (got > 0) {
            n += (size_t)got;
            continue;
        }
        cr_assert_eq(errno, EAGAIN);
        proxy_turn(proxy);
    }
    cr_assert_eq(n, want, "%zu bytes", n);
    if (want > 0)
        cr_assert_arr_eq(bytes, expected, want);
}

/* End the session; return its last record of the kind `kind`, as text. */
static const char *finish(const char *kind)
{
    static char text[1000];
    Mitm__SessionEnd end = MITM__SESSION_END__INIT;
    struct recorder_stats stats;
    proxy_finish(proxy);
    cr_assert_eq(recorder_close(recorder, 0, &end, &stats), 0);
    proxy_free(proxy);
    FILE *file = fopen(path, "rb");
    struct reader *reader = reader_new();
    size_t got;
    uint8_t *room = reader_reserve(reader, 65536, &got);
    reader_commit(reader, fread(room, 1, got, file));
    reader_finish(reader);
    fclose(file);
    unlink(path);
    text[0] = '\0';
    for (struct reader_item item; reader_next(reader, &item) == READER_RECORD;) {
        if (strcmp(event_name(item.record), kind) != 0)
            continue;
        FILE *out = fmemopen(text, sizeof text, "w");
        event_print_text(out, item.record);
        fclose(out);
    }
    reader_free(reader);
    return text;
}

static void assert_recorded(const char *kind, const char *what)
{
    const char *text = finish(kind);
    cr_assert_not_null(strstr(text, what), "%s", text);
}

static const uint8_t greeting[] = {5, 1, 0}, auth_greeting[] = {5, 1, 2}, credentials[] = {1, 1, 'u', 1, 'p'};

static void send_bytes(int fd, const uint8_t *bytes, size_t len)
{
    cr_assert_eq(send(fd, bytes, len, 0), (ssize_t)len);
}

/* Ask for a connection to 127.0.0.1, at the port of `address`. */
static void send_request(int fd, const struct sockaddr_storage *address)
{
    uint16_t port = ntohs(((const struct sockaddr_in *)address)->sin_port);
    uint8_t request[] = {5, 1, 0, 1, 127, 0, 0, 1, (uint8_t)(port >> 8), (uint8_t)port};
    send_bytes(fd, request, sizeof request);
}

TestSuite(conn, .timeout = 30);

Test(conn, client_that_says_nothing)
{
    int client = start(NULL);
    assert_answer(client, NULL, 0);
    assert_recorded("Violation", "SOCKS_TIMEOUT");
}

Test(conn, client_that_stops_within_the_handshake)
{
    int client = start(NULL);
    send_bytes(client, greeting, sizeof greeting);
    static const uint8_t expected[] = {5, 0};
    assert_answer(client, expected, sizeof expected);
    assert_recorded("ConnectionEnd", "PROXY_ENDED");
}

Test(conn, server_that_does_not_answer)
{
    struct sockaddr_storage silent;
    int listener = loopback_listen_silently("127.0.0.1", &silent);
    int client = start(NULL);
    send_bytes(client, greeting, sizeof greeting);
    send_request(client, &silent);
    static const uint8_t expected[] = {5, 0, 5, 6, 0, 1, 0, 0, 0, 0, 0, 0}; /* TTL expired, as Tor says it */
    assert_answer(client, expected, sizeof expected);
    assert_recorded("SocksResponseEnd", "reply=6 origin=PROXY");
    close(listener);
}

/* What a client gets in place of an upstream's answers: no authentication, then general failure. */
static const uint8_t in_its_place[] = {5, 0, 5, 1, 0, 1, 0, 0, 0, 0, 0, 0};

Test(conn, upstream_that_does_not_answer)
{
    struct sockaddr_storage silent;
    int listener = loopback_listen_silently("127.0.0.1", &silent);
    int client = start(&silent);
    send_bytes(client, greeting, sizeof greeting);
    send_request(client, &silent);
    assert_answer(client, in_its_place, sizeof in_its_place);
    assert_recorded("SocksResponseEnd", "reply=1 origin=PROXY");
    close(listener);
}

Test(conn, upstream_that_accepts_and_says_nothing)
{
    struct sockaddr_storage upstream;
    int listener = loopback_listen("127.0.0.1", 0, &upstream);
    int client = start(&upstream);
    send_bytes(client, greeting, sizeof greeting);
    send_request(client, &upstream);
    assert_answer(client, in_its_place, sizeof in_its_place);
    assert_recorded("SocksResponseEnd", "reply=1 origin=PROXY");
    close(listener);
}

Test(conn, upstream_that_does_not_judge_the_credentials)
{
    struct sockaddr_storage upstream;
    int listener = loopback_listen("127.0.0.1", 0, &upstream);
    int client = start(&upstream);
    send_bytes(client, auth_greeting, sizeof auth_greeting);
    send_bytes(client, credentials, sizeof credentials);
    cr_assert_eq(fcntl(listener, F_SETFL, O_NONBLOCK), 0);
    int server;
    while ((server = accept(listener, NULL, NULL)) < 0)
        proxy_turn(proxy);
    static const uint8_t method[] = {5, 2}, expected[] = {5, 2, 1, 1};
    send_bytes(server, method, sizeof method);
    assert_answer(client, expected, sizeof expected);
    assert_recorded("SocksAuthEnd", "status=1");
    close(server);
    close(listener);
}
