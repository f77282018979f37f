#include "run.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int index_of(Mitm__Direction direction)
{
    return direction == MITM__DIRECTION__TO_SERVER ? 0 : 1;
}

static void flush(struct run *run)
{
    if (run->last_bytes > 0) {
        fprintf(run->out, "feed %c %" PRIu64 " %zu\n", "><"[index_of(run->last)], run -> last_t_ns, run -> last_bytes);
        run->last_bytes = 0;
    }
}

static void on_start(void *ctx, uint64_t t_ns, const uint8_t *alpn, size_t alpn_len)
{
    struct run *run = ctx;
    assert(ftell(run->out) == 0);
    fprintf(run->out, "start %" PRIu64 " %.*s\n", t_ns, alpn ? (int)alpn_len : 1, alpn ? (const char *)alpn : "-");
}

static void on_feed(void *ctx, Mitm__Direction direction, uint64_t t_ns, const uint8_t *data, size_t len)
{
    struct run *run = ctx;
    struct bytes *plain = &run->plain[index_of(direction)];
    assert(len > 0);
    if (run->last != direction || run->last_t_ns != t_ns) {
        flush(run);
    }
    run->last = direction;
    run->last_t_ns = t_ns;
    run->last_bytes += len;
    plain->data = realloc(plain->data, plain->len + len);
    assert(plain->data);
    memcpy(plain->data + plain->len, data, len);
    plain->len += len;
}

static void on_end(void *ctx, Mitm__Direction direction, uint64_t t_ns, Mitm__EndCause cause)
{
    struct run *run = ctx;
    flush(run);
    run->ends++;
    fprintf(run->out, "end %c %" PRIu64 " %s\n", "><"[index_of(direction)], t_ns,
            event_enum_name(&mitm__end_cause__descriptor, (int)cause));
}

void run_init(struct run *run, bool decrypts)
{
    run_init_gathering(run, decrypts, 0);
}

void run_init_gathering(struct run *run, bool decrypts, size_t gather_bytes)
{
    *run = (struct run){0};
    event_log_init(&run->log);
    run->out = open_memstream(&run->text, &run->text_len);
    assert(run->out);
    const struct tls_plain plain = {.start = on_start, .feed = on_feed, .end = on_end, .ctx = run};
    run->keys = decrypts ? tls_keys_new() : NULL;
    run->tls = tls_new(&run->log.sink, run->keys, decrypts ? &plain : NULL, gather_bytes);
}

void run_fini(struct run *run)
{
    if (run->out) {
        fclose(run->out);
    }
    tls_free(run->tls);
    tls_keys_free(run->keys);
    event_log_fini(&run->log);
    free(run->plain[0].data);
    free(run->plain[1].data);
    free(run->text);
}

void run_feed(struct run *run, Mitm__Direction direction, const uint8_t *data, size_t len)
{
    uint8_t *copy = malloc(len);
    assert(copy);
    memcpy(copy, data, len);
    tls_feed(run->tls, direction, run->t_ns, copy, len);
    free(copy);
}

char *run_text(struct run *run)
{
    flush(run);
    fclose(run->out);
    run->out = NULL;
    char *events = event_log_text(&run->log), *both;
    assert(asprintf(&both, "%s%s", events, run->text) >= 0);
    free(events);
    return both;
}
