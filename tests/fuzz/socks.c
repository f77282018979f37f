/*
 * Fuzz target: SOCKS5 messages. The first byte chooses the kind of message, the second one how the rest is cut. However
 * it is cut, result, bytes taken and events are the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "capture/decode/socks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct outcome {
    enum socks_result result;
    size_t used;
    size_t events;
    uint64_t hash; /* of the events' text */
};

static void hash_event(void *ctx, Mitm__Record *record)
{
    struct outcome *outcome = ctx;
    record->t_ns = 0; /* the time of the last piece depends on the cut */
    char *text;
    size_t size;
    FILE *line = open_memstream(&text, &size);
    event_print_json(line, record);
    fclose(line);
    for (size_t i = 0; i < size; i++)
        outcome->hash = (outcome->hash ^ (uint8_t)text[i]) * 1099511628211u;
    free(text);
    outcome->events++;
}

static struct outcome run(enum socks_kind kind, const uint8_t *data, size_t len, size_t piece)
{
    struct outcome outcome = {.result = SOCKS_MORE};
    struct event_sink sink = {.emit = hash_event, .ctx = &outcome};
    bool client = kind == SOCKS_GREETING || kind == SOCKS_AUTH || kind == SOCKS_REQUEST;
    struct socks socks;
    struct socks_message message;
    socks_init(&socks, client ? MITM__DIRECTION__TO_SERVER : MITM__DIRECTION__TO_CLIENT);
    if (socks.kind != kind)
        socks_expect(&socks, kind);
    for (size_t at = 0; at < len && outcome.result == SOCKS_MORE; at += piece) {
        size_t used, n = piece < len - at ? piece : len - at;
        outcome.result = socks_feed(&socks, &sink, at, data + at, n, &used, &message);
        outcome.used += used;
        if (outcome.result == SOCKS_MORE && used != n)
            abort();
    }
    if (outcome.result == SOCKS_DONE && kind == SOCKS_AUTH) {
        const uint8_t *username, *password;
        size_t username_len, password_len;
        socks_credentials(&socks, &username, &username_len, &password, &password_len);
        if (password + password_len != socks.bytes + socks.len_bytes)
            abort();
    }
    return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len < 2)
        return 0;
    enum socks_kind kind = (enum socks_kind)(data[0] % (SOCKS_REPLY + 1));
    size_t piece = (size_t)data[1] + 1;
    struct outcome whole = run(kind, data + 2, len - 2, len);
    struct outcome cut = run(kind, data + 2, len - 2, piece);
    if (whole.result != cut.result || whole.events != cut.events || whole.hash != cut.hash)
        abort();
    if (whole.result != SOCKS_BAD && whole.used != cut.used)
        abort();
    return 0;
}
