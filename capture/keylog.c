#include "capture/keylog.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include "capture/log.h"

/* So many bytes before the place that was reached are read again: if they differ, the file was written anew. */
#define TAIL_BYTES ((size_t)128)

/* Whatever is in a FIFO fits into so many turns: the kernel lets nobody but root make its buffer larger than 1 MiB. */
#define FIFO_TURNS 17

struct keylog {
    struct event_base *base;
    char *path;
    struct tls_keys *keys;
    void (*on_keys)(void *ctx);
    void *ctx;

    int inotify_fd; /* watches the folder and the file */
    struct event *changed;
    struct event *turn; /* there is more to read */

    int fd; /* -1: there is no file */
    bool fifo;
    struct event *readable; /* of a FIFO */
    int file_watch;
    dev_t device;
    ino_t inode;
    uint64_t offset; /* up to here a file was read */
    size_t tail_len;
    uint8_t tail_digest[SHA256_DIGEST_LENGTH];

    uint64_t line_number; /* lines that ended */
    uint64_t invalid;
    bool after_cr;
    bool added; /* secrets that on_keys was not told of */
    bool invalid_told, error_told;
    size_t line_len; /* KEYLOG_LINE_MAX_BYTES + 1: the line is too long */
    char line[KEYLOG_LINE_MAX_BYTES];
    char buffer[TAIL_BYTES + KEYLOG_READ_BYTES];
};

/* ---------------------------------------------------------------- lines */

static void drop_line(struct keylog *keylog)
{
    size_t used = keylog->line_len < sizeof keylog->line ? keylog->line_len : sizeof keylog->line;
    OPENSSL_cleanse(keylog->line, used);
    keylog->line_len = 0;
}

static void count_invalid(struct keylog *keylog)
{
    keylog->invalid++;
    if (keylog->invalid_told)
        return;
    keylog->invalid_told = true;
    log_line("%s, line %" PRIu64 ": this is no line of a key log; it is left out, as are further ones", keylog->path,
             keylog->line_number);
}

static void end_line(struct keylog *keylog)
{
    enum tls_keys_line result = TLS_KEYS_INVALID;
    keylog->line_number++;
    if (keylog->line_len <= KEYLOG_LINE_MAX_BYTES)
        result = tls_keys_add_line(keylog->keys, keylog->line, keylog->line_len);
    drop_line(keylog);
    if (result == TLS_KEYS_ADDED)
        keylog->added = true;
    if (result == TLS_KEYS_INVALID)
        count_invalid(keylog);
}

static void add_to_line(struct keylog *keylog, const char *text, size_t len)
{
    if (keylog->line_len + len > KEYLOG_LINE_MAX_BYTES) {
        keylog->line_len = KEYLOG_LINE_MAX_BYTES + 1;
        return;
    }
    memcpy(keylog->line + keylog->line_len, text, len);
    keylog->line_len += len;
}

/* Lines end with CR, LF or both (RFC 9850, 2). */
static void take(struct keylog *keylog, const char *text, size_t len)
{
    while (len > 0) {
        size_t n = 0;
        while (n < len && text[n] != '\n' && text[n] != '\r')
            n++;
        add_to_line(keylog, text, n);
        if (n > 0)
            keylog->after_cr = false;
        if (n == len)
            return;
        if (text[n] == '\r' || !keylog->after_cr)
            end_line(keylog);
        keylog->after_cr = text[n] == '\r';
        text += n + 1;
        len -= n + 1;
    }
}

/* ---------------------------------------------------------------- the file */

static void start_anew(struct keylog *keylog)
{
    drop_line(keylog);
    keylog->after_cr = false;
    keylog->line_number = 0;
    keylog->offset = 0;
    keylog->tail_len = 0;
}

static void close_file(struct keylog *keylog)
{
    if (keylog->fd < 0)
        return;
    if (keylog->readable)
        event_free(keylog->readable);
    keylog->readable = NULL;
    inotify_rm_watch(keylog->inotify_fd, keylog->file_watch);
    close(keylog->fd);
    keylog->fd = -1;
    start_anew(keylog);
}

static void on_readable(evutil_socket_t fd, short what, void *arg);

