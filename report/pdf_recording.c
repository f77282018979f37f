/* How a session was recorded, and what one has to know before one believes it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/format.h"
#include "analyze/metrics.h"
#include "analyze/settings.h"
#include "analyze/words.h"
#include "report/encryption.h"
#include "report/notes.h"
#include "report/pdf_parts.h"

static const struct paper_column facts_columns[] = {PDF_LEFT(""), PDF_LEFT("")};

/* ---------------------------------------------------------------- facts */

/* Add the name of a fact; its value is the next cell. */
static void name_fact(struct grid *grid, const char *name)
{
    grid_printf(grid, "%s", name);
    grid_strong(grid);
}

static void add_text_fact(struct grid *grid, const char *name, struct text text)
{
    if (text.len == 0)
        return;
    name_fact(grid, name);
    grid_text(grid, text);
}

/* Add what `text`, which is ended, says as the value of a fact. */
static void add_written(struct grid *grid, struct pdf_text *text)
{
    struct figure_text value = pdf_text(text);
    grid_bytes(grid, value.bytes, value.len_bytes);
    pdf_text_end(text);
}

static void write_end(FILE *out, const struct model_session *session)
{
    const char *words = session->ended ? words_session_end_cause(session->end_cause) : NULL;
    fputs(!session->ended ? "cut off: the closing record is missing" : words ? words : "cleanly", out);
    if (session->has_command_status)
        fprintf(out, ", with status %" PRIu32, session->command_status);
}

static void write_upstream(FILE *out, uint32_t kind, struct text address)
{
    fputs(kind == MITM__UPSTREAM_KIND__DIRECT ? "the built-in SOCKS5 server" : "a SOCKS5 proxy", out);
    if (address.len > 0) {
        fputs(" at ", out);
        pdf_put(out, address);
    }
}

static const char *time_source_words(uint32_t source)
{
    switch (source) {
    case MITM__TIME_SOURCE__KERNEL_RECEIVE:
        return "the kernel's, of the moment at which it received the bytes";
    case MITM__TIME_SOURCE__READ_CALL:
        return "taken after each read call, not the kernel's";
    default:
        return "of an unknown source";
    }
}

static void add_times(struct grid *grid, const struct model_session *session)
{
    char buffer[FORMAT_BYTES], longest[FORMAT_BYTES];
    name_fact(grid, "Recorded");
    grid_printf(grid, "%s", session->has_wall_clock ? format_date(buffer, session->wall_clock_ns) : "unknown date");
    name_fact(grid, "Duration");
    grid_duration(grid, session->last_ns == MODEL_NONE ? 0 : session->last_ns);
    name_fact(grid, "Records");
    grid_count(grid, session->records);
    name_fact(grid, "Time stamps");
    grid_printf(grid, "%s", time_source_words(session->time_source));
    if (session->clock_steps > 0) {
        name_fact(grid, "Clock steps");
        grid_printf(grid, "%s of the wall clock, which no figure here depends on",
                    format_count(buffer, session->clock_steps));
    }
    if (session->delay_count > 0) {
        name_fact(grid, "Added by mitm-proxy");
        format_duration(buffer, model_number(session->delay_sum_ns / session->delay_count));
        grid_printf(grid, "mean %s, longest %s per read", buffer,
                    format_duration(longest, model_number(session->delay_max_ns)));
    }
}

static void add_settings(struct grid *grid, const struct model_session *session)
{
    struct pdf_text text;
    const struct model_settings *settings = session->setting_count > 0 ? &session->changes[0] : NULL;
    name_fact(grid, session->setting_total > 1 ? "Settings at first" : "Settings");
    if (!settings) {
        grid_printf(grid, "not recorded");
        return;
    }
    pdf_text_begin(&text);
    settings_print(text.out, settings);
    add_written(grid, &text);
}

/* Return the name of the file without its folders, which are nobody's business. */
static const char *base_name(const char *file)
{
    const char *slash = strrchr(file, '/');
    return slash && slash[1] ? slash + 1 : file;
}

void pdf_recording(const struct chapter *chapter)
{
    const struct model_session *session = chapter->session;
    struct grid *grid = grid_new(facts_columns, 2);
    struct pdf_text text;
    paper_heading(chapter->paper, chapter->level, figure_text("How it was recorded"), "recording");
    add_text_fact(grid, "Label", session->label);
    add_text_fact(grid, "Command", session->command);
    if (session->file) {
        name_fact(grid, "File");
        grid_printf(grid, "%s", base_name(session->file));
    }
    add_times(grid, session);
    name_fact(grid, "End");
    pdf_text_begin(&text);
    write_end(text.out, session);
    add_written(grid, &text);
    name_fact(grid, "Upstream");
    pdf_text_begin(&text);
    write_upstream(text.out, session->upstream_kind, session->upstream_address);
    add_written(grid, &text);
    if (encryption_exists(session)) {
        name_fact(grid, "TLS");
        pdf_text_begin(&text);
        encryption_print(text.out, session);
        add_written(grid, &text);
    }
    add_settings(grid, session);
    add_text_fact(grid, "Recorded by", session->tool);
    name_fact(grid, "Reported by");
    grid_printf(grid, "mitm-analyze " MITM_VERSION);
    grid_add(grid, chapter->paper, NULL);
    pdf_notes(chapter);
}

