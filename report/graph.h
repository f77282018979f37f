/* The graph of a document: the figure of one part of the selected connections. */
#ifndef MITM_REPORT_GRAPH_H
#define MITM_REPORT_GRAPH_H

#include "analyze/chart.h"
#include "report/selection.h"

/* Return the chart of `part` of `selection`, whose links lead to names that begin with `prefix`; the caller frees it
 * with chart_free(). */
struct chart *graph_chart(const struct selection *selection, size_t part, bool live, const char *prefix);

/* Return the figure of `chart` as it stands in a document, which has all the words already: lanes, axis, strip. */
struct timeline_figure graph_figure(const struct chart *chart);

#endif
