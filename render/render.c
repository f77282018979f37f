#include "render/render.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <strings.h>

#include "render/output.h"
#include "render/plot_layout.h"
#include "render/save.h"
#include "render/sheet_layout.h"
#include "render/timeline.h"
#include "render/web.h"

void render_buffer_fini(struct render_buffer *buffer)
{
    free(buffer->bytes);
    *buffer = (struct render_buffer){NULL, 0};
}

bool render_format_of(const char *path, enum render_format *format)
{
    static const char *const endings[] = {[RENDER_SVG] = ".svg", [RENDER_PNG] = ".png", [RENDER_PDF] = ".pdf"};
    size_t len = strlen(path);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        if (len > 4 && strcasecmp(path + len - 4, endings[i]) == 0) {
            *format = (enum render_format)i;
            return true;
        }
    }
    return false;
}

const char *render_result_text(enum render_result result)
{
    switch (result) {
    case RENDER_OK:
        return "done";
    case RENDER_TOO_LARGE:
        return "too many lines for one picture: select fewer (a time, a server), or make the PDF of timeline or report";
    case RENDER_NO_MEMORY:
        return "not enough memory for the picture";
    case RENDER_IO_ERROR:
        return "the picture could not be written";
    case RENDER_NO_FONT:
        return "this font is not installed (fc-list : family prints those that are)";
    case RENDER_TOO_NARROW:
        return "too narrow for text of this size: make the figure wider or the text smaller";
    }
    return "unknown result";
}

/* Return `value` held to low … high, or `usual` if it is 0 (or no number). */
static double option(double value, double usual, double low, double high)
{
    if (!(value > 0))
        return usual;
    return fmin(fmax(value, low), high);
}

/* Size of the text in a figure of a width asked for, unless another is asked for. */
#define FIGURE_FONT_PT 8

static bool is_exact(const struct render_options *options)
{
    return options->figure_width_pt > 0;
}

/*
 * Return the font that `options` ask for. All texts of an exact figure, but for its title, have one size: FIGURE_TEXT
 * units. How large a unit is follows from the size wanted in points: so distances suit every size.
 */
#define FIGURE_TEXT 11.0
static struct text_font font_of(const struct render_options *options)
{
    return (struct text_font){.family = options->font, .size = is_exact(options) ? FIGURE_TEXT : 0};
}

static double unit_pt(const struct render_options *options)
{
    if (!is_exact(options))
        return OUTPUT_POINTS_PER_UNIT;
    return (options->font_pt > 0 ? options->font_pt : FIGURE_FONT_PT) / FIGURE_TEXT;
}

/* How much thicker crosses are where they have no hue that tells them apart. */
#define GRAY_CROSS 1.5

/* Let another palette's colours stand for those of the default one. */
static void recolor(struct layout *layout, enum render_palette palette)
{
    for (size_t i = 0; i < layout_page_count(layout); i++) {
        struct layout_page *page = layout_page(layout, i);
        for (guint k = 0; k < page->items->len; k++) {
            struct layout_item *item = &g_array_index(page->items, struct layout_item, k);
            item->color = palette_color(palette, item->color);
            if (palette == RENDER_PALETTE_GRAY && item->kind == LAYOUT_CROSS)
                item->stroke *= GRAY_CROSS;
        }
    }
}

/* Return the greatest height of a picture of `width`. */
static double picture_height(double width)
{
    return fmin(OUTPUT_MAX_SIDE, OUTPUT_MAX_PIXELS / width);
}

