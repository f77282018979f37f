/* In place of paper_plot.c as long as there is no plot_layout.c. */
#include "render/paper_parts.h"

void paper_plot(struct paper *paper, const struct plot_figure *figure)
{
    (void)paper;
    (void)figure;
}
