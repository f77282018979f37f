/* The command under measurement: a child process with the proxy in its environment. */
#ifndef MITM_CAPTURE_COMMAND_H
#define MITM_CAPTURE_COMMAND_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Run `words` (NULL-terminated, looked up in PATH) with ALL_PROXY, HTTP_PROXY, HTTPS_PROXY, FTP_PROXY and their
 * lower-case forms set to socks5h://`address`, and without NO_PROXY. Store its process id. Return 0, or the errno of
 * the failure.
 */
int command_start(char *const *words, const char *address, pid_t *pid) __attribute__((warn_unused_result));

/* Return whether `entry` of an environment ("NAME=value") names a proxy, or where not to use one. */
bool command_is_proxy_variable(const char *entry);

/* Return whether `pid` has ended, without waiting; store its status as a shell counts it: 128 + N if signal N ended it.
 */
bool command_ended(pid_t pid, uint32_t *status);

#endif
