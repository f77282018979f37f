#include "capture/decode/tls/inside.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/suites.h"
#include "capture/decode/grow.h"
#include "capture/decode/tls/protection.h"
#include "capture/decode/tls/record.h"

/* Early data that the server rejected and that are passed over: no more than could wait. */
#define SKIP_MAX_BYTES TLS_HOLD_MAX_BYTES
/* Inner handshake messages that are not read may be as long as their header can say. */
#define MESSAGE_ANY_BYTES ((uint32_t)0xffffff)

struct tls_decrypt *tls_decrypt_new(struct tls_keys *keys, const struct tls_plain *plain, struct tls_watch *watches,
                                    size_t gather_bytes)
{
    struct tls_decrypt *decrypt = grow_new(1, sizeof *decrypt);
    decrypt->keys = keys;
    decrypt->plain = *plain;
    decrypt->watches = watches;
    decrypt->gather_bytes = gather_bytes;
    for (size_t i = 0; i < 2; i++) {
        decrypt->halves[i] = (struct tls_half){.direction = watches[i].direction,
                                               .phase = TLS_PHASE_HANDSHAKE,
                                               .message = {.max_bytes = MESSAGE_ANY_BYTES}};
    }
    decrypt->halves[tls_index(MITM__DIRECTION__TO_CLIENT)].message.collected = UINT32_C(1) << TLS_ENCRYPTED_EXTENSIONS;
    return decrypt;
}

static void release(struct tls_decrypt *decrypt)
{
    tls_queue_fini(&decrypt->queue);
    for (size_t i = 0; i < 2; i++) {
        tls_protection_free(decrypt->halves[i].protection);
        decrypt->halves[i].protection = NULL;
        tls_message_fini(&decrypt->halves[i].message);
    }
}

void tls_decrypt_free(struct tls_decrypt *decrypt)
{
    if (decrypt) {
        if (decrypt->has_hello) {
            tls_keys_forget(decrypt->keys, decrypt->client_random);
        }
        release(decrypt);
        free(decrypt);
    }
}

bool tls_decrypt_active(const struct tls_decrypt *decrypt)
{
    return !decrypt->stopped;
}

/* ---------------------------------------------------------------- the end of following */

/* What is told from now on is told at `t_ns`, or later if that has been done. */
static void advance(struct tls_decrypt *decrypt, uint64_t t_ns)
{
    if (t_ns > decrypt->now_ns) {
        decrypt->now_ns = t_ns;
    }
}

static void tell(struct tls_decrypt *decrypt, Mitm__TlsDecryptionStatus status, Mitm__Direction direction,
                 const char *detail)
{
    EVENT_NEW(record, ev, decrypt->now_ns, TlsDecryption, TLS_DECRYPTION, tls_decryption);
    EVENT_SET(ev, status, status);
    if (direction != TLS_BOTH) {
        EVENT_SET(ev, direction, direction);
    }
    ev.detail = (char *)(uintptr_t)detail;
    event_emit(decrypt->watches[0].sink, &record);
}

/* An alert of TLS 1.2 will not be decrypted: tell at least that it came. */
static void tell_alert(struct tls_decrypt *decrypt, const struct tls_item *item)
{
    if (item->bytes && item->bytes[0] == TLS_ALERT) {
        tls_watch_alert(&decrypt->watches[tls_index(item->direction)], item->t_ns, NULL);
    }
}

void tls_decrypt_stop(struct tls_decrypt *decrypt, Mitm__TlsDecryptionStatus status, Mitm__Direction direction,
                      const char *format, ...)
{
    char detail[160];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    decrypt->stopped = true;
    tell(decrypt, status, direction, detail);
    struct tls_item item;
    for (uint64_t position = 0; tls_queue_read(&decrypt->queue, &position, &item);) {
        tell_alert(decrypt, &item);
    }
    release(decrypt);
    for (size_t i = 0; i < 2; i++) {
        tls_inside_end(decrypt, &decrypt->halves[i], decrypt->now_ns, MITM__END_CAUSE__SESSION_ENDED);
    }
}

