#include "proto/writer.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zstd.h>

/* Session text compresses well already at zstd's lowest level, which keeps up with the traffic. */
enum { ZSTD_LEVEL = 1 };
/* A file is only begun where so much has room, and the reserve. */
#define FIRST_BLOCK_BYTES ((size_t)16384)

struct writer {
    int fd;
    bool regular;        /* can be cut back and preallocated */
    uint64_t size_bytes; /* end of the last whole block */
    uint64_t allocated_bytes;
    ZSTD_CCtx *zstd; /* NULL: plain */
    uint8_t *compressed;
    size_t compressed_capacity;
};

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

/*
 * Open the file of a new session: one of its own, so that nothing is overwritten and nobody else can read it. With
 * `force` an old one, or a link to one, makes way; a device or a FIFO is written to as it is.
 */
static int open_file(const char *path, bool force)
{
    struct stat st;
    if (force && stat(path, &st) == 0 && !S_ISREG(st.st_mode))
        return open(path, O_WRONLY | O_CLOEXEC);
    if (force && unlink(path) != 0 && errno != ENOENT)
        return -1;
    return open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
}

/*
 * Make sure that a block of `len` bytes, and behind it the reserve, fit on the disk. File systems that cannot
 * preallocate are taken at their word when the time comes.
 */
static int allocate(struct writer *writer, size_t len)
{
    uint64_t need = writer->size_bytes + len + WRITER_RESERVE_BYTES;
    if (!writer->regular || need <= writer->allocated_bytes)
        return 0;
    if (fallocate(writer->fd, FALLOC_FL_KEEP_SIZE, (off_t)writer->allocated_bytes,
                  (off_t)(need - writer->allocated_bytes)) == 0) {
        writer->allocated_bytes = need;
        return 0;
    }
    return errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? errno : 0;
}

struct writer *writer_open(const char *path, bool force, int *error)
{
    int fd = open_file(path, force);
    if (fd < 0) {
        *error = errno;
        return NULL;
    }
    struct stat st;
    struct writer *writer = calloc(1, sizeof *writer);
    if (!writer || fstat(fd, &st) != 0)
        abort();
    writer->fd = fd;
    writer->regular = S_ISREG(st.st_mode);
    *error = allocate(writer, FIRST_BLOCK_BYTES);
    if (*error) {
        unlink(path);
        close(fd);
        free(writer);
        return NULL;
    }
    if (ends_with(path, ".zst")) {
        writer->zstd = ZSTD_createCCtx();
        if (!writer->zstd)
            abort();
        ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL);
        ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_checksumFlag, 1);
    }
    return writer;
}

/* Cut the file back to the end of the last whole block; `allocated_bytes` is given back by that as well. */
static void cut_back(struct writer *writer)
{
    if (writer->regular && ftruncate(writer->fd, (off_t)writer->size_bytes) == 0)
        writer->allocated_bytes = writer->size_bytes;
}

static int write_all(struct writer *writer, const uint8_t *data, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = writer->regular ? pwrite(writer->fd, data + done, len - done, (off_t)(writer->size_bytes + done))
                                    : write(writer->fd, data + done, len - done);
        if (n > 0)
            done += (size_t)n;
        else if (n < 0 && errno != EINTR)
            return errno;
    }
    return 0;
}

/* Compress `len` bytes at `data` into writer->compressed; return the compressed length. */
static size_t compress_block(struct writer *writer, const uint8_t *data, size_t len)
{
    size_t bound = ZSTD_compressBound(len);
    if (bound > writer->compressed_capacity) {
        free(writer->compressed);
        writer->compressed = malloc(bound);
        if (!writer->compressed)
            abort();
        writer->compressed_capacity = bound;
    }
    size_t n = ZSTD_compress2(writer->zstd, writer->compressed, writer->compressed_capacity, data, len);
    assert(!ZSTD_isError(n)); /* the room is sufficient, and there is no other error */
    return n;
}

int writer_write(struct writer *writer, const uint8_t *data, size_t len, bool last_resort)
{
    if (len == 0)
        return 0;
    if (writer->zstd) {
        len = compress_block(writer, data, len);
        data = writer->compressed;
    }
    int error = last_resort ? 0 : allocate(writer, len);
    if (error)
        return error;
    error = write_all(writer, data, len);
    if (error)
        cut_back(writer);
    else
        writer->size_bytes += len;
    return error;
}

uint64_t writer_size_bytes(const struct writer *writer)
{
    return writer->size_bytes;
}

int writer_close(struct writer *writer)
{
    int error = 0;
    if (writer->regular) {
        if (ftruncate(writer->fd, (off_t)writer->size_bytes) != 0 || fsync(writer->fd) != 0)
            error = errno;
    }
    if (close(writer->fd) != 0 && !error)
        error = errno;
    ZSTD_freeCCtx(writer->zstd);
    free(writer->compressed);
    free(writer);
    return error;
}
