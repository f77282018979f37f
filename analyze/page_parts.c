#include "analyze/page_parts.h"

#include <stdlib.h>

#include "base/memory.h"
#include "analyze/metrics.h"
#include "analyze/pages.h"
#include "analyze/pages_items.h"

/* In the order in which they claim a moment. */
enum kind { TRANSFER, WAITING, TLS, SOCKS, KINDS, REQUEST = KINDS };

/* A time in which something of a page was on its way. */
struct span {
    uint32_t page;
    uint8_t kind;  /* enum kind */
    bool answered; /* of WAITING, TLS and SOCKS */
    int64_t from_ns, to_ns;
};

struct spans {
    struct span *spans;
    size_t count, capacity;
};

static void add(struct spans *spans, uint32_t page, enum kind kind, int64_t from_ns, int64_t to_ns, bool answered)
{
    if (page == 0 || from_ns == MODEL_NONE || to_ns < from_ns)
        return;
    spans->spans = memory_grow(spans->spans, spans->count, &spans->capacity, sizeof *spans->spans);
    spans->spans[spans->count++] = (struct span){page, (uint8_t)kind, answered, from_ns, to_ns};
}

static int64_t known(int64_t t_ns, int64_t otherwise_ns)
{
    return t_ns != MODEL_NONE ? t_ns : otherwise_ns;
}

static int64_t later(int64_t a_ns, int64_t b_ns)
{
    return a_ns > b_ns ? a_ns : b_ns;
}

/* Return the end of what of the connection was never answered. */
static int64_t given_up_ns(const struct model_session *session, const struct model_connection *c)
{
    return known(c->end_ns, session->last_ns);
}

/* ---------------------------------------------------------------- gathering */

static void add_exchange(struct spans *spans, const struct model_session *session, const struct pages_item *item)
{
    const struct model_connection *c = model_connection(session, item->connection);
    const struct model_exchange *x = &session->exchanges[item->exchange];
    int64_t sent_ns = metrics_request_sent_ns(c, x);
    int64_t done_ns = later(x->request.head_ns, x->request.end_ns);
    int64_t first_ns = x->response.start_ns;
    int64_t last_ns = known(metrics_exchange_end_ns(x), given_up_ns(session, c));
    if (x->has_request && sent_ns != MODEL_NONE)
        add(spans, item->page, REQUEST, sent_ns, last_ns, false);
    if (done_ns > sent_ns)
        add(spans, item->page, TRANSFER, sent_ns, done_ns, false);
    if (first_ns == MODEL_NONE && !metrics_pushed(x)) {
        add(spans, item->page, WAITING, later(later(sent_ns, done_ns), metrics_ready_ns(c)), last_ns, false);
    } else {
        add(spans, item->page, WAITING, metrics_waiting_start_ns(c, x), first_ns, true);
        add(spans, item->page, TRANSFER, first_ns, last_ns, false);
    }
}

/* Return whether the handshake's end is known, or there is nothing that shows that it was there all the same. */
static bool is_handshake_known(const struct model_connection *c)
{
    return c->tls->end_ns != MODEL_NONE || (c->exchange_count == 0 && !c->tls->turns);
}

static void add_connection(struct spans *spans, const struct model_session *session, const struct model_connection *c,
                           uint32_t page)
{
    bool answered = c->socks_end_ns != MODEL_NONE;
    add(spans, page, SOCKS, metrics_socks_start_ns(c), answered ? c->socks_end_ns : given_up_ns(session, c), answered);
    if (c->tls && is_handshake_known(c))
        add(spans, page, TLS, metrics_tls_start_ns(c), known(c->tls->end_ns, given_up_ns(session, c)),
            c->tls->end_ns != MODEL_NONE);
}

/* By page, then by time. */
static int compare(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    if (x->page != y->page)
        return x->page < y->page ? -1 : 1;
    if (x->from_ns != y->from_ns)
        return x->from_ns < y->from_ns ? -1 : 1;
    return x->to_ns < y->to_ns ? -1 : x->to_ns > y->to_ns;
}

/* ---------------------------------------------------------------- computing */

/* Return whether a rate limit held back bytes of a connection in from_ns … to_ns. */
static bool is_limited(const struct model_connection *c, int64_t from_ns, int64_t to_ns)
{
    for (int direction = 0; direction < MODEL_DIRECTIONS; direction++) {
        const struct model_hold *hold = &c->streams[direction].hold;
        if (hold->first_ns != MODEL_NONE && hold->first_ns <= to_ns && hold->last_ns >= from_ns)
            return true;
    }
    return false;
}

