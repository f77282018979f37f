/* PNG with a palette, as libpng reads it (through cairo). */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "render/indexed.h"

enum { WIDTH = 301, HEIGHT = 200 };

static const guint32 inks[] = {0xffffff, 0xb32d24, 0x1f559e};

static guint32 *pixel(cairo_surface_t *surface, int x, int y)
{
    unsigned char *row = cairo_image_surface_get_data(surface) + (ptrdiff_t)y * cairo_image_surface_get_stride(surface);
    return (guint32 *)(void *)row + x;
}

static guint32 color(cairo_surface_t *surface, int x, int y)
{
    return *pixel(surface, x, y) & 0xffffff;
}

/* Make an image of `count` colours: number k of them in each pixel whose number has the remainder k. */
static cairo_surface_t *make(guint32 count)
{
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, WIDTH, HEIGHT);
    cairo_surface_flush(surface);
    for (int y = 0; y < HEIGHT; y++) {
        for (int x = 0; x < WIDTH; x++)
            *pixel(surface, x, y) = (guint32)(y * WIDTH + x) % count * 0x010307 & 0xffffff;
    }
    cairo_surface_mark_dirty(surface);
    return surface;
}

struct reader {
    GString *png;
    size_t at;
};

static cairo_status_t read_some(void *closure, unsigned char *to, unsigned len)
{
    struct reader *reader = closure;
    if (len > reader->png->len - reader->at)
        return CAIRO_STATUS_READ_ERROR;
    memcpy(to, reader->png->str + reader->at, len);
    reader->at += len;
    return CAIRO_STATUS_SUCCESS;
}

/* Write `surface` and return what is read from that, to the last byte. */
static cairo_surface_t *write_and_read(cairo_surface_t *surface)
{
    struct reader reader = {.png = g_string_new(NULL)};
    GString *again = g_string_new(NULL);
    cr_assert_eq((int)indexed_png(surface, inks, G_N_ELEMENTS(inks), 192, reader.png), CAIRO_STATUS_SUCCESS);
    cr_assert_eq((int)indexed_png(surface, inks, G_N_ELEMENTS(inks), 192, again), CAIRO_STATUS_SUCCESS);
    cr_assert(g_string_equal(reader.png, again), "not the same again");
    cairo_surface_t *read = cairo_image_surface_create_from_png_stream(read_some, &reader);
    cr_assert_eq((int)cairo_surface_status(read), CAIRO_STATUS_SUCCESS);
    cr_assert_eq(reader.at, reader.png->len);
    cr_assert(cairo_image_surface_get_width(read) == WIDTH && cairo_image_surface_get_height(read) == HEIGHT);
    g_string_free(reader.png, TRUE);
    g_string_free(again, TRUE);
    return read;
}

Test(indexed, few_colors_are_exact)
{
    static const guint32 counts[] = {1, 2, 17, 253};
    for (size_t i = 0; i < G_N_ELEMENTS(counts); i++) {
        cairo_surface_t *surface = make(counts[i]), *read = write_and_read(surface);
        for (int y = 0; y < HEIGHT; y++) {
            for (int x = 0; x < WIDTH; x++)
                cr_assert_eq(color(read, x, y), color(surface, x, y), "%u colours: %d, %d", counts[i], x, y);
        }
        cairo_surface_destroy(surface);
        cairo_surface_destroy(read);
    }
}

static int channel_error(guint32 a, guint32 b)
{
    int most = 0;
    for (int shift = 0; shift < 24; shift += 8)
        most = MAX(most, abs((int)(a >> shift & 0xff) - (int)(b >> shift & 0xff)));
    return most;
}

/* Of 2000 colours the inks, which a single pixel has, and the most frequent ones are exact; others take their places.
 */
Test(indexed, inks_and_frequent_colors_are_exact)
{
    cairo_surface_t *surface = make(2000);
    for (int y = 100; y < HEIGHT; y++) {
        for (int x = 0; x < WIDTH; x++)
            *pixel(surface, x, y) = 0x654321 + (guint32)(y % 2);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(inks); i++)
        *pixel(surface, 7 * (int)i, 50) = inks[i];
    cairo_surface_t *read = write_and_read(surface);
    for (size_t i = 0; i < G_N_ELEMENTS(inks); i++)
        cr_expect_eq(color(read, 7 * (int)i, 50), inks[i], "ink %zu", i);
    for (int y = 100; y < HEIGHT; y++)
        cr_assert_eq(color(read, 250, y), color(surface, 250, y), "line %d", y);
    GHashTable *colors = g_hash_table_new(NULL, NULL);
    int most = 0;
    for (int y = 0; y < HEIGHT; y++) {
        for (int x = 0; x < WIDTH; x++) {
            g_hash_table_add(colors, GUINT_TO_POINTER(color(read, x, y)));
            most = MAX(most, channel_error(color(read, x, y), color(surface, x, y)));
        }
    }
    cr_expect(g_hash_table_size(colors) <= 256 && most > 0, "%u colours, error %d", g_hash_table_size(colors), most);
    g_hash_table_destroy(colors);
    cairo_surface_destroy(surface);
    cairo_surface_destroy(read);
}
