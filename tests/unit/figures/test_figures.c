/* Plots of sessions: every expected value is computed by hand from the times of the events. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "../analyze/scene_tls.h"
#include "figures/plots.h"

static struct model *model;
static struct event_sink sink;

static void setup(void)
{
    model = model_new(&(struct model_options){0});
    sink = scene_to_model(model);
    scene_session_start(&sink, 1);
}

static void teardown(void)
{
    model_free(model);
}

TestSuite(figures, .init = setup, .fini = teardown);

static const struct plots_options usual = {.from_ns = MODEL_NONE, .to_ns = MODEL_NONE};

static void expect_numbers(const double *values, size_t n, const double *expected, size_t m, const char *what)
{
    cr_assert_eq(n, m, "%s: %zu numbers", what, n);
    for (size_t i = 0; i < n; i++)
        cr_expect(fabs(values[i] - expected[i]) <= 1e-9 * fmax(1, fabs(expected[i])), "%s[%zu] is %.17g, not %.17g",
                  what, i, values[i], expected[i]);
}

#define EXPECT_NUMBERS(values, n, what, ...)                                                                           \
    expect_numbers(values, n, (const double[]){__VA_ARGS__}, sizeof((double[]){__VA_ARGS__}) / sizeof(double), what)

static void expect_text(struct figure_text text, const char *expected)
{
    cr_expect(text.len_bytes == strlen(expected) && memcmp(text.bytes, expected, text.len_bytes) == 0,
              "'%.*s', not '%s'", (int)text.len_bytes, text.bytes, expected);
}

Test(figures, ecdf_of_two_samples)
{
    const double before[] = {1, 2, 2, 4}, after[] = {3};
    const struct plots_sample samples[] = {{figure_text("before"), before, 4}, {figure_text("after"), after, 1}};
    struct plots *plots = plots_ecdf(measures_find("load-time"), samples, 2, &usual);
    const struct plot_panel *panel = &plots_figure(plots)->panels[0];
    cr_assert_eq(panel->kind, PLOT_LINES);
    cr_assert_eq(panel->series_count, 2);
    cr_expect_eq(panel->x.unit, PLOT_NS);
    expect_text(panel->series[0].label, "before (n = 4)");
    cr_expect(panel->series[0].steps);
    EXPECT_NUMBERS(panel->series[0].x, panel->series[0].count, "x", 1, 1, 2, 4);
    EXPECT_NUMBERS(panel->series[0].y, panel->series[0].count, "y", 0, 0.25, 0.75, 1);
    /* sqrt(ln(2 / 0.05) / 8) = 0.6790507578703 */
    EXPECT_NUMBERS(panel->series[0].low, panel->series[0].count, "low", 0, 0, 0.75 - 0.6790507578703, 1 - 0.6790507578703);
    EXPECT_NUMBERS(panel->series[1].y, panel->series[1].count, "y of after", 0, 1);
    cr_expect_eq(panel->series[1].style, 1);
    plots_free(plots);
}

Test(figures, nothing_to_plot)
{
    const struct plots_sample none = {figure_text("x"), NULL, 0};
    struct plots *plots[] = {
        plots_ecdf(measures_find("socks"), &none, 1, &usual), plots_strips(measures_find("socks"), &none, 1, &usual),
        plots_throughput(model_session(model, 0), &usual), plots_concurrency(model_session(model, 0), &usual)};
    for (size_t i = 0; i < sizeof plots / sizeof *plots; i++) {
        cr_expect_eq(plots_figure(plots[i])->panel_count, 0, "%zu", i);
        cr_expect_gt(plots_figure(plots[i])->empty_label.len_bytes, 0);
        plots_free(plots[i]);
    }
}

Test(figures, strip)
{
    const double values[] = {1, 2, 3, 4, 5, 6};
    const struct plots_sample sample = {figure_text(""), values, 6};
    struct plots *plots = plots_strips(measures_find("socks"), &sample, 1, &usual);
    const struct plot_strip *strip = &plots_figure(plots)->panels[0].strips[0];
    expect_text(strip->label, "n = 6");
    cr_expect_eq(strip->q1, 2.25);
    cr_expect_eq(strip->median, 3.5);
    cr_expect_eq(strip->q3, 4.75);
    cr_expect_eq(strip->low, 1); /* P(a value of six on either side of all) = 2 / 64 */
    cr_expect_eq(strip->high, 6);
    plots_free(plots);
}

