#include "analyze/intake.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/boundary.h"
#include "analyze/cli.h"
#include "analyze/format.h"
#include "base/memory.h"
#include "analyze/progress.h"
#include "replay/source.h"

struct intake {
    const struct intake_handler *handler;
    struct source *source;
    struct progress progress;
    enum intake_state worst; /* of the files that are done */
    size_t file_index;
    struct intake_verdict verdict; /* of the current file */
    bool in_file;

    /* The current session. */
    struct boundary session;
    uint64_t session_records, first_t_ns, last_t_ns;

    uint64_t damage_bytes; /* damage that no Loss has been made for yet */
    bool damaged;
};

static void end_session(const struct intake *intake, const struct boundary *session, struct intake_verdict *verdict)
{
    if (!session->in_session)
        return;
    if (!session->ended)
        verdict->sessions_without_end++;
    verdict->duration_ns += intake->last_t_ns - intake->first_t_ns;
}

static void begin_session(struct intake *intake, const Mitm__Record *record)
{
    intake->session_records = 0;
    intake->first_t_ns = intake->last_t_ns = record->t_ns;
    intake->verdict.sessions++;
    intake->verdict.sessions_without_start += record->event_case != MITM__RECORD__EVENT_SESSION_START;
}

static void count_end(struct intake *intake, const Mitm__SessionEnd *ev)
{
    if (ev->has_records && ev->records > intake->session_records)
        intake->verdict.missing_records += ev->records - intake->session_records;
}

static void count_record(struct intake *intake, const Mitm__Record *record)
{
    struct boundary before = intake->session;
    if (boundary_crossed(&intake->session, record)) {
        end_session(intake, &before, &intake->verdict);
        begin_session(intake, record);
    }
    intake->verdict.records++;
    intake->session_records++;
    if (record->t_ns > intake->last_t_ns)
        intake->last_t_ns = record->t_ns;
    if (record->t_ns < intake->first_t_ns)
        intake->first_t_ns = record->t_ns;
    if (record->event_case == MITM__RECORD__EVENT_SESSION_END)
        count_end(intake, record->session_end);
    if (record->event_case == MITM__RECORD__EVENT_LOSS) {
        intake->verdict.loss_count++;
        intake->verdict.lost_events += record->loss->events;
    }
}

static void tell_record(const struct intake *intake, const Mitm__Record *record, bool made)
{
    if (intake->handler->record)
        intake->handler->record(intake->handler->ctx, record, made);
}

/* Make a Loss for damage seen so far, in the session of `like` and at its time. */
static void tell_loss(struct intake *intake, bool has_id, uint32_t id, uint64_t t_ns)
{
    EVENT_NEW(record, ev, t_ns, Loss, LOSS, loss);
    EVENT_SET(ev, cause, MITM__LOSS_CAUSE__DAMAGE);
    EVENT_SET(ev, len_bytes, intake->damage_bytes);
    record.has_session = has_id;
    record.session = id;
    intake->damaged = false;
    intake->damage_bytes = 0;
    tell_record(intake, &record, true);
}

/* Hand on a record, with a Loss beside it if there was damage before it. */
static void take_record(struct intake *intake, const struct source_item *item)
{
    const Mitm__Record *record = item->record;
    bool start = record->event_case == MITM__RECORD__EVENT_SESSION_START;
    if (intake->damaged && start && intake->session.in_session && !intake->session.ended)
        tell_loss(intake, intake->session.has_id, intake->session.id, intake->last_t_ns);
    if (intake->damaged && !start)
        tell_loss(intake, record->has_session, record->session, record->t_ns);
    count_record(intake, record);
    intake->verdict.stream_bytes = item->offset_bytes + item->len_bytes;
    tell_record(intake, record, false);
    if (intake->damaged)
        tell_loss(intake, record->has_session, record->session, record->t_ns);
}

static void take_damage(struct intake *intake, const struct source_item *item, bool truncated)
{
    struct intake_verdict *verdict = &intake->verdict;
    if (truncated) {
        verdict->truncated = true;
        verdict->truncated_offset_bytes = item->offset_bytes;
        verdict->truncated_bytes = item->len_bytes;
    } else {
        if (verdict->damage_count++ == 0)
            verdict->first_damage_offset_bytes = item->offset_bytes;
        verdict->damage_bytes += item->len_bytes;
        if (item->message && !verdict->problem[0])
            snprintf(verdict->problem, sizeof verdict->problem, "%s", item->message);
        intake->damaged = true;
        intake->damage_bytes += item->len_bytes;
    }
    if (item->offset_bytes + item->len_bytes > verdict->stream_bytes)
        verdict->stream_bytes = item->offset_bytes + item->len_bytes;
    const struct intake_damage damage = {item->offset_bytes, item->len_bytes, truncated, item->message};
    if (intake->handler->damage)
        intake->handler->damage(intake->handler->ctx, &damage);
}

static enum intake_state judge(const struct intake_verdict *verdict)
{
    if (verdict->state != INTAKE_WHOLE)
        return verdict->state;
    if (verdict->damage_count > 0 || verdict->missing_records > 0 || verdict->sessions_without_start > 0)
        return INTAKE_DAMAGED;
    return verdict->truncated || verdict->sessions_without_end > 0 || verdict->sessions == 0 ? INTAKE_CUT_OFF
                                                                                             : INTAKE_WHOLE;
}

