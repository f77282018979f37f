#include "base/plain.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static bool is_plain(uint8_t c)
{
    return c >= 0x20 && c < 0x7f && c != '\\';
}

void plain_print(FILE *out, const void *data, size_t len)
{
    const uint8_t *p = data;
    for (size_t i = 0; i < len; i++) {
        if (is_plain(p[i]))
            putc(p[i], out);
        else
            fprintf(out, "\\x%02X", p[i]);
    }
}

void plain_print_csv(FILE *out, const void *data, size_t len)
{
    const char *p = data;
    bool formula = len > 0 && strchr("=+-@", p[0]) && p[0];
    bool quoted = len > 0 && (memchr(p, ',', len) || memchr(p, '"', len));
    if (quoted)
        putc('"', out);
    if (formula)
        putc('\'', out);
    for (size_t i = 0; i < len; i++) {
        if (p[i] == '"')
            putc('"', out);
        plain_print(out, p + i, 1);
    }
    if (quoted)
        putc('"', out);
}
