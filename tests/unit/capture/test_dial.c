#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <unistd.h>

#include "capture/dial.h"
#include "loopback.h"

static struct event_base *base;
static struct clock session_clock;

/* The events of a dial: what happened to which address, and when. */
static struct {
    char kind;  /* S: ConnectStart, E: ConnectEnd */
    char place; /* the last digit of the address */
    uint32_t error;
    uint64_t t_ns;
} seen[16];
static size_t seen_n;

static void emit(void *ctx, Mitm__Record *record)
{
    (void)ctx;
    bool start = record->event_case == MITM__RECORD__EVENT_CONNECT_START;
    const char *address = start ? record->connect_start->address : record->connect_end->address;
    seen[seen_n].kind = start ? 'S' : 'E';
    seen[seen_n].place = address[strlen(address) - 1];
    seen[seen_n].error = start ? 0 : record->connect_end->error;
    seen[seen_n++].t_ns = record->t_ns;
}

static const struct event_sink sink = {.emit = emit};

static void setup(void)
{
    base = event_base_new();
    clock_start(&session_clock);
}

static void teardown(void)
{
    event_base_free(base);
}

TestSuite(dial, .init = setup, .fini = teardown, .timeout = 30);

static struct {
    int calls, fd, error;
} result;

static void on_done(void *ctx, int fd, const struct sockaddr_storage *local, int error)
{
    (void)ctx;
    cr_assert_eq(fd >= 0, local != NULL);
    result.calls++;
    result.fd = fd;
    result.error = error;
}

static void run(const struct resolve_addresses *addresses)
{
    struct dial *dial;
    dial_start(&dial, base, addresses, &sink, &session_clock, on_done, NULL);
    while (result.calls == 0)
        event_base_loop(base, EVLOOP_ONCE);
    cr_assert_null(dial);
    cr_assert_eq(event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED), 0, "nothing is left");
}

static void assert_seen(size_t i, char kind, char place, uint32_t error)
{
    cr_assert_lt(i, seen_n);
    cr_assert(seen[i].kind == kind && seen[i].place == place && seen[i].error == error, "event %zu: %c %c %u", i,
              seen[i].kind, seen[i].place, seen[i].error);
}

Test(dial, the_next_address_does_not_wait_for_one_that_is_silent)
{
    struct resolve_addresses addresses = {.n = 2};
    int silent = loopback_listen_silently("127.0.0.1", &addresses.address[0]);
    uint16_t port = ntohs(((struct sockaddr_in *)&addresses.address[0])->sin_port);
    int answering = loopback_listen("127.0.0.2", port, &addresses.address[1]);
    run(&addresses);
    cr_assert_geq(result.fd, 0);
    assert_seen(0, 'S', '1', 0);
    assert_seen(1, 'S', '2', 0);
    assert_seen(2, 'E', '2', 0);
    assert_seen(3, 'E', '1', ECANCELED);
    uint64_t waited_ms = (seen[1].t_ns - seen[0].t_ns) / 1000000;
    cr_assert(waited_ms >= DIAL_NEXT_MS - 10 && waited_ms < 2000, "waited %d ms", (int)waited_ms);
    close(result.fd);
    close(silent);
    close(answering);
}

Test(dial, the_next_address_follows_a_refusal_at_once)
{
    struct resolve_addresses addresses = {.n = 2};
    close(loopback_listen("127.0.0.1", 0, &addresses.address[0]));
    int answering = loopback_listen("127.0.0.2", 0, &addresses.address[1]);
    run(&addresses);
    cr_assert_geq(result.fd, 0);
    assert_seen(1, 'E', '1', ECONNREFUSED);
    cr_assert_lt(seen[2].t_ns - seen[0].t_ns, (uint64_t)DIAL_NEXT_MS * 1000000);
    close(result.fd);
    close(answering);
}

Test(dial, no_descriptors)
{
    struct resolve_addresses addresses = {.n = 2};
    int first = loopback_listen("127.0.0.1", 0, &addresses.address[0]);
    int second = loopback_listen("127.0.0.2", 0, &addresses.address[1]);
    struct rlimit limit, none;
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = limit;
    none.rlim_cur = 0;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    run(&addresses);
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    cr_assert_eq(result.fd, -1);
    cr_assert_eq(result.error, EMFILE);
    assert_seen(3, 'E', '2', EMFILE);
    close(first);
    close(second);
}

Test(dial, cancelled)
{
    struct resolve_addresses addresses = {.n = 1};
    int silent = loopback_listen_silently("127.0.0.1", &addresses.address[0]);
    struct dial *dial;
    dial_start(&dial, base, &addresses, &sink, &session_clock, on_done, NULL);
    dial_cancel(dial);
    cr_assert_null(dial);
    cr_assert_eq(result.calls, 0);
    assert_seen(1, 'E', '1', ECANCELED);
    close(silent);
}
