#include "analyze/repair.h"

#include <stdlib.h>

#include "analyze/boundary.h"
#include "base/memory.h"
#include "proto/writer.h"

#define BLOCK_BYTES ((size_t)262144)

struct repair {
    const char *path;
    bool force;
    struct writer *writer; /* NULL: nothing has been written yet */
    int error;             /* the first one; nothing is written afterwards */
    uint8_t *block;
    size_t block_len, block_capacity;
    uint64_t records;

    struct boundary session;
    uint64_t session_records; /* written */
    uint64_t session_read;    /* read from the damaged file */
    bool session_damaged;     /* a Loss has been written for damage */
    uint64_t last_t_ns;
};

struct repair *repair_new(const char *path, bool force)
{
    struct repair *repair = memory_new(1, sizeof *repair);
    repair->path = path;
    repair->force = force;
    return repair;
}

static void flush_block(struct repair *repair)
{
    if (repair->block_len > 0 && !repair->writer && !repair->error)
        repair->writer = writer_open(repair->path, repair->force, &repair->error);
    if (repair->block_len > 0 && !repair->error)
        repair->error = writer_write(repair->writer, repair->block, repair->block_len, false);
    repair->block_len = 0;
}

static void write_record(struct repair *repair, const Mitm__Record *record)
{
    size_t size = event_encoded_size(record);
    if (repair->block_len > 0 && repair->block_len + size > BLOCK_BYTES)
        flush_block(repair);
    if (repair->block_len + size > repair->block_capacity) {
        repair->block_capacity = size > BLOCK_BYTES ? size : BLOCK_BYTES;
        repair->block = realloc(repair->block, repair->block_capacity);
        if (!repair->block)
            abort();
    }
    size_t len = event_encode(record, repair->block + repair->block_len);
    repair->block_len += len;
    if (len > 0) {
        repair->records++;
        repair->session_records++;
    }
}

/* Write a record of our own in the current session. */
static void write_own(struct repair *repair, Mitm__Record *record)
{
    record->has_session = repair->session.has_id;
    record->session = repair->session.id;
    write_record(repair, record);
}

static void write_start(struct repair *repair)
{
    EVENT_NEW(record, ev, 0, SessionStart, SESSION_START, session_start);
    ev.magic = (char[]){"MITM session"};
    EVENT_SET(ev, format_version, 1);
    ev.tool = (char[]){"mitm-analyze " MITM_VERSION " (the beginning is lost)"};
    write_own(repair, &record);
}

static void write_loss(struct repair *repair, bool has_events, uint64_t events, bool has_len, uint64_t len_bytes)
{
    EVENT_NEW(record, ev, repair->last_t_ns, Loss, LOSS, loss);
    EVENT_SET(ev, cause, MITM__LOSS_CAUSE__DAMAGE);
    ev.has_events = has_events;
    ev.events = events;
    ev.has_len_bytes = has_len;
    ev.len_bytes = len_bytes;
    write_own(repair, &record);
}

/* Write the session's last record: `old`, with the number of records that there are now, or our own. */
static void write_end(struct repair *repair, const Mitm__Record *old)
{
    EVENT_NEW(record, ev, repair->last_t_ns, SessionEnd, SESSION_END, session_end);
    EVENT_SET(ev, cause, MITM__SESSION_END_CAUSE__WRITTEN);
    if (old) {
        const Mitm__SessionEnd *end = old->session_end;
        if (end->has_records && end->records > repair->session_read && !repair->session_damaged)
            write_loss(repair, true, end->records - repair->session_read, false, 0);
        record = *old;
        ev = *end;
        record.session_end = &ev;
    }
    EVENT_SET(ev, records, repair->session_records + 1);
    write_own(repair, &record);
}

void repair_record(struct repair *repair, const Mitm__Record *record, bool made)
{
    struct boundary before = repair->session;
    bool crossed = boundary_crossed(&repair->session, record);
    if (!crossed && made && before.ended)
        return; /* what lies behind a clean end is no loss */
    if (crossed) {
        struct boundary now = repair->session;
        repair->session = before;
        if (before.in_session && !before.ended)
            write_end(repair, NULL);
        repair->session = now;
        repair->session_records = repair->session_read = 0;
        repair->session_damaged = false;
        repair->last_t_ns = record->t_ns;
        if (record->event_case != MITM__RECORD__EVENT_SESSION_START)
            write_start(repair);
    }
    repair->session_read += !made;
    repair->session_damaged |= made;
    if (record->t_ns > repair->last_t_ns)
        repair->last_t_ns = record->t_ns;
    if (record->event_case == MITM__RECORD__EVENT_SESSION_END)
        write_end(repair, record);
    else
        write_record(repair, record);
}

void repair_truncated(struct repair *repair, uint64_t len_bytes)
{
    if (repair->session.in_session && !repair->session.ended && len_bytes > 0)
        write_loss(repair, false, 0, true, len_bytes);
}

int repair_finish(struct repair *repair, uint64_t *records)
{
    if (repair->session.in_session && !repair->session.ended)
        write_end(repair, NULL);
    flush_block(repair);
    int error = repair->error;
    if (repair->writer) {
        int close_error = writer_close(repair->writer);
        error = error ? error : close_error;
    }
    *records = repair->records;
    free(repair->block);
    free(repair);
    return error;
}
