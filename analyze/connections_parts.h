/* What the modules that make the lines of a connection share. Only connections*.c include this. */
#ifndef MITM_ANALYZE_CONNECTIONS_PARTS_H
#define MITM_ANALYZE_CONNECTIONS_PARTS_H

#include "analyze/connections.h"

struct connections_lines {
    struct connections_line *lines;
    size_t count, capacity;
    bool raw;    /* recorded text is put in as it is, not escaped */
    FILE *value; /* of the line being made */
    char *value_text;
    size_t value_len;
};

/* Begin the line of an event; its value is then written to lines->value, and connections_end() ends it. Return false,
 * and begin nothing, if the event was not recorded. */
bool connections_begin(struct connections_lines *lines, int64_t t_ns, const char *event,
                       const struct model_headers *headers);
void connections_end(struct connections_lines *lines);

/* Put recorded text into the value of the line being made. */
void connections_put(struct connections_lines *lines, struct text text);

/* Add the line of an event with a value of our own words. */
void connections_add(struct connections_lines *lines, int64_t t_ns, const char *event, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Add the lines of TLS and HTTP/2, but for those of exchanges. */
void connections_add_protocols(struct connections_lines *lines, const struct model_connection *connection);

/* Put which stream of HTTP/2 `exchange` is into the line of its request; its number alone into other lines. */
void connections_put_number(struct connections_lines *lines, const struct model_exchange *exchange);
void connections_put_stream(struct connections_lines *lines, const struct model_exchange *exchange);

/* Add the reset of the exchange's stream, and the messages of a WebSocket. */
void connections_add_stream(struct connections_lines *lines, const struct model_exchange *exchange);

#endif
