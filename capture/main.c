/* mitm-proxy: options, then build, run, and map the result to an exit code. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "capture/browser.h"
#include "capture/command.h"
#include "capture/keylog.h"
#include "capture/log.h"
#include "capture/options.h"
#include "capture/proxy.h"
#include "capture/status.h"
#include "view/channel.h"
#include "view/child.h"
#include "view/view.h"

enum {
    STATUS_MS = 500,
    /* After the command's end its last bytes may still be on their way through us. */
    DRAIN_MS = 500,
    /* A browser that was asked to end is made to after so long. */
    BROWSER_END_MS = 5000
};

/* A recording under way. */
struct run {
    const struct options *options;
    struct proxy *proxy;
    struct view_child *view; /* NULL: there is none */
    struct channel *channel; /* to it; NULL: there is none */
    char path[64];           /* of the session, where we named it */
    pid_t command;           /* 0: none, or ended */
    struct browser *browser; /* NULL: none */
    bool browser_runs;
    uint32_t command_status; /* of the browser as well */
    bool draining;           /* the command has ended: stop when its connections have */
    int passed_on;           /* a signal that the command has been sent; 0: none */
    int abandoned_by;        /* the signal after that: we stop, and the command goes on; 0: none */
    bool stop;
    struct event *interrupt, *terminate, *hangup, *child, *status_timer, *drain_timer, *kill_timer;
};

/* The user ends the recording: the browser first, gently the first time. */
static void end_browser(struct run *run)
{
    bool again = run->passed_on != 0;
    browser_signal(run->browser, again ? SIGKILL : SIGTERM);
    run->passed_on = SIGTERM;
    struct timeval delay = {.tv_sec = BROWSER_END_MS / 1000};
    event_add(run->kill_timer, &delay);
}

static void on_kill(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct run *run = arg;
    browser_signal(run->browser, SIGKILL);
}

static void on_signal(evutil_socket_t number, short what, void *arg)
{
    (void)what;
    struct run *run = arg;
    if (run->browser_runs) {
        end_browser(run);
        return;
    }
    if (run->command == 0) {
        run->stop = true;
        return;
    }
    /* The terminal sends its interrupt to the command as well, and the command may live on. */
    if (number == SIGINT)
        return;
    if (run->passed_on) {
        run->abandoned_by = number;
        run->stop = true;
        return;
    }
    run->passed_on = number;
    kill(run->command, number);
}

static void on_child(evutil_socket_t number, short what, void *arg)
{
    (void)number;
    (void)what;
    struct run *run = arg;
    if (run->browser_runs) {
        run->browser_runs = !browser_ended(run->browser, &run->command_status);
        if (run->browser_runs)
            return;
    } else if (run->command == 0 || !command_ended(run->command, &run->command_status)) {
        return;
    }
    run->command = 0;
    run->draining = true;
    struct timeval delay = {.tv_usec = DRAIN_MS * 1000};
    event_add(run->drain_timer, &delay);
}

static void on_drained(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct run *run = arg;
    run->stop = true;
}

static void on_status(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    const struct run *run = arg;
    status_show(run->proxy);
}

static struct event *new_signal(struct run *run, int number, event_callback_fn callback)
{
    struct event *event = evsignal_new(run->proxy->base, number, callback, run);
    if (!event || event_add(event, NULL) != 0)
        abort();
    return event;
}

static void add_events(struct run *run)
{
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* write(2) says EFBIG then */
    run->interrupt = new_signal(run, SIGINT, on_signal);
    run->terminate = new_signal(run, SIGTERM, on_signal);
    struct sigaction hangup;
    if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN) /* as under nohup(1) */
        run->hangup = new_signal(run, SIGHUP, on_signal);
    run->child = new_signal(run, SIGCHLD, on_child);
    run->drain_timer = evtimer_new(run->proxy->base, on_drained, run);
    run->status_timer = event_new(run->proxy->base, -1, EV_PERSIST, on_status, run);
    run->kill_timer = evtimer_new(run->proxy->base, on_kill, run);
    if (!run->drain_timer || !run->status_timer || !run->kill_timer)
        abort();
    struct timeval interval = {.tv_usec = STATUS_MS * 1000};
    if (!run->options->quiet && !run->proxy->settings.command && isatty(STDERR_FILENO))
        event_add(run->status_timer, &interval);
}

