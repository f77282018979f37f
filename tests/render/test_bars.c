/* Where bars go. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "render/bars.h"

static const struct figure_phase palette[] = {{.dot_when_short = false}, {.dot_when_short = true}};
static const struct bars_axis axis = {.from_ns = 1000, .to_ns = 2000, .x0 = 100, .x1 = 1100}; /* 1 ns is 1 unit */

Test(bars, x_is_monotonic)
{
    static const struct bars_axis odd = {.from_ns = INT64_MIN, .to_ns = INT64_MAX, .x0 = 0, .x1 = 900};
    const struct bars_axis *both[] = {&axis, &odd};
    for (size_t k = 0; k < 2; k++) {
        double last = -1;
        for (int64_t i = -1000; i <= 1000; i++) {
            int64_t t_ns = k == 0 ? 1500 + i : i * (INT64_MAX / 1000);
            double x = bars_x(both[k], t_ns);
            cr_assert(x >= last && x >= both[k]->x0 && x <= both[k]->x1);
            last = x;
        }
    }
    cr_assert_float_eq(bars_x(&axis, 1250), 350, 1e-9);
    cr_assert_float_eq(bars_x(&axis, INT64_MIN), 100, 1e-9);
    cr_assert_float_eq(bars_x(&axis, INT64_MAX), 1100, 1e-9);
}

Test(bars, shapes)
{
    static const struct figure_bar bars[] = {
        {.phase = 0, .from_ns = 1100, .to_ns = 1200},      /* as it is */
        {.phase = 0, .from_ns = 1200, .to_ns = 1200},      /* gets the least width */
        {.phase = 0, .from_ns = 1200, .to_ns = 1300},      /* moves aside */
        {.phase = 1, .from_ns = 1400, .to_ns = 1401},      /* a dot */
        {.phase = 0, .from_ns = 100, .to_ns = 999},        /* before */
        {.phase = 0, .from_ns = INT64_MIN, .to_ns = 1050}, /* clipped */
        {.phase = 0, .from_ns = 2001, .to_ns = INT64_MAX}, /* after */
        {.phase = 0, .from_ns = 1500, .to_ns = 1400},      /* reversed: a moment */
    };
    struct bar_place places[8];
    cr_assert_eq(bars_place(&axis, palette, bars, 8, places), 1);
    static const enum bar_shape shapes[] = {BAR_RECT,    BAR_RECT, BAR_RECT,    BAR_DOT,
                                            BAR_OUTSIDE, BAR_RECT, BAR_OUTSIDE, BAR_RECT};
    static const double edges[][2] = {{200, 300}, {300, 301}, {301, 400}, {500, 501},
                                      {0, 0},     {100, 150}, {0, 0},     {600, 601}};
    for (size_t i = 0; i < 8; i++) {
        cr_assert_eq((int)places[i].shape, (int)shapes[i]);
        cr_assert_float_eq(places[i].x0, edges[i][0], 1e-9);
        cr_assert_float_eq(places[i].x1, edges[i][1], 1e-9);
    }
}

Test(bars, overlap_in_time_takes_tracks)
{
    static const struct figure_bar bars[] = {
        {.from_ns = 1100, .to_ns = 1300}, {.from_ns = 1200, .to_ns = 1400}, {.from_ns = 1300, .to_ns = 1350}};
    struct bar_place places[3];
    cr_assert_eq(bars_place(&axis, palette, bars, 3, places), 2);
    cr_assert_eq(places[0].track, 0);
    cr_assert_eq(places[1].track, 1);
    cr_assert_eq(places[2].track, 0);
}

/* Whatever the bars: those drawn are near their true place, wide enough, and apart on their track. */
Test(bars, random)
{
    enum { COUNT = 300 };
    srandom(1);
    for (int round = 0; round < 200; round++) {
        struct figure_bar bars[COUNT];
        struct bar_place places[COUNT];
        long spread = 1 + random() % 2000;
        for (size_t i = 0; i < COUNT; i++) {
            int64_t from_ns = 900 + random() % spread;
            bars[i] = (struct figure_bar){.phase = 0, .from_ns = from_ns, .to_ns = from_ns + random() % 20};
        }
        size_t tracks = bars_place(&axis, palette, bars, COUNT, places);
        cr_assert(tracks >= 1 && tracks <= BARS_MAX_TRACKS);
        for (size_t i = 0; i < COUNT; i++) {
            if (places[i].shape != BAR_RECT)
                continue;
            cr_assert(places[i].x1 - places[i].x0 >= 0.5 && places[i].track < tracks);
            cr_assert(places[i].x0 >= bars_x(&axis, bars[i].from_ns) - 1e-9);
            cr_assert(places[i].x1 <= bars_x(&axis, bars[i].to_ns) + BARS_MAX_SHIFT + 1e-9);
            for (size_t k = 0; k < i; k++)
                cr_assert(places[k].shape != BAR_RECT || places[k].track != places[i].track ||
                          places[k].x1 <= places[i].x0 + 1e-9 || places[i].x1 <= places[k].x0 + 1e-9);
        }
    }
}