/* Divide the load time of `page` among the `n` spans, which are sorted. */
static void divide(struct page *page, const struct span *spans, size_t n)
{
    int64_t covered_ns[KINDS]; /* until when spans of this kind, or of one before it, cover the time */
    int64_t sum_ns[KINDS] = {0};
    for (int k = 0; k < KINDS; k++)
        covered_ns[k] = page->start_ns;
    for (size_t i = 0; i < n; i++) {
        int64_t to_ns = spans[i].to_ns < page->end_ns ? spans[i].to_ns : page->end_ns;
        for (int k = spans[i].kind; k < KINDS; k++) {
            int64_t from_ns = later(spans[i].from_ns, covered_ns[k]);
            if (to_ns > from_ns) {
                sum_ns[k] += to_ns - from_ns;
                covered_ns[k] = to_ns;
            }
        }
    }
    page->parts.transfer_ns = sum_ns[TRANSFER];
    page->parts.waiting_ns = sum_ns[WAITING] - sum_ns[TRANSFER];
    page->parts.tls_ns = sum_ns[TLS] - sum_ns[WAITING];
    page->parts.socks_ns = sum_ns[SOCKS] - sum_ns[TLS];
    page->parts.idle_ns = page->end_ns - page->start_ns - sum_ns[SOCKS];
}

/* Of waits that overlap the one that ends first leaves most room for others. */
static size_t count_round_trips(const struct span *spans, size_t n)
{
    size_t count = 0;
    int64_t end_ns = MODEL_NONE; /* of the last wait counted */
    for (size_t i = 0; i < n; i++) {
        if (!spans[i].answered)
            continue;
        if (count == 0 || spans[i].from_ns >= end_ns) {
            count++;
            end_ns = spans[i].to_ns;
        } else if (spans[i].to_ns < end_ns) {
            end_ns = spans[i].to_ns;
        }
    }
    return count;
}

static int compare_times(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

/* Return how many requests were on their way at once, at most; `ends`: room for `n` times. */
static size_t count_parallel(const struct span *spans, size_t n, int64_t *ends)
{
    size_t count = 0, begun = 0, ended = 0, most = 0;
    for (size_t i = 0; i < n; i++) {
        if (spans[i].kind == REQUEST) /* one that takes no time is there for a moment */
            ends[count++] = spans[i].to_ns > spans[i].from_ns ? spans[i].to_ns : spans[i].from_ns + 1;
    }
    if (count > 0)
        qsort(ends, count, sizeof *ends, compare_times);
    for (size_t i = 0; i < n; i++) {
        if (spans[i].kind != REQUEST)
            continue;
        begun++;
        while (ended < count && ends[ended] <= spans[i].from_ns)
            ended++;
        if (begun - ended > most)
            most = begun - ended;
    }
    return most;
}

/* Return whether `item` is data of a connection that is not decrypted: what was waited for on it is not known. */
static bool is_hidden(const struct pages_item *item, const struct model_connection *c)
{
    return item->kind == PAGES_BURST && !item->handshake && metrics_hidden(c);
}

/* Note pages whose times are not all known or not the network's, since a limit held bytes of them back, and requests on
 * used connections. */
static void look_at_items(struct page *pages, const struct model_session *session, const struct pages_item *items,
                          size_t n, bool *unknown)
{
    bool *used = memory_new(session->connection_count, sizeof *used);
    for (size_t i = 0; i < n; i++) {
        const struct pages_item *item = &items[i];
        const struct model_connection *c = model_connection(session, item->connection);
        struct page *page = &pages[item->page - 1];
        page->parts.hidden |= is_hidden(item, c);
        if (is_limited(c, item->from_ns, item->to_ns) || page->parts.hidden)
            unknown[item->page - 1] = true;
        if (item->kind == PAGES_EXCHANGE && session->exchanges[item->exchange].has_request) {
            page->parts.reused += used[item->connection];
            used[item->connection] = true;
        }
    }
    free(used);
}

static void set_one(struct page *page, const struct span *spans, size_t n, bool unknown, int64_t *ends)
{
    page->parts.socks_ns = page->parts.tls_ns = page->parts.waiting_ns = MODEL_NONE;
    page->parts.transfer_ns = page->parts.idle_ns = MODEL_NONE;
    if (page_load_ns(page) != MODEL_NONE && !unknown)
        divide(page, spans, n);
    page->parts.round_trips = count_round_trips(spans, n);
    page->parts.parallelism = count_parallel(spans, n, ends);
}

void page_parts_set(struct page *pages, size_t count, const struct model_session *session,
                    const struct pages_item *items, size_t n, const uint32_t *by_connection)
{
    struct spans all = {0};
    bool *unknown = memory_new(count, sizeof *unknown);
    look_at_items(pages, session, items, n, unknown);
    for (size_t i = 0; i < n; i++) {
        if (items[i].kind == PAGES_EXCHANGE)
            add_exchange(&all, session, &items[i]);
        else if (items[i].kind == PAGES_BURST && !items[i].handshake)
            add(&all, items[i].page, TRANSFER, items[i].from_ns, items[i].to_ns, false);
    }
    for (size_t i = 0; i < session->connection_count; i++)
        add_connection(&all, session, model_connection(session, i), by_connection[i]);
    if (all.count > 0)
        qsort(all.spans, all.count, sizeof *all.spans, compare);
    int64_t *ends = memory_new(n, sizeof *ends);
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        size_t first = at;
        while (at < all.count && all.spans[at].page == i + 1)
            at++;
        set_one(&pages[i], all.spans + first, at - first, unknown[i], ends);
    }
    free(ends);
    free(unknown);
    free(all.spans);
}
