#include "analyze/content_coding.h"

#include <assert.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>

#include "base/memory.h"

enum { OUT_BYTES = 16384, ZSTD_WINDOW_LOG = 23 };

/* What one call of a library reads and writes. */
struct transfer {
    const uint8_t *in;
    size_t in_len;
    uint8_t *out;
    size_t room;
};

/* One coding. */
struct stage {
    enum content_coding_kind kind;
    bool ended;       /* at the end of a member, frame or stream */
    bool has_first;   /* deflate: the first byte is there, … */
    bool inflating;   /* … and the second one, which tells the wrapper */
    uint8_t first;    /* the first byte */
    size_t allocated; /* br: bytes of memory */
    z_stream zlib;
    BrotliDecoderState *brotli;
    ZSTD_DStream *zstd;
};

struct content_coding {
    struct stage stages[CONTENT_CODINGS]; /* the one that was applied last comes first */
    size_t count;
    uint64_t input_bytes, output_bytes, decoded_bytes;
};

/* ---------------------------------------------------------------- names */

static const char *const names[] = {
    [CONTENT_GZIP] = "gzip", [CONTENT_DEFLATE] = "deflate", [CONTENT_BR] = "br", [CONTENT_ZSTD] = "zstd"};

static bool is_named(const char *name, const uint8_t *text, size_t len)
{
    return strlen(name) == len && strncasecmp(name, (const char *)text, len) == 0;
}

static void add_name(struct content_codings *codings, const uint8_t *name, size_t len)
{
    if (len == 0 || is_named("identity", name, len))
        return;
    size_t kind = 0, kinds = sizeof names / sizeof *names;
    if (!is_named("x-gzip", name, len))
        while (kind < kinds && !is_named(names[kind], name, len))
            kind++;
    if (kind == kinds || codings->count == CONTENT_CODINGS)
        codings->unknown = true;
    else
        codings->kinds[codings->count++] = (enum content_coding_kind)kind;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t';
}

void content_codings_add(struct content_codings *codings, const uint8_t *value, size_t len)
{
    for (size_t from = 0; from < len;) {
        const uint8_t *comma = memchr(value + from, ',', len - from);
        size_t end = comma ? (size_t)(comma - value) : len, to = end;
        while (from < to && is_space(value[from]))
            from++;
        while (to > from && is_space(value[to - 1]))
            to--;
        add_name(codings, value + from, to - from);
        from = end + 1;
    }
}

/* ---------------------------------------------------------------- zlib: gzip, deflate */

static void start_inflate(struct stage *stage, int window_bits)
{
    int error = inflateInit2(&stage->zlib, window_bits);
    assert(error == Z_OK);
    stage->inflating = true;
}

static bool inflate_from(struct stage *stage, struct transfer *transfer)
{
    z_stream *zlib = &stage->zlib;
    zlib->next_in = (Bytef *)(uintptr_t)transfer->in;
    zlib->avail_in = (uInt)transfer->in_len;
    zlib->next_out = transfer->out;
    zlib->avail_out = (uInt)transfer->room;
    int result = inflate(zlib, Z_NO_FLUSH);
    transfer->in += transfer->in_len - zlib->avail_in;
    transfer->in_len = zlib->avail_in;
    transfer->out = zlib->next_out;
    transfer->room = zlib->avail_out;
    stage->ended = result == Z_STREAM_END;
    return result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR;
}

/* Take the first byte, or with the second one tell zlib's wrapper (RFC 1950, 2.2) from none and begin. */
static bool step_deflate_start(struct stage *stage, struct transfer *transfer)
{
    if (!stage->has_first) {
        stage->first = *transfer->in++;
        transfer->in_len--;
        stage->has_first = true;
        return true;
    }
    bool wrapped = (stage->first & 0x0f) == Z_DEFLATED && (stage->first << 8 | *transfer->in) % 31 == 0;
    start_inflate(stage, wrapped ? MAX_WBITS : -MAX_WBITS);
    struct transfer first = {.in = &stage->first, .in_len = 1, .out = transfer->out, .room = transfer->room};
    bool good = inflate_from(stage, &first);
    transfer->out = first.out;
    transfer->room = first.room;
    return good && inflate_from(stage, transfer);
}

static bool step_zlib(struct stage *stage, struct transfer *transfer)
{
    if (stage->ended) {
        if (stage->kind != CONTENT_GZIP)
            return false;
        inflateReset(&stage->zlib);
    }
    return stage->inflating ? inflate_from(stage, transfer) : step_deflate_start(stage, transfer);
}

/* ---------------------------------------------------------------- brotli */

static void *allocate(void *ctx, size_t size)
{
    struct stage *stage = ctx;
    void *memory = memory_new(1, size);
    stage->allocated += malloc_usable_size(memory);
    return memory;
}

static void release(void *ctx, void *memory)
{
    struct stage *stage = ctx;
    if (memory)
        stage->allocated -= malloc_usable_size(memory);
    free(memory);
}

static bool step_brotli(struct stage *stage, struct transfer *transfer)
{
    if (stage->ended)
        return false;
    BrotliDecoderResult result = BrotliDecoderDecompressStream(stage->brotli, &transfer->in_len, &transfer->in,
                                                               &transfer->room, &transfer->out, NULL);
    stage->ended = result == BROTLI_DECODER_RESULT_SUCCESS;
    return result != BROTLI_DECODER_RESULT_ERROR;
}

