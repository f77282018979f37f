#include "render/plot_layout.h"

#include <math.h>

#include "render/plot_parts.h"

/* Of the width, what labels of rows may take at the left of their rows, at most. */
#define LABELS_SHARE 0.42
/* Plotting areas are not made lower than this part of their usual height. */
#define LEAST_STRETCH 0.05

struct kind {
    void (*scale)(struct plot *plot, struct plot_area *area);
    void (*add)(struct plot *plot, struct plot_area *area);
    double (*label_width)(struct plot *plot, const struct plot_panel *panel);
};

static const struct kind kinds[] = {
    [PLOT_LINES] = {plot_lines_scale, plot_lines_add, plot_lines_label_width},
    [PLOT_STRIPS] = {plot_strips_scale, plot_strips_add, plot_strips_label_width},
    [PLOT_BARS] = {plot_bars_scale, plot_bars_add, plot_bars_label_width},
};

/* Decide where the plotting areas begin: at the same x in all panels. */
static void choose_left(struct plot *plot)
{
    double wanted = 0, most = (plot->right - plot->left) * LABELS_SHARE;
    for (size_t i = 0; i < plot->figure->panel_count; i++) {
        const struct plot_panel *panel = &plot->figure->panels[i];
        double width = kinds[panel->kind].label_width(plot, panel);
        if (panel->kind == PLOT_LINES || width <= most)
            wanted = fmax(wanted, width);
        else
            plot->rows_above = true;
    }
    if (plot->rows_above) { /* only what lines need at their left */
        wanted = 0;
        for (size_t i = 0; i < plot->figure->panel_count; i++) {
            if (plot->figure->panels[i].kind == PLOT_LINES)
                wanted = fmax(wanted, plot_lines_label_width(plot, &plot->figure->panels[i]));
        }
    }
    plot->area_left = plot->left + wanted;
}

static void add_panels(struct plot *plot)
{
    struct plot_scale before = {0};
    for (size_t i = 0; i < plot->figure->panel_count; i++) {
        const struct plot_panel *panel = &plot->figure->panels[i];
        struct plot_area area = {.panel = panel};
        if (i > 0)
            plot->y += plot->em;
        const char *title = plot_text(plot, panel->title);
        if (*title != '\0') {
            plot_add_paragraph(plot, TEXT_HEADING, INK_TEXT, title, plot->left, plot->right - plot->left, 2);
            plot->y += plot->em * 0.2;
        }
        kinds[panel->kind].scale(plot, &area);
        if (panel->same_x && i > 0)
            area.x = before;
        before = area.x;
        kinds[panel->kind].add(plot, &area);
    }
}

static void add_all(struct plot *plot)
{
    const struct plot_figure *figure = plot->figure;
    double width = plot->right - plot->left;
    const char *title = plot_text(plot, figure->title);
    if (plot->look->titled && *title != '\0') {
        plot_add_paragraph(plot, TEXT_TITLE, INK_TEXT, title, plot->left, width, 3);
        plot->y += plot->em * 0.5;
    }
    if (figure->panel_count == 0)
        plot_add_paragraph(plot, TEXT_BODY, INK_QUIET, plot_text(plot, figure->empty_label), plot->left, width, 3);
    choose_left(plot);
    add_panels(plot);
    for (size_t i = 0; i < figure->note_count; i++) {
        plot->y += plot->em * 0.3;
        plot_add_paragraph(plot, TEXT_SMALL, INK_QUIET, plot_text(plot, figure->notes[i]), plot->left, width, 3);
    }
}

/* How to lay out what the look leaves open. */
struct manner {
    double stretch; /* of plotting areas */
    bool keyed;     /* lines have a legend, even where there is room for labels beside them */
};

/* Lay the figure out; return the height that it takes, and store that of its plotting areas in *areas. */
static double lay_out(struct layout *layout, struct layout_page *page, const struct plot_figure *figure,
                      struct layout_rect place, const struct plot_look *look, struct manner manner, double *areas)
{
    struct plot plot = {.figure = figure,
                        .look = look,
                        .layout = layout,
                        .page = page,
                        .left = place.x,
                        .right = place.x + place.width,
                        .y = place.y,
                        .em = text_size(layout->meter, TEXT_BODY),
                        .line = text_height(layout->meter, TEXT_BODY),
                        .stretch = manner.stretch,
                        .keyed = manner.keyed};
    add_all(&plot);
    *areas = plot.areas;
    return plot.y - place.y;
}

double plot_layout_least_width(const struct layout *layout)
{
    return 18 * text_height(layout->meter, TEXT_BODY);
}

/* Lay out on a page that is thrown away. */
static double measure(struct layout *layout, const struct plot_figure *figure, double width,
                      const struct plot_look *look, struct manner manner, double *areas)
{
    struct layout_page *page = layout_add_page(layout, width, 1);
    double height = lay_out(layout, page, figure, (struct layout_rect){0, 0, width, 0}, look, manner, areas);
    layout_remove_last_page(layout);
    return height;
}

/* Choose the stretch with which the figure is `height` high; return how much it is off. */
static double choose_stretch(struct layout *layout, const struct plot_figure *figure, double width, double height,
                             const struct plot_look *look, struct manner *manner)
{
    double areas;
    manner->stretch = 1;
    double missing = height - measure(layout, figure, width, look, *manner, &areas);
    if (areas > 0)
        manner->stretch = fmax(1 + missing / areas, LEAST_STRETCH);
    return fabs(height - measure(layout, figure, width, look, *manner, &areas));
}

double plot_layout_height(struct layout *layout, const struct plot_figure *figure, double width,
                          const struct plot_look *look)
{
    double areas;
    return measure(layout, figure, width, look, (struct manner){.stretch = 1}, &areas);
}

double plot_layout_add(struct layout *layout, struct layout_page *page, const struct plot_figure *figure,
                       struct layout_rect place, const struct plot_look *look)
{
    struct manner manner = {.stretch = 1};
    double areas;
    if (place.height > 0 && choose_stretch(layout, figure, place.width, place.height, look, &manner) > 0.01) {
        /* Labels had room at one height and not at the other. With legends the height is certain. */
        manner.keyed = true;
        (void)choose_stretch(layout, figure, place.width, place.height, look, &manner);
    }
    return lay_out(layout, page, figure, place, look, manner, &areas);
}
