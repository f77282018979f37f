/* The distributions of comparisons of made sessions, and what is said of those that are left out. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <unistd.h>

#include "../analyze/scene_tls.h"
#include "analyze/cli.h"
#include "base/memory.h"
#include "compare/figures.h"
#include "compare/publish.h"

static const struct measure *measures[1];
static struct compare_options options = {.by = COMPARE_SERVER,
                                         .confidence = 0.95,
                                         .alpha = 0.05,
                                         .quantile_type = 7,
                                         .measures = measures,
                                         .measure_count = 1};

/* A page load of one request, 10 s after the one before. */
static void load(const struct event_sink *sink, uint32_t i, const char *host)
{
    uint64_t t_ms = 10000 * (uint64_t)i, end_ms = t_ms + 10 + i % 7;
    scene_connection_start(sink, i, t_ms);
    scene_socks(sink, i, t_ms, 1, host, 80);
    scene_reply(sink, i, t_ms, 0);
    scene_request(sink, i, 1, t_ms, "/");
    scene_fields(sink, i, 1, t_ms, false, (const char *const[4]){"accept", "text/html"});
    scene_request_end(sink, i, 1, t_ms);
    scene_response(sink, i, 1, end_ms, 200);
    scene_response_end(sink, i, 1, end_ms, 100, MITM__HTTP_END_CAUSE__CONTENT_LENGTH);
    scene_connection_end(sink, i, end_ms, MITM__END_CAUSE__FIN);
}

/* Make two groups, in which each of `servers` was loaded twice, and one more once. */
static void make(struct compare_group *groups, uint32_t servers)
{
    for (size_t g = 0; g < 2; g++) {
        struct model *model = model_new(&(struct model_options){0});
        struct event_sink sink = scene_to_model(model);
        scene_session_start(&sink, 1);
        for (uint32_t i = 0; i < 2 * servers + 1; i++) {
            char host[32];
            snprintf(host, sizeof host, "server-%u.example", i / 2);
            load(&sink, i + 1, host);
        }
        scene_session_end(&sink, 1, 10000000);
        groups[g] = (struct compare_group){
            .name = g == 0 ? "before" : "after", .model = model, .pages = memory_new(1, sizeof *groups->pages)};
        groups[g].pages[0] = pages_new(model_session(model, 0), NULL);
    }
}

static bool remarks(const struct figures *figures, const char *word)
{
    for (size_t i = 0; i < figures->remark_count; i++) {
        if (strstr(figures->remarks[i], word))
            return true;
    }
    return false;
}

Test(figures, one_for_each_row)
{
    struct compare_group groups[2];
    measures[0] = measures_find("waiting");
    make(groups, 50);
    struct comparison *c = compare_new(groups, 2, &options);
    cr_assert_eq(c->row_count, 51);
    struct figures *figures = figures_new(c, SIZE_MAX);
    cr_expect_eq(figures->count, 50);
    cr_expect_str_eq(figures->plots[49].title, "waiting time, server-49.example:80");
    cr_expect_eq(figures->remark_count, 1);
    cr_expect(remarks(figures, "more than one value: 1."), "%s", figures->remarks[0]);
    figures_free(figures);
    figures = figures_new(c, 40);
    cr_expect_eq(figures->count, 40);
    cr_expect(remarks(figures, "not drawn here: 10."), "%s", figures->remarks[1]);
    figures_free(figures);
    compare_free(c);
    compare_unload(groups, 2);
}

Test(figures, no_row)
{
    struct compare_group groups[2];
    measures[0] = measures_find("throughput");
    make(groups, 1);
    struct comparison *c = compare_new(groups, 2, &options);
    struct figures *figures = figures_new(c, SIZE_MAX);
    cr_expect_eq(figures->count, 0);
    cr_expect(remarks(figures, "No measure has a value."));
    figures_free(figures);
    compare_free(c);
    compare_unload(groups, 2);
}

/* A picture is not higher than can be drawn; a PDF has room. */
Test(figures, too_many_for_a_picture)
{
    static const char *const endings[] = {"svg", "png", "pdf"};
    char folder[] = "/tmp/mitm-figures-XXXXXX", path[64];
    cr_assert_not_null(mkdtemp(folder));
    struct compare_group groups[2];
    measures[0] = measures_find("waiting");
    make(groups, 250);
    struct comparison *c = compare_new(groups, 2, &options);
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/out.%s", folder, endings[i]);
        cr_expect_eq(publish_write(c, path), i == 2 ? CLI_OK : CLI_IO, "%s", path);
        cr_expect_eq(access(path, F_OK), i == 2 ? 0 : -1, "%s", path);
    }
    unlink(path);
    rmdir(folder);
    compare_free(c);
    compare_unload(groups, 2);
}
