/* Whatever is sent: a TLS decoder neither crashes nor grows, counts every byte, and passes on no false plaintext. */
#include <criterion/criterion.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "capture/decode/tls/watch.h"
#include "tls/connection.h"
#include "tls/seal.h"

#define TO_SERVER MITM__DIRECTION__TO_SERVER
#define TO_CLIENT MITM__DIRECTION__TO_CLIENT

static const char *const names[] = {
    "13_aes128", "13_aes256",         "13_chacha",      "13_retry",         "13_padded", "13_key_update", "13_resumed",
    "rfc8448",   "13_early_accepted", "13_early_retry", "12_aes128",        "12_aes256", "12_chacha",     "12_resumed",
    "12_cbc",    "12_renegotiation",  "alert",          "13_early_rejected"};

/* ---------------------------------------------------------------- recorded connections, damaged */

/* End both directions and check what holds in every case. */
static void finish(struct run *run, const struct connection *connection, size_t fed)
{
    run->t_ns++;
    tls_end(run->tls, TO_SERVER, run->t_ns, MITM__END_CAUSE__RESET);
    tls_end(run->tls, TO_CLIENT, run->t_ns, MITM__END_CAUSE__RESET);
    tls_give_up(run->tls, run->t_ns, false);
    cr_assert(!tls_waits(run->tls));
    cr_assert_eq(run->log.tls_data[0].len_bytes + run->log.tls_data[1].len_bytes, fed);
    for (size_t i = 0; i < 2; i++) {
        cr_assert(run->plain[i].len <= connection->sent[i].len);
        cr_assert(run->plain[i].len == 0 ||
                  memcmp(run->plain[i].data, connection->sent[i].data, run->plain[i].len) == 0);
    }
    cr_assert_eq(run->ends, run->plain[0].len + run->plain[1].len > 0 ? 2 : 0);
    run_fini(run);
}

static void truncated_at(const struct connection *connection, size_t len, bool decrypts)
{
    struct run run;
    size_t fed = 0;
    run_init(&run, decrypts);
    if (decrypts) {
        run_add_keys(&run, connection, -1);
    }
    for (size_t i = 0; i < connection->blocks_n && fed < len; i++) {
        struct block block = connection->blocks[i];
        block.bytes.len = block.bytes.len < len - fed ? block.bytes.len : len - fed;
        if (block.bytes.len > 0) {
            run_block(&run, &block, 0);
        }
        fed += block.bytes.len;
    }
    finish(&run, connection, fed);
}

Test(tls_hostile, truncated)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct connection *connection = connection_read(names[i]);
        for (size_t len = 0; len < connection->wire_bytes; len++) {
            truncated_at(connection, len, false);
            if (len % 13 == i % 13) {
                truncated_at(connection, len, true);
            }
        }
        connection_free(connection);
    }
}

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

/* Change up to four bytes of the wire, more often near the beginning, where the hellos are. */
static void mutate(struct connection *connection, uint32_t *state)
{
    size_t n = 1 + next_random(state) % 4;
    for (size_t i = 0; i < n; i++) {
        const struct block *block = &connection->blocks[next_random(state) % connection->blocks_n];
        size_t len = next_random(state) % 2 ? block->bytes.len : block->bytes.len / 16 + 1;
        if (block->bytes.len > 0) {
            block->bytes.data[next_random(state) % len] = (uint8_t)next_random(state);
        }
    }
}

Test(tls_hostile, mutated)
{
    uint32_t state = 1;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        for (size_t n = 0; n < 250; n++) {
            struct connection *connection = connection_read(names[i]);
            mutate(connection, &state);
            struct run run;
            run_init(&run, n % 8 != 0);
            size_t keys_at = n % 3 == 0 ? 0 : next_random(&state) % (connection->blocks_n + 1);
            run_blocks(&run, connection, 0, keys_at, n % 5);
            if (n % 8 != 0) {
                run_add_keys(&run, connection, -1);
                cr_assert(!tls_drain(run.tls, run.t_ns));
            }
            run_blocks(&run, connection, keys_at, connection->blocks_n, n % 7 * 100);
            finish(&run, connection, connection->wire_bytes);
            connection_free(connection);
        }
    }
}

