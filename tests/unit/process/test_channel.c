/* The proxy's end of the channel, spoken to by a view that does as it likes. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "view/channel.h"

static struct event_base *base;
static struct channel *channel;
static int view_fd, proxy_fd;
static unsigned changes;
static char changed[CONTROL_MAX_BYTES + 1];

static enum control_result change(void *ctx, const char *lines, size_t len, char *error, size_t error_size)
{
    cr_assert_eq(ctx, &changes);
    changes++;
    memcpy(changed, lines, len);
    changed[len] = '\0';
    if (!strstr(changed, "wrong"))
        return strstr(changed, "same") ? CONTROL_SAME : CONTROL_CHANGED;
    snprintf(error, error_size, "that is wrong");
    return CONTROL_REFUSED;
}

static void set_up(void)
{
    int pair[2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    view_fd = pair[0];
    proxy_fd = pair[1];
    base = event_base_new();
    channel = channel_new(base, proxy_fd, change, &changes);
}

static void tear_down(void)
{
    channel_free(channel);
    event_base_free(base);
    close(view_fd);
    close(proxy_fd);
}

static void say(const void *message, size_t len)
{
    cr_assert_eq(send(view_fd, message, len, 0), (ssize_t)len);
}

/* Run the loop until there is an answer; return it. */
static const char *answer(void)
{
    static char text[CONTROL_MAX_BYTES];
    ssize_t n;
    while ((n = recv(view_fd, text, sizeof text - 1, 0)) < 0)
        event_base_loop(base, EVLOOP_ONCE);
    text[n] = '\0';
    return text;
}

static void assert_answer(const char *message, const char *expected)
{
    say(message, strlen(message));
    cr_assert_str_eq(answer(), expected);
}

TestSuite(channel, .init = set_up, .fini = tear_down, .timeout = 30);

Test(channel, changes_are_made_and_answered)
{
    assert_answer("7\nmark=now\nrate-down=1M\n", "7 ok\n");
    cr_assert_str_eq(changed, "mark=now\nrate-down=1M\n");
    assert_answer("18446744073709551615\nmark=\n", "18446744073709551615 ok\n");
    assert_answer("8\nmark=wrong\n", "8 that is wrong\n");
    assert_answer("9\nmark=same\n", "9 same\n");
    cr_assert_eq(changes, 4);
}

Test(channel, other_lines_are_refused)
{
    static const char *const bad[] = {"1\nmark",     "1\nmark=x",   "1\nmark\n",     "1\n\n",
                                      "1\na=b\nc\n", "1\na=\x1b\n", "1\na=\x7f\n\n", "1\na=b\n\n"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_answer(bad[i], "1 the request is not made of lines NAME=VALUE\n");
    say("1\na=\0\n", 6);
    cr_assert_str_eq(answer(), "1 the request is not made of lines NAME=VALUE\n");
    cr_assert_eq(changes, 0);
}

Test(channel, what_is_no_request_is_dropped)
{
    static const char *const bad[] = {"",          "x",         "1",         "\n",
                                      "-1\na=b\n", "+1\na=b\n", "1 \na=b\n", "123456789012345678901\na=b\n"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        say(bad[i], strlen(bad[i]));
    assert_answer("2\na=b\n", "2 ok\n");
    cr_assert_eq(changes, 1);
}

Test(channel, a_request_has_a_greatest_length)
{
    static char message[100000];
    memset(message, 'x', sizeof message);
    memcpy(message, "3\na=", 4);
    message[CONTROL_MAX_BYTES - 1] = '\n';
    say(message, CONTROL_MAX_BYTES);
    cr_assert_str_eq(answer(), "3 ok\n");
    message[CONTROL_MAX_BYTES - 1] = 'x';
    message[CONTROL_MAX_BYTES] = '\n';
    say(message, CONTROL_MAX_BYTES + 1);
    cr_assert_str_eq(answer(), "3 the request is too long\n");
    say(message, sizeof message);
    cr_assert_str_eq(answer(), "3 the request is too long\n");
    cr_assert_eq(changes, 1);
}

/* A view that asks without end, and reads no answer, has a part of the loop's time, not all of it. */
Test(channel, a_flood_is_taken_piece_by_piece)
{
    while (send(view_fd, "1\na=b\n", 6, 0) == 6)
        continue;
    struct timeval limit = {.tv_usec = 500000};
    event_base_loopexit(base, &limit);
    while (!event_base_got_exit(base)) {
        event_base_loop(base, EVLOOP_ONCE);
        send(view_fd, "1\na=b\n", 6, 0);
    }
    cr_assert_gt(changes, 1);
    cr_assert_leq(changes, 500 / CHANNEL_PAUSE_MS + 1);
}

Test(channel, the_loop_comes_to_rest_when_the_view_is_gone)
{
    say("", 0); /* is not the end */
    assert_answer("4\na=b\n", "4 ok\n");
    close(view_fd);
    cr_assert_eq(event_base_dispatch(base), 1, "there is nothing to wait for any more");
    view_fd = dup(proxy_fd);
}
