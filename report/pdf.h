/*
 * Reports on paper: what sessions show, as a PDF on A4 or letter pages, one chapter per session. It says what the HTML
 * report says (report/report.h), from the same modules, arranged for reading on paper: how it was recorded, summary,
 * timeline, pages, servers, distributions, failures, and the connections as an appendix.
 */
#ifndef MITM_REPORT_PDF_H
#define MITM_REPORT_PDF_H

#include "render/paper.h"
#include "report/report.h"

struct pdf_options {
    const char *title, *author; /* NULL: that of the session; none */
    enum paper_size size;
    const struct report_query *query; /* session 0: all */
    struct pages_options pages;
};

/* Put the report on the sessions of `model` that `options` select, of which there must be one, into `out`. Results as
 * for render_timeline(). */
enum render_result pdf_report(const struct model *model, const struct pdf_options *options, struct render_buffer *out)
    __attribute__((warn_unused_result));

#endif
