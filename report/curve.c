#include "report/curve.h"

enum { CURVE_WIDTH = 700 }; /* pixels */

void curve_write(const struct document *document, const struct sample *sample)
{
    FILE *out = document->out;
    struct plots *curve = samples_curve(sample);
    struct render_buffer svg = {0};
    const struct render_options options = {.width_px = CURVE_WIDTH};
    if (curve && render_plot(plots_figure(curve), RENDER_SVG, &options, &svg) == RENDER_OK) {
        fputs("<p><img class=\"curve\" src=\"data:image/svg+xml;base64,", out);
        html_base64(out, svg.bytes, svg.len_bytes);
        fputs("\" alt=\"Distribution: ", out);
        html_string(out, sample->measure->label);
        fputs("\"></p>\n", out);
    }
    render_buffer_fini(&svg);
    if (curve)
        plots_free(curve);
}