void tls_decrypt_fail(struct tls_decrypt *decrypt, const struct tls_half *half, const char *detail)
{
    tls_decrypt_stop(decrypt, MITM__TLS_DECRYPTION_STATUS__DECRYPTION_FAILED, half->direction, "%s (from the %s)",
                     detail, tls_sender(half->direction));
}

/* ---------------------------------------------------------------- keys */

static enum tls_secret_label label_of(const struct tls_decrypt *decrypt, const struct tls_half *half)
{
    bool client = half->direction == MITM__DIRECTION__TO_SERVER;
    if (decrypt->version == TLS_1_2) {
        return TLS_SECRET_MASTER;
    }
    switch (half->phase) {
    case TLS_PHASE_EARLY:
        return TLS_SECRET_CLIENT_EARLY;
    case TLS_PHASE_HANDSHAKE:
        return client ? TLS_SECRET_CLIENT_HANDSHAKE : TLS_SECRET_SERVER_HANDSHAKE;
    case TLS_PHASE_DATA:
        break;
    }
    return client ? TLS_SECRET_CLIENT_TRAFFIC : TLS_SECRET_SERVER_TRAFFIC;
}

/* Return whether the next record of `half` can be decrypted now, or (stopped) never. */
static bool ready(struct tls_decrypt *decrypt, struct tls_half *half)
{
    if (half->protection) {
        return true;
    }
    bool undecided = half->direction == MITM__DIRECTION__TO_SERVER && decrypt->early == TLS_EARLY_UNDECIDED;
    if (decrypt->version == 0 || undecided) {
        return false;
    }
    size_t len;
    const uint8_t *secret = tls_keys_find(decrypt->keys, decrypt->client_random, label_of(decrypt, half), &len);
    if (!secret) {
        return false;
    }
    half->protection = decrypt->version == TLS_1_2
                           ? tls_protection_new_12(decrypt->suite, secret, len, decrypt->client_random,
                                                   decrypt->server_random, half->direction)
                           : tls_protection_new_13(decrypt->suite, secret, len);
    if (!half->protection) {
        tls_decrypt_fail(decrypt, half, "a secret in the key log does not fit the cipher suite");
    }
    return true;
}

/* ---------------------------------------------------------------- records */

/* The tag of `item` is wrong. Early data that were rejected cannot be decrypted, and are passed over. */
static void refuse(struct tls_decrypt *decrypt, const struct tls_half *half, const struct tls_item *item)
{
    bool client = half->direction == MITM__DIRECTION__TO_SERVER;
    size_t len = TLS_HEADER_BYTES + item->len;
    if (client && half->phase == TLS_PHASE_HANDSHAKE && decrypt->early == TLS_EARLY_REJECTED &&
        decrypt->skipped_bytes + len <= SKIP_MAX_BYTES) {
        decrypt->skipped_bytes += len;
        return;
    }
    tls_decrypt_stop(decrypt, MITM__TLS_DECRYPTION_STATUS__DECRYPTION_FAILED, half->direction,
                     "the tag of encrypted record %" PRIu64 " from the %s is wrong", half->records,
                     tls_sender(half->direction));
}

/* Undo the protection of `item`. The plaintext lives here and nowhere else. */
static void open_record(struct tls_decrypt *decrypt, struct tls_half *half, const struct tls_item *item)
{
    uint8_t out[TLS_PAYLOAD_BYTES];
    uint8_t type;
    struct piece part = {.t_ns = item->t_ns, .data = out};
    half->records++;
    if (!tls_protection_open(half->protection, item->bytes, item->len, out, &part.len, &type)) {
        refuse(decrypt, half, item);
        return;
    }
    if (!decrypt->told) {
        decrypt->told = true;
        tell(decrypt, MITM__TLS_DECRYPTION_STATUS__DECRYPTED, TLS_BOTH, NULL);
    }
    tls_inside_take(decrypt, half, item, type, part);
}

