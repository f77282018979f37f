#include "replay/source.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "proto/reader.h"
#include "replay/content.h"
#include "replay/filetype.h"

/* A file in whose first bytes, so many of them, no record is found is not taken for a session. */
#define FIRST_RECORD_WITHIN_BYTES ((uint64_t)4 << 20)

struct source {
    const char *const *paths;
    size_t path_count;
    bool follow;
    uint64_t total_bytes;    /* 0: not known */
    uint64_t finished_bytes; /* progress in the files that are done */

    size_t index; /* the current file */
    struct content *content;
    struct reader *reader;
    uint8_t head[FILETYPE_BYTES]; /* its first bytes, until it is known what it is */
    size_t head_len;
    uint64_t stream_bytes; /* how far the (decompressed) stream has been read */
    bool input_ended;      /* it has no more */
    bool damaged;          /* a zstd frame was */
    bool known;            /* it is known what it is, and it is read */
    bool certain;          /* it is a session: it begins as one, or a record has been found */
    bool ended;            /* all its bytes have been fed to the reader */
    bool truncated;        /* it ended within a zstd frame, which has not been reported yet */

    struct source_item held; /* damage at the beginning, held back until it is certain that this is a session */
    bool holds;
    struct source_item found; /* the record behind the held damage */
    bool has_found;

    char message[512];
};

/* Return the sum of the files' sizes, 0 if it is not known. */
static uint64_t total_size(const char *const *paths, size_t n)
{
    uint64_t total = 0;
    for (size_t i = 0; i < n; i++) {
        struct stat st;
        int result = strcmp(paths[i], "-") == 0 ? fstat(0, &st) : stat(paths[i], &st);
        if (result != 0 || !S_ISREG(st.st_mode))
            return 0;
        total += (uint64_t)st.st_size;
    }
    return total;
}

struct source *source_open(const char *const *paths, size_t n, bool follow)
{
    struct source *source = calloc(1, sizeof *source);
    if (!source)
        abort();
    source->paths = paths;
    source->path_count = n;
    source->follow = follow;
    source->total_bytes = total_size(paths, n);
    return source;
}

static void close_file(struct source *source)
{
    if (source->content)
        source->finished_bytes += content_progress_bytes(source->content);
    content_free(source->content);
    reader_free(source->reader);
    source->content = NULL;
    source->reader = NULL;
    source->head_len = 0;
    source->stream_bytes = 0;
    source->damaged = source->input_ended = source->known = source->certain = source->ended = source->truncated = false;
    source->holds = source->has_found = false;
}

void source_free(struct source *source)
{
    if (!source)
        return;
    close_file(source);
    free(source);
}

void source_stop_following(struct source *source)
{
    source->follow = false;
}

uint64_t source_progress(const struct source *source, uint64_t *total)
{
    *total = source->total_bytes;
    return source->finished_bytes + (source->content ? content_progress_bytes(source->content) : 0);
}

static bool following(const struct source *source)
{
    return source->follow && source->index + 1 == source->path_count;
}

/* Fill in `item` for the current file, with a message that is copied (NULL: none). */
static enum source_result report(struct source *source, struct source_item *item, enum source_result result,
                                 const char *message)
{
    item->file = source->paths[source->index];
    item->file_index = source->index;
    item->message = NULL;
    if (message) {
        snprintf(source->message, sizeof source->message, "%s", message);
        item->message = source->message;
    }
    return result;
}

/* The same, as the last of this file. */
static enum source_result report_last(struct source *source, struct source_item *item, enum source_result result,
                                      const char *message)
{
    report(source, item, result, message);
    close_file(source);
    source->index++;
    return result;
}

/* ---------------------------------------------------------------- what is it? */

/* Decide what the file is by source->head, and hand that to the reader. */
static enum source_result judge_head(struct source *source, struct source_item *item)
{
    const char *what = NULL;
    if (source->head_len == 0 && !source->truncated)
        return report_last(source, item, SOURCE_NOT_A_SESSION,
                           source->damaged ? content_message(source->content) : "empty");
    enum filetype_result kind =
        source->head_len > 0 ? filetype(source->head, source->head_len, &what) : FILETYPE_SESSION;
    if (kind == FILETYPE_OTHER)
        return report_last(source, item, SOURCE_NOT_A_SESSION, what);
    source->known = true;
    source->certain = kind == FILETYPE_SESSION;
    if (source->head_len > 0) {
        size_t got;
        uint8_t *room = reader_reserve(source->reader, source->head_len, &got);
        memcpy(room, source->head, source->head_len);
        reader_commit(source->reader, source->head_len);
    }
    return SOURCE_AGAIN;
}

/* Handle what content_read() said besides CONTENT_BYTES and CONTENT_AGAIN. Return SOURCE_AGAIN when there is no news.
 */
static enum source_result handle_input(struct source *source, struct source_item *item, enum content_result result)
{
    switch (result) {
    case CONTENT_ERROR:
        return report_last(source, item, SOURCE_ERROR, content_message(source->content));
    case CONTENT_DAMAGE:
        source->damaged = true;
        item->offset_bytes = source->stream_bytes;
        return report(source, item, SOURCE_DAMAGE, content_message(source->content));
    case CONTENT_TRUNCATED:
        source->truncated = true;
        break;
    case CONTENT_BYTES:
    case CONTENT_AGAIN:
    case CONTENT_END:
        break;
    }
    source->input_ended = true;
    return SOURCE_AGAIN;
}

