/*
 * The measures: everything of which a session gives a sample of numbers, by name. Statistics, comparisons and figures
 * take their values from here, so that a name means the same everywhere. Times are in nanoseconds, sizes in bytes,
 * rates in bits per second, shares between 0 and 1. mitm-analyze(1) has the definitions.
 */
#ifndef MITM_ANALYZE_MEASURES_H
#define MITM_ANALYZE_MEASURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/model.h"
#include "analyze/pages.h"

/* What one value is of. */
enum measure_level { MEASURE_OF_REQUEST, MEASURE_OF_CONNECTION, MEASURE_OF_PAGE, MEASURE_OF_SESSION };

enum measure_unit { MEASURE_NS, MEASURE_BYTES, MEASURE_COUNT, MEASURE_BITS_PER_S, MEASURE_SHARE };

/* Which values are the better ones to a user: "faster" is said of times and rates only. */
enum measure_better { MEASURE_LESS, MEASURE_MORE, MEASURE_NEITHER };

/* Where values can occur at all: TLS, HTTP/2 and WebSocket are not in every recording. */
enum measure_where { MEASURE_ANYWHERE, MEASURE_WITH_TLS, MEASURE_WITH_HTTP2, MEASURE_WITH_WEBSOCKET };

struct measure {
    const char *name;       /* "load-time": on the command line, in CSV and JSON */
    const char *label;      /* "page load time": for people */
    const char *definition; /* "first event → end of the last response": one line */
    enum measure_level level;
    enum measure_unit unit;
    enum measure_better better;
    bool usual; /* compared and reported unless others are asked for */
    enum measure_where where;
};

/* The measures in their order, and the one called `name` (NULL: there is none). */
size_t measures_count(void);
const struct measure *measures_get(size_t index);
const struct measure *measures_find(const char *name);

/* Return what occurs in the sessions of `model`, for measures_occur(). */
unsigned measures_present(const struct model *model);

/* Return whether values of `measure` can occur where `present` does. Tables leave the others out. */
static inline bool measures_occur(const struct measure *measure, unsigned present)
{
    return measure->where == MEASURE_ANYWHERE || (present >> measure->where & 1u) != 0;
}

/* What a value is of: all levels need the session and its pages, and the level's own member, an exchange its connection
 * too; the others may be NULL. */
struct measure_subject {
    const struct model_session *session;
    const struct pages *pages;
    const struct model_connection *connection;
    const struct model_exchange *exchange;
    const struct page *page;
};

/* Return the value of `measure`, which is one of the register, for `subject`; NAN: it is missing. */
double measures_value(const struct measure *measure, const struct measure_subject *subject);

/* A value, and what it belongs to. */
struct measure_value {
    double value;
    uint32_t page;       /* number of the page load; 0: none */
    uint32_t connection; /* index; MODEL_NO_INDEX: of more than one */
    uint32_t exchange;   /* index; MODEL_NO_INDEX: of more than one, or of none */
    uint32_t server;     /* index; MODEL_NO_INDEX: of more than one, or not known */
    int64_t t_ns;        /* when it began */
};

struct measure_values {
    struct measure_value *values; /* those that exist, in the order of pages, connections or exchanges */
    size_t count;
    size_t missing; /* of so many of the same level there is none */
};

/* Collect the values of `measure` in `session`, whose page loads are `pages`. Free them with measures_free(). */
struct measure_values measures_collect(const struct measure *measure, const struct model_session *session,
                                       const struct pages *pages);
void measures_free(struct measure_values *values);

#endif
