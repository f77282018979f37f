#include "analyze/escape.h"

#include <stdbool.h>
#include <string.h>

static bool is_plain(uint8_t c)
{
    return c >= 0x20 && c < 0x7f && c != '\\';
}

void escape_print(FILE *out, struct text text)
{
    for (uint32_t i = 0; i < text.len; i++) {
        if (is_plain(text.data[i]))
            putc(text.data[i], out);
        else
            fprintf(out, "\\x%02X", text.data[i]);
    }
}

void escape_print_csv(FILE *out, struct text text)
{
    bool formula = text.len > 0 && strchr("=+-@", text.data[0]) && text.data[0];
    bool quoted = text.len > 0 && (memchr(text.data, ',', text.len) || memchr(text.data, '"', text.len));
    if (quoted)
        putc('"', out);
    if (formula)
        putc('\'', out);
    for (uint32_t i = 0; i < text.len; i++) {
        if (text.data[i] == '"')
            putc('"', out);
        escape_print(out, (struct text){text.data + i, 1});
    }
    if (quoted)
        putc('"', out);
}