/* ---------------------------------------------------------------- hellos made by hand */

/* Bytes being put together. */
struct maker {
    uint8_t data[70000];
    size_t len;
};

static void put(struct maker *maker, const void *data, size_t len)
{
    cr_assert(maker->len + len <= sizeof maker->data);
    memcpy(maker->data + maker->len, data, len);
    maker->len += len;
}

static void put_number(struct maker *maker, size_t value, size_t bytes)
{
    for (size_t i = bytes; i-- > 0;) {
        uint8_t byte = (uint8_t)(value >> 8 * i);
        put(maker, &byte, 1);
    }
}

#define PUT(maker, text) put(maker, text, sizeof text - 1)

/* A handshake record with the message of `type` whose body is `body`. */
static void put_message(struct maker *maker, uint8_t type, const void *body, size_t len)
{
    PUT(maker, "\x16\x03\x03");
    put_number(maker, len + 4, 2);
    put_number(maker, type, 1);
    put_number(maker, len, 3);
    put(maker, body, len);
}

#define RANDOM "RRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRR"

/* A ClientHello with the extensions given, and the only suite 0x1301. */
static struct maker *client_hello(const void *extensions, size_t len)
{
    static struct maker body, record;
    body.len = record.len = 0;
    PUT(&body, "\x03\x03" RANDOM "\0\0\x02\x13\x01\x01\0");
    put_number(&body, len, 2);
    put(&body, extensions, len);
    put_message(&record, 1, body.data, body.len);
    return &record;
}

/* A ServerHello of TLS 1.3 with the suite 0x1301, and a pre_shared_key if `resumed`. */
static struct maker *server_hello(bool resumed)
{
    static struct maker body, record;
    body.len = record.len = 0;
    PUT(&body, "\x03\x03SSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSS\0\x13\x01\0");
    put_number(&body, resumed ? 12 : 6, 2);
    PUT(&body, "\0\x2b\0\x02\x03\x04");
    if (resumed) {
        PUT(&body, "\0\x29\0\x02\0\0");
    }
    put_message(&record, 2, body.data, body.len);
    return &record;
}

static void feed(struct run *run, Mitm__Direction direction, const struct maker *maker)
{
    run_feed(run, direction, maker->data, maker->len);
}

static void expect(struct run *run, const char *expected)
{
    char *text = run_text(run);
    cr_assert(strstr(text, expected), "%s\nin\n%s", expected, text);
    free(text);
    run_fini(run);
}

/* RFC 8701: every list has its GREASE. */
Test(tls_hello, grease_is_left_out)
{
    struct maker extensions = {.len = 0}, body = {.len = 0}, record = {.len = 0};
    PUT(&extensions, "\x8a\x8a\0\0");                                /* extension */
    PUT(&extensions, "\0\x10\0\x0c\0\x0a\x02\xca\xca\x02h2\x03xyz"); /* ALPN */
    PUT(&extensions, "\0\x0a\0\x08\0\x06\x1a\x1a\0\x1d\x11\xec");    /* groups */
    PUT(&extensions, "\0\x2b\0\x07\x06\x6a\x6a\x03\x04\x03\x03");    /* versions */
    PUT(&extensions, "\0\0\0\x0e\0\x0c\0\0\x09"
                     "a.example");        /* server name */
    PUT(&extensions, "\xfe\x0d\0\x01\0"); /* ECH */
    PUT(&body, "\x03\x03" RANDOM "\x04"
               "SESS"
               "\0\x06\xfa\xfa\x13\x01\xc0\x2b\x01\0");
    put_number(&body, extensions.len, 2);
    put(&body, extensions.data, extensions.len);
    put_message(&record, 1, body.data, body.len);
    struct run run;
    run_init(&run, false);
    feed(&run, TO_SERVER, &record);
    expect(&run, " \"a.example\" alpn=\"h2\",\"xyz\" versions=0304,0303 suites=1301,c02b groups=001d,11ec ech\n");
}

