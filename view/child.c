#include "view/child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    SECRET_BYTES = 16,
    /* A view that ends is started again after this time, which doubles up to the longest, until one has lived a while.
     */
    AGAIN_FIRST_MS = 100,
    AGAIN_LONGEST_MS = 5000,
    LIVED_MS = 30000,
    TELL_MS = 60000, /* the user is told at most once in this time */
    END_MS = 2000    /* the supervisor may take so long to end */
};

struct view_child {
    pid_t supervisor;
    int life_fd;    /* our end: the session's path goes there; when it is closed, the supervisor ends */
    int control_fd; /* our end */
    int socket_fd;  /* O_PATH: the file that the view listens on */
    char path[32];
};

/* What the supervisor and the view have. */
struct post {
    view_child_fn *serve;
    pid_t proxy;
    int life_fd, control_fd, listen_fd;
    char secret[2 * SECRET_BYTES + 1];
    char path[PATH_MAX]; /* of the session */
};

/* ---------------------------------------------------------------- in the view and its supervisor */

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Die with `parent`, which has forked us; it may be dead already. */
static void tie_to(pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(0);
}

/*
 * What the terminal sends to all of its processes is the proxy's business: we end when it does. The signals are blocked
 * as well, since the view may have handlers for them.
 */
static void ignore_signals(void)
{
    static const int ignored[] = {SIGINT, SIGQUIT, SIGHUP};
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++) {
        sigaddset(&set, ignored[i]);
        signal(ignored[i], SIG_IGN);
    }
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGTERM, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
}

/* Have no part in the input and output of the proxy, but for its messages. */
static void leave_input_and_output(void)
{
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return;
    dup2(fd, STDIN_FILENO);
    dup2(fd, STDOUT_FILENO);
    close(fd);
}

/*
 * Step back behind the measurement: SCHED_IDLE runs only where nobody else wants the processor. While browser and proxy
 * keep all of them busy, the page has to wait; with nice 19 it would not, but the first responses of 200 connections
 * came measurably later (tests/bench/view.py).
 */
static void step_back(void)
{
    struct sched_param none = {0};
    sched_setscheduler(0, SCHED_IDLE, &none);
    setpriority(PRIO_PROCESS, 0, 19);
}

static _Noreturn void be_the_view(const struct post *post, pid_t supervisor)
{
    tie_to(supervisor);
    close(post->life_fd);
    prctl(PR_SET_NAME, "mitm-view");
    signal(SIGTERM, SIG_DFL);
    step_back();
    struct view_options options = {.path = post->path,
                                   .follow = true,
                                   .listen_fd = post->listen_fd,
                                   .host = "mitm.proxy",
                                   .secret = post->secret,
                                   .control_fd = post->control_fd};
    _exit(post->serve(&options));
}

/* Wait for `ms` (−1: for ever) until `fd` has something to read (−1: none), or the proxy has ended: then we do too. */
static void wait_for(const struct post *post, pid_t view, int fd, int ms)
{
    struct pollfd polled[] = {{.fd = post->life_fd, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
    int n;
    do {
        n = poll(polled, 2, ms);
    } while (n < 0 && errno == EINTR);
    if (polled[0].revents == 0)
        return;
    if (view > 0)
        kill(view, SIGKILL);
    _exit(0);
}

static void tell_end(int status)
{
    const char *clear = isatty(STDERR_FILENO) ? "\r\033[K" : "";
    bool signaled = WIFSIGNALED(status);
    dprintf(STDERR_FILENO, "%smitm-proxy: the live view ended (%s %d) and is started again; the recording goes on\n",
            clear, signaled ? "signal" : "status", signaled ? WTERMSIG(status) : WEXITSTATUS(status));
}

/* Run a view until it ends; return its status, as waitpid(2) gives it, or -1 if there was no process to be had. */
static int run_view(const struct post *post)
{
    pid_t supervisor = getpid();
    pid_t view = fork();
    if (view < 0)
        return -1;
    if (view == 0)
        be_the_view(post, supervisor);
    int fd = pidfd_open(view, 0);
    if (fd >= 0) {
        wait_for(post, view, fd, -1);
        close(fd);
    }
    int status;
    while (waitpid(view, &status, 0) < 0 && errno == EINTR)
        continue;
    return status;
}

/* Receive the path of the session. */
static void receive_path(struct post *post)
{
    ssize_t n;
    do {
        n = recv(post->life_fd, post->path, sizeof post->path - 1, 0);
    } while (n < 0 && errno == EINTR);
    if (n <= 0)
        _exit(0);
    post->path[n] = '\0';
}

static _Noreturn void be_the_supervisor(struct post *post)
{
    ignore_signals();
    tie_to(post->proxy);
    prctl(PR_SET_NAME, "mitm-view-keep");
    leave_input_and_output();
    receive_path(post);
    int64_t told_ms = -TELL_MS;
    for (int delay_ms = AGAIN_FIRST_MS;;) {
        int64_t begun_ms = now_ms();
        int status = run_view(post);
        int64_t ended_ms = now_ms();
        if (ended_ms - begun_ms >= LIVED_MS)
            delay_ms = AGAIN_FIRST_MS;
        if (status != -1 && ended_ms - told_ms >= TELL_MS) {
            tell_end(status);
            told_ms = ended_ms;
        }
        wait_for(post, 0, -1, delay_ms);
        delay_ms = 2 * delay_ms < AGAIN_LONGEST_MS ? 2 * delay_ms : AGAIN_LONGEST_MS;
    }
}

/* ---------------------------------------------------------------- in the proxy */

static void make_secret(char *secret)
{
    uint8_t bytes[SECRET_BYTES];
    if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
        abort();
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(secret + 2 * i, 3, "%02x", bytes[i]);
}

/* Bind `fd` to a file "s" in `folder` and listen. Return an O_PATH descriptor of that file, or -1; it is removed. */
static int bind_in(int folder, int fd)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    /* However long the folder's name is, this fits. */
    snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/s", folder);
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) != 0)
        return -1;
    int path_fd = openat(folder, "s", O_PATH | O_NOFOLLOW | O_CLOEXEC);
    int error = errno;
    unlinkat(folder, "s", 0);
    errno = error;
    if (path_fd < 0)
        return -1;
    if (listen(fd, SOMAXCONN) == 0)
        return path_fd;
    error = errno;
    close(path_fd);
    errno = error;
    return -1;
}

