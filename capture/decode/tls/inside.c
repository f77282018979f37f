#include "capture/decode/tls/inside.h"

#include <string.h>

#include "capture/decode/tls/record.h"

void tls_inside_end(struct tls_decrypt *decrypt, struct tls_half *half, uint64_t t_ns, Mitm__EndCause cause)
{
    if (half->ended) {
        return;
    }
    half->ended = true;
    half->end_t_ns = t_ns;
    half->cause = cause;
    if (decrypt->started) {
        decrypt->plain.end(decrypt->plain.ctx, half->direction, t_ns, cause);
    }
}

static void enter(struct tls_decrypt *decrypt, struct tls_half *half, enum tls_phase phase)
{
    half->phase = phase;
    if (decrypt->version != TLS_1_2) {
        tls_protection_free(half->protection);
        half->protection = NULL;
    }
}

static void emit_handshake_end(const struct tls_decrypt *decrypt, uint64_t t_ns)
{
    EVENT_NEW(record, ev, t_ns, TlsHandshakeEnd, TLS_HANDSHAKE_END, tls_handshake_end);
    EVENT_SET(ev, resumed, decrypt->resumed);
    if (decrypt->has_alpn) {
        EVENT_SET_BYTES(ev, alpn, decrypt->alpn, decrypt->alpn_len);
    }
    if (decrypt->early != TLS_EARLY_NONE) {
        EVENT_SET(ev, early_data_accepted, decrypt->early == TLS_EARLY_ACCEPTED);
    }
    event_emit(decrypt->watches[0].sink, &record);
}

void tls_inside_set_alpn(struct tls_decrypt *decrypt, const ProtobufCBinaryData *alpn)
{
    if (alpn->data) {
        decrypt->has_alpn = true;
        decrypt->alpn_len = (uint8_t)alpn->len; /* its length stood in one byte */
        memcpy(decrypt->alpn, alpn->data, alpn->len);
    }
}

static void take_extensions(struct tls_decrypt *decrypt, struct tls_half *half)
{
    struct tls_encrypted_extensions extensions;
    if (!tls_hello_read_extensions(&extensions, half->message.body, half->message.len)) {
        tls_decrypt_fail(decrypt, half, "invalid EncryptedExtensions");
        return;
    }
    tls_inside_set_alpn(decrypt, &extensions.alpn);
    if (decrypt->early == TLS_EARLY_UNDECIDED) {
        decrypt->early = extensions.early_data ? TLS_EARLY_ACCEPTED : TLS_EARLY_REJECTED;
        if (extensions.early_data) {
            tls_decrypt_half(decrypt, MITM__DIRECTION__TO_SERVER)->phase = TLS_PHASE_EARLY;
        }
    }
}

static void count_empty(struct tls_decrypt *decrypt, struct tls_half *half, const struct tls_item *item)
{
    struct tls_watch *watch = &decrypt->watches[tls_index(half->direction)];
    if (tls_watch_flood(watch, &half->flood, item->t_ns, item->offset)) {
        tls_decrypt_fail(decrypt, half, "too many records without data");
    }
}

static void take_message_13(struct tls_decrypt *decrypt, struct tls_half *half, const struct tls_item *item)
{
    bool server = half->direction == MITM__DIRECTION__TO_CLIENT;
    uint8_t type = half->message.type;
    if (type == TLS_ENCRYPTED_EXTENSIONS && server && half->phase == TLS_PHASE_HANDSHAKE) {
        take_extensions(decrypt, half);
    } else if (type == TLS_END_OF_EARLY_DATA && half->phase == TLS_PHASE_EARLY) {
        enter(decrypt, half, TLS_PHASE_HANDSHAKE);
    } else if (type == TLS_FINISHED && half->phase == TLS_PHASE_HANDSHAKE) {
        enter(decrypt, half, TLS_PHASE_DATA);
        if (!server) {
            emit_handshake_end(decrypt, item->t_ns);
        }
    } else if (type == TLS_KEY_UPDATE && half->phase == TLS_PHASE_DATA) {
        tls_protection_update(half->protection);
        for (int i = 0; i < TLS_FLOOD_KEY_UPDATE && !decrypt->stopped; i++) {
            count_empty(decrypt, half, item);
        }
    }
}