/* RFC 5246, 7.4.1.2: without TLS 1.3, a session ID offers resumption; so does a ticket (RFC 5077, 3.2). */
Test(tls_hello, resumption_of_tls_1_2)
{
    struct maker record = {.len = 0};
    static const char body[] = "\x03\x03" RANDOM "\x04SESS\0\x02\xc0\x2b\x01\0";
    put_message(&record, 1, body, sizeof body - 1);
    struct run run;
    run_init(&run, false);
    feed(&run, TO_SERVER, &record);
    expect(&run, " versions=0303 suites=c02b resumption\n");
    run_init(&run, false);
    feed(&run, TO_SERVER, client_hello("\0\x23\0\x01T", 5));
    expect(&run, " versions=0303 suites=1301 resumption\n");
    run_init(&run, false);
    feed(&run, TO_SERVER, client_hello("\0\x23\0\0", 4));
    expect(&run, " versions=0303 suites=1301\n");
}

/* Feed a ClientHello of `len` bytes, filled up with an unknown extension, in records of 2^14 bytes. */
static void feed_long_hello(struct run *run, size_t len)
{
    static struct maker message, record;
    message.len = 0;
    size_t fill = len - 51;
    put_number(&message, 1, 1);
    put_number(&message, len - 4, 3);
    PUT(&message, "\x03\x03" RANDOM "\0\0\x02\x13\x01\x01\0");
    put_number(&message, fill + 4, 2);
    put_number(&message, 0x7777, 2);
    put_number(&message, fill, 2);
    while (fill-- > 0) {
        PUT(&message, "x");
    }
    cr_assert_eq(message.len, len);
    for (size_t at = 0; at < message.len; at += 16384) {
        size_t n = message.len - at < 16384 ? message.len - at : 16384;
        record.len = 0;
        PUT(&record, "\x16\x03\x01");
        put_number(&record, n, 2);
        put(&record, message.data + at, n);
        feed(run, TO_SERVER, &record);
    }
}

Test(tls_hello, long_messages)
{
    struct run run;
    run_init(&run, false);
    feed_long_hello(&run, 4 + 65536);
    expect(&run, " TlsClientHello 65540 versions=0303 suites=1301\n* - TlsData > 65565 records=0");
    run_init(&run, false);
    feed_long_hello(&run, 4 + 65537);
    expect(&run, "0 - Violation TLS_HANDSHAKE > @5\n* - TlsData > 65566 records=0");
}

/* Hellos that break RFC 8446, 4.1: none is told, and the direction is given up where the message begins. */
Test(tls_hello, invalid)
{
    static const struct {
        size_t len;
        const char *body;
    } bodies[] = {
        {0, ""},
        {33, "\x03\x03" RANDOM},
        {41, "\x03\x03" RANDOM "\x21\0\x02\x13\x01\x01\0"},                  /* session ID beyond the end */
        {40, "\x03\x03" RANDOM "\0\0\x01\x13\x01\0"},                        /* half a suite */
        {42, "\x03\x03" RANDOM "\0\0\x02\x13\x01\x01\0\0"},                  /* half a length */
        {44, "\x03\x03" RANDOM "\0\0\x02\x13\x01\x01\0\0\0x"},               /* something behind the end */
        {45, "\x03\x03" RANDOM "\0\0\x02\x13\x01\x01\0\0\x02\0\x10"},        /* an extension without length */
        {48, "\x03\x03" RANDOM "\0\0\x02\x13\x01\x01\0\0\x05\0\x10\0\x01x"}, /* ALPN without a list */
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct maker record = {.len = 0};
        put_message(&record, 1, bodies[i].body, bodies[i].len);
        struct run run;
        run_init(&run, true);
        feed(&run, TO_SERVER, &record);
        char *text = run_text(&run);
        static const char expected[] = "0 - Violation TLS_HANDSHAKE > @5\n0 - TlsDecryption DECRYPTION_FAILED >\n* - ";
        cr_assert(strncmp(text, expected, sizeof expected - 1) == 0, "%zu: %s", i, text);
        free(text);
        run_fini(&run);
    }
}

