#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "../decode/secret.h"
#include "capture/keylog.h"

enum { LINE_BYTES = 14 + 64 + 1 + 96 + 1 };

/* A keylog that follows the file `log` in a new folder, which is the working folder. */
struct box {
    struct event_base *base;
    struct tls_keys *keys;
    struct keylog *keylog;
    unsigned calls; /* of on_keys */
};

static void on_keys(void *ctx)
{
    ((struct box *)ctx)->calls++;
}

static void box_init(struct box *box)
{
    char folder[] = "/tmp/mitm-keylog-XXXXXX";
    cr_assert(mkdtemp(folder) && chdir(folder) == 0);
    *box = (struct box){.base = event_base_new(), .keys = tls_keys_new()};
}

static void box_follow(struct box *box)
{
    int error;
    box->keylog = keylog_new(box->base, "log", box->keys, on_keys, box, &error);
    cr_assert_not_null(box->keylog, "%s", strerror(error));
    cr_assert_eq(error, 0);
    cr_assert_eq(box->calls, 0);
}

static void box_fini(struct box *box)
{
    keylog_free(box->keylog);
    tls_keys_free(box->keys);
    event_base_free(box->base);
    char folder[64];
    cr_assert(getcwd(folder, sizeof folder) && chdir("/") == 0);
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", folder);
    cr_assert_eq(system(command), 0);
}

static void make_random(unsigned n, uint8_t random[TLS_RANDOM_BYTES])
{
    memset(random, 0x77, TLS_RANDOM_BYTES);
    memcpy(random, &n, sizeof n);
}

/* Write the line of connection `n` to `line`. */
static void make_line(unsigned n, char line[LINE_BYTES + 1])
{
    uint8_t random[TLS_RANDOM_BYTES];
    make_random(n, random);
    char *at = line + sprintf(line, "CLIENT_RANDOM ");
    for (size_t i = 0; i < TLS_RANDOM_BYTES; i++)
        at += sprintf(at, "%02x", random[i]);
    at += sprintf(at, " ");
    for (size_t i = 0; i < TLS_SECRET_MAX_BYTES; i++)
        at += sprintf(at, "%02x", random[i % 4]);
    strcpy(at, "\n");
}

static void write_text(const char *path, int flags, const char *text, size_t len)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC | flags, 0600);
    cr_assert(fd >= 0, "%s: %s", path, strerror(errno));
    cr_assert_eq(write(fd, text, len), (ssize_t)len);
    close(fd);
}

/* Write the lines of the connections `from` … `to` to `path` in one write. */
static void write_lines(const char *path, int flags, unsigned from, unsigned to)
{
    char *text = malloc((to - from + 1) * LINE_BYTES + 1);
    for (unsigned n = from; n <= to; n++)
        make_line(n, text + (n - from) * LINE_BYTES);
    write_text(path, flags, text, (to - from + 1) * LINE_BYTES);
    free(text);
}

static void append(const char *text)
{
    write_text("log", O_APPEND | O_CREAT, text, strlen(text));
}

static bool knows(const struct box *box, unsigned n)
{
    uint8_t random[TLS_RANDOM_BYTES];
    make_random(n, random);
    return tls_keys_has(box->keys, random);
}

static void on_late(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    *(bool *)arg = true;
}

/* Run the loop until connection `n` is known. */
static void wait_for(struct box *box, unsigned n)
{
    static const struct timeval most = {10, 0};
    bool late = false;
    struct event *timer = evtimer_new(box->base, on_late, &late);
    event_add(timer, &most);
    while (!knows(box, n) && !late)
        event_base_loop(box->base, EVLOOP_ONCE);
    cr_assert_not(late, "the keys of connection %u did not come", n);
    cr_assert_gt(box->calls, 0, "on_keys was not called");
    event_free(timer);
}

static void wait_for_invalid(struct box *box, uint64_t invalid)
{
    static const struct timeval most = {10, 0};
    bool late = false;
    struct event *timer = evtimer_new(box->base, on_late, &late);
    event_add(timer, &most);
    while (keylog_invalid_lines(box->keylog) < invalid && !late)
        event_base_loop(box->base, EVLOOP_ONCE);
    cr_assert_eq(keylog_invalid_lines(box->keylog), invalid);
    event_free(timer);
}

Test(keylog, the_file_was_there_before)
{
    struct box box;
    box_init(&box);
    write_lines("log", O_CREAT, 1, 3);
    box_follow(&box);
    wait_for(&box, 3);
    cr_assert(knows(&box, 1) && knows(&box, 2) && !knows(&box, 4));
    cr_assert_eq(box.calls, 1);
    box_fini(&box);
}

