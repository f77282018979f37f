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
                double step = palette_lightness(palette_color(palettes[p], phases[i])) -
                              palette_lightness(palette_color(palettes[p], phases[k]));
                cr_expect_geq(fabs(step), PALETTE_LEAST_STEP, "palette %zu, phases %zu and %zu: %g", p, i, k, step);
            }
        }
    }
}

static bool is_gray(struct figure_color color)
{
    return color.red == color.green && color.green == color.blue;
}

static bool same(struct figure_color a, struct figure_color b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

/* Whatever has a colour becomes a gray that is as light: half a step of a channel is at most 0.26 in L*. */
Test(palette, gray_has_no_hue)
{
    for (unsigned i = 0; i < 256 * 256; i += 7) {
        struct figure_color color = {(uint8_t)i, (uint8_t)(i >> 8), (uint8_t)(i * 31)};
        struct figure_color gray = palette_color(RENDER_PALETTE_GRAY, color);
        cr_expect(is_gray(gray), "%02x%02x%02x", color.red, color.green, color.blue);
        cr_expect_lt(fabs(palette_lightness(gray) - palette_lightness(color)), 0.26);
    }
    for (size_t i = 0; i < PHASES; i++)
        cr_expect(is_gray(palette_color(RENDER_PALETTE_GRAY, phases[i])), "phase %zu", i);
    for (size_t i = 0; i < PALETTE_SERIES; i++)
        cr_expect(is_gray(palette_series(RENDER_PALETTE_GRAY, i).color), "series %zu", i);
    struct figure_color failure = palette_color(RENDER_PALETTE_GRAY, (struct figure_color)FIGURE_COLOR_FAILURE);
    cr_expect(same(failure, (struct figure_color){0, 0, 0}), "failures are black");
}

/* Plots translate some colours early: nothing may be translated twice. */
Test(palette, its_own_colours_stay)
{
    for (size_t p = 0; p < 3; p++) {
        for (size_t i = 0; i < PHASES; i++) {
            struct figure_color color = palette_color(palettes[p], phases[i]);
            cr_expect(same(palette_color(palettes[p], color), color), "palette %zu, phase %zu", p, i);
        }
        for (size_t i = 0; i < PALETTE_SERIES; i++) {
            struct figure_color color = palette_series(palettes[p], i).color;
            cr_expect(same(palette_color(palettes[p], color), color), "palette %zu, series %zu", p, i);
        }
    }
    for (unsigned i = 0; i < 256; i++) {
        struct figure_color gray = {(uint8_t)i, (uint8_t)i, (uint8_t)i};
        cr_expect(same(palette_color(RENDER_PALETTE_GRAY, gray), gray), "gray %u", i);
    }
}

/* Words of failures can be read: WCAG 2.2, 1.4.3, wants a contrast of 4.5 with what is white or nearly so. */
Test(palette, failures_can_be_read)
{
    for (size_t p = 0; p < 3; p++) {
        double lightness = palette_lightness(palette_color(palettes[p], (struct figure_color)FIGURE_COLOR_FAILURE));
        double luminance = lightness > 8 ? pow((lightness + 16) / 116, 3) : lightness * 27 / 24389;
        cr_expect_geq(1.05 / (luminance + 0.05), 4.5, "palette %zu", p);
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