/* Messages that are not expected where they come. */
Test(tls_hello, out_of_place)
{
    struct run run;
    run_init(&run, false);
    feed(&run, TO_CLIENT, server_hello(false));
    expect(&run, "0 - Violation TLS_HANDSHAKE < @5\n");
    run_init(&run, false);
    feed(&run, TO_SERVER, client_hello("", 0));
    feed(&run, TO_SERVER, client_hello("", 0));
    expect(&run, "0 - Violation TLS_HANDSHAKE > @57\n");
    run_init(&run, false);
    feed(&run, TO_SERVER, client_hello("", 0));
    feed(&run, TO_CLIENT, server_hello(false));
    feed(&run, TO_CLIENT, server_hello(false));
    expect(&run, "0 - Violation TLS_HANDSHAKE < @60\n");
}

/* There is no version 0 (RFC 8446, B.1): a hello that chooses it leaves the version as open as before. */
Test(tls_hello, version_zero_is_chosen_once)
{
    struct maker body = {.len = 0}, record = {.len = 0};
    PUT(&body, "\0\0SSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSS\0\x13\x01\0\0\x09\0\x10\0\x05\0\x03\x02h2");
    put_message(&record, 2, body.data, body.len);
    struct run run;
    run_init(&run, false);
    feed(&run, TO_SERVER, client_hello("", 0));
    feed(&run, TO_CLIENT, &record);
    feed(&run, TO_CLIENT, &record);
    expect(&run, "0 - Violation TLS_HANDSHAKE < @5\n");
}

Test(tls_hostile, record_headers)
{
    static const struct {
        const char *bytes;
        const char *expected;
    } headers[] = {
        {"\x13", " Violation TLS_RECORD > @0\n"},         {"\x19", " Violation TLS_RECORD > @0\n"},
        {"\x17\x02", " Violation TLS_RECORD > @1\n"},     {"\x17\x04", " Violation TLS_RECORD > @1\n"},
        {"\x17\x03\x03\x48\x01", " TLS_RECORD > @4\n"},   {"\x17\x03\x03\xff\xff", " TLS_RECORD > @4\n"},
        {"GET / HTTP/1.1\r\n\r\n", " TLS_RECORD > @0\n"},
    };
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        struct run run;
        run_init(&run, false);
        run_feed(&run, TO_SERVER, (const uint8_t *)headers[i].bytes, strlen(headers[i].bytes));
        run_feed(&run, TO_SERVER, (const uint8_t *)"\x17\x03\x03", 3);
        expect(&run, headers[i].expected);
    }
}

Test(tls_hostile, sixteen_alerts)
{
    struct run run;
    run_init(&run, false);
    for (int i = 0; i < 100; i++) {
        run_feed(&run, TO_SERVER, (const uint8_t *)"\x15\x03\x03\0\x02\x01\x5a", 7);
    }
    size_t n = 0;
    char *text = run_text(&run);
    for (const char *at = text; (at = strstr(at, " TlsAlert > 1 90\n")); at++) {
        n++;
    }
    cr_assert_eq(n, 16);
    free(text);
    run_fini(&run);
}

/* ---------------------------------------------------------------- floods */

/* Records that carry nothing, one each `every_ns`; return the text. */
static char *flood(const char *record, size_t len, size_t n, uint64_t every_ns)
{
    struct run run;
    run_init(&run, false);
    for (size_t i = 0; i < n; i++) {
        run.t_ns += every_ns;
        run_feed(&run, TO_CLIENT, (const uint8_t *)record, len);
    }
    cr_assert_eq(run.log.tls_data[1].len_bytes, n * len);
    char *text = run_text(&run);
    run_fini(&run);
    return text;
}

