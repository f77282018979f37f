#include "view/sandbox.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <linux/netlink.h>
#include <sched.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---------------------------------------------------------------- Landlock */

/* The kernel's headers of Debian 12 know less than newer kernels can do: its interface, as of version 6. */
struct ruleset {
    uint64_t handled_access_fs;
    uint64_t handled_access_net;
    uint64_t scoped;
};

enum { ABI_REFER = 2, ABI_TRUNCATE = 3, ABI_NET = 4, ABI_IOCTL = 5, ABI_SCOPE = 6 };

static const uint64_t fs_refer = UINT64_C(1) << 13, fs_truncate = UINT64_C(1) << 14, fs_ioctl_dev = UINT64_C(1) << 15;
static const uint64_t net_bind_and_connect_tcp = 3;
static const uint64_t scope_abstract_sockets_and_signals = 3;

static const uint64_t fs_write_and_run =
    LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
    LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |
    LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
    LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM;

/* What is handled and allowed by no rule is denied. Version `abi` of the interface refuses what it does not know. */
static struct ruleset what_is_denied(long abi)
{
    struct ruleset denied = {.handled_access_fs = fs_write_and_run};
    if (abi >= ABI_REFER)
        denied.handled_access_fs |= fs_refer;
    if (abi >= ABI_TRUNCATE)
        denied.handled_access_fs |= fs_truncate;
    if (abi >= ABI_NET)
        denied.handled_access_net = net_bind_and_connect_tcp;
    if (abi >= ABI_IOCTL)
        denied.handled_access_fs |= fs_ioctl_dev;
    if (abi >= ABI_SCOPE)
        denied.scoped = scope_abstract_sockets_and_signals;
    return denied;
}

bool sandbox_enter_landlock(void)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (abi < 1)
        return false;
    /* An older kernel takes the longer structure as long as what it does not know is 0. */
    struct ruleset denied = what_is_denied(abi);
    int fd = (int)syscall(SYS_landlock_create_ruleset, &denied, sizeof denied, 0);
    if (fd < 0)
        return false;
    bool entered = syscall(SYS_landlock_restrict_self, fd, 0) == 0;
    close(fd);
    return entered;
}

/* ---------------------------------------------------------------- seccomp */

/* Calls that can do no harm whatever their arguments are. */
static const int harmless[] = {
    /* Files that are open, and those that can be opened. */
    SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(pread64), SCMP_SYS(preadv), SCMP_SYS(write), SCMP_SYS(writev),
    SCMP_SYS(lseek), SCMP_SYS(close), SCMP_SYS(close_range), SCMP_SYS(fstat), SCMP_SYS(newfstatat), SCMP_SYS(stat),
    SCMP_SYS(lstat), SCMP_SYS(statx), SCMP_SYS(statfs), SCMP_SYS(fstatfs), SCMP_SYS(access), SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2), SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(getdents), SCMP_SYS(getdents64),
    SCMP_SYS(getcwd), SCMP_SYS(fadvise64), SCMP_SYS(readahead), SCMP_SYS(dup), SCMP_SYS(dup2), SCMP_SYS(dup3),
    SCMP_SYS(pipe), SCMP_SYS(pipe2), SCMP_SYS(inotify_init1), SCMP_SYS(inotify_add_watch), SCMP_SYS(inotify_rm_watch),
    SCMP_SYS(memfd_create), SCMP_SYS(ftruncate), SCMP_SYS(sendfile),
    /* Sockets that are open. */
    SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(recvfrom), SCMP_SYS(recvmsg), SCMP_SYS(sendto), SCMP_SYS(sendmsg),
    SCMP_SYS(shutdown), SCMP_SYS(getsockname), SCMP_SYS(getpeername), SCMP_SYS(getsockopt), SCMP_SYS(setsockopt),
    /* Waiting and time. */
    SCMP_SYS(epoll_create), SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_pwait2), SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(select), SCMP_SYS(pselect6), SCMP_SYS(eventfd),
    SCMP_SYS(eventfd2), SCMP_SYS(timerfd_create), SCMP_SYS(timerfd_settime), SCMP_SYS(timerfd_gettime),
    SCMP_SYS(signalfd4), SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep), SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(pause),
    /* Memory and threads. */
    SCMP_SYS(brk), SCMP_SYS(mmap), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(mprotect), SCMP_SYS(madvise),
    SCMP_SYS(futex), SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(set_tid_address), SCMP_SYS(membarrier),
    SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity), SCMP_SYS(sched_getattr), SCMP_SYS(sched_getparam),
    SCMP_SYS(sched_getscheduler), SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigpending), SCMP_SYS(rt_sigtimedwait),
    SCMP_SYS(sigaltstack), SCMP_SYS(restart_syscall),
    /* Who and where we are. */
    SCMP_SYS(getpid), SCMP_SYS(getppid), SCMP_SYS(gettid), SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid),
    SCMP_SYS(getegid), SCMP_SYS(getresuid), SCMP_SYS(getresgid), SCMP_SYS(getgroups), SCMP_SYS(getrandom),
    SCMP_SYS(uname), SCMP_SYS(sysinfo), SCMP_SYS(getrlimit), SCMP_SYS(getrusage), SCMP_SYS(getcpu), SCMP_SYS(times)};

