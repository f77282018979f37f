/*
 * Writes samples/article.mitm: connection 435 of the article of 23 September 2011 on freedomboxblog.nl that introduced
 * the first MITM. It holds what the article says and nothing else: so there is no wall clock, no end of a request, no
 * bytes on the wire. The connection was still open.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/event.h"
#include "proto/writer.h"

enum { SESSION = 0x20110923, CONNECTION = 435 };

struct article {
    struct writer *writer;
    uint64_t records;
};

static uint64_t ms(uint64_t t_ms)
{
    return t_ms * 1000000;
}

static void fail(const char *what, int error)
{
    fprintf(stderr, "make_article: %s: %s\n", what, strerror(error));
    exit(3);
}

static void put(struct article *article, Mitm__Record *record)
{
    uint8_t block[4096];
    record->has_session = true;
    record->session = SESSION;
    if (event_encoded_size(record) > sizeof block)
        abort();
    size_t len = event_encode(record, block);
    int error = writer_write(article->writer, block, len, false);
    if (error)
        fail("write", error);
    article->records++;
}

static void put_of_connection(struct article *article, Mitm__Record *record, uint32_t exchange)
{
    record->has_connection = true;
    record->connection = CONNECTION;
    record->has_exchange = exchange > 0;
    record->exchange = exchange;
    put(article, record);
}

static void put_socks(struct article *article)
{
    static const char host[] = "freedomboxblog.nl";
    EVENT_NEW(request, request_ev, ms(249), SocksRequestStart, SOCKS_REQUEST_START, socks_request_start);
    EVENT_SET(request_ev, command, 1);
    EVENT_SET(request_ev, address_type, 3);
    EVENT_SET_BYTES(request_ev, host, host, sizeof host - 1);
    EVENT_SET(request_ev, port, 80);
    put_of_connection(article, &request, 0);
    EVENT_NEW(reply, reply_ev, ms(1291), SocksResponseEnd, SOCKS_RESPONSE_END, socks_response_end);
    EVENT_SET(reply_ev, reply, 0);
    EVENT_SET(reply_ev, origin, MITM__REPLY_ORIGIN__UPSTREAM);
    put_of_connection(article, &reply, 0);
}

static void put_exchange(struct article *article, uint32_t exchange, const char *target, const uint64_t times_ms[3],
                         uint64_t body_bytes)
{
    char version[] = "1.1";
    EVENT_NEW(request, request_ev, ms(times_ms[0]), HttpRequestStart, HTTP_REQUEST_START, http_request_start);
    EVENT_SET_BYTES(request_ev, method, "GET", 3);
    EVENT_SET_BYTES(request_ev, target, target, strlen(target));
    request_ev.version = version;
    put_of_connection(article, &request, exchange);
    EVENT_NEW(response, response_ev, ms(times_ms[1]), HttpResponseStart, HTTP_RESPONSE_START, http_response_start);
    response_ev.version = version;
    EVENT_SET(response_ev, status, 200);
    EVENT_SET_BYTES(response_ev, reason, "OK", 2);
    put_of_connection(article, &response, exchange);
    EVENT_NEW(end, end_ev, ms(times_ms[2]), HttpResponseEnd, HTTP_RESPONSE_END, http_response_end);
    EVENT_SET(end_ev, body_bytes, body_bytes);
    put_of_connection(article, &end, exchange);
}

static void put_all(struct article *article)
{
    EVENT_NEW(start, start_ev, 0, SessionStart, SESSION_START, session_start);
    start_ev.magic = (char[]){"MITM session"};
    EVENT_SET(start_ev, format_version, 1);
    start_ev.tool = (char[]){"mitm_proxy.py"};
    start_ev.label = (char[]){"freedomboxblog.nl through Tor, 23 September 2011 (from the article)"};
    EVENT_SET(start_ev, upstream_kind, MITM__UPSTREAM_KIND__SOCKS5);
    start_ev.listen_address = (char[]){"127.0.0.1:9000"};
    put(article, &start);
    put_socks(article);
    put_exchange(article, 1, "/", (const uint64_t[]){1292, 4293, 5332}, 20522);
    put_exchange(article, 2, "/wp-includes/js/l10n.js?ver=20101110", (const uint64_t[]){5333, 7318, 7318}, 221);
    put_exchange(article, 3, "/wp-content/themes/graphene/images/sprite_h.png", (const uint64_t[]){10390, 12338, 12338},
                 1378);
    EVENT_NEW(end, end_ev, ms(12338), SessionEnd, SESSION_END, session_end);
    EVENT_SET(end_ev, cause, MITM__SESSION_END_CAUSE__WRITTEN);
    EVENT_SET(end_ev, records, article->records + 1);
    put(article, &end);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s FILE\n", argv[0]);
        return 2;
    }
    int error = 0;
    struct article article = {.writer = writer_open(argv[1], true, &error)};
    if (!article.writer)
        fail(argv[1], error);
    put_all(&article);
    error = writer_close(article.writer);
    if (error)
        fail(argv[1], error);
    return 0;
}
