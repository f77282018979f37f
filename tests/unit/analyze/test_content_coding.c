/* Bodies made by the encoders of zlib, brotli, zstd and gzip(1): how large they are decoded, and what is refused. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include <brotli/encode.h>
#include <zlib.h>
#include <zstd.h>

#include "analyze/content_coding.h"

enum { TEXT_BYTES = 50000, ROOM = 4 << 20 };
enum { GZIP = MAX_WBITS + 16, WRAPPED = MAX_WBITS, RAW = -MAX_WBITS };

static uint8_t text[TEXT_BYTES];
static uint8_t encoded[ROOM], outer[ROOM];

static void setup(void)
{
    uint32_t state = 1;
    for (size_t i = 0; i < TEXT_BYTES; i++) {
        state = state * 1664525 + 1013904223;
        text[i] = (uint8_t)("etaoin shrdlu\n-,"[state >> 28]);
    }
}

TestSuite(content_coding, .init = setup);

static size_t deflate_to(uint8_t *to, const uint8_t *data, size_t len, int window_bits)
{
    z_stream zlib = {.next_in = (Bytef *)(uintptr_t)data, .avail_in = (uInt)len, .next_out = to, .avail_out = ROOM};
    cr_assert_eq(deflateInit2(&zlib, 6, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
    cr_assert_eq(deflate(&zlib, Z_FINISH), Z_STREAM_END);
    deflateEnd(&zlib);
    return ROOM - zlib.avail_out;
}

static size_t brotli_to(uint8_t *to, const uint8_t *data, size_t len)
{
    size_t size = ROOM;
    cr_assert(BrotliEncoderCompress(5, BROTLI_MAX_WINDOW_BITS, BROTLI_MODE_GENERIC, len, data, &size, to));
    return size;
}

static size_t zstd_to(uint8_t *to, const uint8_t *data, size_t len)
{
    size_t size = ZSTD_compress(to, ROOM, data, len, 3);
    cr_assert(!ZSTD_isError(size));
    return size;
}

static struct content_codings codings_of(const char *value)
{
    struct content_codings codings = {0};
    content_codings_add(&codings, (const uint8_t *)value, strlen(value));
    return codings;
}

static struct content_coding *new_coding(const char *value)
{
    struct content_codings codings = codings_of(value);
    return content_coding_new(&codings);
}

/* What became of a body. */
struct outcome {
    bool good, complete;
    uint64_t decoded_bytes, output_bytes;
    size_t fed, memory_bytes; /* the most */
};

/* Feed `len` bytes at `data`, and as long as all is well `times` times, in pieces of `piece` bytes. */
static struct outcome decode(const char *value, const uint8_t *data, size_t len, size_t piece, size_t times)
{
    struct content_coding *coding = new_coding(value);
    struct outcome outcome = {.good = true};
    for (size_t i = 0; i < times && outcome.good; i++) {
        for (size_t at = 0; at < len && outcome.good; at += piece) {
            size_t n = len - at < piece ? len - at : piece;
            /* Memory of exactly this size, so that a sanitizer sees a read outside of it. */
            uint8_t *copy = malloc(n);
            cr_assert(copy);
            memcpy(copy, data + at, n);
            outcome.good = content_coding_feed(coding, copy, n);
            free(copy);
            outcome.fed += n;
            size_t memory_bytes = content_coding_memory_bytes(coding);
            if (memory_bytes > outcome.memory_bytes)
                outcome.memory_bytes = memory_bytes;
        }
    }
    outcome.complete = outcome.good && content_coding_complete(coding);
    outcome.decoded_bytes = content_coding_decoded_bytes(coding);
    outcome.output_bytes = content_coding_output_bytes(coding);
    content_coding_free(coding);
    return outcome;
}

static void check(const char *value, const uint8_t *data, size_t len, uint64_t expected)
{
    static const size_t pieces[] = {SIZE_MAX / 2, 1, 2, 3, 1000};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        struct outcome outcome = decode(value, data, len, pieces[i], 1);
        cr_assert(outcome.complete, "%s in pieces of %zu", value, pieces[i]);
        cr_assert_eq(outcome.decoded_bytes, expected, "%s in pieces of %zu", value, pieces[i]);
    }
    /* What has been cut off, anywhere, or goes on is not complete. */
    size_t step = len / 100 + 1;
    for (size_t n = 0; n < len; n += len - n <= 20 ? 1 : step)
        cr_assert_not(decode(value, data, n, SIZE_MAX / 2, 1).complete, "%s cut at %zu of %zu", value, n, len);
    uint8_t *longer = malloc(len + 4);
    cr_assert(longer);
    memcpy(longer, data, len);
    memcpy(longer + len, "junk", 4);
    cr_assert_not(decode(value, longer, len + 4, SIZE_MAX / 2, 1).complete, "%s with garbage behind", value);
    cr_assert_not(decode(value, longer, len + 4, 1, 1).complete, "%s with garbage behind", value);
    free(longer);
}

