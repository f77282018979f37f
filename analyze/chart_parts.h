/* What the modules that make a chart share; see analyze/chart.h. */
#ifndef MITM_ANALYZE_CHART_PARTS_H
#define MITM_ANALYZE_CHART_PARTS_H

#include <stdio.h>

#include "analyze/chart.h"
#include "analyze/texts.h"

struct chart {
    const struct model_session *session;
    struct chart_options options;
    struct timeline_figure figure;
    struct texts texts; /* of all labels and tooltips */
    struct figure_group *groups;
    struct figure_lane *lanes; /* of all groups, one group after the other */
    size_t lane_count;
    uint64_t shares[CHART_PHASES]; /* nanoseconds of each phase within the time shown */
    uint64_t requests;
    int64_t received_bytes;
    bool received_known;
    bool opaque;                              /* there are lanes with opaque data */
    int64_t activity_from_ns, activity_to_ns; /* of the lanes; MODEL_NONE: none */
    struct figure_strip strip;
    uint64_t *strip_bins;
    struct figure_mark *marks;
    uint64_t leaks, limited; /* lanes: possible leaks, and held back by a rate limit */
    struct figure_share share_parts[CHART_PHASES];
    struct figure_text subtitles[3], warnings[12], notes[4];
};

/*
 * Text is made in pieces: chart_text_begin() gives a stream to write to, which chart_text_end() closes and keeps.
 * Recorded bytes may be written as they are: drawing makes them safe.
 */
struct chart_text {
    FILE *stream;
    char *text;
    size_t len;
};
FILE *chart_text_begin(struct chart_text *text);
struct figure_text chart_text_end(struct chart *chart, struct chart_text *text);

/* Keep text made in printf's manner. */
struct figure_text chart_printf(struct chart *chart, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Write recorded text as it is. */
void chart_put(FILE *out, struct text text);

/* Fill in `lane` for `connection`; note its activity, its requests and bytes. chart_lane_free() frees what it holds. */
void chart_lane(struct chart *chart, struct figure_lane *lane, const struct model_connection *connection);
void chart_lane_free(struct figure_lane *lane);

/* Make the marks of the figure: those of the user, and where recording paused and went on. */
void chart_marks(struct chart *chart);

/* Fill in what stands above and below the lanes: title, subtitles, strip, shares, warnings, notes. */
void chart_frame(struct chart *chart);

#endif