/* Read the first bytes and judge them. Return SOURCE_AGAIN also when there is nothing to say and reading can go on. */
static enum source_result read_head(struct source *source, struct source_item *item, bool *wait)
{
    while (source->head_len < FILETYPE_BYTES && !source->input_ended) {
        size_t got;
        enum content_result result = content_read(source->content, following(source), source->head + source->head_len,
                                                  FILETYPE_BYTES - source->head_len, &got);
        source->head_len += got;
        source->stream_bytes += got;
        if (result == CONTENT_BYTES)
            continue;
        const char *what;
        if (result == CONTENT_AGAIN) {
            /* The beginning of a session needs no more bytes than are there. */
            if (source->head_len > 32 && filetype(source->head, source->head_len, &what) == FILETYPE_SESSION)
                break;
            *wait = true;
            return report(source, item, SOURCE_AGAIN, NULL);
        }
        enum source_result news = handle_input(source, item, result);
        if (news != SOURCE_AGAIN)
            return news;
    }
    return judge_head(source, item);
}

/* ---------------------------------------------------------------- records */

/* Feed the reader. Return SOURCE_AGAIN when there is no news (*wait: because the file has not grown). */
static enum source_result feed(struct source *source, struct source_item *item, bool *wait)
{
    if (source->input_ended) {
        source->ended = true;
        reader_finish(source->reader);
        return SOURCE_AGAIN;
    }
    size_t room, got;
    uint8_t *to = reader_reserve(source->reader, CONTENT_READ_BYTES, &room);
    enum content_result result = content_read(source->content, following(source), to, room, &got);
    reader_commit(source->reader, got);
    source->stream_bytes += got;
    if (result == CONTENT_BYTES)
        return SOURCE_AGAIN;
    if (result == CONTENT_AGAIN) {
        *wait = true;
        return report(source, item, SOURCE_AGAIN, NULL);
    }
    return handle_input(source, item, result);
}

/* What the reader found at the end of the file. */
static enum source_result end_file(struct source *source, struct source_item *item)
{
    if (!source->certain)
        return report_last(source, item, SOURCE_NOT_A_SESSION, "it holds no record");
    if (source->truncated) {
        source->truncated = false;
        item->len_bytes = 0;
        item->offset_bytes = source->stream_bytes;
        return report(source, item, SOURCE_TRUNCATED, "it ends within a zstd frame");
    }
    close_file(source);
    source->index++;
    return SOURCE_AGAIN;
}

/* Give the damage `item` to the caller, or keep it until it is certain that this is a session. */
static enum source_result damage(struct source *source, struct source_item *item)
{
    if (source->certain)
        return report(source, item, SOURCE_DAMAGE, NULL);
    source->held = *item;
    source->holds = true;
    return SOURCE_AGAIN;
}

static enum source_result record(struct source *source, struct source_item *item)
{
    source->certain = true;
    report(source, item, SOURCE_RECORD, NULL);
    if (!source->holds)
        return SOURCE_RECORD;
    source->holds = false;
    source->has_found = true;
    source->found = *item;
    *item = source->held;
    return report(source, item, SOURCE_DAMAGE, NULL);
}

/* Return SOURCE_AGAIN when there is no news. */
static enum source_result read_records(struct source *source, struct source_item *item, bool *wait)
{
    if (source->has_found) {
        source->has_found = false;
        *item = source->found;
        return SOURCE_RECORD;
    }
    struct reader_item read;
    enum reader_result result = reader_next(source->reader, &read);
    *item = (struct source_item){.offset_bytes = read.offset_bytes, .len_bytes = read.len_bytes, .record = read.record};
    switch (result) {
    case READER_RECORD:
        return record(source, item);
    case READER_MORE:
        if (!source->certain && source->stream_bytes > FIRST_RECORD_WITHIN_BYTES)
            return report_last(source, item, SOURCE_NOT_A_SESSION, "its first 4 MiB hold no record");
        return feed(source, item, wait);
    case READER_DAMAGE:
        return damage(source, item);
    case READER_TRUNCATED:
        source->truncated = false;
        if (!source->certain)
            return SOURCE_AGAIN;
        return report(source, item, SOURCE_TRUNCATED, NULL);
    case READER_END:
        return end_file(source, item);
    }
    abort();
}

static enum source_result open_file(struct source *source, struct source_item *item)
{
    int error;
    source->content = content_open(source->paths[source->index], &error);
    if (!source->content) {
        bool directory = error == EISDIR;
        return report_last(source, item, directory ? SOURCE_NOT_A_SESSION : SOURCE_ERROR,
                           directory ? "a directory: name the files in it" : strerror(error));
    }
    source->reader = reader_new();
    return SOURCE_AGAIN;
}

enum source_result source_next(struct source *source, struct source_item *item)
{
    bool wait = false;
    while (source->index < source->path_count) {
        *item = (struct source_item){0};
        enum source_result result;
        if (!source->content)
            result = open_file(source, item);
        else if (!source->known)
            result = read_head(source, item, &wait);
        else
            result = read_records(source, item, &wait);
        if (result != SOURCE_AGAIN || wait)
            return result;
    }
    *item = (struct source_item){.file_index = source->path_count};
    return SOURCE_END;
}
