/*
 * What the modules that write a report on paper share; see report/pdf.h.
 *
 * pdf.c (document, chapters) · pdf_recording.c (how it was recorded) · pdf_summary.c (summary, timeline) · pdf_tables.c
 * (pages, servers, failures, connections) · pdf_distributions.c (measures)
 */
#ifndef MITM_REPORT_PDF_PARTS_H
#define MITM_REPORT_PDF_PARTS_H

#include "analyze/stats.h"
#include "report/pdf.h"
#include "report/selection.h"
#include "report/grid.h"

/* A chapter: a session. */
struct chapter {
    struct paper *paper;
    const struct report_query *query;
    const struct model_session *session;
    const struct pages *pages;
    struct selection selection;
    struct stats stats;
    int level; /* of the headings of its sections */
    double gap_s;
};

/* Fill in the columns of a grid: a head, and whether it is aligned right. */
#define PDF_LEFT(string)                                                                                               \
    {                                                                                                                  \
        {(string), sizeof(string) - 1}, false                                                                          \
    }
#define PDF_RIGHT(string)                                                                                              \
    {                                                                                                                  \
        {(string), sizeof(string) - 1}, true                                                                           \
    }

/* A text in the making, which may contain recorded bytes: write to `out`, then pdf_text() gives it. */
struct pdf_text {
    FILE *out;
    char *bytes;
    size_t len;
};
void pdf_text_begin(struct pdf_text *text);
/* Complete the text and return it; it is freed with pdf_text_end(). */
struct figure_text pdf_text(struct pdf_text *text);
void pdf_text_end(struct pdf_text *text);

/* Write a recorded text to `out`, as it is. */
void pdf_put(FILE *out, struct text text);

void pdf_recording(const struct chapter *chapter);
void pdf_warnings(const struct chapter *chapter);
void pdf_notes(const struct chapter *chapter);
/* What happened, and what one has to know first: on the cover, or at the beginning of a chapter. */
void pdf_abstract(const struct chapter *chapter);
void pdf_summary(const struct chapter *chapter);
void pdf_timeline(const struct chapter *chapter);
void pdf_pages(const struct chapter *chapter);
void pdf_servers(const struct chapter *chapter);
void pdf_distributions(const struct chapter *chapter);
void pdf_failures(const struct chapter *chapter);
void pdf_connections(const struct chapter *chapter);
/* What connections of TLS, of HTTP/2 and with WebSockets have beside the others: part of the appendix. */
void pdf_protocols(const struct chapter *chapter);

#endif
