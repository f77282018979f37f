/*
 * Page loads: the requests and connections of a session, grouped by what the user loaded. mitm-analyze(1) explains the
 * rules; this module alone applies them.
 *
 * 1. First party: connections with equal SOCKS credentials whose user name is not empty belong together (Tor Browser
 *    puts the first party there); within them rules 2 and 3 tell one load from the next.
 * 2. Navigation: a request for a document (Sec-Fetch-Dest: document, or, where browsers do not send that, an Accept that
 *    begins with text/html) begins a page, unless it is a redirect's target or a frame: see pages.c. Other requests
 *    belong to the page that their Referer names, else to the page begun last.
 * 3. Pause: what begins when nothing has happened for gap_ns begins a page.
 */
#ifndef MITM_ANALYZE_PAGES_H
#define MITM_ANALYZE_PAGES_H

#include "analyze/model.h"

#define PAGES_GAP_NS INT64_C(5000000000)

enum page_rule { PAGE_FIRST_PARTY, PAGE_NAVIGATION, PAGE_PAUSE };

struct pages_options {
    int64_t gap_ns;  /* of rule 3; 0: PAGES_GAP_NS */
    bool by_session; /* the whole session is one page */
};

struct page {
    uint32_t number; /* 1, 2, 3 … in the order of their starts */
    enum page_rule rule;
    struct text host, target; /* of the request that began it; target has no data where it was not seen (TLS) */
    uint32_t port;
    struct text first_party; /* SOCKS user name; no data: none */
    int64_t start_ns;        /* its first event: of a connection made for it, or of the request that began it */
    int64_t first_byte_ns;   /* the first response's first byte; MODEL_NONE: none */
    int64_t end_ns;          /* the last response's end (or last opaque data to the client); MODEL_NONE: none */
    bool open;               /* a response is still awaited or on its way */
    size_t requests, connections, servers, failures;
    uint64_t received_bytes;
};

struct pages;

/* Group what `session` holds, which must outlive the result unchanged. The caller frees it with pages_free(). */
struct pages *pages_new(const struct model_session *session, const struct pages_options *options);
void pages_free(struct pages *pages);

size_t pages_count(const struct pages *pages);
/* Return page number `index` + 1 (index < pages_count()). */
const struct page *pages_get(const struct pages *pages, size_t index);

/* Return the load time of `page`: start_ns → end_ns; MODEL_NONE while it is open or where there was no response. */
int64_t page_load_ns(const struct page *page);

/* Return the number of the page of the exchange number `index` of the session (0: none), and of the connection number
 * `index`: of the page that it was made for. */
uint32_t pages_of_exchange(const struct pages *pages, size_t index);
uint32_t pages_of_connection(const struct pages *pages, size_t index);

/* Return whether the connection number `index` of the session carried something of the page `number`. */
bool pages_has_connection(const struct pages *pages, uint32_t number, size_t index);

#endif
