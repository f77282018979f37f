#include "view/change.h"

#include <errno.h>
#include <event2/util.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "base/memory.h"

enum { MAX_WAITING = 16 };

static const char *const names[] = {"connect-delay",   "request-delay", "seed",     "rate-down", "rate-up",
                                    "rate-down-total", "rate-up-total", "upstream", "headers",   "mark",
                                    "recording"};

struct question {
    struct change *change;
    uint32_t number;
    struct event *deadline;
    change_done *done; /* NULL: this place is free */
    void *ctx;
    const char *problem; /* found before it could be asked; told by the deadline */
};

struct change {
    struct event_base *base;
    int fd;
    struct event *readable;
    uint32_t last_number;
    struct question questions[MAX_WAITING];
};

/* ---------------------------------------------------------------- the form */

static bool is_word(const char *words, const char *word)
{
    size_t len = strlen(word);
    for (const char *p = words; *p;) {
        size_t n = strcspn(p, " ");
        if (n == len && memcmp(p, word, n) == 0)
            return true;
        p += n + strspn(p + n, " ");
    }
    return false;
}

static bool is_setting(const char *name)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return false;
}

static bool is_sendable(const char *value)
{
    for (const char *p = value; *p; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            return false;
    }
    return true;
}

const char *change_check(const struct evkeyvalq *form, const char *others)
{
    size_t len = 16, n = 0; /* with the number */
    for (const struct evkeyval *member = form->tqh_first; member; member = member->next.tqe_next) {
        if (is_word(others, member->key))
            continue;
        if (!is_setting(member->key))
            return "There is no setting of this name.";
        if (!is_sendable(member->value))
            return "A value holds control characters.";
        len += strlen(member->key) + strlen(member->value) + 2;
        n++;
    }
    if (n == 0)
        return "There is nothing to change.";
    return len > CONTROL_MAX_BYTES ? "The values are too long." : NULL;
}

/* ---------------------------------------------------------------- the proxy */

static void end(struct question *question, enum control_result result, const char *problem)
{
    change_done *done = question->done;
    void *ctx = question->ctx;
    event_free(question->deadline);
    *question = (struct question){0};
    done(ctx, result, problem);
}

static void on_deadline(evutil_socket_t fd, short what, void *ctx)
{
    struct question *question = ctx;
    (void)fd;
    (void)what;
    end(question, CONTROL_REFUSED,
        question->problem ? question->problem
                          : "The proxy has not answered in time: it is not known whether the change was made.");
}

static void end_with(struct question *question, const char *answer)
{
    if (strcmp(answer, "ok") == 0)
        end(question, CONTROL_CHANGED, NULL);
    else if (strcmp(answer, "same") == 0)
        end(question, CONTROL_SAME, NULL);
    else
        end(question, CONTROL_REFUSED, answer);
}

/* Take in an answer: "NUMBER ok\n", "NUMBER same\n" or "NUMBER what is wrong\n". */
static void take_answer(struct change *change, char *text)
{
    text[strcspn(text, "\n")] = '\0';
    char *rest;
    unsigned long number = strtoul(text, &rest, 10);
    if (rest == text || *rest != ' ')
        return;
    for (size_t i = 0; i < MAX_WAITING; i++) {
        struct question *question = &change->questions[i];
        if (question->done && !question->problem && question->number == number) {
            end_with(question, rest + 1);
            return;
        }
    }
}

static void on_readable(evutil_socket_t fd, short what, void *ctx)
{
    struct change *change = ctx;
    (void)what;
    char text[CONTROL_MAX_BYTES + 1];
    ssize_t n = recv(fd, text, sizeof text - 1, MSG_DONTWAIT);
    if (n > 0) {
        text[n] = '\0';
        take_answer(change, text);
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        event_base_loopbreak(change->base);
    }
}

struct change *change_new(struct event_base *base, int control_fd)
{
    struct change *change = memory_new(1, sizeof *change);
    change->base = base;
    change->fd = control_fd;
    /* Numbers begin anywhere, so that an answer meant for a view that has died is not taken for ours. */
    if (getrandom(&change->last_number, sizeof change->last_number, 0) != sizeof change->last_number)
        abort();
    change->readable = event_new(base, control_fd, EV_READ | EV_PERSIST, on_readable, change);
    if (!change->readable || event_add(change->readable, NULL) != 0)
        abort();
    return change;
}

void change_free(struct change *change)
{
    if (!change)
        return;
    for (size_t i = 0; i < MAX_WAITING; i++) {
        if (change->questions[i].done)
            event_free(change->questions[i].deadline);
    }
    event_free(change->readable);
    free(change);
}

/* Send the question; return NULL, or why that was not possible. */
static const char *ask(const struct change *change, const struct evkeyvalq *form, uint32_t number)
{
    char text[CONTROL_MAX_BYTES + 1];
    int len = snprintf(text, sizeof text, "%" PRIu32 "\n", number);
    for (const struct evkeyval *member = form->tqh_first; member; member = member->next.tqe_next) {
        if (is_setting(member->key))
            len += snprintf(text + len, sizeof text - (size_t)len, "%s=%s\n", member->key, member->value);
    }
    ssize_t n;
    do {
        n = send(change->fd, text, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    return n == len ? NULL : "The proxy takes no changes at the moment.";
}

void change_ask(struct change *change, const struct evkeyvalq *form, change_done *done, void *ctx)
{
    struct question *question = change->questions;
    while (question < change->questions + MAX_WAITING && question->done)
        question++;
    if (question == change->questions + MAX_WAITING) {
        done(ctx, CONTROL_REFUSED, "Too many changes are under way.");
        return;
    }
    *question = (struct question){.change = change, .number = ++change->last_number, .done = done, .ctx = ctx};
    question->problem = ask(change, form, question->number);
    question->deadline = evtimer_new(change->base, on_deadline, question);
    const struct timeval patience = {question->problem ? 0 : CHANGE_PATIENCE_SECONDS, 0};
    if (!question->deadline || evtimer_add(question->deadline, &patience) != 0)
        abort();
}