/* ---------------------------------------------------------------- zstd */

static bool step_zstd(struct stage *stage, struct transfer *transfer)
{
    ZSTD_inBuffer in = {.src = transfer->in, .size = transfer->in_len};
    ZSTD_outBuffer out = {.dst = transfer->out, .size = transfer->room};
    size_t result = ZSTD_decompressStream(stage->zstd, &out, &in);
    transfer->in += in.pos;
    transfer->in_len -= in.pos;
    transfer->out += out.pos;
    transfer->room -= out.pos;
    stage->ended = result == 0;
    return !ZSTD_isError(result);
}

/* ---------------------------------------------------------------- all */

static void stage_init(struct stage *stage, enum content_coding_kind kind)
{
    stage->kind = kind;
    switch (kind) {
    case CONTENT_GZIP:
        start_inflate(stage, MAX_WBITS + 16);
        break;
    case CONTENT_DEFLATE:
        break;
    case CONTENT_BR:
        stage->brotli = BrotliDecoderCreateInstance(allocate, release, stage);
        assert(stage->brotli);
        break;
    case CONTENT_ZSTD:
        stage->zstd = ZSTD_createDStream();
        assert(stage->zstd);
        ZSTD_DCtx_setParameter(stage->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG);
        break;
    }
}

static void stage_fini(struct stage *stage)
{
    if (stage->inflating)
        inflateEnd(&stage->zlib);
    BrotliDecoderDestroyInstance(stage->brotli);
    ZSTD_freeDStream(stage->zstd);
}

struct content_coding *content_coding_new(const struct content_codings *codings)
{
    assert(codings->count > 0 && !codings->unknown);
    struct content_coding *coding = memory_new(1, sizeof *coding);
    coding->count = codings->count;
    for (size_t i = 0; i < coding->count; i++)
        stage_init(&coding->stages[i], codings->kinds[coding->count - 1 - i]);
    return coding;
}

void content_coding_free(struct content_coding *coding)
{
    if (!coding)
        return;
    for (size_t i = 0; i < coding->count; i++)
        stage_fini(&coding->stages[i]);
    free(coding);
}

/* Let `stage` read and write. Return false if it cannot. */
static bool step(struct stage *stage, struct transfer *transfer)
{
    switch (stage->kind) {
    case CONTENT_GZIP:
    case CONTENT_DEFLATE:
        return step_zlib(stage, transfer);
    case CONTENT_BR:
        return step_brotli(stage, transfer);
    case CONTENT_ZSTD:
        return step_zstd(stage, transfer);
    }
    assert(false && "content coding: kind");
    return false;
}

static bool within_limits(const struct content_coding *coding)
{
    uint64_t output_bytes = coding->output_bytes;
    return output_bytes <= CONTENT_CODING_MAX_BYTES &&
           (output_bytes <= CONTENT_CODING_FREE_BYTES ||
            (output_bytes - CONTENT_CODING_FREE_BYTES) / CONTENT_CODING_MAX_RATIO <= coding->input_bytes);
}

static bool decode(struct content_coding *coding, size_t number, const uint8_t *data, size_t len)
{
    if (number == coding->count) {
        coding->decoded_bytes += len;
        return true;
    }
    struct stage *stage = &coding->stages[number];
    struct transfer transfer = {.in = data, .in_len = len};
    bool full = false; /* there may be more to come without further input */
    while (transfer.in_len > 0 || (full && !stage->ended)) {
        uint8_t out[OUT_BYTES];
        size_t before = transfer.in_len;
        transfer.out = out;
        transfer.room = sizeof out;
        if (!step(stage, &transfer))
            return false;
        size_t n = sizeof out - transfer.room;
        full = transfer.room == 0;
        coding->output_bytes += n;
        if (!within_limits(coding) || (n > 0 && !decode(coding, number + 1, out, n)))
            return false;
        if (n == 0 && transfer.in_len == before && before > 0)
            return false; /* no progress */
    }
    return true;
}

bool content_coding_feed(struct content_coding *coding, const uint8_t *data, size_t len)
{
    coding->input_bytes += len;
    return decode(coding, 0, data, len);
}

bool content_coding_complete(const struct content_coding *coding)
{
    for (size_t i = 0; i < coding->count; i++)
        if (!coding->stages[i].ended)
            return false;
    return true;
}

uint64_t content_coding_decoded_bytes(const struct content_coding *coding)
{
    return coding->decoded_bytes;
}

uint64_t content_coding_output_bytes(const struct content_coding *coding)
{
    return coding->output_bytes;
}

size_t content_coding_memory_bytes(const struct content_coding *coding)
{
    size_t bytes = sizeof *coding;
    for (size_t i = 0; i < coding->count; i++) {
        const struct stage *stage = &coding->stages[i];
        bytes += stage->allocated + ZSTD_sizeof_DStream(stage->zstd);
        if (stage->inflating)
            bytes += (size_t)1 << MAX_WBITS;
    }
    return bytes;
}
