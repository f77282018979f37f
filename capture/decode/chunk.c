#include "capture/decode/chunk.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#define SIZE_MAX_CHUNK (UINT64_C(1) << 60)

enum state {
    STATE_SIZE_FIRST, /* the first digit of the size */
    STATE_SIZE,       /* further digits */
    STATE_SPACE,      /* white space behind the size */
    STATE_EXTENSION,  /* behind a semicolon, up to LF */
    STATE_SIZE_LF,    /* CR was seen behind the size */
    STATE_DATA,
    STATE_DATA_CR, /* the line end behind the data */
    STATE_DATA_LF
};

static int digit(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static enum chunk_result header_complete(struct chunk *chunk)
{
    chunk->state = STATE_DATA;
    return chunk->left == 0 ? CHUNK_LAST : CHUNK_HEADER;
}

static enum chunk_result read_digit(struct chunk *chunk, int value)
{
    if (chunk->left >= SIZE_MAX_CHUNK / 16) {
        return CHUNK_INVALID;
    }
    chunk->left = chunk->left * 16 + (uint64_t)value;
    chunk->state = STATE_SIZE;
    return CHUNK_MORE;
}

/* Read what can stand behind the size or the white space that follows it. */
static enum chunk_result read_behind_size(struct chunk *chunk, uint8_t c)
{
    switch (c) {
    case ' ':
    case '\t':
        chunk->state = STATE_SPACE;
        return CHUNK_MORE;
    case ';':
        chunk->state = STATE_EXTENSION;
        return CHUNK_MORE;
    case '\r':
        chunk->state = STATE_SIZE_LF;
        return CHUNK_MORE;
    case '\n':
        return header_complete(chunk);
    default:
        return CHUNK_INVALID;
    }
}

/* Read the line end behind the data. */
static enum chunk_result read_data_end(struct chunk *chunk, uint8_t c)
{
    if (c == '\n') {
        chunk->state = STATE_SIZE_FIRST;
        return CHUNK_MORE;
    }
    if (c == '\r' && chunk->state == STATE_DATA_CR) {
        chunk->state = STATE_DATA_LF;
        return CHUNK_MORE;
    }
    return CHUNK_INVALID;
}

static enum chunk_result read_byte(struct chunk *chunk, uint8_t c)
{
    int value = digit(c);
    switch ((enum state)chunk->state) {
    case STATE_SIZE_FIRST:
        return value >= 0 ? read_digit(chunk, value) : CHUNK_INVALID;
    case STATE_SIZE:
        return value >= 0 ? read_digit(chunk, value) : read_behind_size(chunk, c);
    case STATE_SPACE:
        return read_behind_size(chunk, c);
    case STATE_SIZE_LF:
        return c == '\n' ? header_complete(chunk) : CHUNK_INVALID;
    case STATE_DATA_CR:
    case STATE_DATA_LF:
        return read_data_end(chunk, c);
    case STATE_EXTENSION:
    case STATE_DATA:
        break;
    }
    assert(false);
    return CHUNK_INVALID;
}

static enum chunk_result read_extension(struct chunk *chunk, const uint8_t *data, size_t len, size_t *used)
{
    const uint8_t *end = memchr(data, '\n', len);
    *used = end ? (size_t)(end - data) + 1 : len;
    return end ? header_complete(chunk) : CHUNK_MORE;
}

static enum chunk_result read_data(struct chunk *chunk, size_t len, size_t *used)
{
    *used = len < chunk->left ? len : (size_t)chunk->left;
    chunk->left -= *used;
    if (chunk->left == 0) {
        chunk->state = STATE_DATA_CR;
    }
    return CHUNK_DATA;
}

enum chunk_result chunk_read(struct chunk *chunk, const uint8_t *data, size_t len, size_t *used)
{
    if (chunk->state == STATE_DATA) {
        return read_data(chunk, len, used);
    }
    *used = 0;
    while (*used < len) {
        if (chunk->state == STATE_EXTENSION) {
            size_t n;
            enum chunk_result result = read_extension(chunk, data + *used, len - *used, &n);
            *used += n;
            return result;
        }
        enum chunk_result result = read_byte(chunk, data[*used]);
        *used += result != CHUNK_INVALID;
        if (result != CHUNK_MORE) {
            return result;
        }
    }
    return CHUNK_MORE;
}

const char *chunk_error(const struct chunk *chunk)
{
    return chunk->state == STATE_DATA_CR || chunk->state == STATE_DATA_LF ? "No line end behind the chunk's data"
                                                                          : "Invalid chunk size";
}
