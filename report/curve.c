#include "report/curve.h"

enum { CURVE_WIDTH = 700 }; /* pixels */

void curve_write(const struct document *document, const struct sample *sample)
{
    FILE *out = document->out;
    struct plots *curve = samples_curve(sample);
    struct render_buffer svg = {0};
    if (!curve)
        return;
    fputs("<p><img class=\"curve\" src=\"", out);
    if (render_plot_web(plots_figure(curve), CURVE_WIDTH, &svg) == RENDER_OK) {
        fputs("data:image/svg+xml;base64,", out);
        html_base64(out, svg.bytes, svg.len_bytes);
    }
    fputs("\" alt=\"Distribution: ", out);
    html_string(out, sample->label);
    fputs("\"></p>\n", out);
    render_buffer_fini(&svg);
    plots_free(curve);
}
