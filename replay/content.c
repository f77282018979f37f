#include "replay/content.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zstd.h>

#include "replay/filetype.h"

/* A frame or skippable frame begins with so many bytes of magic number. */
#define MAGIC_BYTES              ((size_t)4)
#define FRAME_HEADER_LEAST_BYTES ((size_t)5)

enum kind { KIND_NOT_YET_KNOWN, KIND_PLAIN, KIND_ZSTD };

struct content {
    int fd;
    enum kind kind;
    uint64_t file_read_bytes; /* of the file, so far */
    /* Bytes of the file: buffer[at … end] are not used yet. Those before `at` are kept as long as there is room, so
     * that the search for the frame behind a damaged one can start within it. */
    uint8_t *buffer;
    size_t at, end;
    char message[256];

    ZSTD_DCtx *zstd;
    bool in_frame;          /* the current frame is not complete yet */
    bool unflushed;         /* zstd may hold more output than there was room for */
    size_t wanted_bytes;    /* what zstd wants to have next: the rest of a header or a block */
    uint64_t frame_offset;  /* where the current frame begins in the file */
    bool searching;         /* for the frame behind a damaged one */
    char damage[96];        /* what zstd found wrong with the damaged one */
    uint64_t rewound_bytes; /* read twice in all, which a hostile file must not drive up */
};

#define BUFFER_BYTES (2 * CONTENT_READ_BYTES)

struct content *content_open(const char *path, int *error)
{
    int fd = strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        *error = errno;
        return NULL;
    }
    struct stat st;
    if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
        *error = EISDIR;
        close(fd);
        return NULL;
    }
    struct content *content = calloc(1, sizeof *content);
    uint8_t *buffer = malloc(BUFFER_BYTES);
    if (!content || !buffer)
        abort();
    content->fd = fd;
    content->buffer = buffer;
    return content;
}

void content_free(struct content *content)
{
    if (!content)
        return;
    ZSTD_freeDCtx(content->zstd);
    close(content->fd);
    free(content->buffer);
    free(content);
}

const char *content_message(const struct content *content)
{
    return content->message;
}

uint64_t content_progress_bytes(const struct content *content)
{
    return content->file_read_bytes;
}

/* Read once into `to`. Return CONTENT_BYTES, CONTENT_END (no more for now, or ever) or CONTENT_ERROR. */
static enum content_result read_file(struct content *content, uint8_t *to, size_t room, size_t *got)
{
    ssize_t n;
    do {
        n = read(content->fd, to, room);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        snprintf(content->message, sizeof content->message, "%s", strerror(errno));
        return CONTENT_ERROR;
    }
    content->file_read_bytes += (uint64_t)n;
    *got = (size_t)n;
    return n > 0 ? CONTENT_BYTES : CONTENT_END;
}

/* Read more of the file into the buffer, behind what is there. */
static enum content_result fill_buffer(struct content *content)
{
    if (BUFFER_BYTES - content->end < CONTENT_READ_BYTES) {
        /* Unused bytes are never more than one read, so that at least as many used ones stay. */
        size_t drop = content->end - CONTENT_READ_BYTES;
        memmove(content->buffer, content->buffer + drop, CONTENT_READ_BYTES);
        content->at -= drop;
        content->end = CONTENT_READ_BYTES;
    }
    size_t got = 0;
    enum content_result result = read_file(content, content->buffer + content->end, CONTENT_READ_BYTES, &got);
    content->end += got;
    return result;
}

/* Return the offset in the file of the byte at buffer[at]. */
static uint64_t file_offset(const struct content *content)
{
    return content->file_read_bytes - (content->end - content->at);
}

/* ---------------------------------------------------------------- zstd */

static void zstd_begin(struct content *content)
{
    content->zstd = ZSTD_createDCtx();
    if (!content->zstd)
        abort();
    content->kind = KIND_ZSTD;
}

/* Turn to the search for the next frame, from as near behind the damaged one's beginning as the buffer has it. */
static void zstd_give_up_frame(struct content *content, const char *why)
{
    snprintf(content->damage, sizeof content->damage, "%s", why);
    ZSTD_DCtx_reset(content->zstd, ZSTD_reset_session_only);
    content->in_frame = false;
    content->unflushed = false;
    content->searching = true;
    uint64_t behind_start = file_offset(content) - content->frame_offset;
    size_t back = behind_start > content->at ? content->at : (size_t)behind_start;
    if (back > 0 && content->rewound_bytes + back <= content->file_read_bytes + BUFFER_BYTES) {
        content->rewound_bytes += back;
        content->at -= back;
    }
    /* Not the damaged frame itself again. */
    if (file_offset(content) == content->frame_offset && content->at < content->end)
        content->at++;
}

/* Move `at` to the next magic number. Return whether there is one; else all but what may be its beginning is used up.
 */
