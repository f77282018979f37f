#include "capture/decode/tls/hello.h"

#include <string.h>

#include "capture/decode/tls/protection.h"

/* Extensions (RFC 8446, 4.2; RFC 7301; RFC 5077; RFC 9849). */
enum extension {
    EXTENSION_SERVER_NAME = 0,
    EXTENSION_GROUPS = 10,
    EXTENSION_ALPN = 16,
    EXTENSION_SESSION_TICKET = 35,
    EXTENSION_PRE_SHARED_KEY = 41,
    EXTENSION_EARLY_DATA = 42,
    EXTENSION_VERSIONS = 43,
    EXTENSION_KEY_SHARE = 51,
    EXTENSION_ECH = 0xfe0d
};

/* The random of a HelloRetryRequest (RFC 8446, 4.1.3). */
static const uint8_t retry_random[TLS_RANDOM_BYTES] = {0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c,
                                                       0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
                                                       0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};

/* What is left of a message or of a part of it. What would reach behind its end empties it, and is remembered. */
struct rest {
    const uint8_t *data;
    size_t len;
    bool broken;
};

static const uint8_t *take(struct rest *rest, size_t len)
{
    static const uint8_t zeros[TLS_RANDOM_BYTES];
    if (len > rest->len) {
        rest->broken = true;
        rest->len = 0;
        return zeros; /* `len` is at most this long where the caller does not look at `broken` first */
    }
    const uint8_t *at = rest->data;
    rest->data += len;
    rest->len -= len;
    return at;
}

/* Read a number of `bytes` bytes. */
static uint32_t number(struct rest *rest, size_t bytes)
{
    uint32_t value = 0;
    const uint8_t *at = take(rest, bytes);
    for (size_t i = 0; i < bytes; i++) {
        value = value << 8 | at[i];
    }
    return value;
}

/* Read a vector whose length stands before it in `bytes` bytes. */
static struct rest vector(struct rest *rest, size_t bytes)
{
    size_t len = number(rest, bytes);
    const uint8_t *at = take(rest, len);
    return rest->broken ? (struct rest){.data = at, .broken = true} : (struct rest){.data = at, .len = len};
}

/* Take over that `part` is broken, or not used up. */
static void finish(struct rest *rest, const struct rest *part)
{
    rest->broken = rest->broken || part->broken || part->len > 0;
}

static bool is_grease(uint32_t value)
{
    return (value & 0x0f0f) == 0x0a0a && value >> 8 == (value & 0xff);
}

static void read_numbers(struct tls_numbers *numbers, struct rest *rest, size_t length_bytes)
{
    struct rest list = vector(rest, length_bytes);
    numbers->n = 0;
    while (list.len > 0) {
        uint32_t value = number(&list, 2);
        if (!list.broken && !is_grease(value) && numbers->n < TLS_HELLO_NUMBERS_MAX) {
            numbers->values[numbers->n++] = value;
        }
    }
    finish(rest, &list);
}

static void read_server_name(struct tls_client_hello *hello, struct rest *rest)
{
    struct rest list = vector(rest, 2);
    while (list.len > 0) {
        uint32_t type = number(&list, 1);
        struct rest name = vector(&list, 2);
        if (type == 0 && !name.broken && !hello->server_name.data) {
            hello->server_name = (ProtobufCBinaryData){name.len, (uint8_t *)(uintptr_t)name.data};
        }
    }
    finish(rest, &list);
}

static void read_protocols(struct rest *rest, ProtobufCBinaryData *protocols, size_t max, size_t *n)
{
    struct rest list = vector(rest, 2);
    *n = 0;
    while (list.len > 0) {
        struct rest name = vector(&list, 1);
        bool grease = name.len == 2 && is_grease((uint32_t)name.data[0] << 8 | name.data[1]);
        if (!name.broken && !grease && *n < max) {
            protocols[(*n)++] = (ProtobufCBinaryData){name.len, (uint8_t *)(uintptr_t)name.data};
        }
    }
    finish(rest, &list);
}

