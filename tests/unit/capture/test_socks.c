/*
 * SOCKS5 messages. The bytes are written down from RFC 1928, 3 to 6, and RFC 1929, 2; those of Tor from its
 * socks-extensions specification. Each one is fed whole, byte by byte, and cut at every place: the events must be the
 * same.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "capture/decode/socks.h"

struct vector {
    const char *name;
    Mitm__Direction direction;
    enum socks_kind kind;
    const char *bytes;
    size_t len;
    enum socks_result result;
    size_t used;
    const char *events;
};

#define BYTES(text) text, sizeof(text) - 1
#define CLIENT      MITM__DIRECTION__TO_SERVER
#define SERVER      MITM__DIRECTION__TO_CLIENT

static const struct vector vectors[] = {
    {"greeting", CLIENT, SOCKS_GREETING, BYTES("\5\2\0\2"), SOCKS_DONE, 4,
     "SocksMethodsOffered methods=\"\\x00\\x02\"\n"},
    {"greeting without methods", CLIENT, SOCKS_GREETING, BYTES("\5\0"), SOCKS_DONE, 2,
     "SocksMethodsOffered methods=\"\"\n"},
    {"greeting, then more", CLIENT, SOCKS_GREETING, BYTES("\5\1\0\5\1\0"), SOCKS_DONE, 3,
     "SocksMethodsOffered methods=\"\\x00\"\n"},
    {"greeting, incomplete", CLIENT, SOCKS_GREETING, BYTES("\5\3\0\1"), SOCKS_MORE, 4, ""},
    {"SOCKS4", CLIENT, SOCKS_GREETING, BYTES("\4\1\0\120\177\0\0\1\0"), SOCKS_BAD, 1,
     "Violation kind=SOCKS_VERSION direction=TO_SERVER offset_bytes=0 detail=\"the message does not begin with version "
     "5\"\n"},
    {"HTTP", CLIENT, SOCKS_GREETING, BYTES("GET / HTTP/1.1\r\n"), SOCKS_BAD, 1,
     "Violation kind=SOCKS_VERSION direction=TO_SERVER offset_bytes=0 detail=\"the message does not begin with version "
     "5\"\n"},
    {"user name and password", CLIENT, SOCKS_AUTH, BYTES("\1\2ab\3c\0d"), SOCKS_DONE, 8, ""},
    {"both empty", CLIENT, SOCKS_AUTH, BYTES("\1\0\0"), SOCKS_DONE, 3, ""},
    {"user name and password of version 5", CLIENT, SOCKS_AUTH, BYTES("\5\1a\1b"), SOCKS_BAD, 1,
     "Violation kind=SOCKS_AUTH direction=TO_SERVER offset_bytes=0 detail=\"user name and password do not begin with "
     "version 1\"\n"},
    {"CONNECT to IPv4", CLIENT, SOCKS_REQUEST, BYTES("\5\1\0\1\300\0\2\7\37\220"), SOCKS_DONE, 10,
     "SocksRequestStart command=1 address_type=1 host=\"192.0.2.7\" port=8080\n"},
    {"CONNECT to IPv6", CLIENT, SOCKS_REQUEST, BYTES("\5\1\0\4\x20\1\r\xb8\0\0\0\0\0\0\0\0\0\0\0\1\0\120"), SOCKS_DONE,
     22, "SocksRequestStart command=1 address_type=4 host=\"2001:db8::1\" port=80\n"},
    {"CONNECT to a name", CLIENT, SOCKS_REQUEST, BYTES("\5\1\0\3\13example.org\1\273GET"), SOCKS_DONE, 18,
     "SocksRequestStart command=1 address_type=3 host=\"example.org\" port=443\n"},
    {"a name with a NUL", CLIENT, SOCKS_REQUEST, BYTES("\5\1\0\3\3a\0b\0\120"), SOCKS_DONE, 10,
     "SocksRequestStart command=1 address_type=3 host=\"a\\x00b\" port=80\n"},
    {"RESOLVE", CLIENT, SOCKS_REQUEST, BYTES("\5\360\0\3\1a\0\0"), SOCKS_DONE, 8,
     "SocksRequestStart command=240 address_type=3 host=\"a\" port=0\n"},
    {"RESOLVE_PTR", CLIENT, SOCKS_REQUEST, BYTES("\5\361\0\1\177\0\0\1\0\0"), SOCKS_DONE, 10,
     "SocksRequestStart command=241 address_type=1 host=\"127.0.0.1\" port=0\n"},
    {"empty name", CLIENT, SOCKS_REQUEST, BYTES("\5\1\0\3\0\0\120"), SOCKS_BAD, 5,
     "Violation kind=SOCKS_REQUEST direction=TO_SERVER offset_bytes=4 detail=\"the request names an empty host\"\n"},
    {"unknown address type", CLIENT, SOCKS_REQUEST, BYTES("\5\1\0\2\0\0\0\0"), SOCKS_BAD, 4,
     "Violation kind=SOCKS_REQUEST direction=TO_SERVER offset_bytes=3 detail=\"unknown address type in the "
     "request\"\n"},
    {"request of version 4", CLIENT, SOCKS_REQUEST, BYTES("\4\1"), SOCKS_BAD, 1,
     "Violation kind=SOCKS_VERSION direction=TO_SERVER offset_bytes=0 detail=\"the message does not begin with version "
     "5\"\n"},
    {"method", SERVER, SOCKS_METHOD, BYTES("\5\2"), SOCKS_DONE, 2, "SocksMethodChosen method=2\n"},
    {"no method", SERVER, SOCKS_METHOD, BYTES("\5\377"), SOCKS_DONE, 2, "SocksMethodChosen method=255\n"},
    {"status", SERVER, SOCKS_STATUS, BYTES("\1\1"), SOCKS_DONE, 2, "SocksAuthEnd status=1\n"},
    {"reply", SERVER, SOCKS_REPLY, BYTES("\5\0\0\1\0\0\0\0\0\0HTTP"), SOCKS_DONE, 10, ""},
    {"reply with IPv6", SERVER, SOCKS_REPLY, BYTES("\5\0\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), SOCKS_DONE, 22, ""},
    {"Tor's reply to a failed RESOLVE: address type 0", SERVER, SOCKS_REPLY, BYTES("\5\4\0\0\0\0\0\0\0\0"), SOCKS_DONE,
     10, ""},
    {"success of address type 0", SERVER, SOCKS_REPLY, BYTES("\5\0\0\0\0\0\0\0\0\0"), SOCKS_BAD, 4,
     "Violation kind=SOCKS_REPLY direction=TO_CLIENT offset_bytes=3 detail=\"unknown address type in the reply\"\n"},
    {"the upstream is no SOCKS server", SERVER, SOCKS_METHOD, BYTES("HTTP/1.0 501"), SOCKS_BAD, 1,
     "Violation kind=SOCKS_REPLY direction=TO_CLIENT offset_bytes=0 detail=\"the message does not begin with version "
     "5\"\n"},
};

enum { VECTORS = sizeof vectors / sizeof vectors[0] };

/* Print events without their times. */
static void print_event(void *ctx, Mitm__Record *record)
{
    char *text;
    size_t size;
    FILE *line = open_memstream(&text, &size);
    event_print_text(line, record);
    fclose(line);
    fputs(strstr(text, " - ") + 3, ctx);
    free(text);
}

