/* The command line of mitm-proxy. */
#ifndef MITM_CAPTURE_OPTIONS_H
#define MITM_CAPTURE_OPTIONS_H

#include <stdbool.h>

#include "capture/browser.h"
#include "capture/proxy.h"

enum exit_code {
    EXIT_OK = 0,
    EXIT_USAGE = 2,
    EXIT_IO = 3,
    /* As the shell has them, for the command under measurement. */
    EXIT_CANNOT_RUN = 126,
    EXIT_NOT_FOUND = 127
};

#define OPTIONS_LABEL_MAX 1024 /* bytes of a label */

struct options {
    struct proxy_settings proxy;
    const char *session_path;  /* NULL: named after date and time */
    const char *hosts_path;    /* NULL: none */
    const char *keylog_path;   /* "none": none; NULL: $SSLKEYLOGFILE, or one of the browser's own */
    enum browser_kind browser; /* to be started and measured */
    bool headless;             /* without windows */
    char *address;             /* that it shows; NULL: none */
    bool force;
    bool no_view; /* no live view at http://mitm.proxy */
    bool quiet;
};

enum options_result { OPTIONS_RUN, OPTIONS_DONE, OPTIONS_BAD };

/*
 * Read the command line into `options`, whose strings point into argv. OPTIONS_DONE: help or version has been printed.
 * OPTIONS_BAD: one line on standard error says what is wrong.
 */
enum options_result options_parse(struct options *options, int argc, char **argv) __attribute__((warn_unused_result));

#endif