/* Two connections: 0–100 ms with a request on its way 20–60, and 50–80 without; open at the end, 100 ms. */
static void two_connections(void)
{
    scene_connection_start(&sink, 1, 0);
    scene_socks(&sink, 1, 0, 1, "a.test", 80);
    scene_reply(&sink, 1, 10, 0);
    scene_request(&sink, 1, 1, 20, "/");
    scene_request_head(&sink, 1, 1, 20);
    scene_request_end(&sink, 1, 1, 20);
    scene_response(&sink, 1, 1, 40, 200);
    scene_body(&sink, 1, 1, 45, 500);
    scene_response_end(&sink, 1, 1, 60, 500, MITM__HTTP_END_CAUSE__CONTENT_LENGTH);
    scene_connection_start(&sink, 2, 50);
    scene_socks(&sink, 2, 50, 1, "b.test", 443);
    scene_reply(&sink, 2, 75, 0);
    scene_connection_end(&sink, 2, 80, MITM__END_CAUSE__FIN);
    scene_connection_end(&sink, 1, 100, MITM__END_CAUSE__FIN);
}

Test(figures, concurrency)
{
    two_connections();
    struct plots *plots = plots_concurrency(model_session(model, 0), &usual);
    const struct plot_panel *panel = &plots_figure(plots)->panels[0];
    cr_assert_eq(panel->series_count, 2);
    EXPECT_NUMBERS(panel->series[0].x, panel->series[0].count, "x", 0, 50e6, 80e6, 100e6);
    EXPECT_NUMBERS(panel->series[0].y, panel->series[0].count, "connections", 1, 2, 1, 0);
    EXPECT_NUMBERS(panel->series[1].x, panel->series[1].count, "x of requests", 20e6, 60e6);
    EXPECT_NUMBERS(panel->series[1].y, panel->series[1].count, "requests", 1, 0);
    cr_expect_eq(panel->x.to, 100e6);
    plots_free(plots);
}

/* A thousand connections, one after the other, each for 60 of 100 ms: at any time 0.6 are open. */
Test(figures, concurrency_that_changes_too_often_is_averaged)
{
    for (uint32_t id = 1; id <= 1000; id++) {
        scene_connection_start(&sink, id, (id - 1) * 100);
        scene_socks(&sink, id, (id - 1) * 100, 1, "a.test", 80);
        scene_connection_end(&sink, id, (id - 1) * 100 + 60, MITM__END_CAUSE__FIN);
    }
    scene_session_end(&sink, 1, 100000);
    struct plots *plots = plots_concurrency(model_session(model, 0), &usual);
    const struct plot_figure *figure = plots_figure(plots);
    const struct plot_series *series = &figure->panels[0].series[0];
    cr_assert_lt(series->count, 1000);
    for (size_t i = 0; i < series->count; i++)
        cr_expect_lt(fabs(series->y[i] - 0.6), 1e-9, "%zu: %g", i, series->y[i]);
    cr_assert_eq(figure->note_count, 1);
    expect_text(figure->notes[0], "Averages over 500.0 ms.");
    plots_free(plots);
    plots = plots_concurrency(model_session(model, 0), &(struct plots_options){.from_ns = 0, .to_ns = 1000000000});
    cr_expect_eq(plots_figure(plots)->note_count, 0, "a part in which all can be seen");
    plots_free(plots);
}

Test(figures, throughput_adds_up)
{
    two_connections();
    struct plots *plots = plots_throughput(model_session(model, 0), &usual);
    const struct plot_series *series = &plots_figure(plots)->panels[0].series[0];
    double bytes = 0;
    for (size_t i = 0; i + 1 < series->count; i++)
        bytes += series->y[i] * (series->x[i + 1] - series->x[i]) / 1e9;
    cr_expect_lt(fabs(bytes - 500), 1e-6, "%g bytes", bytes);
    cr_expect_eq(series->y[series->count - 1], 0, "it ends");
    plots_free(plots);
}

