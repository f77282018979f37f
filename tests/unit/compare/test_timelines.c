/* Typical page loads below each other: each begins at 0, with all that belongs to it. */
#include <criterion/criterion.h>

#include "../analyze/scene_tls.h"
#include "base/memory.h"
#include "compare/timelines.h"

enum { MS = 1000000 };

/* Record a page load that begins at `t_ms`; flow control holds its response back from 60 to 80 ms after that. */
static void record(struct compare_group *group, const char *name, uint64_t t_ms)
{
    *group = (struct compare_group){.name = name, .model = model_new(&(struct model_options){0})};
    struct event_sink sink = scene_to_model(group->model);
    scene_session_start(&sink, 1);
    scene_connection_start(&sink, 1, t_ms);
    scene_socks(&sink, 1, t_ms, 1, "a.example", 80);
    scene_reply(&sink, 1, t_ms + 10, 0);
    scene_request(&sink, 1, 1, t_ms + 10, "/");
    scene_fields(&sink, 1, 1, t_ms + 10, false, (const char *const[4]){"accept", "text/html"});
    scene_request_end(&sink, 1, 1, t_ms + 10);
    scene_response(&sink, 1, 1, t_ms + 50, 200);
    scene_stall(&sink, 1, t_ms + 60, t_ms + 80, MITM__DIRECTION__TO_CLIENT, 0);
    scene_response_end(&sink, 1, 1, t_ms + 100, 1000, MITM__HTTP_END_CAUSE__END_STREAM);
    scene_connection_end(&sink, 1, t_ms + 100, MITM__END_CAUSE__FIN);
    scene_session_end(&sink, 1, t_ms + 200);
    group->pages = memory_new(1, sizeof(struct pages *));
    group->pages[0] = pages_new(model_session(group->model, 0), NULL);
}

Test(timelines, begin_at_0)
{
    struct compare_group groups[2];
    const struct measure *measures[] = {measures_find("load-time")};
    const struct compare_options options = {
        .confidence = 0.95, .alpha = 0.05, .quantile_type = 7, .measures = measures, .measure_count = 1};
    record(&groups[0], "before", 10000);
    record(&groups[1], "after", 70000);
    struct comparison *comparison = compare_new(groups, 2, &options);
    struct timelines *timelines = timelines_new(comparison);
    cr_assert(timelines != NULL);
    const struct timeline_figure *figure = timelines_figure(timelines);
    size_t lanes = 0;
    for (size_t g = 0; g < figure->group_count; g++) {
        for (size_t i = 0; i < figure->groups[g].lane_count; i++, lanes++) {
            const struct figure_lane *lane = &figure->groups[g].lanes[i];
            cr_assert_eq(lane->bar_count, 3);
            cr_expect_eq(lane->bars[0].from_ns, 0);
            cr_expect_eq(lane->bars[2].from_ns, 50 * MS);
            cr_expect_eq(lane->bars[2].to_ns, 100 * MS);
            cr_assert_eq(lane->stall_count, 1);
            cr_expect_eq(lane->stalls[0].bar, 2);
            cr_expect_eq(lane->stalls[0].from_ns, 60 * MS);
            cr_expect_eq(lane->stalls[0].to_ns, 80 * MS);
        }
    }
    cr_expect_eq(lanes, 2);
    cr_expect_gt(figure->stall_label.len_bytes, 0);
    timelines_free(timelines);
    compare_free(comparison);
    compare_unload(groups, 2);
}