static void free_events(struct run *run)
{
    struct event *events[] = {run->interrupt,    run->terminate,   run->hangup,    run->child,
                              run->status_timer, run->drain_timer, run->kill_timer};
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++)
        if (events[i])
            event_free(events[i]);
}

static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* Create the session file; a name of our own making is made anew while such a file exists. */
static struct recorder *open_recorder(struct run *run, const char **path, int *error)
{
    const struct options *options = run->options;
    *path = options->session_path;
    if (*path)
        return recorder_open(*path, options->force, error);
    char stamp[32];
    time_t seconds = time(NULL);
    struct tm local;
    strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", localtime_r(&seconds, &local));
    *path = run->path;
    snprintf(run->path, sizeof run->path, "mitm-%s.mitm", stamp);
    struct recorder *recorder = recorder_open(run->path, false, error);
    for (int i = 2; !recorder && *error == EEXIST && i < 100; i++) {
        snprintf(run->path, sizeof run->path, "mitm-%s-%d.mitm", stamp, i);
        recorder = recorder_open(run->path, false, error);
    }
    return recorder;
}

static bool is_loopback(const struct sockaddr_storage *address)
{
    char text[RESOLVE_TEXT_SIZE];
    resolve_text(address, text);
    return strncmp(text, "127.", 4) == 0 || strcmp(text, "::1") == 0;
}

static void announce(const struct run *run, const char *listen, const char *path)
{
    if (!is_loopback(&run->options->proxy.listen))
        log_line("warning: not only this computer can use the proxy at %s", listen);
    log_line("listening on %s%s", listen, run->view ? "; live view: http://mitm.proxy (through this proxy)" : "");
    if (!run->options->quiet && run->proxy->settings.keylog_path)
        log_line("seeing into TLS with the keys in %s: the session will hold what it carries",
                 run->browser ? "the browser's key log" : run->proxy->settings.keylog_path);
    if (!run->options->quiet)
        log_line("recording to %s%s", path,
                 run->proxy->settings.command ? ""
                                              : "; set this address as SOCKS5 host in your browser; end with Ctrl-C");
}

enum { ADDRESS_SIZE = 80 };

/* Write to `address` where the proxy is reached, and return it: listening on all addresses, on the loopback one. */
static const char *reach_address(const struct proxy *proxy, char address[ADDRESS_SIZE])
{
    char listen[64];
    proxy_listen_address(proxy, listen, sizeof listen);
    const char *port = strrchr(listen, ':');
    bool any = strncmp(listen, "0.0.0.0:", 8) == 0 || strncmp(listen, "[::]:", 5) == 0;
    snprintf(address, ADDRESS_SIZE, "%s%s", any ? "127.0.0.1" : "", any ? port : listen);
    return address;
}

/* Make the browser under measurement, if there shall be one. Return EXIT_OK, or the code to exit with. */
static int make_browser(struct run *run)
{
    const struct options *options = run->options;
    char address[ADDRESS_SIZE];
    int error;
    if (options->browser == BROWSER_NONE)
        return EXIT_OK;
    run->browser = browser_new(options->browser, reach_address(run->proxy, address), options->address,
                               run->view != NULL, options->headless, &error);
    const char *name = options->browser == BROWSER_FIREFOX ? "firefox-esr" : "chromium";
    if (run->browser) {
        struct proxy_settings *settings = &run->proxy->settings;
        settings->command = browser_words(run->browser);
        if (!settings->label) /* what is loaded says more than how the browser is started */
            settings->label =
                options->address && strlen(options->address) <= OPTIONS_LABEL_MAX ? options->address : name;
        return EXIT_OK;
    }
    if (error == ENOENT)
        log_line("%s is not installed (or not in PATH): apt install %s", name, name);
    else
        log_line("cannot make a profile for %s: %s", name, strerror(error));
    return error == ENOENT ? EXIT_NOT_FOUND : EXIT_IO;
}