/* Do what `item` asks for. Return whether that was possible now; if following ended over it, too. */
static bool process(struct tls_decrypt *decrypt, const struct tls_item *item)
{
    struct tls_half *half = tls_decrypt_half(decrypt, item->direction);
    advance(decrypt, item->t_ns);
    if (item->done || half->ended) {
        return true;
    }
    if (!item->bytes) {
        tls_inside_end(decrypt, half, item->t_ns, item->cause);
        return true;
    }
    if (!ready(decrypt, half)) {
        return false;
    }
    if (!decrypt->stopped) {
        open_record(decrypt, half, item);
    }
    return true;
}

/*
 * Early data wait in front of the server's answer to them, which decides whether they are to be decrypted: read it out
 * of its turn. Return whether that is decided now.
 */
static bool decide_early(struct tls_decrypt *decrypt)
{
    struct tls_item item;
    if (decrypt->version == 0 || decrypt->early != TLS_EARLY_UNDECIDED) {
        return false;
    }
    while (!decrypt->stopped && decrypt->early == TLS_EARLY_UNDECIDED &&
           tls_queue_read(&decrypt->queue, &decrypt->scan, &item)) {
        if (item.direction == MITM__DIRECTION__TO_SERVER || !item.bytes) {
            continue;
        }
        if (!process(decrypt, &item)) {
            decrypt->scan = item.position;
            return false;
        }
        if (!decrypt->stopped) {
            tls_queue_mark_done(&decrypt->queue, &item);
        }
    }
    return decrypt->early != TLS_EARLY_UNDECIDED;
}

/* Decrypt what waits, as far as the keys allow, but so that nobody else waits long. Return whether there is more. */
static bool drain(struct tls_decrypt *decrypt)
{
    for (size_t n = 0; !decrypt->stopped; n++) {
        struct tls_item item;
        uint64_t position = 0;
        if (!tls_queue_read(&decrypt->queue, &position, &item)) {
            return false;
        }
        if (n == TLS_DRAIN_RECORDS) {
            return true;
        }
        if (!process(decrypt, &item)) {
            if (!decide_early(decrypt)) {
                return false;
            }
        } else if (!decrypt->stopped) {
            tls_queue_take(&decrypt->queue);
        }
    }
    return false;
}

/* Return whether a key of the connection has come; the store may have dropped it since. */
static bool any_key(const struct tls_decrypt *decrypt)
{
    return decrypt->told || (decrypt->has_hello && tls_keys_has(decrypt->keys, decrypt->client_random));
}

static void enqueue(struct tls_decrypt *decrypt, const struct tls_item *item)
{
    if (!tls_queue_add(&decrypt->queue, item, TLS_HOLD_MAX_BYTES)) {
        advance(decrypt, item->t_ns);
        tls_decrypt_stop(
            decrypt, MITM__TLS_DECRYPTION_STATUS__KEYS_TOO_LATE, TLS_BOTH, "%s when %zu MiB of records waited",
            any_key(decrypt) ? "a key was missing in the key log" : "no keys for this connection were in the key log",
            TLS_HOLD_MAX_BYTES >> 20);
    }
}

/* Leave `item` to be decrypted later, together with others; return whether that was done. */
static bool gather(struct tls_decrypt *decrypt, const struct tls_item *item)
{
    bool small = item->bytes && item->len <= decrypt->gather_bytes / TLS_GATHER_RECORDS;
    return small && tls_queue_add(&decrypt->queue, item, decrypt->gather_bytes);
}

void tls_decrypt_take(struct tls_decrypt *decrypt, const struct tls_item *item)
{
    if (decrypt->stopped || gather(decrypt, item)) {
        return;
    }
    (void)drain(decrypt); /* so that `item` need not be copied */
    if (!decrypt->stopped && (!tls_queue_empty(&decrypt->queue) || !process(decrypt, item))) {
        enqueue(decrypt, item);
        if (!decrypt->stopped) {
            (void)drain(decrypt);
            return;
        }
    }
    if (decrypt->stopped) {
        tell_alert(decrypt, item);
    }
}

/* ---------------------------------------------------------------- what tls.c tells */

