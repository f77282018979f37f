#include "base/json.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

/*
 * Decode the UTF-8 sequence at `p` (RFC 3629: no surrogates, no overlong forms); store the code point. Return its
 * length, or 0 if it is not valid.
 */
static size_t utf8_decode(const uint8_t *p, size_t n, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len = p[0] < 0x80 ? 1 : p[0] >> 5 == 6 ? 2 : p[0] >> 4 == 14 ? 3 : p[0] >> 3 == 30 ? 4 : 0;
    if (len == 0 || len > n)
        return 0;
    uint32_t c = len == 1 ? p[0] : p[0] & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        if (p[i] >> 6 != 2)
            return 0;
        c = c << 6 | (p[i] & 0x3fu);
    }
    *code = c;
    return c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) ? 0 : len;
}

static bool utf8_valid(const uint8_t *p, size_t n)
{
    uint32_t code;
    for (size_t len; n > 0; p += len, n -= len) {
        len = utf8_decode(p, n, &code);
        if (len == 0)
            return false;
    }
    return true;
}

/* Whether a character is written as \uXXXX: controls, which a terminal would obey, and what turns the writing
 * direction. */
static bool json_escaped(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 || (c >= 0x202a && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069);
}

static void print_base64(FILE *out, const uint8_t *p, size_t n)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < n; i += 3) {
        uint32_t v = (uint32_t)p[i] << 16 | (i + 1 < n ? (uint32_t)p[i + 1] << 8 : 0) | (i + 2 < n ? p[i + 2] : 0);
        putc(digits[v >> 18], out);
        putc(digits[v >> 12 & 63], out);
        putc(i + 1 < n ? digits[v >> 6 & 63] : '=', out);
        putc(i + 2 < n ? digits[v & 63] : '=', out);
    }
}

void json_base64(FILE *out, const uint8_t *p, size_t n)
{
    fputs("{\"base64\":\"", out);
    print_base64(out, p, n);
    fputs("\"}", out);
}

void json_bytes(FILE *out, const uint8_t *data, size_t len)
{
    if (!utf8_valid(data, len)) {
        json_base64(out, data, len);
        return;
    }
    putc('"', out);
    for (size_t i = 0, n; i < len; i += n) {
        uint32_t code = 0;
        n = utf8_decode(data + i, len - i, &code);
        if (code == '"' || code == '\\')
            fprintf(out, "\\%c", (char)code);
        else if (json_escaped(code))
            fprintf(out, "\\u%04x", code);
        else
            fwrite(data + i, 1, n, out);
    }
    putc('"', out);
}

void json_number(FILE *out, double value)
{
    if (!isfinite(value)) {
        fputs("null", out);
        return;
    }
    char digits[JSON_NUMBER_BYTES];
    fputs(json_digits(digits, value), out);
}

const char *json_digits(char to[JSON_NUMBER_BYTES], double value)
{
    enum { MOST = 17 }; /* digits that always lead back to the same number */
    for (int precision = 1; precision <= MOST; precision++) {
        snprintf(to, JSON_NUMBER_BYTES, "%.*g", precision, value == 0 ? 0.0 : value);
        if (strtod(to, NULL) == value)
            break;
    }
    if (fabs(value) < 1e17 && value == trunc(value)) /* "1200", not "1.2e+03" */
        snprintf(to, JSON_NUMBER_BYTES, "%.0f", value == 0 ? 0.0 : value);
    return to;
}
