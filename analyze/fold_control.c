/* Events of the user's doing: settings, marks, pauses. */
#include <string.h>

#include "analyze/fold.h"
#include "base/memory.h"

static const struct model_delay no_delay = {MODEL_NONE, MODEL_NONE};

struct model_settings fold_no_settings(void)
{
    return (struct model_settings){.t_ns = MODEL_NONE,
                                   .connect_delay = no_delay,
                                   .request_delay = no_delay,
                                   .rates = {MODEL_NONE, MODEL_NONE},
                                   .rates_total = {MODEL_NONE, MODEL_NONE}};
}

static struct model_delay delay_of(const Mitm__DelayRange *range)
{
    if (!range)
        return no_delay;
    return (struct model_delay){model_number(range->min_ns), model_number(range->max_ns)};
}

static int64_t rate_of(bool has, uint64_t rate)
{
    return has ? model_number(rate) : MODEL_NONE;
}

static void settings(struct model_session *session, struct texts *texts, const Mitm__Settings *ev, int64_t t_ns)
{
    const char *address = ev->upstream_address;
    session->settings = (struct model_settings){
        .t_ns = t_ns,
        .origin = ev->has_origin ? (uint32_t)ev->origin : 0,
        .connect_delay = delay_of(ev->connect_delay),
        .request_delay = delay_of(ev->request_delay),
        .has_seed = ev->has_seed,
        .seed = ev->seed,
        .rates = {rate_of(ev->has_rate_up, ev->rate_up), rate_of(ev->has_rate_down, ev->rate_down)},
        .rates_total = {rate_of(ev->has_rate_up_total, ev->rate_up_total),
                        rate_of(ev->has_rate_down_total, ev->rate_down_total)},
        .upstream_kind = ev->has_upstream_kind ? (uint32_t)ev->upstream_kind : 0,
        .upstream_address = address ? texts_keep(texts, address, strlen(address)) : (struct text){0},
        .all_headers = ev->has_all_headers && ev->all_headers};
    session->setting_total++;
    if (session->setting_count == MODEL_MAX_SETTINGS)
        return;
    session->changes =
        memory_grow(session->changes, session->setting_count, &session->setting_capacity, sizeof *session->changes);
    session->changes[session->setting_count++] = session->settings;
}

static void mark(struct model_session *session, struct texts *texts, const Mitm__Mark *ev, int64_t t_ns)
{
    session->mark_total++;
    if (session->mark_count == MODEL_MAX_MARKS)
        return;
    session->marks = memory_grow(session->marks, session->mark_count, &session->mark_capacity, sizeof *session->marks);
    session->marks[session->mark_count++] = (struct model_mark){
        .t_ns = t_ns, .text = ev->has_text ? texts_keep(texts, ev->text.data, ev->text.len) : (struct text){0}};
}

static void pause_or_resume(struct model_session *session, struct model_pause moment)
{
    session->pause_total++;
    session->paused = !moment.resumed;
    if (session->pause_count == MODEL_MAX_PAUSES)
        return;
    session->pauses =
        memory_grow(session->pauses, session->pause_count, &session->pause_capacity, sizeof *session->pauses);
    session->pauses[session->pause_count++] = moment;
}

bool fold_control(struct model_session *session, struct texts *texts, const Mitm__Record *record, int64_t t_ns)
{
    switch ((int)record->event_case) {
    case MITM__RECORD__EVENT_SETTINGS:
        settings(session, texts, record->settings, t_ns);
        return true;
    case MITM__RECORD__EVENT_MARK:
        mark(session, texts, record->mark, t_ns);
        return true;
    case MITM__RECORD__EVENT_PAUSE:
        pause_or_resume(session, (struct model_pause){.t_ns = t_ns});
        return true;
    case MITM__RECORD__EVENT_RESUME:
        pause_or_resume(session, (struct model_pause){.t_ns = t_ns, .resumed = true, .events = record->resume->events});
        return true;
    default:
        return false;
    }
}

uint8_t fold_upstream_kind(const struct model_session *session, int64_t t_ns)
{
    uint32_t kind = session->upstream_kind;
    for (size_t i = 0; i <= session->setting_count; i++) {
        /* The latest stands behind those that are kept, as it may not be one of them. */
        const struct model_settings *s = i < session->setting_count ? &session->changes[i] : &session->settings;
        if (s->t_ns != MODEL_NONE && s->t_ns <= t_ns && s->upstream_kind != 0)
            kind = s->upstream_kind;
    }
    return kind <= UINT8_MAX ? (uint8_t)kind : 0;
}
