/* Page loads: expected groupings follow from the rule in analyze/pages.h, not from what the code gives. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "analyze/intake.h"
#include "analyze/pages.h"
#include "scene.h"
#include "scene_tls.h"

static struct model *model;
static struct event_sink sink;
static struct pages *pages;
static uint32_t exchanges[64]; /* of each connection so far */

static void setup(void)
{
    model = model_new(&(struct model_options){0});
    sink = scene_to_model(model);
    scene_session_start(&sink, 1);
    memset(exchanges, 0, sizeof exchanges);
    pages = NULL;
}

static void teardown(void)
{
    pages_free(pages);
    model_free(model);
}

TestSuite(pages, .init = setup, .fini = teardown);

static void group(const struct pages_options *options)
{
    pages_free(pages);
    pages = pages_new(model_session(model, 0), options);
}

/* A connection that is ready 20 ms after it began. */
static void connect_to(uint32_t connection, uint64_t t_ms, const char *host, const char *user)
{
    scene_connection_start(&sink, connection, t_ms);
    if (user)
        scene_user(&sink, connection, t_ms, user);
    scene_socks(&sink, connection, t_ms, 1, host, 80);
    scene_reply(&sink, connection, t_ms + 20, 0);
}

/* A request with its response, which begins 30 ms later and ends 40 ms later; fields: name, value, name, value. */
static void get(uint32_t connection, uint64_t t_ms, const char *target, const char *const fields[4], uint32_t status,
                const char *location)
{
    uint32_t x = ++exchanges[connection];
    scene_request(&sink, connection, x, t_ms, target);
    scene_fields(&sink, connection, x, t_ms, false, fields);
    scene_request_end(&sink, connection, x, t_ms);
    scene_response(&sink, connection, x, t_ms + 30, status);
    scene_fields(&sink, connection, x, t_ms + 30, true, (const char *const[4]){location ? "location" : NULL, location});
    scene_response_end(&sink, connection, x, t_ms + 40, 100, MITM__HTTP_END_CAUSE__CONTENT_LENGTH);
}

#define DOCUMENT             ((const char *const[4]){"Accept", "text/html,application/xhtml+xml"})
#define DOCUMENT_FROM(page)  ((const char *const[4]){"Accept", "text/html", "Referer", page})
#define RESOURCE_OF(page)    ((const char *const[4]){"Accept", "*/*", "Referer", page})
#define RESOURCE             ((const char *const[4]){"Accept", "*/*"})
#define FETCHES(destination) ((const char *const[4]){"Accept", "text/html", "Sec-Fetch-Dest", destination})

static const struct page *page(size_t number)
{
    cr_assert_leq(number, pages_count(pages));
    return pages_get(pages, number - 1);
}

static int64_t ms(int64_t t_ms)
{
    return t_ms * 1000000;
}

static void check_text(struct text text, const char *expected)
{
    cr_assert_eq(text.len, strlen(expected), "%.*s", (int)text.len, (const char *)text.data);
    cr_assert_arr_eq(text.data, expected, text.len);
}

Test(pages, none)
{
    group(NULL);
    cr_assert_eq(pages_count(pages), 0);
}