Test(tls_hostile, floods)
{
    static const struct {
        const char *bytes;
        size_t len;
    } records[] = {{"\x17\x03\x03\0\0", 5},
                   {"\x14\x03\x03\0\x01\x01", 6},
                   {"\x16\x03\x03\0\0", 5},
                   {"\x15\x03\x03\0\x02\x01\0", 7}};
    for (size_t i = 0; i < sizeof records / sizeof *records; i++) {
        char expected[64];
        char *text = flood(records[i].bytes, records[i].len, 2001, 1);
        (void)snprintf(expected, sizeof expected, " Violation TLS_FLOOD < @%zu\n", 2000 * records[i].len);
        cr_assert(strstr(text, expected), "%s", text);
        free(text);
        text = flood(records[i].bytes, records[i].len, 2000, 1);
        cr_assert(!strstr(text, "Violation"));
        free(text);
        text = flood(records[i].bytes, records[i].len, 6000, 2000000); /* 500 a second */
        cr_assert(!strstr(text, "Violation"));
        free(text);
    }
}

/* ---------------------------------------------------------------- connections made by hand */

/* A connection of TLS 1.3 whose secrets are known, up to the client's Finished. */
struct made {
    struct run run;
    struct seal client, server;
};

static void add_secret(struct run *run, const char *label, uint8_t fill)
{
    char line[256];
    int n = snprintf(line, sizeof line, "%s ", label);
    for (size_t i = 0; i < 32; i++) {
        n += snprintf(line + n, sizeof line - (size_t)n, "%02x", 'R');
    }
    n += snprintf(line + n, sizeof line - (size_t)n, " ");
    for (size_t i = 0; i < SEAL_SECRET_BYTES; i++) {
        n += snprintf(line + n, sizeof line - (size_t)n, "%02x", fill);
    }
    cr_assert_eq(tls_keys_add_line(run->keys, line, (size_t)n), TLS_KEYS_ADDED);
}

static void send_sealed(struct made *made, Mitm__Direction direction, uint8_t type, const char *data, size_t len)
{
    uint8_t record[1024];
    struct seal *seal = direction == TO_SERVER ? &made->client : &made->server;
    run_feed(&made->run, direction, record, seal_record(seal, type, (const uint8_t *)data, len, record));
}

/* A Finished of 32 bytes. */
#define FINISHED                                                                                                       \
    "\x14\0\0\x20"                                                                                                     \
    "0123456789abcdef0123456789abcdef"

static void add_secrets(struct made *made)
{
    add_secret(&made->run, "CLIENT_HANDSHAKE_TRAFFIC_SECRET", 1);
    add_secret(&made->run, "SERVER_HANDSHAKE_TRAFFIC_SECRET", 2);
    add_secret(&made->run, "CLIENT_TRAFFIC_SECRET_0", 3);
    add_secret(&made->run, "SERVER_TRAFFIC_SECRET_0", 4);
}

static void make_gathering(struct made *made, bool secrets, size_t gather_bytes)
{
    run_init_gathering(&made->run, true, gather_bytes);
    if (secrets) {
        add_secrets(made);
    }
    feed(&made->run, TO_SERVER, client_hello("\0\x2b\0\x03\x02\x03\x04", 7));
    feed(&made->run, TO_CLIENT, server_hello(false));
    seal_init(&made->client, 1);
    seal_init(&made->server, 2);
}

static void make(struct made *made, bool secrets)
{
    make_gathering(made, secrets, 0);
}

/* EncryptedExtensions with ALPN "h2": a byte a record, and then both sides' Finished. */
static void shake_hands(struct made *made)
{
    static const char extensions[] = "\x08\0\0\x0b\0\x09\0\x10\0\x05\0\x03\x02h2";
    for (size_t i = 0; i < sizeof extensions - 1; i++) {
        send_sealed(made, TO_CLIENT, 22, extensions + i, 1);
    }
    send_sealed(made, TO_CLIENT, 22, FINISHED, sizeof FINISHED - 1);
    seal_init(&made->server, 4);
    made->run.t_ns = 7;
    send_sealed(made, TO_SERVER, 22, FINISHED, sizeof FINISHED - 1);
    seal_init(&made->client, 3);
}