Test(keylog, the_file_is_made_later_and_grows)
{
    struct box box;
    box_init(&box);
    box_follow(&box);
    event_base_loop(box.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
    write_lines("log", O_CREAT | O_EXCL, 1, 1);
    wait_for(&box, 1);
    for (unsigned n = 2; n < 50; n++) {
        write_lines("log", O_APPEND, n, n);
        wait_for(&box, n);
    }
    box_fini(&box);
}

Test(keylog, lines_are_cut_anywhere)
{
    struct box box;
    box_init(&box);
    box_follow(&box);
    char line[LINE_BYTES + 1];
    for (unsigned cut = 0; cut <= LINE_BYTES; cut++) {
        make_line(cut, line);
        write_text("log", O_APPEND | O_CREAT, line, cut);
        keylog_catch_up(box.keylog);
        cr_assert_eq(knows(&box, cut), cut == LINE_BYTES);
        write_text("log", O_APPEND, line + cut, LINE_BYTES - cut);
        wait_for(&box, cut);
    }
    cr_assert_eq(keylog_invalid_lines(box.keylog), 0);
    box_fini(&box);
}

/* RFC 9850, 2: lines end with CR, LF, or both. */
Test(keylog, ends_of_lines)
{
    struct box box;
    box_init(&box);
    box_follow(&box);
    static const char *const ends[] = {"\n", "\r\n", "\r", "\n\n", "\r\n\r\n", "\n\r"};
    for (unsigned n = 0; n < 6; n++) {
        char line[LINE_BYTES + 1];
        make_line(n, line);
        line[LINE_BYTES - 1] = '\0';
        append(line);
        append(ends[n]);
    }
    append("bad\n");
    wait_for_invalid(&box, 1);
    for (unsigned n = 0; n < 6; n++)
        cr_assert(knows(&box, n), "%u", n);
    box_fini(&box);
}

Test(keylog, another_file_is_renamed_over_it)
{
    struct box box;
    box_init(&box);
    write_lines("log", O_CREAT, 1, 1);
    box_follow(&box);
    wait_for(&box, 1);
    write_lines("log", O_APPEND, 2, 2); /* what the old file had is not lost */
    write_lines("new", O_CREAT, 3, 3);
    cr_assert_eq(rename("new", "log"), 0);
    wait_for(&box, 3);
    cr_assert(knows(&box, 2));
    write_lines("log", O_APPEND, 4, 4);
    wait_for(&box, 4);
    box_fini(&box);
}

Test(keylog, the_file_is_deleted_and_made_anew)
{
    struct box box;
    box_init(&box);
    write_lines("log", O_CREAT, 1, 1);
    box_follow(&box);
    wait_for(&box, 1);
    for (unsigned n = 2; n < 10; n++) {
        cr_assert_eq(unlink("log"), 0);
        event_base_loop(box.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
        write_lines("log", O_CREAT | O_EXCL, n, n);
        wait_for(&box, n);
    }
    box_fini(&box);
}

/* It may then be shorter than before, as long, or longer: at once. */
Test(keylog, the_file_is_cut_and_written_anew)
{
    struct box box;
    box_init(&box);
    write_lines("log", O_CREAT, 1, 10);
    append("CLIENT_RANDOM 00"); /* a line that is cut off is no part of the next */
    box_follow(&box);
    wait_for(&box, 10);
    write_lines("log", O_TRUNC, 101, 102);
    wait_for(&box, 102);
    write_lines("log", O_TRUNC, 201, 202);
    wait_for(&box, 202);
    write_lines("log", O_TRUNC, 301, 330);
    wait_for(&box, 330);
    cr_assert(knows(&box, 101) && knows(&box, 201) && knows(&box, 301));
    cr_assert_eq(keylog_invalid_lines(box.keylog), 0);
    box_fini(&box);
}

Test(keylog, a_symbolic_link)
{
    struct box box;
    box_init(&box);
    cr_assert(mkdir("elsewhere", 0700) == 0 && symlink("elsewhere/file", "log") == 0);
    write_lines("elsewhere/file", O_CREAT, 1, 1);
    box_follow(&box);
    wait_for(&box, 1);
    write_lines("elsewhere/file", O_APPEND, 2, 2);
    wait_for(&box, 2);
    box_fini(&box);
}

/* Return how often the loop turns in a fifth of a second. */
static unsigned count_turns(struct box *box)
{
    static const struct timeval span = {0, 200000};
    bool late = false;
    unsigned turns = 0;
    struct event *timer = evtimer_new(box->base, on_late, &late);
    event_add(timer, &span);
    while (!late) {
        event_base_loop(box->base, EVLOOP_ONCE);
        turns++;
    }
    event_free(timer);
    return turns;
}

Test(keylog, a_fifo)
{
    struct box box;
    box_init(&box);
    cr_assert_eq(mkfifo("log", 0600), 0);
    box_follow(&box);
    write_lines("log", O_NONBLOCK, 1, 2);
    wait_for(&box, 2);
    cr_assert(knows(&box, 1));
    cr_assert_lt(count_turns(&box), 10, "the loop turns although nothing is written");
    char line[LINE_BYTES + 1];
    make_line(3, line);
    write_text("log", O_NONBLOCK, line, 50);
    keylog_catch_up(box.keylog);
    write_text("log", O_NONBLOCK, line + 50, LINE_BYTES - 50);
    wait_for(&box, 3);
    write_lines("new", O_CREAT, 4, 4); /* a file in its place */
    cr_assert_eq(rename("new", "log"), 0);
    wait_for(&box, 4);
    box_fini(&box);
}

Test(keylog, nothing_happens_without_changes)
{
    struct box box;
    box_init(&box);
    write_lines("log", O_CREAT, 1, 1);
    box_follow(&box);
    wait_for(&box, 1);
    cr_assert_lt(count_turns(&box), 10);
    box_fini(&box);
}

static int error_of(struct box *box, const char *path)
{
    int error = 0;
    cr_assert_null(keylog_new(box->base, path, box->keys, on_keys, box, &error));
    return error;
}

Test(keylog, what_cannot_be_followed)
{
    struct box box;
    box_init(&box);
    write_lines("file", O_CREAT, 1, 1);
    cr_assert_eq(error_of(&box, "missing/log"), ENOENT);
    cr_assert_eq(error_of(&box, "file/log"), ENOTDIR);
    cr_assert_eq(error_of(&box, "."), EISDIR);
    cr_assert_eq(error_of(&box, "/dev/zero"), EINVAL);
    if (geteuid() == 0) { /* root may read everything */
        cr_assert(chmod(".", 0755) == 0 && seteuid(65534) == 0);
        cr_assert_eq(error_of(&box, "file"), EACCES);
        cr_assert_eq(seteuid(0), 0);
    } else {
        cr_assert_eq(chmod("file", 0), 0);
        cr_assert_eq(error_of(&box, "file"), EACCES);
    }
    box_fini(&box);
}

/* Send standard error to the file "stderr", and return what it has then. */
static void redirect_stderr(void)
{
    int fd = open("stderr", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    cr_assert(fd >= 0 && dup2(fd, STDERR_FILENO) >= 0);
    close(fd);
}

static const char *read_stderr(void)
{
    static char text[65536];
    FILE *file = fopen("stderr", "re");
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

Test(keylog, garbage)
{
    struct box box;
    box_init(&box);
    int saved = dup(STDERR_FILENO);
    redirect_stderr();
    append("# a comment\r\n");
    write_lines("log", O_APPEND, 1, 1);
    append("CLIENT_RANDOM deadbeef 0123456789\n\x1b[31mgarbage\n");
    write_text("log", O_APPEND, "\0\0\0\n", 4);
    write_lines("log", O_APPEND, 2, 2);
    box_follow(&box);
    wait_for(&box, 2);
    dup2(saved, STDERR_FILENO);
    cr_assert(knows(&box, 1));
    cr_assert_eq(keylog_invalid_lines(box.keylog), 3);
    cr_assert_str_eq(read_stderr(),
                     "mitm-proxy: log, line 3: this is no line of a key log; it is left out, as are further ones\n");
    box_fini(&box);
}

static void append_long(size_t len)
{
    char *text = malloc(len + 2);
    memset(text, '#', len);
    strcpy(text + len, "\n");
    append(text);
    free(text);
}

Test(keylog, long_lines)
{
    struct box box;
    box_init(&box);
    append_long(KEYLOG_LINE_MAX_BYTES);
    box_follow(&box);
    write_lines("log", O_APPEND, 1, 1);
    wait_for(&box, 1);
    cr_assert_eq(keylog_invalid_lines(box.keylog), 0);
    append_long(KEYLOG_LINE_MAX_BYTES + 1);
    write_lines("log", O_APPEND, 2, 2);
    append_long(3 * KEYLOG_READ_BYTES);
    write_lines("log", O_APPEND, 3, 3);
    append("no end");
    wait_for(&box, 3);
    cr_assert(knows(&box, 2));
    cr_assert_eq(keylog_invalid_lines(box.keylog), 2);
    box_fini(&box);
}

struct ticker {
    struct event *event;
    unsigned ticks;
};

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    static const struct timeval at_once = {0};
    struct ticker *ticker = arg;
    ticker->ticks++;
    event_add(ticker->event, &at_once);
}

/* A large log is read in many turns of the loop, and others have theirs in between. */
Test(keylog, a_large_log)
{
    enum { LINES = 60000 };
    const unsigned turns = LINES * LINE_BYTES / (unsigned)KEYLOG_READ_BYTES;
    struct box box;
    box_init(&box);
    write_lines("log", O_CREAT, 1, LINES);
    box_follow(&box);
    struct ticker ticker = {0};
    ticker.event = evtimer_new(box.base, on_tick, &ticker);
    on_tick(-1, 0, &ticker);
    wait_for(&box, LINES);
    cr_assert_geq(box.calls, turns);
    cr_assert_geq(ticker.ticks, turns);
    cr_assert(!knows(&box, LINES - TLS_KEYS_MAX) && knows(&box, LINES - TLS_KEYS_MAX + 1));
    event_free(ticker.event);
    box_fini(&box);
}

Test(keylog, catching_up)
{
    struct box box;
    box_init(&box);
    box_follow(&box);
    keylog_catch_up(box.keylog);
    cr_assert_eq(box.calls, 0);
    write_lines("log", O_CREAT, 1, 5000);
    keylog_catch_up(box.keylog);
    cr_assert(knows(&box, 1) && knows(&box, 5000));
    cr_assert_eq(box.calls, 1);
    write_lines("new", O_CREAT, 5001, 5001);
    cr_assert_eq(rename("new", "log"), 0);
    keylog_catch_up(box.keylog);
    cr_assert(knows(&box, 5001));
    cr_assert_eq(box.calls, 2);
    box_fini(&box);
}

/* A file without end keeps nobody from ending. */
Test(keylog, catching_up_with_a_sparse_file, .timeout = 60)
{
    struct box box;
    box_init(&box);
    box_follow(&box);
    write_lines("log", O_CREAT, 1, 1);
    cr_assert_eq(truncate("log", (off_t)1 << 42), 0);
    keylog_catch_up(box.keylog);
    cr_assert(knows(&box, 1));
    box_fini(&box);
}

/* Becomes readable later. */
Test(keylog, an_unreadable_file_becomes_readable)
{
    struct box box;
    box_init(&box);
    box_follow(&box);
    int saved = dup(STDERR_FILENO);
    redirect_stderr();
    cr_assert_eq(mkdir("log", 0700), 0); /* nobody, root neither, can read a folder as a file */
    keylog_catch_up(box.keylog);
    keylog_catch_up(box.keylog);
    dup2(saved, STDERR_FILENO);
    cr_assert_str_eq(read_stderr(), "mitm-proxy: the key log log cannot be read: Is a directory\n");
    cr_assert_eq(rmdir("log"), 0);
    write_lines("log", O_CREAT, 1, 1);
    wait_for(&box, 1);
    box_fini(&box);
}

static void append_secret(size_t from, size_t end)
{
    char line[SECRET_LINE_BYTES];
    secret_make_line(1, line);
    write_text("log", O_APPEND | O_CREAT, line + from, end - from);
    OPENSSL_cleanse(line, sizeof line);
}

/* The store alone has the secret; of a line that has not ended, the line's beginning is kept until it has. */
Test(keylog, what_was_read_is_wiped)
{
    struct box box;
    box_init(&box);
    secret_make();
    box_follow(&box);
    append_secret(0, SECRET_LINE_BYTES - 1);
    keylog_catch_up(box.keylog);
    cr_assert_eq(secret_count(), 1, "the line's beginning");
    append_secret(SECRET_LINE_BYTES - 1, SECRET_LINE_BYTES);
    append("\n");
    keylog_catch_up(box.keylog);
    cr_assert_eq(secret_count(), 1, "the store");
    uint8_t random[TLS_RANDOM_BYTES];
    memset(random, 1, sizeof random);
    cr_assert(tls_keys_has(box.keys, random));
    tls_keys_forget(box.keys, random);
    cr_assert_eq(secret_count(), 0);
    append_secret(0, SECRET_LINE_BYTES - 1);
    keylog_catch_up(box.keylog);
    cr_assert_eq(secret_count(), 1, "another line's beginning");
    box_fini(&box);
    cr_assert_eq(secret_count(), 0);
}

Test(keylog, the_process_dumps_no_core)
{
    struct rlimit core = {RLIM_INFINITY, RLIM_INFINITY};
    setrlimit(RLIMIT_CORE, &core);
    pid_t child = fork();
    if (child == 0) {
        keylog_protect_process();
        signal(SIGSEGV, SIG_DFL);
        kill(getpid(), SIGSEGV);
        _exit(2);
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFSIGNALED(status), "%d", status);
    cr_assert_not(WCOREDUMP(status));
}
