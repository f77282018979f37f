/*
 * Documents on paper: text, tables and figures on numbered A4 or letter pages, as a PDF with outline, links, embedded
 * fonts and searchable text. Texts may be an attacker's; they are made safe as everywhere in render/. What is added
 * is copied or laid out at once: nothing given needs to outlive its call. The same calls give the same bytes.
 *
 * What is added follows from top to bottom, page by page. A heading stays together with what follows; so do a table's
 * caption, its head and its first rows. Names of anchors consist of letters, digits, '.', '_' and '-'; a link whose
 * name no anchor has leads nowhere.
 */
#ifndef MITM_RENDER_PAPER_H
#define MITM_RENDER_PAPER_H

#include "render/figure.h"
#include "render/plot.h"
#include "render/render.h"

enum paper_size { PAPER_A4, PAPER_LETTER };

struct paper_options {
    enum paper_size size;
    struct figure_text title, author; /* author: optional; both also in the PDF's metadata */
    struct figure_text subtitle;      /* optional */
    struct figure_text footer;        /* at the left of each foot, beside "page 3 of 12"; optional */
    int64_t created_s;                /* the date, seconds since 1970 UTC: that of what is reported, not now */
    /* A table of contents follows what is added before the first heading, which then begins a new page. For long
     * documents. */
    bool contents;
};

struct paper;

/* Return a new document that begins with its title; free it with paper_free(). */
struct paper *paper_new(const struct paper_options *options);
void paper_free(struct paper *paper);

/* Put `prefix` ("s2-"; "" at first) before all names of anchors, links and lanes given from now on, so that several
 * chapters can use the same names. */
void paper_set_names(struct paper *paper, const char *prefix);

/* Go on with a new page, unless the current one is empty. */
void paper_new_page(struct paper *paper);

/* Add a heading of `level` 1 or 2, which enters outline and contents; `anchor` (NULL: none) is what links to it
 * name. */
void paper_heading(struct paper *paper, int level, struct figure_text text, const char *anchor);

/* Add a paragraph, broken into lines; one that is set apart as a warning, if `warning`. */
void paper_paragraph(struct paper *paper, struct figure_text text, bool warning);

/* The same in small, quiet letters: what explains a table or figure. */
void paper_note(struct paper *paper, struct figure_text text);

/* A table. Its head is repeated on each page that it reaches; columns get the room that their texts need, the widest
 * are wrapped where the page is too narrow, and cut after PAPER_CELL_LINES lines. No column has a head: it has none. */
#define PAPER_CELL_LINES 4
struct paper_column {
    struct figure_text head;
    bool right; /* aligned right: numbers */
};
struct paper_cell {
    struct figure_text text;
    const char *link;   /* an anchor; NULL: none */
    const char *anchor; /* makes the cell a place that links lead to; NULL: none */
    bool strong;        /* bold */
};
/* Add a table of `row_count` rows of `column_count` cells, at least 1, row by row in `cells`; caption: optional. */
void paper_table(struct paper *paper, struct figure_text caption, const struct paper_column *columns,
                 size_t column_count, const struct paper_cell *cells, size_t row_count);

/* Add a timeline, over as many pages as it needs, without the figure's title. Lanes and groups with a link "#name" lead
 * to the anchor "name", if there is one, and are themselves the anchor "lane-name". */
void paper_timeline(struct paper *paper, const struct timeline_figure *figure);

/* Add a plot, as wide as the text; it stays on one page. */
void paper_plot(struct paper *paper, const struct plot_figure *figure);

/* Complete the document, to which nothing can be added afterwards, and put its bytes into `out` (an initialised
 * buffer). Results as for render_timeline(). */
enum render_result paper_finish(struct paper *paper, struct render_buffer *out) __attribute__((warn_unused_result));

#endif
