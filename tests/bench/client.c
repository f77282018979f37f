#include "client.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "body.h"

enum { BUFFER_BYTES = 262144, LINE_BYTES = 128, BATCH = 256, MAX_ERRORS = 100, REPLY_BYTES = 10 };

enum phase {
    PHASE_CONNECT,
    PHASE_METHOD,
    PHASE_REPLY,
    PHASE_HEAD,
    PHASE_BODY,
    PHASE_CHUNK_SIZE,
    PHASE_CHUNK,
    PHASE_CHUNK_END,
    PHASE_CLOSING, /* the server is to close */
    PHASE_IDLE
};

struct connection {
    int fd;
    enum phase phase;
    bool failed;
    bool status_ok, length_seen, chunked_seen; /* what the head says */
    size_t line_len;
    char line[LINE_BYTES]; /* the line being read, cut off if it is longer */
    uint64_t left;         /* of the body or of the chunk */
    uint64_t body_bytes;   /* of this response so far */
    uint64_t done;         /* responses */
    uint64_t start_ns;
};

struct client {
    const struct client_plan *plan;
    int epoll;
    uint64_t opened, busy, issued, done, errors, bytes;
    uint64_t *times_ns; /* of each response */
    char request[LINE_BYTES * 2], last_request[LINE_BYTES * 2];
    size_t request_len, last_request_len;
    unsigned char buffer[BUFFER_BYTES];
};

static void connection_new(struct client *client);

/* The connection has done its share: close it, or hold it, and open another if there is more to do. */
static void connection_done(struct client *client, struct connection *connection)
{
    connection->phase = PHASE_IDLE;
    if (!client->plan->hold || connection->failed) {
        close(connection->fd);
        free(connection);
    }
    client->busy--;
    if (client->issued < client->plan->requests && client->errors <= MAX_ERRORS)
        connection_new(client);
}

/* Note that the connection has failed because of `what`. Return false for the caller to return. */
static bool connection_fail(struct client *client, struct connection *connection, const char *what)
{
    if (client->errors++ == 0)
        fprintf(stderr, "bench_load: first error: %s (phase %d, errno %d)\n", what, connection->phase, errno);
    connection->failed = true;
    return false;
}

static bool connection_send(struct client *client, struct connection *connection, const void *data, size_t len)
{
    if (send(connection->fd, data, len, MSG_NOSIGNAL) != (ssize_t)len)
        return connection_fail(client, connection, "send");
    return true;
}

static bool connection_request(struct client *client, struct connection *connection)
{
    connection->phase = PHASE_HEAD;
    connection->line_len = 0;
    connection->status_ok = connection->length_seen = connection->chunked_seen = false;
    connection->body_bytes = connection->left = 0;
    connection->start_ns = net_now_ns();
    if (connection->done + 1 == client->plan->per_connection && !client->plan->hold)
        return connection_send(client, connection, client->last_request, client->last_request_len);
    return connection_send(client, connection, client->request, client->request_len);
}

/* The response is complete: send the next request if this connection has one more to do. */
static bool connection_next(struct client *client, struct connection *connection)
{
    const struct client_plan *plan = client->plan;

    client->times_ns[client->done++] = net_now_ns() - connection->start_ns;
    client->bytes += connection->body_bytes;
    connection->done++;
    connection->phase = PHASE_IDLE;
    if (connection->done == plan->per_connection && !plan->hold)
        connection->phase = PHASE_CLOSING;
    if (client->issued >= plan->requests || connection->done == plan->per_connection)
        return true;
    client->issued++;
    return connection_request(client, connection);
}

static bool connection_greet(struct client *client, struct connection *connection)
{
    static const unsigned char greeting[3] = {5, 1, 0};

    connection->phase = PHASE_METHOD;
    connection->line_len = 0;
    return connection_send(client, connection, greeting, sizeof(greeting));
}

