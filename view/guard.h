/*
 * The guard of the view: decides by a request's header lines whether it was made by the view's own pages or by the user
 * himself, or was caused by some other page, which must be able neither to read nor to change the view, nor to notice
 * that it is there. Pure: no I/O.
 *
 * Browsers do not send Sec-Fetch-Site (Fetch Metadata) to plain http, so that everything but the HTML pages
 * needs the secret key, which other origins cannot read.
 */
#ifndef MITM_VIEW_GUARD_H
#define MITM_VIEW_GUARD_H

#include <stdbool.h>

/* What is asked for. */
enum guard_kind {
    GUARD_PAGE, /* an HTML document, without side effects: reached by typing its address */
    GUARD_PART, /* an image, script, event stream, download: only with the key */
    GUARD_POST, /* a change: only with the key */
    /* The icon of the page, which browsers ask for as an image. Its answer is empty, which a window or frame of another
     * page would show in its own way: who asks for HTML is refused. */
    GUARD_ICON
};

/* The header lines that matter, as received; NULL: not there. */
struct guard_request {
    enum guard_kind kind;
    const char *target; /* the request-target */
    const char *host;
    bool repeated; /* one of these header lines is there more than once */
    const char *sec_fetch_site, *origin, *referer, *accept, *user_agent;
    const char *key; /* as sent in the query or the form */
};

/* What the view answers to. */
struct guard_identity {
    const char *hosts;  /* the values of Host (RFC 9110, 7.2) that are right, separated by spaces */
    const char *secret; /* the key */
};

/* Return whether `request` may be answered. */
bool guard_allows(const struct guard_identity *identity, const struct guard_request *request);

#endif
