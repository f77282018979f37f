#include "capture/proxy.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/conn.h"
#include "capture/decode/app.h"
#include "capture/log.h"
#include "capture/side.h"

/* The kernel copies to and from whole pages faster. */
#define PROXY_READ_ALIGN 4096
/* ProxyDelay is written at most once in this time. */
#define DELAY_INTERVAL_NS UINT64_C(1000000000)
/* Record.t_slack_ns is given from here on (session.proto). */
#define SLACK_LEAST_NS UINT64_C(1000000)
/* Connections accepted in one turn of the loop: others want their turn as well. */
enum { ACCEPT_MAX = 64, ACCEPT_AGAIN_MS = 100 };
/* The user is told of what lasts at most once in this time. */
#define TELL_INTERVAL_NS UINT64_C(60000000000)

void proxy_address_text(const struct sockaddr_storage *address, char *text, size_t size)
{
    char ip[RESOLVE_TEXT_SIZE];
    uint16_t port = resolve_text(address, ip);
    snprintf(text, size, address->ss_family == AF_INET6 ? "[%s]:%u" : "%s:%u", ip, port);
}

/* ---------------------------------------------------------------- recording */

static void emit_delay(struct proxy *proxy)
{
    if (proxy->delay.count == 0)
        return;
    uint64_t t_ns = clock_t_ns(&proxy->clock);
    EVENT_NEW(record, ev, t_ns, ProxyDelay, PROXY_DELAY, proxy_delay);
    EVENT_SET(ev, count, proxy->delay.count);
    EVENT_SET(ev, sum_ns, proxy->delay.sum_ns);
    EVENT_SET(ev, max_ns, proxy->delay.max_ns);
    memset(&proxy->delay, 0, sizeof proxy->delay);
    proxy->delay.since_ns = t_ns;
    recorder_take(proxy->recorder, &record);
}

/* Whether `record` is recorded during a pause. */
static bool is_kept_in_pause(const Mitm__Record *record)
{
    return record->event_case == MITM__RECORD__EVENT_SETTINGS || record->event_case == MITM__RECORD__EVENT_MARK ||
           record->event_case == MITM__RECORD__EVENT_PAUSE || record->event_case == MITM__RECORD__EVENT_RESUME ||
           record->event_case == MITM__RECORD__EVENT_END_OF_STREAM ||
           record->event_case == MITM__RECORD__EVENT_CONNECTION_END;
}

/* Whether the user is to be told of something about which he was last told at *told_t_ns (0: never), which is set. */
static bool is_time_to_tell(const struct proxy *proxy, uint64_t *told_t_ns)
{
    uint64_t t_ns = clock_t_ns(&proxy->clock);
    if (*told_t_ns != 0 && t_ns - *told_t_ns < TELL_INTERVAL_NS)
        return false;
    *told_t_ns = t_ns;
    return true;
}

static void report_recorder(struct proxy *proxy)
{
    struct recorder_stats stats = recorder_stats(proxy->recorder);
    if (stats.stalled && is_time_to_tell(proxy, &proxy->stall_t_ns))
        log_line("the disk is too slow for the session. Traffic goes on; events are being lost until it keeps up.");
    if (stats.error == proxy->recorder_error)
        return;
    proxy->recorder_error = stats.error;
    if (stats.error)
        log_line("cannot write the session: %s. Traffic goes on; events are being lost until there is room again.",
                 strerror(stats.error));
    else
        log_line("the session is being written again; %llu events were lost", (unsigned long long)stats.lost_events);
}

static void on_flush(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct proxy *proxy = arg;
    decrypting_gathered(proxy->decrypting, false);
    proxy->flush_armed = false;
    if (clock_t_ns(&proxy->clock) - proxy->delay.since_ns >= DELAY_INTERVAL_NS)
        emit_delay(proxy);
    recorder_flush(proxy->recorder);
    report_recorder(proxy);
}

bool proxy_has_slack(const struct proxy *proxy)
{
    return proxy->slack_ns >= SLACK_LEAST_NS;
}

void proxy_set_slack(const struct proxy *proxy, Mitm__Record *record)
{
    if (proxy_has_slack(proxy) && record->t_ns == proxy->arrival_ns)
        EVENT_SET(*record, t_slack_ns, proxy->slack_ns);
}

