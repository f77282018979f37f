#include "capture/decode/tls/protection.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "capture/decode/grow.h"
#include "capture/decode/tls/keys.h"

enum {
    TAG_BYTES = 16,
    NONCE_BYTES = 12,
    SALT_BYTES = 4, /* what GCM takes from the key block in TLS 1.2 (RFC 5288, 3) */
    KEY_MAX_BYTES = 32,
    MASTER_BYTES = 48,
    AAD_12_BYTES = 13
};

/* An AEAD with the hash that the suites of both versions join to it. */
struct aead {
    const EVP_CIPHER *(*cipher)(void);
    const char *digest;
    uint8_t key_bytes;
    uint8_t hash_bytes;
};

struct tls_suite {
    uint16_t version, id;
    uint8_t iv_bytes; /* from the key schedule; the rest of the nonce is at the beginning of each record */
    const struct aead *aead;
};

static const struct aead aes_128 = {EVP_aes_128_gcm, "SHA256", 16, 32};
static const struct aead aes_256 = {EVP_aes_256_gcm, "SHA384", 32, 48};
static const struct aead chacha = {EVP_chacha20_poly1305, "SHA256", 32, 32};

static const struct tls_suite suites[] = {
    {TLS_1_3, 0x1301, NONCE_BYTES, &aes_128}, /* TLS_AES_128_GCM_SHA256 */
    {TLS_1_3, 0x1302, NONCE_BYTES, &aes_256}, /* TLS_AES_256_GCM_SHA384 */
    {TLS_1_3, 0x1303, NONCE_BYTES, &chacha},  /* TLS_CHACHA20_POLY1305_SHA256 */
    {TLS_1_2, 0x009c, SALT_BYTES, &aes_128},  /* RSA_WITH_AES_128_GCM_SHA256 (RFC 5288) */
    {TLS_1_2, 0x009d, SALT_BYTES, &aes_256},  /* RSA_WITH_AES_256_GCM_SHA384 */
    {TLS_1_2, 0x009e, SALT_BYTES, &aes_128},  /* DHE_RSA_WITH_AES_128_GCM_SHA256 */
    {TLS_1_2, 0x009f, SALT_BYTES, &aes_256},  /* DHE_RSA_WITH_AES_256_GCM_SHA384 */
    {TLS_1_2, 0xc02b, SALT_BYTES, &aes_128},  /* ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 (RFC 5289) */
    {TLS_1_2, 0xc02c, SALT_BYTES, &aes_256},  /* ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 */
    {TLS_1_2, 0xc02f, SALT_BYTES, &aes_128},  /* ECDHE_RSA_WITH_AES_128_GCM_SHA256 */
    {TLS_1_2, 0xc030, SALT_BYTES, &aes_256},  /* ECDHE_RSA_WITH_AES_256_GCM_SHA384 */
    {TLS_1_2, 0xcca8, NONCE_BYTES, &chacha},  /* ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256 (RFC 7905) */
    {TLS_1_2, 0xcca9, NONCE_BYTES, &chacha},  /* ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 */
    {TLS_1_2, 0xccaa, NONCE_BYTES, &chacha},  /* DHE_RSA_WITH_CHACHA20_POLY1305_SHA256 */
};

struct tls_protection {
    const struct tls_suite *suite;
    EVP_CIPHER_CTX *ctx; /* keyed; NULL: keying failed, and nothing can be opened */
    uint64_t sequence;
    uint8_t iv[NONCE_BYTES];
    uint8_t secret[TLS_SECRET_MAX_BYTES]; /* TLS 1.3: of this generation */
};

const struct tls_suite *tls_suite_find(uint32_t version, uint32_t id)
{
    for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++) {
        if (suites[i].version == version && suites[i].id == id) {
            return &suites[i];
        }
    }
    return NULL;
}

/* ---------------------------------------------------------------- keys */

/* Derive `len` bytes to `out` with the function `name` of libcrypto. */
static bool derive(const char *name, const OSSL_PARAM *params, uint8_t *out, size_t len)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, name, NULL);
    EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
    bool ok = ctx && EVP_KDF_derive(ctx, out, len, params) > 0;
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    return ok;
}

static OSSL_PARAM octets(const char *key, const void *data, size_t len)
{
    union {
        const void *in;
        void *out;
    } pointer = {data}; /* OSSL_PARAM knows no const */
    return OSSL_PARAM_construct_octet_string(key, pointer.out, len);
}

