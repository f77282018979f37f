/* No secret remains in the process when it was given up. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

#include "capture/decode/tls/keys.h"
#include "capture/decode/tls/protection.h"
#include "secret.h"

/* Add the secret for the connection whose random is all `n`. */
static void add(struct tls_keys *keys, unsigned n)
{
    char line[SECRET_LINE_BYTES];
    secret_make_line(n, line);
    cr_assert_eq(tls_keys_add_line(keys, line, sizeof line), TLS_KEYS_ADDED);
    OPENSSL_cleanse(line, sizeof line);
}

Test(tls_secrets, the_store_wipes_what_is_forgotten)
{
    secret_make();
    struct tls_keys *keys = tls_keys_new();
    cr_assert_eq(secret_count(), 0);
    add(keys, 1);
    add(keys, 2);
    cr_assert_eq(secret_count(), 2, "the search finds what is there");
    uint8_t random[TLS_RANDOM_BYTES];
    memset(random, 1, sizeof random);
    tls_keys_forget(keys, random);
    cr_assert_eq(secret_count(), 1);
    tls_keys_free(keys);
    cr_assert_eq(secret_count(), 0);
}

Test(tls_secrets, the_store_is_not_dumped_nor_inherited)
{
    struct tls_keys *keys = tls_keys_new();
    uintptr_t at = (uintptr_t)keys, from, end;
    bool inside = false;
    char line[512], flags[512] = "";
    FILE *maps = fopen("/proc/self/smaps", "re");
    while (fgets(line, sizeof line, maps)) {
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &from, &end) == 2)
            inside = from <= at && at < end;
        else if (inside && strncmp(line, "VmFlags:", strlen("VmFlags:")) == 0)
            strcpy(flags, line);
    }
    fclose(maps);
    cr_assert(strstr(flags, " dd"), "%s", flags);
    cr_assert(strstr(flags, " wf"), "%s", flags);
    tls_keys_free(keys);
}

static void new_and_free(uint32_t version, uint32_t id, bool update)
{
    static const uint8_t random[TLS_RANDOM_BYTES];
    const struct tls_suite *suite = tls_suite_find(version, id);
    uint8_t secret[SECRET_BYTES];
    secret_unmask(secret);
    struct tls_protection *protection =
        version == TLS_1_3 ? tls_protection_new_13(suite, secret, id == 0x1302 ? 48 : 32)
                           : tls_protection_new_12(suite, secret, 48, random, random, MITM__DIRECTION__TO_SERVER);
    OPENSSL_cleanse(secret, sizeof secret);
    cr_assert_not_null(protection);
    if (version == TLS_1_3)
        cr_assert_gt(secret_count(), 0);
    if (update)
        tls_protection_update(protection);
    cr_assert(!update || secret_count() == 0, "the last generation's secret is left");
    tls_protection_free(protection);
    cr_assert_eq(secret_count(), 0, "%x is left", id);
}

Test(tls_secrets, protections_wipe_their_secret)
{
    secret_make();
    for (uint32_t id = 0x1301; id <= 0x1303; id++) {
        new_and_free(TLS_1_3, id, false);
        new_and_free(TLS_1_3, id, true);
    }
    new_and_free(TLS_1_2, 0xc02f, false);
    new_and_free(TLS_1_2, 0xcca8, false);
}

/* The keys that are derived: RFC 8448, section 3, {client} derive write traffic keys for application data. */
Test(tls_secrets, protections_wipe_their_key)
{
    static const uint8_t secret[] = {0x9e, 0x40, 0x64, 0x6c, 0xe7, 0x9a, 0x7f, 0x9d, 0xc0, 0x5a, 0xf8,
                                     0x88, 0x9b, 0xce, 0x65, 0x52, 0x87, 0x5a, 0xfa, 0x0b, 0x06, 0xdf,
                                     0x00, 0x87, 0xf7, 0x92, 0xeb, 0xb7, 0xc1, 0x75, 0x04, 0xa5};
    static const uint8_t key[] = {0x17 ^ SECRET_MASK, 0x42 ^ SECRET_MASK, 0x2d ^ SECRET_MASK, 0xda ^ SECRET_MASK,
                                  0x59 ^ SECRET_MASK, 0x6e ^ SECRET_MASK, 0xd5 ^ SECRET_MASK, 0xd9 ^ SECRET_MASK,
                                  0xac ^ SECRET_MASK, 0xd8 ^ SECRET_MASK, 0x90 ^ SECRET_MASK, 0xe3 ^ SECRET_MASK,
                                  0xc6 ^ SECRET_MASK, 0x3f ^ SECRET_MASK, 0x50 ^ SECRET_MASK, 0x51 ^ SECRET_MASK};
    secret_set(key);
    struct tls_protection *protection = tls_protection_new_13(tls_suite_find(TLS_1_3, 0x1301), secret, sizeof secret);
    cr_assert_eq(secret_count(), 1, "the cipher's context alone has the key");
    tls_protection_update(protection);
    cr_assert_eq(secret_count(), 0);
    tls_protection_free(protection);
    protection = tls_protection_new_13(tls_suite_find(TLS_1_3, 0x1301), secret, sizeof secret);
    tls_protection_free(protection);
    cr_assert_eq(secret_count(), 0);
}
