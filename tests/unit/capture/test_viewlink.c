#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "capture/viewlink.h"

static enum viewlink_request classify(uint8_t command, const char *host, size_t len, uint16_t port)
{
    struct socks_message request = {
        .command = command, .address_type = SOCKS_NAME, .port = port, .host_len_bytes = len};
    memcpy(request.host, host, len);
    return viewlink_classify(&request);
}

static void assert_all(enum viewlink_request expected, const char *const *names, uint16_t port)
{
    for (; *names; names++)
        cr_assert_eq(classify(SOCKS_CONNECT, *names, strlen(*names), port), expected, "%s:%u", *names, port);
}

Test(viewlink, names)
{
    static const char *const view[] = {"mitm.proxy", "MITM.PROXY", "mItM.pRoXy.", NULL};
    static const char *const below[] = {"a.mitm.proxy", "a.b.MITM.proxy.", ".mitm.proxy", NULL};
    static const char *const others[] = {
        "",          ".",          "mitm.proxy..", "mitm.proxy.a", "amitm.proxy", "mitm",      "proxy",
        "itm.proxy", "mitm-proxy", "mitm.proxy ",  "mitm..proxy",  "a.mitm.prox", "127.0.0.1", NULL};
    assert_all(VIEWLINK_VIEW, view, 80);
    assert_all(VIEWLINK_REFUSED, view, 443);
    assert_all(VIEWLINK_REFUSED, view, 0);
    assert_all(VIEWLINK_REFUSED, below, 80);
    assert_all(VIEWLINK_REFUSED, below, 443);
    assert_all(VIEWLINK_OTHER, others, 80);
    assert_all(VIEWLINK_OTHER, others, 443);
    cr_assert_eq(classify(SOCKS_CONNECT, "mitm.proxy\0", 11, 80), VIEWLINK_OTHER, "a NUL is no end");
    cr_assert_eq(classify(SOCKS_CONNECT, "x\0.mitm.proxy", 13, 80), VIEWLINK_REFUSED);
}

Test(viewlink, commands)
{
    static const uint8_t others[] = {SOCKS_BIND, SOCKS_UDP_ASSOCIATE, SOCKS_RESOLVE, SOCKS_RESOLVE_PTR, 0, 255};
    for (size_t i = 0; i < sizeof others; i++) {
        cr_assert_eq(classify(others[i], "mitm.proxy", 10, 80), VIEWLINK_REFUSED);
        cr_assert_eq(classify(others[i], "example", 7, 80), VIEWLINK_OTHER);
    }
}

Test(viewlink, nobody_listens)
{
    char folder[] = "/tmp/mitm-viewlink-XXXXXX";
    cr_assert_not_null(mkdtemp(folder));
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/s", folder);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0), error = 0;
    cr_assert_eq(viewlink_connect(address.sun_path, &error), -1);
    cr_assert_eq(error, ENOENT);
    cr_assert_eq(bind(listener, (const struct sockaddr *)&address, sizeof address), 0);
    cr_assert_eq(listen(listener, 0), 0);
    int first = viewlink_connect(address.sun_path, &error);
    cr_assert_geq(first, 0);
    cr_assert(fcntl(first, F_GETFL) & O_NONBLOCK);
    cr_assert(fcntl(first, F_GETFD) & FD_CLOEXEC);
    cr_assert_eq(viewlink_connect(address.sun_path, &error), -1, "it does not wait where the queue is full");
    cr_assert_eq(error, EAGAIN);
    close(listener);
    cr_assert_eq(viewlink_connect(address.sun_path, &error), -1);
    cr_assert_eq(error, ECONNREFUSED);
    char longest[200];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    cr_assert_eq(viewlink_connect(longest, &error), -1);
    cr_assert_eq(error, ENAMETOOLONG);
    unlink(address.sun_path);
    rmdir(folder);
}

Test(viewlink, the_page_is_as_long_as_it_says)
{
    const char *body = strstr(viewlink_unavailable, "\r\n\r\n") + 4,
               *length = strstr(viewlink_unavailable, "Content-Length: ");
    cr_assert_eq(strtoul(length + strlen("Content-Length: "), NULL, 10), strlen(body));
}
