/*
 * The secrets of TLS connections, as a key log tells them (RFC 9850, the format of SSLKEYLOGFILE), found by the
 * ClientHello's random.
 *
 * Secrets live in memory that is wiped when it is given back and, where the system allows it, locked, left out of core
 * dumps and wiped in child processes, which can but free it; nothing here prints or records them. At most TLS_KEYS_MAX
 * connections are kept: the oldest is dropped for a new one.
 */
#ifndef MITM_CAPTURE_DECODE_TLS_KEYS_H
#define MITM_CAPTURE_DECODE_TLS_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TLS_RANDOM_BYTES     ((size_t)32)
#define TLS_SECRET_MAX_BYTES ((size_t)48)
#define TLS_KEYS_MAX         8192

enum tls_secret_label {
    TLS_SECRET_MASTER,           /* CLIENT_RANDOM: the master secret of TLS 1.2, 48 bytes */
    TLS_SECRET_CLIENT_EARLY,     /* CLIENT_EARLY_TRAFFIC_SECRET */
    TLS_SECRET_CLIENT_HANDSHAKE, /* CLIENT_HANDSHAKE_TRAFFIC_SECRET */
    TLS_SECRET_SERVER_HANDSHAKE, /* SERVER_HANDSHAKE_TRAFFIC_SECRET */
    TLS_SECRET_CLIENT_TRAFFIC,   /* CLIENT_TRAFFIC_SECRET_0 */
    TLS_SECRET_SERVER_TRAFFIC,   /* SERVER_TRAFFIC_SECRET_0 */
    TLS_SECRETS
};

struct tls_keys;

/* Return a new, empty store; the caller frees it with tls_keys_free(), which wipes it. */
struct tls_keys *tls_keys_new(void) __attribute__((returns_nonnull, warn_unused_result));
void tls_keys_free(struct tls_keys *keys);

enum tls_keys_line {
    TLS_KEYS_ADDED,
    TLS_KEYS_IGNORED, /* empty, a comment, or a label that is not needed */
    TLS_KEYS_INVALID  /* none of a key log */
};

/*
 * Take the `len` bytes at `line`, one line of a key log without its end (a CR before it is ignored). A secret that was
 * known is replaced. The caller wipes the line.
 */
enum tls_keys_line tls_keys_add_line(struct tls_keys *keys, const char *line, size_t len);

/*
 * Return the secret `label` of the connection whose ClientHello had `random` (TLS_RANDOM_BYTES), and its length (32 or
 * 48) in *len; NULL: not known. It is valid until the store is changed.
 */
const uint8_t *tls_keys_find(const struct tls_keys *keys, const uint8_t *random, enum tls_secret_label label,
                             size_t *len) __attribute__((warn_unused_result));

/* Return whether any secret is known for `random`. */
bool tls_keys_has(const struct tls_keys *keys, const uint8_t *random) __attribute__((warn_unused_result));

/* Wipe what is known for `random`: its connection is over. */
void tls_keys_forget(struct tls_keys *keys, const uint8_t *random);

#endif