/* Harmless fcntl(2): not those that make the kernel send signals. */
static const int harmless_fcntl[] = {F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD,     F_SETFD,     F_GETFL,    F_SETFL,
                                     F_GETLK, F_SETLK,         F_OFD_SETLK, F_ADD_SEALS, F_GET_SEALS};
/* Harmless ioctl(2): not those that type into a terminal. */
static const unsigned long harmless_ioctl[] = {FIONREAD, FIONBIO, TCGETS, TIOCGWINSZ};

/* Add a rule for `call` with `n` conditions; there is none for a call that this processor does not have. */
static void add_rule(scmp_filter_ctx filter, uint32_t action, int call, unsigned n,
                     const struct scmp_arg_cmp *conditions)
{
    int rc = seccomp_rule_add_array(filter, action, call, n, conditions);
    assert(rc == 0 || rc == -EDOM);
}

/* Allow `call` if the argument numbered `arg` is `value`. */
static void allow_if_equal(scmp_filter_ctx filter, int call, unsigned arg, uint64_t value)
{
    struct scmp_arg_cmp condition = {.arg = arg, .op = SCMP_CMP_EQ, .datum_a = value};
    add_rule(filter, SCMP_ACT_ALLOW, call, 1, &condition);
}

/* Allow `call` if of the argument numbered `arg` the bits in `mask` are `value`. */
static void allow_if_masked(scmp_filter_ctx filter, int call, unsigned arg, uint64_t mask, uint64_t value)
{
    struct scmp_arg_cmp condition = {.arg = arg, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = value};
    add_rule(filter, SCMP_ACT_ALLOW, call, 1, &condition);
}

/* Allow `call` if its first argument is `first` and its third one `third`. */
static void allow_if_both(scmp_filter_ctx filter, int call, uint64_t first, uint64_t third)
{
    struct scmp_arg_cmp conditions[] = {{.arg = 0, .op = SCMP_CMP_EQ, .datum_a = first},
                                        {.arg = 2, .op = SCMP_CMP_EQ, .datum_a = third}};
    add_rule(filter, SCMP_ACT_ALLOW, call, 2, conditions);
}

static void allow_harmless(scmp_filter_ctx filter)
{
    for (size_t i = 0; i < sizeof harmless / sizeof harmless[0]; i++)
        add_rule(filter, SCMP_ACT_ALLOW, harmless[i], 0, NULL);
    for (size_t i = 0; i < sizeof harmless_fcntl / sizeof harmless_fcntl[0]; i++)
        allow_if_equal(filter, SCMP_SYS(fcntl), 1, (uint64_t)harmless_fcntl[i]);
    for (size_t i = 0; i < sizeof harmless_ioctl / sizeof harmless_ioctl[0]; i++)
        allow_if_equal(filter, SCMP_SYS(ioctl), 1, harmless_ioctl[i]);
}

/* Opening a file for reading only. */
static void allow_reading(scmp_filter_ctx filter)
{
    const uint64_t writing = O_ACCMODE | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY);
    allow_if_masked(filter, SCMP_SYS(open), 1, writing, O_RDONLY);
    allow_if_masked(filter, SCMP_SYS(openat), 2, writing, O_RDONLY);
}

static void allow_own_affairs(scmp_filter_ctx filter)
{
    /* Threads (pango looks for fonts in one), but no processes. The flags of clone3 cannot be seen: libc falls back. */
    allow_if_masked(filter, SCMP_SYS(clone), 0, CLONE_THREAD, CLONE_THREAD);
    add_rule(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0, NULL);
    allow_if_equal(filter, SCMP_SYS(prctl), 0, PR_SET_NAME);
    allow_if_equal(filter, SCMP_SYS(tgkill), 0, (uint64_t)getpid()); /* abort(3) */
    allow_if_both(filter, SCMP_SYS(prlimit64), 0, 0);                /* its own limits, to be read */
    /* Pairs of sockets within this process, and asking who is at the other end of a connection (base/peer.h). */
    allow_if_equal(filter, SCMP_SYS(socketpair), 0, AF_UNIX);
    allow_if_both(filter, SCMP_SYS(socket), AF_NETLINK, NETLINK_SOCK_DIAG);
}

bool sandbox_enter_seccomp(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    assert(filter);
    allow_harmless(filter);
    allow_reading(filter);
    allow_own_affairs(filter);
    bool entered = seccomp_load(filter) == 0;
    seccomp_release(filter);
    return entered;
}

/* ---------------------------------------------------------------- both */

/* Root keeps one privilege: to read a session that lies in somebody else's folder. */
static void drop_privileges(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct have[2], keep[2] = {{0}};
    if (syscall(SYS_capget, &header, have) != 0)
        return;
    keep[0].permitted = keep[0].effective = have[0].permitted & (UINT32_C(1) << CAP_DAC_READ_SEARCH);
    syscall(SYS_capset, &header, keep);
}

struct sandbox sandbox_enter(void)
{
    struct sandbox sandbox = {0};
    prctl(PR_SET_DUMPABLE, 0);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0) {
        drop_privileges();
        sandbox.landlock = sandbox_enter_landlock();
        sandbox.seccomp = sandbox_enter_seccomp();
    }
    if (!sandbox.landlock && !sandbox.seccomp)
        fputs("warning: this kernel has neither seccomp nor Landlock: the live view is not confined\n", stderr);
    return sandbox;
}
