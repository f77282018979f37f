#include "sample.h"

#include <assert.h>
#include <string.h>

static void add(struct sample *sample, size_t *n, uint32_t session, Mitm__Record *record)
{
    EVENT_SET(*record, session, session);
    assert(sample->len + event_encoded_size(record) <= sizeof sample->bytes);
    size_t len = event_encode(record, sample->bytes + sample->len);
    assert(len > 0);
    sample->len += len;
    sample->end[(*n)++] = sample->len;
}

void sample_make(struct sample *sample, uint32_t session, const uint8_t *body, size_t body_len)
{
    size_t n = 0;
    memset(sample, 0, sizeof *sample);
    {
        EVENT_NEW(record, ev, 0, SessionStart, SESSION_START, session_start);
        ev.magic = (char *)(uintptr_t) "MITM session";
        EVENT_SET(ev, format_version, 1);
        add(sample, &n, session, &record);
    }
    {
        EVENT_NEW(record, ev, 249000000, SocksRequestStart, SOCKS_REQUEST_START, socks_request_start);
        EVENT_SET(record, connection, 435);
        EVENT_SET_BYTES(ev, host, "freedomboxblog.nl", 17);
        EVENT_SET(ev, port, 80);
        add(sample, &n, session, &record);
    }
    {
        EVENT_NEW(record, ev, 300000000, HttpResponseBody, HTTP_RESPONSE_BODY, http_response_body);
        EVENT_SET(record, connection, 435);
        EVENT_SET(record, exchange, 1);
        EVENT_SET(ev, len_bytes, body_len);
        EVENT_SET_BYTES(ev, data, body, body_len);
        add(sample, &n, session, &record);
    }
    {
        EVENT_NEW(record, ev, 400000000, OpaqueData, OPAQUE_DATA, opaque_data);
        EVENT_SET(record, connection, 436);
        EVENT_SET(ev, direction, MITM__DIRECTION__TO_CLIENT);
        EVENT_SET(ev, len_bytes, UINT64_MAX);
        add(sample, &n, session, &record);
    }
    {
        EVENT_NEW(record, ev, 450000000, Loss, LOSS, loss);
        EVENT_SET(ev, cause, MITM__LOSS_CAUSE__DISK_FULL);
        EVENT_SET(ev, events, 3);
        add(sample, &n, session, &record);
    }
    {
        EVENT_NEW(record, ev, 500000000, SessionEnd, SESSION_END, session_end);
        EVENT_SET(ev, records, SAMPLE_RECORDS);
        add(sample, &n, session, &record);
    }
    assert(n == SAMPLE_RECORDS);
}