static void take_message_12(struct tls_decrypt *decrypt, struct tls_half *half)
{
    uint8_t type = half->message.type;
    if (type == TLS_FINISHED) {
        enter(decrypt, half, TLS_PHASE_DATA);
    } else if (type == TLS_HELLO_REQUEST || type == TLS_CLIENT_HELLO) {
        tls_decrypt_stop(decrypt, MITM__TLS_DECRYPTION_STATUS__NOT_SUPPORTED, TLS_BOTH, "the %s began a renegotiation",
                         tls_sender(half->direction));
    }
}

static void take_handshake(struct tls_decrypt *decrypt, struct tls_half *half, const struct tls_item *item,
                           struct piece part)
{
    while (!decrypt->stopped) {
        switch (tls_message_read(&half->message, &part, item->t_ns)) {
        case TLS_MESSAGE_MORE:
            return;
        case TLS_MESSAGE_TOO_LONG:
            tls_decrypt_fail(decrypt, half, "a handshake message is too long");
            return;
        case TLS_MESSAGE_DONE:
            if (decrypt->version == TLS_1_2) {
                take_message_12(decrypt, half);
            } else {
                take_message_13(decrypt, half, item);
                if (!decrypt->stopped && !half->protection && part.len > 0) { /* RFC 8446, 5.1 */
                    tls_decrypt_fail(decrypt, half, "a record goes on behind a change of keys");
                }
            }
            tls_message_fini(&half->message);
            break;
        }
    }
}

static void take_alert(struct tls_decrypt *decrypt, struct tls_half *half, const struct tls_item *item,
                       const struct piece *part)
{
    bool whole = part->len == 2;
    tls_watch_alert(&decrypt->watches[tls_index(half->direction)], item->t_ns, whole ? part->data : NULL);
    if (whole && part->data[1] == 0) { /* close_notify */
        tls_inside_end(decrypt, half, item->t_ns, MITM__END_CAUSE__FIN);
    }
}

static void start_plain(struct tls_decrypt *decrypt, uint64_t t_ns)
{
    const struct tls_plain *plain = &decrypt->plain;
    decrypt->started = true;
    plain->start(plain->ctx, t_ns, decrypt->has_alpn ? decrypt->alpn : NULL, decrypt->alpn_len);
    for (size_t i = 0; i < 2; i++) {
        const struct tls_half *half = &decrypt->halves[i];
        if (half->ended) {
            plain->end(plain->ctx, half->direction, half->end_t_ns, half->cause);
        }
    }
}

static void take_data(struct tls_decrypt *decrypt, struct tls_half *half, const struct tls_item *item,
                      const struct piece *part)
{
    if (half->phase == TLS_PHASE_HANDSHAKE) {
        tls_decrypt_fail(decrypt, half, "application data before the end of the handshake");
        return;
    }
    if (part->len == 0) {
        count_empty(decrypt, half, item);
        return;
    }
    if (!decrypt->started) {
        start_plain(decrypt, item->t_ns);
    }
    decrypt->plain.feed(decrypt->plain.ctx, half->direction, item->t_ns, part->data, part->len);
}

void tls_inside_take(struct tls_decrypt *decrypt, struct tls_half *half, const struct tls_item *item, uint8_t type,
                     struct piece part)
{
    if (type == TLS_APPLICATION_DATA) {
        take_data(decrypt, half, item, &part);
    } else if (type == TLS_HANDSHAKE) {
        take_handshake(decrypt, half, item, part);
    } else if (type == TLS_ALERT) {
        take_alert(decrypt, half, item, &part);
    }
}