void proxy_record(struct proxy *proxy, Mitm__Record *record)
{
    if (proxy->paused && !is_kept_in_pause(record)) {
        proxy->unrecorded++;
        return;
    }
    proxy_set_slack(proxy, record);
    recorder_take(proxy->recorder, record);
    if (!proxy->flush_armed) {
        struct timeval delay = {.tv_usec = RECORDER_FLUSH_MS * 1000};
        event_add(&proxy->flush_timer, &delay);
        proxy->flush_armed = true;
    }
}

static void record_start(struct proxy *proxy)
{
    const struct proxy_settings *settings = &proxy->settings;
    char listen_text[64], upstream_text[64];
    EVENT_NEW(record, ev, 0, SessionStart, SESSION_START, session_start);
    ev.magic = (char *)(uintptr_t) "MITM session";
    EVENT_SET(ev, format_version, 1);
    EVENT_SET(ev, wall_clock_ns, proxy->clock.start_wall_ns);
    EVENT_SET(ev, monotonic_ns, proxy->clock.start_monotonic_ns);
    ev.tool = (char *)(uintptr_t) "mitm-proxy " MITM_VERSION;
    ev.label = (char *)(uintptr_t)settings->label;
    EVENT_SET(ev, upstream_kind, settings->live.direct ? MITM__UPSTREAM_KIND__DIRECT : MITM__UPSTREAM_KIND__SOCKS5);
    if (!settings->live.direct) {
        proxy_address_text(&settings->upstream, upstream_text, sizeof upstream_text);
        ev.upstream_address = upstream_text;
    }
    proxy_listen_address(proxy, listen_text, sizeof listen_text);
    ev.listen_address = listen_text;
    EVENT_SET(ev, time_source, proxy->stamps ? MITM__TIME_SOURCE__KERNEL_RECEIVE : MITM__TIME_SOURCE__READ_CALL);
    if (settings->body_limit_bytes != APP_BODY_UNLIMITED)
        EVENT_SET(ev, body_limit_bytes, settings->body_limit_bytes);
    if (proxy->decrypting)
        EVENT_SET(ev, decrypted, true);

    enum { WORDS_MAX = 64, WORD_MAX_BYTES = 1024 };
    ProtobufCBinaryData words[WORDS_MAX];
    size_t n = 0;
    for (char *const *word = settings->command; word && *word && n < WORDS_MAX; word++)
        words[n++] = (ProtobufCBinaryData){.data = (uint8_t *)*word, .len = strnlen(*word, WORD_MAX_BYTES)};
    ev.n_command = n;
    ev.command = words;
    recorder_take(proxy->recorder, &record);
}

/* ---------------------------------------------------------------- settings */

static void emit_of_session(void *ctx, Mitm__Record *record)
{
    proxy_record(ctx, record);
}

void proxy_set(struct proxy *proxy, const struct settings *settings, Mitm__SettingsOrigin origin)
{
    struct settings *live = &proxy->settings.live;
    struct settings before = *live;
    *live = *settings;
    if (!live->seeded && settings_are_random(live)) {
        live->seeded = true;
        live->seed = random_seed();
    }
    bool reseeded = live->seeded && (!before.seeded || before.seed != live->seed);
    if (reseeded || origin == MITM__SETTINGS_ORIGIN__COMMAND_LINE) {
        /* A stream of their own for either kind, so that requests do not change what connections get. */
        struct random seeds = {.state = live->seed};
        proxy->connect_random.state = random_next(&seeds);
        proxy->request_random.state = random_next(&seeds);
    }
    char upstream[64];
    proxy_address_text(&proxy->settings.upstream, upstream, sizeof upstream);
    struct event_sink sink = {.emit = emit_of_session, .ctx = proxy};
    settings_emit(live, &sink, clock_t_ns(&proxy->clock), origin, upstream);
}

void proxy_mark(struct proxy *proxy, const char *text)
{
    EVENT_NEW(record, ev, clock_t_ns(&proxy->clock), Mark, MARK, mark);
    EVENT_SET_BYTES(ev, text, text, strlen(text));
    proxy_record(proxy, &record);
}

void proxy_pause(struct proxy *proxy, bool paused, Mitm__SettingsOrigin origin)
{
    if (proxy->paused == paused)
        return;
    decrypting_gathered(proxy->decrypting, true);
    if (paused) {
        emit_delay(proxy);
        EVENT_NEW(record, ev, clock_t_ns(&proxy->clock), Pause, PAUSE, pause);
        EVENT_SET(ev, origin, origin);
        proxy_record(proxy, &record);
    } else {
        proxy->resumed_t_ns = clock_t_ns(&proxy->clock);
        EVENT_NEW(record, ev, proxy->resumed_t_ns, Resume, RESUME, resume);
        EVENT_SET(ev, origin, origin);
        EVENT_SET(ev, events, proxy->unrecorded);
        proxy_record(proxy, &record);
    }
    proxy->paused = paused;
    proxy->unrecorded = 0;
}

