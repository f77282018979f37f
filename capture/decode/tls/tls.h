/*
 * Watches a TLS connection (RFC 8446, RFC 5246). The contract of app.h holds: bytes and times in, events out,
 * split-invariant, bounded, and what cannot be followed is one Violation for its direction.
 *
 * What can be seen without keys is always recorded: hellos, HelloRetryRequest, the handshake's end, alerts, and TlsData
 * for all bytes. With keys the records are decrypted, and what they carry goes to `plain`. Records whose keys are not
 * known yet wait, whole and with their times, in one queue for both directions: what is decrypted comes out in the
 * order in which the records were complete. Small records may gather there as well, until tls_drain(), a record that
 * is not small or does not fit, or the end: the same comes out then, with the same times, but behind the events of the
 * wire. A record that cannot be decrypted, and more than TLS_HOLD_MAX_BYTES waiting, end the decryption: one
 * TlsDecryption says why, the plaintext's directions end, and the wire goes on to be watched.
 *
 * Memory: without keys less than 2 × 64 KiB + 4 KiB (handshake messages being assembled); with keys in addition at most
 * TLS_HOLD_MAX_BYTES, twice that while growing, one record of each direction, and 72 KiB (one more such message, keys).
 */
#ifndef MITM_CAPTURE_DECODE_TLS_TLS_H
#define MITM_CAPTURE_DECODE_TLS_TLS_H

#include "capture/decode/tls/keys.h"
#include "proto/event.h"

/* So many bytes of records wait for keys at most, headers and what is noted of each included. */
#define TLS_HOLD_MAX_BYTES ((size_t)4 * 1024 * 1024)

/* So much of it gathers, where the owner drains it soon: some 0.2 ms' work. Small is a record of up to a 16th of what
 * may gather: those of downloads are larger, and not copied. */
#define TLS_GATHER_BYTES   ((size_t)16 * 1024)
#define TLS_GATHER_RECORDS 16

/* So many records that waited are decrypted at once: a few milliseconds' work. */
#define TLS_DRAIN_RECORDS ((size_t)128)

/*
 * Where the decrypted application data go; the same rules as for app_feed() and app_end(). `start` is called once,
 * before everything else, when the first application data are there; `alpn` is the protocol that the server chose, or
 * NULL. `end`: no more comes in `direction`, whose last TLS record has come (close_notify), or which ended with
 * `cause`, or is not followed any more.
 */
struct tls_plain {
    void (*start)(void *ctx, uint64_t t_ns, const uint8_t *alpn, size_t alpn_len);
    void (*feed)(void *ctx, Mitm__Direction direction, uint64_t t_ns, const uint8_t *data, size_t len);
    void (*end)(void *ctx, Mitm__Direction direction, uint64_t t_ns, Mitm__EndCause cause);
    void *ctx;
};

struct tls;

/*
 * Return a new decoder that emits to `sink`. With `keys` it decrypts and feeds `plain` (copied); both NULL: it does
 * not. All must outlive it. Up to `gather_bytes` of small records gather, 0: none does. The caller frees it with
 * tls_free(), which makes `keys` forget its connection.
 */
struct tls *tls_new(const struct event_sink *sink, struct tls_keys *keys, const struct tls_plain *plain,
                    size_t gather_bytes) __attribute__((returns_nonnull, warn_unused_result));
void tls_free(struct tls *tls);

/* See app_feed(). */
void tls_feed(struct tls *tls, Mitm__Direction direction, uint64_t t_ns, const uint8_t *data, size_t len);

/* See app_end(). What has gathered is decrypted before; records that wait for keys go on to wait. */
void tls_end(struct tls *tls, Mitm__Direction direction, uint64_t t_ns, Mitm__EndCause cause);

/* Return whether records wait. */
bool tls_waits(const struct tls *tls) __attribute__((warn_unused_result));

/* Return how many bytes of records wait, headers included. */
size_t tls_held_bytes(const struct tls *tls) __attribute__((warn_unused_result));

/*
 * Decrypt what waits, as far as the keys allow, the last of which may have been added at `t_ns` (0: before the records
 * came), but at most TLS_DRAIN_RECORDS. Return whether there is more to do: call it again (what arrives is decrypted
 * behind the rest).
 */
bool tls_drain(struct tls *tls, uint64_t t_ns);

/*
 * No more keys will come (NO_KEYS, KEYS_INCOMPLETE), or (`for_room`) no more is kept until they do (KEYS_TOO_LATE):
 * decrypt what the keys allow, and by `t_ns` end the decryption if records still wait.
 */
void tls_give_up(struct tls *tls, uint64_t t_ns, bool for_room);

#endif
