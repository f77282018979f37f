/*
 * Drawings as indexed-colour PNG (ISO/IEC 15948): images with a palette of at most 256 colours, half as large as with a
 * colour for each pixel. Drawings have few colours, and many mixtures of them along the edges of letters, each in few
 * pixels.
 */
#ifndef MITM_RENDER_INDEXED_H
#define MITM_RENDER_INDEXED_H

#include <cairo.h>
#include <glib.h>

/*
 * Append to `out` the image `surface`, of the format CAIRO_FORMAT_RGB24. The `ink_count` (1 … 256) colours `inks`, as
 * 0xRRGGBB, stay as they are, and so do as many others as the palette has room for, the most frequent ones; what is
 * left takes the nearest colour. Programs that place it know from it how large it is: `per_inch` pixels to the inch.
 * Return CAIRO_STATUS_SUCCESS, or CAIRO_STATUS_NO_MEMORY: what was appended is of no use.
 */
cairo_status_t indexed_png(cairo_surface_t *surface, const guint32 *inks, guint ink_count, double per_inch,
                           GString *out) __attribute__((warn_unused_result));

#endif
