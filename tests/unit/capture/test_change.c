/* Changes of settings, marks and pauses while recording, on a whole proxy that runs in the test. */
#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/decode/socks.h"
#include "capture/proxy.h"
#include "loopback.h"
#include "session_text.h"

static char path[] = "/tmp/mitm-change-XXXXXX";
static struct proxy *proxy;
static struct recorder *recorder;
static struct sockaddr_storage proxy_address, server_address;
static int listener;

static void start(bool paused)
{
    struct proxy_settings settings = {.live.direct = true, .handshake_ms = 60000, .paused = paused};
    int error;
    cr_assert(resolve_literal("127.0.0.1", 0, &settings.listen));
    cr_assert(resolve_literal("127.0.0.1", 9, &settings.upstream));
    proxy = proxy_new(&settings, &error);
    cr_assert_not_null(proxy);
    close(mkstemp(path));
    recorder = recorder_open(path, true, &error);
    cr_assert_not_null(recorder);
    proxy_start(proxy, recorder);
    socklen_t len = sizeof proxy_address;
    cr_assert_eq(getsockname(proxy->listen_fd, (struct sockaddr *)&proxy_address, &len), 0);
    listener = loopback_listen("127.0.0.1", 0, &server_address);
}

/* Run the proxy until `fd` has got `want` bytes. */
static void receive(int fd, size_t want)
{
    uint8_t bytes[4096];
    while (want > 0) {
        ssize_t got = recv(fd, bytes, want < sizeof bytes ? want : sizeof bytes, MSG_DONTWAIT);
        cr_assert(got > 0 || (got < 0 && errno == EAGAIN), "the end came early");
        if (got > 0)
            want -= (size_t)got;
        else
            proxy_turn(proxy);
    }
}

static void say(int fd, const char *text)
{
    cr_assert_eq(send(fd, text, strlen(text), 0), (ssize_t)strlen(text));
}

/* Connect to the server through the proxy; store the server's socket in *server and return the client's. */
static int connect_through(int *server)
{
    uint16_t port = ntohs(((const struct sockaddr_in *)&server_address)->sin_port);
    uint8_t bytes[] = {5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, (uint8_t)(port >> 8), (uint8_t)port};
    int client = loopback_connect(&proxy_address);
    cr_assert_eq(send(client, bytes, sizeof bytes, 0), (ssize_t)sizeof bytes);
    receive(client, 2 + 10);
    *server = accept(listener, NULL, NULL);
    cr_assert_geq(*server, 0);
    return client;
}

static void change(const char *lines)
{
    char error[300] = "";
    cr_assert_eq(proxy_change(proxy, lines, strlen(lines), error, sizeof error), PROXY_CHANGE_MADE, "%s: %s", lines,
                 error);
}

static void change_nothing(const char *lines)
{
    char error[300] = "";
    cr_assert_eq(proxy_change(proxy, lines, strlen(lines), error, sizeof error), PROXY_CHANGE_NONE, "%s: %s", lines,
                 error);
}

static void assert_refused(const char *lines, const char *remedy)
{
    char error[300] = "";
    cr_assert_eq(proxy_change(proxy, lines, strlen(lines), error, sizeof error), PROXY_CHANGE_REFUSED, "%s", lines);
    cr_assert_not_null(strstr(error, remedy), "%s: %s", lines, error);
}

/* End the session; return its events as text, without their times. */
static const char *finish(void)
{
    Mitm__SessionEnd end = MITM__SESSION_END__INIT;
    struct recorder_stats stats;
    proxy_finish(proxy);
    cr_assert_eq(recorder_close(recorder, 0, &end, &stats), 0);
    proxy_free(proxy);
    close(listener);
    const char *text = session_text(path);
    unlink(path);
    return text;
}

TestSuite(change, .timeout = 30);

Test(change, is_recorded)
{
    start(false);
    change("connect-delay=200ms..500ms\nseed=7\nmark=now\nrecording=pause\n");
    change_nothing("recording=pause\nmark=\n");
    change_nothing("connect-delay=0.2s..500ms\nseed=7\n");
    change("connect-delay=none\nupstream=socks\nheaders=all\n");
    change("recording=resume\n");
    const char *text = finish();
    assert_has(text, "Settings origin=VIEW connect_delay={min_ns=200000000 max_ns=500000000} seed=7 ");
    assert_has(text, "Mark text=\"now\"");
    assert_has(text, "Pause origin=VIEW");
    assert_has(text, "Settings origin=VIEW seed=7 upstream_kind=SOCKS5 upstream_address=\"127.0.0.1:9\" all_headers=1");
    assert_has(text, "Resume origin=VIEW events=0");
    assert_has(text, "records=8");
}

Test(change, is_all_or_nothing)
{
    start(false);
    assert_refused("rate-down=50K\nmark=x\nrate-up=fast\n", "rate-up: give bytes per second");
    assert_refused("mark=x\nrecording=stop\n", "pause or resume");
    assert_refused("rate-down=50K\nno-such=1\n", "no-such: there is no such setting");
    assert_refused("rate-down\n", "NAME=VALUE");
    assert_refused("mark=a\tb\n", "control characters");
    char lines[PROXY_CHANGE_MAX_BYTES + 2];
    memset(lines, 'x', sizeof lines);
    lines[sizeof lines - 1] = '\0';
    assert_refused(lines, "at most 4096 bytes");
    lines[250] = '\0';
    memcpy(lines, "mark=", 5);
    assert_refused(lines, "at most 200 bytes");
    change_nothing("rate-down=none\nheaders=first\nupstream=direct\n"); /* as it is */
    const char *text = finish();
    assert_has(text, "records=3");
}

