#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "report/report.h"

/* Return `query` as it is printed; the caller frees it. */
static char *printed(const struct report_query *query)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    cr_assert_not_null(out);
    report_query_print(out, query);
    fclose(out);
    return text;
}

/* Expect that `text` is read without complaint, and printed as `canonical`. */
static void expect_canonical(const char *text, const char *canonical)
{
    struct report_query query, again;
    cr_expect_null(report_query_parse(&query, text), "%s", text);
    char *first = printed(&query);
    cr_expect_str_eq(first, canonical);
    cr_expect_null(report_query_parse(&again, first));
    char *second = printed(&again);
    cr_expect_str_eq(second, first);
    free(first);
    free(second);
}

Test(query, everything)
{
    struct report_query query;
    cr_expect_null(report_query_parse(&query, NULL));
    cr_expect_eq(query.from_ns, MODEL_NONE);
    cr_expect_eq(query.to_ns, MODEL_NONE);
    cr_expect_eq(query.connection, 0);
    expect_canonical("", "");
    expect_canonical("&&x=1&from=&server=&part=1", "");
}

Test(query, each_member)
{
    struct report_query query;
    cr_expect_null(report_query_parse(&query,
                                      "refresh=5&headers=all&part=2&connection=435&page=3&server=a%20b%3A80&to=9"
                                      "&from=1.5&session=2&unknown=%00"));
    cr_expect_eq(query.from_ns, INT64_C(1500000000));
    cr_expect_eq(query.to_ns, INT64_C(9000000000));
    cr_expect_str_eq(query.server, "a b:80");
    cr_expect_eq(query.page, 3);
    cr_expect_eq(query.connection, 435);
    cr_expect_eq(query.part, 2);
    cr_expect_eq(query.session, 2);
    cr_expect_eq(query.headers, 2);
    cr_expect_eq(query.refresh_s, 5);
    char *text = printed(&query);
    cr_expect_str_eq(text,
                     "session=2&from=1.5&to=9&server=a%20b:80&page=3&connection=435&part=2&headers=all&refresh=5");
    free(text);
}

Test(query, round_trip)
{
    expect_canonical("server=www.example.org:80", "server=www.example.org:80");
    expect_canonical("server=%3Cscript%3E%22%26+x", "server=%3Cscript%3E%22%26%20x");
    expect_canonical("server=%C3%A9%ff", "server=%C3%A9%FF");
    expect_canonical("from=0&to=0.000000001", "from=0&to=0.000000001");
    expect_canonical("to=999999999.999999999", "to=999999999.999999999");
    expect_canonical("headers=first", "headers=first");
    expect_canonical("connection=4294967295", "connection=4294967295");
    expect_canonical("server=100%&page=7", "server=100%25&page=7");
}

Test(query, what_is_wrong_is_said_and_left_out)
{
    static const char *const wrong[][2] = {
        {"from=x", "from"},
        {"to=-1", "from and to"},
        {"from=1e3", "seconds"},
        {"from=2&to=1", "later"},
        {"from=1&to=1", "later"},
        {"page=0", "page"},
        {"page=x", "page"},
        {"connection=4294967296", "connection"},
        {"connection=-1", "connection"},
        {"part=0", "part"},
        {"part=99999999999999999999", "part"},
        {"session=0", "session"},
        {"headers=some", "headers"},
        {"refresh=0", "refresh"},
        {"refresh=86401", "refresh"},
        {"server=a%00b", "server"},
        {"page=%00", "page"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct report_query query;
        const char *problem = report_query_parse(&query, wrong[i][0]);
        cr_assert_not_null(problem, "%s", wrong[i][0]);
        cr_expect(strstr(problem, wrong[i][1]), "%s: %s", wrong[i][0], problem);
        cr_expect(!strchr(problem, '\n'));
        char *text = printed(&query);
        cr_expect_str_empty(text, "%s", wrong[i][0]);
        free(text);
    }
}

Test(query, too_long_a_server)
{
    struct report_query query;
    char text[400] = "server=";
    memset(text + 7, 'a', 299);
    cr_expect_null(report_query_parse(&query, text));
    cr_expect_eq(strlen(query.server), 299);
    memset(text + 7, 'a', 300);
    cr_expect_not_null(report_query_parse(&query, text));
    cr_expect_str_empty(query.server);
}

/* The first complaint is told; the other members are taken. */
Test(query, wrong_and_right)
{
    struct report_query query;
    const char *problem = report_query_parse(&query, "page=x&connection=5&part=x");
    cr_assert_not_null(problem);
    cr_expect(strstr(problem, "page"));
    cr_expect_eq(query.connection, 5);
}