/* Store the layout of `figure` for `format` in *layout, or NULL if there is none. */
static enum render_result lay_out(const struct timeline_figure *figure, enum render_format format,
                                  const struct render_options *options, struct layout **layout)
{
    struct text_font font = font_of(options);
    struct timeline_options layout_options = {.width = option(options->width_px, 1100, 600, 4000), .font = &font};
    if (is_exact(options)) {
        layout_options.width = options->figure_width_pt / unit_pt(options);
        layout_options.max_height = OUTPUT_MAX_SIDE / 4;
        layout_options.bare = true;
        layout_options.titled = options->titled;
        if (layout_options.width < TIMELINE_LEAST_WIDTH)
            return RENDER_TOO_NARROW;
    } else if (format == RENDER_PDF) {
        layout_options.width = option(options->page_width_pt, 842, 420, 4000) / OUTPUT_POINTS_PER_UNIT;
        layout_options.page_height = option(options->page_height_pt, 595, 420, 4000) / OUTPUT_POINTS_PER_UNIT;
        layout_options.index = !options->no_index;
    } else {
        layout_options.max_height = picture_height(layout_options.width);
    }
    *layout = timeline_layout(figure, &layout_options);
    if (!*layout)
        return RENDER_TOO_LARGE;
    (*layout)->unit_pt = unit_pt(options);
    recolor(*layout, options->palette);
    return RENDER_OK;
}

/* The same for a plot: one page. */
static enum render_result lay_out_plot(const struct plot_figure *figure, const struct render_options *options,
                                       struct layout **layout)
{
    struct text_font font = font_of(options);
    const struct plot_look look = {.palette = options->palette, .titled = options->titled || !is_exact(options)};
    double width =
        is_exact(options) ? options->figure_width_pt / unit_pt(options) : option(options->width_px, 700, 300, 4000);
    double margin = is_exact(options) ? 1 : 16, height = options->figure_height_pt / unit_pt(options);
    struct layout *made = layout_new(&font);
    if (width - 2 * margin < plot_layout_least_width(made)) {
        layout_free(made);
        return RENDER_TOO_NARROW;
    }
    struct layout_rect place = {margin, margin, width - 2 * margin, height > 0 ? fmax(height - 2 * margin, 1) : 0};
    struct layout_page *page = layout_add_page(made, width, height);
    double taken = plot_layout_add(made, page, figure, place, &look) + 2 * margin;
    made->title = text_safe(made->meter, figure->title, false);
    made->created_s = figure->created_s;
    made->unit_pt = unit_pt(options);
    recolor(made, options->palette);
    if (height <= 0 || taken > height + 0.5) /* what does not fit is not cut off */
        page->height = taken;
    *layout = made;
    return RENDER_OK;
}

/* Return the scale of a PNG of `layout`: as wished, or as far as the limits allow in steps of a half. */
static double png_scale(const struct layout *layout, const struct render_options *options)
{
    const struct layout_page *page = layout_page(layout, 0);
    double scale = option(options->scale, 2, 1, 4);
    double px = layout->unit_pt / OUTPUT_POINTS_PER_UNIT;
    double side = OUTPUT_MAX_SIDE / (fmax(page->width, page->height) * px);
    double area = sqrt(OUTPUT_MAX_PIXELS / (page->width * page->height)) / px;
    double greatest = fmin(side, area);
    return scale <= greatest ? scale : fmax(1, floor(greatest * 2) / 2);
}

/* Draw `layout` in `format` into `bytes`. */
static cairo_status_t output(const struct layout *layout, enum render_format format,
                             const struct render_options *options, GString *bytes)
{
    switch (format) {
    case RENDER_SVG:
        return output_svg(layout, options->links, options->dark, bytes);
    case RENDER_PNG:
        return output_png(layout, png_scale(layout, options), options->dark, bytes);
    case RENDER_PDF:
        return output_pdf(layout, options->dark, bytes);
    }
    return CAIRO_STATUS_INVALID_FORMAT;
}

/* Make `bytes`, which is freed, the content of `out`. */
static void hand_over(GString *bytes, struct render_buffer *out)
{
    out->len_bytes = bytes->len;
    out->bytes = g_string_free(bytes, FALSE);
}

