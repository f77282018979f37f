#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "../analyze/scene.h"
#include "analyze/load.h"
#include "base/memory.h"
#include "encrypted.h"
#include "report/report.h"

/* ---------------------------------------------------------------- sessions */

enum { MOST = 5 };

/* A session of `n` connections, of which every seventh fails. */
static void put_plain(const struct event_sink *sink, uint32_t session, uint32_t n)
{
    scene_session_start(sink, session);
    scene_mark(sink, 5, "a mark");
    for (uint32_t id = 1; id <= n; id++) {
        uint64_t t_ms = id * 10;
        scene_connection_start(sink, id, t_ms);
        scene_socks(sink, id, t_ms + 1, 1, id % 2 == 0 ? "even" : "odd", 80);
        scene_reply(sink, id, t_ms + 2, id % 7 == 0 ? 5 : 0);
        if (id % 7 != 0) {
            scene_request(sink, id, 1, t_ms + 3, "/");
            scene_response(sink, id, 1, t_ms + 5, 200);
            scene_response_end(sink, id, 1, t_ms + 7, 100, MITM__HTTP_END_CAUSE__CONTENT_LENGTH);
        }
        scene_connection_end(sink, id, t_ms + 8, MITM__END_CAUSE__FIN);
    }
}

/* Make a model of the first `n` of: TLS and HTTP/2; 120 connections; a browser's; TLS and HTTP/2; none. */
static struct model *make_model(size_t n)
{
    static const char *const paths[] = {SAMPLES "/chromium.mitm"};
    struct model *model = model_new(&(struct model_options){.keep_headers = true});
    struct event_sink sink = scene_to_model(model);
    encrypted_session(&sink, 1, 40);
    if (n > 1)
        put_plain(&sink, 2, 120);
    if (n > 2)
        cr_assert_eq(load_files(model, paths, 1), 0);
    if (n > 3)
        encrypted_session(&sink, 4, 5);
    if (n > 4)
        scene_session_start(&sink, 5);
    cr_assert_eq(model_session_count(model), n);
    return model;
}

/* Return the document on session `number` of `model` for the query `text`; 0: on all. The caller frees it. */
static char *document(const struct model *model, size_t number, const char *text)
{
    struct report_input inputs[60];
    struct pages *pages[60];
    struct report_query query;
    const struct report_place place = {.self_contained = true};
    size_t n = model_session_count(model);
    cr_assert(n <= sizeof inputs / sizeof *inputs);
    cr_assert_null(report_query_parse(&query, text));
    for (size_t i = 0; i < n; i++) {
        pages[i] = pages_new(model_session(model, i), &(struct pages_options){0});
        inputs[i] = (struct report_input){.model = model, .pages = pages[i], .details = model, .file = "a.mitm"};
    }
    char *bytes = NULL;
    size_t len;
    FILE *out = open_memstream(&bytes, &len);
    cr_assert_not_null(out);
    query.session = number;
    if (number > 0)
        report_html(out, &inputs[number - 1], &query, &place);
    else
        report_html_sessions(out, inputs, n, &query, &place);
    fclose(out);
    for (size_t i = 0; i < n; i++)
        pages_free(pages[i]);
    return bytes;
}

static size_t count(const char *text, const char *part)
{
    size_t n = 0;
    for (const char *p = text; (p = strstr(p, part)); p += strlen(part))
        n++;
    return n;
}

/* ---------------------------------------------------------------- names */

struct names {
    char **names; /* in order */
    size_t count;
};

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Find what stands between each `before` and the next quotation mark. */
static struct names find_names(const char *text, const char *before)
{
    struct names found = {memory_new(count(text, before) + 1, sizeof(char *)), 0};
    for (const char *p = text; (p = strstr(p, before));) {
        p += strlen(before);
        found.names[found.count++] = strndup(p, strcspn(p, "\""));
    }
    qsort(found.names, found.count, sizeof(char *), compare);
    return found;
}

static void names_free(struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->names[i]);
    free(names->names);
}