/* Return the key log that is to be followed, or NULL. */
static const char *keylog_path(const struct run *run)
{
    const char *named = run->options->keylog_path, *inherited = getenv("SSLKEYLOGFILE");
    if (named)
        return strcmp(named, "none") == 0 ? NULL : named;
    if (inherited && *inherited)
        return inherited;
    return run->browser ? browser_keylog_path(run->browser) : NULL;
}

/* Decrypt TLS if there is a key log, to which who is measured writes its keys. Return EXIT_OK, or the code to exit
 * with. */
static int decrypt(struct run *run)
{
    const char *path = keylog_path(run);
    if (!path)
        return EXIT_OK;
    keylog_protect_process();
    run->proxy->settings.keylog_path = path;
    int error = proxy_decrypt(run->proxy);
    if (error) {
        log_line("cannot read keys from %s: %s. Name another file with --keylog, or none.", path,
                 error == ENOSPC ? "too many files are watched (see fs.inotify.max_user_watches)" : strerror(error));
        return EXIT_IO;
    }
    if (run->browser)
        browser_log_keys(run->browser, path);
    else if (setenv("SSLKEYLOGFILE", path, 1) != 0) /* for the command */
        abort();
    return EXIT_OK;
}

/* Start the command under measurement, if there is one. Return EXIT_OK, or the code to exit with. */
static int start_command(struct run *run)
{
    char *const *words = run->proxy->settings.command;
    if (!words)
        return EXIT_OK;
    char address[ADDRESS_SIZE];
    int error = run->browser ? browser_start(run->browser)
                             : command_start(words, reach_address(run->proxy, address), &run->command);
    run->browser_runs = run->browser && error == 0;
    if (error == 0)
        return EXIT_OK;
    run->command = 0;
    log_line("cannot run %s: %s", words[0], strerror(error));
    return error == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
}

/* Tell of a browser that has failed, with its own last words. */
static void report_browser(const struct run *run)
{
    char line[512];
    browser_last_line(run->browser, line, sizeof line);
    log_line("the browser ended with status %u%s%s", run->command_status, *line ? "; its last words: " : "", line);
}

/* The live view asks for a change. */
static enum control_result on_change(void *ctx, const char *lines, size_t len, char *error, size_t error_size)
{
    static const enum control_result results[] = {[PROXY_CHANGE_REFUSED] = CONTROL_REFUSED,
                                                  [PROXY_CHANGE_NONE] = CONTROL_SAME,
                                                  [PROXY_CHANGE_MADE] = CONTROL_CHANGED};
    return results[proxy_change(ctx, lines, len, error, error_size)];
}