/* ---------------------------------------------------------------- warnings */

static void warn(const struct chapter *chapter, struct pdf_text *text)
{
    paper_paragraph(chapter->paper, pdf_text(text), true);
    pdf_text_end(text);
}

static void warn_of_losses(const struct chapter *chapter)
{
    char buffer[FORMAT_BYTES];
    for (uint32_t cause = 0; cause < MODEL_LOSS_CAUSES; cause++) {
        const struct model_loss *loss = &chapter->session->losses[cause];
        const char *words = words_loss_cause(cause);
        bool damage = cause == MITM__LOSS_CAUSE__DAMAGE;
        struct pdf_text text;
        if (loss->count == 0)
            continue;
        pdf_text_begin(&text);
        fprintf(text.out, "%s %s of the recording are missing: %s.",
                format_count(buffer, damage ? loss->len_bytes : loss->events), damage ? "bytes" : "events",
                words ? words : "the cause is unknown");
        warn(chapter, &text);
    }
}

static void warn_of_leaks(const struct chapter *chapter)
{
    char buffer[FORMAT_BYTES];
    struct pdf_text text;
    if (chapter->stats.total.leaks == 0)
        return;
    pdf_text_begin(&text);
    fprintf(text.out,
            "%s connections asked for an IP address although names are looked up by the SOCKS5 proxy (Tor): the client "
            "may have asked a name server itself (a DNS leak).",
            format_count(buffer, chapter->stats.total.leaks));
    warn(chapter, &text);
}

void pdf_warnings(const struct chapter *chapter)
{
    const struct model_session *session = chapter->session;
    if (!session->started)
        paper_paragraph(chapter->paper, figure_text("The beginning of the recording is missing."), true);
    if (!session->ended)
        paper_paragraph(chapter->paper, figure_text("The recording was cut off: its closing record is missing."), true);
    warn_of_losses(chapter);
    warn_of_leaks(chapter);
    if (session->overflow > 0)
        paper_paragraph(chapter->paper,
                        figure_text("There were more sessions, connections or requests than can be shown."), true);
}

/* ---------------------------------------------------------------- marks, pauses, changes of settings */

static void write_note(FILE *out, const struct model_session *session, const struct note *note)
{
    char buffer[FORMAT_BYTES];
    if (note->kind == NOTE_MARK) {
        fputs("mark: ", out);
        pdf_put(out, session->marks[note->index].text);
    } else if (note->kind == NOTE_PAUSE) {
        const struct model_pause *pause = &session->pauses[note->index];
        fputs(pause->resumed ? "recording was resumed" : "recording was paused", out);
        if (pause->resumed)
            fprintf(out, "; %s events were not recorded meanwhile", format_count(buffer, pause->events));
    } else {
        const struct model_settings *settings = &session->changes[note->index];
        fputs("settings: ", out);
        write_upstream(out, settings->upstream_kind, settings->upstream_address);
        fputs("; ", out);
        settings_print(out, settings);
        if (settings->origin == MITM__SETTINGS_ORIGIN__COMMAND_LINE)
            fputs(" (command line)", out);
    }
}

void pdf_notes(const struct chapter *chapter)
{
    static const struct paper_column columns[] = {PDF_RIGHT("Time (s)"), PDF_LEFT("Event")};
    const struct model_session *session = chapter->session;
    struct grid *grid = grid_new(columns, 2);
    char moment[FORMAT_BYTES], count[FORMAT_BYTES];
    size_t n;
    struct note *notes = notes_collect(session, &n);
    for (size_t i = 0; i < n; i++) {
        struct pdf_text text;
        if (notes[i].kind == NOTE_SETTINGS && session->setting_total == 1)
            continue; /* they are among the facts */
        grid_printf(grid, "%s", format_moment(moment, notes[i].t_ns));
        pdf_text_begin(&text);
        write_note(text.out, session, &notes[i]);
        add_written(grid, &text);
    }
    uint64_t more = session->setting_total + session->mark_total + session->pause_total - n;
    if (more > 0) {
        grid_printf(grid, "…");
        grid_printf(grid, "and %s more", format_count(count, more));
    }
    grid_add(grid, chapter->paper, "Marks, pauses and settings");
    free(notes);
}
