/*
 * What a page load consisted of: which part of the load time went to what, and how its requests went. mitm-analyze(1)
 * explains and justifies the definitions. Only pages.c uses this module; it is part of struct page.
 *
 * Five kinds of time make up the load time. Each moment of it belongs to one, the first of these that is true then:
 * 1. transfer: bytes of a request, of a response, or opaque ones to the client (a burst, but not of a TLS
 *    handshake) of the page are on their way;
 * 2. waiting: a request of the page that was sent has no response yet;
 * 3. TLS: the TLS handshake of a connection that was made for the page has begun and not ended, inferred or exact;
 * 4. SOCKS: a SOCKS request of a connection that was made for the page has no reply yet;
 * 5. idle: none of these. Time in which a delay asked for holds a request back is such.
 */
#ifndef MITM_ANALYZE_PAGE_PARTS_H
#define MITM_ANALYZE_PAGE_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/model.h"

struct page_parts {
    /* They add up to the load time. MODEL_NONE: there is none, a rate limit asked for held bytes of the page back, or
     * bytes of it came on a connection that is not decrypted, so that what was waited for is not known. */
    int64_t socks_ns, tls_ns, waiting_ns, transfer_ns, idle_ns;
    /*
     * The greatest number of waits one after the other: of SOCKS requests for their reply, of TLS handshakes for their
     * end, and of requests for their response, no two of which overlap. 0: there was none.
     */
    size_t round_trips;
    size_t reused;      /* requests on a connection that an earlier request (of any page) had used */
    bool hidden;        /* data of the page came over TLS that is not decrypted: not all of its requests are seen */
    size_t parallelism; /* greatest number of requests of which at one moment each was sent, but not answered wholly */
};

struct page;
struct pages_item;

/* Set the parts of the `count` pages of `session`, whose other members, but `number`, are set; items[i].page, of `n`
 * items, and by_connection[i] are the indices of the pages plus 1; 0: none. Takes O(n log n). */
void page_parts_set(struct page *pages, size_t count, const struct model_session *session,
                    const struct pages_item *items, size_t n, const uint32_t *by_connection);

#endif
