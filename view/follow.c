#include "view/follow.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "analyze/intake.h"
#include "base/memory.h"
#include "view/details.h"
#include "view/slice.h"

enum { MAX_WAITERS = 64 };

struct waiter {
    follow_ready *ready;
    void *ctx;
};

struct follow {
    struct event_base *base;
    const char *path, *name;
    bool grows;
    struct stat first; /* the file when following began */
    bool exists;

    struct event *turn; /* the next slice of reading */
    struct intake *intake;
    struct intake_handler handler;
    struct model *model;
    bool finished; /* all has been read, and nothing more will come */
    struct intake_verdict verdict;
    uint64_t whole_bytes, generation;
    char problem[1200];

    struct pages *pages; /* of the session pages_session, as of pages_generation */
    size_t pages_session;
    uint64_t pages_generation;

    struct waiter waiters[MAX_WAITERS];
    size_t waiter_count;
    struct details *details;
};

/* ---------------------------------------------------------------- reading */

static void begin_file(void *ctx, const char *file)
{
    const struct follow *follow = ctx;
    (void)file;
    model_begin_file(follow->model, follow->name);
}

static void take_record(void *ctx, const Mitm__Record *record, bool made)
{
    struct follow *follow = ctx;
    model_apply(follow->model, record, made);
    follow->generation++;
}

static void end_file(void *ctx, const struct intake_verdict *verdict)
{
    struct follow *follow = ctx;
    follow->verdict = *verdict;
    follow->finished = true;
}

/* Say what is wrong with the file now. */
static void find_problem(struct follow *follow)
{
    char text[sizeof follow->problem] = "";
    struct stat now;
    bool cut_off = follow->verdict.state == INTAKE_CUT_OFF;
    bool same = follow->exists && stat(follow->path, &now) == 0;
    if (follow->grows && follow->exists && !same)
        snprintf(text, sizeof text, "the file has been removed; what was read of it is shown");
    else if (follow->grows && same && (now.st_dev != follow->first.st_dev || now.st_ino != follow->first.st_ino))
        snprintf(text, sizeof text, "another file has taken its place; what was read of the first one is shown");
    else if (follow->grows && same && now.st_size < follow->first.st_size)
        snprintf(text, sizeof text, "the file has become shorter; what was read of it before is shown");
    else if (follow->finished || !cut_off) /* what still grows has no end yet */
        intake_describe(&follow->verdict, text, sizeof text);
    if (same)
        follow->first.st_size = now.st_size;
    if (strcmp(text, follow->problem) != 0) {
        memcpy(follow->problem, text, sizeof text);
        follow->generation++;
    }
}

static void tell_waiters(struct follow *follow)
{
    struct waiter waiters[MAX_WAITERS];
    size_t n = follow->waiter_count;
    memcpy(waiters, follow->waiters, n * sizeof *waiters);
    follow->waiter_count = 0;
    for (size_t i = 0; i < n; i++)
        waiters[i].ready(waiters[i].ctx);
}

static void take_turn(evutil_socket_t fd, short what, void *ctx)
{
    struct follow *follow = ctx;
    (void)fd;
    (void)what;
    if (!follow->finished && slice_read(follow->intake, FOLLOW_SLICE_NS) == INTAKE_MORE) {
        slice_again(follow->turn);
        return;
    }
    if (!follow->finished) {
        if (!intake_so_far(follow->intake, &follow->verdict))
            follow->verdict = (struct intake_verdict){0};
    } else {
        intake_free(follow->intake);
        follow->intake = NULL;
    }
    follow->whole_bytes = follow->verdict.stream_bytes;
    find_problem(follow);
    tell_waiters(follow);
}

struct follow *follow_new(struct event_base *base, const char *path, const char *name, bool grows)
{
    struct follow *follow = memory_new(1, sizeof *follow);
    follow->base = base;
    follow->path = path;
    follow->name = name;
    follow->grows = grows;
    follow->exists = stat(path, &follow->first) == 0;
    follow->turn = slice_event(base, take_turn, follow);
    follow->handler =
        (struct intake_handler){.ctx = follow, .begin_file = begin_file, .record = take_record, .end_file = end_file};
    follow->intake = intake_new(&follow->path, 1, grows, &follow->handler);
    follow->model = model_new(
        &(struct model_options){.max_connections = FOLLOW_MAX_CONNECTIONS, .max_exchanges = FOLLOW_MAX_EXCHANGES});
    follow->details = details_new(base, path, grows);
    return follow;
}

void follow_free(struct follow *follow)
{
    if (!follow)
        return;
    details_free(follow->details);
    pages_free(follow->pages);
    model_free(follow->model);
    intake_free(follow->intake);
    event_free(follow->turn);
    free(follow);
}

/* ---------------------------------------------------------------- asking */

bool follow_ask(struct follow *follow, follow_ready *ready, void *ctx)
{
    if (follow->waiter_count == MAX_WAITERS)
        return false;
    follow->waiters[follow->waiter_count++] = (struct waiter){ready, ctx};
    slice_again(follow->turn);
    return true;
}

bool follow_ask_details(struct follow *follow, size_t session, const uint32_t *ids, size_t n, follow_ready *ready,
                        void *ctx)
{
    return details_ask(follow->details, session, ids, n, ready, ctx);
}

const struct model *follow_details(const struct follow *follow)
{
    return details_model(follow->details);
}

/* Return the pages of the session that `query` selects, grouped anew only when the model has changed. */
static const struct pages *find_pages(struct follow *follow, const struct report_query *query,
                                      const struct report_input *input)
{
    size_t number;
    const struct model_session *session = report_session(input, query, &number);
    if (!session)
        return NULL;
    if (!follow->pages || follow->pages_session != number || follow->pages_generation != follow->generation) {
        pages_free(follow->pages);
        follow->pages = pages_new(session, &(struct pages_options){0});
        follow->pages_session = number;
        follow->pages_generation = follow->generation;
    }
    return follow->pages;
}

void follow_input(struct follow *follow, const struct report_query *query, struct report_input *input)
{
    *input = (struct report_input){.model = follow->model,
                                   .file = follow->name,
                                   .problem = follow->problem[0] ? follow->problem : NULL,
                                   .live = follow->grows};
    input->pages = find_pages(follow, query, input);
}

uint64_t follow_generation(const struct follow *follow)
{
    return follow->generation;
}

uint64_t follow_changes(const struct follow *follow)
{
    uint64_t n = 0;
    for (size_t i = 0; i < model_session_count(follow->model); i++) {
        const struct model_session *session = model_session(follow->model, i);
        n += session->setting_total + session->mark_total + session->pause_total;
    }
    return n;
}

uint64_t follow_whole_bytes(const struct follow *follow)
{
    return follow->whole_bytes;
}

const char *follow_path(const struct follow *follow)
{
    return follow->path;
}

bool follow_grows(const struct follow *follow)
{
    return follow->grows;
}

bool follow_is_packed(const struct follow *follow)
{
    static const unsigned char magic[] = {0x28, 0xB5, 0x2F, 0xFD}; /* RFC 8878, 3.1.1 */
    unsigned char head[sizeof magic];
    FILE *file = fopen(follow->path, "rbe");
    bool packed = file && fread(head, sizeof head, 1, file) == 1 && memcmp(head, magic, sizeof magic) == 0;
    if (file)
        fclose(file);
    return packed;
}
