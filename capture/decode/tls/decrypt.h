/*
 * Decrypts the records of one TLS connection in the order in which they were complete, and follows the encrypted part
 * of its handshake, for as long as that is possible (see tls.h). Afterwards nothing is done by any function.
 */
#ifndef MITM_CAPTURE_DECODE_TLS_DECRYPT_H
#define MITM_CAPTURE_DECODE_TLS_DECRYPT_H

#include "capture/decode/tls/hello.h"
#include "capture/decode/tls/queue.h"
#include "capture/decode/tls/tls.h"
#include "capture/decode/tls/watch.h"

struct tls_decrypt;

/*
 * Return a new decrypter that finds its keys in `keys`, feeds `plain` (copied), tells the rest by `watches` (for each
 * direction, by tls_index()) and lets `gather_bytes` gather (see tls_new()). All must outlive it. The caller frees it
 * with tls_decrypt_free(), which makes `keys` forget the connection.
 */
struct tls_decrypt *tls_decrypt_new(struct tls_keys *keys, const struct tls_plain *plain, struct tls_watch *watches,
                                    size_t gather_bytes) __attribute__((returns_nonnull, warn_unused_result));
void tls_decrypt_free(struct tls_decrypt *decrypt);

/* Return whether the connection is still followed. */
bool tls_decrypt_active(const struct tls_decrypt *decrypt) __attribute__((warn_unused_result));

/* The connection's first ClientHello was seen. */
void tls_decrypt_client_hello(struct tls_decrypt *decrypt, const struct tls_client_hello *hello);

/* The ServerHello, or a HelloRetryRequest, was seen at `t_ns`. */
void tls_decrypt_server_hello(struct tls_decrypt *decrypt, uint64_t t_ns, const struct tls_server_hello *hello);

/* Take an encrypted record, or a direction's end, that was complete at item->t_ns. */
void tls_decrypt_take(struct tls_decrypt *decrypt, const struct tls_item *item);

/* The wire cannot be followed any more from `t_ns` on, because of `direction`. */
void tls_decrypt_lost(struct tls_decrypt *decrypt, uint64_t t_ns, Mitm__Direction direction);

/* See tls.h. */
bool tls_decrypt_waits(const struct tls_decrypt *decrypt) __attribute__((warn_unused_result));
size_t tls_decrypt_held_bytes(const struct tls_decrypt *decrypt) __attribute__((warn_unused_result));
bool tls_decrypt_drain(struct tls_decrypt *decrypt, uint64_t t_ns);
void tls_decrypt_give_up(struct tls_decrypt *decrypt, uint64_t t_ns, bool for_room);

#endif
