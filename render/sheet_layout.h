/*
 * The layout of sheets: the stage between render/sheet.h and drawing. Pure; the same figure gives the same positions.
 */
#ifndef MITM_RENDER_SHEET_LAYOUT_H
#define MITM_RENDER_SHEET_LAYOUT_H

#include "render/layout.h"
#include "render/sheet.h"

/* Return the layout of `figure`, one page of `width` (≥ 600), to be freed with layout_free(), or NULL if it would be
 * higher than `max_height`. The timeline is as timeline_layout() has it at that width. */
struct layout *sheet_layout(const struct sheet_figure *figure, double width, double max_height);

#endif
