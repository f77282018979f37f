/*
 * Output: a layout as the bytes of an SVG, PNG or PDF file, or its hit areas as an HTML image map.
 */
#ifndef MITM_RENDER_OUTPUT_H
#define MITM_RENDER_OUTPUT_H

#include "render/layout.h"

/* One layout unit in points, unless the layout says otherwise: that of a CSS pixel. */
#define OUTPUT_POINTS_PER_UNIT LAYOUT_UNIT_PT
/* Greatest width and height in pixels of a picture (cairo's limit), and greatest number of its pixels. */
#define OUTPUT_MAX_SIDE   32767.0
#define OUTPUT_MAX_PIXELS 48000000.0

/*
 * Append to `out` the only page of `layout` as an SVG document: the drawing, and above it an invisible <rect> for each
 * hit area, in later ones' favour, with its tooltip as <title> and, if `links`, its link as <a>. Here and below,
 * `dark`: for a dark page.
 */
cairo_status_t output_svg(const struct layout *layout, bool links, bool dark, GString *out)
    __attribute__((warn_unused_result));

/* Append to `out` the only page of `layout` as a PNG of `scale` pixels per CSS pixel. */
cairo_status_t output_png(const struct layout *layout, double scale, bool dark, GString *out)
    __attribute__((warn_unused_result));

/* Append to `out` all pages of `layout` as a PDF, with its hit areas' targets as links, its anchors and its bookmarks.
 */
cairo_status_t output_pdf(const struct layout *layout, bool dark, GString *out) __attribute__((warn_unused_result));

/* Append to `out` the hit areas of the only page of `layout` as <map name="`name`">, those that lie on top first. */
void output_image_map(const struct layout *layout, bool links, const char *name, GString *out);

#endif
