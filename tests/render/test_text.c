/* Text made safe, fitted and wrapped. */
#include <criterion/criterion.h>

#include "render/text.h"

static struct text_meter *meter;

static void set_up(void)
{
    meter = text_meter_new(NULL);
}

static void tear_down(void)
{
    text_meter_free(meter);
}

TestSuite(text, .init = set_up, .fini = tear_down);

Test(text, safe)
{
    static const struct {
        struct figure_text text;
        const char *safe;
    } cases[] = {
        {{"plain ümlaut 你好", 20}, "plain ümlaut 你好"},
        {{"a\0b", 3}, "a<U+0000>b"},
        {{"\x1b[31m\r\n\t\x7f", 9}, "<U+001B>[31m<U+000D><U+000A><U+0009><U+007F>"},
        {{"\xc2\x85", 2}, "<U+0085>"},
        {{"\xff\xc3", 2}, "\xef\xbf\xbd\xef\xbf\xbd"},
        {{"\xed\xa0\x80", 3}, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* a surrogate */
        {{"\xc0\xaf", 2}, "\xef\xbf\xbd\xef\xbf\xbd"},                 /* overlong */
        {{"\xe2\x80\xaegro\xe2\x80\xac", 9}, "<U+202E>gro<U+202C>"},
        {{"\xe2\x81\xa6x\xe2\x80\x8b", 7}, "<U+2066>x<U+200B>"},
        {{"\xef\xbf\xbf", 3}, "<U+FFFF>"},
        {{"e\xcc\x81\xcc\x82\xcc\x83", 7}, "e\xcc\x81\xcc\x82<U+0303>"},
        {{NULL, 0}, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_str_eq(text_safe(meter, cases[i].text, false), cases[i].safe);
    cr_assert_str_eq(text_safe(meter, figure_text("a\nb"), true), "a\nb");
}

Test(text, huge_text_is_cut)
{
    size_t len = 10000000;
    char *huge = malloc(len);
    cr_assert(huge != NULL);
    memset(huge, 'x', len);
    memcpy(huge, "head", 4);
    memcpy(huge + len - 4, "tail", 4);
    const char *safe = text_safe(meter, (struct figure_text){huge, len}, false);
    cr_assert(g_utf8_strlen(safe, -1) <= TEXT_MAX_CHARS);
    cr_assert(g_str_has_prefix(safe, "head") && g_str_has_suffix(safe, "tail") && strstr(safe, "…"));
    free(huge);
}

Test(text, fit)
{
    const char *host = "a-very-long-name.example.org:443";
    double whole = text_width(meter, TEXT_HEADING, host);
    cr_assert_str_eq(text_fit(meter, TEXT_HEADING, host, whole, TEXT_CUT_MIDDLE), host);
    for (double room = whole - 1; room > 0; room -= 7) {
        const char *middle = text_fit(meter, TEXT_HEADING, host, room, TEXT_CUT_MIDDLE);
        cr_assert(*middle == '\0' || text_width(meter, TEXT_HEADING, middle) <= room);
        cr_assert(*middle == '\0' || strstr(middle, "…"));
        const char *end = text_fit(meter, TEXT_HEADING, host, room, TEXT_CUT_END);
        cr_assert(*end == '\0' || (g_str_has_suffix(end, "…") && text_width(meter, TEXT_HEADING, end) <= room));
    }
    const char *middle = text_fit(meter, TEXT_HEADING, host, whole / 2, TEXT_CUT_MIDDLE);
    cr_assert(g_str_has_prefix(middle, "a-ve") && g_str_has_suffix(middle, ":443"));
    cr_assert_str_eq(text_fit(meter, TEXT_SMALL, "x", 0, TEXT_CUT_END), "");
}

Test(text, wrap)
{
    const char *lines[4];
    double room = text_width(meter, TEXT_BODY, "one two three");
    cr_assert_eq(text_wrap(meter, TEXT_BODY, "one two three four five", room, lines, 4), 2);
    cr_assert_str_eq(lines[0], "one two three");
    cr_assert_str_eq(lines[1], "four five");
    cr_assert_eq(text_wrap(meter, TEXT_BODY, "one two three four five six seven eight", room, lines, 2), 2);
    cr_assert(g_str_has_suffix(lines[1], "…"));
    cr_assert_eq(text_wrap(meter, TEXT_BODY, "onewordthatistoolongforaline two", room, lines, 4), 2);
    cr_assert(g_str_has_suffix(lines[0], "…"));
    cr_assert_eq(text_wrap(meter, TEXT_BODY, "", room, lines, 4), 0);
}

Test(text, xml)
{
    GString *out = g_string_new(NULL);
    text_append_xml(out, "<a href=\"x\">'&'\n</a>");
    cr_assert_str_eq(out->str, "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&#10;&lt;/a&gt;");
    g_string_free(out, TRUE);
}
