/* The head of a document: what it is about, and what one has to know before one believes it. */
#include <inttypes.h>
#include <string.h>

#include "analyze/format.h"
#include "analyze/metrics.h"
#include "analyze/words.h"
#include "report/document.h"
#include "report/encryption.h"
#include "report/notes.h"

/* ---------------------------------------------------------------- the recording */

static void write_live(const struct document *document)
{
    const struct model_session *session = document->session;
    FILE *out = document->out;
    char buffer[FORMAT_BYTES], records[FORMAT_BYTES];
    const char *date = session->has_wall_clock ? format_date(buffer, session->wall_clock_ns) : "an unknown date";
    format_count(records, session->records);
    if (document->input->live && !session->ended) {
        fprintf(out, "<p class=\"live\">Recording since %s: %s records so far.</p>\n", date, records);
    } else {
        char duration[FORMAT_BYTES];
        const char *words = session->ended ? words_session_end_cause(session->end_cause) : NULL;
        fprintf(out, "<p class=\"live\">Recorded from %s for %s, %s records; ", date,
                format_duration(duration, session->last_ns == MODEL_NONE ? 0 : session->last_ns), records);
        fprintf(out, "ended: %s",
                !session->ended ? "cut off, the closing record is missing"
                : words         ? words
                                : "cleanly");
        if (session->has_command_status)
            fprintf(out, " with status %" PRIu32, session->command_status);
        fputs(".</p>\n", out);
    }
    if (session->delay_count > 0) {
        char mean[FORMAT_BYTES], longest[FORMAT_BYTES];
        fprintf(out, "<p class=\"live\">Delay added by mitm-proxy itself: mean %s, longest %s.</p>\n",
                format_duration(mean, model_number(session->delay_sum_ns / session->delay_count)),
                format_duration(longest, model_number(session->delay_max_ns)));
    }
}

const char *head_file(const struct document *document)
{
    const char *file = document->input->file, *slash = file ? strrchr(file, '/') : NULL;
    return slash && slash[1] ? slash + 1 : file;
}

static void write_origin(const struct document *document)
{
    const struct model_session *session = document->session;
    FILE *out = document->out;
    fputs("<p class=\"quiet\">", out);
    if (document->place->self_contained && document->input->file) {
        fputs("File ", out);
        html_string(out, head_file(document));
        fputs(". ", out);
    }
    if (session->upstream_kind == MITM__UPSTREAM_KIND__DIRECT)
        fputs("Directly, with the built-in SOCKS5 server", out);
    else
        fputs("Through a SOCKS5 proxy", out);
    if (session->upstream_address.len > 0) {
        fputs(" at ", out);
        html_text(out, session->upstream_address);
    }
    if (session->command.len > 0) {
        fputs("; command <code>", out);
        html_text(out, session->command);
        fputs("</code>", out);
    }
    if (session->tool.len > 0) {
        fputs("; recorded by ", out);
        html_text(out, session->tool);
    }
    fputs(".</p>\n", out);
}

static void write_encryption(const struct document *document)
{
    FILE *out = document->out;
    if (!encryption_exists(document->session))
        return;
    fputs("<p class=\"quiet live\">", out);
    encryption_print(out, document->session);
    fputs("</p>\n", out);
}

/* ---------------------------------------------------------------- warnings */

static void write_losses(const struct document *document)
{
    const struct model_session *session = document->session;
    FILE *out = document->out;
    char buffer[FORMAT_BYTES];
    for (uint32_t cause = 0; cause < MODEL_LOSS_CAUSES; cause++) {
        const struct model_loss *loss = &session->losses[cause];
        const char *words = words_loss_cause(cause);
        if (loss->count == 0)
            continue;
        bool damage = cause == MITM__LOSS_CAUSE__DAMAGE;
        fprintf(out, "<p class=\"warning\">%s %s of the recording are missing: %s.</p>\n",
                format_count(buffer, damage ? loss->len_bytes : loss->events), damage ? "bytes" : "events",
                words ? words : "the cause is unknown");
    }
    if (session->overflow > 0)
        fputs("<p class=\"warning\">There were more sessions, connections or requests than can be shown.</p>\n", out);
}