Test(tls_made, fragmented_handshake_and_close)
{
    struct made made;
    make(&made, true);
    shake_hands(&made);
    made.run.t_ns = 8;
    send_sealed(&made, TO_SERVER, 23, "question", 8);
    send_sealed(&made, TO_SERVER, 21, "\x01\0", 2);
    send_sealed(&made, TO_SERVER, 23, "not any more", 12); /* RFC 8446, 6.1: ignored */
    made.run.t_ns = 9;
    send_sealed(&made, TO_CLIENT, 23, "answer", 6);
    tls_end(made.run.tls, TO_SERVER, 10, MITM__END_CAUSE__RESET);
    tls_end(made.run.tls, TO_CLIENT, 11, MITM__END_CAUSE__RESET);
    char *text = run_text(&made.run);
    cr_assert(strstr(text, "7 - TlsHandshakeEnd resumed=0 alpn=\"h2\"\n8 - TlsAlert > 1 0\n* - "), "%s", text);
    cr_assert(strstr(text, "\nstart 8 h2\nfeed > 8 8\nend > 8 FIN\nfeed < 9 6\nend < 11 RESET\n"), "%s", text);
    free(text);
    run_fini(&made.run);
}

/* A client that refuses the handshake does not end it. */
Test(tls_made, alert_instead_of_finished)
{
    struct made made;
    make(&made, true);
    send_sealed(&made, TO_CLIENT, 22, FINISHED, sizeof FINISHED - 1);
    send_sealed(&made, TO_SERVER, 21, "\x02\x2a", 2);
    char *text = run_text(&made.run);
    cr_assert(strstr(text, " TlsAlert > 2 42\n") && !strstr(text, "TlsHandshakeEnd"), "%s", text);
    free(text);
    run_fini(&made.run);
}

Test(tls_made, data_before_finished)
{
    struct made made;
    make(&made, true);
    send_sealed(&made, TO_CLIENT, 23, "early", 5);
    cr_assert_eq(made.run.plain[1].len, 0);
    expect(&made.run, " TlsDecryption DECRYPTION_FAILED <\n");
}

/* Send KeyUpdates, `n` of them, and then data. */
static void update_keys(struct made *made, int n)
{
    make(made, true);
    shake_hands(made);
    for (int i = 0; i < n; i++) {
        send_sealed(made, TO_CLIENT, 22, "\x18\0\0\x01\0", 5);
        seal_update(&made->server);
    }
    send_sealed(made, TO_CLIENT, 23, "still here", 10);
}

Test(tls_made, key_update_flood)
{
    struct made made;
    update_keys(&made, TLS_FLOOD_BURST / TLS_FLOOD_KEY_UPDATE);
    cr_assert_eq(made.run.plain[1].len, 10);
    char *text = run_text(&made.run);
    cr_assert(!strstr(text, "Violation"), "%s", text);
    free(text);
    run_fini(&made.run);
    update_keys(&made, TLS_FLOOD_BURST / TLS_FLOOD_KEY_UPDATE + 1);
    cr_assert_eq(made.run.plain[1].len, 0);
    expect(&made.run, " Violation TLS_FLOOD < @");
}

/* Messages must not span a change of keys (RFC 8446, 5.1): nothing is done with what stands behind a Finished. */
Test(tls_made, message_behind_finished)
{
    static const char messages[] = FINISHED "\x18\0\0\x01\0";
    struct made made;
    make(&made, true);
    send_sealed(&made, TO_CLIENT, 22, messages, sizeof messages - 1);
    expect(&made.run, " TlsDecryption DECRYPTION_FAILED <\n");
}

Test(tls_made, flood_of_empty_data)
{
    struct made made;
    make(&made, true);
    shake_hands(&made);
    for (int i = 0; i < 2001; i++) {
        send_sealed(&made, TO_SERVER, 23, "", 0);
    }
    cr_assert_eq(made.run.ends, 0); /* there was no plaintext */
    expect(&made.run, " Violation TLS_FLOOD > @");
}