static OSSL_PARAM digest_of(const struct tls_suite *suite)
{
    union {
        const char *in;
        char *out;
    } name = {suite->aead->digest};
    return OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, name.out, 0);
}

/* HKDF-Expand-Label() with an empty context (RFC 8446, 7.1) and the current secret. */
static bool expand(const struct tls_protection *protection, const char *label, uint8_t *out, size_t len)
{
    int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
        digest_of(protection->suite),
        octets(OSSL_KDF_PARAM_KEY, protection->secret, protection->suite->aead->hash_bytes),
        octets(OSSL_KDF_PARAM_PREFIX, "tls13 ", strlen("tls13 ")),
        octets(OSSL_KDF_PARAM_LABEL, label, strlen(label)),
        OSSL_PARAM_construct_end(),
    };
    return derive("TLS13-KDF", params, out, len);
}

static bool set_key(struct tls_protection *protection, const uint8_t *key)
{
    return EVP_DecryptInit_ex2(protection->ctx, protection->suite->aead->cipher(), key, NULL, NULL) > 0;
}

/* Make key and IV of the current secret (RFC 8446, 7.3). */
static void set_secret(struct tls_protection *protection)
{
    uint8_t key[KEY_MAX_BYTES];
    bool ok = expand(protection, "key", key, protection->suite->aead->key_bytes) &&
              expand(protection, "iv", protection->iv, NONCE_BYTES) && set_key(protection, key);
    OPENSSL_cleanse(key, sizeof key);
    protection->sequence = 0;
    if (!ok) {
        EVP_CIPHER_CTX_free(protection->ctx);
        protection->ctx = NULL;
    }
}

/* The key block of TLS 1.2 (RFC 5246, 6.3) has no MAC keys: both keys, then both IVs, the client's first. */
static bool set_master(struct tls_protection *protection, const uint8_t *master, const uint8_t *client_random,
                       const uint8_t *server_random, bool client)
{
    const struct tls_suite *suite = protection->suite;
    uint8_t block[2 * (KEY_MAX_BYTES + NONCE_BYTES)];
    const OSSL_PARAM params[] = {
        digest_of(suite),
        octets(OSSL_KDF_PARAM_SECRET, master, MASTER_BYTES),
        octets(OSSL_KDF_PARAM_SEED, "key expansion", strlen("key expansion")),
        octets(OSSL_KDF_PARAM_SEED, server_random, TLS_RANDOM_BYTES),
        octets(OSSL_KDF_PARAM_SEED, client_random, TLS_RANDOM_BYTES),
        OSSL_PARAM_construct_end(),
    };
    size_t key_bytes = suite->aead->key_bytes, iv_bytes = suite->iv_bytes;
    const uint8_t *key = block + (client ? 0 : key_bytes);
    const uint8_t *iv = block + 2 * key_bytes + (client ? 0 : iv_bytes);
    bool ok = derive("TLS1-PRF", params, block, 2 * (key_bytes + iv_bytes)) && set_key(protection, key);
    if (ok) {
        memcpy(protection->iv, iv, iv_bytes);
    }
    OPENSSL_cleanse(block, sizeof block);
    return ok;
}

static struct tls_protection *protection_new(const struct tls_suite *suite)
{
    struct tls_protection *protection = grow_new(1, sizeof *protection);
    protection->suite = suite;
    protection->ctx = EVP_CIPHER_CTX_new();
    if (!protection->ctx) {
        abort();
    }
    return protection;
}

static struct tls_protection *free_unless(bool ok, struct tls_protection *protection)
{
    if (ok) {
        return protection;
    }
    tls_protection_free(protection);
    return NULL;
}

struct tls_protection *tls_protection_new_13(const struct tls_suite *suite, const uint8_t *secret, size_t len)
{
    assert(suite->version == TLS_1_3);
    if (len != suite->aead->hash_bytes) {
        return NULL;
    }
    struct tls_protection *protection = protection_new(suite);
    memcpy(protection->secret, secret, len);
    set_secret(protection);
    return free_unless(protection->ctx != NULL, protection);
}

struct tls_protection *tls_protection_new_12(const struct tls_suite *suite, const uint8_t *master, size_t len,
                                             const uint8_t *client_random, const uint8_t *server_random,
                                             Mitm__Direction direction)
{
    assert(suite->version == TLS_1_2);
    if (len != MASTER_BYTES) {
        return NULL;
    }
    struct tls_protection *protection = protection_new(suite);
    bool client = direction == MITM__DIRECTION__TO_SERVER;
    return free_unless(set_master(protection, master, client_random, server_random, client), protection);
}

