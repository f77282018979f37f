/* What page loads are made of: the requests, and what else connections did, in the order of time. Only pages.c and
 * page_parts.c use it.
 */
#ifndef MITM_ANALYZE_PAGES_ITEMS_H
#define MITM_ANALYZE_PAGES_ITEMS_H

#include "analyze/model.h"

enum pages_item_kind {
    PAGES_EXCHANGE,   /* a request with its response */
    PAGES_CONNECTION, /* a connection's making, where no request was seen on it */
    PAGES_BURST       /* opaque data to the client */
};

struct pages_item {
    int64_t from_ns;
    int64_t to_ns; /* its last response byte; from_ns where there is none */
    bool open;     /* more of it is awaited */
    enum pages_item_kind kind;
    uint32_t connection; /* index */
    uint32_t exchange;   /* index, of PAGES_EXCHANGE */
    bool handshake;      /* PAGES_BURST: it belongs to a TLS handshake */
    uint64_t received_bytes;
    uint32_t page; /* for pages.c, which groups them; at first 0 */
};

/* Return the items of `session`, *count of them, sorted by from_ns (equal ones by connection, then in order of
 * appearance). The caller frees the array. */
struct pages_item *pages_items(const struct model_session *session, size_t *count);

#endif
