/* What the view shows of a session: the document, its pictures and its downloads (report/report.h), once the model is
 * up to date. */
#ifndef MITM_VIEW_PAGE_H
#define MITM_VIEW_PAGE_H

#include <event2/http.h>

#include "view/follow.h"

/* Longest time, in seconds, after which a page asks to be loaded again. */
#define PAGE_MAX_REFRESH_SECONDS 3600

enum page_kind { PAGE_HTML, PAGE_FILE, PAGE_SVG, PAGE_PNG, PAGE_PDF, PAGE_CSV, PAGE_SESSION, PAGE_PAC };

/* A session, and where it is shown. */
struct page_site {
    struct follow *follow;
    const char *stem; /* of the names of downloads */
    const char *base, *key;
    bool settings;
};

struct page_request {
    const struct page_site *site;
    enum page_kind kind;
    const char *query;   /* as in the URL, or NULL; copied */
    const char *message; /* static or NULL */
    const char *problem; /* why a change was not made; copied. NULL: none */
    bool dark;
};

/* Answer `request` as `wanted` says. */
void page_serve(struct evhttp_request *request, const struct page_request *wanted);

#endif
