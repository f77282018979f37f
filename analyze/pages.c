#include "analyze/pages.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/map.h"
#include "base/memory.h"
#include "analyze/metrics.h"
#include "analyze/pages_items.h"
#include "analyze/url.h"

/* Two numbers that belong together. */
struct pair {
    uint32_t page;
    uint32_t other; /* connection, or server */
};

struct pairs {
    struct pair *pairs;
    size_t count, capacity;
};

/* Pages are referred to by their position in `pages` plus 1, which becomes their number at the end. */
struct pages {
    struct page *pages;
    size_t count, capacity;
    uint32_t *by_exchange, *by_connection; /* numbers; 0: none */
    struct pairs connections;              /* sorted */
};

/* A page while it is being made. */
struct progress {
    int64_t active_ns; /* something of it was on its way until then */
    bool navigated;    /* a navigation began it */
};

/* Pages while they are being made. */
struct maker {
    const struct model_session *session;
    struct pages_options options;
    struct pages *pages;
    struct progress *progress; /* of each page */
    size_t progress_capacity;
    struct map groups; /* address of the user name → group */
    uint32_t *current; /* of each group: the page begun last, or 0 */
    size_t group_count, group_capacity;
    struct texts addresses;
    struct map places; /* address of a kept key → index in `named` */
    uint32_t *named;   /* pages */
    size_t named_count, named_capacity;
};

/* ---------------------------------------------------------------- addresses */

/* An address that a page is known by, or that one of its redirects leads to. */
enum key_kind { KEY_ADDRESS = 'A', KEY_REDIRECT = 'R' };

/* Return the kept key of the `len` bytes at `address` within a group; no data if it is too long. */
static struct text key_of(struct maker *maker, enum key_kind kind, uint32_t group, const char *address, size_t len)
{
    char key[URL_MAX_BYTES + 16];
    const char *fragment = len > 0 ? memchr(address, '#', len) : NULL;
    if (fragment)
        len = (size_t)(fragment - address);
    if (len == 0 || len > URL_MAX_BYTES)
        return (struct text){0};
    int n = snprintf(key, sizeof key, "%c%u ", kind, group);
    memcpy(key + n, address, len);
    return texts_keep(&maker->addresses, key, (size_t)n + len);
}

static void remember(struct maker *maker, struct text key, uint32_t page)
{
    uint32_t at;
    if (!key.data)
        return;
    if (!map_get(&maker->places, (uintptr_t)key.data, &at)) {
        at = (uint32_t)maker->named_count;
        maker->named = memory_grow(maker->named, maker->named_count, &maker->named_capacity, sizeof *maker->named);
        maker->named_count++;
        map_put(&maker->places, (uintptr_t)key.data, at);
    }
    maker->named[at] = page;
}

/* Return the page remembered for `key`, or 0. */
static uint32_t recall(const struct maker *maker, struct text key)
{
    uint32_t at;
    return key.data && map_get(&maker->places, (uintptr_t)key.data, &at) ? maker->named[at] : 0;
}

/* ---------------------------------------------------------------- pages in the making */

/* Return the group of `c`: 0 for connections without a user name. */
static uint32_t group_of(struct maker *maker, const struct model_connection *c)
{
    uint32_t group;
    uint64_t key = c->username.len > 0 ? (uintptr_t)c->username.data : 0;
    if (map_get(&maker->groups, key, &group))
        return group;
    group = (uint32_t)maker->group_count;
    maker->current = memory_grow(maker->current, maker->group_count++, &maker->group_capacity, sizeof *maker->current);
    maker->current[group] = 0;
    map_put(&maker->groups, key, group);
    return group;
}

static struct page *page_at(const struct maker *maker, uint32_t number)
{
    return &maker->pages->pages[number - 1];
}

/* Return whether something of the page was on its way at `t_ns`, or not longer than `gap_ns` before. */
static bool is_active(const struct maker *maker, uint32_t number, int64_t t_ns, int64_t gap_ns)
{
    int64_t active_ns = maker->progress[number - 1].active_ns;
    return t_ns <= active_ns || t_ns - active_ns <= gap_ns;
}

/* Return the moment from which the page counts that begins with `item`. */
static int64_t start_of(const struct maker *maker, const struct pages_item *item)
{
    const struct model_connection *c = model_connection(maker->session, item->connection);
    int64_t start_ns = metrics_connection_start_ns(c);
    int64_t ready_ns = metrics_ready_ns(c) != MODEL_NONE ? metrics_ready_ns(c) : start_ns;
    bool first =
        item->kind == PAGES_CONNECTION || (item->kind == PAGES_EXCHANGE && c->first_exchange == item->exchange &&
                                           item->from_ns - ready_ns <= PAGES_MADE_FOR_NS);
    return first && start_ns != MODEL_NONE && start_ns < item->from_ns ? start_ns : item->from_ns;
}

