/*
 * Record protection against files of records. Their lines:
 *   new13 SUITE SECRET, new12 SUITE c|s MASTER CLIENT-RANDOM SERVER-RANDOM   the protection for the lines that follow
 *   open TYPE PLAINTEXT RECORD   the record is opened; "*": its plaintext is not known, "-": it is empty
 *   refuse RECORD                it is not, and can be followed by the one that was due
 *   update                       KeyUpdate
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/decode/tls/keys.h"
#include "capture/decode/tls/protection.h"

struct bytes {
    uint8_t data[TLS_HEADER_BYTES + TLS_PAYLOAD_BYTES];
    size_t len;
};

static void from_hex(const char *hex, struct bytes *bytes)
{
    bytes->len = 0;
    for (unsigned value; *hex && sscanf(hex, "%2x", &value) == 1; hex += 2)
        bytes->data[bytes->len++] = (uint8_t)value;
    cr_assert_eq(*hex, '\0');
}

static bool open_record(struct tls_protection *protection, const struct bytes *record, struct bytes *plain,
                        uint8_t *type)
{
    uint8_t *exact = malloc(record->len); /* so that a sanitizer sees what is read and written beyond */
    size_t room = record->len - TLS_HEADER_BYTES;
    uint8_t *out = malloc(room);
    memcpy(exact, record->data, record->len);
    bool opened = tls_protection_open(protection, exact, room, out, &plain->len, type);
    if (opened && plain->len > 0)
        memcpy(plain->data, out, plain->len);
    free(exact);
    free(out);
    return opened;
}

static void expect_refused(struct tls_protection *protection, const struct bytes *record, size_t line)
{
    struct bytes plain;
    uint8_t type;
    cr_assert_not(open_record(protection, record, &plain, &type), "line %zu is opened", line);
}

/* Every record is tried with its first byte, its last one and its end changed before it is opened. */
static void expect_opened(struct tls_protection *protection, unsigned type, const char *text,
                          const struct bytes *record, size_t line)
{
    struct bytes changed = *record, expected, plain;
    changed.data[record->len - 1] ^= 1;
    expect_refused(protection, &changed, line);
    changed = *record;
    changed.data[0] ^= 1;
    expect_refused(protection, &changed, line);
    changed = *record;
    changed.len--;
    expect_refused(protection, &changed, line);

    uint8_t found;
    cr_assert(open_record(protection, record, &plain, &found), "line %zu is not opened", line);
    cr_assert_eq(found, type, "line %zu has type %u", line, found);
    if (strcmp(text, "*") == 0)
        return;
    from_hex(strcmp(text, "-") == 0 ? "" : text, &expected);
    cr_assert_eq(plain.len, expected.len, "line %zu has %zu bytes", line, plain.len);
    cr_assert_eq(memcmp(plain.data, expected.data, plain.len), 0, "line %zu has other bytes", line);
}

static struct tls_protection *new_13(unsigned suite, const char *secret_hex)
{
    struct bytes secret;
    from_hex(secret_hex, &secret);
    return tls_protection_new_13(tls_suite_find(TLS_1_3, suite), secret.data, secret.len);
}

static struct tls_protection *new_12(unsigned suite, char side, char *const hex[3])
{
    struct bytes master, client, server;
    from_hex(hex[0], &master);
    from_hex(hex[1], &client);
    from_hex(hex[2], &server);
    return tls_protection_new_12(tls_suite_find(TLS_1_2, suite), master.data, master.len, client.data, server.data,
                                 side == 'c' ? MITM__DIRECTION__TO_SERVER : MITM__DIRECTION__TO_CLIENT);
}

