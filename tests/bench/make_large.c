/*
 * Writes a session of N events: make_large N OUT.mitm. Six connections at a time load page after page: a connection to
 * one of 200 servers, one to eight requests on it, responses of one to sixty-four reads. Each page load has 60
 * requests, a third of its documents after a pause. The numbers come from a fixed seed: the same N, the same bytes.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/event.h"
#include "proto/writer.h"

enum { SLOTS = 6, SERVERS = 200, PAGE_REQUESTS = 60, BLOCK_BYTES = 1 << 20, SESSION = 7 };

/* Where a connection is. */
enum state { IDLE, ACCEPTED, ASKED, READY, REQUESTED, REQUEST_HEAD, SENT, ANSWERED, HEAD, BODY, DONE };

struct slot {
    enum state state;
    uint64_t t_ns; /* of its next event */
    uint32_t connection, exchange, requests, pieces;
    uint64_t body_bytes;
    bool document;
};

struct maker {
    struct writer *writer;
    uint8_t block[BLOCK_BYTES];
    size_t len;
    uint64_t seed, records, total;
    uint32_t connections, page_requests;
    struct slot slots[SLOTS];
};

static void fail(const char *what, int error)
{
    fprintf(stderr, "make_large: %s: %s\n", what, strerror(error));
    exit(3);
}

/* xorshift64* */
static uint64_t draw(struct maker *maker, uint64_t n)
{
    maker->seed ^= maker->seed >> 12;
    maker->seed ^= maker->seed << 25;
    maker->seed ^= maker->seed >> 27;
    return (maker->seed * UINT64_C(2685821657736338717) >> 33) % n;
}

/* Times that vary by orders of magnitude, as those of a network do: 0.1 … 1,000 times `typical_ns` / 30. */
static uint64_t draw_ns(struct maker *maker, uint64_t typical_ns)
{
    uint64_t ns = typical_ns / 32;
    for (int i = 0; i < 10; i++)
        ns += draw(maker, 2) ? ns : draw(maker, ns / 2 + 1);
    return ns / 4 + draw(maker, 1000);
}

static void flush(struct maker *maker)
{
    int error = writer_write(maker->writer, maker->block, maker->len, false);
    if (error)
        fail("write", error);
    maker->len = 0;
}

static void put(struct maker *maker, Mitm__Record *record)
{
    record->has_session = true;
    record->session = SESSION;
    if (maker->len + event_encoded_size(record) > BLOCK_BYTES)
        flush(maker);
    maker->len += event_encode(record, maker->block + maker->len);
    maker->records++;
}

static void put_of(struct maker *maker, const struct slot *slot, Mitm__Record *record, bool exchange)
{
    record->has_connection = true;
    record->connection = slot->connection;
    record->has_exchange = exchange;
    record->exchange = slot->exchange;
    put(maker, record);
}

/* ---------------------------------------------------------------- events */

static void accept_connection(struct maker *maker, struct slot *slot)
{
    slot->connection = ++maker->connections;
    slot->exchange = 0;
    slot->requests = 1 + (uint32_t)draw(maker, 8);
    EVENT_NEW(record, ev, slot->t_ns, ConnectionStart, CONNECTION_START, connection_start);
    ev.client_address = (char[]){"127.0.0.1"};
    EVENT_SET(ev, client_port, 1024 + slot->connection % 60000);
    put_of(maker, slot, &record, false);
    slot->t_ns += draw_ns(maker, 100000);
}

static void ask(struct maker *maker, struct slot *slot)
{
    char host[40];
    int n = snprintf(host, sizeof host, "server-%u.test", (unsigned)draw(maker, SERVERS));
    EVENT_NEW(record, ev, slot->t_ns, SocksRequestStart, SOCKS_REQUEST_START, socks_request_start);
    EVENT_SET(ev, command, 1);
    EVENT_SET_BYTES(ev, host, host, (size_t)n);
    EVENT_SET(ev, port, 80);
    put_of(maker, slot, &record, false);
    slot->t_ns += draw_ns(maker, 300000000);
}

static void reply(struct maker *maker, struct slot *slot)
{
    EVENT_NEW(record, ev, slot->t_ns, SocksResponseEnd, SOCKS_RESPONSE_END, socks_response_end);
    EVENT_SET(ev, reply, 0);
    put_of(maker, slot, &record, false);
    slot->t_ns += draw_ns(maker, 100000);
}

static void request(struct maker *maker, struct slot *slot)
{
    char target[40];
    slot->exchange++;
    slot->document = maker->page_requests++ % PAGE_REQUESTS == 0;
    int n = snprintf(target, sizeof target, "/%u/%u", maker->page_requests / PAGE_REQUESTS, maker->page_requests);
    EVENT_NEW(record, ev, slot->t_ns, HttpRequestStart, HTTP_REQUEST_START, http_request_start);
    EVENT_SET_BYTES(ev, method, "GET", 3);
    EVENT_SET_BYTES(ev, target, target, (size_t)n);
    ev.version = (char[]){"1.1"};
    put_of(maker, slot, &record, true);
}

