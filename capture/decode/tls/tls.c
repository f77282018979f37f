#include "capture/decode/tls/tls.h"

#include <stdlib.h>
#include <string.h>

#include "capture/decode/grow.h"
#include "capture/decode/tls/decrypt.h"
#include "capture/decode/tls/hello.h"
#include "capture/decode/tls/message.h"
#include "capture/decode/tls/record.h"
#include "capture/decode/tls/watch.h"

/* The shortest protected data: one byte and the tag. What is shorter carries nothing. */
#define DATA_MIN_BYTES 17
/* The shortest Finished of TLS 1.3, protected (RFC 8446, 4.4.4, 5.2): the client's alerts and EndOfEarlyData are
 * shorter. */
#define FINISHED_MIN_BYTES (4 + 32 + 1 + 16)

/* What one read brought, for its TlsData. */
struct figures {
    uint32_t records, largest_bytes;
    bool early;
};

struct side {
    uint64_t offset;
    struct tls_record record;
    struct tls_message message; /* not encrypted */
    struct flood flood;
    uint8_t alert[2]; /* the first bytes of the alert being read */
    bool encrypted;   /* the record being read is */
    bool changed;     /* up to TLS 1.2: ChangeCipherSpec was seen: what follows is encrypted */
    bool finished;    /* up to TLS 1.2: Finished was seen; TLS 1.3: an encrypted record was seen */
};

struct tls {
    const struct event_sink *sink;
    struct tls_watch watches[2]; /* by tls_index() */
    struct side sides[2];
    struct tls_decrypt *decrypt; /* NULL without keys */
    uint8_t hellos;              /* of the client */
    bool retried, full;          /* full: a Certificate or a ServerKeyExchange was seen */
    bool resumed, handshake_ended;
    uint32_t version; /* 0: no ServerHello yet */
    uint32_t cipher_suite, group;
    uint8_t *alpn;
    size_t alpn_len;
};

struct tls *tls_new(const struct event_sink *sink, struct tls_keys *keys, const struct tls_plain *plain,
                    size_t gather_bytes)
{
    static const Mitm__Direction directions[] = {MITM__DIRECTION__TO_SERVER, MITM__DIRECTION__TO_CLIENT};
    struct tls *tls = grow_new(1, sizeof *tls);
    tls->sink = sink;
    for (size_t i = 0; i < 2; i++) {
        tls->watches[i] = (struct tls_watch){.sink = sink, .direction = directions[i]};
        tls->sides[i].message.max_bytes = TLS_MESSAGE_MAX_BYTES;
    }
    tls->sides[0].message.collected = UINT32_C(1) << TLS_CLIENT_HELLO;
    tls->sides[1].message.collected = UINT32_C(1) << TLS_SERVER_HELLO | UINT32_C(1) << TLS_SERVER_KEY_EXCHANGE;
    if (keys) {
        tls->decrypt = tls_decrypt_new(keys, plain, tls->watches, gather_bytes);
    }
    return tls;
}

void tls_free(struct tls *tls)
{
    if (tls) {
        for (size_t i = 0; i < 2; i++) {
            tls_record_fini(&tls->sides[i].record);
            tls_message_fini(&tls->sides[i].message);
        }
        tls_decrypt_free(tls->decrypt);
        free(tls->alpn);
        free(tls);
    }
}

static bool decrypts(const struct tls *tls)
{
    return tls->decrypt && tls_decrypt_active(tls->decrypt);
}

/* Stop looking into direction `i`: at `offset` something came, at `t_ns`, that cannot be followed. */
static void violate(struct tls *tls, size_t i, uint64_t t_ns, Mitm__ViolationKind kind, uint64_t offset,
                    const char *detail)
{
    tls_watch_violation(&tls->watches[i], t_ns, kind, offset, detail);
    if (tls->decrypt) {
        tls_decrypt_lost(tls->decrypt, t_ns, tls->watches[i].direction);
    }
}

/* ---------------------------------------------------------------- the handshake's end */

static void end_handshake(struct tls *tls, uint64_t t_ns)
{
    tls->handshake_ended = true;
    EVENT_NEW(record, ev, t_ns, TlsHandshakeEnd, TLS_HANDSHAKE_END, tls_handshake_end);
    if (tls->version > TLS_1_2) {
        EVENT_SET(ev, inferred, true);
        EVENT_SET(ev, resumed, tls->resumed);
    } else {
        EVENT_SET(ev, resumed, !tls->full);
        if (tls->group != 0) {
            EVENT_SET(ev, group, tls->group);
        }
    }
    if (tls->alpn) {
        EVENT_SET_BYTES(ev, alpn, tls->alpn, tls->alpn_len);
    }
    event_emit(tls->sink, &record);
}

/* An encrypted record of side `i` is complete at `t_ns`: see whether it ends the handshake. */
static void look_for_end(struct tls *tls, size_t i, uint64_t t_ns)
{
    const struct tls_record *record = &tls->sides[i].record;
    bool old = tls->version <= TLS_1_2;
    bool other = old ? record->header[0] != TLS_HANDSHAKE : i == 0 && record->len < FINISHED_MIN_BYTES;
    if (tls->handshake_ended || tls->version == 0 || other) {
        return;
    }
    tls->sides[i].finished = true;
    if (tls->sides[1].finished && (old ? tls->sides[0].finished : i == 0)) {
        end_handshake(tls, t_ns);
    }
}

