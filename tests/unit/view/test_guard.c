#include <criterion/criterion.h>

#include "view/guard.h"

#define SECRET  "00112233445566778899aabbccddeeff"
#define FIREFOX "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
#define HTML    "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

static bool live(struct guard_request request)
{
    const struct guard_identity identity = {.hosts = "mitm.proxy", .secret = SECRET};
    return guard_allows(&identity, &request);
}

#define PAGE .kind = GUARD_PAGE, .target = "/", .host = "mitm.proxy", .accept = HTML, .user_agent = FIREFOX
#define PART                                                                                                           \
    .kind = GUARD_PART, .target = "/timeline.svg", .host = "mitm.proxy", .accept = "image/*", .user_agent = FIREFOX
#define POST .kind = GUARD_POST, .target = "/settings", .host = "mitm.proxy", .accept = HTML, .user_agent = FIREFOX

Test(guard, lets_the_user_in)
{
    cr_assert(live((struct guard_request){PAGE}));
    cr_assert(live((struct guard_request){PAGE, .sec_fetch_site = "none"}));
    cr_assert(live((struct guard_request){PAGE, .sec_fetch_site = "same-origin"}));
    cr_assert(live((struct guard_request){PAGE, .referer = "http://mitm.proxy/?page=3"}));
    cr_assert(live((struct guard_request){.target = "/", .host = "MITM.Proxy", .accept = "*/*"}));
    cr_assert(live((struct guard_request){.target = "/", .host = "mitm.proxy", .user_agent = "curl/7.88.1"}));
}

Test(guard, has_an_icon_for_images_alone)
{
    cr_assert(
        live((struct guard_request){.kind = GUARD_ICON, .target = "/", .host = "mitm.proxy", .accept = "image/*"}));
    cr_assert(live((struct guard_request){.kind = GUARD_ICON, .target = "/", .host = "mitm.proxy"}));
    cr_assert_not(
        live((struct guard_request){.kind = GUARD_ICON, .target = "/", .host = "mitm.proxy", .accept = HTML}));
    cr_assert_not(live((struct guard_request){.kind = GUARD_ICON, .target = "/", .host = "evil", .accept = "image/*"}));
}

Test(guard, refuses_a_foreign_host)
{
    static const char *const hosts[] = {"",          "evil.example", "mitm.proxy:80",        "mitm.proxy.",
                                        "mitm.prox", "mitm.proxy ",  "mitm.proxy.evil.test", "xmitm.proxy",
                                        " ",         "127.0.0.1"};
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
        cr_expect_not(live((struct guard_request){.target = "/", .host = hosts[i], .accept = HTML}), "%s", hosts[i]);
    cr_expect_not(live((struct guard_request){.target = "/", .accept = HTML}));
    cr_expect_not(live((struct guard_request){.target = "http://mitm.proxy/", .host = "mitm.proxy", .accept = HTML}));
    cr_expect_not(live((struct guard_request){PAGE, .repeated = true}));
}

Test(guard, knows_several_hosts)
{
    const struct guard_identity identity = {.hosts = "127.0.0.1:8642 localhost:8642 [::1]:8642", .secret = SECRET};
    static const char *const right[] = {"127.0.0.1:8642", "localhost:8642", "[::1]:8642"};
    static const char *const wrong[] = {"127.0.0.1", "localhost:8643", "127.0.0.1:8642 localhost:8642", "::1"};
    for (size_t i = 0; i < sizeof right / sizeof *right; i++)
        cr_expect(guard_allows(&identity, &(struct guard_request){.target = "/", .host = right[i], .accept = HTML}));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        cr_expect_not(
            guard_allows(&identity, &(struct guard_request){.target = "/", .host = wrong[i], .accept = HTML}));
}

Test(guard, refuses_what_other_sites_cause)
{
    cr_expect_not(live((struct guard_request){PAGE, .sec_fetch_site = "cross-site"}));
    cr_expect_not(live((struct guard_request){PAGE, .sec_fetch_site = "same-site"}));
    cr_expect_not(live((struct guard_request){PAGE, .origin = "http://evil.example"}));
    cr_expect_not(live((struct guard_request){PAGE, .origin = "null"}));
    cr_expect_not(live((struct guard_request){PAGE, .origin = "https://mitm.proxy"}));
    cr_expect_not(live((struct guard_request){PAGE, .origin = "http://mitm.proxy:81"}));
    cr_expect_not(live((struct guard_request){PAGE, .referer = "http://evil.example/"}));
    cr_expect_not(live((struct guard_request){PAGE, .referer = "http://mitm.proxy.evil.example/"}));
    cr_expect_not(live((struct guard_request){PAGE, .referer = "http://mitm.proxy@evil.example/"}));
    /* With the key, too: it may have been told by mistake. */
    cr_expect_not(live((struct guard_request){PART, .key = SECRET, .sec_fetch_site = "cross-site"}));
    cr_expect_not(live((struct guard_request){POST, .key = SECRET, .origin = "http://evil.example"}));
}

/* What <img>, <script>, fetch() and <iframe> of another page send to plain http: no Sec-Fetch-Site, and, if the page
 * wants so, no Referer. */
Test(guard, refuses_a_page_as_a_part_of_another)
{
    static const char *const accepts[] = {"*/*", "image/avif,image/webp,*/*", "text/css,*/*;q=0.1", "", NULL};
    for (size_t i = 0; i < sizeof accepts / sizeof *accepts; i++)
        cr_expect_not(live(
            (struct guard_request){.target = "/", .host = "mitm.proxy", .accept = accepts[i], .user_agent = FIREFOX}));
    cr_expect_not(live((struct guard_request){
        .target = "/", .host = "mitm.proxy", .accept = "*/*", .user_agent = "x", .origin = "http://mitm.proxy"}));
}

Test(guard, wants_the_key_for_parts_and_changes)
{
    cr_expect(live((struct guard_request){PART, .key = SECRET}));
    cr_expect(live((struct guard_request){POST, .key = SECRET}));
    cr_expect(live((struct guard_request){POST, .key = SECRET, .origin = "null"}));
    cr_expect(live((struct guard_request){POST, .key = SECRET, .origin = "http://mitm.proxy"}));
    static const char *const keys[] = {
        NULL, "", "0", SECRET "0", "00112233445566778899aabbccddeefF", "10112233445566778899aabbccddeeff"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        cr_expect_not(live((struct guard_request){PART, .key = keys[i]}));
        cr_expect_not(live((struct guard_request){POST, .key = keys[i]}));
    }
    const struct guard_identity none = {.hosts = "mitm.proxy", .secret = ""};
    cr_expect_not(guard_allows(&none, &(struct guard_request){PART, .key = ""}), "an empty secret opens nothing");
}
