#include "capture/command.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const proxy_variables[] = {"ALL_PROXY",   "all_proxy",   "HTTP_PROXY", "http_proxy",
                                              "HTTPS_PROXY", "https_proxy", "FTP_PROXY",  "ftp_proxy"};
static const char *const removed_variables[] = {"NO_PROXY", "no_proxy"};

enum { PROXY_VARIABLES = sizeof proxy_variables / sizeof proxy_variables[0] };

static bool names(const char *entry, const char *name)
{
    size_t len = strlen(name);
    return strncmp(entry, name, len) == 0 && entry[len] == '=';
}

bool command_is_proxy_variable(const char *entry)
{
    for (size_t i = 0; i < PROXY_VARIABLES; i++) {
        if (names(entry, proxy_variables[i]))
            return true;
    }
    for (size_t i = 0; i < sizeof removed_variables / sizeof removed_variables[0]; i++) {
        if (names(entry, removed_variables[i]))
            return true;
    }
    return false;
}

/* Return a copy of our environment with the proxy in it; its first PROXY_VARIABLES strings are to be freed as well. */
static char **make_environment(const char *address)
{
    size_t n = 0;
    while (environ[n])
        n++;
    char **list = calloc(n + PROXY_VARIABLES + 1, sizeof *list);
    if (!list)
        abort();
    size_t used = 0;
    for (; used < PROXY_VARIABLES; used++) {
        if (asprintf(&list[used], "%s=socks5h://%s", proxy_variables[used], address) < 0)
            abort();
    }
    for (size_t i = 0; i < n; i++) {
        if (!command_is_proxy_variable(environ[i]))
            list[used++] = environ[i];
    }
    return list;
}

static void free_environment(char **list)
{
    for (size_t i = 0; i < PROXY_VARIABLES; i++)
        free(list[i]);
    free(list);
}

int command_start(char *const *words, const char *address, pid_t *pid)
{
    posix_spawnattr_t attributes;
    sigset_t defaults;
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    sigaddset(&defaults, SIGXFSZ);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    char **environment = make_environment(address);
    int error = posix_spawnp(pid, words[0], NULL, &attributes, words, environment);
    free_environment(environment);
    posix_spawnattr_destroy(&attributes);
    return error;
}

bool command_ended(pid_t pid, uint32_t *status)
{
    int raw;
    pid_t ended;
    do {
        ended = waitpid(pid, &raw, WNOHANG);
    } while (ended < 0 && errno == EINTR);
    if (ended != pid)
        return false;
    *status = (uint32_t)(WIFSIGNALED(raw) ? 128 + WTERMSIG(raw) : WEXITSTATUS(raw));
    return true;
}