struct outcome {
    enum socks_result result;
    size_t used;
    char *events;
    struct socks_message message;
};

/* Feed the vector's bytes, cut into pieces that end at `cut`, or each of one byte if `cut` is 0. */
static struct outcome run(const struct vector *vector, size_t cut)
{
    struct outcome outcome = {.result = SOCKS_MORE};
    size_t size;
    FILE *events = open_memstream(&outcome.events, &size);
    struct event_sink sink = {.emit = print_event, .ctx = events};
    struct socks socks;
    socks_init(&socks, vector->direction);
    if (socks.kind != vector->kind)
        socks_expect(&socks, vector->kind);
    for (size_t at = 0; at < vector->len && outcome.result == SOCKS_MORE;) {
        size_t end = cut == 0 ? at + 1 : at < cut && cut < vector->len ? cut : vector->len;
        /* Exactly this piece on the heap, so that the sanitizer sees a read behind its end. */
        uint8_t *piece = malloc(end - at);
        memcpy(piece, vector->bytes + at, end - at);
        size_t used;
        outcome.result = socks_feed(&socks, &sink, 1000 + at, piece, end - at, &used, &outcome.message);
        outcome.used += used;
        free(piece);
        at = end;
    }
    cr_assert_eq(socks.first_t_ns, 1000, "%s: the time of the first byte", vector->name);
    fclose(events);
    return outcome;
}

