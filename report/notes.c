/* What the user did while recording: marks, changed settings, pauses. */
#include <stdlib.h>

#include "analyze/format.h"
#include "base/memory.h"
#include "analyze/settings.h"
#include "report/document.h"
#include "report/notes.h"

static int compare(const void *a, const void *b)
{
    const struct note *x = a, *y = b;
    if (x->t_ns != y->t_ns)
        return x->t_ns < y->t_ns ? -1 : 1;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
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
    fputs("; ", out);
    settings_print(out, settings);
    if (settings->origin == MITM__SETTINGS_ORIGIN__COMMAND_LINE)
        fputs(" (command line)", out);
    else if (settings->origin == MITM__SETTINGS_ORIGIN__VIEW)
        fputs(" (changed here)", out);
}

static void write_pause(FILE *out, const struct model_pause *pause)
{
    char buffer[FORMAT_BYTES];
    fputs(pause->resumed ? "recording was resumed" : "recording was paused", out);
    if (pause->resumed)
        fprintf(out, "; %s events were not recorded meanwhile", format_count(buffer, pause->events));
}

static void write_note(const struct document *document, const struct note *note)
{
    const struct model_session *session = document->session;
    FILE *out = document->out;
    char moment[FORMAT_BYTES];
    fprintf(out, "<li><span class=\"t\">%s</span> ", format_moment(moment, note->t_ns));
    switch (note->kind) {
    case NOTE_SETTINGS:
        write_settings(out, &session->changes[note->index]);
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

struct note *notes_collect(const struct model_session *session, size_t *count)
{
    struct note *notes = memory_new(session->setting_count + session->mark_count + session->pause_count, sizeof *notes);
    size_t n = 0;
    for (size_t i = 0; i < session->setting_count; i++)
        notes[n++] = (struct note){session->changes[i].t_ns, NOTE_SETTINGS, i};
    for (size_t i = 0; i < session->mark_count; i++)
        notes[n++] = (struct note){session->marks[i].t_ns, NOTE_MARK, i};
    for (size_t i = 0; i < session->pause_count; i++)
        notes[n++] = (struct note){session->pauses[i].t_ns, NOTE_PAUSE, i};
    if (n > 0)
        qsort(notes, n, sizeof *notes, compare);
    *count = n;
    return notes;
}

bool notes_exist(const struct model_session *session)
{
    return session->setting_count + session->mark_count + session->pause_count > 0;
}

void notes_write(const struct document *document)
{
    const struct model_session *session = document->session;
    FILE *out = document->out;
    char buffer[FORMAT_BYTES];
    size_t n;
    if (!notes_exist(session))
        return;
    struct note *notes = notes_collect(session, &n);
    document_begin_section(document, "notes", "Marks and settings", 1);
    fputs("<ul class=\"lines\">\n", out);
    for (size_t i = 0; i < n; i++)
        write_note(document, &notes[i]);
    uint64_t more = session->setting_total + session->mark_total + session->pause_total - n;
    if (more > 0)
        fprintf(out, "<li>and %s more.</li>\n", format_count(buffer, more));
    fputs("</ul>\n</section>\n", out);
    free(notes);
}
