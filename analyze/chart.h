/*
 * The timeline of a session as a figure: what render/ has to draw. A group is a server; a lane is a connection, or one
 * of those over which the streams of a connection of HTTP/2 are spread.
 */
#ifndef MITM_ANALYZE_CHART_H
#define MITM_ANALYZE_CHART_H

#include "analyze/model.h"
#include "render/figure.h"

/* What to show. All zero but for the times: everything. */
struct chart_options {
    int64_t from_ns, to_ns; /* only what was there then; MODEL_NONE: as much as there is to see */
    const char *server;     /* host, or host:port, without regard to case; NULL: all */
    bool one_connection;
    uint32_t connection; /* with one_connection: its id */
    const bool *shown;   /* for each connection of the session whether it is; NULL: all */
    bool live;           /* the recording goes on: its end is not missed */
    const char *prefix;  /* of what links lead to: "s2-" for "#s2-connection-435"; NULL: none */
};

/* Phases of the palette. */
enum { CHART_DELAY, CHART_SOCKS, CHART_TLS, CHART_WAITING, CHART_TRANSFER, CHART_OPAQUE, CHART_PHASES };

struct chart;

/* Make the chart of `session`, which must outlive it unchanged. The caller frees it with chart_free(). */
struct chart *chart_new(const struct model_session *session, const struct chart_options *options);
void chart_free(struct chart *chart);

/* Return the figure; it lives as long as `chart`. */
const struct timeline_figure *chart_figure(const struct chart *chart);

#endif
