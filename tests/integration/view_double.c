/* Stands in for the view where that is not built: confines itself as the view does, and answers every request. */
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "view/sandbox.h"
#include "view/view.h"

enum { CLIENTS_MAX = 64, FIRST_CLIENT = 2 };

static const char response[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nview\n";

/* Answer when the end of a request has come; return whether the client is done with. */
static bool serve(int client)
{
    char text[4096];
    ssize_t n = recv(client, text, sizeof text, MSG_DONTWAIT);
    if (n < 0)
        return false;
    if (n >= 4 && memcmp(text + n - 4, "\r\n\r\n", 4) == 0)
        n = send(client, response, sizeof response - 1, MSG_NOSIGNAL) > 0 ? 0 : -1;
    return n <= 0;
}

int view_run(const struct view_options *options)
{
    struct sandbox sandbox = sandbox_enter();
    (void)sandbox;
    struct pollfd polled[FIRST_CLIENT + CLIENTS_MAX] = {{.fd = options->listen_fd, .events = POLLIN},
                                                        {.fd = options->control_fd}};
    size_t n = FIRST_CLIENT;
    for (;;) {
        if (poll(polled, n, -1) < 0 || polled[1].revents != 0)
            return 0;
        for (size_t i = n; i-- > FIRST_CLIENT;) {
            if (polled[i].revents != 0 && serve(polled[i].fd)) {
                close(polled[i].fd);
                polled[i] = polled[--n];
            }
        }
        int client = n < FIRST_CLIENT + CLIENTS_MAX ? accept4(options->listen_fd, NULL, NULL, SOCK_CLOEXEC) : -1;
        if (client >= 0)
            polled[n++] = (struct pollfd){.fd = client, .events = POLLIN};
    }
}
