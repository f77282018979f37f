/*
 * What decrypted records hold: handshake messages, alerts, and application data, which are passed on. This is the inner
 * half of decrypt.c, and knows its state.
 */
#ifndef MITM_CAPTURE_DECODE_TLS_INSIDE_H
#define MITM_CAPTURE_DECODE_TLS_INSIDE_H

#include "capture/decode/tls/decrypt.h"
#include "capture/decode/tls/message.h"
#include "capture/decode/tls/protection.h"

/* What concerns both directions. */
#define TLS_BOTH ((Mitm__Direction)0)

/* What protects a direction's records: each phase of TLS 1.3 has its key; TLS 1.2 has one for the latter two. */
enum tls_phase { TLS_PHASE_EARLY, TLS_PHASE_HANDSHAKE, TLS_PHASE_DATA };

enum tls_early { TLS_EARLY_NONE, TLS_EARLY_UNDECIDED, TLS_EARLY_ACCEPTED, TLS_EARLY_REJECTED };

struct tls_half {
    Mitm__Direction direction;
    enum tls_phase phase;
    struct tls_protection *protection; /* of the phase; NULL: not known yet */
    struct tls_message message;
    struct flood flood;
    uint64_t records; /* tried so far */
    bool ended;
    uint64_t end_t_ns;
    Mitm__EndCause cause;
};

struct tls_decrypt {
    struct tls_keys *keys;
    struct tls_plain plain;
    struct tls_watch *watches;
    struct tls_queue queue;
    size_t gather_bytes; /* so much of it may wait although there are keys */
    uint64_t scan;       /* up to here the queue holds none of the server's records that could decide on early data */
    uint64_t now_ns;     /* the latest time told so far */
    bool stopped, told, started;
    bool has_hello;
    uint8_t client_random[TLS_RANDOM_BYTES], server_random[TLS_RANDOM_BYTES];
    uint32_t version; /* 0: no ServerHello yet */
    const struct tls_suite *suite;
    bool resumed;
    enum tls_early early;
    size_t skipped_bytes;
    bool has_alpn;
    uint8_t alpn_len;
    uint8_t alpn[UINT8_MAX];
    struct tls_half halves[2];
};

static inline struct tls_half *tls_decrypt_half(struct tls_decrypt *decrypt, Mitm__Direction direction)
{
    return &decrypt->halves[tls_index(direction)];
}

/* Return who sends in `direction`, for people. */
static inline const char *tls_sender(Mitm__Direction direction)
{
    return direction == MITM__DIRECTION__TO_SERVER ? "client" : "server";
}

/* End the decryption because of `direction` or TLS_BOTH: `format` says why. What waits, and the item at hand, are
 * freed. */
void tls_decrypt_stop(struct tls_decrypt *decrypt, Mitm__TlsDecryptionStatus status, Mitm__Direction direction,
                      const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The same with DECRYPTION_FAILED because of what `half` brought. */
void tls_decrypt_fail(struct tls_decrypt *decrypt, const struct tls_half *half, const char *detail);

/* Take what the record `item` of `half` held: content of `type` in `part`. */
void tls_inside_take(struct tls_decrypt *decrypt, struct tls_half *half, const struct tls_item *item, uint8_t type,
                     struct piece part);

/* The plaintext of `half` ends at `t_ns` because of `cause`, unless it has ended. */
void tls_inside_end(struct tls_decrypt *decrypt, struct tls_half *half, uint64_t t_ns, Mitm__EndCause cause);

/* Keep the application protocol that the server chose, if `alpn` has one. */
void tls_inside_set_alpn(struct tls_decrypt *decrypt, const ProtobufCBinaryData *alpn);

#endif
