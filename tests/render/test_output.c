/* Files: repeatable, well-formed, with their hit areas. */
#include <cairo.h>
#include <criterion/criterion.h>
#include <locale.h>
#include <stdlib.h>
#include <time.h>

#include "figures.h"
#include "render/render.h"
#include "render/text.h"

static const struct figure_plan plan = {42, 4, 30, 5, 6200000000, false, 0};
static const struct figure_plan hostile = {43, 12, 80, 5, 6200000000, true, 0};

/* Draw the figure of `which`; the caller frees it with render_buffer_fini(). */
static struct render_buffer draw(const struct figure_plan *which, enum render_format format, bool links)
{
    struct test_figure *test = figures_random(which);
    struct render_options options = {.links = links};
    struct render_buffer drawing = {0};
    cr_assert_eq((int)render_timeline(&test->figure, format, &options, &drawing), RENDER_OK);
    figures_free(test);
    return drawing;
}

Test(output, is_repeatable)
{
    for (int format = RENDER_SVG; format <= RENDER_PDF; format++) {
        struct render_buffer first = draw(&plan, (enum render_format)format, true);
        setlocale(LC_ALL, "");
        setenv("TZ", "Asia/Tokyo", 1);
        tzset();
        struct render_buffer second = draw(&plan, (enum render_format)format, true);
        cr_assert(first.len_bytes == second.len_bytes && memcmp(first.bytes, second.bytes, first.len_bytes) == 0);
        render_buffer_fini(&first);
        render_buffer_fini(&second);
    }
}

Test(output, signatures)
{
    static const char *const begins[] = {[RENDER_SVG] = "<?xml", [RENDER_PNG] = "\x89PNG", [RENDER_PDF] = "%PDF-"};
    for (int format = RENDER_SVG; format <= RENDER_PDF; format++) {
        struct render_buffer drawing = draw(&plan, (enum render_format)format, false);
        cr_assert(drawing.len_bytes > 1000 && memcmp(drawing.bytes, begins[format], strlen(begins[format])) == 0);
        render_buffer_fini(&drawing);
    }
}

/* What was met in an SVG. */
struct svg_facts {
    size_t depth;
    size_t links;
    size_t tooltips;
    bool has_435;       /* a link to #connection-435 */
    bool has_bar;       /* a tooltip "bar 0.0" */
    size_t targets_435; /* elements with the id connection-435 */
    bool in_title;
};

static void on_start(GMarkupParseContext *context, const gchar *element, const gchar **names, const gchar **values,
                     gpointer user, GError **error)
{
    (void)context;
    (void)error;
    struct svg_facts *facts = user;
    facts->depth++;
    facts->in_title = strcmp(element, "title") == 0;
    facts->tooltips += facts->in_title;
    cr_assert(strcmp(element, "script") != 0);
    for (size_t i = 0; names[i]; i++) {
        cr_assert(!g_str_has_prefix(names[i], "on"), "%s", names[i]);
        facts->targets_435 += strcmp(names[i], "id") == 0 && strcmp(values[i], "connection-435") == 0;
        if (strcmp(element, "a") != 0)
            continue;
        cr_assert_str_eq(names[i], "xlink:href");
        cr_assert(!strstr(values[i], "://") || values[i][0] == '#', "%s", values[i]);
        facts->links++;
        facts->has_435 = facts->has_435 || strcmp(values[i], "#connection-435") == 0;
    }
}

static void on_end(GMarkupParseContext *context, const gchar *element, gpointer user, GError **error)
{
    (void)context;
    (void)element;
    (void)error;
    struct svg_facts *facts = user;
    facts->depth--;
    facts->in_title = false;
}

static void on_text(GMarkupParseContext *context, const gchar *text, gsize len, gpointer user, GError **error)
{
    (void)context;
    (void)error;
    struct svg_facts *facts = user;
    cr_assert(!facts->in_title || !g_strstr_len(text, (gssize)len, "\xe2\x80\xae"), "a bidi override is left");
    facts->has_bar = facts->has_bar || (facts->in_title && len == 7 && strncmp(text, "bar 0.0", 7) == 0);
}

/* Parse `markup` as XML and return what was met. */
static struct svg_facts parse(const char *markup, size_t len)
{
    static const GMarkupParser parser = {.start_element = on_start, .end_element = on_end, .text = on_text};
    struct svg_facts facts = {.depth = 0};
    GError *error = NULL;
    GMarkupParseContext *context = g_markup_parse_context_new(&parser, (GMarkupParseFlags)0, &facts, NULL);
    bool parsed = g_markup_parse_context_parse(context, markup, (gssize)len, &error) &&
                  g_markup_parse_context_end_parse(context, &error);
    cr_assert(parsed, "%s", error ? error->message : "");
    g_markup_parse_context_free(context);
    return facts;
}

Test(output, svg_is_well_formed)
{
    struct render_buffer drawing = draw(&plan, RENDER_SVG, true);
    struct svg_facts facts = parse(drawing.bytes, drawing.len_bytes);
    cr_assert_eq(facts.targets_435, 1, "the link has one target");
    cr_assert(facts.has_435 && facts.has_bar && facts.links > 30 && facts.tooltips > facts.links);
    render_buffer_fini(&drawing);
    drawing = draw(&plan, RENDER_SVG, false);
    facts = parse(drawing.bytes, drawing.len_bytes);
    cr_assert(facts.links == 0 && facts.has_bar);
    render_buffer_fini(&drawing);
}

Test(output, hostile_svg_is_well_formed)
{
    struct render_buffer drawing = draw(&hostile, RENDER_SVG, true);
    parse(drawing.bytes, drawing.len_bytes);
    render_buffer_fini(&drawing);
}