/* Say how and with what the page `page` begins. */
static void set_beginning(struct maker *maker, struct page *page, const struct pages_item *item, enum page_rule rule)
{
    const struct model_connection *c = model_connection(maker->session, item->connection);
    const struct model_exchange *x = item->kind == PAGES_EXCHANGE ? &maker->session->exchanges[item->exchange] : NULL;
    struct url_origin origin = url_origin(c, x);
    page->rule = c->username.len > 0 ? PAGE_FIRST_PARTY : rule;
    page->host = origin.host;
    page->port = origin.port;
    page->https = origin.https;
    page->target = x ? x->target : (struct text){0};
    page->first_party = c->username.len > 0 ? c->username : (struct text){0};
    page->start_ns = start_of(maker, item);
    maker->progress[page - maker->pages->pages].navigated = rule == PAGE_NAVIGATION;
}

static uint32_t begin_page(struct maker *maker, uint32_t group, const struct pages_item *item, enum page_rule rule)
{
    struct pages *pages = maker->pages;
    maker->progress = memory_grow(maker->progress, pages->count, &maker->progress_capacity, sizeof *maker->progress);
    pages->pages = memory_grow(pages->pages, pages->count, &pages->capacity, sizeof *pages->pages);
    maker->progress[pages->count] = (struct progress){.active_ns = item->from_ns};
    pages->pages[pages->count] = (struct page){.first_byte_ns = MODEL_NONE, .end_ns = MODEL_NONE};
    set_beginning(maker, &pages->pages[pages->count], item, rule);
    return maker->current[group] = (uint32_t)++pages->count;
}

/* Return the group's current page, or 0 if there is none that `t_ns` can still belong to. */
static uint32_t current_page(const struct maker *maker, uint32_t group, int64_t t_ns)
{
    uint32_t page = maker->current[group];
    if (page == 0 || !(maker->options.by_session || is_active(maker, page, t_ns, maker->options.gap_ns)))
        return 0;
    return page;
}

static bool is_navigation(const struct model_exchange *x)
{
    if (x->destination != MODEL_DESTINATION_UNKNOWN)
        return x->destination == MODEL_DOCUMENT;
    return x->accepts_html && ((x->method.len == 3 && memcmp(x->method.data, "GET", 3) == 0) ||
                               (x->method.len == 4 && memcmp(x->method.data, "POST", 4) == 0));
}

/* Begin a page with a navigation, or make it that of a page which has brought nothing yet. */
static uint32_t navigate(struct maker *maker, uint32_t group, const struct pages_item *item)
{
    uint32_t current = current_page(maker, group, item->from_ns);
    const struct page *page = current ? page_at(maker, current) : NULL;
    if (!page || page->requests > 0 || page->received_bytes > 0)
        return begin_page(maker, group, item, PAGE_NAVIGATION);
    set_beginning(maker, page_at(maker, current), item, PAGE_NAVIGATION);
    return current;
}

/* Return the page that a request belongs to. */
static uint32_t page_of_exchange(struct maker *maker, uint32_t group, const struct pages_item *item,
                                 const struct model_exchange *x, struct text own_redirect)
{
    int64_t t_ns = item->from_ns;
    uint32_t redirecting = recall(maker, own_redirect);
    if (redirecting && is_active(maker, redirecting, t_ns, maker->options.gap_ns))
        return redirecting;
    uint32_t referring =
        recall(maker, key_of(maker, KEY_ADDRESS, group, (const char *)x->referer.data, x->referer.len));
    if (is_navigation(x)) {
        bool frame = x->destination == MODEL_DESTINATION_UNKNOWN && referring &&
                     is_active(maker, referring, t_ns, PAGES_FRAME_NS);
        return frame ? referring : navigate(maker, group, item);
    }
    if (referring && is_active(maker, referring, t_ns, maker->options.gap_ns))
        return referring;
    uint32_t current = current_page(maker, group, t_ns);
    return current ? current : begin_page(maker, group, item, PAGE_PAUSE);
}

/* Remember by what addresses later requests may name the page of `x`. */
static void remember_addresses(struct maker *maker, uint32_t group, const struct model_connection *c,
                               const struct model_exchange *x, uint32_t page)
{
    char address[URL_MAX_BYTES];
    if (is_navigation(x)) {
        size_t n = url_resolve(c, x, (struct text){(const uint8_t *)"/", 1}, address);
        remember(maker, key_of(maker, KEY_ADDRESS, group, address, n), page);
    }
    size_t n = url_resolve(c, x, x->target, address);
    remember(maker, key_of(maker, KEY_ADDRESS, group, address, n), page);
    if (x->location.len > 0) {
        n = url_resolve(c, x, x->location, address);
        remember(maker, key_of(maker, KEY_REDIRECT, group, address, n), page);
    }
}

