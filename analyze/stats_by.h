/*
 * Statistics of requests, connections, servers, pages or sessions: a row for each of them with all its measures
 * (analyze/measures.h), and how these are distributed.
 */
#ifndef MITM_ANALYZE_STATS_BY_H
#define MITM_ANALYZE_STATS_BY_H

#include <stdio.h>

#include "analyze/model.h"
#include "analyze/pages.h"
#include "tables/table.h"

enum stats_level { STATS_BY_REQUEST, STATS_BY_CONNECTION, STATS_BY_SERVER, STATS_BY_PAGE, STATS_BY_SESSION };
extern const char *const stats_levels[]; /* the words of --by, in this order */
enum { STATS_LEVELS = 5 };

struct stats_by {
    const struct model *model;
    enum stats_level level;
    struct pages_options pages; /* by_session does not matter: STATS_BY_SESSION takes each session as one page load */
    unsigned quantile_type;
    enum table_format format;
    size_t width; /* for text; 0: any */
};

/*
 * Write the statistics to `out`. CSV: the rows (of servers: the distributions). JSON: an object of rows, distributions
 * and, by server or session, failures. For people: distributions and failures, and the rows of pages and sessions.
 * Distributions are of all sessions together, but those by server.
 */
void stats_by(FILE *out, const struct stats_by *options);

/* Write a short table of the page loads of `session`, number `number`, the first 20. */
void stats_pages(FILE *out, const struct model_session *session, size_t number, const struct pages_options *options,
                 size_t width);

/* Pieces of the above, in files of their own: the rows, the distributions, the failures. */
enum stats_detail {
    STATS_ALL,
    STATS_MAIN,
    STATS_COUNTS,
    STATS_SHARES
}; /* columns: for people, three tables of pages */
void stats_rows(FILE *out, const struct stats_by *options, enum stats_detail detail);
void stats_spreads(FILE *out, const struct stats_by *options);
void stats_failure_classes(FILE *out, const struct stats_by *options);

#endif