static void end_file(struct intake *intake)
{
    if (!intake->in_file)
        return;
    progress_clear(&intake->progress);
    if (intake->damaged && intake->session.in_session)
        tell_loss(intake, intake->session.has_id, intake->session.id, intake->last_t_ns);
    end_session(intake, &intake->session, &intake->verdict);
    intake->session = (struct boundary){0};
    intake->verdict.state = judge(&intake->verdict);
    if (intake->verdict.state > intake->worst)
        intake->worst = intake->verdict.state;
    if (intake->handler->end_file)
        intake->handler->end_file(intake->handler->ctx, &intake->verdict);
    intake->in_file = intake->damaged = false;
}

static void begin_file(struct intake *intake, const char *file)
{
    intake->in_file = true;
    intake->damage_bytes = 0;
    intake->verdict = (struct intake_verdict){.file = file};
    if (intake->handler->begin_file)
        intake->handler->begin_file(intake->handler->ctx, file);
}

static void take_problem(struct intake *intake, const struct source_item *item, enum intake_state state)
{
    intake->verdict.state = state;
    snprintf(intake->verdict.problem, sizeof intake->verdict.problem, "%s", item->message);
}

static void take(struct intake *intake, enum source_result result, const struct source_item *item)
{
    switch (result) {
    case SOURCE_RECORD:
        take_record(intake, item);
        break;
    case SOURCE_DAMAGE:
        take_damage(intake, item, false);
        break;
    case SOURCE_TRUNCATED:
        take_damage(intake, item, true);
        break;
    case SOURCE_NOT_A_SESSION:
        take_problem(intake, item, INTAKE_NOT_A_SESSION);
        break;
    case SOURCE_ERROR:
        take_problem(intake, item, INTAKE_UNREADABLE);
        break;
    case SOURCE_AGAIN:
    case SOURCE_END:
        break;
    }
}

struct intake *intake_new(const char *const *paths, size_t n, bool follow, const struct intake_handler *handler)
{
    struct intake *intake = memory_new(1, sizeof *intake);
    intake->handler = handler;
    intake->source = source_open(paths, n, follow);
    return intake;
}

void intake_free(struct intake *intake)
{
    if (!intake)
        return;
    source_free(intake->source);
    free(intake);
}

enum intake_step intake_next(struct intake *intake)
{
    struct source_item item;
    enum source_result result = source_next(intake->source, &item);
    if (result == SOURCE_AGAIN)
        return INTAKE_AGAIN;
    if (result == SOURCE_END) {
        end_file(intake);
        return INTAKE_END;
    }
    if (!intake->in_file || item.file_index != intake->file_index) {
        end_file(intake);
        begin_file(intake, item.file);
        intake->file_index = item.file_index;
    }
    take(intake, result, &item);
    return INTAKE_MORE;
}

bool intake_so_far(const struct intake *intake, struct intake_verdict *verdict)
{
    if (!intake->in_file)
        return false;
    *verdict = intake->verdict;
    end_session(intake, &intake->session, verdict);
    verdict->state = judge(verdict);
    return true;
}

enum intake_state intake_run(const char *const *paths, size_t n, const struct intake_handler *handler)
{
    struct intake *intake = intake_new(paths, n, false, handler);
    progress_init(&intake->progress, handler->prints);
    while (intake_next(intake) == INTAKE_MORE && (!handler->go_on || handler->go_on(handler->ctx)))
        progress_update(&intake->progress, intake->source);
    progress_clear(&intake->progress);
    enum intake_state worst = intake->worst;
    intake_free(intake);
    return worst;
}

bool intake_describe(const struct intake_verdict *verdict, char *text, size_t room)
{
    char count[FORMAT_BYTES], bytes[FORMAT_BYTES], offset[FORMAT_BYTES];
    switch (verdict->state) {
    case INTAKE_WHOLE:
        text[0] = '\0';
        return false;
    case INTAKE_CUT_OFF:
        snprintf(text, room, "the recording was cut off; all %s records before that are used",
                 format_count(count, verdict->records));
        return true;
    case INTAKE_DAMAGED:
        if (verdict->damage_count > 0)
            snprintf(text, room, "damaged from byte %s on (%s bytes lost%s%s); the %s whole records are used",
                     format_count(offset, verdict->first_damage_offset_bytes),
                     format_count(bytes, verdict->damage_bytes), verdict->problem[0] ? "; " : "", verdict->problem,
                     format_count(count, verdict->records));
        else
            snprintf(text, room, "records are missing; the %s that are there are used",
                     format_count(count, verdict->records));
        return true;
    case INTAKE_NOT_A_SESSION:
        snprintf(text, room, "not a session: %s", verdict->problem);
        return true;
    case INTAKE_UNREADABLE:
        snprintf(text, room, "%s", verdict->problem);
        return true;
    }
    abort();
}

void intake_warn(const struct intake_verdict *verdict)
{
    char text[1024];
    if (intake_describe(verdict, text, sizeof text))
        cli_warn("%s: %s", verdict->file, text);
}
