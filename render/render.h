/*
 * Drawing figures as SVG, PNG and PDF.
 *
 *     figure (data only, render/figure.h) → layout (positions as data, render/layout.h) → drawing (cairo and pango)
 *
 * - The same figure and options give the same bytes, on a machine with the same fonts and libraries. Neither locale,
 *   clock nor environment matter. The font is DejaVu Sans; other fonts are used only for characters that it lacks.
 * - SVG and PNG are one picture, as tall as needed. PDF has pages, the axis and the server's name repeated on each.
 * - Hit areas: in SVG tooltips (<title>) and, if asked for, links; in PDF links within the document; PNG has none, but
 *   render_timeline_image_map() gives them as HTML. PDF has bookmarks for the groups and ends with an index of the
 *   lanes: each lane leads to its line of the index, which has the lane's tooltip, and each line back to the lane. A
 *   lane with the link "#name" is the named destination "name" there. No click leads out of the document.
 * - Not thread-safe: one call at a time per process.
 */
#ifndef MITM_RENDER_RENDER_H
#define MITM_RENDER_RENDER_H

#include <stdbool.h>
#include <stddef.h>

#include "render/figure.h"
#include "render/palette.h"
#include "render/plot.h"
#include "render/sheet.h"

enum render_format {
    RENDER_SVG,
    RENDER_PNG,
    RENDER_PDF,
};

enum render_result {
    RENDER_OK,
    RENDER_TOO_LARGE, /* too many lanes for one picture: select fewer, or make a PDF (PDF: more than 10,000 pages) */
    RENDER_NO_MEMORY,
    RENDER_IO_ERROR,   /* the file could not be written: see *error */
    RENDER_NO_FONT,    /* the font asked for is not installed */
    RENDER_TOO_NARROW, /* the width asked for has no room for the text */
};

/* How to draw. All zero is the usual. */
struct render_options {
    double width_px;      /* SVG, PNG: width in CSS pixels, held to 600 … 4000; 0: 1100 */
    double page_width_pt; /* PDF: page size in points, each held to 420 … 4000; 0: A4 landscape, 842 × 595 */
    double page_height_pt;
    double scale;  /* PNG: pixels per CSS pixel, held to 1 … 4; 0: 2. Lowered for pictures that are very tall */
    bool links;    /* SVG, image map: make the figure's links; in an SVG, "#name" leads to the lane with that link */
    bool dark;     /* colours for a dark page */
    bool no_index; /* PDF: leave out the index of lanes and the links to it */
    /* For a figure that stands in a document of others. Its outside is exactly so wide, in SVG, PNG and PDF (one page,
     * as tall as needed); 0: not. Such a picture has no title, subtitles, index or outline unless `titled`. */
    double figure_width_pt;
    double figure_height_pt; /* plots: exact outside height; 0: as much as needed */
    bool titled;
    const char *font; /* family; NULL: DejaVu Sans */
    double font_pt;   /* size of its text; 0: 8 in such a figure, else the usual sizes */
    enum render_palette palette;
};

/* Bytes of a drawing. Initialise with {0}; free with render_buffer_fini(). */
struct render_buffer {
    char *bytes; /* malloc'd; a NUL that is not counted follows */
    size_t len_bytes;
};

void render_buffer_fini(struct render_buffer *buffer);

/* Set *format from the ending of `path`, ".svg", ".png" or ".pdf" in any case; return false if it has none of these. */
bool render_format_of(const char *path, enum render_format *format) __attribute__((warn_unused_result));

/* Return the sentence, without full stop, that explains `result` to a user. The string is static. */
const char *render_result_text(enum render_result result);

/*
 * Draw `figure` in `format` with `options` (NULL: the usual) and replace what `out` holds (an initialised buffer) with
 * the file's bytes. Return RENDER_OK, RENDER_TOO_LARGE or RENDER_NO_MEMORY; unless RENDER_OK, `out` is left empty.
 */
enum render_result render_timeline(const struct timeline_figure *figure, enum render_format format,
                                   const struct render_options *options, struct render_buffer *out)
    __attribute__((warn_unused_result));

/*
 * Draw like render_timeline() into the file `path`. A regular file, new or old, is written under a temporary name
 * beside it and renamed, so that `path` is whole or untouched; anything else (a pipe, /dev/stdout) is written to. On
 * RENDER_IO_ERROR set *error to the errno; otherwise to 0.
 */
enum render_result render_timeline_file(const struct timeline_figure *figure, enum render_format format,
                                        const struct render_options *options, const char *path, int *error)
    __attribute__((warn_unused_result));

/*
 * Put into `out` an HTML fragment, <map name="`name`">…</map>, with the hit areas of the PNG that render_timeline()
 * makes with the same `options`, for an <img> shown `width_px` CSS pixels wide. `name` consists of letters, digits and
 * '-'. Store in *height_px (which may be NULL) how high the <img> is. Results as for render_timeline().
 */
enum render_result render_timeline_image_map(const struct timeline_figure *figure, const struct render_options *options,
                                             const char *name, struct render_buffer *out, unsigned *height_px)
    __attribute__((warn_unused_result));

/* The same for a plot, on one page in every format. */
enum render_result render_plot(const struct plot_figure *figure, enum render_format format,
                               const struct render_options *options, struct render_buffer *out)
    __attribute__((warn_unused_result));
enum render_result render_plot_file(const struct plot_figure *figure, enum render_format format,
                                    const struct render_options *options, const char *path, int *error)
    __attribute__((warn_unused_result));

/* The same for a sheet, one picture, as SVG or PNG; of the options width_px (usually 1100), scale and dark count. */
enum render_result render_sheet(const struct sheet_figure *figure, enum render_format format,
                                const struct render_options *options, struct render_buffer *out)
    __attribute__((warn_unused_result));

/*
 * Draw `figure`, whose panels are lines without areas and marks, as an SVG `width_px` CSS pixels wide for a document of
 * the web: as small as can be, in colours for light and dark pages at once, with texts in the reader's fonts.
 */
enum render_result render_plot_web(const struct plot_figure *figure, double width_px, struct render_buffer *out)
    __attribute__((warn_unused_result));

#endif
