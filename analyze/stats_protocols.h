/* Columns of TLS and HTTP/2 in the rows of connections and requests. Only stats_rows.c uses them. */
#ifndef MITM_ANALYZE_STATS_PROTOCOLS_H
#define MITM_ANALYZE_STATS_PROTOCOLS_H

#include "analyze/measures.h"
#include "analyze/sheet.h"

struct stats_protocol {
    struct table_column head;
    enum measure_level level; /* MEASURE_OF_CONNECTION or MEASURE_OF_REQUEST: the rows that have it */
    bool without_tls;         /* not only where there is TLS, but also where there is HTTP/2 */
    void (*add)(struct sheet *sheet, const struct measure_subject *subject); /* Add the cell of a row. */
};

size_t stats_protocols_count(void);
const struct stats_protocol *stats_protocols_get(size_t index);

/* Return whether the column belongs into rows of `level`, where `present` occurs (measures_present()). */
bool stats_protocols_occur(const struct stats_protocol *column, enum measure_level level, unsigned present);

#endif
