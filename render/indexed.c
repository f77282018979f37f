#include "render/indexed.h"

#include <math.h>
#include <png.h>
#include <setjmp.h>
#include <stdbool.h>
#include <string.h>

#define COLORS 256
#define LEVEL  8 /* of compression: nearly as small as with 9, in half the time */

struct image {
    const unsigned char *data;
    int width, height, stride;
    png_uint_32 per_metre; /* pixels */
    guint32 palette[COLORS];
    guint count; /* of colours in the palette */
};

/* A colour of the image, and how many pixels have it. */
struct usage {
    guint32 color;
    guint pixels;
};

static guint32 color_at(const struct image *image, int x, int y)
{
    guint32 color;
    memcpy(&color, image->data + (ptrdiff_t)y * image->stride + (ptrdiff_t)x * 4, sizeof color);
    return color & 0xffffff;
}

/* Return the x behind the pixels that have the same colour as that at `x`, in line `y`. */
static int run_end(const struct image *image, int x, int y)
{
    guint32 color = color_at(image, x, y);
    do
        x++;
    while (x < image->width && color_at(image, x, y) == color);
    return x;
}

/* ---------------------------------------------------------------- the palette */

static int by_usage(const void *a, const void *b)
{
    const struct usage *one = a, *other = b;
    if (one->pixels != other->pixels)
        return one->pixels < other->pixels ? 1 : -1;
    return (one->color > other->color) - (one->color < other->color);
}

/* Return the colours of the image, the most frequent ones first: struct usage. */
static GArray *usages_new(const struct image *image)
{
    GHashTable *pixels = g_hash_table_new(NULL, NULL);
    for (int y = 0; y < image->height; y++) {
        for (int x = 0, end; x < image->width; x = end) {
            gpointer color = GUINT_TO_POINTER(color_at(image, x, y));
            end = run_end(image, x, y);
            guint n = GPOINTER_TO_UINT(g_hash_table_lookup(pixels, color)) + (guint)(end - x);
            g_hash_table_insert(pixels, color, GUINT_TO_POINTER(n));
        }
    }
    GArray *usages = g_array_new(FALSE, FALSE, sizeof(struct usage));
    GHashTableIter at;
    gpointer color, n;
    for (g_hash_table_iter_init(&at, pixels); g_hash_table_iter_next(&at, &color, &n);) {
        struct usage usage = {GPOINTER_TO_UINT(color), GPOINTER_TO_UINT(n)};
        g_array_append_val(usages, usage);
    }
    g_array_sort(usages, by_usage);
    g_hash_table_destroy(pixels);
    return usages;
}

/* Return the square of how far two colours are apart. */
static int distance(guint32 a, guint32 b)
{
    int sum = 0;
    for (int shift = 0; shift < 24; shift += 8) {
        int difference = (int)(a >> shift & 0xff) - (int)(b >> shift & 0xff);
        sum += difference * difference;
    }
    return sum;
}

/* Return the place in the palette of what is nearest to `color`. */
static guint nearest(const struct image *image, guint32 color)
{
    guint best = 0;
    for (guint i = 1; i < image->count; i++) {
        if (distance(image->palette[i], color) < distance(image->palette[best], color))
            best = i;
    }
    return best;
}

/* Choose the palette. Return for each colour of the image its place there. */
static GHashTable *choose(struct image *image, const guint32 *inks, guint ink_count)
{
    GArray *usages = usages_new(image);
    GHashTable *places = g_hash_table_new(NULL, NULL);
    memcpy(image->palette, inks, ink_count * sizeof *inks);
    image->count = ink_count;
    for (guint i = 0; i < usages->len; i++) {
        guint32 color = g_array_index(usages, struct usage, i).color;
        guint place = nearest(image, color);
        if (image->count < COLORS && image->palette[place] != color)
            image->palette[place = image->count++] = color;
        g_hash_table_insert(places, GUINT_TO_POINTER(color), GUINT_TO_POINTER(place));
    }
    g_array_free(usages, TRUE);
    return places;
}

/* ---------------------------------------------------------------- the file */

static void append(png_structp png, png_bytep data, size_t len)
{
    g_string_append_len(png_get_io_ptr(png), (const char *)data, (gssize)len);
}

static void set_palette(png_structp png, png_infop info, const struct image *image)
{
    png_color palette[COLORS];
    for (guint i = 0; i < image->count; i++) {
        guint32 color = image->palette[i];
        palette[i] = (png_color){(png_byte)(color >> 16), (png_byte)(color >> 8 & 0xff), (png_byte)(color & 0xff)};
    }
    png_set_PLTE(png, info, palette, (int)image->count);
}

/* Write the pixels; `line` has room for the places of a line's colours. */
static void write_pixels(png_structp png, const struct image *image, GHashTable *places, guint8 *line)
{
    for (int y = 0; y < image->height; y++) {
        for (int x = 0, end; x < image->width; x = end) {
            end = run_end(image, x, y);
            guint place = GPOINTER_TO_UINT(g_hash_table_lookup(places, GUINT_TO_POINTER(color_at(image, x, y))));
            memset(line + x, (int)place, (size_t)(end - x));
        }
        png_write_row(png, line);
    }
}

/* Write all of the file; return whether libpng could. */
static bool write_file(png_structp png, png_infop info, const struct image *image, GHashTable *places, guint8 *line)
{
    if (setjmp(png_jmpbuf(png)))
        return false;
    png_set_IHDR(png, info, (png_uint_32)image->width, (png_uint_32)image->height, 8, PNG_COLOR_TYPE_PALETTE,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_set_compression_level(png, LEVEL);
    png_set_filter(png, PNG_FILTER_TYPE_BASE, PNG_FILTER_NONE);
    set_palette(png, info, image);
    png_set_pHYs(png, info, image->per_metre, image->per_metre, PNG_RESOLUTION_METER);
    png_write_info(png, info);
    write_pixels(png, image, places, line);
    png_write_end(png, NULL);
    return true;
}

cairo_status_t indexed_png(cairo_surface_t *surface, const guint32 *inks, guint ink_count, double per_inch,
                           GString *out)
{
    cairo_surface_flush(surface);
    struct image image = {.data = cairo_image_surface_get_data(surface),
                          .width = cairo_image_surface_get_width(surface),
                          .height = cairo_image_surface_get_height(surface),
                          .stride = cairo_image_surface_get_stride(surface),
                          .per_metre = (png_uint_32)lround(per_inch / 0.0254)};
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    bool done = false;
    if (info) {
        GHashTable *places = choose(&image, inks, ink_count);
        guint8 *line = g_malloc((gsize)image.width);
        png_set_write_fn(png, out, append, NULL);
        done = write_file(png, info, &image, places, line);
        g_free(line);
        g_hash_table_destroy(places);
    }
    png_destroy_write_struct(&png, &info);
    return done ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_NO_MEMORY;
}