/*
 * Bind `fd` to a file in a fresh folder that is ours alone, and remove both: who holds the descriptor of the file can
 * connect to it all the same (Linux), nobody else can, and nothing is left behind. Return that descriptor, or -1.
 */
static int bind_without_name(int fd)
{
    const char *parent = getenv("TMPDIR");
    char *name;
    if (asprintf(&name, "%s/mitm-view-XXXXXX", parent && *parent ? parent : "/tmp") < 0)
        abort();
    int path_fd = -1;
    int error = 0;
    if (mkdtemp(name)) {
        int folder = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
        path_fd = folder < 0 ? -1 : bind_in(folder, fd);
        error = errno;
        if (folder >= 0)
            close(folder);
        rmdir(name);
    } else {
        error = errno;
    }
    free(name);
    errno = error;
    return path_fd;
}

static void close_if_open(int fd)
{
    if (fd >= 0)
        close(fd);
}

static bool open_pair(int pair[2], int flags)
{
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0, pair) == 0;
}

/* Open what `child` and `post` hold. Return whether that worked; what has been opened is there in any case. */
static bool open_all(struct view_child *child, struct post *post)
{
    int life[2], control[2];
    if (!open_pair(life, 0))
        return false;
    child->life_fd = life[0];
    post->life_fd = life[1];
    if (!open_pair(control, SOCK_NONBLOCK))
        return false;
    child->control_fd = control[0];
    post->control_fd = control[1];
    post->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (post->listen_fd < 0)
        return false;
    child->socket_fd = bind_without_name(post->listen_fd);
    return child->socket_fd >= 0;
}

static void close_all(const struct view_child *child)
{
    close_if_open(child->life_fd);
    close_if_open(child->control_fd);
    close_if_open(child->socket_fd);
}

struct view_child *view_child_start(view_child_fn *serve, int *error)
{
    struct view_child *child = malloc(sizeof *child);
    struct post *post = malloc(sizeof *post);
    if (!child || !post)
        abort();
    *child = (struct view_child){.supervisor = -1, .life_fd = -1, .control_fd = -1, .socket_fd = -1};
    *post = (struct post){.serve = serve, .proxy = getpid(), .life_fd = -1, .control_fd = -1, .listen_fd = -1};
    make_secret(post->secret);
    if (open_all(child, post))
        child->supervisor = fork();
    if (child->supervisor == 0) {
        close_all(child);
        be_the_supervisor(post);
    }
    *error = errno;
    close_if_open(post->life_fd);
    close_if_open(post->control_fd);
    close_if_open(post->listen_fd);
    explicit_bzero(post->secret, sizeof post->secret);
    free(post);
    if (child->supervisor > 0) {
        snprintf(child->path, sizeof child->path, "/proc/self/fd/%d", child->socket_fd);
        return child;
    }
    close_all(child);
    free(child);
    return NULL;
}

void view_child_show(struct view_child *child, const char *path)
{
    /* The socket is empty, so that this does not block; a supervisor that is gone shows nothing. */
    ssize_t n = send(child->life_fd, path, strnlen(path, PATH_MAX - 1), MSG_NOSIGNAL);
    (void)n;
}

const char *view_child_path(const struct view_child *child)
{
    return child->path;
}

int view_child_control_fd(const struct view_child *child)
{
    return child->control_fd;
}

void view_child_end(struct view_child *child)
{
    if (!child)
        return;
    close_all(child);
    int fd = pidfd_open(child->supervisor, 0);
    struct pollfd ended = {.fd = fd, .events = POLLIN};
    if (fd < 0 || poll(&ended, 1, END_MS) != 1)
        kill(child->supervisor, SIGKILL); /* it takes the view with it */
    close_if_open(fd);
    while (waitpid(child->supervisor, NULL, 0) < 0 && errno == EINTR)
        continue;
    free(child);
}
