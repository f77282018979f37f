#include "capture/decode/tls/keys.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

enum { BUCKETS = 2 * TLS_KEYS_MAX, HASH_WORDS = TLS_RANDOM_BYTES / sizeof(uint32_t), NONE = UINT16_MAX };
_Static_assert(TLS_KEYS_MAX < NONE, "entries are counted with 16 bits");

/* The secrets of one connection. Entries in use are in a bucket's list and in the list by age; others are free. */
struct entry {
    uint8_t random[TLS_RANDOM_BYTES];
    uint8_t secret[TLS_SECRETS][TLS_SECRET_MAX_BYTES];
    uint8_t len[TLS_SECRETS]; /* 0: not known */
    uint16_t next;            /* of the same bucket, or of the free list */
    uint16_t older, newer;
};

struct tls_keys {
    uint64_t factors[HASH_WORDS + 1]; /* of the hash: random */
    uint16_t bucket[BUCKETS];
    uint16_t oldest, newest;
    uint16_t free;   /* given back */
    uint16_t used_n; /* entries that were ever used */
    struct entry entry[TLS_KEYS_MAX];
};

/* ---------------------------------------------------------------- the store */

struct tls_keys *tls_keys_new(void)
{
    size_t size = sizeof(struct tls_keys);
    struct tls_keys *keys = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (keys == MAP_FAILED) {
        abort();
    }
    /* Where the limit of locked memory or the kernel's age forbids these, the store works without them. */
    mlock2(keys, size, MLOCK_ONFAULT);
    madvise(keys, size, MADV_DONTDUMP);
    madvise(keys, size, MADV_WIPEONFORK);
    if (RAND_bytes((unsigned char *)keys->factors, sizeof keys->factors) <= 0) {
        abort();
    }
    memset(keys->bucket, 0xff, sizeof keys->bucket);
    keys->oldest = keys->newest = keys->free = NONE;
    return keys;
}

void tls_keys_free(struct tls_keys *keys)
{
    if (!keys) {
        return;
    }
    OPENSSL_cleanse(keys->entry, keys->used_n * sizeof keys->entry[0]);
    munmap(keys, sizeof *keys);
}

/*
 * A multilinear hash (Dietzfelbinger 1996): whatever randoms somebody writes to the log, two are in the same bucket
 * only as often as by chance, since he does not know the factors.
 */
static uint32_t bucket_of(const struct tls_keys *keys, const uint8_t *random)
{
    uint64_t sum = keys->factors[HASH_WORDS];
    for (size_t i = 0; i < HASH_WORDS; i++) {
        uint32_t word;
        memcpy(&word, random + i * sizeof word, sizeof word);
        sum += keys->factors[i] * word;
    }
    return (uint32_t)(sum >> 32) % BUCKETS;
}

/* Return the number of the entry of `random`, or NONE. */
static uint16_t find(const struct tls_keys *keys, const uint8_t *random)
{
    uint16_t i = keys->bucket[bucket_of(keys, random)];
    while (i != NONE && memcmp(keys->entry[i].random, random, TLS_RANDOM_BYTES) != 0) {
        i = keys->entry[i].next;
    }
    return i;
}

static void unlink_bucket(struct tls_keys *keys, uint16_t i)
{
    uint16_t *at = &keys->bucket[bucket_of(keys, keys->entry[i].random)];
    while (*at != i) {
        at = &keys->entry[*at].next;
    }
    *at = keys->entry[i].next;
}

static void unlink_age(struct tls_keys *keys, const struct entry *entry)
{
    *(entry->older == NONE ? &keys->oldest : &keys->entry[entry->older].newer) = entry->newer;
    *(entry->newer == NONE ? &keys->newest : &keys->entry[entry->newer].older) = entry->older;
}

static void drop(struct tls_keys *keys, uint16_t i)
{
    struct entry *entry = &keys->entry[i];
    unlink_bucket(keys, i);
    unlink_age(keys, entry);
    OPENSSL_cleanse(entry, sizeof *entry);
    entry->next = keys->free;
    keys->free = i;
}

void tls_keys_forget(struct tls_keys *keys, const uint8_t *random)
{
    uint16_t i = find(keys, random);
    if (i != NONE) {
        drop(keys, i);
    }
}

/* Return the number of an unused entry, which is all zero but for `next`. */
static uint16_t take_free(struct tls_keys *keys)
{
    if (keys->free == NONE && keys->used_n < TLS_KEYS_MAX) {
        return keys->used_n++;
    }
    if (keys->free == NONE) {
        drop(keys, keys->oldest);
    }
    uint16_t i = keys->free;
    keys->free = keys->entry[i].next;
    return i;
}

static struct entry *add(struct tls_keys *keys, const uint8_t *random)
{
    uint16_t i = take_free(keys);
    struct entry *entry = &keys->entry[i];
    uint16_t *bucket = &keys->bucket[bucket_of(keys, random)];
    memcpy(entry->random, random, TLS_RANDOM_BYTES);
    entry->next = *bucket;
    *bucket = i;
    entry->newer = NONE;
    entry->older = keys->newest;
    *(keys->newest == NONE ? &keys->oldest : &keys->entry[keys->newest].newer) = i;
    keys->newest = i;
    return entry;
}

