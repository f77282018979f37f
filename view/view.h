/*
 * The view: serves the reports of a session (report/report.h) over HTTP: of a file that still grows as the live view at
 * http://mitm.proxy, of a finished one at a loopback port. It runs in a process of its own, which it confines first.
 */
#ifndef MITM_VIEW_VIEW_H
#define MITM_VIEW_VIEW_H

#include <stdbool.h>
#include <stddef.h>

struct view_options {
    const char *path;   /* of the session */
    bool follow;        /* it still grows */
    int listen_fd;      /* a listening socket (Unix or TCP), non-blocking; the view owns it */
    const char *host;   /* the Host that requests must have: "mitm.proxy"; further ones separated by spaces */
    const char *secret; /* 32 hexadecimal digits: the key of images, downloads and forms */
    bool same_user;     /* TCP: refuse clients that belong to another user */
    /* Changes settings: a connected SOCK_SEQPACKET socket (view/control.h), -1: nothing can be changed. */
    int control_fd;
};

/* Confine this process, then serve until SIGTERM, or until the other end of control_fd is closed. Return an exit code.
 */
int view_run(const struct view_options *options);

#endif