static void request_head(struct maker *maker, struct slot *slot)
{
    Mitm__Header accept = MITM__HEADER__INIT, *fields[] = {&accept};
    const char *value = slot->document ? "text/html,*/*" : "*/*";
    EVENT_SET_BYTES(accept, name, "Accept", 6);
    EVENT_SET_BYTES(accept, value, value, strlen(value));
    EVENT_NEW(record, ev, slot->t_ns, HttpRequestHeaders, HTTP_REQUEST_HEADERS, http_request_headers);
    ev.n_headers = 1;
    ev.headers = fields;
    EVENT_SET(ev, head_bytes, 420);
    put_of(maker, slot, &record, true);
}

static void request_end(struct maker *maker, struct slot *slot)
{
    EVENT_NEW(record, ev, slot->t_ns, HttpRequestEnd, HTTP_REQUEST_END, http_request_end);
    EVENT_SET(ev, body_bytes, 0);
    EVENT_SET(ev, cause, MITM__HTTP_END_CAUSE__NO_BODY);
    put_of(maker, slot, &record, true);
    slot->t_ns += draw_ns(maker, 300000000);
}

static void response(struct maker *maker, struct slot *slot)
{
    EVENT_NEW(record, ev, slot->t_ns, HttpResponseStart, HTTP_RESPONSE_START, http_response_start);
    ev.version = (char[]){"1.1"};
    EVENT_SET(ev, status, 200);
    put_of(maker, slot, &record, true);
    slot->pieces = UINT32_C(1) << draw(maker, 7);
    slot->body_bytes = 0;
}

static void response_head(struct maker *maker, struct slot *slot)
{
    EVENT_NEW(record, ev, slot->t_ns, HttpResponseHeaders, HTTP_RESPONSE_HEADERS, http_response_headers);
    EVENT_SET(ev, head_bytes, 310);
    put_of(maker, slot, &record, true);
}

static void body(struct maker *maker, struct slot *slot)
{
    uint64_t len = 500 + draw(maker, 65000);
    EVENT_NEW(record, ev, slot->t_ns, HttpResponseBody, HTTP_RESPONSE_BODY, http_response_body);
    EVENT_SET(ev, offset_bytes, slot->body_bytes);
    EVENT_SET(ev, len_bytes, len);
    put_of(maker, slot, &record, true);
    slot->body_bytes += len;
    slot->pieces--;
    if (slot->pieces > 0)
        slot->t_ns += draw_ns(maker, 10000000);
}

static void response_end(struct maker *maker, struct slot *slot)
{
    EVENT_NEW(record, ev, slot->t_ns, HttpResponseEnd, HTTP_RESPONSE_END, http_response_end);
    EVENT_SET(ev, body_bytes, slot->body_bytes);
    EVENT_SET(ev, cause, MITM__HTTP_END_CAUSE__CONTENT_LENGTH);
    put_of(maker, slot, &record, true);
    slot->t_ns += draw_ns(maker, 5000000);
}

static void end_connection(struct maker *maker, struct slot *slot)
{
    EVENT_NEW(record, ev, slot->t_ns, ConnectionEnd, CONNECTION_END, connection_end);
    EVENT_SET(ev, cause, MITM__END_CAUSE__FIN);
    put_of(maker, slot, &record, false);
    slot->t_ns += draw_ns(maker, 50000000);
}

static void step(struct maker *maker, struct slot *slot)
{
    static void (*const events[])(struct maker *, struct slot *) = {
        [IDLE] = accept_connection, [ACCEPTED] = ask,           [ASKED] = reply,
        [READY] = request,          [REQUESTED] = request_head, [REQUEST_HEAD] = request_end,
        [SENT] = response,          [ANSWERED] = response_head, [HEAD] = body,
        [BODY] = response_end,      [DONE] = end_connection};
    events[slot->state](maker, slot);
    if (slot->state == HEAD && slot->pieces > 0)
        return;
    if (slot->state == BODY)
        slot->state = slot->exchange < slot->requests ? READY : DONE;
    else if (slot->state == DONE)
        slot->state = IDLE;
    else
        slot->state++;
}

static void make(struct maker *maker)
{
    EVENT_NEW(first, start, 0, SessionStart, SESSION_START, session_start);
    start.magic = (char[]){"MITM session"};
    EVENT_SET(start, format_version, 1);
    put(maker, &first);
    for (int i = 0; i < SLOTS; i++)
        maker->slots[i].t_ns = 1000000 * (uint64_t)(i + 1);
    uint64_t t_ns = 0;
    while (maker->records + 1 < maker->total) {
        struct slot *next = &maker->slots[0];
        for (int i = 1; i < SLOTS; i++) {
            if (maker->slots[i].t_ns < next->t_ns)
                next = &maker->slots[i];
        }
        t_ns = next->t_ns;
        step(maker, next);
    }
    EVENT_NEW(last, end, t_ns, SessionEnd, SESSION_END, session_end);
    EVENT_SET(end, cause, MITM__SESSION_END_CAUSE__SIGNAL);
    put(maker, &last);
    flush(maker);
}

int main(int argc, char **argv)
{
    static struct maker maker = {.seed = 20111109};
    char *end = NULL;
    maker.total = argc == 3 ? strtoull(argv[1], &end, 10) : 0;
    if (maker.total < 2 || *end) {
        fputs("usage: make_large EVENTS OUT.mitm\n", stderr);
        return 2;
    }
    int error = 0;
    maker.writer = writer_open(argv[2], true, &error);
    if (!maker.writer)
        fail(argv[2], error);
    make(&maker);
    error = writer_close(maker.writer);
    if (error)
        fail("close", error);
    return 0;
}