static void add_pair(struct pairs *pairs, uint32_t page, uint32_t other)
{
    pairs->pairs = memory_grow(pairs->pairs, pairs->count, &pairs->capacity, sizeof *pairs->pairs);
    pairs->pairs[pairs->count++] = (struct pair){page, other};
}

static void note_time(int64_t *member, int64_t t_ns, bool latest)
{
    if (t_ns != MODEL_NONE && (*member == MODEL_NONE || (latest ? t_ns > *member : t_ns < *member)))
        *member = t_ns;
}

static void count_exchange(struct page *page, const struct pages_item *item, const struct model_exchange *x)
{
    page->requests += x->has_request;
    page->failures += x->has_request && !item->open && !metrics_complete(x) && !metrics_canceled(x) &&
                      x->response.cause != MITM__HTTP_END_CAUSE__TUNNEL;
    note_time(&page->first_byte_ns, x->response.start_ns, false);
    note_time(&page->end_ns, x->response.end_ns, true);
}

/* Add `item` to the page. */
static void join(struct maker *maker, struct pages_item *item, uint32_t number)
{
    item->page = number;
    struct pages *pages = maker->pages;
    struct page *page = page_at(maker, number);
    const struct model_connection *c = model_connection(maker->session, item->connection);
    if (pages->by_connection[item->connection] == 0)
        pages->by_connection[item->connection] = number;
    add_pair(&pages->connections, number, item->connection);
    page->received_bytes = rate_sum(page->received_bytes, item->received_bytes);
    page->open |= item->open;
    int64_t until_ns = item->open ? maker->session->last_ns : item->to_ns;
    struct progress *progress = &maker->progress[number - 1];
    if (until_ns > progress->active_ns)
        progress->active_ns = until_ns;
    if (!progress->navigated) /* the connection of a later request may have been made first */
        note_time(&page->start_ns, start_of(maker, item), false);
    if (item->kind == PAGES_EXCHANGE) {
        pages->by_exchange[item->exchange] = number;
        count_exchange(page, item, &maker->session->exchanges[item->exchange]);
    } else if (item->kind == PAGES_BURST) {
        if (!item->handshake)
            note_time(&page->first_byte_ns, item->from_ns, false);
        note_time(&page->end_ns, item->to_ns, true);
    } else {
        page->failures += metrics_socks_failed(c);
    }
}

static void place(struct maker *maker, struct pages_item *item)
{
    const struct model_connection *c = model_connection(maker->session, item->connection);
    static const struct model_connection nobody = {0};
    uint32_t group = group_of(maker, maker->options.by_session ? &nobody : c);
    uint32_t page;
    if (item->kind == PAGES_EXCHANGE && !maker->options.by_session) {
        const struct model_exchange *x = &maker->session->exchanges[item->exchange];
        char address[URL_MAX_BYTES];
        size_t n = url_resolve(c, x, x->target, address);
        struct text redirect = key_of(maker, KEY_REDIRECT, group, address, n);
        page = page_of_exchange(maker, group, item, x, redirect);
        remember_addresses(maker, group, c, x, page);
    } else {
        page = current_page(maker, group, item->from_ns);
        if (page == 0)
            page = begin_page(maker, group, item, PAGE_PAUSE);
    }
    join(maker, item, page);
}

/* ---------------------------------------------------------------- the end */

static int compare_pairs(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    if (x->page != y->page)
        return x->page < y->page ? -1 : 1;
    return x->other < y->other ? -1 : x->other > y->other;
}

/* Sort the pairs and leave each one once. */
static void sort_pairs(struct pairs *pairs)
{
    if (pairs->count == 0)
        return;
    qsort(pairs->pairs, pairs->count, sizeof *pairs->pairs, compare_pairs);
    size_t n = 1;
    for (size_t i = 1; i < pairs->count; i++) {
        if (compare_pairs(&pairs->pairs[i], &pairs->pairs[n - 1]) != 0)
            pairs->pairs[n++] = pairs->pairs[i];
    }
    pairs->count = n;
}

static int compare_starts(const void *a, const void *b)
{
    const struct page *x = a, *y = b;
    if (x->start_ns != y->start_ns)
        return x->start_ns < y->start_ns ? -1 : 1;
    return x->number < y->number ? -1 : 1;
}

