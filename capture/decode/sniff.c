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

enum sniff_result sniff(const uint8_t *data, size_t len)
{
    enum sniff_result result = SNIFF_UNKNOWN;
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++) {
        const struct beginning *b = &beginnings[i];
        size_t n = len < b->len ? len : b->len;
        if (memcmp(data, b->bytes, n) == 0) {
            if (n == b->len) {
                return b->result;
            }
            result = SNIFF_UNDECIDED;
        }
    }
    return result;
}