/* What gathered before the wire could not be followed any more is decrypted. */
Test(tls_made, gathered_before_the_loss)
{
    struct made made;
    make_gathering(&made, true, TLS_GATHER_BYTES);
    shake_hands(&made);
    made.run.t_ns = 8;
    send_sealed(&made, TO_SERVER, 23, "question", 8);
    cr_assert_eq(made.run.plain[0].len, 0);
    made.run.t_ns = 9;
    run_feed(&made.run, TO_CLIENT, (const uint8_t *)"", 1);
    cr_assert(!tls_waits(made.run.tls));
    char *text = run_text(&made.run);
    cr_assert(strstr(text, "\nstart 8 h2\nfeed > 8 8\nend > 9 SESSION_ENDED\nend < 9 SESSION_ENDED\n"), "%s", text);
    free(text);
    run_fini(&made.run);
}

/* What waited is decrypted in parts, and what comes in between behind it. */
Test(tls_made, decrypted_in_parts)
{
    struct made made;
    char letter = 'a';
    size_t parts = 1;
    make(&made, false);
    shake_hands(&made);
    for (size_t i = 0; i < 2 * TLS_DRAIN_RECORDS; i++, letter = letter == 'z' ? 'a' : letter + 1) {
        send_sealed(&made, TO_CLIENT, 23, &letter, 1);
    }
    add_secrets(&made);
    for (; tls_drain(made.run.tls, made.run.t_ns); parts++) {
        cr_assert(made.run.plain[1].len <= parts * TLS_DRAIN_RECORDS);
    }
    cr_assert_eq(parts, 3);
    cr_assert(!tls_waits(made.run.tls));
    cr_assert_eq(made.run.plain[1].len, 2 * TLS_DRAIN_RECORDS);
    for (size_t i = 0; i < made.run.plain[1].len; i++) {
        cr_assert_eq(made.run.plain[1].data[i], 'a' + i % 26);
    }
    run_fini(&made.run);
}

Test(tls_made, records_behind_a_part)
{
    struct made made;
    make(&made, false);
    shake_hands(&made);
    for (size_t i = 0; i < 2 * TLS_DRAIN_RECORDS; i++) {
        send_sealed(&made, TO_CLIENT, 23, "a", 1);
    }
    add_secrets(&made);
    cr_assert(tls_drain(made.run.tls, made.run.t_ns));
    for (size_t i = 0; i < 2; i++) {
        send_sealed(&made, TO_CLIENT, 23, "b", 1);
    }
    cr_assert(!tls_waits(made.run.tls));
    cr_assert_eq(made.run.plain[1].len, 2 * TLS_DRAIN_RECORDS + 2);
    cr_assert_eq(memcmp(made.run.plain[1].data + 2 * TLS_DRAIN_RECORDS - 1, "abb", 3), 0);
    run_fini(&made.run);
}

/* A key log so large that the connection's keys are dropped before the last of them came. */
Test(tls_made, keys_that_were_dropped)
{
    struct made made;
    make(&made, false);
    add_secret(&made.run, "SERVER_HANDSHAKE_TRAFFIC_SECRET", 2);
    send_sealed(&made, TO_CLIENT, 22, FINISHED, sizeof FINISHED - 1);
    for (unsigned i = 0; i < TLS_KEYS_MAX; i++) {
        char line[180];
        int n = snprintf(line, sizeof line, "CLIENT_RANDOM %064x %096x", i, i);
        cr_assert_eq(tls_keys_add_line(made.run.keys, line, (size_t)n), TLS_KEYS_ADDED);
    }
    send_sealed(&made, TO_SERVER, 22, FINISHED, sizeof FINISHED - 1);
    cr_assert(tls_waits(made.run.tls));
    tls_give_up(made.run.tls, made.run.t_ns, false);
    char *text = run_text(&made.run);
    cr_assert(strstr(text, " DECRYPTED\n") && strstr(text, " KEYS_INCOMPLETE\n"), "%s", text);
    free(text);
    run_fini(&made.run);
}

