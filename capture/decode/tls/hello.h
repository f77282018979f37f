/*
 * Reads the hellos of TLS (RFC 8446, 4.1.2, 4.1.3; RFC 5246, 7.4.1) and the few other handshake messages that say how a
 * connection is set up. A message is given by its body, without its header. Results point into it.
 */
#ifndef MITM_CAPTURE_DECODE_TLS_HELLO_H
#define MITM_CAPTURE_DECODE_TLS_HELLO_H

#include "capture/decode/tls/keys.h"
#include "proto/event.h"

#define TLS_HELLO_ALPN_MAX     32
#define TLS_HELLO_NUMBERS_MAX  256
#define TLS_HELLO_VERSIONS_MAX 127

/* At most TLS_HELLO_NUMBERS_MAX numbers of a list, without those of GREASE (RFC 8701). */
struct tls_numbers {
    uint32_t n;
    uint32_t values[TLS_HELLO_NUMBERS_MAX];
};

struct tls_client_hello {
    const uint8_t *random; /* TLS_RANDOM_BYTES */
    ProtobufCBinaryData server_name, alpn[TLS_HELLO_ALPN_MAX];
    size_t alpn_n;
    struct tls_numbers versions, cipher_suites, groups;
    bool ech, resumption, early_data;
};

struct tls_server_hello {
    const uint8_t *random; /* TLS_RANDOM_BYTES */
    bool retry;            /* it is a HelloRetryRequest */
    uint32_t version, cipher_suite;
    bool has_group, resumed; /* resumed: by TLS 1.3's pre_shared_key */
    uint32_t group;
    ProtobufCBinaryData alpn; /* data NULL: none */
};

/* What TLS 1.3 sends encrypted (RFC 8446, 4.3.1). */
struct tls_encrypted_extensions {
    ProtobufCBinaryData alpn; /* data NULL: none */
    bool early_data;          /* 0-RTT data are accepted */
};

/* Read the ClientHello of `len` bytes at `body`; return false if it breaks its specification. */
bool tls_hello_read_client(struct tls_client_hello *hello, const uint8_t *body, size_t len)
    __attribute__((warn_unused_result));

/* The same for a ServerHello or a HelloRetryRequest, whose version is not 0 then. */
bool tls_hello_read_server(struct tls_server_hello *hello, const uint8_t *body, size_t len)
    __attribute__((warn_unused_result));

/* The same for EncryptedExtensions. */
bool tls_hello_read_extensions(struct tls_encrypted_extensions *extensions, const uint8_t *body, size_t len)
    __attribute__((warn_unused_result));

/*
 * Return the group that the ServerKeyExchange of `len` bytes at `body` names, with the cipher suite `cipher_suite` (RFC
 * 8422, 5.4); 0: none.
 */
uint32_t tls_hello_key_exchange_group(uint32_t cipher_suite, const uint8_t *body, size_t len)
    __attribute__((warn_unused_result));

/* Emit `hello` to `sink`: TlsClientHello; its message of `len_bytes` began to arrive at `t_ns`. */
void tls_hello_emit_client(const struct event_sink *sink, uint64_t t_ns, uint64_t len_bytes,
                           struct tls_client_hello *hello);

/* Emit `hello`, whose last byte arrived at `t_ns`, to `sink`: TlsServerHello or TlsHelloRetryRequest. */
void tls_hello_emit_server(const struct event_sink *sink, uint64_t t_ns, const struct tls_server_hello *hello);

#endif