/* ---------------------------------------------------------------- for the connections */

struct resolver *proxy_resolver(struct proxy *proxy)
{
    if (!proxy->resolver && !(proxy->resolver = resolver_new(proxy->base)))
        abort();
    return proxy->resolver;
}

void proxy_busy(struct proxy *proxy)
{
    if (proxy->turn_began_ns == 0)
        proxy->turn_began_ns = clock_t_ns(&proxy->clock);
}

struct input proxy_read(struct proxy *proxy, int fd, size_t size, uint64_t left_t_ns, uint64_t last_t_ns)
{
    struct input input = input_read(fd, proxy->buffer, size, &proxy->clock);
    if (input.t_ns < last_t_ns)
        input.t_ns = last_t_ns;
    if (proxy->turn_began_ns == 0)
        proxy->turn_began_ns = input.now.t_ns;
    /* What had come before the loop looked at the sockets for the last but one time has been read since. */
    uint64_t looked_t_ns = proxy->turn_began_ns - proxy->last_turn_ns;
    uint64_t earliest_ns = left_t_ns < looked_t_ns ? left_t_ns : looked_t_ns;
    proxy->arrival_ns = input.t_ns;
    proxy->slack_ns = input.len_bytes > 0 && input.t_ns > earliest_ns ? input.t_ns - earliest_ns : 0;
    int64_t step_ns = clock_step_ns(&proxy->clock, &input.now);
    if (step_ns != 0) {
        EVENT_NEW(record, ev, input.now.t_ns, ClockStep, CLOCK_STEP, clock_step);
        EVENT_SET(ev, step_ns, step_ns);
        proxy_record(proxy, &record);
    }
    return input;
}

void proxy_passed_on(struct proxy *proxy, const struct input *input)
{
    if (proxy->paused)
        return;
    uint64_t delay_ns = clock_t_ns(&proxy->clock) - input->t_ns;
    proxy->delay.count++;
    proxy->delay.sum_ns += delay_ns;
    if (delay_ns > proxy->delay.max_ns)
        proxy->delay.max_ns = delay_ns;
}

void proxy_report_upstream(struct proxy *proxy, int error)
{
    if (error && !proxy->upstream_reported) {
        char text[64];
        proxy_address_text(&proxy->settings.upstream, text, sizeof text);
        log_line("cannot use the upstream %s: %s. Start Tor (systemctl start tor), name another SOCKS5 proxy "
                 "with -u, or use -u direct.",
                 text, strerror(error));
    }
    proxy->upstream_reported = error != 0;
}

bool proxy_report_shortage(struct proxy *proxy, int error)
{
    if (error != EMFILE && error != ENFILE && error != ENOBUFS && error != ENOMEM)
        return false;
    if (is_time_to_tell(proxy, &proxy->shortage_t_ns))
        log_line("cannot open another connection: %s (%llu are open). New ones wait or fail until some have ended; "
                 "raise the limit with ulimit -n.",
                 strerror(error), (unsigned long long)proxy->stats.open);
    return true;
}

void proxy_report_stranger(struct proxy *proxy)
{
    if (is_time_to_tell(proxy, &proxy->stranger_t_ns))
        log_line("refused to show the live view to another user, or to another computer. It is for who runs "
                 "mitm-proxy: run both programs as the same user.");
}

/* ---------------------------------------------------------------- accepting */

static void on_accept_again(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct proxy *proxy = arg;
    event_add(&proxy->accept_event, NULL);
}

/* accept(2) failed for want of something: wait for connections to end instead of trying in a loop. */
static void pause_accepting(struct proxy *proxy)
{
    event_del(&proxy->accept_event);
    struct timeval delay = {.tv_usec = ACCEPT_AGAIN_MS * 1000};
    event_add(&proxy->accept_again, &delay);
}

static void on_acceptable(evutil_socket_t listen_fd, short what, void *arg)
{
    (void)what;
    struct proxy *proxy = arg;
    proxy_busy(proxy);
    for (int i = 0; i < ACCEPT_MAX; i++) {
        struct sockaddr_storage client = {0};
        socklen_t len = sizeof client;
        int fd = accept4(listen_fd, (struct sockaddr *)&client, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (proxy_report_shortage(proxy, errno))
                pause_accepting(proxy);
            else if (errno == ECONNABORTED || errno == EINTR)
                continue;
            return;
        }
        conn_start(proxy, fd, &client);
    }
}