/* A FIFO is opened for writing too: so it never ends, whoever else writes. */
static int open_path(const char *path, struct stat *status)
{
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, status) == 0 && S_ISFIFO(status->st_mode)) {
        int reader = fd; /* who waited for it writes already: it stays until there is another one */
        fd = open(path, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        int error = errno;
        close(reader);
        errno = error;
    }
    if (fd < 0)
        return -1;
    if (fstat(fd, status) == 0 && (S_ISREG(status->st_mode) || S_ISFIFO(status->st_mode)))
        return fd;
    close(fd);
    errno = S_ISDIR(status->st_mode) ? EISDIR : EINVAL;
    return -1;
}

/* Open the file. Return 0 or the error. */
static int open_file(struct keylog *keylog)
{
    struct stat status;
    int fd = open_path(keylog->path, &status);
    if (fd < 0)
        return errno;
    keylog->fd = fd;
    keylog->fifo = S_ISFIFO(status.st_mode);
    keylog->device = status.st_dev;
    keylog->inode = status.st_ino;
    keylog->file_watch = inotify_add_watch(keylog->inotify_fd, keylog->path, IN_MODIFY | IN_ATTRIB);
    if (keylog->file_watch < 0) {
        int error = errno;
        close_file(keylog);
        return error;
    }
    if (keylog->fifo) {
        keylog->readable = event_new(keylog->base, fd, EV_READ | EV_PERSIST, on_readable, keylog);
        if (!keylog->readable || event_add(keylog->readable, NULL) != 0)
            abort();
    }
    return 0;
}

static void tell_error(struct keylog *keylog, int error)
{
    if (!keylog->error_told)
        log_line("the key log %s cannot be read: %s", keylog->path, strerror(error));
    keylog->error_told = true;
}

/* Open the file if there is one; return whether it was opened. */
static bool try_open(struct keylog *keylog)
{
    int error = open_file(keylog);
    if (error && error != ENOENT)
        tell_error(keylog, error);
    return error == 0;
}

static bool is_replaced(const struct keylog *keylog)
{
    struct stat status;
    return stat(keylog->path, &status) == 0 && (status.st_dev != keylog->device || status.st_ino != keylog->inode);
}

/* ---------------------------------------------------------------- reading */

static void digest(const char *data, size_t len, uint8_t out[SHA256_DIGEST_LENGTH])
{
    if (EVP_Digest(data, len, out, NULL, EVP_sha256(), NULL) <= 0)
        abort();
}

/* Whether `n` bytes in the buffer begin with those that stood before the offset. */
static bool tail_stands(const struct keylog *keylog, size_t n)
{
    uint8_t found[SHA256_DIGEST_LENGTH];
    if (n < keylog->tail_len)
        return false;
    digest(keylog->buffer, keylog->tail_len, found);
    return keylog->tail_len == 0 || memcmp(found, keylog->tail_digest, sizeof found) == 0;
}

/* Take what lies in the buffer, the tail and new bytes, `n` in all. */
static void take_buffer(struct keylog *keylog, size_t n)
{
    size_t fresh = n - keylog->tail_len;
    take(keylog, keylog->buffer + keylog->tail_len, fresh);
    keylog->offset += fresh;
    keylog->tail_len = n < TAIL_BYTES ? n : TAIL_BYTES;
    digest(keylog->buffer + n - keylog->tail_len, keylog->tail_len, keylog->tail_digest);
}

/* Read on. Return whether there is more. */
static bool read_file(struct keylog *keylog)
{
    size_t most = keylog->tail_len + KEYLOG_READ_BYTES;
    ssize_t n = pread(keylog->fd, keylog->buffer, most, (off_t)(keylog->offset - keylog->tail_len));
    if (n < 0) {
        tell_error(keylog, errno);
        return false;
    }
    bool same = tail_stands(keylog, (size_t)n);
    if (same)
        take_buffer(keylog, (size_t)n);
    else
        start_anew(keylog);
    OPENSSL_cleanse(keylog->buffer, (size_t)n);
    return !same || (size_t)n == most;
}

static bool read_fifo(struct keylog *keylog)
{
    ssize_t n = read(keylog->fd, keylog->buffer, KEYLOG_READ_BYTES);
    if (n <= 0)
        return false;
    take(keylog, keylog->buffer, (size_t)n);
    OPENSSL_cleanse(keylog->buffer, (size_t)n);
    return true;
}

