/* Statistics by request, connection, server, page and session: rows and distributions computed by hand from the events.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/failures.h"
#include "analyze/stats_by.h"
#include "scene.h"
#include "statistics/quantile.h"

static struct model *model;
static struct event_sink sink;

static void setup(void)
{
    model = model_new(&(struct model_options){0});
    sink = scene_to_model(model);
}

static void teardown(void)
{
    model_free(model);
}

TestSuite(stats_by, .init = setup, .fini = teardown);

static void connect_to(uint32_t connection, uint64_t t_ms, const char *host, uint32_t reply)
{
    scene_connection_start(&sink, connection, t_ms);
    scene_socks(&sink, connection, t_ms, 1, host, 80);
    scene_reply(&sink, connection, t_ms + 100, reply);
}

static void get(uint32_t connection, uint32_t exchange, uint64_t t_ms, uint64_t waiting_ms, uint32_t status)
{
    scene_request(&sink, connection, exchange, t_ms, "/");
    scene_request_end(&sink, connection, exchange, t_ms);
    scene_response(&sink, connection, exchange, t_ms + waiting_ms, status);
    scene_response_end(&sink, connection, exchange, t_ms + waiting_ms + 50, 10, MITM__HTTP_END_CAUSE__NO_BODY);
}

/* Two page loads, 3 s apart: 100 → 250; 3250 → 3500. Waiting: 100, 200, 400 ms. */
static void two_loads(uint32_t number)
{
    scene_session_start(&sink, number);
    connect_to(1, 0, "a.test", 0);
    get(1, 1, 100, 100, 200);
    get(1, 2, 3250, 200, 404);
    connect_to(2, 3250, "=b\x1b.test", 0);
    get(2, 1, 3350, 400, 500);
    connect_to(3, 3260, "a.test", 5);
    scene_connection_end(&sink, 1, 5000, MITM__END_CAUSE__FIN);
    scene_connection_end(&sink, 2, 5000, MITM__END_CAUSE__FIN);
    scene_connection_end(&sink, 3, 5000, MITM__END_CAUSE__FIN);
    scene_session_end(&sink, number, 5000);
}

static char *written(const struct stats_by *options)
{
    struct stats_by by = *options;
    by.model = model;
    if (by.quantile_type == 0)
        by.quantile_type = QUANTILE_TYPE;
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    cr_assert_not_null(out);
    stats_by(out, &by);
    cr_assert_eq(fclose(out), 0);
    return text;
}

static void expect_in(const struct stats_by *options, const char *const *parts, size_t n)
{
    char *text = written(options);
    for (size_t i = 0; i < n; i++)
        cr_expect(strstr(text, parts[i]), "'%s' is missing in:\n%s", parts[i], text);
    free(text);
}

#define EXPECT_IN(options, ...)                                                                                        \
    expect_in(&(struct stats_by)options, (const char *const[]){__VA_ARGS__},                                           \
              sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))
#define OPTIONS(...)                                                                                                   \
    {                                                                                                                  \
        __VA_ARGS__                                                                                                    \
    }

Test(stats_by, requests_as_csv)
{
    two_loads(1);
    char *text = written(&(struct stats_by){.level = STATS_BY_REQUEST, .format = TABLE_CSV});
    cr_expect_str_eq(
        text,
        "session,page,connection,request,server,port,method,target,status,start_ns,waiting_ns,ttfb_ns,transfer_ns,"
        "ttlb_ns,ttlb_50k_ns,ttlb_1m_ns,ttlb_5m_ns,throughput_bit_per_s,goodput_bit_per_s,body_bytes\r\n"
        "1,1,1,1,a.test,80,GET,/,200,100000000,100000000,100000000,50000000,150000000,,,,,,10\r\n"
        "1,1,1,2,a.test,80,GET,/,404,3250000000,200000000,200000000,50000000,250000000,,,,,,10\r\n"
        "1,1,2,1,'=b\\x1B.test,80,GET,/,500,3350000000,400000000,400000000,50000000,450000000,,,,,,10\r\n");
    free(text);
}

