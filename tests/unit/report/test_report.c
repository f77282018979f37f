#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "../analyze/scene.h"
#include "analyze/load.h"
#include "base/memory.h"
#include "report/report.h"

/* A session and what is asked of it. */
struct fixture {
    struct model *model;
    struct pages *pages;
    struct report_input input;
    struct report_query query;
    struct report_place place;
};

/* Make a model of `n` connections: number i at i × 10 ms, with one request, to the host "even" or "odd". */
static struct model *make_model(uint32_t n)
{
    struct model *model = model_new(&(struct model_options){0});
    struct event_sink sink = scene_to_model(model);
    scene_session_start(&sink, 1);
    for (uint32_t id = 1; id <= n; id++) {
        uint64_t t_ms = id * 10;
        scene_connection_start(&sink, id, t_ms);
        scene_socks(&sink, id, t_ms + 1, 1, id % 2 == 0 ? "even" : "odd", 80);
        scene_reply(&sink, id, t_ms + 2, 0);
        scene_request(&sink, id, 1, t_ms + 3, id % 2 == 0 ? "/e" : "/o");
        scene_response(&sink, id, 1, t_ms + 5, 200);
        scene_response_end(&sink, id, 1, t_ms + 7, 100, MITM__HTTP_END_CAUSE__CONTENT_LENGTH);
        scene_connection_end(&sink, id, t_ms + 8, MITM__END_CAUSE__FIN);
    }
    return model;
}

static void setup(struct fixture *fixture, struct model *model)
{
    *fixture = (struct fixture){.model = model, .query = {.from_ns = MODEL_NONE, .to_ns = MODEL_NONE}};
    if (model_session_count(model) > 0)
        fixture->pages = pages_new(model_session(model, 0), &(struct pages_options){0});
    fixture->input = (struct report_input){.model = model, .pages = fixture->pages, .file = "a.mitm"};
    fixture->place = (struct report_place){.base = "/", .key = "KEY", .settings = true};
}

static void teardown(struct fixture *fixture)
{
    pages_free(fixture->pages);
    model_free(fixture->model);
}

/* Return the document; the caller frees it. */
static char *document(const struct fixture *fixture)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    cr_assert_not_null(out);
    report_html(out, &fixture->input, &fixture->query, &fixture->place);
    fclose(out);
    return text;
}

static size_t count(const char *text, const char *part)
{
    size_t n = 0;
    for (const char *p = text; (p = strstr(p, part)); p += strlen(part))
        n++;
    return n;
}

/* Return the first and the last connection of the part that the query selects, and how many there are. */
static size_t shown(const struct fixture *fixture, uint32_t *first, uint32_t *last, size_t *parts)
{
    const struct model_session *session = model_session(fixture->model, 0);
    bool *marks = memory_new(session->connection_count, sizeof *marks);
    size_t n = 0;
    *parts = report_connections(&fixture->input, &fixture->query, marks);
    for (size_t i = 0; i < session->connection_count; i++) {
        if (!marks[i])
            continue;
        *last = model_connection(session, i)->id;
        *first = n++ == 0 ? *last : *first;
    }
    free(marks);
    return n;
}

static void expect_shown(struct fixture *fixture, const char *query, size_t n, uint32_t first, uint32_t last,
                         size_t parts)
{
    uint32_t seen_first = 0, seen_last = 0;
    size_t seen_parts;
    cr_assert_null(report_query_parse(&fixture->query, query));
    size_t seen = shown(fixture, &seen_first, &seen_last, &seen_parts);
    cr_expect(seen == n && seen_first == first && seen_last == last && seen_parts == parts,
              "%s: %zu connections, %u to %u, %zu parts", query, seen, seen_first, seen_last, seen_parts);
}

Test(report, parts_newest_first)
{
    struct fixture fixture;
    setup(&fixture, make_model(250));
    expect_shown(&fixture, "", 100, 151, 250, 3);
    expect_shown(&fixture, "part=1", 100, 151, 250, 3);
    expect_shown(&fixture, "part=2", 100, 51, 150, 3);
    expect_shown(&fixture, "part=3", 50, 1, 50, 3);
    expect_shown(&fixture, "part=4", 50, 1, 50, 3);
    teardown(&fixture);
}

