#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "report/html.h"

/* Return what `write` makes of the bytes; the caller frees it. */
static char *written(void (*write)(FILE *, const void *, size_t), const char *bytes, size_t len)
{
    char *text = NULL;
    size_t text_len;
    FILE *out = open_memstream(&text, &text_len);
    cr_assert_not_null(out);
    write(out, bytes, len);
    fclose(out);
    cr_assert_eq(strlen(text), text_len, "no NUL is written");
    return text;
}

#define EXPECT(write, bytes, expected)                                                                                 \
    do {                                                                                                               \
        char *text = written(write, bytes, sizeof bytes - 1);                                                          \
        cr_expect_str_eq(text, expected);                                                                              \
        free(text);                                                                                                    \
    } while (0)

/* HTML, 13.1.2.3 and 13.1.3: in text and in quoted attributes, & < > " ' are what markup is made of. */
Test(html, markup_becomes_references)
{
    EXPECT(html_bytes, "<script>alert(\"1\")</script>", "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;");
    EXPECT(html_bytes, "' onload='x", "&#39; onload=&#39;x");
    EXPECT(html_bytes, "&lt;&amp", "&amp;lt;&amp;amp");
    EXPECT(html_bytes, "", "");
}

Test(html, what_does_not_show_is_spelt_out)
{
    EXPECT(html_bytes, "a\0b", "a&lt;U+0000&gt;b");
    EXPECT(html_bytes, "a\r\n\tb\x7f", "a&lt;U+000D&gt;&lt;U+000A&gt;&lt;U+0009&gt;b&lt;U+007F&gt;");
    EXPECT(html_bytes, "\xe2\x80\xae\xe2\x81\xa6", "&lt;U+202E&gt;&lt;U+2066&gt;");     /* bidi controls */
    EXPECT(html_bytes, "x\xe2\x80\x8by\xef\xbb\xbf", "x&lt;U+200B&gt;y&lt;U+FEFF&gt;"); /* zero width */
    EXPECT(html_bytes, "e\xcc\x81\xcc\x81\xcc\x81", "e\xcc\x81\xcc\x81&lt;U+0301&gt;"); /* piled-up accents */
    EXPECT(html_bytes, "e\xcc\x81\xcc\x81x\xcc\x81", "e\xcc\x81\xcc\x81x\xcc\x81");     /* on two letters */
    EXPECT(html_bytes, "caf\xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x98\x80", "caf\xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x98\x80");
}

/* Unicode 15.0, table 3-7: overlong forms, surrogates, what is cut off and what is too high are no UTF-8. */
Test(html, invalid_utf8_is_replaced)
{
    EXPECT(html_bytes, "\xff<\xfe", "\xef\xbf\xbd&lt;\xef\xbf\xbd");
    EXPECT(html_bytes, "\xc0\xbc", "\xef\xbf\xbd\xef\xbf\xbd");
    EXPECT(html_bytes, "\xe2\x80<b>", "\xef\xbf\xbd\xef\xbf\xbd&lt;b&gt;");
    EXPECT(html_bytes, "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    EXPECT(html_bytes, "\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}

/* RFC 3986, 2.1 and 2.3. */
Test(html, url)
{
    EXPECT(html_url, "www.example.org:80", "www.example.org:80");
    EXPECT(html_url, "a b&c=d+e%<\">'#?/", "a%20b%26c%3Dd%2Be%25%3C%22%3E%27%23%3F%2F");
    EXPECT(html_url, "\xc3\xa9\x00\xff", "%C3%A9%00%FF");
}

/* RFC 4648, section 10. */
Test(html, base64)
{
    EXPECT(html_base64, "", "");
    EXPECT(html_base64, "f", "Zg==");
    EXPECT(html_base64, "foobar", "Zm9vYmFy");
}

/* Whatever the bytes are: no character of markup is left but references, and it is one line of UTF-8. */
Test(html, any_bytes)
{
    uint64_t state = 1;
    for (int round = 0; round < 20000; round++) {
        char bytes[24];
        for (size_t i = 0; i < sizeof bytes; i++) {
            state = state * 6364136223846793005U + 1442695040888963407U;
            bytes[i] = (char)(state >> 56);
        }
        char *text = written(html_bytes, bytes, sizeof bytes);
        for (const char *p = text; *p; p++) {
            cr_assert(!strchr("<>\"'", *p) && (unsigned char)*p >= 0x20 && *p != 0x7f);
            cr_assert(*p != '&' || memcmp(p, "&lt;", 4) == 0 || memcmp(p, "&gt;", 4) == 0 ||
                      memcmp(p, "&amp;", 5) == 0 || memcmp(p, "&quot;", 6) == 0 || memcmp(p, "&#39;", 5) == 0);
        }
        free(text);
    }
}
