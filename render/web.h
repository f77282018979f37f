/*
 * Drawings for documents of the web: small SVG, for light and dark pages at once. Where draw.h paints shapes of glyphs,
 * this writes text, set in the reader's font if ours is not there, but as wide as it was measured.
 */
#ifndef MITM_RENDER_WEB_H
#define MITM_RENDER_WEB_H

#include "render/layout.h"

/*
 * Append to `out` the only page of `layout` as an SVG document of one line. Its items are lines, paths, shades and
 * texts. Positions have one decimal; colours are those of draw.h, as the reader prefers: in a light or a dark scheme.
 */
void web_svg(const struct layout *layout, GString *out);

#endif