Test(report, selections)
{
    struct fixture fixture;
    setup(&fixture, make_model(250));
    expect_shown(&fixture, "server=even", 100, 52, 250, 2);
    expect_shown(&fixture, "server=ODD:80&part=2", 25, 1, 49, 2);
    expect_shown(&fixture, "server=odd:81", 0, 0, 0, 1);
    expect_shown(&fixture, "server=od", 0, 0, 0, 1);
    expect_shown(&fixture, "connection=7", 1, 7, 7, 1);
    expect_shown(&fixture, "connection=251", 0, 0, 0, 1);
    /* Number i lives from i × 10 ms to i × 10 + 8 ms. */
    expect_shown(&fixture, "from=0.1&to=0.12", 3, 10, 12, 1);
    expect_shown(&fixture, "from=0.1081&to=0.1199", 1, 11, 11, 1);
    expect_shown(&fixture, "to=0.02", 2, 1, 2, 1);
    expect_shown(&fixture, "from=2.5", 1, 250, 250, 1);
    expect_shown(&fixture, "from=3", 0, 0, 0, 1);
    teardown(&fixture);
}

Test(report, each_connection_of_the_part_is_there_once)
{
    struct fixture fixture;
    setup(&fixture, make_model(250));
    fixture.query.part = 2;
    char *text = document(&fixture);
    cr_expect_eq(count(text, "<tbody id=\"connection-"), 100);
    cr_expect_eq(count(text, "<tbody id=\"connection-150\""), 1);
    cr_expect_eq(count(text, "<tbody id=\"connection-51\""), 1);
    cr_expect(strstr(text, "connection-150\"") < strstr(text, "connection-149\""));
    cr_expect_eq(count(text, "part 2 of 3"), 3, "at the graph, above the list and below it");
    cr_expect(strstr(text, "<a href=\"/?part=3\">older</a>"));
    cr_expect(strstr(text, "<a href=\"/\">newest</a>"));
    free(text);
    fixture.place = (struct report_place){.self_contained = true};
    text = document(&fixture);
    cr_expect_eq(count(text, "<tbody id=\"connection-"), 250);
    cr_expect_eq(count(text, "<div class=\"graph\""), 3);
    free(text);
    teardown(&fixture);
}

/* What the article of 23 September 2011 printed of connection 435, and its place in the graph. */
Test(report, of_the_article)
{
    static const char *const paths[] = {SAMPLES "/article.mitm"};
    struct model *model = model_new(&(struct model_options){0});
    struct fixture fixture;
    cr_assert_eq(load_files(model, paths, 1), 0);
    setup(&fixture, model);
    char *text = document(&fixture);
    cr_expect(strstr(text, "<tr><td class=\"t\">000.249</td><td>SocksRequestStart</td><td class=\"v\">freedomboxblog.nl"
                           "</td></tr>"));
    cr_expect(strstr(text, "<tr><td class=\"t\">004.293</td><td>HttpResponseStart</td><td class=\"v\">HTTP/1.1 200 OK"
                           "</td></tr>"));
    cr_expect(strstr(text, "<td class=\"v\">20522</td>"));
    cr_expect(strstr(text, "(still open: 1)") && strstr(text, "there are still open connections"));
    cr_expect(strstr(text, "href=\"#connection-435\""));
    cr_expect(strstr(text, "<a href=\"/?server=freedomboxblog.nl:80\">freedomboxblog.nl:80</a>"));
    free(text);
    teardown(&fixture);
}

/* Return `text` without the lines that contain class="live". The caller frees it. */
static char *without_live(const char *text)
{
    char *kept = NULL;
    size_t len;
    FILE *out = open_memstream(&kept, &len);
    cr_assert_not_null(out);
    while (*text) {
        size_t line = strcspn(text, "\n") + 1;
        if (!memmem(text, line, "class=\"live\"", 12))
            fwrite(text, 1, line, out);
        text += line;
    }
    fclose(out);
    return kept;
}