static bool zstd_search(struct content *content)
{
    while (content->end - content->at >= MAGIC_BYTES) {
        if (filetype_is_zstd(content->buffer + content->at, content->end - content->at))
            return true;
        content->at++;
    }
    return false;
}

static enum content_result zstd_report(struct content *content)
{
    content->searching = false;
    snprintf(content->message, sizeof content->message, "bytes %" PRIu64 " to %" PRIu64 " of the compressed file: %s",
             content->frame_offset, file_offset(content), content->damage);
    return CONTENT_DAMAGE;
}

static void zstd_begin_frame(struct content *content)
{
    content->frame_offset = file_offset(content);
    content->in_frame = true;
    content->wanted_bytes = FRAME_HEADER_LEAST_BYTES;
}

/*
 * Unpack what is in the buffer. Return CONTENT_BYTES, or CONTENT_END when the buffer is used up and gave nothing.
 * zstd gets only as much at once as it asks for, the next block: what it unpacked in the call that fails is lost.
 */
static enum content_result zstd_unpack(struct content *content, uint8_t *to, size_t room, size_t *got)
{
    ZSTD_outBuffer out = {.dst = to, .size = room};
    while (out.pos == 0 && !content->searching && (content->at < content->end || content->unflushed)) {
        if (!content->in_frame)
            zstd_begin_frame(content);
        size_t n = content->end - content->at;
        ZSTD_inBuffer in = {.src = content->buffer + content->at,
                            .size = n < content->wanted_bytes ? n : content->wanted_bytes};
        size_t wanted = ZSTD_decompressStream(content->zstd, &out, &in);
        content->at += in.pos;
        content->unflushed = out.pos == out.size;
        if (ZSTD_isError(wanted))
            zstd_give_up_frame(content, ZSTD_getErrorName(wanted));
        else
            content->wanted_bytes = wanted;
        if (wanted == 0)
            content->in_frame = content->unflushed = false;
    }
    *got = out.pos;
    return out.pos > 0 ? CONTENT_BYTES : CONTENT_END;
}

/*
 * The file has ended. If that was within a frame, the frame may be cut off; or a damaged length in it made it swallow
 * the frames behind it, which are looked for.
 */
static enum content_result zstd_end(struct content *content, bool follow)
{
    if (follow)
        return CONTENT_AGAIN;
    if (content->in_frame) {
        zstd_give_up_frame(content, "a block reaches beyond the end of the file");
        if (zstd_search(content))
            return zstd_report(content);
        content->searching = false;
        content->at = content->end;
        return CONTENT_TRUNCATED;
    }
    if (!content->searching)
        return CONTENT_END;
    content->at = content->end;
    return zstd_report(content);
}

static enum content_result zstd_read(struct content *content, bool follow, uint8_t *to, size_t room, size_t *got)
{
    for (;;) {
        if (!content->searching && zstd_unpack(content, to, room, got) == CONTENT_BYTES)
            return CONTENT_BYTES;
        if (content->searching && zstd_search(content))
            return zstd_report(content);
        enum content_result result = fill_buffer(content);
        if (result == CONTENT_END)
            return zstd_end(content, follow);
        if (result == CONTENT_ERROR)
            return result;
    }
}

/* ---------------------------------------------------------------- */

static enum content_result plain_read(struct content *content, bool follow, uint8_t *to, size_t room, size_t *got)
{
    size_t n = content->end - content->at;
    if (n > 0) {
        *got = n < room ? n : room;
        memcpy(to, content->buffer + content->at, *got);
        content->at += *got;
        return CONTENT_BYTES;
    }
    enum content_result result = read_file(content, to, room < CONTENT_READ_BYTES ? room : CONTENT_READ_BYTES, got);
    return result == CONTENT_END && follow ? CONTENT_AGAIN : result;
}

/* Read until the kind of the file is known. Return CONTENT_BYTES when it is, else why not. */
static enum content_result find_kind(struct content *content, bool follow)
{
    while (content->end < MAGIC_BYTES) {
        enum content_result result = fill_buffer(content);
        if (result == CONTENT_ERROR || (result == CONTENT_END && (follow || content->end == 0)))
            return result == CONTENT_END && follow ? CONTENT_AGAIN : result;
        if (result == CONTENT_END)
            break;
    }
    if (filetype_is_zstd(content->buffer, content->end))
        zstd_begin(content);
    else
        content->kind = KIND_PLAIN;
    return CONTENT_BYTES;
}

enum content_result content_read(struct content *content, bool follow, uint8_t *to, size_t room, size_t *got)
{
    *got = 0;
    if (content->kind == KIND_NOT_YET_KNOWN) {
        enum content_result result = find_kind(content, follow);
        if (result != CONTENT_BYTES)
            return result;
    }
    return content->kind == KIND_ZSTD ? zstd_read(content, follow, to, room, got)
                                      : plain_read(content, follow, to, room, got);
}
