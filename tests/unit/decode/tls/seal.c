#include "seal.h"

#include <assert.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

/* HKDF-Expand-Label with an empty context, for at most one block of SHA-256 (RFC 8446, 7.1; RFC 5869, 2.3). */
static void expand(const uint8_t *secret, const char *label, uint8_t *out, size_t len)
{
    uint8_t info[64] = {0, (uint8_t)len, (uint8_t)(6 + strlen(label))}, block[32];
    size_t n = 3;
    memcpy(info + n, "tls13 ", 6);
    memcpy(info + n + 6, label, strlen(label));
    n += 6 + strlen(label);
    info[n++] = 0;
    info[n++] = 1;
    unsigned block_len;
    assert(HMAC(EVP_sha256(), secret, (int)SEAL_SECRET_BYTES, info, n, block, &block_len) && len <= block_len);
    memcpy(out, block, len);
}

static void derive(struct seal *seal)
{
    expand(seal->secret, "key", seal->key, sizeof seal->key);
    expand(seal->secret, "iv", seal->iv, sizeof seal->iv);
    seal->sequence = 0;
}

void seal_init(struct seal *seal, uint8_t fill)
{
    memset(seal->secret, fill, sizeof seal->secret);
    derive(seal);
}

void seal_update(struct seal *seal)
{
    uint8_t next[SEAL_SECRET_BYTES];
    expand(seal->secret, "traffic upd", next, sizeof next);
    memcpy(seal->secret, next, sizeof next);
    derive(seal);
}

size_t seal_record(struct seal *seal, uint8_t type, const uint8_t *data, size_t len, uint8_t *out)
{
    size_t inner = len + 17;
    const uint8_t header[5] = {23, 3, 3, (uint8_t)(inner >> 8), (uint8_t)inner};
    uint8_t nonce[12];
    for (size_t i = 0; i < sizeof nonce; i++) {
        size_t shift = (sizeof nonce - 1 - i) * 8;
        nonce[i] = seal->iv[i] ^ (uint8_t)(shift < 64 ? seal->sequence >> shift : 0);
    }
    seal->sequence++;
    memcpy(out, header, sizeof header);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n = 0, more = 0, last = 0;
    assert(ctx && EVP_EncryptInit_ex(ctx, EVP_aes_128_gcm(), NULL, seal->key, nonce) == 1);
    assert(EVP_EncryptUpdate(ctx, NULL, &n, header, sizeof header) == 1);
    n = 0;
    assert(len == 0 || EVP_EncryptUpdate(ctx, out + 5, &n, data, (int)len) == 1);
    assert(EVP_EncryptUpdate(ctx, out + 5 + n, &more, &type, 1) == 1);
    assert(EVP_EncryptFinal_ex(ctx, out + 5 + n + more, &last) == 1);
    assert(n + more + last == (int)len + 1);
    assert(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, 16, out + 5 + len + 1) == 1);
    EVP_CIPHER_CTX_free(ctx);
    return len + SEAL_EXTRA_BYTES;
}
