#include "view/channel.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/event_struct.h>

/* Digits of the greatest NUMBER. */
#define NUMBER_DIGITS 20
#define ERROR_SIZE    512

struct channel {
    int fd;
    struct event readable, again;
    channel_change_fn *change;
    void *ctx;
};

/* Ask for the change; write the answer to `text`. */
static void make_change(const struct channel *channel, const char *lines, size_t len, char *text, size_t size)
{
    switch (channel->change(channel->ctx, lines, len, text, size)) {
    case CONTROL_REFUSED:
        break;
    case CONTROL_SAME:
        snprintf(text, size, "same");
        break;
    case CONTROL_CHANGED:
        snprintf(text, size, "ok");
        break;
    }
}

/* Return the length of the NUMBER that the message begins with, or 0 if it is none. */
static size_t number_len(const char *message, size_t len)
{
    size_t n = 0;
    while (n < len && n <= NUMBER_DIGITS && message[n] >= '0' && message[n] <= '9')
        n++;
    return n <= NUMBER_DIGITS && n < len && message[n] == '\n' ? n : 0;
}

/* Whether the `len` bytes at `lines` are lines "NAME=VALUE\n" without other control characters. */
static bool are_lines(const char *lines, size_t len)
{
    for (const char *end = lines + len; lines < end;) {
        const char *newline = memchr(lines, '\n', (size_t)(end - lines));
        if (!newline || !memchr(lines, '=', (size_t)(newline - lines)))
            return false;
        for (; lines < newline; lines++) {
            if ((unsigned char)*lines < 0x20 || *lines == 0x7f)
                return false;
        }
        lines++;
    }
    return true;
}

static void answer(const struct channel *channel, const char *number, int number_digits, const char *text)
{
    char line[NUMBER_DIGITS + ERROR_SIZE + 2];
    int len = snprintf(line, sizeof line, "%.*s %s\n", number_digits, number, text);
    /* A view that does not read its answers does without. */
    ssize_t n = send(channel->fd, line, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)n;
}

static void take_request(const struct channel *channel, const char *message, size_t len)
{
    char text[ERROR_SIZE] = "";
    size_t digits = number_len(message, len < CONTROL_MAX_BYTES ? len : CONTROL_MAX_BYTES);
    if (digits == 0)
        return;
    const char *lines = message + digits + 1;
    if (len > CONTROL_MAX_BYTES)
        snprintf(text, sizeof text, "the request is too long");
    else if (!are_lines(lines, len - digits - 1))
        snprintf(text, sizeof text, "the request is not made of lines NAME=VALUE");
    else
        make_change(channel, lines, len - digits - 1, text, sizeof text);
    answer(channel, message, (int)digits, text);
}

/* Whether the other end has been closed: a message of no bytes looks the same to recv(2). */
static bool has_hung_up(int fd)
{
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    return poll(&polled, 1, 0) == 1 && (polled.revents & POLLHUP) != 0;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    (void)what;
    struct channel *channel = arg;
    char message[CONTROL_MAX_BYTES + 1];
    ssize_t n = recv(fd, message, sizeof message, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    event_del(&channel->readable);
    if (n < 0 || (n == 0 && has_hung_up(fd)))
        return;
    struct timeval pause = {.tv_usec = CHANNEL_PAUSE_MS * 1000};
    event_add(&channel->again, &pause);
    take_request(channel, message, (size_t)n);
}

static void on_again(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct channel *channel = arg;
    event_add(&channel->readable, NULL);
}

struct channel *channel_new(struct event_base *base, int fd, channel_change_fn *change, void *ctx)
{
    struct channel *channel = calloc(1, sizeof *channel);
    if (!channel)
        abort();
    channel->fd = fd;
    channel->change = change;
    channel->ctx = ctx;
    event_assign(&channel->readable, base, fd, EV_READ | EV_PERSIST, on_readable, channel);
    evtimer_assign(&channel->again, base, on_again, channel);
    event_add(&channel->readable, NULL);
    return channel;
}

void channel_free(struct channel *channel)
{
    if (!channel)
        return;
    event_del(&channel->readable);
    event_del(&channel->again);
    free(channel);
}
