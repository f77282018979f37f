/*
 * Fuzz target of the TLS decoder. The input is a script:
 *     byte 0: & 1 with a key log, which knows the secrets of TLS 1.3 for a client random of all 'R'
 *             & 2 records gather
 *     then steps: a control byte, a length in two bytes, and so many bytes of data
 *         control & 1       direction: 0 to the server
 *         control & 6       0: data; without any, the direction ends
 *                           2: data, protected with TLS_AES_128_GCM_SHA256 as one record; their first byte:
 *                              & 7   the content type (and 20)
 *                              >> 6  the key: 0 of early data, 1 of the handshake, 2 of the data, 3 the one after that
 *                           4: a line of the key log
 *                           6: no more keys will come
 *         control >> 4      data: fed in pieces of so many bytes; 0: in one piece
 *
 * Checked: fed as the script cuts it, and with all adjacent bytes of a direction in one piece, the decoder emits the
 * same events and the same plaintext with the same times; every byte of the wire is told by TlsData; there is not more
 * plaintext than there are bytes; the number and size of events are bounded by those of the input.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "split.h"
#include "../unit/decode/tls/run.h"
#include "../unit/decode/tls/seal.h"

enum { KIND_SEALED = 2, KIND_KEYS = 4, KIND_GIVE_UP = 6, KIND_MASK = 6 };

/* An input byte becomes at most so many: the shortest step has 3, and a record 22 and its content. */
#define GROWTH            8
#define CONTENT_MAX_BYTES ((size_t)16000)

struct step {
    Mitm__Direction direction;
    uint8_t kind;
    size_t piece;
    struct bytes data;
};

struct player {
    struct run run;
    size_t sent[2], pieces;
    bool ended[2];
    bool whole; /* collect adjacent bytes */
    bool begun;
    Mitm__Direction last;
    struct bytes collected; /* of the direction `last` */
    struct seal seals[2][3];
};

static bool next_step(struct bytes *script, struct step *step)
{
    if (script->len < 3) {
        return false;
    }
    uint8_t control = script->data[0];
    size_t len = (size_t)script->data[1] << 8 | script->data[2];
    script->data += 3;
    script->len -= 3;
    len = len < script->len ? len : script->len;
    *step = (struct step){.direction = control & 1 ? MITM__DIRECTION__TO_CLIENT : MITM__DIRECTION__TO_SERVER,
                          .kind = control & KIND_MASK,
                          .piece = control >> 4,
                          .data = {script->data, len}};
    script->data += len;
    script->len -= len;
    return true;
}

static int index_of(Mitm__Direction direction)
{
    return direction == MITM__DIRECTION__TO_SERVER ? 0 : 1;
}

static void feed(struct player *player, const uint8_t *data, size_t len)
{
    run_feed(&player->run, player->last, data, len);
    player->pieces++;
}

/* Begin something new, at a time of its own. */
static void turn(struct player *player, Mitm__Direction direction)
{
    if (player->collected.len > 0) {
        feed(player, player->collected.data, player->collected.len);
        player->collected.len = 0;
    }
    player->last = direction;
    player->run.t_ns++;
}

static void end(struct player *player, Mitm__Direction direction)
{
    turn(player, direction);
    player->begun = false;
    player->ended[index_of(direction)] = true;
    tls_end(player->run.tls, direction, player->run.t_ns, MITM__END_CAUSE__FIN);
}

static void take_data(struct player *player, const struct step *step)
{
    player->sent[index_of(step->direction)] += step->data.len;
    if (!player->begun || step->direction != player->last) {
        turn(player, step->direction);
        player->begun = true;
    }
    if (player->whole) {
        memcpy(player->collected.data + player->collected.len, step->data.data, step->data.len);
        player->collected.len += step->data.len;
        return;
    }
    size_t piece = step->piece ? step->piece : step->data.len;
    for (size_t at = 0; at < step->data.len; at += piece) {
        size_t left = step->data.len - at;
        feed(player, step->data.data + at, left < piece ? left : piece);
    }
}

