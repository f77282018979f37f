#include "capture/decode/sniff.h"

#include <string.h>

#include <llhttp/llhttp.h>

struct beginning {
    enum sniff_result result;
    uint8_t len;
    const char *bytes;
};

#define METHOD(number, name, string) {SNIFF_HTTP1, sizeof #string, #string " "},

static const struct beginning beginnings[] = {{SNIFF_TLS, 2, "\x16\x03"},
                                              {SNIFF_HTTP2, SNIFF_MAX_BYTES, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
                                              HTTP_METHOD_MAP(METHOD)};

/* Empty lines before the first request are ignored: so many of their bytes, which leaves room for every method. */
enum { EMPTY_LINES_MAX_BYTES = 4 };

static size_t empty_lines(const uint8_t *data, size_t len)
{
    size_t n = 0;
    while (n < len && n < EMPTY_LINES_MAX_BYTES && (data[n] == '\r' || data[n] == '\n')) {
        n++;
    }
    return n;
}

enum sniff_result sniff(const uint8_t *data, size_t len)
{
    enum sniff_result result = SNIFF_UNKNOWN;
    size_t empty = empty_lines(data, len);
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++) {
        const struct beginning *b = &beginnings[i];
        size_t skip = b->result == SNIFF_HTTP1 ? empty : 0;
        size_t n = len - skip < b->len ? len - skip : b->len;
        if (memcmp(data + skip, b->bytes, n) == 0) {
            if (n == b->len) {
                return b->result;
            }
            result = SNIFF_UNDECIDED;
        }
    }
    return result;
}

enum sniff_result sniff_server(const uint8_t *data, size_t len)
{
    /* A length of less than 4 KiB (no server sends more settings), type SETTINGS, no flags, stream 0. */
    static const struct {
        uint8_t mask, value;
    } header[SNIFF_SERVER_MAX_BYTES] = {{0xff, 0}, {0xf0, 0}, {0, 0},    {0xff, 4}, {0xff, 0},
                                        {0xff, 0}, {0xff, 0}, {0xff, 0}, {0xff, 0}};
    for (size_t i = 0; i < len && i < SNIFF_SERVER_MAX_BYTES; i++) {
        if ((data[i] & header[i].mask) != header[i].value) {
            return SNIFF_UNKNOWN;
        }
    }
    return len < SNIFF_SERVER_MAX_BYTES ? SNIFF_UNDECIDED : SNIFF_HTTP2;
}