Test(figures, phases_of_servers)
{
    two_connections();
    struct plots *plots = plots_phases(model_session(model, 0), NULL, PLOTS_SERVERS, &usual);
    const struct plot_panel *panel = &plots_figure(plots)->panels[0];
    cr_assert_eq(panel->bar_count, 2);
    expect_text(panel->bars[0].label, "a.test:80");
    EXPECT_NUMBERS(panel->bars[0].parts, 4, "SOCKS, TLS, waiting, transfer", 10e6, 0, 20e6, 20e6);
    expect_text(panel->bars[1].label, "b.test:443");
    EXPECT_NUMBERS(panel->bars[1].parts, 4, "SOCKS, TLS, waiting, transfer", 25e6, 0, 0, 0);
    plots_free(plots);
}

/* What is inferred is beside what is exact. */
Test(figures, phases_of_an_encrypted_server)
{
    scene_connection_start(&sink, 1, 0);
    scene_socks(&sink, 1, 0, 1, "a.test", 443);
    scene_reply(&sink, 1, 20, 0);
    scene_handshake(&sink, 1, 30, true); /* takes 101 ms */
    scene_tls_data(&sink, 1, 200, MITM__DIRECTION__TO_SERVER, 400, 1, 400);
    scene_tls_data(&sink, 1, 250, MITM__DIRECTION__TO_CLIENT, 3000, 1, 3000);
    scene_tls_data(&sink, 1, 260, MITM__DIRECTION__TO_CLIENT, 3000, 1, 3000);
    struct plots *plots = plots_phases(model_session(model, 0), NULL, PLOTS_SERVERS, &usual);
    const struct plot_panel *panel = &plots_figure(plots)->panels[0];
    EXPECT_NUMBERS(panel->bars[0].parts, 5, "exact", 20e6, 0, 0, 0, 0);
    EXPECT_NUMBERS(panel->bars[0].inferred, 5, "inferred", 0, 101e6, 50e6, 10e6, 0);
    plots_free(plots);
}

Test(figures, many_servers_are_averaged)
{
    for (uint32_t i = 1; i <= 30; i++) {
        char host[16];
        snprintf(host, sizeof host, "h%u.test", i);
        scene_connection_start(&sink, i, 0);
        scene_socks(&sink, i, 0, 1, host, 80);
        scene_reply(&sink, i, i, 0); /* takes i ms */
    }
    struct plots *plots = plots_phases(model_session(model, 0), NULL, PLOTS_SERVERS, &usual);
    const struct plot_panel *panel = &plots_figure(plots)->panels[0];
    cr_assert_eq(panel->bar_count, PLOTS_MAX_BARS);
    expect_text(panel->bars[0].label, "h12.test:80"); /* the 19 with most time: 12 … 30 */
    expect_text(panel->bars[PLOTS_MAX_BARS - 1].label, "11 others, mean");
    cr_expect_eq(panel->bars[PLOTS_MAX_BARS - 1].parts[0], 6e6); /* of 1 … 11 */
    plots_free(plots);
}

/* 22 page loads of 30, 40, 50 … ms: SOCKS and transfer take 10 ms each, the rest is waiting. Three have no bar. */
Test(figures, phases_of_many_pages)
{
    for (uint32_t id = 1; id <= PLOTS_MAX_BARS + 2; id++) {
        uint64_t t_ms = UINT64_C(10000) * id;
        scene_connection_start(&sink, id, t_ms);
        scene_socks(&sink, id, t_ms, 1, "a.test", 80);
        scene_reply(&sink, id, t_ms + 10, 0);
        scene_request(&sink, id, 1, t_ms + 10, "/");
        scene_response(&sink, id, 1, t_ms + 10 + UINT64_C(10) * id, 200);
        scene_response_end(&sink, id, 1, t_ms + 20 + UINT64_C(10) * id, 5, MITM__HTTP_END_CAUSE__CONTENT_LENGTH);
    }
    struct pages *pages = pages_new(model_session(model, 0), NULL);
    struct plots *plots = plots_phases(model_session(model, 0), pages, PLOTS_PAGES, &usual);
    const struct plot_panel *panel = &plots_figure(plots)->panels[0];
    cr_assert_eq(panel->bar_count, PLOTS_MAX_BARS);
    const struct plot_bar *others = &panel->bars[PLOTS_MAX_BARS - 1];
    expect_text(others->label, "3 others, mean");
    double sum = 0;
    for (size_t i = 0; i < panel->palette_count; i++)
        sum += others->parts[i];
    cr_expect_lt(fabs(sum - 40e6), 1, "%g", sum);
    plots_free(plots);
    pages_free(pages);
}