/* The usual gap of 5 s makes one page of it, one of 2 s two. Waits one after the other: 0–100, 100–200, 3250–3350,
 * 3350–3750. */
Test(stats_by, pages_and_their_gap)
{
    two_loads(1);
    EXPECT_IN(OPTIONS(.level = STATS_BY_PAGE, .format = TABLE_CSV),
              "\r\n1,1,pause,,a.test,80,/,0,3800000000,200000000,4,3,3,2,30,1,");
    EXPECT_IN(OPTIONS(.level = STATS_BY_PAGE, .format = TABLE_CSV, .pages = {.gap_ns = 2000000000}),
              "\r\n1,1,pause,,a.test,80,/,0,250000000,200000000,2,1,1,1,10,0,0.4,0.4,0.2,0,0,1\r\n",
              /* 3250–3800: transfer 3450–3500, 3750–3800; waiting 3250–3450, 3500–3750; SOCKS is within it. Waits
                 3250–3450, 3250–3350, 3350–3750, 3260–3360: two, one after the other. One of two requests is on a used
                 connection; 2 at once. */
              "\r\n1,2,pause,,a.test,80,/,3250000000,550000000,200000000,2,2,3,2,20,1,0,0.8181818181818182,"
              "0.18181818181818182,0,0.5,2\r\n");
}

Test(stats_by, session_is_one_page)
{
    two_loads(1);
    EXPECT_IN(OPTIONS(.level = STATS_BY_SESSION, .format = TABLE_CSV, .pages = {.gap_ns = 1000000000}),
              "session,file,label,session_duration_ns,session_pages,",
              "\r\n1,,,5000000000,2,3,3,2,30,1,3800000000,200000000,");
}

Test(stats_by, connections_as_json)
{
    two_loads(1);
    EXPECT_IN(OPTIONS(.level = STATS_BY_CONNECTION, .format = TABLE_JSON),
              "{\"by\":\"connection\",\"quantile_type\":7,\"rows\":[{\"session\":1,\"page\":1,\"connection\":1,"
              "\"server\":\"a.test\",\"port\":80,\"first_party\":null,\"start_ns\":0,\"socks_ns\":100000000,",
              "\"connection\":3,\"server\":\"a.test\",\"port\":80,\"first_party\":null,\"start_ns\":3260000000,"
              "\"socks_ns\":null,",
              "\"measure\":\"socks\",\"unit\":\"ns\",\"n\":2,\"missing\":1,\"min\":100000000,");
}

/* R: quantile(c(100, 200, 400) * 1e6, c(0, .25, .5, .75, .9, .99, 1), type = 7 and 6) */
Test(stats_by, quantiles_by_their_type)
{
    two_loads(1);
    EXPECT_IN(OPTIONS(.level = STATS_BY_REQUEST, .format = TABLE_JSON),
              "\"measure\":\"waiting\",\"unit\":\"ns\",\"n\":3,\"missing\":0,\"min\":100000000,\"q1\":150000000,"
              "\"median\":200000000,\"q3\":300000000,\"p90\":360000000,\"p99\":396000000,\"max\":400000000}");
    EXPECT_IN(OPTIONS(.level = STATS_BY_REQUEST, .format = TABLE_JSON, .quantile_type = 6),
              "\"min\":100000000,\"q1\":100000000,\"median\":200000000,\"q3\":400000000,\"p90\":400000000,");
}

/* Distributions are of all sessions, but those by server. */
Test(stats_by, several_sessions)
{
    two_loads(1);
    two_loads(2);
    EXPECT_IN(OPTIONS(.level = STATS_BY_REQUEST, .format = TABLE_JSON),
              "\"measure\":\"waiting\",\"unit\":\"ns\",\"n\":6,", "{\"session\":2,\"page\":1,");
    EXPECT_IN(OPTIONS(.level = STATS_BY_SERVER, .format = TABLE_CSV), "\r\n1,a.test,80,waiting,ns,2,0,100000000,",
              "\r\n2,a.test,80,waiting,ns,2,0,100000000,", "\r\n2,a.test,80,socks,ns,1,1,100000000,");
}