/* ---------------------------------------------------------------- messages that are not encrypted */

static bool take_client_hello(struct tls *tls, const struct tls_message *message)
{
    struct tls_client_hello hello;
    if (!tls_hello_read_client(&hello, message->body, message->len)) {
        return false;
    }
    if (tls->hellos++ == 0 && tls->decrypt) {
        tls_decrypt_client_hello(tls->decrypt, &hello);
    }
    tls_hello_emit_client(tls->sink, message->first_t_ns, TLS_MESSAGE_HEADER_BYTES + (uint64_t)message->len, &hello);
    return true;
}

static void keep_alpn(struct tls *tls, const ProtobufCBinaryData *alpn)
{
    if (alpn->data) {
        tls->alpn = grow_new(alpn->len + 1, 1);
        tls->alpn_len = alpn->len;
        memcpy(tls->alpn, alpn->data, alpn->len);
    }
}

static bool take_server_hello(struct tls *tls, const struct tls_message *message, uint64_t t_ns)
{
    struct tls_server_hello hello;
    if (!tls_hello_read_server(&hello, message->body, message->len) || (hello.retry && tls->retried)) {
        return false;
    }
    tls_hello_emit_server(tls->sink, t_ns, &hello);
    if (hello.retry) {
        tls->retried = true;
    } else {
        tls->version = hello.version;
        tls->cipher_suite = hello.cipher_suite;
        tls->resumed = hello.resumed;
        keep_alpn(tls, &hello.alpn);
    }
    if (tls->decrypt) {
        tls_decrypt_server_hello(tls->decrypt, t_ns, &hello);
    }
    return true;
}

static void take_key_exchange(struct tls *tls, const struct tls_message *message)
{
    tls->full = true;
    if (tls->group == 0) {
        tls->group = tls_hello_key_exchange_group(tls->cipher_suite, message->body, message->len);
    }
}

/* Take a message of side `i` that is complete at `t_ns`. Return whether it can be where it is. */
static bool take_message(struct tls *tls, size_t i, uint64_t t_ns)
{
    const struct tls_message *message = &tls->sides[i].message;
    if (i == 0 && message->type == TLS_CLIENT_HELLO) {
        bool expected = tls->hellos == 0 || (tls->hellos == 1 && tls->retried);
        return expected && tls->version == 0 && take_client_hello(tls, message);
    }
    if (i == 1 && message->type == TLS_SERVER_HELLO) {
        return tls->hellos > 0 && tls->version == 0 && take_server_hello(tls, message, t_ns);
    }
    if (i == 1 && message->type == TLS_SERVER_KEY_EXCHANGE) {
        take_key_exchange(tls, message);
    } else if (i == 1 && message->type == TLS_CERTIFICATE) {
        tls->full = true;
    }
    return message->type == TLS_HELLO_REQUEST || (tls->version != 0 && tls->version <= TLS_1_2);
}

static void read_messages(struct tls *tls, size_t i, struct piece part)
{
    struct tls_message *message = &tls->sides[i].message;
    uint64_t first_t_ns = tls->sides[i].record.first_t_ns;
    const Mitm__ViolationKind kind = MITM__VIOLATION_KIND__TLS_HANDSHAKE;
    for (;;) {
        switch (tls_message_read(message, &part, first_t_ns)) {
        case TLS_MESSAGE_MORE:
            return;
        case TLS_MESSAGE_TOO_LONG:
            violate(tls, i, part.t_ns, kind, message->offset, "Handshake message too long");
            return;
        case TLS_MESSAGE_DONE:
            if (!take_message(tls, i, part.t_ns)) {
                violate(tls, i, part.t_ns, kind, message->offset, "Invalid or unexpected handshake message");
                return;
            }
            tls_message_fini(message);
            break;
        }
    }
}

/* ---------------------------------------------------------------- records */

static bool is_encrypted(const struct tls *tls, const struct side *side)
{
    uint8_t type = side->record.header[0];
    if (tls->version != 0 && tls->version <= TLS_1_2) {
        return side->changed && type != TLS_CHANGE_CIPHER_SPEC;
    }
    return type == TLS_APPLICATION_DATA;
}

static void take_header(struct tls *tls, size_t i, uint64_t t_ns, struct figures *figures)
{
    struct side *side = &tls->sides[i];
    struct tls_record *record = &side->record;
    if (record->header[0] == TLS_APPLICATION_DATA) {
        uint32_t bytes = (uint32_t)TLS_HEADER_BYTES + record->len;
        figures->records++;
        figures->largest_bytes = bytes > figures->largest_bytes ? bytes : figures->largest_bytes;
        figures->early |= i == 0 && tls->version == 0;
    }
    side->encrypted = is_encrypted(tls, side);
    record->whole = side->encrypted && decrypts(tls);
    bool empty = record->header[0] != TLS_APPLICATION_DATA || record->len < DATA_MIN_BYTES;
    if (empty && tls_watch_flood(&tls->watches[i], &side->flood, t_ns, record->offset) && tls->decrypt) {
        tls_decrypt_lost(tls->decrypt, t_ns, tls->watches[i].direction);
    }
}