/* Send the content of `step` as a protected record. */
static void take_sealed(struct player *player, const struct step *step)
{
    static uint8_t record[CONTENT_MAX_BYTES + SEAL_EXTRA_BYTES];
    struct step sealed = *step;
    uint8_t first = step->data.len > 0 ? step->data.data[0] : 0;
    size_t key = first >> 6;
    struct seal *seal = &player->seals[index_of(step->direction)][key < 3 ? key : 2];
    size_t len = step->data.len > 0 ? step->data.len - 1 : 0;
    if (key == 3) {
        seal_update(seal);
    }
    sealed.data.data = record;
    sealed.data.len = seal_record(seal, 20 + (first & 7), step->data.data + (step->data.len > 0),
                                  len < CONTENT_MAX_BYTES ? len : CONTENT_MAX_BYTES, record);
    take_data(player, &sealed);
}

static void take_keys(struct player *player, const struct step *step)
{
    struct run *run = &player->run;
    turn(player, step->direction);
    player->begun = false;
    if (!run->keys) {
        return;
    }
    if (step->kind == KIND_KEYS) {
        (void)tls_keys_add_line(run->keys, (const char *)step->data.data, step->data.len);
    }
    while (tls_drain(run->tls, run->t_ns)) {
        continue;
    }
    if (step->kind == KIND_GIVE_UP) {
        tls_give_up(run->tls, run->t_ns, false);
        assert(!tls_waits(run->tls));
    }
}

static void take(struct player *player, const struct step *step)
{
    if (step->kind >= KIND_KEYS) {
        take_keys(player, step);
    } else if (player->ended[index_of(step->direction)]) {
        return;
    } else if (step->kind == KIND_SEALED) {
        take_sealed(player, step);
    } else if (step->data.len == 0) {
        end(player, step->direction);
    } else {
        take_data(player, step);
    }
}

static void check(const struct player *player)
{
    const struct event_log *log = &player->run.log;
    for (int i = 0; i < 2; i++) {
        assert(log->tls_data[i].len_bytes == player->sent[i]);
        assert(player->run.plain[i].len <= player->sent[i]);
        assert(log->violation_offset[i] == UINT64_MAX || log->violation_offset[i] <= player->sent[i]);
    }
    /* Two hellos and a retry, a hello, two ends, 16 alerts and a violation for each direction, two TlsDecryption. */
    assert(log->emitted <= player->pieces + 2 + 1 + 1 + 2 + 2 * 17 + 2);
    assert(log->largest_bytes <= EVENT_MAX_BYTES);
}

/* The secrets of the keys that take_sealed() takes. */
static void prepare(struct player *player)
{
    static const char *const labels[2][3] = {
        {"CLIENT_EARLY_TRAFFIC_SECRET", "CLIENT_HANDSHAKE_TRAFFIC_SECRET", "CLIENT_TRAFFIC_SECRET_0"},
        {"unused", "SERVER_HANDSHAKE_TRAFFIC_SECRET", "SERVER_TRAFFIC_SECRET_0"}};
    char random[65] = "", secret[65] = "";
    for (size_t i = 0; i < 64; i += 2) {
        memcpy(random + i, "52", 3);
    }
    for (size_t i = 0; i < 6; i++) {
        uint8_t fill = (uint8_t)(0x11 * (i + 1));
        char line[200];
        seal_init(&player->seals[i / 3][i % 3], fill);
        memset(secret, (char)('1' + i), 64);
        int n = snprintf(line, sizeof line, "%s %s %s", labels[i / 3][i % 3], random, secret);
        if (player->run.keys) {
            (void)tls_keys_add_line(player->run.keys, line, (size_t)n);
        }
    }
}

/* Run the script and return all that came out as text. */
static char *perform(const uint8_t *data, size_t len, bool whole)
{
    struct bytes script = {(uint8_t *)(uintptr_t)data + 1, len - 1};
    struct player player = {.whole = whole, .collected = {malloc(len * GROWTH), 0}};
    assert(player.collected.data);
    run_init_gathering(&player.run, data[0] & 1, data[0] & 2 ? TLS_GATHER_BYTES : 0);
    prepare(&player);
    struct step step;
    while (next_step(&script, &step)) {
        take(&player, &step);
    }
    turn(&player, MITM__DIRECTION__TO_SERVER);
    for (int i = 0; i < 2; i++) {
        if (!player.ended[i]) {
            end(&player, i == 0 ? MITM__DIRECTION__TO_SERVER : MITM__DIRECTION__TO_CLIENT);
        }
    }
    tls_give_up(player.run.tls, player.run.t_ns, false);
    check(&player);
    char *text = run_text(&player.run);
    run_fini(&player.run);
    free(player.collected.data);
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len < 1) {
        return 0;
    }
    split_check(perform(data, len, true), perform(data, len, false));
    return 0;
}
