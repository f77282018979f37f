#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "capture/decode/tls/keys.h"

#define HEX_32 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define UP_32  "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F"
#define HEX_16 "202122232425262728292a2b2c2d2e2f"
#define HEX_48 HEX_32 HEX_16

static enum tls_keys_line add(struct tls_keys *keys, const char *line)
{
    return tls_keys_add_line(keys, line, strlen(line));
}

/* The random of connection `n`, and a line with its master secret, whose bytes are all `n`'s last. */
static void make_random(uint32_t n, uint8_t random[TLS_RANDOM_BYTES])
{
    memset(random, 0xaa, TLS_RANDOM_BYTES);
    for (size_t i = 0; i < 4; i++)
        random[i] = (uint8_t)(n >> (8 * i));
}

static void add_connection(struct tls_keys *keys, uint32_t n)
{
    char line[256];
    uint8_t random[TLS_RANDOM_BYTES];
    make_random(n, random);
    int len = sprintf(line, "CLIENT_RANDOM ");
    for (size_t i = 0; i < TLS_RANDOM_BYTES; i++)
        len += sprintf(line + len, "%02x", random[i]);
    line[len++] = ' ';
    for (size_t i = 0; i < TLS_SECRET_MAX_BYTES; i++)
        len += sprintf(line + len, "%02x", n & 0xff);
    cr_assert_eq(tls_keys_add_line(keys, line, (size_t)len), TLS_KEYS_ADDED);
}

static bool knows(const struct tls_keys *keys, uint32_t n)
{
    uint8_t random[TLS_RANDOM_BYTES];
    make_random(n, random);
    size_t len = 0;
    const uint8_t *secret = tls_keys_find(keys, random, TLS_SECRET_MASTER, &len);
    cr_assert_eq(tls_keys_has(keys, random), secret != NULL);
    if (secret) {
        cr_assert_eq(len, 48);
        for (size_t i = 0; i < len; i++)
            cr_assert_eq(secret[i], n & 0xff);
    }
    return secret != NULL;
}

static void expect(const struct tls_keys *keys, enum tls_secret_label label, size_t expected_len)
{
    uint8_t random[TLS_RANDOM_BYTES];
    for (size_t i = 0; i < sizeof random; i++)
        random[i] = (uint8_t)i;
    size_t len = 0;
    const uint8_t *secret = tls_keys_find(keys, random, label, &len);
    cr_assert_eq(len, expected_len, "label %d has %zu bytes", (int)label, len);
    cr_assert_eq(secret != NULL, expected_len > 0);
    for (size_t i = 0; i < len; i++)
        cr_assert_eq(secret[i], i);
}

/* The labels of RFC 9850, section 2. */
Test(tls_keys, every_label)
{
    struct tls_keys *keys = tls_keys_new();
    cr_assert_eq(add(keys, "CLIENT_RANDOM " HEX_32 " " HEX_48), TLS_KEYS_ADDED);
    cr_assert_eq(add(keys, "CLIENT_EARLY_TRAFFIC_SECRET " HEX_32 " " HEX_32), TLS_KEYS_ADDED);
    cr_assert_eq(add(keys, "CLIENT_HANDSHAKE_TRAFFIC_SECRET " UP_32 " " UP_32 "\r"), TLS_KEYS_ADDED);
    cr_assert_eq(add(keys, "SERVER_HANDSHAKE_TRAFFIC_SECRET " HEX_32 " " HEX_48), TLS_KEYS_ADDED);
    cr_assert_eq(add(keys, "CLIENT_TRAFFIC_SECRET_0 " HEX_32 " " HEX_48 "\r"), TLS_KEYS_ADDED);
    expect(keys, TLS_SECRET_SERVER_TRAFFIC, 0);
    cr_assert_eq(add(keys, "SERVER_TRAFFIC_SECRET_0 " UP_32 " " HEX_32), TLS_KEYS_ADDED);
    static const size_t lens[TLS_SECRETS] = {48, 32, 32, 48, 48, 32};
    for (unsigned i = 0; i < TLS_SECRETS; i++)
        expect(keys, (enum tls_secret_label)i, lens[i]);
    tls_keys_free(keys);
}

