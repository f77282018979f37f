/* What a process can and cannot do in the sandbox: each test enters it in a child, which tells what went otherwise. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/peer.h"
#include "view/sandbox.h"

enum { NOT_THERE = 77 };

static char folder[] = "/tmp/mitm-sandbox-XXXXXX", file[64], other[64];
static int tcp_listener, unix_client, unix_listener;
static struct sockaddr_in tcp_address;
static pid_t victim;

/* In the child: fail with the line's number, for the parent to tell. */
#define MUST(condition)                                                                                                \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "line %d: %s: %s\n", __LINE__, #condition, strerror(errno));                               \
            _exit(1);                                                                                                  \
        }                                                                                                              \
    } while (0)
/* In the child: the call fails because it is refused. */
#define REFUSED(call) MUST((errno = 0, (call) < 0) && (errno == EPERM || errno == EACCES))

static void set_up(void)
{
    cr_assert_not_null(mkdtemp(folder));
    snprintf(file, sizeof file, "%s/session", folder);
    snprintf(other, sizeof other, "%s/other", folder);
    int fd = open(file, O_WRONLY | O_CREAT, 0600);
    cr_assert_eq(write(fd, "recorded", 8), 8);
    close(fd);

    tcp_listener = socket(AF_INET, SOCK_STREAM, 0);
    tcp_address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof tcp_address;
    cr_assert_eq(bind(tcp_listener, (struct sockaddr *)&tcp_address, len), 0);
    cr_assert_eq(listen(tcp_listener, 8), 0);
    cr_assert_eq(getsockname(tcp_listener, (struct sockaddr *)&tcp_address, &len), 0);

    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/listener", folder);
    unix_listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    cr_assert_eq(bind(unix_listener, (struct sockaddr *)&address, sizeof address), 0);
    cr_assert_eq(listen(unix_listener, 8), 0);
    unix_client = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_assert_eq(connect(unix_client, (struct sockaddr *)&address, sizeof address), 0);

    victim = fork();
    if (victim == 0) {
        for (;;)
            pause();
    }
}

static void tear_down(void)
{
    kill(victim, SIGKILL);
    waitpid(victim, NULL, 0);
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    cr_assert_eq(system(command), 0);
}

/* Run `body` in a child and assert that it ends with 0; skip if it says that the kernel lacks what is tested. */
static void in_child(void (*body)(void))
{
    pid_t pid = fork();
    if (pid == 0) {
        body();
        _exit(0);
    }
    int status;
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_THERE)
        cr_skip_test("the kernel has no such fence");
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %#x", (unsigned)status);
}

/* What both fences refuse. */
static void must_not_change_files(void)
{
    char *arguments[] = {(char *)(uintptr_t) "true", NULL};
    REFUSED(open(file, O_WRONLY));
    REFUSED(open(file, O_RDWR));
    REFUSED(open(other, O_WRONLY | O_CREAT, 0600));
    REFUSED(open(file, O_RDONLY | O_TRUNC));
    REFUSED(rename(file, other));
    REFUSED(unlink(file));
    REFUSED(truncate(file, 0));
    REFUSED(mkdir(other, 0700));
    REFUSED(symlink("x", other));
    REFUSED(link(file, other));
    REFUSED(mkfifo(other, 0600));
    REFUSED(execve("/bin/true", arguments, environ));
}

