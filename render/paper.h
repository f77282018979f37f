/*
 * Documents on paper: text, tables and figures on numbered A4 or letter pages, as a PDF with outline, links, embedded
 * fonts and searchable text. Texts may be an attacker's; they are made safe as everywhere in render/. What is added
 * is copied or laid out at once: nothing given needs to outlive its call. The same calls give the same bytes.
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
    int64_t created_s;
};

struct paper;

/* Return a new document that begins with its title; free it with paper_free(). */
struct paper *paper_new(const struct paper_options *options);
void paper_free(struct paper *paper);

/* Add a heading of `level` 1 or 2, which enters the outline; `anchor` (NULL: none) is what links to it name. A
 * heading stays together with what follows. */
void paper_heading(struct paper *paper, int level, struct figure_text text, const char *anchor);

/* Add a paragraph, broken into lines; one that is set apart as a warning, if `warning`. */
void paper_paragraph(struct paper *paper, struct figure_text text, bool warning);

/* A table. Its head is repeated on each page that it reaches; columns get the room that their texts need, the widest
 * are cut or wrapped where the page is too narrow. */
struct paper_column {
    struct figure_text head;
    bool right; /* aligned right: numbers */
};
struct paper_cell {
    struct figure_text text;
    const char *link;   /* an anchor; NULL: none */
    const char *anchor; /* makes the cell a place that links lead to; NULL: none */
};
void paper_table(struct paper *paper, struct figure_text caption, const struct paper_column *columns,
                 size_t column_count, const struct paper_cell *cells, size_t row_count);

/* Add a timeline, over as many pages as it needs. Lanes with a link "#name" lead to the anchor "name", if there is one.
 */
void paper_timeline(struct paper *paper, const struct timeline_figure *figure);

/* Add a plot, as wide as the text; it stays on one page. */
void paper_plot(struct paper *paper, const struct plot_figure *figure);

/* Put the document's bytes into `out`. Results as for render_timeline(). */
enum render_result paper_finish(struct paper *paper, struct render_buffer *out) __attribute__((warn_unused_result));

#endif