Test(pages, one_after_the_other_on_a_kept_connection)
{
    connect_to(1, 1000, "a.test", NULL);
    get(1, 1020, "/", DOCUMENT, 200, NULL);
    get(1, 1100, "/style.css", RESOURCE_OF("http://a.test/"), 200, NULL);
    connect_to(2, 1110, "cdn.test", NULL);
    get(2, 1130, "/font", RESOURCE_OF("http://a.test/style.css"), 200, NULL);
    get(1, 3000, "/next", DOCUMENT_FROM("http://a.test/"), 200, NULL);
    get(1, 3100, "/next.png", RESOURCE_OF("http://a.test/next"), 200, NULL);
    group(NULL);
    cr_assert_eq(pages_count(pages), 2);
    check_text(page(1)->host, "a.test");
    check_text(page(1)->target, "/");
    cr_assert_eq(page(1)->rule, PAGE_NAVIGATION);
    cr_assert_eq(page(1)->start_ns, ms(1000), "the connection was made for it");
    cr_assert_eq(page(1)->first_byte_ns, ms(1050));
    cr_assert_eq(page(1)->end_ns, ms(1170));
    cr_assert_eq(page_load_ns(page(1)), ms(170));
    cr_assert_eq(page(1)->requests, 3);
    cr_assert_eq(page(1)->connections, 2);
    cr_assert_eq(page(1)->servers, 2);
    cr_assert_eq(page(1)->received_bytes, 300);
    cr_assert_eq(page(2)->start_ns, ms(3000), "the connection was there before");
    cr_assert_eq(page(2)->requests, 2);
    cr_assert_eq(page(2)->connections, 1);
    cr_assert(pages_has_connection(pages, 1, 0) && pages_has_connection(pages, 2, 0));
    cr_assert(pages_has_connection(pages, 1, 1) && !pages_has_connection(pages, 2, 1));
    cr_assert_eq(pages_of_connection(pages, 0), 1);
    cr_assert_eq(pages_of_exchange(pages, 4), 2);
}

Test(pages, redirects_continue_the_page)
{
    connect_to(1, 0, "a.test", NULL);
    get(1, 20, "/old", DOCUMENT, 301, "/dir/new");
    get(1, 70, "/dir/new", DOCUMENT, 302, "http://b.test/");
    connect_to(2, 120, "b.test", NULL);
    get(2, 140, "/", DOCUMENT, 302, "last#part");
    get(2, 200, "/last", DOCUMENT, 200, NULL);
    group(NULL);
    cr_assert_eq(pages_count(pages), 1);
    check_text(page(1)->target, "/old");
    cr_assert_eq(page(1)->requests, 4);
    cr_assert_eq(page(1)->servers, 2);
}

Test(pages, frames_belong_to_the_page_that_is_loading)
{
    connect_to(1, 0, "a.test", NULL);
    get(1, 20, "/", DOCUMENT, 200, NULL);
    get(1, 100, "/frame", DOCUMENT_FROM("http://a.test/"), 200, NULL);
    get(1, 2000, "/clicked", DOCUMENT_FROM("http://a.test/"), 200, NULL); /* 1.86 s after the last response */
    group(NULL);
    cr_assert_eq(pages_count(pages), 2);
    cr_assert_eq(page(1)->requests, 2);
    check_text(page(2)->target, "/clicked");
}

Test(pages, fetch_metadata_decides_where_there_is_any)
{
    connect_to(1, 0, "a.test", NULL);
    get(1, 20, "/", FETCHES("document"), 200, NULL);
    get(1, 100, "/frame", FETCHES("iframe"), 200, NULL);
    get(1, 150, "/xhr", FETCHES("empty"), 200, NULL);
    get(1, 200, "/second", FETCHES("document"), 200, NULL); /* without waiting for anything */
    group(NULL);
    cr_assert_eq(pages_count(pages), 2);
    cr_assert_eq(page(1)->requests, 3);
    cr_assert_eq(page(2)->requests, 1);
}

Test(pages, two_tabs_at_once)
{
    connect_to(1, 0, "a.test", NULL);
    connect_to(2, 0, "b.test", NULL);
    get(1, 20, "/", DOCUMENT, 200, NULL);
    get(2, 25, "/", DOCUMENT, 200, NULL);
    get(1, 100, "/a1", RESOURCE_OF("http://a.test/"), 200, NULL);
    get(2, 105, "/b1", RESOURCE_OF("http://b.test/"), 200, NULL);
    get(1, 200, "/a2", RESOURCE_OF("http://a.test/"), 200, NULL);
    connect_to(3, 210, "cdn.test", NULL);
    get(3, 230, "/x", RESOURCE_OF("http://a.test/"), 200, NULL); /* the origin alone, as browsers tell other sites */
    get(3, 300, "/favicon.ico", RESOURCE, 200, NULL);            /* names nothing: the page begun last */
    group(NULL);
    cr_assert_eq(pages_count(pages), 2);
    cr_assert_eq(page(1)->requests, 4);
    cr_assert_eq(page(2)->requests, 3);
}