Test(socks, vectors_cut_at_every_place)
{
    for (size_t i = 0; i < VECTORS; i++) {
        const struct vector *vector = &vectors[i];
        for (size_t cut = 0; cut <= vector->len; cut++) {
            struct outcome outcome = run(vector, cut);
            cr_assert_eq(outcome.result, vector->result, "%s, cut at %zu: result %d", vector->name, cut,
                         outcome.result);
            if (vector->result != SOCKS_BAD) /* how much of a bad message was taken depends on the cut */
                cr_assert_eq(outcome.used, vector->used, "%s, cut at %zu: %zu used", vector->name, cut, outcome.used);
            cr_assert_str_eq(outcome.events, vector->events, "%s, cut at %zu: %s", vector->name, cut, outcome.events);
            free(outcome.events);
        }
    }
}

Test(socks, credentials_are_found)
{
    for (size_t username_len = 0; username_len <= 255; username_len++) {
        size_t password_len = 255 - username_len;
        uint8_t bytes[SOCKS_MESSAGE_MAX_BYTES];
        size_t n = 0;
        bytes[n++] = 1;
        bytes[n++] = (uint8_t)username_len;
        memset(bytes + n, 'u', username_len);
        n += username_len;
        bytes[n++] = (uint8_t)password_len;
        memset(bytes + n, 'p', password_len);
        n += password_len;
        struct socks socks;
        struct socks_message message;
        struct event_sink sink = {0};
        size_t used;
        socks_init(&socks, CLIENT);
        socks_expect(&socks, SOCKS_AUTH);
        cr_assert_eq(socks_feed(&socks, &sink, 0, bytes, n, &used, &message), SOCKS_DONE);
        const uint8_t *username, *password;
        size_t u, p;
        socks_credentials(&socks, &username, &u, &password, &p);
        cr_assert_eq(u, username_len);
        cr_assert_eq(p, password_len);
        for (size_t i = 0; i < u; i++)
            cr_assert_eq(username[i], 'u');
        for (size_t i = 0; i < p; i++)
            cr_assert_eq(password[i], 'p');
    }
}

Test(socks, reply_is_read_and_written)
{
    static const uint8_t v6[16] = {0x20, 1, 0xd, 0xb8, [15] = 9};
    uint8_t bytes[22];
    size_t len = socks_write_reply(bytes, SOCKS_HOST_UNREACHABLE, NULL, 0, 0);
    cr_assert_eq(len, 10);
    cr_assert_arr_eq(bytes, "\5\4\0\1\0\0\0\0\0\0", 10);
    len = socks_write_reply(bytes, SOCKS_SUCCEEDED, v6, 16, 0x1f90);
    cr_assert_eq(len, 22);
    struct vector vector = {"reply", SERVER, SOCKS_REPLY, (const char *)bytes, len, SOCKS_DONE, len, ""};
    struct outcome outcome = run(&vector, len);
    cr_assert_eq(outcome.message.reply, 0);
    cr_assert_eq(outcome.message.port, 8080);
    cr_assert_str_eq(outcome.message.host, "2001:db8::9");
    free(outcome.events);
}

Test(socks, truncated_handshake_is_a_violation)
{
    char *text;
    size_t size, used;
    FILE *events = open_memstream(&text, &size);
    struct event_sink sink = {.emit = print_event, .ctx = events};
    struct socks socks;
    struct socks_message message;
    socks_init(&socks, CLIENT);
    cr_assert_eq(socks_feed(&socks, &sink, 0, (const uint8_t *)"\5\1\0", 3, &used, &message), SOCKS_DONE);
    socks_expect(&socks, SOCKS_REQUEST);
    cr_assert_eq(socks_feed(&socks, &sink, 0, (const uint8_t *)"\5\1", 2, &used, &message), SOCKS_MORE);
    socks_truncated(&socks, &sink, 5);
    fclose(events);
    cr_assert_str_eq(text, "SocksMethodsOffered methods=\"\\x00\"\n"
                           "Violation kind=SOCKS_TRUNCATED direction=TO_SERVER offset_bytes=5 detail=\"the connection "
                           "ended before the SOCKS handshake did\"\n");
    free(text);
}