/* Expect each name to be there once. */
static void expect_once(const struct names *names)
{
    for (size_t i = 1; i < names->count; i++)
        cr_expect_str_neq(names->names[i], names->names[i - 1], "twice: %s", names->names[i]);
}

/* Expect each of at least `least` references that stand behind `before` to be among `names`. */
static void expect_resolved(const char *text, const char *before, const struct names *names, size_t least)
{
    struct names links = find_names(text, before);
    cr_expect(links.count >= least, "%zu of %s", links.count, before);
    for (size_t i = 0; i < links.count; i++)
        cr_expect(bsearch(&links.names[i], names->names, names->count, sizeof(char *), compare), "nowhere: %s",
                  links.names[i]);
    names_free(&links);
}

static void expect_sound(const char *text, size_t sessions)
{
    struct names ids = find_names(text, " id=\""), maps = find_names(text, "<map name=\"");
    expect_once(&ids);
    expect_once(&maps);
    expect_resolved(text, " href=\"#", &ids, 20 * sessions);
    expect_resolved(text, " usemap=\"#", &maps, maps.count);
    names_free(&ids);
    names_free(&maps);
}

Test(sessions, each_id_is_there_once_and_each_link_leads_to_one)
{
    for (size_t n = 1; n <= MOST; n++) {
        struct model *model = make_model(n);
        char *text = document(model, n == 1 ? 1 : 0, "");
        expect_sound(text, n < MOST ? n : n - 1);
        cr_expect_eq(count(text, "<section class=\"session\">"), n == 1 ? 0 : n);
        cr_expect_eq(count(text, "<style>"), 1);
        cr_expect_eq(count(text, "<main "), 1);
        cr_expect_eq(count(text, "<h1>"), 1);
        free(text);
        model_free(model);
    }
}

/* ---------------------------------------------------------------- contents */

/* Return `text` with `to` for each `from`, and free it. */
static char *replaced(char *text, const char *from, const char *to)
{
    char *result = NULL;
    size_t len;
    FILE *out = open_memstream(&result, &len);
    cr_assert_not_null(out);
    const char *p = text;
    for (const char *at; (at = strstr(p, from)); p = at + strlen(from)) {
        fwrite(p, 1, (size_t)(at - p), out);
        fputs(to, out);
    }
    fputs(p, out);
    fclose(out);
    free(text);
    return result;
}

/* Return a copy of what stands between `begin` and `end`, or the end of the text. */
static char *between(const char *text, const char *begin, const char *end)
{
    const char *from = strstr(text, begin);
    cr_assert_not_null(from, "there is no %s", begin);
    const char *to = strstr(from += strlen(begin), end);
    return to ? strndup(from, (size_t)(to - from)) : strdup(from);
}

/* Return the chapter on session `number` as it were alone: without its number. */
static char *chapter(const char *text, size_t number)
{
    char begin[40], end[40], names[3][40];
    snprintf(begin, sizeof begin, "<h2 id=\"session-%zu\">", number);
    snprintf(end, sizeof end, "<h2 id=\"session-%zu\">", number + 1);
    snprintf(names[0], sizeof names[0], "\"s%zu-", number);
    snprintf(names[1], sizeof names[1], "\"#s%zu-", number);
    snprintf(names[2], sizeof names[2], ", session %zu\"", number);
    char *whole = between(text, begin, end);
    char *body = between(whole, "</nav>\n<p class=\"live\">", "</section>\n<section class=\"session\">");
    free(whole);
    if (number > 1)
        cr_expect_eq(count(body, names[1]), count(body, "\"#"), "links of session %zu to another", number);
    body = replaced(replaced(body, names[0], "\""), names[1], "\"#");
    snprintf(names[0], sizeof names[0], "\"Contents of session %zu\"", number);
    body = replaced(replaced(body, names[2], "\""), names[0], "\"Contents\"");
    return replaced(replaced(body, "<h3 ", "<h2 "), "</h3>", "</h2>");
}

