#include "report/html.h"

#include <stdint.h>
#include <string.h>

#include "render/safe.h"

static void put_escaped(FILE *out, char c)
{
    switch (c) {
    case '&':
        fputs("&amp;", out);
        break;
    case '<':
        fputs("&lt;", out);
        break;
    case '>':
        fputs("&gt;", out);
        break;
    case '"':
        fputs("&quot;", out);
        break;
    case '\'':
        fputs("&#39;", out);
        break;
    default:
        putc(c, out);
    }
}

void html_bytes(FILE *out, const void *data, size_t len)
{
    struct figure_text text = {data, len};
    GString *visible = NULL; /* made for what is not plain ASCII */
    int marks = 0;
    for (size_t at = 0; at < len;) {
        char c = text.bytes[at];
        if (c >= 0x20 && c < 0x7f) {
            put_escaped(out, c);
            marks = 0;
            at++;
            continue;
        }
        visible = visible ? g_string_truncate(visible, 0) : g_string_new(NULL);
        safe_append_next(visible, text, &at, false, &marks);
        for (gsize i = 0; i < visible->len; i++)
            put_escaped(out, visible->str[i]);
    }
    if (visible)
        g_string_free(visible, TRUE);
}

void html_string(FILE *out, const char *string)
{
    html_bytes(out, string, strlen(string));
}

void html_text(FILE *out, struct text text)
{
    html_bytes(out, text.data, text.len);
}

void html_url(FILE *out, const void *data, size_t len)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:";
    const uint8_t *bytes = data;
    for (size_t i = 0; i < len; i++) {
        if (memchr(plain, bytes[i], sizeof plain - 1))
            putc(bytes[i], out);
        else
            fprintf(out, "%%%02X", bytes[i]);
    }
}

void html_base64(FILE *out, const void *data, size_t len)
{
    gchar *encoded = g_base64_encode(data, len);
    fputs(encoded, out);
    g_free(encoded);
}
