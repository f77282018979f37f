/*
 * Drawing: paints the items of a layout with cairo and pango, the same on every kind of surface. It decides nothing.
 */
#ifndef MITM_RENDER_DRAW_H
#define MITM_RENDER_DRAW_H

#include "render/layout.h"

/* How much of a shade's colour covers what is below it. */
#define DRAW_SHADE_PERCENT 18

/* Return the colour that stands for `color` on a white ground (`dark`: on a dark one). */
struct figure_color draw_color(struct figure_color color, bool dark);

/* Paint `page` of `layout` on a white ground (`dark`: on a dark one, with the colours that suit it), one layout unit
 * being one unit of `cr`'s user space. */
void draw_page(cairo_t *cr, const struct layout *layout, const struct layout_page *page, bool dark);

/* Paint all of the surface of `cr` like the ground of a page: an image is up to one pixel larger than its page. */
void draw_ground(cairo_t *cr, bool dark);

#endif