Test(pages, first_parties_are_kept_apart)
{
    connect_to(1, 0, "cdn.test", "a.test:0");
    connect_to(2, 0, "cdn.test", "b.test:0");
    get(1, 20, "/", DOCUMENT, 200, NULL);
    get(2, 30, "/", DOCUMENT, 200, NULL);
    get(1, 100, "/1", RESOURCE, 200, NULL);
    get(2, 110, "/2", RESOURCE, 200, NULL);
    get(2, 120, "/3", RESOURCE, 200, NULL);
    group(NULL);
    cr_assert_eq(pages_count(pages), 2);
    cr_assert_eq(page(1)->rule, PAGE_FIRST_PARTY);
    check_text(page(1)->first_party, "a.test:0");
    cr_assert_eq(page(1)->requests, 2);
    cr_assert_eq(page(2)->requests, 3);
}

Test(pages, pauses_divide_what_cannot_be_seen_into)
{
    connect_to(1, 0, "a.test", NULL);
    scene_opaque(&sink, 1, 50, MITM__DIRECTION__TO_CLIENT, 1000);
    scene_opaque(&sink, 1, 4000, MITM__DIRECTION__TO_CLIENT, 500);
    scene_opaque(&sink, 1, 9500, MITM__DIRECTION__TO_CLIENT, 700); /* 5.5 s later, on the same connection */
    group(NULL);
    cr_assert_eq(pages_count(pages), 2);
    cr_assert_eq(page(1)->rule, PAGE_PAUSE);
    cr_assert_null(page(1)->target.data);
    cr_assert_eq(page(1)->received_bytes, 1500);
    cr_assert_eq(page(1)->end_ns, ms(4000));
    cr_assert_eq(page(2)->received_bytes, 700);
    group(&(struct pages_options){.gap_ns = ms(6000)});
    cr_assert_eq(pages_count(pages), 1);
    group(&(struct pages_options){.gap_ns = ms(1000)});
    cr_assert_eq(pages_count(pages), 3);
    group(&(struct pages_options){.by_session = true});
    cr_assert_eq(pages_count(pages), 1);
    cr_assert_eq(page(1)->received_bytes, 2200);
}

Test(pages, a_connection_made_in_advance_begins_no_page_of_its_own)
{
    connect_to(1, 0, "a.test", NULL);
    connect_to(2, 1500, "a.test", NULL);
    get(2, 1520, "/", DOCUMENT, 200, NULL);
    group(NULL);
    cr_assert_eq(pages_count(pages), 1);
    cr_assert_eq(page(1)->rule, PAGE_NAVIGATION);
    cr_assert_eq(page(1)->start_ns, ms(1500));
    cr_assert_eq(page(1)->connections, 2);
}

/* A second connection that carries nothing, as browsers make them: its SOCKS request comes before the first request,
 * but after the beginning of the connection that was made for that. */
Test(pages, a_connection_made_beside_the_first_one_begins_nothing)
{
    connect_to(1, 1000, "a.test", NULL);
    connect_to(2, 1004, "a.test", NULL);
    get(1, 1020, "/", RESOURCE, 200, NULL);
    group(NULL);
    cr_assert_eq(pages_count(pages), 1);
    cr_assert_eq(page(1)->rule, PAGE_PAUSE);
    cr_assert_eq(page(1)->start_ns, ms(1000));
    group(&(struct pages_options){.by_session = true});
    cr_assert_eq(page(1)->start_ns, ms(1000));
    cr_assert_eq(page_load_ns(page(1)), ms(60));
}

/* What a WebSocket brings belongs to the page; how long it stays open is no part of the load. */
Test(pages, web_sockets_bring_bytes_and_take_no_time)
{
    connect_to(1, 1000, "a.test", NULL);
    get(1, 1020, "/", DOCUMENT, 200, NULL);
    connect_to(2, 1060, "a.test", NULL);
    scene_request(&sink, 2, 1, 1080, "/chat");
    scene_response(&sink, 2, 1, 1110, 101);
    scene_response_end(&sink, 2, 1, 1110, 0, MITM__HTTP_END_CAUSE__TUNNEL);
    scene_message(&sink, 2, 1, 1200, 1200, MITM__DIRECTION__TO_CLIENT, 5000);
    scene_message(&sink, 2, 1, 2200, 2200, MITM__DIRECTION__TO_SERVER, 70);
    scene_message(&sink, 2, 1, 3200, 3200, MITM__DIRECTION__TO_CLIENT, 600);
    group(NULL);
    cr_assert_eq(pages_count(pages), 1);
    cr_assert_eq(page(1)->received_bytes, 100 + 5600);
    cr_assert_eq(page_load_ns(page(1)), ms(110));
}

