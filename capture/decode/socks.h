/*
 * SOCKS5 messages (RFC 1928, RFC 1929), both as the client sends them and as an upstream answers.
 *
 * A decoder of one direction of a handshake: it collects exactly one message at a time, checks it, and emits its event.
 * What to do about it is the caller's business (capture/handshake.c). It follows the decoder contract of
 * capture/decode/app.h, but for one thing: it is an acting decoder's part, so bad input is an error, not a watch kept
 * up.
 */
#ifndef MITM_CAPTURE_DECODE_SOCKS_H
#define MITM_CAPTURE_DECODE_SOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/event.h"

enum {
    SOCKS_VERSION = 5,
    SOCKS_AUTH_VERSION = 1,
    /* The longest message: RFC 1929's user name and password. */
    SOCKS_MESSAGE_MAX_BYTES = 513
};

enum socks_method { SOCKS_METHOD_NONE = 0x00, SOCKS_METHOD_USERNAME = 0x02, SOCKS_METHOD_NO_ACCEPTABLE = 0xFF };

/* CMD of RFC 1928, and Tor's extensions (socks-extensions.txt). */
enum socks_command {
    SOCKS_CONNECT = 0x01,
    SOCKS_BIND = 0x02,
    SOCKS_UDP_ASSOCIATE = 0x03,
    SOCKS_RESOLVE = 0xF0,
    SOCKS_RESOLVE_PTR = 0xF1
};

enum socks_address_type { SOCKS_IPV4 = 0x01, SOCKS_NAME = 0x03, SOCKS_IPV6 = 0x04 };

enum socks_reply {
    SOCKS_SUCCEEDED = 0x00,
    SOCKS_GENERAL_FAILURE = 0x01,
    SOCKS_NOT_ALLOWED = 0x02,
    SOCKS_NETWORK_UNREACHABLE = 0x03,
    SOCKS_HOST_UNREACHABLE = 0x04,
    SOCKS_CONNECTION_REFUSED = 0x05,
    SOCKS_TTL_EXPIRED = 0x06,
    SOCKS_COMMAND_NOT_SUPPORTED = 0x07,
    SOCKS_ADDRESS_TYPE_NOT_SUPPORTED = 0x08
};

enum socks_kind {
    SOCKS_GREETING, /* client: VER NMETHODS METHODS */
    SOCKS_AUTH,     /* client: VER ULEN UNAME PLEN PASSWD */
    SOCKS_REQUEST,  /* client: VER CMD RSV ATYP DST.ADDR DST.PORT */
    SOCKS_METHOD,   /* server: VER METHOD */
    SOCKS_STATUS,   /* server: VER STATUS */
    SOCKS_REPLY     /* server: VER REP RSV ATYP BND.ADDR BND.PORT */
};

enum socks_result { SOCKS_MORE, SOCKS_DONE, SOCKS_BAD };

/* Room for an address as text: a name of 255 bytes, an IPv6 address, and a NUL. */
#define SOCKS_HOST_SIZE ((size_t)256)

/* What a message says; only the fields of its kind are set. */
struct socks_message {
    uint8_t method;  /* SOCKS_METHOD */
    uint8_t status;  /* SOCKS_STATUS */
    uint8_t command; /* SOCKS_REQUEST */
    uint8_t reply;   /* SOCKS_REPLY */
    uint8_t address_type;
    uint16_t port;
    size_t host_len_bytes;
    char host[SOCKS_HOST_SIZE]; /* name as sent (it may hold anything but is NUL-terminated), or address as text */
};

/* One direction of a handshake. Embedded in its owner; no resources. */
struct socks {
    Mitm__Direction direction;
    enum socks_kind kind;  /* of the message being collected */
    uint64_t first_t_ns;   /* arrival of its first byte */
    uint64_t offset_bytes; /* of its first byte in the direction */
    size_t len_bytes;      /* collected so far */
    uint8_t bytes[SOCKS_MESSAGE_MAX_BYTES];
};

/* Initialise `socks` for the messages of `direction`; the first one is the greeting, or the method. */
void socks_init(struct socks *socks, Mitm__Direction direction);

/* Expect a message of `kind` next. To be called between messages. */
void socks_expect(struct socks *socks, enum socks_kind kind);

/*
 * Take bytes of the expected message from the `len` bytes at `data`, which arrived at `t_ns`; never more than the
 * message needs. Store in *used how many were taken. SOCKS_MORE: all were taken, the message is not complete.
 * SOCKS_DONE: it is; `message` is filled in, and socks->bytes holds it until the next call. Its event has been given to
 * `sink`, but for SOCKS_AUTH and SOCKS_REPLY: SocksAuthStart and SocksResponseEnd hold what only the owner knows, and
 * are his to emit. SOCKS_BAD: it breaks the RFC; a Violation has been given to `sink`. The owner answers and closes.
 */
enum socks_result socks_feed(struct socks *socks, const struct event_sink *sink, uint64_t t_ns, const uint8_t *data,
                             size_t len, size_t *used, struct socks_message *message)
    __attribute__((warn_unused_result));

/* Say that the direction ended at `t_ns` before its message was complete: emits the Violation SOCKS_TRUNCATED. */
void socks_truncated(const struct socks *socks, const struct event_sink *sink, uint64_t t_ns);

/* The user name in a collected SOCKS_AUTH message, and its password; they point into socks->bytes. */
void socks_credentials(const struct socks *socks, const uint8_t **username, size_t *username_len,
                       const uint8_t **password, size_t *password_len);

/*
 * Write a reply to `out`: REP `reply` and the bound address, the 4 or 16 bytes at `address` in network order (NULL: the
 * IPv4 address 0.0.0.0), and `port`. Return its length, at most 22 bytes.
 */
size_t socks_write_reply(uint8_t *out, uint8_t reply, const uint8_t *address, size_t address_len, uint16_t port);

#endif
