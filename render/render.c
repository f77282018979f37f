#include "render/render.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <strings.h>

#include "render/output.h"
#include "render/save.h"
#include "render/timeline.h"

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
        return "too many lines for one picture: select fewer, or make a PDF";
    case RENDER_NO_MEMORY:
        return "not enough memory for the picture";
    case RENDER_IO_ERROR:
        return "the picture could not be written";
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

/* Return the layout of `figure` for `format`, or NULL if it does not fit. */
static struct layout *lay_out(const struct timeline_figure *figure, enum render_format format,
                              const struct render_options *options)
{
    struct timeline_options layout_options = {.width = option(options->width_px, 1100, 600, 4000)};
    if (format == RENDER_PDF) {
        layout_options.width = option(options->page_width_pt, 842, 420, 4000) / OUTPUT_POINTS_PER_UNIT;
        layout_options.page_height = option(options->page_height_pt, 595, 420, 4000) / OUTPUT_POINTS_PER_UNIT;
        layout_options.index = !options->no_index;
    } else {
        layout_options.max_height = fmin(OUTPUT_MAX_SIDE, OUTPUT_MAX_PIXELS / layout_options.width);
    }
    return timeline_layout(figure, &layout_options);
}

/* Return the scale of a PNG of `layout`: as wished, or as far as the limits allow in steps of a half. */
static double png_scale(const struct layout *layout, const struct render_options *options)
{
    const struct layout_page *page = layout_page(layout, 0);
    double scale = option(options->scale, 2, 1, 4);
    double side = OUTPUT_MAX_SIDE / fmax(page->width, page->height);
    double area = sqrt(OUTPUT_MAX_PIXELS / (page->width * page->height));
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

enum render_result render_timeline(const struct timeline_figure *figure, enum render_format format,
                                   const struct render_options *options, struct render_buffer *out)
{
    static const struct render_options usual = {0};
    options = options ? options : &usual;
    render_buffer_fini(out);
    struct layout *layout = lay_out(figure, format, options);
    if (!layout)
        return RENDER_TOO_LARGE;
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

enum render_result render_timeline_file(const struct timeline_figure *figure, enum render_format format,
                                        const struct render_options *options, const char *path, int *error)
{
    struct render_buffer drawing = {0};
    *error = 0;
    enum render_result result = render_timeline(figure, format, options, &drawing);
    if (result == RENDER_OK) {
        *error = save_file(path, drawing.bytes, drawing.len_bytes);
        if (*error != 0)
            result = RENDER_IO_ERROR;
    }
    render_buffer_fini(&drawing);
    return result;
}

enum render_result render_timeline_image_map(const struct timeline_figure *figure, const struct render_options *options,
                                             const char *name, struct render_buffer *out, unsigned *height_px)
{
    static const struct render_options usual = {0};
    options = options ? options : &usual;
    render_buffer_fini(out);
    struct layout *layout = lay_out(figure, RENDER_PNG, options);
    if (!layout)
        return RENDER_TOO_LARGE;
    GString *bytes = g_string_new(NULL);
    output_image_map(layout, options->links, name, bytes);
    if (height_px)
        *height_px = (unsigned)layout_page(layout, 0)->height;
    layout_free(layout);
    hand_over(bytes, out);
    return RENDER_OK;
}
