/*
 * No secret remains in the process when it was given up. What the tests themselves know of it is masked: they look for
 * the masked copy's bytes, unmasked one by one, in all memory that can be read.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "capture/decode/tls/keys.h"
#include "capture/decode/tls/protection.h"

enum { MASK = 0x5a, SECRET = 48, SHOWN = 16, WINDOW = 1 << 20 };

static uint8_t masked[SECRET];

/* Whether the secret's beginning, or its hexadecimal digits, stand at `at`. */
static bool stands_at(const uint8_t *at)
{
    for (size_t i = 0; i < SHOWN; i++)
        if ((at[i] ^ MASK) != masked[i])
            return false;
    return true;
}

static bool hex_stands_at(const uint8_t *at)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < SHOWN / 2; i++) {
        uint8_t byte = masked[i] ^ MASK;
        if (at[2 * i] != digits[byte >> 4] || at[2 * i + 1] != digits[byte & 15])
            return false;
    }
    return true;
}

static size_t count_in(int memory, uintptr_t from, uintptr_t end, uint8_t *window)
{
    size_t found = 0;
    for (; from + SHOWN <= end; from += WINDOW - SHOWN + 1) {
        size_t len = end - from < WINDOW ? end - from : WINDOW;
        ssize_t n = pread(memory, window, len, (off_t)from);
        for (ssize_t i = 0; i + SHOWN <= n; i++)
            found += stands_at(window + i) || hex_stands_at(window + i);
    }
    return found;
}

/* Return how often the secret stands in the memory of this process. */
static size_t count_secret(void)
{
    int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    FILE *maps = fopen("/proc/self/maps", "re");
    cr_assert(memory >= 0 && maps);
    uint8_t *window = mmap(NULL, WINDOW, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char line[512];
    size_t found = 0;
    while (fgets(line, sizeof line, maps)) {
        uintptr_t from, end;
        char mode[5];
        cr_assert_eq(sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s", &from, &end, mode), 3);
        bool own =
            from < (uintptr_t)window + WINDOW && end > (uintptr_t)window; /* what was read would be found again */
        found += count_in(memory, from, own ? (uintptr_t)window : end, window);
        if (own)
            found += count_in(memory, (uintptr_t)window + WINDOW, end, window);
    }
    munmap(window, WINDOW);
    fclose(maps);
    close(memory);
    return found;
}

static void make_secret(void)
{
    FILE *random = fopen("/dev/urandom", "re");
    setvbuf(random, NULL, _IONBF, 0);
    cr_assert_eq(fread(masked, 1, sizeof masked, random),
                 sizeof masked); /* masked from the first: it never was clear */
    fclose(random);
}

static void unmask(uint8_t secret[SECRET])
{
    for (size_t i = 0; i < SECRET; i++)
        secret[i] = masked[i] ^ MASK;
}

/* Add the secret for the connection whose random is all `n`. */
static void add(struct tls_keys *keys, unsigned n)
{
    static const char digits[] = "0123456789abcdef";
    char line[256], *at = line + sprintf(line, "CLIENT_RANDOM ");
    for (size_t i = 0; i < TLS_RANDOM_BYTES; i++)
        at += sprintf(at, "%02x", n);
    *at++ = ' ';
    for (size_t i = 0; i < SECRET; i++) {
        *at++ = digits[(masked[i] ^ MASK) >> 4];
        *at++ = digits[(masked[i] ^ MASK) & 15];
    }
    cr_assert_eq(tls_keys_add_line(keys, line, (size_t)(at - line)), TLS_KEYS_ADDED);
    OPENSSL_cleanse(line, sizeof line);
}

Test(tls_secrets, the_store_wipes_what_is_forgotten)
{
    make_secret();
    struct tls_keys *keys = tls_keys_new();
    cr_assert_eq(count_secret(), 0);
    add(keys, 1);
    add(keys, 2);
    cr_assert_eq(count_secret(), 2, "the search finds what is there");
    uint8_t random[TLS_RANDOM_BYTES];
    memset(random, 1, sizeof random);
    tls_keys_forget(keys, random);
    cr_assert_eq(count_secret(), 1);
    tls_keys_free(keys);
    cr_assert_eq(count_secret(), 0);
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
    uint8_t secret[SECRET];
    unmask(secret);
    struct tls_protection *protection =
        version == TLS_1_3 ? tls_protection_new_13(suite, secret, id == 0x1302 ? 48 : 32)
                           : tls_protection_new_12(suite, secret, 48, random, random, MITM__DIRECTION__TO_SERVER);
    OPENSSL_cleanse(secret, sizeof secret);
    cr_assert_not_null(protection);
    if (version == TLS_1_3)
        cr_assert_gt(count_secret(), 0);
    if (update)
        tls_protection_update(protection);
    cr_assert(!update || count_secret() == 0, "the last generation's secret is left");
    tls_protection_free(protection);
    cr_assert_eq(count_secret(), 0, "%x is left", id);
}

Test(tls_secrets, protections_wipe_their_secret)
{
    make_secret();
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
    static const uint8_t key[] = {0x17 ^ MASK, 0x42 ^ MASK, 0x2d ^ MASK, 0xda ^ MASK, 0x59 ^ MASK, 0x6e ^ MASK,
                                  0xd5 ^ MASK, 0xd9 ^ MASK, 0xac ^ MASK, 0xd8 ^ MASK, 0x90 ^ MASK, 0xe3 ^ MASK,
                                  0xc6 ^ MASK, 0x3f ^ MASK, 0x50 ^ MASK, 0x51 ^ MASK};
    memcpy(masked, key, sizeof key);
    struct tls_protection *protection = tls_protection_new_13(tls_suite_find(TLS_1_3, 0x1301), secret, sizeof secret);
    cr_assert_eq(count_secret(), 1, "the cipher's context alone has the key");
    tls_protection_update(protection);
    cr_assert_eq(count_secret(), 0);
    tls_protection_free(protection);
    protection = tls_protection_new_13(tls_suite_find(TLS_1_3, 0x1301), secret, sizeof secret);
    tls_protection_free(protection);
    cr_assert_eq(count_secret(), 0);
}