/* Read the one protocol that the server chose. */
static void read_protocol(struct rest *rest, ProtobufCBinaryData *protocol)
{
    size_t n;
    read_protocols(rest, protocol, 1, &n);
}

/* Read an extension's type from `rest`, and return what it holds. */
static struct rest extension(struct rest *rest, uint32_t *type)
{
    *type = number(rest, 2);
    return vector(rest, 2);
}

static void read_client_extension(struct tls_client_hello *hello, struct rest *extensions)
{
    uint32_t type;
    struct rest data = extension(extensions, &type);
    switch (type) {
    case EXTENSION_SERVER_NAME:
        read_server_name(hello, &data);
        break;
    case EXTENSION_GROUPS:
        read_numbers(&hello->groups, &data, 2);
        break;
    case EXTENSION_ALPN:
        read_protocols(&data, hello->alpn, TLS_HELLO_ALPN_MAX, &hello->alpn_n);
        break;
    case EXTENSION_SESSION_TICKET:
        hello->resumption |= data.len > 0;
        break;
    case EXTENSION_PRE_SHARED_KEY:
        hello->resumption = true;
        break;
    case EXTENSION_EARLY_DATA:
        hello->early_data = true;
        break;
    case EXTENSION_VERSIONS:
        read_numbers(&hello->versions, &data, 1);
        break;
    case EXTENSION_ECH:
        hello->ech = true;
        break;
    default:
        break;
    }
    extensions->broken = extensions->broken || data.broken;
}

static bool offers(const struct tls_client_hello *hello, uint32_t version)
{
    for (uint32_t i = 0; i < hello->versions.n; i++) {
        if (hello->versions.values[i] == version) {
            return true;
        }
    }
    return false;
}

bool tls_hello_read_client(struct tls_client_hello *hello, const uint8_t *body, size_t len)
{
    struct rest rest = {.data = body, .len = len};
    *hello = (struct tls_client_hello){0};
    hello->versions = (struct tls_numbers){.n = 1, .values = {number(&rest, 2)}};
    hello->random = take(&rest, TLS_RANDOM_BYTES);
    struct rest session = vector(&rest, 1);
    read_numbers(&hello->cipher_suites, &rest, 2);
    (void)vector(&rest, 1); /* compression methods */
    if (rest.len > 0) {
        struct rest extensions = vector(&rest, 2);
        while (extensions.len > 0) {
            read_client_extension(hello, &extensions);
        }
        finish(&rest, &extensions);
    }
    /* TLS 1.3 sends a session ID that means nothing (RFC 8446, D.4). */
    hello->resumption |= session.len > 0 && !offers(hello, TLS_1_3);
    return !rest.broken && rest.len == 0;
}

static void read_server_extension(struct tls_server_hello *hello, struct rest *extensions)
{
    uint32_t type;
    struct rest data = extension(extensions, &type);
    switch (type) {
    case EXTENSION_VERSIONS:
        hello->version = number(&data, 2);
        break;
    case EXTENSION_KEY_SHARE:
        hello->has_group = true;
        hello->group = number(&data, 2);
        break;
    case EXTENSION_PRE_SHARED_KEY:
        hello->resumed = true;
        break;
    case EXTENSION_ALPN:
        read_protocol(&data, &hello->alpn);
        break;
    default:
        break;
    }
    extensions->broken = extensions->broken || data.broken;
}

bool tls_hello_read_server(struct tls_server_hello *hello, const uint8_t *body, size_t len)
{
    struct rest rest = {.data = body, .len = len};
    *hello = (struct tls_server_hello){.version = number(&rest, 2)};
    hello->random = take(&rest, TLS_RANDOM_BYTES);
    hello->retry = memcmp(hello->random, retry_random, TLS_RANDOM_BYTES) == 0;
    (void)vector(&rest, 1); /* session ID */
    hello->cipher_suite = number(&rest, 2);
    (void)number(&rest, 1); /* compression method */
    if (rest.len > 0) {
        struct rest extensions = vector(&rest, 2);
        while (extensions.len > 0) {
            read_server_extension(hello, &extensions);
        }
        finish(&rest, &extensions);
    }
    return !rest.broken && rest.len == 0 && hello->version != 0;
}