static void must_read_files(void)
{
    char text[16];
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    MUST(fd >= 0);
    MUST(read(fd, text, sizeof text) == 8 && memcmp(text, "recorded", 8) == 0);
    struct stat status;
    MUST(fstat(fd, &status) == 0 && stat(file, &status) == 0 && status.st_size == 8);
    MUST(mmap(NULL, 8, PROT_READ, MAP_PRIVATE, fd, 0) != MAP_FAILED);
    MUST(mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
    close(fd);
    DIR *fonts = opendir("/usr/share/fonts");
    MUST(fonts && readdir(fonts));
    closedir(fonts);
}

static void *thread(void *arg)
{
    return arg;
}

static void must_go_on(void)
{
    char byte = 'x', text[16];
    MUST(send(unix_client, &byte, 1, 0) == 1);
    struct pollfd ready = {.fd = unix_listener, .events = POLLIN};
    MUST(poll(&ready, 1, 1000) == 1);
    int accepted = accept4(unix_listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    MUST(accepted >= 0);
    MUST(recv(accepted, text, sizeof text, 0) == 1 && send(accepted, text, 1, MSG_NOSIGNAL) == 1);
    int loop = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN};
    MUST(loop >= 0 && epoll_ctl(loop, EPOLL_CTL_ADD, accepted, &event) == 0 && epoll_wait(loop, &event, 1, 0) == 0);
    MUST(eventfd(0, EFD_CLOEXEC) >= 0);
    MUST(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC) >= 0);
    struct timespec now;
    MUST(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    int memory = memfd_create("sample", MFD_CLOEXEC);
    MUST(memory >= 0 && write(memory, "sample", 6) == 6);
    FILE *stream;
    char *large = malloc(1 << 22);
    MUST(large);
    free(large);
    size_t size;
    MUST((stream = open_memstream(&large, &size)) && fprintf(stream, "%d", 5) == 1 && fclose(stream) == 0);
    free(large);
    pthread_t id;
    void *result;
    MUST(pthread_create(&id, NULL, thread, &byte) == 0 && pthread_join(id, &result) == 0 && result == &byte);
}

static void both(void)
{
    struct sandbox sandbox = sandbox_enter();
    if (!sandbox.seccomp)
        _exit(NOT_THERE);
    must_read_files();
    must_go_on();
    must_not_change_files();
    char status[4096];
    int fd = open("/proc/self/status", O_RDONLY);
    ssize_t n = read(fd, status, sizeof status - 1);
    MUST(n > 0);
    status[n] = '\0';
    MUST(strstr(status, "NoNewPrivs:\t1\n") && strstr(status, "Seccomp:\t2\n"));
}

static void seccomp_alone(void)
{
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (!sandbox_enter_seccomp())
        _exit(NOT_THERE);
    must_read_files();
    must_go_on();
    must_not_change_files();
    static const int families[] = {AF_INET, AF_INET6, AF_UNIX, AF_PACKET, AF_VSOCK};
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
        REFUSED(socket(families[i], SOCK_STREAM, 0));
    REFUSED(socket(AF_NETLINK, SOCK_RAW, 0));
    REFUSED(connect(unix_client, (const struct sockaddr *)&tcp_address, sizeof tcp_address));
    REFUSED(bind(unix_client, (const struct sockaddr *)&tcp_address, sizeof tcp_address));
    REFUSED(listen(tcp_listener, 1));
    REFUSED(fork());
    REFUSED(vfork());
    REFUSED(kill(victim, 0));
    REFUSED(kill(getpid(), 0));
    REFUSED(syscall(SYS_tgkill, victim, victim, 0));
    REFUSED(ptrace(PTRACE_ATTACH, victim, NULL, NULL));
    REFUSED(chmod(file, 0777));
    REFUSED(fchmod(unix_listener, 0777));
    REFUSED(chown(file, 0, 0));
    REFUSED(fcntl(unix_client, F_SETOWN, victim));
    REFUSED(ioctl(STDERR_FILENO, TIOCSTI, "x"));
    REFUSED(setpriority(PRIO_PROCESS, 0, 5));
    REFUSED(syscall(SYS_unshare, 0));
    REFUSED(syscall(SYS_process_vm_readv, victim, NULL, 0, NULL, 0, 0));
    REFUSED(syscall(SYS_io_uring_setup, 1, NULL));
    REFUSED(syscall(SYS_bpf, 0, NULL, 0));
    REFUSED(syscall(SYS_keyctl, 0, 0, 0, 0, 0));
}

static void landlock_alone(void)
{
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, 1);
    if (!sandbox_enter_landlock() || version < 3) /* which has all rights to change files but that to cut them */
        _exit(NOT_THERE);
    must_read_files();
    must_go_on();
    must_not_change_files();
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    MUST(fd >= 0);
    if (version >= 4) {
        REFUSED(connect(fd, (const struct sockaddr *)&tcp_address, sizeof tcp_address));
        struct sockaddr_in any = {.sin_family = AF_INET};
        REFUSED(bind(fd, (const struct sockaddr *)&any, sizeof any));
    }
    if (version >= 6)
        REFUSED(kill(victim, SIGTERM));
    REFUSED(ptrace(PTRACE_ATTACH, victim, NULL, NULL));
}

static void asks_for_peer(void)
{
    int client = socket(AF_INET, SOCK_STREAM, 0);
    MUST(connect(client, (const struct sockaddr *)&tcp_address, sizeof tcp_address) == 0);
    if (!sandbox_enter().seccomp)
        _exit(NOT_THERE);
    int accepted = accept4(tcp_listener, NULL, NULL, SOCK_CLOEXEC);
    MUST(accepted >= 0);
    MUST(peer_is_own_user(accepted));
}

static void aborts(void)
{
    if (!sandbox_enter().seccomp)
        _exit(NOT_THERE);
    abort();
}

TestSuite(sandbox, .init = set_up, .fini = tear_down, .timeout = 60);

Test(sandbox, reads_and_serves_and_does_nothing_else)
{
    in_child(both);
}

Test(sandbox, seccomp_refuses_the_calls)
{
    in_child(seccomp_alone);
}

Test(sandbox, landlock_refuses_the_rights)
{
    in_child(landlock_alone);
}

Test(sandbox, who_is_at_the_other_end_can_be_asked)
{
    in_child(asks_for_peer);
}

Test(sandbox, a_bug_still_ends_the_process)
{
    pid_t pid = fork();
    if (pid == 0)
        aborts();
    int status;
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "status %#x", (unsigned)status);
}
