/*
 * What the modules that make a chart share; see analyze/chart.h.
 *
 * chart.c (groups, time axis) · chart_lane.c (a connection: SOCKS, end) · chart_tls.c (TLS, data not looked into) ·
 * chart_exchange.c (requests) · chart_stalls.c (flow control) · chart_streams.c (lanes of a connection with many
 * requests at once) · chart_frame.c (above and below the lanes) · chart_marks.c
 */
#ifndef MITM_ANALYZE_CHART_PARTS_H
#define MITM_ANALYZE_CHART_PARTS_H

#include <stdio.h>

#include "analyze/chart.h"
#include "analyze/texts.h"

/* The bars of the lane number `lane` that stand for several each: so many at its end. */
struct chart_merged {
    size_t lane, count;
};

struct chart {
    const struct model_session *session;
    struct chart_options options;
    struct timeline_figure figure;
    struct texts texts; /* of all labels and tooltips */
    struct figure_group *groups;
    struct figure_lane *lanes; /* of all groups, one group after the other */
    size_t lane_count, lane_capacity;
    struct figure_bar *folded; /* those that lanes show merged to fewer (chart_streams.c), … */
    size_t folded_count, folded_capacity;
    struct chart_merged *merged; /* … and which bars those are, in the order of the lanes */
    size_t merged_count, merged_capacity;
    size_t connection_count;   /* that are shown */
    size_t folded_connections; /* that have more streams at once than lanes */
    bool has_streams, has_tls, has_decrypted, has_hidden;
    uint64_t shares[CHART_PHASES][2]; /* nanoseconds within the time shown: exact, inferred */
    uint64_t requests;
    int64_t received_bytes;
    bool received_known;
    int64_t activity_from_ns, activity_to_ns; /* of the lanes; MODEL_NONE: none */
    struct figure_strip strip;
    uint64_t *strip_bins;
    struct figure_mark *marks;
    uint64_t leaks, limited; /* connections: possible leaks, and held back by a rate limit */
    struct figure_share share_parts[2 * CHART_PHASES];
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

/* Write " · NAME 0.230 s", unless `ns` is MODEL_NONE. */
void chart_put_duration(FILE *out, const char *name, int64_t ns);

/* Write how long a request that arrived at from_ns was held back as the user wanted, if it was. */
void chart_put_delay(FILE *out, int64_t from_ns, int64_t sent_ns);

/* ---------------------------------------------------------------- chart_lane.c */

/* The contents of a lane in the making. */
struct chart_row {
    struct figure_bar *bars;
    struct figure_dot *dots;
    struct figure_failure *failures;
    struct figure_stall *stalls;
    size_t bar_count, dot_count, failure_count, stall_count;
    size_t bar_capacity, dot_capacity, failure_capacity, stall_capacity;
};

/* A connection in the making. */
struct chart_maker {
    struct chart *chart;
    const struct model_connection *connection;
    struct chart_row row; /* of its first lane, or of what is being made for another */
    struct figure_text link;
    int64_t end_ns; /* of the connection, or of the recording while it is open */
    bool open;
};

/* Add the lanes of `connection` behind those there are; note its activity, its requests and bytes. */
void chart_lanes(struct chart *chart, const struct model_connection *connection);
void chart_lane_free(struct figure_lane *lane);

/* Add a bar, unless it ends before it begins. */
void chart_bar(struct chart_maker *maker, size_t phase, bool inferred, int64_t from_ns, int64_t to_ns,
               struct figure_text tooltip);
void chart_dot(struct chart_maker *maker, size_t phase, int64_t t_ns, struct figure_text tooltip);
void chart_failure(struct chart_maker *maker, int64_t t_ns, struct figure_text label, struct figure_text tooltip);

/* Note that something happened on the lane. */
void chart_note(struct chart *chart, int64_t t_ns);

/* ---------------------------------------------------------------- chart_exchange.c */

/* Add the bars of a request and its response; until busy_until_ns the lane belongs to others. */
void chart_exchange(struct chart_maker *maker, const struct model_exchange *exchange, int64_t busy_until_ns);

/* Return when what is drawn of an exchange begins, and ends. */
int64_t chart_exchange_start(const struct model_exchange *exchange);
int64_t chart_exchange_end(const struct chart_maker *maker, const struct model_exchange *exchange);

/* Add the requests of a connection that come one after the other. */
void chart_exchanges(struct chart_maker *maker);

/* ---------------------------------------------------------------- chart_stalls.c */

/* Add to the last bar of the row, which lasts from from_ns to to_ns (where that is later) and shows `exchange`, when
 * flow control held back its data: the window of its stream, or while a message of it was on its way that of the
 * connection. */
void chart_stalls(struct chart_maker *maker, const struct model_exchange *exchange, int64_t from_ns, int64_t to_ns);

/* Return for how long the connection's window was used up while the message of an exchange in `direction` was on its
 * way. */
int64_t chart_connection_stalled_ns(const struct chart_maker *maker, const struct model_exchange *exchange,
                                    int direction);

/* Add to `row` the `count` stalls `stalls`, which are freed, where they lie on its bars, which come one after the
 * other: at least one of what a bar stands for is held back. */
void chart_stalls_merged(struct chart_row *row, struct figure_stall *stalls, size_t count);

/* ---------------------------------------------------------------- chart_tls.c */

/* Add the bar of the TLS handshake, and its failure. */
void chart_tls(struct chart_maker *maker);

/* Add what is inferred of an encrypted connection. Return until when all data of the connection are drawn thus, or as
 * requests; INT64_MAX: to its end. MODEL_NONE: it is not encrypted, or decrypted. */
int64_t chart_turns(struct chart_maker *maker);

/* Add the bursts of data that are not looked into, from from_ns on. */
void chart_opaque(struct chart_maker *maker, int64_t from_ns);

/* ---------------------------------------------------------------- chart_streams.c */

/* The further lanes of a connection. */
struct chart_further {
    struct chart_row *rows; /* each filled like maker->row */
    size_t count;
    size_t folded; /* streams that are merged in the last one; 0: none, … */
    size_t merged; /* … and how many of its bars, at the end, they became */
};

/* Add the streams of a connection of HTTP/2: to maker->row, and where they overlap to *further, whose rows the caller
 * takes and frees. */
void chart_streams(struct chart_maker *maker, struct chart_further *further);

/* ---------------------------------------------------------------- the rest */

/* Make the marks of the figure: those of the user, and where recording paused and went on. */
void chart_marks(struct chart *chart);

/* Fill in what stands above and below the lanes: title, subtitles, strip, shares, warnings, notes. */
void chart_frame(struct chart *chart);

#endif