bool tls_hello_read_extensions(struct tls_encrypted_extensions *extensions, const uint8_t *body, size_t len)
{
    struct rest rest = {.data = body, .len = len};
    *extensions = (struct tls_encrypted_extensions){0};
    struct rest list = vector(&rest, 2);
    while (list.len > 0) {
        uint32_t type;
        struct rest data = extension(&list, &type);
        if (type == EXTENSION_ALPN) {
            read_protocol(&data, &extensions->alpn);
        } else if (type == EXTENSION_EARLY_DATA) {
            extensions->early_data = true;
        }
        list.broken = list.broken || data.broken;
    }
    finish(&rest, &list);
    return !rest.broken && rest.len == 0;
}

/* Return whether the suite's ServerKeyExchange begins with a curve (RFC 8422, 6; RFC 5289; RFC 7251; RFC 7905). */
static bool is_ecdhe(uint32_t suite)
{
    return (suite >= 0xc001 && suite <= 0xc019) || (suite >= 0xc023 && suite <= 0xc032) ||
           (suite >= 0xc0ac && suite <= 0xc0af) || suite == 0xcca8 || suite == 0xcca9;
}

uint32_t tls_hello_key_exchange_group(uint32_t cipher_suite, const uint8_t *body, size_t len)
{
    enum { NAMED_CURVE = 3 };
    if (!is_ecdhe(cipher_suite) || len < 3 || body[0] != NAMED_CURVE) {
        return 0;
    }
    return (uint32_t)body[1] << 8 | body[2];
}

void tls_hello_emit_client(const struct event_sink *sink, uint64_t t_ns, uint64_t len_bytes,
                           struct tls_client_hello *hello)
{
    EVENT_NEW(record, ev, t_ns, TlsClientHello, TLS_CLIENT_HELLO, tls_client_hello);
    EVENT_SET(ev, len_bytes, len_bytes);
    if (hello->server_name.data) {
        EVENT_SET_BYTES(ev, server_name, hello->server_name.data, hello->server_name.len);
    }
    ev.n_alpn = hello->alpn_n;
    ev.alpn = hello->alpn;
    ev.n_versions = hello->versions.n;
    ev.versions = hello->versions.values;
    ev.n_cipher_suites = hello->cipher_suites.n;
    ev.cipher_suites = hello->cipher_suites.values;
    ev.n_groups = hello->groups.n;
    ev.groups = hello->groups.values;
    EVENT_SET(ev, ech, hello->ech);
    EVENT_SET(ev, resumption, hello->resumption);
    EVENT_SET(ev, early_data, hello->early_data);
    event_emit(sink, &record);
}

static void emit_retry(const struct event_sink *sink, uint64_t t_ns, const struct tls_server_hello *hello)
{
    EVENT_NEW(record, ev, t_ns, TlsHelloRetryRequest, TLS_HELLO_RETRY_REQUEST, tls_hello_retry_request);
    EVENT_SET(ev, cipher_suite, hello->cipher_suite);
    if (hello->has_group) {
        EVENT_SET(ev, group, hello->group);
    }
    event_emit(sink, &record);
}

void tls_hello_emit_server(const struct event_sink *sink, uint64_t t_ns, const struct tls_server_hello *hello)
{
    if (hello->retry) {
        emit_retry(sink, t_ns, hello);
        return;
    }
    EVENT_NEW(record, ev, t_ns, TlsServerHello, TLS_SERVER_HELLO, tls_server_hello);
    EVENT_SET(ev, version, hello->version);
    EVENT_SET(ev, cipher_suite, hello->cipher_suite);
    if (hello->has_group) {
        EVENT_SET(ev, group, hello->group);
    }
    if (hello->version > TLS_1_2) {
        EVENT_SET(ev, resumed, hello->resumed);
    }
    if (hello->alpn.data) {
        EVENT_SET_BYTES(ev, alpn, hello->alpn.data, hello->alpn.len);
    }
    event_emit(sink, &record);
}
