#include "analyze/inference.h"

#include <inttypes.h>
#include <stdlib.h>

#include "analyze/columns.h"
#include "analyze/format.h"
#include "analyze/metrics.h"
#include "base/memory.h"

/* Values of one kind, in nanoseconds. */
struct gathered_part {
    struct stats_values exact, inferred, error, magnitude;
};

struct gatherer {
    const struct model_session *session;
    struct inference *result;
    struct gathered_part handshake, waiting, transfer;
};

/* A turn, and the requests that began in it. */
struct slot {
    const struct model_turn *turn;
    size_t requests;
    const struct model_exchange *request; /* the first */
};

/* ---------------------------------------------------------------- gathering */

static void add_error(struct gathered_part *part, int64_t inferred_ns, int64_t exact_ns)
{
    if (inferred_ns == MODEL_NONE || exact_ns == MODEL_NONE)
        return;
    int64_t error_ns = inferred_ns - exact_ns;
    stats_values_push(&part->error, error_ns);
    stats_values_push(&part->magnitude, error_ns < 0 ? -error_ns : error_ns);
}

static int compare_slots(const void *a, const void *b)
{
    const struct model_turn *x = ((const struct slot *)a)->turn, *y = ((const struct slot *)b)->turn;
    if (x->request_first_ns != y->request_first_ns)
        return x->request_first_ns < y->request_first_ns ? -1 : 1;
    return x < y ? -1 : x > y;
}

/* Return the last of the `n` slots that began at t_ns or before; NULL: none did. */
static struct slot *slot_at(struct slot *slots, size_t n, int64_t t_ns)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (slots[middle].turn->request_first_ns <= t_ns)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 ? &slots[low - 1] : NULL;
}

static void gather_requests(struct gatherer *g, const struct model_connection *c, struct slot *slots, size_t n)
{
    for (const struct model_exchange *x = model_first_exchange(g->session, c); x;
         x = model_next_exchange(g->session, x)) {
        if (x->request.start_ns == MODEL_NONE || metrics_pushed(x))
            continue;
        g->result->requests++;
        stats_values_add(&g->waiting.exact, metrics_waiting_ns(c, x));
        stats_values_add(&g->transfer.exact, metrics_transfer_ns(c, x));
        struct slot *slot = slot_at(slots, n, x->request.start_ns);
        if (!slot)
            g->result->outside++;
        else if (slot->requests++ == 0)
            slot->request = x;
    }
}

static void gather_turns(struct gatherer *g, const struct model_connection *c, const struct slot *slots, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct slot *slot = &slots[i];
        int64_t waiting_ns = metrics_turn_waiting_ns(c, slot->turn);
        int64_t transfer_ns = metrics_turn_transfer_ns(c, slot->turn);
        stats_values_add(&g->waiting.inferred, waiting_ns);
        stats_values_add(&g->transfer.inferred, transfer_ns);
        g->result->single += slot->requests == 1;
        g->result->several += slot->requests > 1;
        g->result->none += slot->requests == 0;
        if (slot->requests == 1) {
            add_error(&g->waiting, waiting_ns, metrics_waiting_ns(c, slot->request));
            add_error(&g->transfer, transfer_ns, metrics_transfer_ns(c, slot->request));
        }
    }
}

static void gather_handshake(struct gatherer *g, const struct model_connection *c)
{
    int64_t exact_ns = metrics_tls_ns(c), inferred_end_ns = c->tls->inferred_end_ns;
    if (c->tls->end_inferred || inferred_end_ns == MODEL_NONE || exact_ns == MODEL_NONE)
        return;
    int64_t inferred_ns = inferred_end_ns - metrics_tls_start_ns(c);
    stats_values_add(&g->handshake.exact, exact_ns);
    stats_values_push(&g->handshake.inferred, inferred_ns);
    stats_values_push(&g->handshake.error, inferred_ns - exact_ns);
    stats_values_push(&g->handshake.magnitude,
                      inferred_ns < exact_ns ? exact_ns - inferred_ns : inferred_ns - exact_ns);
}

static void gather_connection(struct gatherer *g, const struct model_connection *c)
{
    const struct model_turns *turns = c->tls->turns;
    size_t n = turns ? turns->count : 0;
    struct slot *slots = memory_new(n, sizeof *slots);
    for (size_t i = 0; i < n; i++)
        slots[i].turn = &turns->turns[i];
    if (n > 0)
        qsort(slots, n, sizeof *slots, compare_slots);
    gather_requests(g, c, slots, n);
    gather_turns(g, c, slots, n);
    g->result->connections++;
    g->result->turns = rate_sum(g->result->turns, turns ? rate_sum(turns->count, turns->omitted) : 0);
    free(slots);
}

static struct inference_part summarise(struct gathered_part *part, unsigned type)
{
    return (struct inference_part){.exact = stats_values_finish(&part->exact, type),
                                   .inferred = stats_values_finish(&part->inferred, type),
                                   .error = stats_values_finish(&part->error, type),
                                   .magnitude = stats_values_finish(&part->magnitude, type)};
}