void tls_protection_free(struct tls_protection *protection)
{
    if (!protection) {
        return;
    }
    EVP_CIPHER_CTX_free(protection->ctx);
    OPENSSL_cleanse(protection, sizeof *protection);
    free(protection);
}

void tls_protection_update(struct tls_protection *protection)
{
    assert(protection->suite->version == TLS_1_3);
    uint8_t next[TLS_SECRET_MAX_BYTES];
    size_t len = protection->suite->aead->hash_bytes;
    if (protection->ctx && expand(protection, "traffic upd", next, len)) {
        memcpy(protection->secret, next, len);
        set_secret(protection);
    }
    OPENSSL_cleanse(next, sizeof next);
}

/* ---------------------------------------------------------------- records */

static void put_number(uint8_t *out, uint64_t number, size_t bytes)
{
    for (size_t i = bytes; i-- > 0; number >>= 8) {
        out[i] = (uint8_t)number;
    }
}

/* Write the nonce of the next record, whose explicit part, if it has one, is at `explicit_part`. */
static void make_nonce(const struct tls_protection *protection, const uint8_t *explicit_part,
                       uint8_t nonce[NONCE_BYTES])
{
    size_t iv_bytes = protection->suite->iv_bytes;
    memcpy(nonce, protection->iv, iv_bytes);
    if (iv_bytes < NONCE_BYTES) {
        memcpy(nonce + iv_bytes, explicit_part, NONCE_BYTES - iv_bytes);
        return;
    }
    uint8_t sequence[8];
    put_number(sequence, protection->sequence, sizeof sequence);
    for (size_t i = 0; i < sizeof sequence; i++) {
        nonce[NONCE_BYTES - sizeof sequence + i] ^= sequence[i];
    }
}

/* Write the additional data of a record with `len` bytes of plaintext; return their length. */
static size_t make_aad(const struct tls_protection *protection, const uint8_t *header, size_t len,
                       uint8_t aad[AAD_12_BYTES])
{
    if (protection->suite->version == TLS_1_3) {
        memcpy(aad, header, TLS_HEADER_BYTES);
        return TLS_HEADER_BYTES;
    }
    put_number(aad, protection->sequence, 8);
    memcpy(aad + 8, header, 3);
    put_number(aad + 11, len, 2);
    return AAD_12_BYTES;
}

/* Decrypt `len` bytes at `in`, behind which the tag is. */
static bool decrypt(struct tls_protection *protection, const uint8_t *header, const uint8_t *in, size_t len,
                    uint8_t *out)
{
    uint8_t nonce[NONCE_BYTES], aad[AAD_12_BYTES], tag[TAG_BYTES];
    make_nonce(protection, header + TLS_HEADER_BYTES, nonce);
    size_t aad_len = make_aad(protection, header, len, aad);
    memcpy(tag, in + len, sizeof tag);
    EVP_CIPHER_CTX *ctx = protection->ctx;
    int n;
    return EVP_DecryptInit_ex2(ctx, NULL, NULL, nonce, NULL) > 0 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag) > 0 &&
           EVP_DecryptUpdate(ctx, NULL, &n, aad, (int)aad_len) > 0 &&
           EVP_DecryptUpdate(ctx, out, &n, in, (int)len) > 0 && EVP_DecryptFinal_ex(ctx, out + n, &n) > 0;
}

/* TLSInnerPlaintext (RFC 8446, 5.2): the content, its type, zeros. */
static bool strip_padding(const uint8_t *plain, size_t *len, uint8_t *type)
{
    size_t n = *len;
    while (n > 0 && plain[n - 1] == 0) {
        n--;
    }
    if (n == 0) {
        return false;
    }
    *type = plain[n - 1];
    *len = n - 1;
    return true;
}

bool tls_protection_open(struct tls_protection *protection, const uint8_t *record, size_t len, uint8_t *out,
                         size_t *out_len, uint8_t *type)
{
    size_t explicit_bytes = (size_t)NONCE_BYTES - protection->suite->iv_bytes;
    if (!protection->ctx || len < explicit_bytes + TAG_BYTES) {
        return false;
    }
    *out_len = len - explicit_bytes - TAG_BYTES;
    *type = record[0];
    if (!decrypt(protection, record, record + TLS_HEADER_BYTES + explicit_bytes, *out_len, out) ||
        (protection->suite->version == TLS_1_3 && !strip_padding(out, out_len, type))) {
        return false;
    }
    protection->sequence++;
    return true;
}
