/*
 * Page loads: the requests and connections of a session, grouped by what the user loaded. This module alone applies the
 * rule, which mitm-analyze(1) explains too:
 *
 * 1. First party. Connections with the same SOCKS user name belong together (Tor Browser puts the first party there),
 *    those without one too. What follows is done within each of these groups, in the order of time.
 * 2. Navigation. A request for a document begins a page: one with Sec-Fetch-Dest: document, or, where the browser does
 * not send that header (it does so to https and localhost only), a GET or POST whose Accept begins with text/html.
 * Except:
 *    - the target of a redirect (3xx with Location) of a page continues that page;
 *    - without Sec-Fetch-Dest: a document whose Referer is a page of which a response was on its way, or had ended not
 *      longer than PAGES_FRAME_NS before, is a frame of that page.
 * 3. Pause. Anything else that begins when nothing of the group's pages has been on its way for gap_ns begins a page.
 * 4. All other requests belong to the page that their Referer names (by its address, that of something loaded for it,
 * or its origin), if that page is not over for longer than gap_ns; what names none, connections without visible
 * requests, and their opaque data belong to the page that was begun last in the group.
 * 5. A page begun by a pause that has brought no data yet (a connection made in advance) becomes the page of the
 *    navigation that follows within gap_ns.
 */
#ifndef MITM_ANALYZE_PAGES_H
#define MITM_ANALYZE_PAGES_H

#include "analyze/model.h"
#include "analyze/page_parts.h"

#define PAGES_GAP_NS   INT64_C(5000000000)
#define PAGES_FRAME_NS INT64_C(500000000)
/* A request that follows its connection's making within this time had the connection made for it. */
#define PAGES_MADE_FOR_NS INT64_C(100000000)

enum page_rule { PAGE_FIRST_PARTY, PAGE_NAVIGATION, PAGE_PAUSE };

struct pages_options {
    int64_t gap_ns;  /* of rule 3; 0: PAGES_GAP_NS */
    bool by_session; /* the whole session is one page */
};

struct page {
    uint32_t number;     /* 1, 2, 3 … in the order of their starts */
    enum page_rule rule; /* what began it; PAGE_FIRST_PARTY wherever there is a user name */
    struct text host;    /* that it was addressed to (analyze/url.h); no data: not seen */
    uint32_t port;
    bool https;
    struct text target;      /* of the request that it began with; no data where that was not seen (TLS) */
    struct text first_party; /* SOCKS user name; no data: none */
    int64_t start_ns;        /* the request that it began with, or the start of the connection that was made for that */
    int64_t first_byte_ns;   /* the first response's first byte; MODEL_NONE: none */
    int64_t end_ns;          /* the last response's end (or last opaque data to the client); MODEL_NONE: none */
    bool open;               /* a response is still awaited or on its way */
    size_t requests, connections, servers;
    size_t failures; /* SOCKS requests that failed; requests without a whole response though their connection has ended,
                        unless the client canceled them (HTTP/2) */
    uint64_t received_bytes;
    struct page_parts parts;
};

struct pages;

/* Group what `session` holds, which must outlive the result unchanged; `options` NULL: the usual. The caller frees the
 * result with pages_free(). Takes O(n log n) for n requests, connections and bursts. */
struct pages *pages_new(const struct model_session *session, const struct pages_options *options);
void pages_free(struct pages *pages);

size_t pages_count(const struct pages *pages);
/* Return page number `index` + 1 (index < pages_count()). */
const struct page *pages_get(const struct pages *pages, size_t index);

/* Return the load time of `page`: start_ns → end_ns; MODEL_NONE while it is open or where there was no response. */
int64_t page_load_ns(const struct page *page);

/* Return `part_ns`, one of page->parts, in whole per cent of the load time; -1 if it is not known. */
int page_percent(const struct page *page, int64_t part_ns);

/* Return whether the page's number of requests says something: not where there are none because none can be seen. */
bool page_requests_known(const struct page *page);

/* Return the number of the page of the exchange number `index` of the session (model_session.exchanges), and of the
 * connection number `index`: the page that it was made for. 0: none. */
uint32_t pages_of_exchange(const struct pages *pages, size_t index);
uint32_t pages_of_connection(const struct pages *pages, size_t index);

/* Return whether the connection number `index` of the session carried something of the page `number`. */
bool pages_has_connection(const struct pages *pages, uint32_t number, size_t index);

#endif
