#include "view/cmd_serve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "view/view.h"

static const char help[] =
    "usage: mitm-analyze serve [options] FILE\n"
    "\n"
    "Shows a session as web pages at a loopback address, for a browser of this computer and this user, until Ctrl-C:\n"
    "the pages that http://mitm.proxy shows while mitm-proxy records.\n"
    "\n"
    "      --port N           the port; without it 8642, or a free one if that is taken\n"
    "      --follow           the file still grows: the pages keep themselves current\n"
    "  -h, --help             print this\n"
    "      --version          print the version\n"
    "\n"
    "FILE is a session (.mitm, .mitm.zst).\n"
    "Exit status: 0; 2 wrong use; 3 the file cannot be read, or the port is taken.\n";

enum { USUAL_PORT = 8642, BACKLOG = 64, SECRET_BYTES = 16 };

/* Listen at 127.0.0.1:`port` (0: any). Return the socket, or −1 with errno set. */
static int listen_at(unsigned port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static unsigned port_of(int fd)
{
    struct sockaddr_in address;
    socklen_t len = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        return 0;
    return ntohs(address.sin_port);
}

/* Write a new key to `secret`. */
static void make_secret(char *secret)
{
    unsigned char bytes[SECRET_BYTES];
    if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
        abort();
    for (size_t i = 0; i < SECRET_BYTES; i++)
        sprintf(secret + 2 * i, "%02x", bytes[i]);
}

static int serve(const char *path, int fd, bool follow)
{
    char secret[2 * SECRET_BYTES + 1], hosts[96];
    unsigned port = port_of(fd);
    make_secret(secret);
    snprintf(hosts, sizeof hosts, "127.0.0.1:%u localhost:%u [::1]:%u%s", port, port, port,
             port == 80 ? " 127.0.0.1 localhost" : "");
    printf("http://127.0.0.1:%u/ shows %s until Ctrl-C\n", port, path);
    int code = cli_finish_output(CLI_OK);
    if (code != CLI_OK) {
        close(fd);
        return code;
    }
    return view_run(&(struct view_options){.path = path,
                                           .follow = follow,
                                           .listen_fd = fd,
                                           .host = hosts,
                                           .secret = secret,
                                           .same_user = true,
                                           .control_fd = -1});
}

/* Return whether `path` can be shown, or say why not. */
static bool is_servable(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) != 0) {
        cli_warn("%s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return false;
    }
    close(fd);
    if (!S_ISREG(st.st_mode))
        cli_warn("%s: not a regular file: it is read more than once", path);
    return S_ISREG(st.st_mode);
}

enum { PORT = CLI_FIRST_OWN, FOLLOW };

static int run(int argc, char **argv)
{
    static const struct option options[] = {{"port", required_argument, NULL, PORT},
                                            {"follow", no_argument, NULL, FOLLOW},
                                            CLI_COMMON_OPTIONS,
                                            {NULL, 0, NULL, 0}};
    uint64_t port = USUAL_PORT;
    bool follow = false, chosen = false;
    for (int option; (option = getopt_long(argc, argv, ":h", options, NULL)) != -1;) {
        if (option == FOLLOW) {
            follow = true;
        } else if (option == PORT) {
            if (!cli_number(optarg, UINT16_MAX, &port))
                return cli_usage(&cmd_serve, "--port is a number from 0 (a free one) to 65535, not '%s'", optarg);
            chosen = true;
        } else {
            return cli_common_option(&cmd_serve, option, argv);
        }
    }
    if (optind + 1 != argc || strcmp(argv[optind], "-") == 0)
        return cli_usage(&cmd_serve, "name one session file");
    if (!is_servable(argv[optind]))
        return CLI_IO;
    int fd = listen_at((unsigned)port);
    if (fd < 0 && errno == EADDRINUSE && !chosen)
        fd = listen_at(0);
    if (fd < 0) {
        cli_warn("cannot listen on port %" PRIu64 ": %s", port, strerror(errno));
        return CLI_IO;
    }
    return serve(argv[optind], fd, follow);
}

const struct cli_verb cmd_serve = {"serve", "the session as web pages, for a browser of this computer", help, run};