/* Clients that ask a Tor proxy for addresses have looked up names themselves, past Tor. */
static void write_dns_leak(const struct document *document)
{
    const struct model_session *session = document->session;
    char buffer[FORMAT_BYTES];
    uint64_t n = 0;
    for (size_t i = 0; i < session->connection_count; i++)
        n += metrics_possible_leak(model_connection(session, i));
    if (n == 0)
        return;
    fprintf(
        document->out,
        "<p class=\"warning\">%s %s asked for an IP address although names are looked up by the SOCKS5 proxy (Tor): "
        "the client may have asked a name server itself, which gives away where it goes (a DNS leak). Let it send "
        "names: <i>socks5h</i>, “Proxy DNS when using SOCKS v5”.</p>\n",
        format_count(buffer, n), n == 1 ? "connection" : "connections");
}

static void write_warnings(const struct document *document)
{
    FILE *out = document->out;
    if (document->input->problem) {
        fputs("<p class=\"warning\"><span class=\"live\">", out);
        html_string(out, document->input->problem);
        fputs("</span></p>\n", out);
    }
    if (!document->session)
        return;
    if (!document->session->started)
        fputs("<p class=\"warning\">The beginning of the recording is missing.</p>\n", out);
    write_losses(document);
    write_dns_leak(document);
}

/* ---------------------------------------------------------------- the selection */

static void write_selection(const struct document *document)
{
    const struct report_query *query = document->query;
    FILE *out = document->out;
    char count[FORMAT_BYTES];
    if (!document_is_selection(query))
        return;
    fputs("<p class=\"selection\">Selected:", out);
    if (query->from_ns != MODEL_NONE || query->to_ns != MODEL_NONE) {
        fputs(" from ", out);
        report_seconds_print(out, query->from_ns == MODEL_NONE ? 0 : query->from_ns);
        fputs(" s to ", out);
        if (query->to_ns == MODEL_NONE)
            fputs("the end", out);
        else
            report_seconds_print(out, query->to_ns);
        fputs(query->to_ns == MODEL_NONE ? ";" : " s;", out);
    }
    if (query->server[0]) {
        fputs(" server ", out);
        html_string(out, query->server);
        putc(';', out);
    }
    if (query->page != 0)
        fprintf(out, " page %" PRIu32 ";", query->page);
    if (query->connection != 0)
        fprintf(out, " connection %" PRIu32 ";", query->connection);
    fprintf(out, " %s of ", format_count(count, document->selection.count));
    fprintf(out, "%s connections.", format_count(count, document->session->connection_count));
    if (!document->place->self_contained) {
        struct report_query all = {.from_ns = MODEL_NONE,
                                   .to_ns = MODEL_NONE,
                                   .session = query->session,
                                   .headers = query->headers,
                                   .refresh_s = query->refresh_s};
        putc(' ', out);
        document_link(document, &all);
        fputs("Show everything</a>", out);
    }
    fputs("</p>\n", out);
}

/* ---------------------------------------------------------------- other sessions, contents */

static void write_sessions(const struct document *document)
{
    size_t n = model_session_count(document->input->model);
    FILE *out = document->out;
    if (n < 2 || document->several)
        return;
    fprintf(out, "<p>Session %zu of %zu", document->session_number, n);
    struct report_query other = {.from_ns = MODEL_NONE, .to_ns = MODEL_NONE};
    if (!document->place->self_contained && document->session_number > 1) {
        other.session = document->session_number - 1;
        fputs("; ", out);
        document_link(document, &other);
        fputs("the one before</a>", out);
    }
    if (!document->place->self_contained && document->session_number < n) {
        other.session = document->session_number + 1;
        fputs("; ", out);
        document_link(document, &other);
        fputs("the next one</a>", out);
    }
    fputs(".</p>\n", out);
}