const uint8_t *tls_keys_find(const struct tls_keys *keys, const uint8_t *random, enum tls_secret_label label,
                             size_t *len)
{
    uint16_t i = find(keys, random);
    if (i == NONE || keys->entry[i].len[label] == 0) {
        return NULL;
    }
    *len = keys->entry[i].len[label];
    return keys->entry[i].secret[label];
}

bool tls_keys_has(const struct tls_keys *keys, const uint8_t *random)
{
    return find(keys, random) != NONE;
}

/* ---------------------------------------------------------------- lines */

/* A part of a line. */
struct field {
    const char *text;
    size_t len;
};

/* Cut the first field, up to a space or the end, off `rest`, and the space with it. */
static struct field cut_field(struct field *rest)
{
    const char *space = rest->len > 0 ? memchr(rest->text, ' ', rest->len) : NULL;
    struct field field = {rest->text, space ? (size_t)(space - rest->text) : rest->len};
    size_t cut = field.len + (space ? 1 : 0);
    rest->text += cut;
    rest->len -= cut;
    return field;
}

/* Return the value of the hexadecimal digit `c`, or -1: a table, for digits in random order cannot be predicted. */
static int hex_digit(char c)
{
    static const int8_t value_plus_1[256] = {
        ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
        ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
        ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
    };
    return value_plus_1[(uint8_t)c] - 1;
}

static bool is_hex(const struct field *field)
{
    for (size_t i = 0; i < field->len; i++) {
        if (hex_digit(field->text[i]) < 0) {
            return false;
        }
    }
    return field->len > 0 && field->len % 2 == 0;
}

static bool is_label(const struct field *field)
{
    for (size_t i = 0; i < field->len; i++) {
        char c = field->text[i];
        if (!((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_')) {
            return false;
        }
    }
    return field->len > 0;
}

/* Decode `field`, of hexadecimal digits, to `bytes`, which has room for them; return their number. */
static size_t decode_hex(const struct field *field, uint8_t *bytes)
{
    size_t n = field->len / 2;
    for (size_t i = 0; i < n; i++) {
        bytes[i] = (uint8_t)(hex_digit(field->text[2 * i]) << 4 | hex_digit(field->text[2 * i + 1]));
    }
    return n;
}

/* Return which secret `label` names; TLS_SECRETS: one that is not needed. */
static enum tls_secret_label label_of(const struct field *label)
{
    static const char *const names[TLS_SECRETS] = {
        [TLS_SECRET_MASTER] = "CLIENT_RANDOM",
        [TLS_SECRET_CLIENT_EARLY] = "CLIENT_EARLY_TRAFFIC_SECRET",
        [TLS_SECRET_CLIENT_HANDSHAKE] = "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
        [TLS_SECRET_SERVER_HANDSHAKE] = "SERVER_HANDSHAKE_TRAFFIC_SECRET",
        [TLS_SECRET_CLIENT_TRAFFIC] = "CLIENT_TRAFFIC_SECRET_0",
        [TLS_SECRET_SERVER_TRAFFIC] = "SERVER_TRAFFIC_SECRET_0",
    };
    unsigned i = 0;
    while (i < TLS_SECRETS && (strlen(names[i]) != label->len || memcmp(names[i], label->text, label->len) != 0)) {
        i++;
    }
    return (enum tls_secret_label)i;
}

/* Whether a secret of so many bytes can be one of `label`: TLS 1.3 has those of the length of SHA-256 and SHA-384. */
static bool fits(enum tls_secret_label label, size_t len)
{
    return len == 48 || (len == 32 && label != TLS_SECRET_MASTER);
}

enum tls_keys_line tls_keys_add_line(struct tls_keys *keys, const char *line, size_t len)
{
    if (len > 0 && line[len - 1] == '\r') {
        len--;
    }
    if (len == 0 || line[0] == '#') {
        return TLS_KEYS_IGNORED;
    }
    struct field secret = {line, len};
    struct field name = cut_field(&secret);
    struct field random_hex = cut_field(&secret);
    if (!is_label(&name) || !is_hex(&random_hex) || !is_hex(&secret)) {
        return TLS_KEYS_INVALID;
    }
    enum tls_secret_label label = label_of(&name);
    if (label == TLS_SECRETS) {
        return TLS_KEYS_IGNORED;
    }
    if (random_hex.len != 2 * TLS_RANDOM_BYTES || !fits(label, secret.len / 2)) {
        return TLS_KEYS_INVALID;
    }
    uint8_t random[TLS_RANDOM_BYTES];
    decode_hex(&random_hex, random);
    uint16_t i = find(keys, random);
    struct entry *entry = i != NONE ? &keys->entry[i] : add(keys, random);
    OPENSSL_cleanse(entry->secret[label], TLS_SECRET_MAX_BYTES);
    entry->len[label] = (uint8_t)decode_hex(&secret, entry->secret[label]);
    return TLS_KEYS_ADDED;
}
