#include "view/download.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "view/answer.h"

enum { PIECE_BYTES = 262144 };

struct download {
    struct evhttp_request *request;
    int fd;
    uint64_t left_bytes;
    struct event *breaking; /* the connection is to be broken off */
};

static size_t running;

static void release(struct download *download)
{
    running--;
    close(download->fd);
    event_free(download->breaking);
    free(download);
}

/* The connection is being closed. If the client did so, libevent leaves the request to us: ending it frees it. */
static void closed(struct evhttp_connection *connection, void *ctx)
{
    struct download *download = ctx;
    (void)connection;
    struct evhttp_request *request = download->request;
    release(download);
    if (!evhttp_request_get_connection(request))
        evhttp_send_reply_end(request);
}

/* The file has become shorter than we said: only a broken connection can tell the client. */
static void on_breaking(evutil_socket_t fd, short what, void *ctx)
{
    struct download *download = ctx;
    (void)fd;
    (void)what;
    evhttp_connection_free(evhttp_request_get_connection(download->request)); /* calls closed() */
}

static void send_piece(struct evhttp_connection *connection, void *ctx)
{
    struct download *download = ctx;
    if (download->left_bytes == 0) {
        struct evhttp_request *request = download->request;
        evhttp_connection_set_closecb(connection, NULL, NULL);
        release(download);
        evhttp_send_reply_end(request);
        return;
    }
    size_t wanted = download->left_bytes < PIECE_BYTES ? (size_t)download->left_bytes : PIECE_BYTES;
    char *piece = memory_new(wanted, 1);
    ssize_t n = read(download->fd, piece, wanted);
    if (n <= 0) {
        free(piece);
        event_active(download->breaking, EV_TIMEOUT, 0); /* not here, in the connection's own callback */
        return;
    }
    struct evbuffer *buffer = evbuffer_new();
    if (!buffer || evbuffer_add(buffer, piece, (size_t)n) != 0)
        abort();
    free(piece);
    download->left_bytes -= (uint64_t)n;
    evhttp_send_reply_chunk_with_cb(download->request, buffer, send_piece, download);
    evbuffer_free(buffer);
}

bool download_serve(struct evhttp_request *request, const char *path, uint64_t len_bytes)
{
    struct evhttp_connection *connection = evhttp_request_get_connection(request);
    if (!connection) { /* the client has gone */
        evhttp_send_reply_end(request);
        return true;
    }
    int fd = running < DOWNLOAD_MAX ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    if (len_bytes > (uint64_t)st.st_size)
        len_bytes = (uint64_t)st.st_size;
    char length[32];
    snprintf(length, sizeof length, "%" PRIu64, len_bytes);
    answer_header(request, "Content-Length", length);
    if (evhttp_request_get_command(request) == EVHTTP_REQ_HEAD) {
        close(fd);
        evhttp_send_reply(request, 200, NULL, NULL);
        return true;
    }
    struct download *download = memory_new(1, sizeof *download);
    *download = (struct download){.request = request, .fd = fd, .left_bytes = len_bytes};
    download->breaking = evtimer_new(evhttp_connection_get_base(connection), on_breaking, download);
    if (!download->breaking)
        abort();
    running++;
    evhttp_connection_set_closecb(connection, closed, download);
    evhttp_send_reply_start(request, 200, NULL);
    send_piece(connection, download);
    return true;
}