Test(tls_keys, a_secret_is_replaced)
{
    struct tls_keys *keys = tls_keys_new();
    cr_assert_eq(add(keys, "CLIENT_TRAFFIC_SECRET_0 " HEX_32 " " HEX_16 HEX_32), TLS_KEYS_ADDED);
    cr_assert_eq(add(keys, "CLIENT_TRAFFIC_SECRET_0 " HEX_32 " " HEX_32), TLS_KEYS_ADDED);
    expect(keys, TLS_SECRET_CLIENT_TRAFFIC, 32);
    tls_keys_free(keys);
}

Test(tls_keys, ignored_lines)
{
    static const char *const ignored[] = {"",
                                          "\r",
                                          "#",
                                          "# comment",
                                          "#CLIENT_RANDOM " HEX_32 " " HEX_48,
                                          "EXPORTER_SECRET " HEX_32 " " HEX_32,
                                          "EARLY_EXPORTER_SECRET " HEX_32 " " HEX_48,
                                          "ECH_SECRET " HEX_32 " " HEX_32,
                                          "ECH_CONFIG " HEX_32 " " HEX_16,
                                          "CLIENT_TRAFFIC_SECRET_1 " HEX_32 " " HEX_32,
                                          "RSA 0011223344556677 " HEX_48};
    struct tls_keys *keys = tls_keys_new();
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
        cr_assert_eq(add(keys, ignored[i]), TLS_KEYS_IGNORED, "%s", ignored[i]);
    for (unsigned i = 0; i < TLS_SECRETS; i++)
        expect(keys, (enum tls_secret_label)i, 0);
    tls_keys_free(keys);
}

Test(tls_keys, invalid_lines)
{
    static const char *const invalid[] = {" ",
                                          "garbage",
                                          "CLIENT_RANDOM",
                                          "CLIENT_RANDOM ",
                                          "CLIENT_RANDOM " HEX_32,
                                          "CLIENT_RANDOM " HEX_32 " ",
                                          "CLIENT_RANDOM " HEX_32 " " HEX_32,        /* a master secret has 48 bytes */
                                          "CLIENT_RANDOM " HEX_32 " " HEX_48 "00",   /* too long */
                                          "CLIENT_RANDOM " HEX_32 " " HEX_48 " ",    /* space behind it */
                                          "CLIENT_RANDOM " HEX_32 " " HEX_48 "\r\r", /* one CR belongs to the end */
                                          "CLIENT_RANDOM  " HEX_32 " " HEX_48,       /* two spaces */
                                          "CLIENT_RANDOM\t" HEX_32 "\t" HEX_48,      /* tabs */
                                          " CLIENT_RANDOM " HEX_32 " " HEX_48,       /* indented */
                                          "CLIENT_RANDOM " HEX_16 " " HEX_48,        /* a random of 16 bytes */
                                          "CLIENT_RANDOM " HEX_32 "00 " HEX_48,      /* of 33 */
                                          "CLIENT_RANDOM " HEX_32 " " HEX_32 HEX_16 "0",  /* an odd number of digits */
                                          "CLIENT_RANDOM " HEX_32 " " HEX_32 "+g" HEX_16, /* no digits */
                                          "CLIENT_RANDOM 0x" HEX_32 " " HEX_48,
                                          "CLIENT_TRAFFIC_SECRET_0 " HEX_32 " " HEX_16,
                                          "SERVER_TRAFFIC_SECRET_0 " HEX_32 " " HEX_48 HEX_16,
                                          "client_random " HEX_32 " " HEX_48,
                                          "EXPORTER_SECRET " HEX_32 " xyz",
                                          "HTTP/1.1 200 OK",
                                          "\x7f"
                                          "ELF",
                                          "\xef\xbb\xbf# comment"};
    struct tls_keys *keys = tls_keys_new();
    for (size_t i = 0; i < sizeof invalid / sizeof invalid[0]; i++)
        cr_assert_eq(add(keys, invalid[i]), TLS_KEYS_INVALID, "%s", invalid[i]);
    static const char with_nul[] = "CLIENT_RANDOM " HEX_32 " " HEX_48 "\0";
    cr_assert_eq(tls_keys_add_line(keys, with_nul, sizeof with_nul - 1), TLS_KEYS_INVALID);
    for (unsigned i = 0; i < TLS_SECRETS; i++)
        expect(keys, (enum tls_secret_label)i, 0);
    tls_keys_free(keys);
}

