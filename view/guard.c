#include "view/guard.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

/* Return whether `host` is one of the words of `hosts`; host names have no case (RFC 3986, 3.2.2). */
static bool host_known(const char *hosts, const char *host)
{
    size_t len = strlen(host);
    for (const char *word = hosts; *word;) {
        size_t n = strcspn(word, " ");
        if (n > 0 && n == len && strncasecmp(word, host, n) == 0)
            return true;
        word += n;
        word += strspn(word, " ");
    }
    return false;
}

/* Return what follows "http://" and `host` in `url`, NULL if it does not begin with them. */
static const char *behind_origin(const char *url, const char *host)
{
    static const char scheme[] = "http://";
    size_t n = sizeof scheme - 1, len = strlen(host);
    if (strncasecmp(url, scheme, n) != 0 || strncasecmp(url + n, host, len) != 0)
        return NULL;
    return url + n + len;
}

/* Compare in a time that does not depend on where they differ. */
static bool key_right(const char *secret, const char *key)
{
    size_t len = strlen(secret);
    if (!key || strlen(key) != len || len == 0)
        return false;
    unsigned difference = 0;
    for (size_t i = 0; i < len; i++)
        difference |= (unsigned)(unsigned char)secret[i] ^ (unsigned)(unsigned char)key[i];
    return difference == 0;
}

static bool fetch_site_allowed(const char *site)
{
    return !site || strcmp(site, "same-origin") == 0 || strcmp(site, "none") == 0;
}

static bool origin_allowed(const struct guard_request *request)
{
    if (!request->origin)
        return true;
    /* Forms of a page with "no-referrer" are sent with "null" (Fetch, "append a request Origin header"). */
    if (request->kind == GUARD_POST && strcmp(request->origin, "null") == 0)
        return true;
    const char *rest = behind_origin(request->origin, request->host);
    return rest && *rest == '\0';
}

static bool referer_allowed(const struct guard_request *request)
{
    if (!request->referer)
        return true;
    const char *rest = behind_origin(request->referer, request->host);
    return rest && (*rest == '\0' || *rest == '/');
}

/* Pages are for who asks for HTML. Images, scripts and fetches that another page loads do not; programs that are no
 * browser (curl) need not. */
static bool accept_allowed(const struct guard_request *request)
{
    if (request->accept && strstr(request->accept, "text/html"))
        return true;
    bool browser = request->user_agent && strncasecmp(request->user_agent, "Mozilla/", 8) == 0;
    return !browser && !request->sec_fetch_site && !request->origin && !request->referer;
}

bool guard_allows(const struct guard_identity *identity, const struct guard_request *request)
{
    if (request->repeated || !request->target || request->target[0] != '/')
        return false;
    if (!request->host || !host_known(identity->hosts, request->host))
        return false;
    if (!fetch_site_allowed(request->sec_fetch_site) || !origin_allowed(request) || !referer_allowed(request))
        return false;
    if (request->kind == GUARD_ICON)
        return !request->accept || !strstr(request->accept, "text/html");
    return request->kind == GUARD_PAGE ? accept_allowed(request) : key_right(identity->secret, request->key);
}