/* Do one turn's work. Return whether there is more. */
static bool step(struct keylog *keylog)
{
    if (keylog->fd < 0)
        return try_open(keylog);
    if (keylog->fifo ? read_fifo(keylog) : read_file(keylog))
        return true;
    if (!is_replaced(keylog))
        return false;
    close_file(keylog);
    return try_open(keylog);
}

/* Tell of what was added, and go on in the next turn of the loop if there is more. */
static void finish_turn(struct keylog *keylog, bool more)
{
    static const struct timeval at_once = {0};
    if (more)
        event_add(keylog->turn, &at_once);
    if (keylog->added) {
        keylog->added = false;
        keylog->on_keys(keylog->ctx);
    }
}

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct keylog *keylog = arg;
    finish_turn(keylog, step(keylog));
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    on_turn(fd, what, arg);
}

/* Whatever changed in the folder, the file is looked at. */
static void on_changed(evutil_socket_t fd, short what, void *arg)
{
    char events[4096];
    while (read(fd, events, sizeof events) > 0)
        continue;
    on_turn(fd, what, arg);
}

/* ---------------------------------------------------------------- the keylog */

/* Watch the folder of the path. Return whether that works; errno is set if not. */
static bool watch_folder(const struct keylog *keylog)
{
    const char *slash = strrchr(keylog->path, '/');
    size_t len = slash ? (size_t)(slash - keylog->path) + 1 : 0;
    char *folder = len > 0 ? strndup(keylog->path, len) : strdup(".");
    if (!folder)
        abort();
    const uint32_t mask = IN_CREATE | IN_MOVED_TO | IN_ATTRIB | IN_ONLYDIR;
    bool watched = inotify_add_watch(keylog->inotify_fd, folder, mask) >= 0;
    free(folder);
    return watched;
}

static int start(struct keylog *keylog)
{
    if (keylog->inotify_fd < 0 || !watch_folder(keylog))
        return errno;
    int error = open_file(keylog);
    return error == ENOENT ? 0 : error;
}

struct keylog *keylog_new(struct event_base *base, const char *path, struct tls_keys *keys, void (*on_keys)(void *ctx),
                          void *ctx, int *error)
{
    struct keylog *keylog = calloc(1, sizeof *keylog);
    if (!keylog || !(keylog->path = strdup(path)))
        abort();
    keylog->base = base;
    keylog->keys = keys;
    keylog->on_keys = on_keys;
    keylog->ctx = ctx;
    keylog->fd = -1;
    keylog->inotify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    *error = start(keylog);
    if (*error) {
        keylog_free(keylog);
        return NULL;
    }
    keylog->changed = event_new(base, keylog->inotify_fd, EV_READ | EV_PERSIST, on_changed, keylog);
    keylog->turn = evtimer_new(base, on_turn, keylog);
    if (!keylog->changed || !keylog->turn || event_add(keylog->changed, NULL) != 0)
        abort();
    finish_turn(keylog, true);
    return keylog;
}

void keylog_free(struct keylog *keylog)
{
    if (!keylog)
        return;
    close_file(keylog);
    if (keylog->changed)
        event_free(keylog->changed);
    if (keylog->turn)
        event_free(keylog->turn);
    if (keylog->inotify_fd >= 0)
        close(keylog->inotify_fd);
    free(keylog->path);
    free(keylog);
}

void keylog_catch_up(struct keylog *keylog)
{
    struct stat status;
    uint64_t turns = FIFO_TURNS;
    if (stat(keylog->path, &status) == 0) {
        uint64_t size = (uint64_t)status.st_size; /* that of a sparse file may be anything */
        turns += (size < KEYLOG_CATCH_UP_BYTES ? size : KEYLOG_CATCH_UP_BYTES) / KEYLOG_READ_BYTES;
    }
    bool more = true;
    while (more && turns-- > 0)
        more = step(keylog);
    finish_turn(keylog, more);
}

void keylog_protect_process(void)
{
    prctl(PR_SET_DUMPABLE, 0);
}

uint64_t keylog_invalid_lines(const struct keylog *keylog)
{
    return keylog->invalid;
}
