/* Plots in a document on paper. */
#include "render/paper_parts.h"
#include "render/plot_layout.h"

void paper_plot(struct paper *paper, const struct plot_figure *figure)
{
    static const struct plot_look look = {.titled = true};
    double width = paper->right - paper->left;
    double height = plot_layout_height(paper->layout, figure, width, &look);
    if (!paper_make_room(paper, height))
        return;
    struct layout_rect place = {paper->left, paper->y, width, 0};
    if (height > paper->bottom - paper->top)
        place.height = paper->bottom - paper->top; /* a page's, with lower plotting areas */
    paper->y += plot_layout_add(paper->layout, paper->page, figure, place, &look) + 14;
}
