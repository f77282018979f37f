/*
 * Writes a session of many connections to 40 servers, each with three requests, to standard output:
 *     make_large CONNECTIONS > large.mitm
 */
#include <stdio.h>
#include <stdlib.h>

#include "../analyze/scene.h"

static void write_record(void *ctx, Mitm__Record *record)
{
    uint8_t *bytes = malloc(event_encoded_size(record));
    if (!bytes)
        abort();
    size_t len = event_encode(record, bytes);
    if (len == 0 || fwrite(bytes, 1, len, ctx) != len)
        abort();
    free(bytes);
}

/* One connection; its times differ from those of the others, but not by chance. */
static void put_connection(const struct event_sink *sink, uint32_t id)
{
    uint64_t t_ms = (uint64_t)id * 37, wait_ms = 20 + id * 7919 % 400;
    char host[40], target[40];
    snprintf(host, sizeof host, "server-%02u.example.org", id * 31 % 40);
    scene_connection_start(sink, id, t_ms);
    scene_socks(sink, id, t_ms + 1, 1, host, 80);
    scene_reply(sink, id, t_ms + wait_ms, id % 50 == 49 ? 4 : 0);
    t_ms += wait_ms + 1;
    for (uint32_t exchange = 1; exchange <= 3 && id % 50 != 49; exchange++, t_ms += 2 * wait_ms) {
        snprintf(target, sizeof target, "/page/%u/part/%u.html", id, exchange);
        scene_request(sink, id, exchange, t_ms, target);
        scene_request_head(sink, id, exchange, t_ms + 1);
        scene_request_end(sink, id, exchange, t_ms + 1);
        scene_response(sink, id, exchange, t_ms + wait_ms, 200);
        scene_body(sink, id, exchange, t_ms + wait_ms + 5, 1000 + id % 7 * 10000);
        scene_response_end(sink, id, exchange, t_ms + wait_ms + wait_ms / 2, 1000 + id % 7 * 10000, 0);
    }
    if (id % 20 != 19)
        scene_connection_end(sink, id, t_ms + 100, MITM__END_CAUSE__FIN);
}

int main(int argc, char **argv)
{
    struct event_sink sink = {.emit = write_record, .ctx = stdout};
    uint32_t count = argc == 2 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0;
    if (count == 0)
        return 2;
    scene_session_start(&sink, 1);
    for (uint32_t id = 1; id <= count; id++)
        put_connection(&sink, id);
    scene_session_end(&sink, 1, (uint64_t)count * 37 + 4000);
    return fflush(stdout) == 0 ? 0 : 3;
}