/* Early data that waited for the server's answer are not given up while their keys are there. */
Test(tls_made, more_early_data_than_a_part)
{
    static const char accepted[] = "\x08\0\0\x06\0\x04\0\x2a\0\0";
    struct made made;
    struct seal early;
    run_init(&made.run, true);
    add_secrets(&made);
    add_secret(&made.run, "CLIENT_EARLY_TRAFFIC_SECRET", 5);
    seal_init(&early, 5);
    seal_init(&made.server, 2);
    feed(&made.run, TO_SERVER, client_hello("\0\x2b\0\x03\x02\x03\x04\0\x2a\0\0", 11));
    made.client = early;
    for (size_t i = 0; i < 10 * TLS_DRAIN_RECORDS; i++) {
        send_sealed(&made, TO_SERVER, 23, "a", 1);
    }
    feed(&made.run, TO_CLIENT, server_hello(true));
    send_sealed(&made, TO_CLIENT, 22, accepted, sizeof accepted - 1);
    tls_give_up(made.run.tls, made.run.t_ns, false);
    cr_assert(!tls_waits(made.run.tls));
    cr_assert_eq(made.run.plain[0].len, 10 * TLS_DRAIN_RECORDS);
    char *text = run_text(&made.run);
    cr_assert(!strstr(text, "KEYS_INCOMPLETE"), "%s", text);
    free(text);
    run_fini(&made.run);
}

/* ---------------------------------------------------------------- memory */

static size_t memory(void)
{
    return mallinfo2().uordblks + mallinfo2().hblkhd;
}

/* Records for which no key comes, `len` bytes each. */
static void fill_queue(size_t len, bool any_key)
{
    struct run run;
    struct maker record = {.len = 0};
    PUT(&record, "\x17\x03\x03");
    put_number(&record, len, 2);
    memset(record.data + record.len, 'x', len);
    record.len += len;
    run_init(&run, true);
    if (any_key) {
        add_secret(&run, "CLIENT_TRAFFIC_SECRET_0", 3);
    }
    feed(&run, TO_SERVER, client_hello("\0\x2b\0\x03\x02\x03\x04", 7));
    feed(&run, TO_CLIENT, server_hello(false));
    size_t before = memory(), max = before, n = 0;
    for (; n * record.len < 2 * TLS_HOLD_MAX_BYTES; n++) {
        feed(&run, TO_CLIENT, &record);
        max = memory() > max ? memory() : max;
        cr_assert(tls_waits(run.tls) || n * record.len > TLS_HOLD_MAX_BYTES / 8);
    }
    cr_assert(!tls_waits(run.tls));
    cr_assert(max - before < 2 * TLS_HOLD_MAX_BYTES + 65536, "%zu bytes", max - before);
    cr_assert(memory() < before + 65536);
    tls_give_up(run.tls, run.t_ns, false);
    expect(&run, " TlsDecryption KEYS_TOO_LATE\n");
}

Test(tls_memory, waiting_records)
{
    fill_queue(16400, true);
    fill_queue(16400, false);
    fill_queue(17, false);
}

/* Handshake messages being assembled in both directions. */
Test(tls_memory, without_keys)
{
    static struct maker record;
    struct event_log log;
    event_log_init(&log);
    size_t before = memory();
    struct tls *tls = tls_new(&log.sink, NULL, NULL, 0);
    record.len = 0;
    PUT(&record, "\x16\x03\x03\x40\0\x01\x01\0\0"); /* a message of 64 KiB */
    memset(record.data + record.len, 0, 16380);
    tls_feed(tls, TO_SERVER, 1, record.data, 16000);
    record.data[5] = 2;
    tls_feed(tls, TO_CLIENT, 1, record.data, 16000);
    cr_assert(memory() - before < 2 * 65536 + 4096, "%zu bytes", memory() - before);
    tls_free(tls);
    event_log_fini(&log);
}