Test(change, random_delays_get_a_seed)
{
    start(false);
    change("request-delay=1ms..2ms\n");
    cr_assert(proxy->settings.live.seeded);
    assert_has(finish(), "Settings origin=VIEW request_delay={min_ns=1000000 max_ns=2000000} seed=");
}

Test(change, pause_leaves_out_what_happens)
{
    int server, other_server;
    start(false);
    int client = connect_through(&server);
    change("recording=pause\n");
    say(client, "GET /unseen HTTP/1.1\r\n\r\n");
    receive(server, 24);
    int other = connect_through(&other_server); /* begun in the pause: recorded when something happens after it */
    change("recording=resume\n");
    say(server, "HTTP/1.1 204 Yes\r\n\r\n");
    receive(client, 20);
    say(other, "GET /seen HTTP/1.1\r\n\r\n");
    receive(other_server, 22);
    const char *text = finish();
    assert_lacks(text, "unseen");
    assert_has(text, "HttpResponseStart exchange=1 version=\"1.1\" status=204");
    assert_has(text, "/seen");
    assert_has(text, "Resume origin=VIEW events=7"); /* ProtocolDetected, request's Start, Headers, End; of the other
                                                         connection Connect's Start and End, and SocksResponseEnd */
    const char *resume = strstr(text, "Resume"),
               *second = strstr(strstr(text, "ConnectionStart") + 1, "ConnectionStart");
    cr_assert_not_null(second, "%s", text);
    cr_assert(second > resume, "%s", text);
}

Test(change, connections_with_records_end_in_a_pause)
{
    int server;
    start(false);
    int client = connect_through(&server);
    change("recording=pause\n");
    close(client);
    close(server);
    while (proxy->stats.open > 0)
        proxy_turn(proxy);
    client = connect_through(&server); /* this one leaves no trace */
    close(client);
    close(server);
    while (proxy->stats.open + proxy->undecided > 0)
        proxy_turn(proxy);
    const char *text = finish();
    assert_has(text, "ConnectionEnd cause=FIN");
    cr_assert_null(strstr(strstr(text, "ConnectionEnd") + 1, "ConnectionEnd"), "%s", text);
    cr_assert_null(strstr(strstr(text, "ConnectionStart") + 1, "ConnectionStart"), "%s", text);
}

Test(change, lifting_a_limit_takes_effect_at_once)
{
    int server;
    start(false);
    int client = connect_through(&server);
    change("rate-down=1\n"); /* hours */
    say(client, "\x16\x03\x01");
    receive(server, 3);
    char data[20001];
    memset(data, 'x', sizeof data - 1);
    data[sizeof data - 1] = '\0';
    say(server, data);
    receive(client, 1);
    change("rate-down=\n");
    receive(client, sizeof data - 2);
    assert_has(finish(), "RateLimited direction=TO_CLIENT");
}

/* Run the proxy until `fd` has got the reply to its CONNECT request; return that. */
static uint8_t receive_reply(int fd)
{
    uint8_t answer[2 + 10];
    for (size_t n = 0; n < sizeof answer; proxy_turn(proxy)) {
        ssize_t got = recv(fd, answer + n, sizeof answer - n, MSG_DONTWAIT);
        cr_assert(got > 0 || (got < 0 && errno == EAGAIN), "the end came early");
        n += got > 0 ? (size_t)got : 0;
        if (n == sizeof answer)
            break;
    }
    return answer[3];
}

/* Send the server's address in a CONNECT request, without its first `done` bytes. */
static void send_request(int fd, size_t done)
{
    uint16_t port = ntohs(((const struct sockaddr_in *)&server_address)->sin_port);
    uint8_t bytes[] = {5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, (uint8_t)(port >> 8), (uint8_t)port};
    cr_assert_eq(send(fd, bytes + done, sizeof bytes - done, 0), (ssize_t)(sizeof bytes - done));
}

static void assert_nobody_came(void)
{
    struct pollfd polled = {.fd = listener, .events = POLLIN};
    cr_assert_eq(poll(&polled, 1, 0), 0, "a connection around the upstream");
}

Test(change, nothing_goes_around_an_upstream_chosen_during_the_handshake)
{
    start(false);
    int early = loopback_connect(&proxy_address);
    say(early, "\x05");
    while (proxy->undecided == 0)
        proxy_turn(proxy);
    change("upstream=socks\n");
    send_request(early, 1);
    cr_assert_eq(receive_reply(early), SOCKS_NOT_ALLOWED);
    int late = loopback_connect(&proxy_address);
    send_request(late, 0);
    receive(late, 2 + 10); /* nobody is at the upstream's port */
    assert_nobody_came();
    assert_has(finish(), "ConnectStart address=\"127.0.0.1\" port=9\n");
}

Test(change, nothing_goes_around_an_upstream_chosen_during_a_delay)
{
    start(false);
    change("connect-delay=50ms\n");
    int client = loopback_connect(&proxy_address);
    send_request(client, 0);
    while (proxy->stats.open == 0)
        proxy_turn(proxy);
    change("upstream=socks\n");
    cr_assert_eq(receive_reply(client), SOCKS_NOT_ALLOWED);
    assert_nobody_came();
    finish();
}

Test(change, an_upstream_given_up_still_serves_those_that_came_to_it)
{
    start(false);
    change("upstream=socks\n");
    int client = loopback_connect(&proxy_address);
    send_request(client, 0);
    while (proxy->undecided == 0)
        proxy_turn(proxy);
    change("upstream=direct\n");
    cr_assert_eq(receive_reply(client), SOCKS_GENERAL_FAILURE); /* nobody is at the upstream's port */
    assert_nobody_came();
    finish();
}