/* Output `layout`, which is freed, into `out`. */
static enum render_result finish(struct layout *layout, enum render_format format, const struct render_options *options,
                                 struct render_buffer *out)
{
    GString *bytes = g_string_new(NULL);
    cairo_status_t status = output(layout, format, options, bytes);
    layout_free(layout);
    assert(status == CAIRO_STATUS_SUCCESS || status == CAIRO_STATUS_NO_MEMORY); /* the rest are bugs */
    if (status != CAIRO_STATUS_SUCCESS) {
        g_string_free(bytes, TRUE);
        return RENDER_NO_MEMORY;
    }
    hand_over(bytes, out);
    return RENDER_OK;
}

/* Write what was drawn, if it was, into the file `path`, and free it. */
static enum render_result save(enum render_result result, struct render_buffer *drawing, const char *path, int *error)
{
    *error = 0;
    if (result == RENDER_OK) {
        *error = save_file(path, drawing->bytes, drawing->len_bytes);
        if (*error != 0)
            result = RENDER_IO_ERROR;
    }
    render_buffer_fini(drawing);
    return result;
}

static const struct render_options usual = {0};

enum render_result render_timeline(const struct timeline_figure *figure, enum render_format format,
                                   const struct render_options *options, struct render_buffer *out)
{
    struct layout *layout;
    options = options ? options : &usual;
    render_buffer_fini(out);
    if (options->font && !text_family_exists(options->font))
        return RENDER_NO_FONT;
    enum render_result result = lay_out(figure, format, options, &layout);
    return result == RENDER_OK ? finish(layout, format, options, out) : result;
}

enum render_result render_timeline_file(const struct timeline_figure *figure, enum render_format format,
                                        const struct render_options *options, const char *path, int *error)
{
    struct render_buffer drawing = {0};
    return save(render_timeline(figure, format, options, &drawing), &drawing, path, error);
}

enum render_result render_plot(const struct plot_figure *figure, enum render_format format,
                               const struct render_options *options, struct render_buffer *out)
{
    struct layout *layout;
    options = options ? options : &usual;
    render_buffer_fini(out);
    if (options->font && !text_family_exists(options->font))
        return RENDER_NO_FONT;
    enum render_result result = lay_out_plot(figure, options, &layout);
    return result == RENDER_OK ? finish(layout, format, options, out) : result;
}

enum render_result render_plot_file(const struct plot_figure *figure, enum render_format format,
                                    const struct render_options *options, const char *path, int *error)
{
    struct render_buffer drawing = {0};
    return save(render_plot(figure, format, options, &drawing), &drawing, path, error);
}

enum render_result render_sheet(const struct sheet_figure *figure, enum render_format format,
                                const struct render_options *options, struct render_buffer *out)
{
    options = options ? options : &usual;
    render_buffer_fini(out);
    double width = option(options->width_px, 1100, 600, 4000);
    struct layout *layout = sheet_layout(figure, width, picture_height(width));
    return layout ? finish(layout, format, options, out) : RENDER_TOO_LARGE;
}

enum render_result render_plot_web(const struct plot_figure *figure, double width_px, struct render_buffer *out)
{
    struct layout *layout;
    render_buffer_fini(out);
    enum render_result result = lay_out_plot(figure, &(struct render_options){.width_px = width_px}, &layout);
    if (result != RENDER_OK)
        return result;
    GString *bytes = g_string_new(NULL);
    web_svg(layout, bytes);
    layout_free(layout);
    hand_over(bytes, out);
    return RENDER_OK;
}

enum render_result render_timeline_image_map(const struct timeline_figure *figure, const struct render_options *options,
                                             const char *name, struct render_buffer *out, unsigned *height_px)
{
    struct layout *layout;
    options = options ? options : &usual;
    render_buffer_fini(out);
    enum render_result result = lay_out(figure, RENDER_PNG, options, &layout);
    if (result != RENDER_OK)
        return result;
    GString *bytes = g_string_new(NULL);
    output_image_map(layout, options->links, name, bytes);
    if (height_px)
        *height_px = (unsigned)layout_page(layout, 0)->height;
    layout_free(layout);
    hand_over(bytes, out);
    return RENDER_OK;
}