struct inference inference_of(const struct model_session *session, unsigned quantile_type)
{
    struct inference result = {0};
    struct gatherer g = {.session = session, .result = &result};
    for (size_t i = 0; i < session->connection_count; i++) {
        const struct model_connection *c = model_connection(session, i);
        if (!c->tls || !c->tls->decrypted || c->tls->failure != 0)
            continue;
        gather_handshake(&g, c);
        if (c->tls->turns || c->exchange_count > 0)
            gather_connection(&g, c);
    }
    result.handshake = summarise(&g.handshake, quantile_type);
    result.waiting = summarise(&g.waiting, quantile_type);
    result.transfer = summarise(&g.transfer, quantile_type);
    return result;
}

/* ---------------------------------------------------------------- text */

static void add_duration(struct columns *table, const struct stats_summary *summary, int64_t ns, bool sign)
{
    char buffer[FORMAT_BYTES];
    if (summary->count == 0)
        columns_add(table, "–");
    else
        columns_add(table, "%s%s", ns < 0 ? "-" : sign ? "+" : "", format_duration(buffer, ns < 0 ? -ns : ns));
}

static void add_part(struct columns *table, const char *name, const struct inference_part *part)
{
    char buffer[FORMAT_BYTES];
    columns_add(table, "%s", name);
    columns_add(table, "%s", format_count(buffer, part->exact.count));
    add_duration(table, &part->exact, part->exact.median, false);
    columns_add(table, "%s", format_count(buffer, part->inferred.count));
    add_duration(table, &part->inferred, part->inferred.median, false);
    columns_add(table, "%s", format_count(buffer, part->error.count));
    add_duration(table, &part->error, part->error.median, true);
    add_duration(table, &part->magnitude, part->magnitude.p90, false);
}

void inference_text(FILE *out, const struct inference *inference)
{
    static const char *const heads[] = {"Without keys",    "n exact",    "exact median", "n inferred",
                                        "inferred median", "n compared", "error median", "error p90"};
    char turns[FORMAT_BYTES], requests[FORMAT_BYTES], connections[FORMAT_BYTES];
    struct columns *table = columns_new("lrrrrrrr");
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        columns_add(table, "%s", heads[i]);
    if (inference->handshake.exact.count > 0)
        add_part(table, "TLS handshake", &inference->handshake);
    add_part(table, "waiting", &inference->waiting);
    add_part(table, "transfer", &inference->transfer);
    putc('\n', out);
    columns_print(table, out, 0, 0);
    columns_free(table);
    fprintf(out, "Without keys, the %s decrypted %s with requests would have shown %s %s for %s %s:\n",
            format_count(connections, inference->connections),
            inference->connections == 1 ? "connection" : "connections", format_count(turns, inference->turns),
            inference->turns == 1 ? "turn" : "turns", format_count(requests, inference->requests),
            inference->requests == 1 ? "request" : "requests");
    fprintf(out, "%s with one request, ", format_count(turns, inference->single));
    fprintf(out, "%s with several, ", format_count(turns, inference->several));
    fprintf(out, "%s with none.\n", format_count(turns, inference->none));
}

/* ---------------------------------------------------------------- JSON */

static void json_part(FILE *out, const char *name, const struct inference_part *part)
{
    const struct {
        const char *name;
        const struct stats_summary *summary;
    } members[] = {{"exact", &part->exact},
                   {"inferred", &part->inferred},
                   {"error", &part->error},
                   {"error_magnitude", &part->magnitude}};
    fprintf(out, ",\"%s\":{", name);
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        const struct stats_summary *s = members[i].summary;
        fprintf(out, "%s\"%s\":{\"n\":%zu", i > 0 ? "," : "", members[i].name, s->count);
        const struct {
            const char *name;
            int64_t value;
        } values[] = {{"min", s->min}, {"median", s->median}, {"p90", s->p90}, {"p99", s->p99}, {"max", s->max}};
        for (size_t k = 0; k < sizeof values / sizeof *values; k++) {
            if (s->count == 0)
                fprintf(out, ",\"%s\":null", values[k].name);
            else
                fprintf(out, ",\"%s\":%" PRId64, values[k].name, values[k].value);
        }
        putc('}', out);
    }
    putc('}', out);
}

void inference_json(FILE *out, const struct inference *inference)
{
    fprintf(out, "{\"connections\":%" PRIu64 ",\"requests\":%" PRIu64 ",\"turns\":%" PRIu64, inference->connections,
            inference->requests, inference->turns);
    fprintf(out,
            ",\"turns_with_one_request\":%" PRIu64 ",\"turns_with_several\":%" PRIu64 ",\"turns_with_none\":%" PRIu64
            ",\"requests_outside\":%" PRIu64,
            inference->single, inference->several, inference->none, inference->outside);
    json_part(out, "handshake_ns", &inference->handshake);
    json_part(out, "waiting_ns", &inference->waiting);
    json_part(out, "transfer_ns", &inference->transfer);
    putc('}', out);
}
