/* Palettes: what is printed in gray can be told apart. */
#include <criterion/criterion.h>
#include <math.h>

#include "render/palette.h"

static const struct figure_color phases[] = {FIGURE_COLOR_TLS,      FIGURE_COLOR_SOCKS,  FIGURE_COLOR_DELAY,
                                             FIGURE_COLOR_TRANSFER, FIGURE_COLOR_OPAQUE, FIGURE_COLOR_WAITING};
enum { PHASES = sizeof phases / sizeof *phases };
static const enum render_palette palettes[] = {RENDER_PALETTE_DEFAULT, RENDER_PALETTE_COLORBLIND, RENDER_PALETTE_GRAY};

/* CIE 1976: black is 0, white is 100, and sRGB's middle gray (0x77) is 50.03 (computed with R's
 * grDevices::convertColor). */
Test(palette, lightness)
{
    cr_expect_lt(fabs(palette_lightness((struct figure_color){0, 0, 0})), 0.01);
    cr_expect_lt(fabs(palette_lightness((struct figure_color){255, 255, 255}) - 100), 0.01);
    cr_expect_lt(fabs(palette_lightness((struct figure_color){0x77, 0x77, 0x77}) - 50.03), 0.05);
}

Test(palette, phases_differ_in_lightness)
{
    for (size_t p = 0; p < 3; p++) {
        for (size_t i = 0; i < PHASES; i++) {
            for (size_t k = 0; k < i; k++) {
                double step = palette_lightness(palette_phase(palettes[p], phases[i])) -
                              palette_lightness(palette_phase(palettes[p], phases[k]));
                cr_expect_geq(fabs(step), PALETTE_LEAST_STEP, "palette %zu, phases %zu and %zu: %g", p, i, k, step);
            }
        }
    }
}

Test(palette, neighbouring_series_differ)
{
    for (size_t p = 0; p < 3; p++) {
        for (size_t i = 1; i < PALETTE_SERIES; i++) {
            struct palette_series a = palette_series(palettes[p], i - 1), b = palette_series(palettes[p], i);
            double step = palette_lightness(a.color) - palette_lightness(b.color);
            cr_expect_geq(fabs(step), PALETTE_LEAST_STEP, "palette %zu, series %zu: %g", p, i, step);
            cr_expect(a.dash_count != b.dash_count || a.dash[0] != b.dash[0], "palette %zu, series %zu: the dash", p,
                      i);
        }
    }
}