/* ---------------------------------------------------------------- the proxy */

static int open_listener(const struct sockaddr_storage *address, int *error)
{
    int on = 1;
    int fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        bind(fd, (const struct sockaddr *)address, resolve_length(address)) == 0 && listen(fd, SOMAXCONN) == 0)
        return fd;
    *error = errno;
    if (fd >= 0)
        close(fd);
    return -1;
}

/* Return a loop on epoll(7) that does not read the clock more often than it must, or abort: without one there is
 * nothing. */
static struct event_base *new_base(void)
{
    struct event_config *config = event_config_new();
    if (!config)
        abort();
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
    struct event_base *base = event_base_new_with_config(config);
    event_config_free(config);
    if (!base)
        abort();
    return base;
}

struct proxy *proxy_new(const struct proxy_settings *settings, int *error)
{
    int fd = open_listener(&settings->listen, error);
    if (fd < 0)
        return NULL;
    struct proxy *proxy = calloc(1, sizeof *proxy);
    if (!proxy || !(proxy->buffer = aligned_alloc(PROXY_READ_ALIGN, PROXY_READ_BYTES)))
        abort();
    proxy->settings = *settings;
    proxy->listen_fd = fd;
    proxy->base = new_base();
    proxy->credentials = credentials_new();
    proxy->arena = event_arena_new();
    TAILQ_INIT(&proxy->conns);
    TAILQ_INIT(&proxy->dead);
    throttle_init(proxy);
    proxy->stamps = side_prepare(fd);
    event_assign(&proxy->accept_event, proxy->base, fd, EV_READ | EV_PERSIST, on_acceptable, proxy);
    evtimer_assign(&proxy->accept_again, proxy->base, on_accept_again, proxy);
    evtimer_assign(&proxy->flush_timer, proxy->base, on_flush, proxy);
    return proxy;
}

void proxy_listen_address(const struct proxy *proxy, char *text, size_t size)
{
    struct sockaddr_storage address = {0};
    socklen_t len = sizeof address;
    getsockname(proxy->listen_fd, (struct sockaddr *)&address, &len);
    proxy_address_text(&address, text, size);
}

int proxy_decrypt(struct proxy *proxy)
{
    int error = 0;
    if (proxy->settings.keylog_path)
        proxy->decrypting = decrypting_new(proxy, proxy->settings.keylog_path, &error);
    return error;
}

void proxy_start(struct proxy *proxy, struct recorder *recorder)
{
    proxy->recorder = recorder;
    clock_start(&proxy->clock);
    record_start(proxy);
    proxy_set(proxy, &proxy->settings.live, MITM__SETTINGS_ORIGIN__COMMAND_LINE);
    if (proxy->settings.mark)
        proxy_mark(proxy, proxy->settings.mark);
    if (proxy->settings.paused)
        proxy_pause(proxy, true, MITM__SETTINGS_ORIGIN__COMMAND_LINE);
    recorder_flush(recorder);
    event_add(&proxy->accept_event, NULL);
}

void proxy_turn(struct proxy *proxy)
{
    event_base_loop(proxy->base, EVLOOP_ONCE);
    conn_reap(proxy);
    proxy->last_turn_ns = proxy->turn_began_ns ? clock_t_ns(&proxy->clock) - proxy->turn_began_ns : 0;
    proxy->turn_began_ns = 0;
    proxy->slack_ns = 0;
}

void proxy_finish(struct proxy *proxy)
{
    event_del(&proxy->accept_event);
    event_del(&proxy->accept_again);
    while (!TAILQ_EMPTY(&proxy->conns))
        conn_end(TAILQ_FIRST(&proxy->conns));
    conn_reap(proxy);
    decrypting_finish(proxy->decrypting);
    emit_delay(proxy);
    throttle_fini(proxy);
    event_del(&proxy->flush_timer);
}

void proxy_free(struct proxy *proxy)
{
    if (!proxy)
        return;
    decrypting_free(proxy->decrypting);
    resolver_free(proxy->resolver);
    credentials_free(proxy->credentials);
    event_arena_free(proxy->arena);
    close(proxy->listen_fd);
    event_base_free(proxy->base);
    free(proxy->buffer);
    free(proxy);
}
