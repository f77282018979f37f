/* app_pending(): from which byte on a request may begin that has not been announced. */
#include <criterion/criterion.h>
#include <string.h>

#include "capture/decode/app.h"

static unsigned requests;

static void count(void *ctx, Mitm__Record *record)
{
    (void)ctx;
    requests += record->event_case == MITM__RECORD__EVENT_HTTP_REQUEST_START;
}

static const struct event_sink sink = {.emit = count};
static struct app *app;
static uint64_t fed;

static void begin(void)
{
    app = app_new(&sink, APP_BODY_UNLIMITED, NULL);
    fed = requests = 0;
}

/* Feed `text` of the client byte by byte; byte i of the direction arrives at the time 100 + i. */
static void feed(const char *text)
{
    for (; *text; text++)
        app_feed(app, MITM__DIRECTION__TO_SERVER, 100 + fed++, (const uint8_t *)text, 1);
}

static void answer(const char *text)
{
    app_feed(app, MITM__DIRECTION__TO_CLIENT, 100 + fed, (const uint8_t *)text, strlen(text));
}

static void assert_pending(uint64_t expected)
{
    uint64_t offset = 0, t_ns = 0;
    cr_assert(app_pending(app, &offset, &t_ns));
    cr_assert_eq(offset, expected, "%lu", (unsigned long)offset);
    cr_assert_eq(t_ns, 100 + expected, "%lu", (unsigned long)t_ns);
}

static void assert_not_pending(void)
{
    uint64_t offset, t_ns;
    cr_assert_not(app_pending(app, &offset, &t_ns));
}

Test(decode_pending, requests)
{
    begin();
    assert_not_pending();
    feed("\r\n");
    assert_not_pending();
    feed("G");
    assert_pending(2);
    feed("ET / HTTP/");
    assert_pending(2);
    cr_assert_eq(requests, 0);
    feed("1.1\r\n");
    cr_assert_eq(requests, 1);
    assert_not_pending();
    feed("Content-Length: 3\r\n\r\nGET\r\n");
    assert_not_pending();
    uint64_t second = fed;
    feed("POST /");
    assert_pending(second);
    feed(" HTTP/1.1\r\n");
    cr_assert_eq(requests, 2);
    assert_not_pending();
    app_free(app);
}

Test(decode_pending, others)
{
    static const char *const others[] = {"\x16\x03\x01", "SSH-2.0", "GETX", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                                         "GET \x01"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        begin();
        feed(others[i]);
        assert_not_pending();
        app_free(app);
    }
    begin();
    feed("GE");
    assert_pending(0);
    answer("220 hello\r\n");
    assert_not_pending();
    app_free(app);
    begin();
    feed("GE");
    app_end(app, MITM__DIRECTION__TO_SERVER, 200, MITM__END_CAUSE__FIN);
    assert_not_pending();
    app_free(app);
}

Test(decode_pending, tunnels)
{
    begin();
    feed("CONNECT a:1 HTTP/1.1\r\n\r\n");
    assert_not_pending();
    uint64_t behind = fed;
    feed("GET / HTTP/1.1\r\n\r\n");
    assert_pending(behind);
    answer("HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n");
    assert_not_pending();
    cr_assert_eq(requests, 2);
    behind = fed;
    feed("CONNECT a:1 HTTP/1.1\r\n\r\n\x16");
    assert_pending(behind + 24);
    answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"); /* to the second request */
    assert_pending(behind + 24);
    answer("HTTP/1.1 200 Yes\r\n\r\n");
    assert_not_pending();
    app_free(app);
}