/* Number the pages in the order of their starts, and translate what refers to them. */
static void number_pages(struct pages *pages, const struct model_session *session, struct pages_item *items, size_t n)
{
    uint32_t *numbers = memory_new(pages->count + 1, sizeof *numbers); /* of each page as it was made */
    for (size_t i = 0; i < pages->count; i++)
        pages->pages[i].number = (uint32_t)i + 1;
    if (pages->count > 0)
        qsort(pages->pages, pages->count, sizeof *pages->pages, compare_starts);
    for (size_t i = 0; i < pages->count; i++) {
        numbers[pages->pages[i].number] = (uint32_t)i + 1;
        pages->pages[i].number = (uint32_t)i + 1;
    }
    for (size_t i = 0; i < n; i++)
        items[i].page = numbers[items[i].page];
    for (size_t i = 0; i < session->exchange_count; i++)
        pages->by_exchange[i] = numbers[pages->by_exchange[i]];
    for (size_t i = 0; i < session->connection_count; i++)
        pages->by_connection[i] = numbers[pages->by_connection[i]];
    for (size_t i = 0; i < pages->connections.count; i++)
        pages->connections.pairs[i].page = numbers[pages->connections.pairs[i].page];
    free(numbers);
}

/* Count connections and servers of each page. */
static void count_distinct(struct pages *pages, const struct model_session *session)
{
    struct pairs servers = {0};
    sort_pairs(&pages->connections);
    for (size_t i = 0; i < pages->connections.count; i++) {
        const struct pair *pair = &pages->connections.pairs[i];
        const struct model_connection *c = model_connection(session, pair->other);
        pages->pages[pair->page - 1].connections++;
        if (c->server != MODEL_NO_INDEX)
            add_pair(&servers, pair->page, c->server);
    }
    sort_pairs(&servers);
    for (size_t i = 0; i < servers.count; i++)
        pages->pages[servers.pairs[i].page - 1].servers++;
    free(servers.pairs);
}

struct pages *pages_new(const struct model_session *session, const struct pages_options *options)
{
    struct pages *pages = memory_new(1, sizeof *pages);
    struct maker maker = {.session = session, .pages = pages};
    if (options)
        maker.options = *options;
    if (maker.options.gap_ns == 0)
        maker.options.gap_ns = PAGES_GAP_NS;
    pages->by_exchange = memory_new(session->exchange_count, sizeof *pages->by_exchange);
    pages->by_connection = memory_new(session->connection_count, sizeof *pages->by_connection);
    size_t n;
    struct pages_item *items = pages_items(session, &n);
    for (size_t i = 0; i < n; i++)
        place(&maker, &items[i]);
    number_pages(pages, session, items, n);
    count_distinct(pages, session);
    page_parts_set(pages->pages, pages->count, session, items, n, pages->by_connection);
    free(items);
    free(maker.progress);
    free(maker.current);
    free(maker.named);
    map_fini(&maker.groups);
    map_fini(&maker.places);
    texts_fini(&maker.addresses);
    return pages;
}

void pages_free(struct pages *pages)
{
    if (!pages)
        return;
    free(pages->pages);
    free(pages->by_exchange);
    free(pages->by_connection);
    free(pages->connections.pairs);
    free(pages);
}

/* ---------------------------------------------------------------- reading */

size_t pages_count(const struct pages *pages)
{
    return pages->count;
}

const struct page *pages_get(const struct pages *pages, size_t index)
{
    assert(index < pages->count);
    return &pages->pages[index];
}

bool page_requests_known(const struct page *page)
{
    return page->requests > 0 || !page->parts.hidden;
}

int64_t page_load_ns(const struct page *page)
{
    return page->open || page->end_ns == MODEL_NONE || page->end_ns < page->start_ns ? MODEL_NONE
                                                                                     : page->end_ns - page->start_ns;
}

int page_percent(const struct page *page, int64_t part_ns)
{
    int64_t load_ns = page_load_ns(page);
    return part_ns == MODEL_NONE || load_ns <= 0 ? -1 : (int)(100.0 * (double)part_ns / (double)load_ns + 0.5);
}

uint32_t pages_of_exchange(const struct pages *pages, size_t index)
{
    return pages->by_exchange[index];
}

uint32_t pages_of_connection(const struct pages *pages, size_t index)
{
    return pages->by_connection[index];
}

bool pages_has_connection(const struct pages *pages, uint32_t number, size_t index)
{
    const struct pair wanted = {number, (uint32_t)index};
    return pages->connections.count > 0 &&
           bsearch(&wanted, pages->connections.pairs, pages->connections.count, sizeof wanted, compare_pairs) != NULL;
}
