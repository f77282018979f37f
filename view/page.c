#include "view/page.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "view/answer.h"
#include "view/download.h"
#include "view/pac.h"

struct job {
    struct evhttp_request *request;
    const struct page_site *site;
    enum page_kind kind;
    struct report_query query;
    const char *wrong;   /* with the query; static */
    const char *message; /* static */
    char *problem;       /* of a change */
    bool dark;
};

static void job_free(struct job *job)
{
    free(job->problem);
    free(job);
}

/* ---------------------------------------------------------------- making answers */

/* Text that is being written; its bytes are malloc'd. */
struct output {
    FILE *file;
    char *bytes;
    size_t len;
};

static void output_begin(struct output *output)
{
    output->file = open_memstream(&output->bytes, &output->len);
    if (!output->file)
        abort();
}

static void output_send(struct output *output, struct evhttp_request *request, int status, const char *type)
{
    if (fclose(output->file) != 0)
        abort();
    answer_bytes(request, status, type, output->bytes, output->len);
}

static void save_as(const struct job *job, const char *ending)
{
    char name[160];
    snprintf(name, sizeof name, "%s%s", job->site->stem, ending);
    answer_save_as(job->request, name);
}

static void send_html(struct job *job, const struct report_input *input)
{
    bool file = job->kind == PAGE_FILE;
    struct report_place place = {.self_contained = file, .base = job->site->base, .key = job->site->key};
    if (!file) {
        const char *failure = job->problem ? job->problem : job->wrong;
        place.settings = job->site->settings;
        place.failed = failure != NULL;
        place.message = failure ? failure : job->message;
    }
    struct output output;
    output_begin(&output);
    report_html(output.file, input, &job->query, &place);
    if (file)
        save_as(job, ".html");
    else if (job->query.refresh_s > 0) {
        char seconds[16];
        unsigned s = job->query.refresh_s;
        snprintf(seconds, sizeof seconds, "%u", s > PAGE_MAX_REFRESH_SECONDS ? PAGE_MAX_REFRESH_SECONDS : s);
        answer_header(job->request, "Refresh", seconds);
    }
    int status = job->problem ? 422 : job->wrong ? 400 : 200;
    output_send(&output, job->request, status, "text/html; charset=utf-8");
}

static void send_picture(struct job *job, const struct report_input *input)
{
    static const struct {
        enum render_format format;
        const char *type, *ending;
    } formats[] = {[PAGE_SVG] = {RENDER_SVG, "image/svg+xml", ".svg"},
                   [PAGE_PNG] = {RENDER_PNG, "image/png", ".png"},
                   [PAGE_PDF] = {RENDER_PDF, "application/pdf", ".pdf"}};
    struct render_buffer buffer = {0};
    enum render_result result = report_picture(input, &job->query, formats[job->kind].format, job->dark, 0, &buffer);
    if (result != RENDER_OK) {
        render_buffer_fini(&buffer);
        answer_error(job->request, 500, render_result_text(result));
        return;
    }
    save_as(job, formats[job->kind].ending);
    answer_bytes(job->request, 200, formats[job->kind].type, buffer.bytes, buffer.len_bytes);
}

static void send_csv(struct job *job, const struct report_input *input)
{
    struct output output;
    output_begin(&output);
    report_csv(output.file, input, &job->query);
    save_as(job, ".csv");
    output_send(&output, job->request, 200, "text/csv; charset=utf-8; header=present");
}

/* Send the file as far as it holds whole records; a compressed one as it is. */
static void send_session(struct job *job)
{
    struct follow *follow = job->site->follow;
    bool packed = follow_is_packed(follow);
    uint64_t len_bytes = follow_grows(follow) && !packed ? follow_whole_bytes(follow) : UINT64_MAX;
    save_as(job, packed ? ".mitm.zst" : ".mitm");
    answer_header(job->request, "Content-Type", "application/octet-stream");
    if (!download_serve(job->request, follow_path(follow), len_bytes))
        answer_error(job->request, 503, "The session cannot be read, or is being downloaded too often already.");
}

static void send_pac(struct job *job, const struct report_input *input)
{
    size_t number;
    const struct model_session *session = report_session(input, &job->query, &number);
    char *script = session ? pac_script(session->listen_address) : NULL;
    if (script)
        answer_bytes(job->request, 200, "application/x-ns-proxy-autoconfig", script, strlen(script));
    else
        answer_error(job->request, 404, "The session does not say where the proxy listens.");
}

/* Answer, the model being up to date, and end the job. */
static void finish(struct job *job, const struct report_input *input)
{
    answer_safe_headers(job->request, job->kind == PAGE_FILE || job->kind == PAGE_SVG);
    switch (job->kind) {
    case PAGE_HTML:
    case PAGE_FILE:
        send_html(job, input);
        break;
    case PAGE_SVG:
    case PAGE_PNG:
    case PAGE_PDF:
        send_picture(job, input);
        break;
    case PAGE_CSV:
        send_csv(job, input);
        break;
    case PAGE_SESSION:
        send_session(job);
        break;
    case PAGE_PAC:
        send_pac(job, input);
        break;
    }
    job_free(job);
}

static void refuse(struct job *job)
{
    answer_error(job->request, 503, "Too many requests are being answered. Try again.");
    job_free(job);
}

/* ---------------------------------------------------------------- waiting for what is needed */

/* The header fields have been read. */
static void details_ready(void *ctx)
{
    struct job *job = ctx;
    struct report_input input;
    follow_input(job->site->follow, &job->query, &input);
    input.details = follow_details(job->site->follow);
    finish(job, &input);
}

static bool needs_details(const struct job *job, const struct model_session *session)
{
    if (job->kind != PAGE_HTML && job->kind != PAGE_FILE)
        return false;
    return session && session->connection_count > 0 && report_all_headers(session, &job->query);
}

/* Have the header fields read of the connections that the document shows. */
static void ask_details(struct job *job, const struct report_input *input, const struct model_session *session,
                        size_t number)
{
    size_t count = session->connection_count, n = 0;
    bool *shown = memory_new(count, sizeof *shown);
    uint32_t *ids = memory_new(count, sizeof *ids);
    struct report_query query = job->query;
    bool all_parts = job->kind == PAGE_FILE;
    query.part = all_parts ? 1 : query.part;
    size_t parts = report_connections(input, &query, shown);
    do {
        for (size_t i = 0; i < count; i++) {
            if (shown[i])
                ids[n++] = model_connection(session, i)->id;
        }
        if (++query.part <= parts && all_parts)
            report_connections(input, &query, shown);
    } while (query.part <= parts && all_parts);
    if (!follow_ask_details(job->site->follow, number, ids, n, details_ready, job))
        refuse(job);
    free(shown);
    free(ids);
}

static void model_ready(void *ctx)
{
    struct job *job = ctx;
    struct report_input input;
    size_t number;
    follow_input(job->site->follow, &job->query, &input);
    const struct model_session *session = report_session(&input, &job->query, &number);
    if (needs_details(job, session))
        ask_details(job, &input, session, number);
    else
        finish(job, &input);
}

void page_serve(struct evhttp_request *request, const struct page_request *wanted)
{
    struct job *job = memory_new(1, sizeof *job);
    job->request = request;
    job->site = wanted->site;
    job->kind = wanted->kind;
    job->dark = wanted->dark;
    job->message = wanted->message;
    job->wrong = report_query_parse(&job->query, wanted->query);
    if (wanted->problem && !(job->problem = strdup(wanted->problem)))
        abort();
    if (!follow_ask(wanted->site->follow, model_ready, job))
        refuse(job);
}