Test(content_coding, each)
{
    check("gzip", encoded, deflate_to(encoded, text, TEXT_BYTES, GZIP), TEXT_BYTES);
    check("X-GZIP", encoded, deflate_to(encoded, text, TEXT_BYTES, GZIP), TEXT_BYTES);
    check("deflate", encoded, deflate_to(encoded, text, TEXT_BYTES, WRAPPED), TEXT_BYTES);
    check("deflate", encoded, deflate_to(encoded, text, TEXT_BYTES, RAW), TEXT_BYTES);
    check("br", encoded, brotli_to(encoded, text, TEXT_BYTES), TEXT_BYTES);
    check("zstd", encoded, zstd_to(encoded, text, TEXT_BYTES), TEXT_BYTES);
}

Test(content_coding, nothing_encoded)
{
    check("gzip", encoded, deflate_to(encoded, text, 0, GZIP), 0);
    check("deflate", encoded, deflate_to(encoded, text, 0, WRAPPED), 0);
    check("deflate", encoded, deflate_to(encoded, text, 0, RAW), 0);
    check("br", encoded, brotli_to(encoded, text, 0), 0);
    check("zstd", encoded, zstd_to(encoded, text, 0), 0);
}

/* printf 'Hello, Hello, Hello, Hello!' | gzip -9n (GNU gzip 1.12); the example of brotli's own tests, 10x10y. */
Test(content_coding, of_other_encoders)
{
    static const uint8_t gnu[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03,
                                  0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0xd7, 0x51, 0xf0, 0xc0, 0xa4,
                                  0x14, 0x01, 0x69, 0x90, 0xda, 0x97, 0x1b, 0x00, 0x00, 0x00};
    static const uint8_t brotli[] = {0x1b, 0x13, 0x00, 0x00, 0xa4, 0xb0, 0xb2, 0xea, 0x81, 0x47, 0x02, 0x8a};
    check("gzip", gnu, sizeof gnu, 27);
    check("br", brotli, sizeof brotli, 20);
}

Test(content_coding, one_within_the_other)
{
    size_t len = deflate_to(outer, encoded, brotli_to(encoded, text, TEXT_BYTES), GZIP);
    check("br,gzip", outer, len, TEXT_BYTES);
    cr_assert_not(decode("gzip, br", outer, len, SIZE_MAX / 2, 1).good);
    len = zstd_to(outer, encoded, deflate_to(encoded, text, TEXT_BYTES, GZIP));
    check("gzip , identity,\tzstd", outer, len, TEXT_BYTES);
    len = zstd_to(encoded, outer, len);
    check("gzip, zstd, zstd", encoded, len, TEXT_BYTES);
}

Test(content_coding, names)
{
    struct content_codings codings = codings_of(" gzip,, BR ,identity");
    cr_assert(codings.count == 2 && !codings.unknown);
    cr_assert(codings.kinds[0] == CONTENT_GZIP && codings.kinds[1] == CONTENT_BR);
    cr_assert(codings_of("").count == 0 && codings_of("identity").count == 0 && codings_of(" ,").count == 0);
    cr_assert(codings_of("gzip, aes128gcm").unknown && codings_of("gzi").unknown && codings_of("gzip br").unknown);
    cr_assert_not(codings_of("br, gzip, zstd").unknown);
    cr_assert(codings_of("br, gzip, zstd, br").unknown);
    content_codings_add(&codings, (const uint8_t *)"deflate", 7);
    cr_assert(codings.count == 3 && codings.kinds[2] == CONTENT_DEFLATE);
}

/* RFC 1952, 2.2: a file is a series of members; RFC 8878, 3.1: of frames, some of which are to be skipped. */
Test(content_coding, several_members)
{
    size_t len = deflate_to(encoded, text, TEXT_BYTES, GZIP);
    cr_assert_eq(decode("gzip", encoded, len, SIZE_MAX / 2, 3).decoded_bytes, 3 * TEXT_BYTES);
    size_t second = deflate_to(encoded + len, text, 100, GZIP);
    struct outcome both = decode("gzip", encoded, len + second, 1, 1);
    cr_assert(both.complete && both.decoded_bytes == TEXT_BYTES + 100);
    len = zstd_to(encoded, text, TEXT_BYTES);
    memcpy(encoded + len, "\x50\x2a\x4d\x18\x03\0\0\0abc", 11);
    second = zstd_to(encoded + len + 11, text, 100);
    both = decode("zstd", encoded, len + 11 + second, 7, 1);
    cr_assert(both.complete && both.decoded_bytes == TEXT_BYTES + 100);
}