/* Every end of a line but the whole one is invalid or ignored, and nothing beyond it is read. */
Test(tls_keys, cut_lines)
{
    static const char line[] = "SERVER_TRAFFIC_SECRET_0 " HEX_32 " " HEX_48;
    struct tls_keys *keys = tls_keys_new();
    for (size_t len = 1; len < sizeof line - 1; len++) {
        char *exact = malloc(len);
        memcpy(exact, line, len);
        enum tls_keys_line found = tls_keys_add_line(keys, exact, len);
        bool whole = len == strlen("SERVER_TRAFFIC_SECRET_0 " HEX_32 " " HEX_32);
        cr_assert_eq(found, whole ? TLS_KEYS_ADDED : TLS_KEYS_INVALID, "%zu bytes", len);
        free(exact);
    }
    tls_keys_free(keys);
}

Test(tls_keys, the_oldest_are_dropped)
{
    enum { MORE = 1000 };
    struct tls_keys *keys = tls_keys_new();
    for (uint32_t n = 0; n < TLS_KEYS_MAX + MORE; n++)
        add_connection(keys, n);
    for (uint32_t n = 0; n < TLS_KEYS_MAX + MORE; n++)
        cr_assert_eq(knows(keys, n), n >= MORE, "%u", n);
    tls_keys_free(keys);
}

/* Connections that are forgotten make room: the others stay. */
Test(tls_keys, forgetting)
{
    struct tls_keys *keys = tls_keys_new();
    uint8_t random[TLS_RANDOM_BYTES];
    for (uint32_t n = 0; n < TLS_KEYS_MAX; n++)
        add_connection(keys, n);
    for (uint32_t n = 0; n < TLS_KEYS_MAX; n += 2) {
        make_random(n, random);
        tls_keys_forget(keys, random);
        tls_keys_forget(keys, random);
    }
    for (uint32_t n = 0; n < TLS_KEYS_MAX; n++)
        cr_assert_eq(knows(keys, n), n % 2 == 1, "%u", n);
    for (uint32_t n = 0; n < TLS_KEYS_MAX / 2; n++)
        add_connection(keys, TLS_KEYS_MAX + n);
    for (uint32_t n = 0; n < TLS_KEYS_MAX; n++)
        cr_assert_eq(knows(keys, n), n % 2 == 1, "%u", n);
    add_connection(keys, 2 * TLS_KEYS_MAX);
    cr_assert_not(knows(keys, 1), "the oldest of those that are left");
    cr_assert(knows(keys, 3));
    tls_keys_free(keys);
}

/* A connection that comes again, at any age, keeps its other secrets and costs no room. */
Test(tls_keys, coming_again)
{
    struct tls_keys *keys = tls_keys_new();
    for (unsigned round = 0; round < 3; round++)
        for (uint32_t n = 0; n < TLS_KEYS_MAX; n++)
            add_connection(keys, n);
    for (uint32_t n = 0; n < TLS_KEYS_MAX; n++)
        cr_assert(knows(keys, n));
    tls_keys_free(keys);
}
