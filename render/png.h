/*
 * PNG (ISO/IEC 15948) of drawings: images with a palette of at most 256 colours, half as large as with a colour for
 * each pixel. Drawings have few colours, and many mixtures of them along the edges of letters, each in few pixels.
 */
#ifndef MITM_RENDER_PNG_H
#define MITM_RENDER_PNG_H

#include <cairo.h>
#include <glib.h>

/*
 * Append to `out` the image `surface`, of the format CAIRO_FORMAT_RGB24. The `ink_count` (1 … 256) colours `inks`, as
 * 0xRRGGBB, stay as they are, and so do as many others as the palette has room for, the most frequent ones; what is
 * left takes the nearest colour. Return CAIRO_STATUS_SUCCESS or CAIRO_STATUS_NO_MEMORY.
 */
cairo_status_t png_write(cairo_surface_t *surface, const guint32 *inks, guint ink_count, GString *out)
    __attribute__((warn_unused_result));

#endif
