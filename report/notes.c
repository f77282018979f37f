/* What the user did while recording: marks, changed settings, pauses. */
#include <inttypes.h>
#include <stdlib.h>

#include "analyze/format.h"
#include "analyze/memory.h"
#include "report/document.h"

/* A note: one of the session's marks, settings or pauses. */
struct note {
    int64_t t_ns;
    enum { NOTE_SETTINGS, NOTE_MARK, NOTE_PAUSE } kind;
    size_t index;
};

static int compare(const void *a, const void *b)
{
    const struct note *x = a, *y = b;
    if (x->t_ns != y->t_ns)
        return x->t_ns < y->t_ns ? -1 : 1;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

static void write_delay(FILE *out, const char *name, const struct model_range *range)
{
    char min[FORMAT_BYTES], max[FORMAT_BYTES];
    if (range->min_ns == MODEL_NONE)
        return;
    fprintf(out, "; %s %s", name, format_duration(min, range->min_ns));
    if (range->max_ns != range->min_ns)
        fprintf(out, " to %s, evenly distributed", format_duration(max, range->max_ns));
}

static void write_rate(FILE *out, const char *name, int64_t rate)
{
    char buffer[FORMAT_BYTES];
    if (rate != MODEL_NONE)
        fprintf(out, "; %s at most %s bytes per second", name, format_count(buffer, (uint64_t)rate));
}

static void write_settings(FILE *out, const struct model_settings *settings)
{
    if (settings->upstream_kind == MITM__UPSTREAM_KIND__DIRECT)
        fputs("settings: the built-in SOCKS5 server", out);
    else
        fputs("settings: through a SOCKS5 proxy", out);
    if (settings->upstream_address.len > 0) {
        fputs(" at ", out);
        html_text(out, settings->upstream_address);
    }
    write_delay(out, "delay of connections", &settings->connect_delay);
    write_delay(out, "delay of requests", &settings->request_delay);
    if (settings->has_seed)
        fprintf(out, "; seed %" PRIu64, settings->seed);
    write_rate(out, "download of a connection", settings->rates[MODEL_TO_CLIENT]);
    write_rate(out, "upload of a connection", settings->rates[MODEL_TO_SERVER]);
    write_rate(out, "download of all", settings->total_rates[MODEL_TO_CLIENT]);
    write_rate(out, "upload of all", settings->total_rates[MODEL_TO_SERVER]);
    if (settings->origin == MITM__SETTINGS_ORIGIN__COMMAND_LINE)
        fputs(" (command line)", out);
    else if (settings->origin == MITM__SETTINGS_ORIGIN__VIEW)
        fputs(" (changed here)", out);
}

static void write_pause(FILE *out, const struct model_pause *pause)
{
    char buffer[FORMAT_BYTES];
    if (pause->from_ns == MODEL_NONE)
        fputs("recording was resumed", out);
    else if (pause->to_ns == MODEL_NONE)
        fputs("recording was paused", out);
    else
        fprintf(out, "recording was paused until %s", format_moment(buffer, pause->to_ns));
    if (pause->has_events)
        fprintf(out, "; %s events were not recorded", format_count(buffer, pause->events));
}

static void write_note(const struct document *document, const struct note *note)
{
    const struct model_session *session = document->session;
    FILE *out = document->out;
    char moment[FORMAT_BYTES];
    fprintf(out, "<li><span class=\"t\">%s</span> ", format_moment(moment, note->t_ns));
    switch (note->kind) {
    case NOTE_SETTINGS:
        write_settings(out, &session->settings[note->index]);
        break;
    case NOTE_MARK:
        fputs("mark: <b>", out);
        html_text(out, session->marks[note->index].text);
        fputs("</b>", out);
        break;
    case NOTE_PAUSE:
        write_pause(out, &session->pauses[note->index]);
        break;
    }
    fputs("</li>\n", out);
}

/* Return the session's notes in the order of their times; the caller frees them. */
static struct note *collect(const struct model_session *session, size_t *count)
{
    struct note *notes = memory_new(session->settings_kept + session->marks_kept + session->pauses_kept, sizeof *notes);
    size_t n = 0;
    for (size_t i = 0; i < session->settings_kept; i++)
        notes[n++] = (struct note){session->settings[i].t_ns, NOTE_SETTINGS, i};
    for (size_t i = 0; i < session->marks_kept; i++)
        notes[n++] = (struct note){session->marks[i].t_ns, NOTE_MARK, i};
    for (size_t i = 0; i < session->pauses_kept; i++) {
        const struct model_pause *pause = &session->pauses[i];
        notes[n++] = (struct note){pause->from_ns != MODEL_NONE ? pause->from_ns : pause->to_ns, NOTE_PAUSE, i};
    }
    if (n > 0)
        qsort(notes, n, sizeof *notes, compare);
    *count = n;
    return notes;
}

bool notes_exist(const struct model_session *session)
{
    return session->settings_kept + session->marks_kept + session->pauses_kept > 0;
}

void notes_write(const struct document *document)
{
    const struct model_session *session = document->session;
    FILE *out = document->out;
    char buffer[FORMAT_BYTES];
    size_t n;
    if (!notes_exist(session))
        return;
    struct note *notes = collect(session, &n);
    fputs("<section>\n<h2 id=\"notes\">Marks and settings</h2>\n<ul class=\"lines\">\n", out);
    for (size_t i = 0; i < n; i++)
        write_note(document, &notes[i]);
    uint64_t more = session->settings_count + session->mark_count + session->pause_count - n;
    if (more > 0)
        fprintf(out, "<li>and %s more.</li>\n", format_count(buffer, more));
    fputs("</ul>\n</section>\n", out);
    free(notes);
}
