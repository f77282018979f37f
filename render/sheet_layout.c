#include "render/sheet_layout.h"

#include <math.h>

#include "render/plot_layout.h"
#include "render/timeline.h"

#define MARGIN     24.0 /* that of a timeline */
#define COLUMN_GAP 40.0
#define ROW_GAP    28.0

/* The layout in the making. */
struct sheet {
    const struct sheet_figure *figure;
    struct layout *layout;
    struct layout_page *page;
    double width, max_height;
    double y; /* where the next part goes */
};

static void add_paragraphs(struct sheet *sheet, enum text_style style, struct figure_color color,
                           const struct figure_text *texts, size_t count)
{
    enum { MOST_LINES = 3 };
    const char *lines[MOST_LINES];
    struct text_meter *meter = sheet->layout->meter;
    for (size_t i = 0; i < count; i++) {
        const char *text = text_safe(meter, texts[i], false);
        size_t n = text_wrap(meter, style, text, sheet->width - 2 * MARGIN, lines, MOST_LINES);
        for (size_t k = 0; k < n; k++) {
            layout_add_text(sheet->layout, sheet->page, style, color, lines[k], MARGIN, sheet->y, LAYOUT_LEFT);
            sheet->y += text_height(meter, style) * 1.2;
        }
    }
}

/* Add a plot at `place`, with its first panel's title, which may be cut short, as a tooltip; return its height. */
static double add_plot(struct sheet *sheet, const struct plot_figure *plot, struct layout_rect place)
{
    static const struct plot_look look = {.titled = true};
    struct text_meter *meter = sheet->layout->meter;
    double height = plot_layout_add(sheet->layout, sheet->page, plot, place, &look);
    if (plot->panel_count > 0) {
        place.height = text_height(meter, TEXT_HEADING);
        layout_add_hit(sheet->layout, sheet->page, place, text_safe(meter, plot->panels[0].title, true),
                       (struct figure_text){NULL, 0}, NULL);
    }
    return height;
}

/* Add the plots; return whether they are within the greatest height. */
static bool add_plots(struct sheet *sheet)
{
    size_t count = sheet->figure->plot_count, columns = count > 1 ? 2 : 1;
    double width = (sheet->width - 2 * MARGIN - (double)(columns - 1) * COLUMN_GAP) / (double)columns;
    for (size_t i = 0; i < count && sheet->y <= sheet->max_height; i += columns) {
        double height = 0;
        for (size_t k = 0; k < columns && i + k < count; k++) {
            struct layout_rect place = {MARGIN + (double)k * (width + COLUMN_GAP), sheet->y, width, 0};
            height = fmax(height, add_plot(sheet, &sheet->figure->plots[i + k], place));
        }
        sheet->y += height + ROW_GAP;
    }
    return sheet->y <= sheet->max_height;
}

/* Add the timeline, which has margins itself, and return whether there is room for it. */
static bool add_timeline(struct sheet *sheet)
{
    const struct timeline_options options = {.width = sheet->width, .max_height = sheet->max_height - sheet->y};
    if (!sheet->figure->timeline)
        return true;
    struct layout *timeline = timeline_layout(sheet->figure->timeline, &options);
    if (!timeline)
        return false;
    const struct layout_page *page = layout_page(timeline, 0);
    layout_add_copy(sheet->layout, sheet->page, page, (struct layout_point){0, sheet->y}, "");
    sheet->y += page->height - MARGIN;
    layout_free(timeline);
    return true;
}

static bool add_parts(struct sheet *sheet)
{
    const struct sheet_figure *figure = sheet->figure;
    add_paragraphs(sheet, TEXT_TITLE, INK_TEXT, &figure->title, 1);
    add_paragraphs(sheet, TEXT_BODY, INK_QUIET, figure->subtitles, figure->subtitle_count);
    sheet->y += ROW_GAP / 2;
    if (!add_plots(sheet))
        return false;
    add_paragraphs(sheet, TEXT_SMALL, INK_QUIET, figure->notes, figure->note_count);
    if (!add_timeline(sheet))
        return false;
    sheet->page->height = ceil(sheet->y + MARGIN);
    return sheet->page->height <= sheet->max_height;
}

struct layout *sheet_layout(const struct sheet_figure *figure, double width, double max_height)
{
    struct layout *layout = layout_new(NULL);
    struct sheet sheet = {.figure = figure,
                          .layout = layout,
                          .page = layout_add_page(layout, width, 1),
                          .width = width,
                          .max_height = max_height,
                          .y = MARGIN};
    layout->title = text_safe(layout->meter, figure->title, false);
    if (add_parts(&sheet))
        return layout;
    layout_free(layout);
    return NULL;
}
