/*
 * Fuzz target of the WebSocket decoder. The input is a sequence of steps: a byte whose lowest bit is the direction (0
 * to the server) and whose others are the number of bytes that follow it.
 *
 * Checked: with each step in one piece and byte by byte, the decoder emits the same events with the same times; no byte
 * is told twice; behind a Violation everything is OpaqueData; there is no more than one event for two bytes, but for
 * the Violations and OpaqueData.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "split.h"
#include "../unit/decode/event_log.h"
#include "capture/decode/websocket.h"

/* Feed a copy of exactly this size, so that the sanitizer sees a read outside of it. */
static void feed(struct websocket *websocket, Mitm__Direction direction, uint64_t t_ns, const uint8_t *data, size_t len)
{
    uint8_t *copy = malloc(len);
    assert(copy);
    memcpy(copy, data, len);
    websocket_feed(websocket, direction, t_ns, copy, len);
    free(copy);
}

static void check_bounds(const struct event_log *log, const uint64_t sent[2], size_t pieces)
{
    for (int i = 0; i < 2; i++) {
        assert(log->told_bytes[i] <= sent[i]);
        assert(log->violation_offset[i] == UINT64_MAX || log->violation_offset[i] + log->opaque_bytes[i] == sent[i]);
    }
    assert(log->emitted <= (sent[0] + sent[1]) / 2 + 2 + pieces);
}

/* Run the script in pieces of `size` bytes and return the log as text. */
static char *perform(const uint8_t *data, size_t len, size_t size)
{
    struct event_log log;
    event_log_init(&log);
    uint64_t sent[2] = {0};
    struct websocket *websocket = websocket_new(&log.sink, 1, sent);
    size_t pieces = 0;
    for (uint64_t t_ns = 1; len > 1; t_ns++) {
        int i = data[0] & 1;
        size_t n = data[0] >> 1 < len - 1 ? data[0] >> 1 : len - 1;
        for (size_t at = 0; at < n; at += size, pieces++)
            feed(websocket, i == 0 ? MITM__DIRECTION__TO_SERVER : MITM__DIRECTION__TO_CLIENT, t_ns, data + 1 + at,
                 n - at < size ? n - at : size);
        sent[i] += n;
        data += 1 + n;
        len -= 1 + n;
    }
    websocket_free(websocket);
    check_bounds(&log, sent, pieces);
    char *text = event_log_text(&log);
    event_log_fini(&log);
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    split_check(perform(data, len, SIZE_MAX), perform(data, len, 1));
    return 0;
}