Test(content_coding, what_is_no_such_thing)
{
    static const char *const values[] = {"gzip", "deflate", "br", "zstd"};
    for (size_t i = 0; i < 4; i++)
        cr_assert_not(decode(values[i], text, TEXT_BYTES, 1, 1).complete, "%s", values[i]);
    size_t len = deflate_to(encoded, text, TEXT_BYTES, GZIP);
    encoded[len - 6] ^= 1; /* the checksum */
    cr_assert_not(decode("gzip", encoded, len, SIZE_MAX / 2, 1).good);
    len = deflate_to(encoded, text, TEXT_BYTES, WRAPPED);
    encoded[len - 1] ^= 1;
    cr_assert_not(decode("deflate", encoded, len, SIZE_MAX / 2, 1).good);
}

/* Store deflate's blocks of 1 MiB of zeros, which can be repeated (Z_FULL_FLUSH), in `encoded`; return their length. */
static size_t zeros(void)
{
    uint8_t *data = calloc(1, 1 << 20);
    z_stream zlib = {.next_in = data, .avail_in = 1 << 20, .next_out = encoded, .avail_out = ROOM};
    cr_assert(data && deflateInit2(&zlib, 9, Z_DEFLATED, RAW, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    cr_assert_eq(deflate(&zlib, Z_FULL_FLUSH), Z_OK);
    deflateEnd(&zlib);
    free(data);
    return ROOM - zlib.avail_out;
}

static void check_bomb(const char *value, const uint8_t *data, size_t len, size_t times)
{
    struct outcome outcome = decode(value, data, len, 65536, times);
    cr_assert_not(outcome.good, "%s", value);
    cr_assert_leq(outcome.output_bytes, CONTENT_CODING_MAX_BYTES + 65536, "%s", value);
    cr_assert_leq(outcome.output_bytes,
                  CONTENT_CODING_FREE_BYTES + CONTENT_CODING_MAX_RATIO * (uint64_t)(outcome.fed + 1) + 65536);
    cr_assert_leq(outcome.memory_bytes, 40 << 20, "%s: %zu", value, outcome.memory_bytes);
}

/* 10 GiB of zeros in 10 MiB, and these once more deflated; 128 MiB of zeros in a few bytes. */
Test(content_coding, bombs)
{
    size_t len = zeros();
    check_bomb("deflate", encoded, len, 10240);
    uint8_t *inner = malloc(10240 * len);
    cr_assert(inner);
    for (size_t i = 0; i < 10240; i++)
        memcpy(inner + i * len, encoded, len);
    size_t outer_len = deflate_to(outer, inner, 10240 * len, GZIP);
    cr_assert_lt(outer_len, 100000, "%zu", outer_len);
    check_bomb("deflate, gzip", outer, outer_len, 1);
    free(inner);
    uint8_t *much = calloc(1, 128 << 20);
    cr_assert(much);
    check_bomb("br", encoded, brotli_to(encoded, much, 128 << 20), 1);
    check_bomb("zstd", encoded, zstd_to(encoded, much, 128 << 20), 1);
    free(much);
}

/* RFC 9659: a window of at most 8 MiB. */
Test(content_coding, zstd_windows)
{
    for (int log = 22; log <= 25; log++) {
        ZSTD_CCtx *cctx = ZSTD_createCCtx();
        cr_assert(!ZSTD_isError(ZSTD_CCtx_setParameter(cctx, ZSTD_c_windowLog, log)));
        ZSTD_inBuffer in = {.src = text, .size = TEXT_BYTES};
        ZSTD_outBuffer out = {.dst = encoded, .size = ROOM};
        ZSTD_compressStream2(cctx, &out, &in, ZSTD_e_continue); /* the size is not known: the window stays as it is */
        cr_assert_eq(ZSTD_compressStream2(cctx, &out, &in, ZSTD_e_end), 0);
        ZSTD_freeCCtx(cctx);
        cr_assert_eq(decode("zstd", encoded, out.pos, SIZE_MAX / 2, 1).complete, log <= 23, "%d", log);
    }
}
