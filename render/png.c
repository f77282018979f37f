#include "render/png.h"

#include <stdbool.h>
#include <string.h>
#include <zlib.h>

#define COLORS 256
#define LEVEL  8 /* of compression: nearly as small as with 9, in half the time */

struct image {
    const unsigned char *data;
    int width, height, stride;
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

/* ---------------------------------------------------------------- the file (sections 5.3 and 11.2) */

static void append_be32(GString *out, guint32 value)
{
    value = GUINT32_TO_BE(value);
    g_string_append_len(out, (const char *)&value, sizeof value);
}

static void append_chunk(GString *out, const char *type, const void *data, gsize len)
{
    append_be32(out, (guint32)len);
    gsize start = out->len;
    g_string_append(out, type);
    g_string_append_len(out, data, (gssize)len);
    append_be32(out, (guint32)crc32(0, (const Bytef *)out->str + start, (uInt)(out->len - start)));
}

static void append_head(GString *out, const struct image *image)
{
    static const char form[] = {8, 3, 0, 0, 0}; /* bits, with a palette, deflated, filtered per line, in order */
    GString *head = g_string_new(NULL);
    append_be32(head, (guint32)image->width);
    append_be32(head, (guint32)image->height);
    g_string_append_len(head, form, sizeof form);
    append_chunk(out, "IHDR", head->str, head->len);
    g_string_truncate(head, 0);
    for (guint i = 0; i < image->count; i++) {
        for (int shift = 16; shift >= 0; shift -= 8)
            g_string_append_c(head, (char)(image->palette[i] >> shift & 0xff));
    }
    append_chunk(out, "PLTE", head->str, head->len);
    g_string_free(head, TRUE);
}

/* Compress the `len` bytes at `data`, the last ones if `flush` is Z_FINISH, and append what comes of it. */
static void compress_some(z_stream *z, guint8 *data, size_t len, int flush, GString *out)
{
    Bytef buffer[16384];
    z->next_in = data;
    z->avail_in = (uInt)len;
    do {
        z->next_out = buffer;
        z->avail_out = sizeof buffer;
        deflate(z, flush);
        g_string_append_len(out, (const char *)buffer, (gssize)(sizeof buffer - z->avail_out));
    } while (z->avail_out == 0);
}

/* Append the compressed pixels: each line is a filter (0: none) and the places of its colours. */
static bool compress_pixels(const struct image *image, GHashTable *places, GString *out)
{
    z_stream z = {0};
    size_t len = (size_t)image->width + 1;
    if (deflateInit(&z, LEVEL) != Z_OK)
        return false;
    guint8 *line = g_malloc0(len);
    for (int y = 0; y < image->height; y++) {
        for (int x = 0, end; x < image->width; x = end) {
            end = run_end(image, x, y);
            guint place = GPOINTER_TO_UINT(g_hash_table_lookup(places, GUINT_TO_POINTER(color_at(image, x, y))));
            memset(line + 1 + x, (int)place, (size_t)(end - x));
        }
        compress_some(&z, line, len, y + 1 < image->height ? Z_NO_FLUSH : Z_FINISH, out);
    }
    g_free(line);
    deflateEnd(&z);
    return true;
}

cairo_status_t png_write(cairo_surface_t *surface, const guint32 *inks, guint ink_count, GString *out)
{
    cairo_surface_flush(surface);
    struct image image = {.data = cairo_image_surface_get_data(surface),
                          .width = cairo_image_surface_get_width(surface),
                          .height = cairo_image_surface_get_height(surface),
                          .stride = cairo_image_surface_get_stride(surface)};
    GString *pixels = g_string_new(NULL);
    GHashTable *places = choose(&image, inks, ink_count);
    bool done = compress_pixels(&image, places, pixels);
    if (done) {
        g_string_append_len(out, "\x89PNG\r\n\x1a\n", 8);
        append_head(out, &image);
        append_chunk(out, "IDAT", pixels->str, pixels->len);
        append_chunk(out, "IEND", NULL, 0);
    }
    g_hash_table_destroy(places);
    g_string_free(pixels, TRUE);
    return done ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_NO_MEMORY;
}
