/* The kinds of documents that compare/publish.h writes. Inside of compare/ alone. */
#ifndef MITM_COMPARE_PUBLISH_PARTS_H
#define MITM_COMPARE_PUBLISH_PARTS_H

#include "compare/figures.h"
#include "compare/timelines.h"
#include "render/render.h"

/* What is said where there are no timelines. */
#define PUBLISH_NO_TIMELINES "No time graphs: not every group has a page load that ended."

/* What a document is made of. */
struct publish {
    const struct comparison *comparison;
    const struct figures *figures;
    const struct timelines *timelines; /* NULL: there are none */
};

/* Put the document into `out`, an initialised buffer. */
enum render_result publish_html(const struct publish *publish, struct render_buffer *out)
    __attribute__((warn_unused_result));
enum render_result publish_picture(const struct publish *publish, enum render_format format, struct render_buffer *out)
    __attribute__((warn_unused_result));
enum render_result publish_paper(const struct publish *publish, struct render_buffer *out)
    __attribute__((warn_unused_result));

#endif