void tls_decrypt_client_hello(struct tls_decrypt *decrypt, const struct tls_client_hello *hello)
{
    decrypt->has_hello = true;
    memcpy(decrypt->client_random, hello->random, TLS_RANDOM_BYTES);
    decrypt->early = hello->early_data ? TLS_EARLY_UNDECIDED : TLS_EARLY_NONE;
}

static void not_supported(struct tls_decrypt *decrypt, const struct tls_server_hello *hello)
{
    const Mitm__TlsDecryptionStatus status = MITM__TLS_DECRYPTION_STATUS__NOT_SUPPORTED;
    const char *name = suites_name(hello->cipher_suite);
    if (hello->version != TLS_1_2 && hello->version != TLS_1_3) {
        tls_decrypt_stop(decrypt, status, TLS_BOTH, "version 0x%04" PRIx32 " of TLS is not decrypted", hello->version);
    } else if (name) {
        tls_decrypt_stop(decrypt, status, TLS_BOTH, "%s is not decrypted", name);
    } else {
        tls_decrypt_stop(decrypt, status, TLS_BOTH, "cipher suite 0x%04" PRIx32 " is not decrypted",
                         hello->cipher_suite);
    }
}

void tls_decrypt_server_hello(struct tls_decrypt *decrypt, uint64_t t_ns, const struct tls_server_hello *hello)
{
    if (decrypt->stopped) {
        return;
    }
    advance(decrypt, t_ns);
    if (decrypt->early == TLS_EARLY_UNDECIDED && (hello->retry || !hello->resumed || hello->version != TLS_1_3)) {
        decrypt->early = TLS_EARLY_REJECTED;
    }
    if (hello->retry) {
        return;
    }
    decrypt->suite = tls_suite_find(hello->version, hello->cipher_suite);
    if (!decrypt->suite) {
        not_supported(decrypt, hello);
        return;
    }
    decrypt->version = hello->version;
    decrypt->resumed = hello->resumed;
    memcpy(decrypt->server_random, hello->random, TLS_RANDOM_BYTES);
    tls_inside_set_alpn(decrypt, &hello->alpn);
    (void)drain(decrypt);
}

void tls_decrypt_lost(struct tls_decrypt *decrypt, uint64_t t_ns, Mitm__Direction direction)
{
    while (drain(decrypt)) {
        continue;
    }
    if (!decrypt->stopped) {
        advance(decrypt, t_ns);
        tls_decrypt_fail(decrypt, tls_decrypt_half(decrypt, direction), "the records cannot be followed");
    }
}

bool tls_decrypt_waits(const struct tls_decrypt *decrypt)
{
    return !tls_queue_empty(&decrypt->queue);
}

size_t tls_decrypt_held_bytes(const struct tls_decrypt *decrypt)
{
    return decrypt->queue.end - decrypt->queue.start;
}

bool tls_decrypt_drain(struct tls_decrypt *decrypt, uint64_t t_ns)
{
    advance(decrypt, t_ns);
    return drain(decrypt);
}

void tls_decrypt_give_up(struct tls_decrypt *decrypt, uint64_t t_ns, bool for_room)
{
    while (drain(decrypt)) {
        continue;
    }
    if (tls_queue_empty(&decrypt->queue)) {
        return;
    }
    advance(decrypt, t_ns);
    if (for_room) {
        tls_decrypt_stop(
            decrypt, MITM__TLS_DECRYPTION_STATUS__KEYS_TOO_LATE, TLS_BOTH, "%s when too much waited on all connections",
            any_key(decrypt) ? "a key was missing in the key log" : "no keys for this connection were in the key log");
    } else if (any_key(decrypt)) {
        const char *detail = decrypt->version == 0 ? "the server never answered early data"
                                                   : "a key of this connection is not in the key log";
        tls_decrypt_stop(decrypt, MITM__TLS_DECRYPTION_STATUS__KEYS_INCOMPLETE, TLS_BOTH, "%s", detail);
    } else {
        tls_decrypt_stop(decrypt, MITM__TLS_DECRYPTION_STATUS__NO_KEYS, TLS_BOTH,
                         "no keys for this connection are in the key log");
    }
}