Test(sessions, each_has_all_that_it_has_alone)
{
    struct model *model = make_model(MOST);
    char *text = document(model, 0, "");
    for (size_t number = 1; number <= MOST; number++) {
        char place[40];
        char *alone = document(model, number, "");
        char *one = between(alone, "<p class=\"live\">", "</main>");
        snprintf(place, sizeof place, "<p>Session %zu of %d.</p>\n", number, MOST);
        one = replaced(one, place, "");
        char *other = chapter(text, number);
        if (number == MOST)
            other = replaced(other, "</section>\n</section>\n</main>", "</section>\n</main>");
        char *end = strstr(other, "</main>");
        if (end)
            *end = '\0';
        cr_expect(strcmp(one, other) == 0, "session %zu: %zu and %zu bytes", number, strlen(one), strlen(other));
        free(one);
        free(other);
        free(alone);
    }
    free(text);
    model_free(model);
}

Test(sessions, table)
{
    struct model *model = make_model(3);
    char *text = document(model, 0, "");
    /* Counted by hand above, and in the log of the server that the browser asked for the sample. */
    cr_expect(strstr(text, "<td class=\"n\">1</td><th scope=\"row\" class=\"text\"><a href=\"#session-1\">a.mitm</a> "
                           "<span class=\"quiet\">(the requests of 2 TLS connections are not known)</span></th>"
                           "<td class=\"t\">–</td><td class=\"n\">7.200 s</td><td class=\"n\">7</td>"));
    cr_expect(strstr(text, "<a href=\"#session-2\">a.mitm</a></th><td class=\"t\">–</td><td class=\"n\">1.208 s</td>"
                           "<td class=\"n\">120</td><td class=\"n\">103</td>"));
    cr_expect(strstr(text, "<a href=\"#session-3\">the sample page, chromium</a> <span "
                           "class=\"quiet\">a.mitm</span></th><td class=\"t\">2026-11-22 "
                           "03:26:02 UTC</td>"));
    cr_expect(strstr(text, "<title>a.mitm and 2 more sessions – MITM</title>"));
    cr_expect(strstr(text, "<h2 id=\"session-3\">Session 3: the sample page, chromium</h2>"));
    cr_expect(strstr(text,
                     "<li><a href=\"#session-1\">the one before</a></li><li><a href=\"#session-3\">the next one</a>"
                     "</li><li><a href=\"#sessions\">all sessions</a></li>"));
    free(text);
    model_free(model);
}

Test(sessions, a_selection_is_one_in_each)
{
    struct model *model = make_model(3);
    char *text = document(model, 0, "server=odd");
    expect_sound(text, 1);
    cr_expect_eq(count(text, "<p class=\"selection\">Selected: server odd; "), 3);
    cr_expect_eq(count(text, "server odd; 60 of 120 connections."), 1);
    cr_expect(strstr(text, "<td class=\"n\">120</td><td class=\"n\">60</td><td class=\"n\">103</td>"));
    cr_expect_eq(count(text, "<p>No connection is selected.</p>"), 2);
    free(text);
    text = document(model, 0, "connection=3");
    expect_sound(text, 1);
    cr_expect_eq(count(text, "connection-3\"><tr"), 3);
    cr_expect_eq(count(text, "<tbody id=\""), 3);
    free(text);
    model_free(model);
}

Test(sessions, of_many_each_has_a_picture)
{
    enum { SESSIONS = 26 };
    struct model *model = model_new(&(struct model_options){0});
    struct event_sink sink = scene_to_model(model);
    for (uint32_t i = 1; i <= SESSIONS; i++)
        put_plain(&sink, i, i == SESSIONS ? 101 : 1);
    char *text = document(model, 0, "");
    expect_sound(text, 1);
    cr_expect_eq(count(text, "<map "), SESSIONS);
    cr_expect_eq(count(text, "Only the newest part has a picture; a report of this session alone or of"), 1);
    free(text);
    model_free(model);
}
