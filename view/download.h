/* Sends a file, however long, in pieces: the next one is read when the client has taken the one before. */
#ifndef MITM_VIEW_DOWNLOAD_H
#define MITM_VIEW_DOWNLOAD_H

#include <event2/http.h>
#include <stdbool.h>
#include <stdint.h>

/* At most so many at a time. */
#define DOWNLOAD_MAX 8

/*
 * Answer `request`, whose header lines are set, with the first `len_bytes` of the file `path`, or with all of it if
 * that is longer than the file. Return false, with nothing sent, if it cannot be opened or there are too many
 * downloads.
 */
bool download_serve(struct evhttp_request *request, const char *path, uint64_t len_bytes)
    __attribute__((warn_unused_result));

#endif
