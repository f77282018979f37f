/*
 * Fuzz target of content codings. The input is a byte that says which codings, and a body.
 *
 * Checked: whole and byte by byte, the body is decoded to the same size or is refused; output and memory keep the
 * limits.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/content_coding.h"

enum { OUT_BYTES = 3 * 16384, MEMORY_BYTES = 100 << 20 };

struct outcome {
    bool complete;
    uint64_t decoded_bytes;
};

/* Decode in pieces of `size` bytes. */
static struct outcome decode(const struct content_codings *codings, const uint8_t *data, size_t len, size_t size)
{
    struct content_coding *coding = content_coding_new(codings);
    bool good = true;
    for (size_t at = 0, n; at < len && good; at += n) {
        n = len - at < size ? len - at : size;
        /* Exactly this size, so that the sanitizer sees a read outside of it. */
        uint8_t *copy = malloc(n);
        assert(copy);
        memcpy(copy, data + at, n);
        good = content_coding_feed(coding, copy, n);
        free(copy);
        uint64_t most = CONTENT_CODING_FREE_BYTES + CONTENT_CODING_MAX_RATIO * (uint64_t)(at + n + 1) + OUT_BYTES;
        assert(content_coding_output_bytes(coding) <= most);
        assert(content_coding_decoded_bytes(coding) <= content_coding_output_bytes(coding));
        assert(content_coding_memory_bytes(coding) <= MEMORY_BYTES);
    }
    struct outcome outcome = {.complete = good && content_coding_complete(coding),
                              .decoded_bytes = content_coding_decoded_bytes(coding)};
    content_coding_free(coding);
    return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const char *const values[] = {"gzip", "deflate", "br", "zstd", "gzip, br", "zstd, deflate, gzip"};
    if (len < 1)
        return 0;
    const char *value = values[data[0] % (sizeof values / sizeof *values)];
    struct content_codings codings = {0};
    content_codings_add(&codings, (const uint8_t *)value, strlen(value));
    struct outcome whole = decode(&codings, data + 1, len - 1, SIZE_MAX);
    struct outcome cut = decode(&codings, data + 1, len - 1, 1);
    assert(whole.complete == cut.complete);
    assert(!whole.complete || whole.decoded_bytes == cut.decoded_bytes);
    return 0;
}