/* Do what `line` says; return whether it was a record. */
static bool run_line(struct tls_protection **protection, char *line, size_t number)
{
    char *word[6] = {0}, *rest = NULL;
    size_t n = 0;
    for (char *next = strtok_r(line, " \n", &rest); next && n < 6; next = strtok_r(NULL, " \n", &rest))
        word[n++] = next;
    struct bytes record;
    if (n == 0 || *word[0] == '#')
        return false;
    if (strncmp(word[0], "new", 3) == 0) {
        tls_protection_free(*protection);
        unsigned suite = (unsigned)strtoul(word[1], NULL, 16);
        *protection = n == 3 ? new_13(suite, word[2]) : new_12(suite, *word[2], word + 3);
        cr_assert_not_null(*protection);
        return false;
    }
    if (strcmp(word[0], "update") == 0) {
        tls_protection_update(*protection);
        return false;
    }
    from_hex(word[n - 1], &record);
    if (strcmp(word[0], "refuse") == 0)
        expect_refused(*protection, &record, number);
    else
        expect_opened(*protection, (unsigned)strtoul(word[1], NULL, 10), word[2], &record, number);
    return true;
}

static void run_file(const char *path, size_t records)
{
    FILE *file = fopen(path, "re");
    cr_assert_not_null(file, "%s cannot be opened", path);
    struct tls_protection *protection = NULL;
    char *line = NULL;
    size_t size = 0, number = 0, found = 0;
    while (getline(&line, &size, file) > 0)
        found += run_line(&protection, line, ++number);
    cr_assert_eq(found, records, "%s has %zu records", path, found);
    tls_protection_free(protection);
    free(line);
    fclose(file);
}

Test(tls_protection, rfc_8448)
{
    run_file(TEST_DATA "/records/rfc8448.txt", 7);
}

Test(tls_protection, every_suite_of_openssl)
{
    run_file(TEST_DATA "/records/openssl.txt", 3 * 6 + 11 * 6);
}

Test(tls_protection, padding_and_key_updates)
{
    run_file(TEST_DATA "/records/padding.txt", 3 * 14);
}

/* What cannot be followed: CBC, CCM, other versions, the other version's suites. */
Test(tls_protection, other_suites)
{
    static const uint32_t others[][2] = {{TLS_1_3, 0x1304}, {TLS_1_3, 0xc02f}, {TLS_1_3, 0},
                                         {TLS_1_2, 0x1301}, {TLS_1_2, 0x002f}, {TLS_1_2, 0xc013},
                                         {TLS_1_2, 0x00a8}, {0x0302, 0xc02f},  {TLS_1_2, 0x1c02f}};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        cr_assert_null(tls_suite_find(others[i][0], others[i][1]), "%zu", i);
}

Test(tls_protection, secrets_of_a_wrong_length)
{
    static const uint8_t secret[64] = {1};
    static const struct {
        uint32_t id;
        size_t len;
    } wrong[] = {{0x1301, 48}, {0x1301, 31}, {0x1301, 0}, {0x1302, 32}, {0x1302, 64}, {0x1303, 48}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        cr_assert_null(tls_protection_new_13(tls_suite_find(TLS_1_3, wrong[i].id), secret, wrong[i].len));
    const struct tls_suite *suite = tls_suite_find(TLS_1_2, 0xc02f);
    cr_assert_null(tls_protection_new_12(suite, secret, 47, secret, secret, MITM__DIRECTION__TO_SERVER));
    tls_protection_free(NULL);
}

/* Records too short for their nonce and tag. */
Test(tls_protection, short_records)
{
    static const uint8_t secret[48] = {1};
    struct tls_protection *protection[] = {
        tls_protection_new_13(tls_suite_find(TLS_1_3, 0x1303), secret, 32),
        tls_protection_new_12(tls_suite_find(TLS_1_2, 0xc02f), secret, 48, secret, secret, MITM__DIRECTION__TO_CLIENT),
        tls_protection_new_12(tls_suite_find(TLS_1_2, 0xcca8), secret, 48, secret, secret, MITM__DIRECTION__TO_CLIENT)};
    for (size_t i = 0; i < 3; i++) {
        for (size_t len = 0; len < 40; len++) {
            struct bytes record = {.data = {23, 3, 3, 0, (uint8_t)len}, .len = TLS_HEADER_BYTES + len};
            expect_refused(protection[i], &record, len);
        }
        tls_protection_free(protection[i]);
    }
}