Test(output, image_map)
{
    struct test_figure *test = figures_random(&hostile);
    struct render_options options = {.links = true};
    struct render_buffer map = {0};
    cr_assert_eq((int)render_timeline_image_map(&test->figure, &options, "timeline-1", &map, NULL), RENDER_OK);
    cr_assert(g_str_has_prefix(map.bytes, "<map name=\"timeline-1\">\n") && g_str_has_suffix(map.bytes, "</map>\n"));
    size_t areas = 0;
    for (const char *line = strchr(map.bytes, '\n') + 1; g_str_has_prefix(line, "<area ");
         line = strchr(line, '\n') + 1) {
        const char *end = strchr(line, '\n');
        cr_assert(end[-1] == '>');
        cr_assert(memchr(line, '>', (size_t)(end - line)) == end - 1 &&
                  !memchr(line + 1, '<', (size_t)(end - line - 1)));
        areas++;
    }
    cr_assert(areas > 80);
    render_buffer_fini(&map);
    figures_free(test);
}

Test(output, hostile_pdf_and_png)
{
    struct render_buffer pdf = draw(&hostile, RENDER_PDF, true);
    cr_assert(pdf.len_bytes > 1000);
    cr_assert(!g_strstr_len(pdf.bytes, (gssize)pdf.len_bytes, "/URI"));
    render_buffer_fini(&pdf);
    struct render_buffer png = draw(&hostile, RENDER_PNG, true);
    cr_assert(png.len_bytes > 1000);
    render_buffer_fini(&png);
}

Test(output, formats_by_name)
{
    enum render_format format;
    cr_assert(render_format_of("a.svg", &format) && format == RENDER_SVG);
    cr_assert(render_format_of("dir.x/a.PNG", &format) && format == RENDER_PNG);
    cr_assert(render_format_of("a.b.pdf", &format) && format == RENDER_PDF);
    cr_assert(!render_format_of("a.jpg", &format) && !render_format_of(".svg", &format) &&
              !render_format_of("svg", &format));
}

struct reader {
    struct render_buffer png;
    size_t at;
};

static cairo_status_t read_png(void *closure, unsigned char *to, unsigned len)
{
    struct reader *reader = closure;
    if (len > reader->png.len_bytes - reader->at)
        return CAIRO_STATUS_READ_ERROR;
    memcpy(to, reader->png.bytes + reader->at, len);
    reader->at += len;
    return CAIRO_STATUS_SUCCESS;
}

/* Return `figure`, drawn as PNG with `options`; the caller destroys it. */
static cairo_surface_t *draw_image(const struct timeline_figure *figure, const struct render_options *options)
{
    struct reader reader = {0};
    cr_assert_eq((int)render_timeline(figure, RENDER_PNG, options, &reader.png), RENDER_OK);
    cairo_surface_t *image = cairo_image_surface_create_from_png_stream(read_png, &reader);
    cr_assert_eq((int)cairo_surface_status(image), CAIRO_STATUS_SUCCESS);
    render_buffer_fini(&reader.png);
    return image;
}

/* 84 mm are 634.96 pixels: the last row and column, parts of which are outside of the page, are white nevertheless. */
Test(output, the_edges_of_a_figure_are_white)
{
    struct test_figure *test = figures_random(&plan);
    cairo_surface_t *image = draw_image(&test->figure, &(struct render_options){.figure_width_pt = 84 / 25.4 * 72});
    int width = cairo_image_surface_get_width(image), height = cairo_image_surface_get_height(image);
    cr_assert_eq(width, 635);
    const unsigned char *data = cairo_image_surface_get_data(image);
    size_t stride = (size_t)cairo_image_surface_get_stride(image);
    for (int x = 0; x < width; x++)
        cr_assert_eq(data[(size_t)(height - 1) * stride + 4 * (size_t)x], 0xff, "column %d", x);
    cr_assert_eq(data[4 * (size_t)(width - 1)], 0xff);
    cairo_surface_destroy(image);
    figures_free(test);
}

/* Return how many pixels of `image` have a hue; *black becomes the number of black ones. */
static size_t count_hues(cairo_surface_t *image, size_t *black)
{
    const unsigned char *data = cairo_image_surface_get_data(image);
    size_t stride = (size_t)cairo_image_surface_get_stride(image), hues = 0;
    size_t width = (size_t)cairo_image_surface_get_width(image), height = (size_t)cairo_image_surface_get_height(image);
    *black = 0;
    for (size_t i = 0; i < width * height; i++) {
        const unsigned char *pixel = data + i / width * stride + 4 * (i % width);
        hues += pixel[0] != pixel[1] || pixel[1] != pixel[2];
        *black += (pixel[0] | pixel[1] | pixel[2]) == 0;
    }
    return hues;
}

/* Bars, inferred ones, dots, failures with their words, warnings, strips, shares: no pixel of a colour, and failures
 * are black, which nothing else is. */
Test(output, gray_has_no_hue)
{
    const struct figure_plan streams = {44, 4, 12, 4, 6200000000, false, 12};
    struct test_figure *test = figures_random(&streams);
    const double widths[] = {0, 84 / 25.4 * 72};
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
        struct render_options options = {.figure_width_pt = widths[i]};
        size_t black;
        cairo_surface_t *image = draw_image(&test->figure, &options);
        cr_expect_gt(count_hues(image, &black), 1000);
        cr_expect_eq(black, 0);
        cairo_surface_destroy(image);
        options.palette = RENDER_PALETTE_GRAY;
        image = draw_image(&test->figure, &options);
        cr_expect_eq(count_hues(image, &black), 0);
        cr_expect_gt(black, 100);
        cairo_surface_destroy(image);
    }
    figures_free(test);
}
