#include "render/save.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Write all `len` bytes; return 0 or an errno. */
static int write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t written = write(fd, bytes, len);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return errno;
        bytes += written;
        len -= (size_t)written;
    }
    return 0;
}

/* Close `fd`; return `error`, or the errno of closing if that is 0. */
static int close_after(int fd, int error)
{
    if (close(fd) != 0 && error == 0)
        return errno;
    return error;
}

/* Write to what is no regular file. */
static int write_through(const char *path, const char *bytes, size_t len)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    return close_after(fd, write_all(fd, bytes, len));
}

/* Return the mode that a new file in the place of `old` (NULL: none) gets. */
static mode_t new_mode(const struct stat *old)
{
    if (old)
        return old->st_mode & 0777;
    mode_t mask = umask(0);
    umask(mask);
    return 0666 & ~mask;
}

/* Replace the regular file `path`, or create it. */
static int replace(const char *path, const struct stat *old, const char *bytes, size_t len)
{
    char *temporary = g_strdup_printf("%s.XXXXXX", path);
    int fd = mkostemp(temporary, O_CLOEXEC);
    int error = fd < 0 ? errno : 0;
    if (fd >= 0) {
        error = write_all(fd, bytes, len);
        if (error == 0 && fchmod(fd, new_mode(old)) != 0)
            error = errno;
        if (error == 0 && fsync(fd) != 0)
            error = errno;
        error = close_after(fd, error);
        if (error == 0 && rename(temporary, path) != 0)
            error = errno;
        if (error != 0)
            unlink(temporary);
    }
    g_free(temporary);
    return error;
}

int save_file(const char *path, const char *bytes, size_t len)
{
    struct stat old;
    if (stat(path, &old) != 0)
        return errno == ENOENT ? replace(path, NULL, bytes, len) : errno;
    if (S_ISDIR(old.st_mode))
        return EISDIR;
    if (!S_ISREG(old.st_mode))
        return write_through(path, bytes, len);
    if (access(path, W_OK) != 0)
        return errno; /* a file made read-only is meant to stay */
    char *real = realpath(path, NULL);
    if (!real)
        return errno;
    int error = replace(real, &old, bytes, len);
    free(real);
    return error;
}