/* Take part in the loop until there is an end, then close the session. Return the exit code. */
static int record(struct run *run, struct recorder *recorder, const char *path)
{
    char listen[64];
    proxy_listen_address(run->proxy, listen, sizeof listen);
    proxy_start(run->proxy, recorder);
    if (run->view)
        run->channel = channel_new(run->proxy->base, view_child_control_fd(run->view), on_change, run->proxy);
    announce(run, listen, path);
    int code = start_command(run);
    raise_file_limit(); /* ours, not the command's */
    while (code == EXIT_OK && !run->stop && !(run->draining && run->proxy->stats.open + run->proxy->undecided == 0))
        proxy_turn(run->proxy);
    proxy_finish(run->proxy);
    channel_free(run->channel);

    if (run->abandoned_by) {
        log_line("the command has not ended: it goes on without the proxy");
        code = 128 + run->abandoned_by;
    }
    bool commanded = run->proxy->settings.command != NULL && !run->abandoned_by;
    Mitm__SessionEnd end = MITM__SESSION_END__INIT;
    EVENT_SET(end, cause, commanded ? MITM__SESSION_END_CAUSE__COMMAND_ENDED : MITM__SESSION_END_CAUSE__SIGNAL);
    if (commanded)
        EVENT_SET(end, command_status, code == EXIT_OK ? run->command_status : (uint32_t)code);
    uint64_t t_ns = clock_t_ns(&run->proxy->clock);
    struct recorder_stats stats;
    int error = recorder_close(recorder, t_ns, &end, &stats);
    if (!run->options->quiet)
        status_summary(&run->proxy->stats, &stats, t_ns, path);
    if (error)
        log_line("%s: the end of the session could not be written: %s", path, strerror(error));
    bool ended_by_user = run->browser && run->passed_on; /* which is no failure of the browser's */
    if (run->browser && code == EXIT_OK && !ended_by_user && run->command_status != 0)
        report_browser(run);
    if (code == EXIT_OK && !ended_by_user)
        code = (int)run->command_status;
    return code == EXIT_OK && (error || stats.lost_events > 0) ? EXIT_IO : code;
}

/* Start the process of the live view, unless there shall be none; without it recording goes on as well. */
static void start_view(struct run *run, struct proxy_settings *settings)
{
    int error;
    if (run->options->no_view)
        return;
    run->view = view_child_start(view_run, &error);
    if (run->view)
        settings->view_path = view_child_path(run->view);
    else
        log_line("the live view cannot be started: %s. Recording goes on without it.", strerror(error));
}

/* Read the hosts file, create the session and record. Return the exit code. */
static int open_and_record(struct run *run)
{
    const struct options *options = run->options;
    const char *message, *path;
    size_t line;
    int error;
    if (options->hosts_path && !resolver_read_hosts(proxy_resolver(run->proxy), options->hosts_path, &message, &line)) {
        if (line > 0)
            log_line("%s:%zu: %s", options->hosts_path, line, message);
        else
            log_line("%s: %s", options->hosts_path, message);
        return EXIT_IO;
    }
    struct recorder *recorder = open_recorder(run, &path, &error);
    if (!recorder) {
        log_line("cannot create %s: %s%s", path, strerror(error),
                 error == EEXIST ? ". Use --force to replace it." : "");
        return EXIT_IO;
    }
    if (run->view)
        view_child_show(run->view, path);
    add_events(run);
    int code = record(run, recorder, path);
    free_events(run);
    return code;
}

/* Open what the recording needs, then record. Return the exit code. */
static int run(const struct options *options)
{
    struct run run = {.options = options};
    struct proxy_settings settings = options->proxy;
    int error, code;
    start_view(&run, &settings); /* before there are threads and sockets */
    run.proxy = proxy_new(&settings, &error);
    if (run.proxy) {
        code = make_browser(&run);
        if (code == EXIT_OK)
            code = decrypt(&run);
        if (code == EXIT_OK)
            code = open_and_record(&run);
    } else {
        char listen[64];
        proxy_address_text(&options->proxy.listen, listen, sizeof listen);
        log_line("cannot listen on %s: %s. Choose another address with -l.", listen, strerror(error));
        code = EXIT_IO;
    }
    browser_free(run.browser);
    proxy_free(run.proxy);
    view_child_end(run.view);
    return code;
}

/* Open descriptors 0 to 2 where they are closed, so that no file of ours gets their numbers. */
static void open_standard_files(void)
{
    int fd;
    do {
        fd = open("/dev/null", O_RDWR);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

int main(int argc, char **argv)
{
    open_standard_files();
    struct options options;
    switch (options_parse(&options, argc, argv)) {
    case OPTIONS_DONE:
        return EXIT_OK;
    case OPTIONS_BAD:
        return EXIT_USAGE;
    case OPTIONS_RUN:
        break;
    }
    int code = run(&options);
    free(options.address);
    return code;
}
