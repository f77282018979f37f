#include "analyze/pages_items.h"

#include <stdlib.h>

#include "base/memory.h"
#include "analyze/metrics.h"

static int64_t known(int64_t t_ns, int64_t otherwise_ns)
{
    return t_ns != MODEL_NONE ? t_ns : otherwise_ns;
}

/* What the client got: the response, and the messages of a WebSocket. */
static uint64_t received_bytes(const struct model_exchange *x)
{
    const struct model_message *response = &x->response;
    uint64_t head = response->head_bytes != MODEL_NONE ? (uint64_t)response->head_bytes : 0;
    uint64_t body = response->body_bytes != MODEL_NONE ? (uint64_t)response->body_bytes : 0;
    return rate_sum(rate_sum(head, body), x->h2 ? x->h2->messages[MODEL_TO_CLIENT].bytes : 0);
}

static struct pages_item exchange_item(const struct model_session *session, const struct model_connection *c,
                                       const struct model_exchange *x)
{
    struct pages_item item = {.kind = PAGES_EXCHANGE, .received_bytes = received_bytes(x)};
    item.exchange = (uint32_t)(x - session->exchanges);
    item.from_ns = known(x->request.start_ns, known(x->response.start_ns, known(x->response.end_ns, c->first_ns)));
    int64_t end_ns = metrics_exchange_end_ns(x);
    item.to_ns = known(end_ns, known(x->response.start_ns, item.from_ns));
    item.open = end_ns == MODEL_NONE && model_connection_open(c);
    return item;
}

/* The making of a connection: from its request to the reply. */
static struct pages_item connection_item(const struct model_connection *c)
{
    struct pages_item item = {.kind = PAGES_CONNECTION};
    item.from_ns = known(c->socks_start_ns, metrics_connection_start_ns(c));
    item.to_ns = item.from_ns;
    item.open = c->socks_start_ns != MODEL_NONE && c->socks_end_ns == MODEL_NONE && model_connection_open(c);
    return item;
}

static int compare(const void *a, const void *b)
{
    const struct pages_item *x = a, *y = b;
    if (x->from_ns != y->from_ns)
        return x->from_ns < y->from_ns ? -1 : 1;
    if (x->connection != y->connection)
        return x->connection < y->connection ? -1 : 1;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    return x->exchange < y->exchange ? -1 : x->exchange > y->exchange;
}

static struct pages_item burst_item(const struct model_connection *c, size_t index)
{
    const struct model_burst *burst = &c->bursts->bursts[index];
    const struct model_tls *tls = c->tls;
    return (struct pages_item){.from_ns = burst->from_ns,
                               .to_ns = burst->to_ns > burst->from_ns ? burst->to_ns : burst->from_ns,
                               .kind = PAGES_BURST,
                               .exchange = (uint32_t)index,
                               .handshake = tls && tls->client_hello_ns != MODEL_NONE && burst->to_ns <= tls->end_ns,
                               .received_bytes = burst->bytes};
}

struct pages_item *pages_items(const struct model_session *session, size_t *count)
{
    struct pages_item *items = NULL;
    size_t n = 0, capacity = 0;
    for (size_t i = 0; i < session->connection_count; i++) {
        const struct model_connection *c = model_connection(session, i);
        size_t bursts = c->bursts ? c->bursts->count : 0;
        const struct model_exchange *x = model_first_exchange(session, c);
        if (!x) {
            items = memory_grow(items, n, &capacity, sizeof *items);
            items[n] = connection_item(c);
            items[n++].connection = (uint32_t)i;
        }
        for (; x; x = model_next_exchange(session, x)) {
            items = memory_grow(items, n, &capacity, sizeof *items);
            items[n] = exchange_item(session, c, x);
            items[n++].connection = (uint32_t)i;
        }
        for (size_t k = 0; k < bursts; k++) {
            items = memory_grow(items, n, &capacity, sizeof *items);
            items[n] = burst_item(c, k);
            items[n++].connection = (uint32_t)i;
        }
    }
    if (n > 0)
        qsort(items, n, sizeof *items, compare);
    *count = n;
    return items;
}