Test(pages, open_and_failed)
{
    connect_to(1, 0, "a.test", NULL);
    get(1, 20, "/", DOCUMENT, 200, NULL);
    scene_request(&sink, 1, 2, 100, "/lost");
    scene_connection_end(&sink, 1, 200, MITM__END_CAUSE__RESET);
    scene_connection_start(&sink, 2, 210);
    scene_socks(&sink, 2, 210, 1, "nowhere.test", 80);
    scene_reply(&sink, 2, 300, 4);
    group(NULL);
    cr_assert_eq(pages_count(pages), 1);
    cr_assert_eq(page(1)->failures, 2, "a request without a response, a server that was not found");
    cr_assert_not(page(1)->open);
    connect_to(3, 400, "a.test", NULL);
    scene_request(&sink, 3, 1, 420, "/awaited");
    group(NULL);
    cr_assert(page(1)->open);
    cr_assert_eq(page_load_ns(page(1)), MODEL_NONE);
}

Test(pages, odd_addresses)
{
    static char longest[5000];
    memset(longest, 'x', sizeof longest - 1);
    longest[0] = '/';
    connect_to(1, 0, "a.test", NULL);
    get(1, 20, longest, DOCUMENT, 302, longest);
    get(1, 70, "", RESOURCE_OF(longest), 302, "");
    get(1, 120, "*", RESOURCE_OF(""), 302, "//");
    get(1, 170, "http://", RESOURCE_OF("http://"), 302, "#");
    scene_response(&sink, 1, 9, 200, 200); /* that nobody asked for */
    group(NULL);
    cr_assert_eq(pages_count(pages), 1);
}

static void apply(void *ctx, const Mitm__Record *record, bool made)
{
    model_apply(ctx, record, made);
}

/* Real browsers, one page each (samples/README.md). */
Test(pages, samples)
{
    static const char *const names[] = {"chromium", "firefox"};
    for (size_t i = 0; i < 2; i++) {
        char path[1024];
        snprintf(path, sizeof path, SAMPLES "/%s.mitm", names[i]);
        const char *paths[] = {path};
        struct model *sample = model_new(&(struct model_options){0});
        const struct intake_handler handler = {.ctx = sample, .record = apply};
        cr_assert_eq(intake_run(paths, 1, &handler), INTAKE_WHOLE);
        struct pages *found = pages_new(model_session(sample, 0), NULL);
        cr_assert_eq(pages_count(found), 1, "%s: %zu pages", names[i], pages_count(found));
        cr_assert_eq(pages_get(found, 0)->connections, model_session(sample, 0)->connection_count);
        pages_free(found);
        model_free(sample);
    }
}

/* n log n: with n², this would take minutes. */
Test(pages, many, .timeout = 60)
{
    enum { N = 100000 };
    char referer[64] = "http://a.test/";
    connect_to(1, 0, "a.test", NULL);
    for (uint32_t i = 1; i <= N; i++) {
        char target[32];
        snprintf(target, sizeof target, "/%u", i);
        scene_request(&sink, 1, i, i * 10, target);
        scene_fields(&sink, 1, i, i * 10, false, i % 100 == 1 ? DOCUMENT : RESOURCE_OF(referer));
        if (i % 100 == 1)
            snprintf(referer, sizeof referer, "http://a.test/%u", i);
        scene_response(&sink, 1, i, i * 10 + 1, 200);
        scene_response_end(&sink, 1, i, i * 10 + 2, 1, MITM__HTTP_END_CAUSE__CONTENT_LENGTH);
    }
    group(NULL);
    cr_assert_eq(pages_count(pages), N / 100);
    cr_assert_eq(page(7)->requests, 100);
}
