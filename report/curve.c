#include "report/curve.h"

enum { CURVE_WIDTH = 700 }; /* pixels */

/* Write the drawing of `curve` as a data: URL; nothing where it could not be drawn. */
static void write_url(FILE *out, const struct plots *curve, bool dark)
{
    struct render_buffer svg = {0};
    const struct render_options options = {.width_px = CURVE_WIDTH, .dark = dark};
    if (render_plot(plots_figure(curve), RENDER_SVG, &options, &svg) == RENDER_OK) {
        fputs("data:image/svg+xml;base64,", out);
        html_base64(out, svg.bytes, svg.len_bytes);
    }
    render_buffer_fini(&svg);
}

void curve_write(const struct document *document, const struct sample *sample)
{
    FILE *out = document->out;
    struct plots *curve = samples_curve(sample);
    if (!curve)
        return;
    fputs("<p><picture><source media=\"(prefers-color-scheme: dark)\" srcset=\"", out);
    write_url(out, curve, true);
    fputs("\"><img class=\"curve\" src=\"", out);
    write_url(out, curve, false);
    fputs("\" alt=\"Distribution: ", out);
    html_string(out, sample->measure->label);
    fputs("\"></picture></p>\n", out);
    plots_free(curve);
}
