#include "render/palette.h"

#include <math.h>

/* Phases and failures: as in the default palette, and what stands for them in the others. */
static const struct figure_color colors[][3] = {
    {FIGURE_COLOR_TLS, {0x7d, 0x35, 0x60}, {0x44, 0x44, 0x44}},
    {FIGURE_COLOR_SOCKS, {0x00, 0x72, 0xb2}, {0x1a, 0x1a, 0x1a}},
    {FIGURE_COLOR_DELAY, {0x00, 0x00, 0x00}, {0x62, 0x62, 0x62}},
    {FIGURE_COLOR_TRANSFER, {0x00, 0x9e, 0x73}, {0x86, 0x86, 0x86}},
    {FIGURE_COLOR_OPAQUE, {0xe6, 0x9f, 0x00}, {0xae, 0xae, 0xae}},
    {FIGURE_COLOR_WAITING, {0xd4, 0xd8, 0xde}, {0xda, 0xda, 0xda}},
    {FIGURE_COLOR_FAILURE, {0xb0, 0x4e, 0x00}, {0x00, 0x00, 0x00}},
};

/* The series. Neighbours differ in lightness, and each in its dash. */
static const struct figure_color series[PALETTE_SERIES][3] = {
    {{0x1f, 0x55, 0x9e}, {0x00, 0x72, 0xb2}, {0x10, 0x10, 0x10}},
    {{0xe0, 0x7b, 0x1a}, {0xe6, 0x9f, 0x00}, {0x90, 0x90, 0x90}},
    {{0x2f, 0x7d, 0x45}, {0x00, 0x9e, 0x73}, {0x50, 0x50, 0x50}},
    {{0xe0, 0x8f, 0xc0}, {0x56, 0xb4, 0xe9}, {0xa8, 0xa8, 0xa8}},
    {{0x5a, 0x3b, 0x86}, {0xd5, 0x5e, 0x00}, {0x30, 0x30, 0x30}},
    {{0x3a, 0xa7, 0xb5}, {0xb8, 0xa8, 0x00}, {0x98, 0x98, 0x98}},
    {{0xa3, 0x2e, 0x27}, {0x00, 0x00, 0x00}, {0x40, 0x40, 0x40}},
    {{0x9a, 0x8c, 0x3a}, {0xcc, 0x79, 0xa7}, {0x80, 0x80, 0x80}},
};

/* clang-format off */
static const double dashes[PALETTE_SERIES][6] = {
    {0}, {5, 2.5}, {1.2, 1.6}, {7, 2, 1.2, 2}, {10, 3}, {3, 1.5}, {6, 1.6, 1.2, 1.6, 1.2, 1.6}, {2.2, 3},
};
/* clang-format on */
static const size_t dash_counts[PALETTE_SERIES] = {0, 2, 2, 4, 2, 2, 6, 2};

struct palette_series palette_series(enum render_palette palette, size_t style)
{
    style %= PALETTE_SERIES;
    return (struct palette_series){
        .color = series[style][palette],
        .dash = dash_counts[style] > 0 ? dashes[style] : NULL,
        .dash_count = dash_counts[style],
    };
}

/* Return the linear value of an sRGB channel. */
static double linear(uint8_t channel)
{
    double value = channel / 255.0;
    return value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4);
}

static double luminance(struct figure_color color)
{
    return 0.2126 * linear(color.red) + 0.7152 * linear(color.green) + 0.0722 * linear(color.blue);
}

double palette_lightness(struct figure_color color)
{
    double y = luminance(color);
    return y > 216.0 / 24389 ? 116 * cbrt(y) - 16 : y * 24389 / 27;
}

/* Return the gray that is as light as `color`. */
static struct figure_color gray_of(struct figure_color color)
{
    double y = luminance(color);
    double value = y <= 0.0031308 ? 12.92 * y : 1.055 * pow(y, 1 / 2.4) - 0.055;
    uint8_t channel = (uint8_t)lround(value * 255);
    return (struct figure_color){channel, channel, channel};
}

struct figure_color palette_color(enum render_palette palette, struct figure_color color)
{
    for (size_t i = 0; i < sizeof colors / sizeof *colors; i++) {
        if (memcmp(&colors[i][RENDER_PALETTE_DEFAULT], &color, sizeof color) == 0)
            return colors[i][palette];
    }
    return palette == RENDER_PALETTE_GRAY ? gray_of(color) : color;
}
