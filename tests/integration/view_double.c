/* Stands in for the view where that is not built: confines itself as the view does, and answers every request. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "view/sandbox.h"
#include "view/view.h"

static void serve(int client)
{
    char text[4096];
    size_t n = 0;
    while (n < sizeof text - 1) {
        ssize_t got = recv(client, text + n, sizeof text - 1 - n, 0);
        if (got <= 0)
            return;
        n += (size_t)got;
        text[n] = '\0';
        if (strstr(text, "\r\n\r\n"))
            break;
    }
    dprintf(client, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nview\n");
}

int view_run(const struct view_options *options)
{
    struct sandbox sandbox = sandbox_enter();
    (void)sandbox;
    struct pollfd polled[] = {{.fd = options->listen_fd, .events = POLLIN}, {.fd = options->control_fd}};
    for (;;) {
        if (poll(polled, 2, -1) < 0 || polled[1].revents != 0)
            return 0;
        int client = accept4(options->listen_fd, NULL, NULL, SOCK_CLOEXEC);
        if (client < 0)
            continue;
        serve(client);
        close(client);
    }
}
