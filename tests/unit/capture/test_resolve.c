#include <criterion/criterion.h>
#include <event2/event.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "capture/resolve.h"

static struct event_base *base;
static struct resolver *resolver;

static void setup(void)
{
    base = event_base_new();
    resolver = resolver_new(base);
    cr_assert_not_null(resolver);
}

static void teardown(void)
{
    resolver_free(resolver);
    event_base_free(base);
}

TestSuite(resolve, .init = setup, .fini = teardown);

static enum resolve_local local(const char *host, struct resolve_addresses *addresses)
{
    return resolver_local(resolver, host, strlen(host), 8080, addresses);
}

static void assert_local(const char *host, const char *expected)
{
    struct resolve_addresses addresses;
    char text[RESOLVE_TEXT_SIZE];
    cr_assert_eq(local(host, &addresses), RESOLVE_LOCAL_DONE, "%s", host);
    cr_assert_eq(resolve_text(&addresses.address[0], text), 8080);
    cr_assert_str_eq(text, expected);
}

Test(resolve, literals_and_localhost_are_not_asked_for)
{
    assert_local("127.0.0.1", "127.0.0.1");
    assert_local("::1", "::1");
    assert_local("[2001:db8::1]", "2001:db8::1");
    assert_local("localhost", "127.0.0.1");
    assert_local("LocalHost.", "127.0.0.1");
    assert_local("www.localhost", "127.0.0.1");
}

Test(resolve, names_that_must_not_be_asked_for)
{
    struct resolve_addresses addresses;
    char longest[300];
    memset(longest, 'a', sizeof longest);
    cr_assert_eq(local("expyuzz4wqqyqhjn.onion", &addresses), RESOLVE_LOCAL_REFUSED, "RFC 7686, 2");
    cr_assert_eq(local("www.expyuzz4wqqyqhjn.ONION.", &addresses), RESOLVE_LOCAL_REFUSED);
    cr_assert_eq(local("expyuzz4wqqyqhjn.onion..", &addresses), RESOLVE_LOCAL_REFUSED);
    cr_assert_eq(local("", &addresses), RESOLVE_LOCAL_REFUSED);
    cr_assert_eq(resolver_local(resolver, "a\0b", 3, 80, &addresses), RESOLVE_LOCAL_REFUSED);
    cr_assert_eq(resolver_local(resolver, longest, 256, 80, &addresses), RESOLVE_LOCAL_REFUSED);
    cr_assert_eq(local("notonion", &addresses), RESOLVE_LOCAL_ASK);
    cr_assert_eq(local("mylocalhost", &addresses), RESOLVE_LOCAL_ASK);
    cr_assert_eq(local("localhost.example.org", &addresses), RESOLVE_LOCAL_ASK);
    cr_assert_eq(local("300.1.2.3", &addresses), RESOLVE_LOCAL_ASK);
}

static void write_hosts(char *path, const char *text)
{
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

Test(resolve, hosts_file)
{
    char path[] = "/tmp/mitm-hosts-XXXXXX";
    const char *message;
    size_t line;
    write_hosts(path,
                "# comment\n\n192.0.2.7 www.example.test  static.example.test # more\n2001:db8::5\twww.example.test\n");
    cr_assert(resolver_read_hosts(resolver, path, &message, &line));
    unlink(path);
    assert_local("static.example.test", "192.0.2.7");
    struct resolve_addresses addresses;
    cr_assert_eq(local("WWW.example.test", &addresses), RESOLVE_LOCAL_DONE);
    cr_assert_eq(addresses.n, 2);
}

Test(resolve, bad_hosts_file_is_named_with_its_line)
{
    char path[] = "/tmp/mitm-hosts-XXXXXX";
    const char *message;
    size_t line;
    write_hosts(path, "127.0.0.1 a\nwww.example.test 127.0.0.1\n");
    cr_assert_not(resolver_read_hosts(resolver, path, &message, &line));
    unlink(path);
    cr_assert_eq(line, 2);
    cr_assert_not(resolver_read_hosts(resolver, "/nonexistent", &message, &line));
    cr_assert_eq(line, 0);
}

struct answer {
    int calls, error;
    size_t n;
};

static void on_answer(void *ctx, int error, const struct resolve_addresses *addresses)
{
    struct answer *answer = ctx;
    answer->calls++;
    answer->error = error;
    answer->n = addresses->n;
    event_base_loopbreak(base);
}

Test(resolve, answers_come_from_the_loop, .timeout = 30)
{
    /* getaddrinfo(3) answers these without a name server: an address, and text that cannot be a name. */
    struct answer good = {0}, bad = {0};
    resolver_start(resolver, "127.0.0.1", 80, on_answer, &good);
    cr_assert_eq(good.calls, 0, "never from within the call");
    while (good.calls == 0)
        event_base_dispatch(base);
    cr_assert_eq(good.error, 0);
    cr_assert_eq(good.n, 1);
    resolver_start(resolver, "not a name", 80, on_answer, &bad);
    while (bad.calls == 0)
        event_base_dispatch(base);
    cr_assert_neq(bad.error, 0);
}

Test(resolve, cancelled_job_does_not_answer, .timeout = 30)
{
    struct answer cancelled = {0}, last = {0};
    resolver_cancel(resolver_start(resolver, "127.0.0.1", 80, on_answer, &cancelled));
    resolver_start(resolver, "127.0.0.1", 80, on_answer, &last);
    while (last.calls == 0)
        event_base_dispatch(base);
    cr_assert_eq(cancelled.calls, 0);
}

Test(resolve, failure_of_threads_is_an_answer, .timeout = 30)
{
    pthread_attr_t attributes;
    cr_assert_eq(pthread_attr_init(&attributes), 0);
    cr_assert_eq(pthread_attr_setstacksize(&attributes, (size_t)1 << 46), 0, "more than there can be");
    cr_assert_eq(pthread_setattr_default_np(&attributes), 0);
    struct answer answer = {0};
    resolver_start(resolver, "127.0.0.1", 80, on_answer, &answer);
    cr_assert_eq(answer.calls, 0, "never from within the call");
    while (answer.calls == 0)
        event_base_dispatch(base);
    cr_assert_eq(answer.error, EAI_MEMORY);
}

Test(resolve, at_most_sixteen_addresses)
{
    char path[] = "/tmp/mitm-hosts-XXXXXX", text[1000] = "";
    for (int i = 1; i <= RESOLVE_ADDRESSES_MAX + 4; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "192.0.2.%d many.example.test\n", i);
    const char *message;
    size_t line;
    write_hosts(path, text);
    cr_assert(resolver_read_hosts(resolver, path, &message, &line));
    unlink(path);
    struct resolve_addresses addresses;
    cr_assert_eq(local("many.example.test", &addresses), RESOLVE_LOCAL_DONE);
    cr_assert_eq(addresses.n, RESOLVE_ADDRESSES_MAX);
}

Test(resolve, freed_while_asking, .timeout = 30)
{
    struct answer answers[100] = {0};
    for (int i = 0; i < 100; i++)
        resolver_start(resolver, "127.0.0.1", 80, on_answer, &answers[i]);
    /* teardown frees the resolver while jobs are waiting, running and answered */
}