/* Keep the bytes of `part` that belong to the alert itself. */
static void read_alert(struct side *side, const struct piece *part)
{
    size_t at = side->record.done - part->len;
    for (size_t i = 0; i < part->len && at + i < sizeof side->alert; i++) {
        side->alert[at + i] = part->data[i];
    }
}

static void take_encrypted(struct tls *tls, size_t i, uint64_t t_ns)
{
    struct tls_record *record = &tls->sides[i].record;
    look_for_end(tls, i, t_ns);
    if (record->whole && decrypts(tls)) {
        struct tls_item item = {.direction = tls->watches[i].direction,
                                .t_ns = t_ns,
                                .offset = record->offset,
                                .bytes = tls_record_bytes(record),
                                .len = record->len};
        tls_decrypt_take(tls->decrypt, &item);
    } else if (record->header[0] == TLS_ALERT) {
        tls_watch_alert(&tls->watches[i], t_ns, NULL);
    }
}

/* Take a part of a record of side `i`; with its last part, the record. */
static void take_part(struct tls *tls, size_t i, const struct piece *part)
{
    struct side *side = &tls->sides[i];
    const struct tls_record *record = &side->record;
    uint8_t type = record->header[0];
    if (side->encrypted) {
        if (record->complete) {
            take_encrypted(tls, i, part->t_ns);
        }
    } else if (type == TLS_HANDSHAKE) {
        read_messages(tls, i, *part);
    } else if (type == TLS_ALERT) {
        read_alert(side, part);
        if (record->complete) {
            tls_watch_alert(&tls->watches[i], part->t_ns, record->len == sizeof side->alert ? side->alert : NULL);
        }
    } else if (type == TLS_CHANGE_CIPHER_SPEC && record->complete) {
        side->changed = tls->version != 0;
    }
}

static void read_records(struct tls *tls, size_t i, struct piece *piece, struct figures *figures)
{
    struct piece part;
    while (!tls->watches[i].violated) {
        switch (tls_record_read(&tls->sides[i].record, piece, &part)) {
        case TLS_RECORD_MORE:
            return;
        case TLS_RECORD_HEADER:
            take_header(tls, i, piece->t_ns, figures);
            break;
        case TLS_RECORD_PART:
            take_part(tls, i, &part);
            break;
        case TLS_RECORD_INVALID:
            violate(tls, i, piece->t_ns, MITM__VIOLATION_KIND__TLS_RECORD, piece->offset, "Invalid record header");
            break;
        }
    }
    tls_record_fini(&tls->sides[i].record);
    tls_message_fini(&tls->sides[i].message);
}

static void emit_data(const struct tls *tls, Mitm__Direction direction, uint64_t t_ns, size_t len,
                      const struct figures *figures)
{
    EVENT_NEW(record, ev, t_ns, TlsData, TLS_DATA, tls_data);
    EVENT_SET(ev, direction, direction);
    EVENT_SET(ev, len_bytes, len);
    if (figures->records > 0 || !tls->watches[tls_index(direction)].violated) {
        EVENT_SET(ev, records, figures->records);
    }
    if (figures->records > 0) {
        EVENT_SET(ev, largest_bytes, figures->largest_bytes);
    }
    if (figures->early) {
        EVENT_SET(ev, early, true);
    }
    event_emit(tls->sink, &record);
}

void tls_feed(struct tls *tls, Mitm__Direction direction, uint64_t t_ns, const uint8_t *data, size_t len)
{
    size_t i = tls_index(direction);
    struct side *side = &tls->sides[i];
    struct figures figures = {0};
    struct piece piece = {.t_ns = t_ns, .offset = side->offset, .data = data, .len = len};
    side->offset += len;
    read_records(tls, i, &piece, &figures);
    emit_data(tls, direction, t_ns, len, &figures);
}

void tls_end(struct tls *tls, Mitm__Direction direction, uint64_t t_ns, Mitm__EndCause cause)
{
    if (tls->decrypt) {
        struct tls_item item = {.direction = direction, .t_ns = t_ns, .cause = cause};
        tls_decrypt_take(tls->decrypt, &item);
    }
}

bool tls_waits(const struct tls *tls)
{
    return tls->decrypt && tls_decrypt_waits(tls->decrypt);
}

size_t tls_held_bytes(const struct tls *tls)
{
    return tls->decrypt ? tls_decrypt_held_bytes(tls->decrypt) : 0;
}

bool tls_drain(struct tls *tls, uint64_t t_ns)
{
    return tls->decrypt && tls_decrypt_drain(tls->decrypt, t_ns);
}

void tls_give_up(struct tls *tls, uint64_t t_ns, bool for_room)
{
    if (tls->decrypt) {
        tls_decrypt_give_up(tls->decrypt, t_ns, for_room);
    }
}
