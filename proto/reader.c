#include "proto/reader.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/*
 * A file that was made to deceive can hold a false record of 1 MiB at almost every byte. So much is spent on computing
 * the CRCs of false records in one damage; from then on only short records are looked for in it.
 */
#define FALSE_CRC_BUDGET_BYTES ((uint64_t)1 << 30)
#define SHORT_RECORD_BYTES     ((size_t)4096)

struct reader {
    uint8_t *buffer;
    size_t capacity;
    size_t start, end;        /* the unread bytes */
    uint64_t offset;          /* of buffer[start] in the input */
    bool finished;            /* no more bytes will come */
    uint64_t skipped_bytes;   /* > 0: looking for the next record; so many bytes before `start` hold none */
    uint64_t false_crc_bytes; /* of records in what is skipped whose CRC was wrong */
    bool skip_incomplete;     /* what is skipped began with a record that reached beyond the end of the input */
    bool in_session;          /* `session` is known: SessionStart, or the first record found, has been read */
    uint32_t session;
    struct event_arena *arena;
};

struct reader *reader_new(void)
{
    struct reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        abort();
    reader->arena = event_arena_new();
    return reader;
}

void reader_free(struct reader *reader)
{
    if (!reader)
        return;
    event_arena_free(reader->arena);
    free(reader->buffer);
    free(reader);
}

uint8_t *reader_reserve(struct reader *reader, size_t want, size_t *got)
{
    assert(!reader->finished && want > 0);
    size_t unread = reader->end - reader->start;
    if (reader->start > 0 && reader->capacity - reader->end < want) {
        memmove(reader->buffer, reader->buffer + reader->start, unread);
        reader->start = 0;
        reader->end = unread;
    }
    if (reader->capacity - reader->end < want) {
        size_t capacity = reader->end + want;
        uint8_t *buffer = realloc(reader->buffer, capacity);
        if (!buffer)
            abort();
        reader->buffer = buffer;
        reader->capacity = capacity;
    }
    *got = reader->capacity - reader->end;
    return reader->buffer + reader->end;
}

void reader_commit(struct reader *reader, size_t n)
{
    assert(n <= reader->capacity - reader->end);
    reader->end += n;
}

void reader_finish(struct reader *reader)
{
    reader->finished = true;
}

enum candidate {
    CANDIDATE_RECORD,    /* a whole record that proves itself */
    CANDIDATE_BAD,       /* no record begins here */
    CANDIDATE_INCOMPLETE /* it may be one: its end is not there yet */
};

/*
 * Read the length prefix of the record at `p`, of which `n` bytes are there. Store the length of the prefix and of the
 * record. Records are shorter than 2^21 bytes, so that a prefix of more than three bytes is none.
 */
static enum candidate read_prefix(const uint8_t *p, size_t n, size_t *prefix, size_t *len)
{
    size_t value = 0;
    for (size_t i = 0; i < EVENT_MAX_PREFIX_BYTES; i++) {
        if (i == n)
            return CANDIDATE_INCOMPLETE;
        value |= (size_t)(p[i] & 0x7f) << (7 * i);
        if (!(p[i] & 0x80)) {
            *prefix = i + 1;
            *len = value;
            return value > EVENT_TRAILER_BYTES && value <= EVENT_MAX_BYTES ? CANDIDATE_RECORD : CANDIDATE_BAD;
        }
    }
    return CANDIDATE_BAD;
}

/* Look at the record at reader->start; on CANDIDATE_RECORD fill in `item`. */
static enum candidate examine(struct reader *reader, struct reader_item *item)
{
    const uint8_t *p = reader->buffer + reader->start;
    size_t n = reader->end - reader->start;
    size_t prefix, len;
    enum candidate result = read_prefix(p, n, &prefix, &len);
    if (result != CANDIDATE_RECORD)
        return result;
    const uint8_t t_ns_tag = 0x08; /* t_ns, always the first field */
    if (n > prefix && p[prefix] != t_ns_tag)
        return CANDIDATE_BAD;
    if (n < prefix + len)
        return CANDIDATE_INCOMPLETE;
    if (reader->false_crc_bytes > FALSE_CRC_BUDGET_BYTES && len > SHORT_RECORD_BYTES)
        return CANDIDATE_BAD;
    if (!event_crc_valid(p + prefix, len)) {
        reader->false_crc_bytes += len;
        return CANDIDATE_BAD;
    }
    Mitm__Record *record = event_decode(reader->arena, p + prefix, len);
    if (!record)
        return CANDIDATE_BAD;
    bool begins = record->event_case == MITM__RECORD__EVENT_SESSION_START;
    if (reader->skipped_bytes > 0 && reader->in_session && !begins && record->session != reader->session)
        return CANDIDATE_BAD;
    item->offset_bytes = reader->offset;
    item->len_bytes = prefix + len;
    item->record = record;
    return CANDIDATE_RECORD;
}

/*
 * At the end of the input: tell whether the unread bytes are a whole record behind a damaged length prefix, rather than
 * the beginning of a record whose end is missing.
 */
static bool only_prefix_damaged(const struct reader *reader)
{
    const uint8_t *p = reader->buffer + reader->start;
    size_t n = reader->end - reader->start;
    for (size_t prefix = 1; prefix <= EVENT_MAX_PREFIX_BYTES && prefix < n; prefix++) {
        if (event_crc_valid(p + prefix, n - prefix))
            return true;
    }
    return false;
}

static void consume(struct reader *reader, size_t n)
{
    reader->start += n;
    reader->offset += n;
}

/* Fill in `item` with what has been skipped, and forget it. */
static enum reader_result report_skipped(struct reader *reader, struct reader_item *item, enum reader_result result)
{
    *item = (struct reader_item){.offset_bytes = reader->offset - reader->skipped_bytes,
                                 .len_bytes = reader->skipped_bytes};
    reader->skipped_bytes = 0;
    reader->false_crc_bytes = 0;
    reader->skip_incomplete = false;
    return result;
}

static void accept_record(struct reader *reader, const struct reader_item *item)
{
    consume(reader, item->len_bytes);
    /* Behind a clean end anything may follow: the next session of a concatenation, even with a damaged beginning. */
    reader->in_session = item->record->event_case != MITM__RECORD__EVENT_SESSION_END;
    reader->session = item->record->session;
}

enum reader_result reader_next(struct reader *reader, struct reader_item *item)
{
    *item = (struct reader_item){0};
    while (reader->start < reader->end) {
        enum candidate candidate = examine(reader, item);
        if (candidate == CANDIDATE_INCOMPLETE && !reader->finished)
            return READER_MORE;
        if (candidate == CANDIDATE_RECORD) {
            if (reader->skipped_bytes > 0)
                return report_skipped(reader, item, READER_DAMAGE); /* the record itself comes with the next call */
            accept_record(reader, item);
            return READER_RECORD;
        }
        if (reader->skipped_bytes == 0)
            reader->skip_incomplete = candidate == CANDIDATE_INCOMPLETE && !only_prefix_damaged(reader);
        consume(reader, 1);
        reader->skipped_bytes++;
    }
    if (!reader->finished)
        return READER_MORE;
    if (reader->skipped_bytes > 0)
        return report_skipped(reader, item, reader->skip_incomplete ? READER_TRUNCATED : READER_DAMAGE);
    item->offset_bytes = reader->offset;
    return READER_END;
}
