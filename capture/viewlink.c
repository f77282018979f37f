#include "capture/viewlink.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { HTTP_PORT = 80 };

const char viewlink_unavailable[] =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\nCache-Control: no-store\r\n"
    "Retry-After: 1\r\nX-Content-Type-Options: nosniff\r\nContent-Length: 92\r\nConnection: close\r\n\r\n"
    "The live view is starting again; the recording goes on meanwhile. Reload this page, please.\n";

/* Whether `name`, `len` bytes, is mitm.proxy; with `below` also whether it is a name below that. */
static bool is_ours(const char *name, size_t len, bool below)
{
    static const char ours[] = "mitm.proxy";
    size_t ours_len = sizeof ours - 1;
    if (len > 0 && name[len - 1] == '.')
        len--;
    if (len < ours_len || strncasecmp(name + len - ours_len, ours, ours_len) != 0)
        return false;
    return len == ours_len || (below && name[len - ours_len - 1] == '.');
}

enum viewlink_request viewlink_classify(const struct socks_message *request)
{
    const char *name = request->host;
    size_t len = request->host_len_bytes;
    if (request->address_type != SOCKS_NAME || !is_ours(name, len, true))
        return VIEWLINK_OTHER;
    bool view = request->command == SOCKS_CONNECT && request->port == HTTP_PORT && is_ours(name, len, false);
    return view ? VIEWLINK_VIEW : VIEWLINK_REFUSED;
}

int viewlink_connect(const char *path, int *error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        *error = ENAMETOOLONG;
        return -1;
    }
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    *error = errno;
    if (fd >= 0)
        close(fd);
    return -1;
}