Test(stats_by, failures_by_server_and_session)
{
    two_loads(1);
    EXPECT_IN(OPTIONS(.level = STATS_BY_SERVER, .format = TABLE_JSON),
              "\"failures\":[{\"session\":1,\"server\":\"a.test\",\"port\":80,\"failure\":\"SOCKS: connection refused "
              "(05)\",\"n\":1,\"of\":2,\"of_what\":\"connections\",\"share\":0.5},",
              "\"failure\":\"HTTP status 404\",\"n\":1,\"of\":2,\"of_what\":\"requests\",\"share\":0.5},",
              "\"failure\":\"HTTP status 500\",\"n\":1,\"of\":1,\"of_what\":\"requests\",\"share\":1}");
    EXPECT_IN(OPTIONS(.level = STATS_BY_SESSION, .format = TABLE_JSON),
              "\"server\":\"(all)\",\"port\":null,\"failure\":\"SOCKS: connection refused (05)\",\"n\":1,\"of\":3,");
}

Test(stats_by, classes_of_failures)
{
    scene_session_start(&sink, 1);
    scene_connection_start(&sink, 1, 0);
    scene_socks(&sink, 1, 0, 1, "a.test", 80);
    scene_connection_end(&sink, 1, 10, MITM__END_CAUSE__FIN);
    connect_to(2, 0, "a.test", 0);
    scene_request(&sink, 2, 1, 110, "/");
    scene_connection_end(&sink, 2, 200, MITM__END_CAUSE__RESET);
    connect_to(3, 0, "a.test", 0);
    scene_request(&sink, 3, 1, 110, "/");
    scene_response(&sink, 3, 1, 120, 200);
    scene_response_end(&sink, 3, 1, 130, 5, MITM__HTTP_END_CAUSE__TRUNCATED);
    size_t n;
    struct failure_class *classes = failures_classes(model_session(model, 0), &n);
    static const struct failure_class expected[] = {{0, FAILURE_SOCKS, FAILURE_NO_REPLY, 1},
                                                    {0, FAILURE_CONNECTION, MITM__END_CAUSE__RESET, 1},
                                                    {0, FAILURE_RESPONSE, 0, 1},
                                                    {0, FAILURE_RESPONSE, 1, 1}};
    cr_assert_eq(n, 4);
    for (size_t i = 0; i < n; i++) {
        cr_expect_eq(classes[i].server, expected[i].server);
        cr_expect_eq(classes[i].kind, expected[i].kind);
        cr_expect_eq(classes[i].code, expected[i].code);
        cr_expect_eq(classes[i].count, expected[i].count);
    }
    free(classes);
}

/* Nothing recorded: tables without rows, numbers that are missing, no crash in any format. */
Test(stats_by, of_nothing)
{
    scene_session_start(&sink, 1);
    for (int level = 0; level < STATS_LEVELS; level++) {
        for (int format = 0; format < TABLE_FORMATS; format++) {
            char *text =
                written(&(struct stats_by){.level = (enum stats_level)level, .format = (enum table_format)format});
            cr_expect_null(strstr(text, "nan"));
            free(text);
        }
    }
    EXPECT_IN(OPTIONS(.level = STATS_BY_SESSION, .format = TABLE_CSV), "\r\n1,,,0,0,0,0,0,0,0,,,,,,,,,,,,,,\r\n");
    EXPECT_IN(OPTIONS(.level = STATS_BY_PAGE, .format = TABLE_JSON), "\"rows\":[],",
              "{\"measure\":\"load-time\",\"unit\":\"ns\",\"n\":0,\"missing\":0,\"min\":null,");
}

Test(stats_by, text_fits_a_terminal_and_hides_controls)
{
    two_loads(1);
    for (int level = 0; level < STATS_LEVELS; level++) {
        char *text = written(&(struct stats_by){.level = (enum stats_level)level, .width = 100});
        cr_expect_null(strchr(text, '\x1b'));
        free(text);
    }
    EXPECT_IN(OPTIONS(.level = STATS_BY_PAGE, .width = 100), "a.test/ ", "Where their time went");
}