/* The connect has ended, well or not. */
static bool on_connect(struct client *client, struct connection *connection)
{
    int error = 0;
    socklen_t len = sizeof(error);

    if (getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
        net_die("SO_ERROR");
    errno = error;
    if (error != 0)
        return connection_fail(client, connection, "connect");
    net_watch(client->epoll, EPOLL_CTL_MOD, connection->fd, EPOLLIN, connection);
    return client->plan->proxy.len == 0 ? connection_request(client, connection) : connection_greet(client, connection);
}

static bool on_method(struct client *client, struct connection *connection)
{
    const struct sockaddr_in *origin = (const struct sockaddr_in *)&client->plan->origin.storage;
    unsigned char request[10] = {5, 1, 0, 1};

    if (connection->line[0] != 5 || connection->line[1] != 0)
        return connection_fail(client, connection, "method refused");
    memcpy(request + 4, &origin->sin_addr, 4);
    memcpy(request + 8, &origin->sin_port, 2);
    connection->phase = PHASE_REPLY;
    connection->line_len = 0;
    return connection_send(client, connection, request, sizeof(request));
}

static bool on_reply(struct client *client, struct connection *connection)
{
    if (connection->line[0] != 5 || connection->line[1] != 0 || connection->line[3] != 1)
        return connection_fail(client, connection, "SOCKS reply");
    return connection_request(client, connection);
}

/* A line of the head, without its end. */
static bool on_head_line(struct client *client, struct connection *connection)
{
    const struct client_plan *plan = client->plan;
    const char *line = connection->line;

    if (!connection->status_ok) {
        connection->status_ok = strncmp(line, "HTTP/1.1 200 ", 13) == 0;
        return connection->status_ok || connection_fail(client, connection, "status line");
    }
    if (connection->line_len > 0) {
        if (strncasecmp(line, "Content-Length: ", 16) == 0) {
            connection->length_seen = true;
            connection->left = strtoull(line + 16, NULL, 10);
        }
        connection->chunked_seen |= strcasecmp(line, "Transfer-Encoding: chunked") == 0;
        return true;
    }
    if (plan->chunked ? !connection->chunked_seen : !connection->length_seen || connection->left != plan->body)
        return connection_fail(client, connection, "framing");
    connection->phase = plan->chunked ? PHASE_CHUNK_SIZE : PHASE_BODY;
    return plan->chunked || plan->body > 0 || connection_next(client, connection);
}

static bool on_chunk_line(struct client *client, struct connection *connection)
{
    char *end;

    if (connection->phase == PHASE_CHUNK_END && connection->line_len == 0) {
        if (connection->left > 0) { /* the end of the last chunk, which has no bytes */
            connection->phase = PHASE_CHUNK_SIZE;
            return true;
        }
        return connection->body_bytes == client->plan->body * BODY_PERIOD_BYTES
                   ? connection_next(client, connection)
                   : connection_fail(client, connection, "chunks missing");
    }
    connection->left = strtoull(connection->line, &end, 16);
    if (connection->phase == PHASE_CHUNK_END || end == connection->line)
        return connection_fail(client, connection, "chunk");
    connection->phase = connection->left > 0 ? PHASE_CHUNK : PHASE_CHUNK_END;
    return true;
}

/* Take bytes of a line. Return how many were used. */
static size_t take_line(struct client *client, struct connection *connection, const unsigned char *data, size_t len)
{
    const unsigned char *end = memchr(data, '\n', len);
    size_t used = end != NULL ? (size_t)(end + 1 - data) : len;
    size_t room = LINE_BYTES - 1 - connection->line_len;
    size_t copied = used < room ? used : room;

    memcpy(connection->line + connection->line_len, data, copied);
    connection->line_len += copied;
    if (end == NULL)
        return used;
    while (connection->line_len > 0 && strchr("\r\n", connection->line[connection->line_len - 1]) != NULL)
        connection->line_len--;
    connection->line[connection->line_len] = '\0';
    bool ok = connection->phase == PHASE_HEAD ? on_head_line(client, connection) : on_chunk_line(client, connection);
    connection->line_len = 0;
    return ok ? used : len;
}

/* Check bytes of a body. Return how many were used. */
static size_t take_body(struct client *client, struct connection *connection, const unsigned char *data, size_t len)
{
    size_t offset = connection->body_bytes % BODY_PERIOD_BYTES;
    size_t used = len < connection->left ? len : (size_t)connection->left;

    used = used < BODY_TABLE_BYTES - offset ? used : BODY_TABLE_BYTES - offset;
    if (memcmp(data, body_table + offset, used) != 0) {
        connection_fail(client, connection, "body differs");
        return len;
    }
    connection->body_bytes += used;
    connection->left -= used;
    if (connection->left > 0)
        return used;
    connection->line_len = 0;
    if (connection->phase == PHASE_CHUNK) {
        connection->phase = PHASE_CHUNK_END;
        connection->left = 1; /* another size line follows */
        return used;
    }
    return connection_next(client, connection) ? used : len;
}

/* Take bytes of a SOCKS answer. Return how many were used. */
static size_t take_socks(struct client *client, struct connection *connection, const unsigned char *data, size_t len)
{
    size_t wanted = (connection->phase == PHASE_METHOD ? 2 : REPLY_BYTES) - connection->line_len;
    size_t used = len < wanted ? len : wanted;

    memcpy(connection->line + connection->line_len, data, used);
    connection->line_len += used;
    if (used < wanted)
        return used;
    bool ok = connection->phase == PHASE_METHOD ? on_method(client, connection) : on_reply(client, connection);
    return ok ? used : len;
}

static size_t take(struct client *client, struct connection *connection, const unsigned char *data, size_t len)
{
    switch (connection->phase) {
    case PHASE_METHOD:
    case PHASE_REPLY:
        return take_socks(client, connection, data, len);
    case PHASE_HEAD:
    case PHASE_CHUNK_SIZE:
    case PHASE_CHUNK_END:
        return take_line(client, connection, data, len);
    case PHASE_BODY:
    case PHASE_CHUNK:
        return take_body(client, connection, data, len);
    case PHASE_CONNECT:
    case PHASE_CLOSING:
    case PHASE_IDLE:
        break;
    }
    connection_fail(client, connection, "bytes that nobody asked for");
    return len;
}

static void on_readable(struct client *client, struct connection *connection)
{
    ssize_t n = recv(connection->fd, client->buffer, BUFFER_BYTES, 0);

    if (n == -1 && errno == EAGAIN)
        return;
    if (n == 0 && connection->phase == PHASE_CLOSING) {
        connection->phase = PHASE_IDLE;
        return;
    }
    if (n <= 0) {
        connection_fail(client, connection, n == 0 ? "closed by the peer" : "recv");
        return;
    }
    for (size_t used = 0; used < (size_t)n && !connection->failed;)
        used += take(client, connection, client->buffer + used, (size_t)n - used);
}

static void on_event(struct client *client, struct connection *connection)
{
    bool was_idle = connection->phase == PHASE_IDLE;

    if (connection->phase == PHASE_CONNECT)
        on_connect(client, connection);
    else
        on_readable(client, connection);
    if (was_idle && connection->failed) {
        close(connection->fd);
        free(connection);
    } else if (connection->failed || (connection->phase == PHASE_IDLE && !was_idle)) {
        connection_done(client, connection);
    }
}

static void connection_new(struct client *client)
{
    const struct client_plan *plan = client->plan;
    const struct net_address *target = plan->proxy.len > 0 ? &plan->proxy : &plan->origin;
    struct connection *connection = calloc(1, sizeof(*connection));

    if (connection == NULL)
        net_die("calloc");
    client->opened++;
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (connection->fd == -1)
        net_die("socket");
    net_no_delay(connection->fd);
    if (plan->hold)
        net_reset_on_close(connection->fd); /* so many ports would be in use for a while */
    if (connect(connection->fd, &target->any, target->len) == -1 && errno != EINPROGRESS)
        net_die("connect");
    net_watch(client->epoll, EPOLL_CTL_ADD, connection->fd, EPOLLOUT, connection);
    client->busy++;
    client->issued++;
}

static int compare_times(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static uint64_t percentile_ns(const struct client *client, unsigned percent)
{
    return client->done == 0 ? 0 : client->times_ns[(client->done - 1) * percent / 100];
}

static void client_report(struct client *client, uint64_t spent_ns)
{
    qsort(client->times_ns, client->done, sizeof(*client->times_ns), compare_times);
    printf("{\"requests\":%" PRIu64 ",\"connections\":%" PRIu64 ",\"errors\":%" PRIu64 ",\"bytes\":%" PRIu64
           ",\"seconds\":%.6f,\"p50_ns\":%" PRIu64 ",\"p90_ns\":%" PRIu64 ",\"p99_ns\":%" PRIu64 "}\n",
           client->done, client->opened, client->errors, client->bytes, (double)spent_ns / 1e9,
           percentile_ns(client, 50), percentile_ns(client, 90), percentile_ns(client, 99));
    fflush(stdout);
}

/* Wait, with the connections open, until stdin ends. */
static void client_hold(void)
{
    char byte;

    while (read(STDIN_FILENO, &byte, 1) > 0)
        continue;
}

static size_t request_text(char *text, size_t size, const struct client_plan *plan, const char *more)
{
    return (size_t)snprintf(text, size,
                            "GET /%s/%" PRIu64 " HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench/1\r\nAccept: */*\r\n"
                            "Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: identity\r\n%s\r\n",
                            plan->chunked ? "chunks" : "length", plan->body, more);
}

static void client_init(struct client *client, const struct client_plan *plan)
{
    client->plan = plan;
    client->epoll = epoll_create1(EPOLL_CLOEXEC);
    client->times_ns = calloc(plan->requests, sizeof(*client->times_ns));
    if (client->epoll == -1 || client->times_ns == NULL)
        net_die("start");
    client->request_len = request_text(client->request, sizeof(client->request), plan, "");
    client->last_request_len =
        request_text(client->last_request, sizeof(client->last_request), plan, "Connection: close\r\n");
}

bool client_run(const struct client_plan *plan)
{
    static struct client client;
    static struct epoll_event events[BATCH];
    uint64_t start_ns = net_now_ns(), end_ns = start_ns + plan->seconds * (uint64_t)1000000000, now_ns = start_ns;

    client_init(&client, plan);
    while (client.busy < plan->parallel && client.issued < plan->requests)
        connection_new(&client);
    while (client.busy > 0 && now_ns < end_ns) {
        int n = epoll_wait(client.epoll, events, BATCH, 1000);
        for (int i = 0; i < n; i++)
            on_event(&client, events[i].data.ptr);
        now_ns = net_now_ns();
    }
    client_report(&client, now_ns - start_ns);
    if (plan->hold)
        client_hold();
    free(client.times_ns);
    return client.errors == 0 && client.done == plan->requests;
}
