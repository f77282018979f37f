/*
 * The way to the live view: which SOCKS requests are for http://mitm.proxy, and the connection to the process that
 * serves it.
 */
#ifndef MITM_CAPTURE_VIEWLINK_H
#define MITM_CAPTURE_VIEWLINK_H

#include "capture/decode/socks.h"

enum viewlink_request {
    VIEWLINK_OTHER,  /* not for us */
    VIEWLINK_VIEW,   /* CONNECT to mitm.proxy, port 80 */
    VIEWLINK_REFUSED /* anything else about that name or one below it: it exists nowhere else, so nobody else is asked
                      */
};

/* Return what `request` (SOCKS_REQUEST) is. Names are compared without case; one may end in a dot. */
enum viewlink_request viewlink_classify(const struct socks_message *request);

/*
 * Connect to the Unix socket at `path`, non-blocking. Return the socket, which is the caller's; or -1, and store errno
 * in *error: then no view takes connections now.
 */
int viewlink_connect(const char *path, int *error) __attribute__((warn_unused_result));

/* What the client gets where the view takes no connections: an HTTP response, without the SOCKS reply. */
extern const char viewlink_unavailable[];

#endif