static void write_entry(const struct document *document, const char *id, const char *words)
{
    fprintf(document->out, "<li><a href=\"#%s%s\">%s</a></li>", document->prefix, id, words);
}

static void write_notes_entry(const struct document *document)
{
    if (document->session && notes_exist(document->session))
        write_entry(document, "notes", "Marks and settings");
}

static void write_contents(const struct document *document)
{
    FILE *out = document->out;
    fputs("<nav aria-label=\"Contents", out);
    if (document->several)
        fprintf(out, " of session %zu", document->session_number);
    fputs("\"><ul>", out);
    if (document->session && document->session->connection_count > 0) {
        write_entry(document, "graph", "Time graph");
        write_entry(document, "time", "Where the time went");
        if (document->input->pages && pages_count(document->input->pages) > 0)
            write_entry(document, "pages", "Pages");
        write_entry(document, "servers", "Servers");
        if (document->place->self_contained && document->input->pages)
            write_entry(document, "distributions", "Distributions");
        write_entry(document, "failures", "Failures");
        write_notes_entry(document);
        write_entry(document, "connections", "Connections");
        if (!document->place->self_contained)
            write_entry(document, "zoom", "Zoom");
    } else {
        write_entry(document, "start", "What to do next");
        write_notes_entry(document);
    }
    if (document->place->settings && !document->place->self_contained)
        write_entry(document, "settings", "Settings");
    fputs("</ul></nav>\n", out);
}

/* Write a command as a name: its beginning, since below it stands as a whole. */
static void write_command_name(FILE *out, struct text command)
{
    enum { MOST_BYTES = 80 };
    uint32_t len = command.len;
    if (len > MOST_BYTES) /* not within a character */
        for (len = MOST_BYTES; len > 0 && (command.data[len] & 0xC0) == 0x80; len--)
            ;
    html_text(out, (struct text){command.data, len});
    if (len < command.len)
        fputs("…", out);
}

void head_write_name(const struct document *document)
{
    const struct model_session *session = document->session;
    FILE *out = document->out;
    if (session && session->label.len > 0)
        html_text(out, session->label);
    else if (session && session->command.len > 0)
        write_command_name(out, session->command);
    else if (document->input->file)
        html_string(out, head_file(document));
    else
        fputs("Recorded session", out);
}

void head_write_title(const struct document *document)
{
    if (document->place->title)
        html_string(document->out, document->place->title);
    else
        head_write_name(document);
    size_t more = document->several ? model_session_count(document->input->model) - 1 : 0;
    if (more > 0 && !document->place->title)
        fprintf(document->out, " and %zu more %s", more, more == 1 ? "session" : "sessions");
}

static void write_refresh(const struct document *document)
{
    struct report_query query = *document->query;
    FILE *out = document->out;
    if (document->place->self_contained)
        return;
    fputs("<p class=\"quiet\">", out);
    document_link(document, &query);
    fputs("Load again</a>; ", out);
    query.refresh_s = query.refresh_s > 0 ? 0 : 5;
    document_link(document, &query);
    fputs(query.refresh_s > 0 ? "load again every 5 seconds</a>.</p>\n" : "do not load again by itself</a>.</p>\n",
          out);
}

void head_write_heading(const struct document *document)
{
    FILE *out = document->out;
    fputs("<h1>", out);
    head_write_title(document);
    fputs("</h1>\n", out);
    if (document->place->author) {
        fputs("<p class=\"author\">", out);
        html_string(out, document->place->author);
        fputs("</p>\n", out);
    }
}

void head_write(const struct document *document)
{
    FILE *out = document->out;
    if (document->session) {
        write_live(document);
        write_origin(document);
        write_encryption(document);
        write_sessions(document);
    }
    write_refresh(document);
    write_warnings(document);
    if (document->place->message) {
        fprintf(out, "<p class=\"%s\" role=\"status\">", document->place->failed ? "warning" : "message");
        html_string(out, document->place->message);
        fputs("</p>\n", out);
    }
    if (document->session)
        write_selection(document);
    write_contents(document);
}