Test(report, live_equals_offline_but_for_lines_that_say_so)
{
    struct fixture fixture;
    setup(&fixture, make_model(30));
    char *offline = document(&fixture);
    fixture.input.live = true;
    char *live = document(&fixture);
    cr_expect_str_neq(live, offline);
    char *live_rest = without_live(live), *offline_rest = without_live(offline);
    cr_expect_str_eq(live_rest, offline_rest);
    cr_expect_eq(count(live, "records so far"), 1);
    cr_expect_eq(count(offline, "records so far"), 0);
    struct render_buffer one = {0}, other = {0};
    cr_assert_eq(report_picture(&fixture.input, &fixture.query, RENDER_PNG, false, 0, &one), RENDER_OK);
    fixture.input.live = false;
    cr_assert_eq(report_picture(&fixture.input, &fixture.query, RENDER_PNG, false, 0, &other), RENDER_OK);
    cr_expect(one.len_bytes == other.len_bytes && memcmp(one.bytes, other.bytes, one.len_bytes) == 0);
    render_buffer_fini(&one);
    render_buffer_fini(&other);
    free(live);
    free(offline);
    free(live_rest);
    free(offline_rest);
    teardown(&fixture);
}

Test(report, nothing_recorded_yet)
{
    struct fixture fixture;
    setup(&fixture, model_new(&(struct model_options){0}));
    fixture.input.live = true;
    char *text = document(&fixture);
    cr_expect(strstr(text, "What to do next") && strstr(text, "proxy.pac") && strstr(text, "TOR_SOCKS_PORT=9000"));
    free(text);
    fixture.input.live = false;
    text = document(&fixture);
    cr_expect(strstr(text, "Nothing recorded"));
    free(text);
    struct render_buffer picture = {0};
    cr_expect_eq(report_picture(&fixture.input, &fixture.query, RENDER_SVG, true, 0, &picture), RENDER_OK);
    render_buffer_fini(&picture);
    teardown(&fixture);
}

Test(report, dns_leak)
{
    struct model *model = model_new(&(struct model_options){0});
    struct event_sink sink = scene_to_model(model);
    EVENT_NEW(start, start_ev, 0, SessionStart, SESSION_START, session_start);
    start_ev.magic = (char[]){"MITM session"};
    EVENT_SET(start_ev, upstream_kind, MITM__UPSTREAM_KIND__SOCKS5);
    event_emit(&sink, &start);
    /* A name, and two that the client has looked up (RFC 1928, section 5: their types). */
    static const struct {
        uint32_t type;
        const char *host;
    } asked[] = {{3, "www.example"}, {1, "192.0.2.7"}, {4, "2001:db8::7"}};
    for (uint32_t id = 1; id <= 3; id++) {
        const char *host = asked[id - 1].host;
        EVENT_NEW(request, ev, id * 1000000, SocksRequestStart, SOCKS_REQUEST_START, socks_request_start);
        EVENT_SET(ev, command, 1);
        EVENT_SET(ev, address_type, asked[id - 1].type);
        EVENT_SET_BYTES(ev, host, host, strlen(host));
        EVENT_SET(ev, port, 80);
        request.has_connection = true;
        request.connection = id;
        event_emit(&sink, &request);
    }
    struct fixture fixture;
    setup(&fixture, model);
    char *text = document(&fixture);
    cr_expect(strstr(text, "2 connections asked for an IP address"));
    free(text);
    teardown(&fixture);
}

Test(report, csv_of_all_parts)
{
    struct fixture fixture;
    setup(&fixture, make_model(250));
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    cr_assert_not_null(out);
    strcpy(fixture.query.server, "even:80");
    report_csv(out, &fixture.input, &fixture.query);
    fclose(out);
    cr_expect_eq(count(text, "\r\n"), 126);
    cr_expect(strstr(text, ",even,80,GET,/e,200,23000000,25000000,27000000,2000000,2000000,2000000,100,1\r\n"));
    free(text);
    teardown(&fixture);
}
