#include "http2_tally.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void tally_init(struct tally *tally)
{
    *tally = (struct tally){0};
    for (int d = 0; d < 2; d++) {
        tally->out[d] = open_memstream(&tally->connection[d], &tally->connection_len[d]);
        for (int i = 0; i < TALLY_STREAMS; i++) {
            tally->streams[i][d].out = open_memstream(&tally->streams[i][d].text, &tally->streams[i][d].len);
        }
    }
}

char *tally_finish(struct tally *tally)
{
    char *text;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    for (int d = 0; d < 2; d++) {
        fclose(tally->out[d]);
        fprintf(out, "connection %d: %s\n", d, tally->connection[d]);
        free(tally->connection[d]);
        for (int i = 0; i < TALLY_STREAMS; i++) {
            fclose(tally->streams[i][d].out);
            if (tally->streams[i][d].len > 0) {
                fprintf(out, "%d %d: %s data %lu in %lu, %lu\n", i, d, tally->streams[i][d].text,
                        (unsigned long)tally->streams[i][d].data_bytes, (unsigned long)tally->streams[i][d].data_frames,
                        (unsigned long)tally->streams[i][d].data_sum);
            }
            free(tally->streams[i][d].text);
        }
    }
    fclose(out);
    return text;
}

void tally_field(struct tally *tally, uint32_t stream, int d, const uint8_t *name, size_t name_len,
                 const uint8_t *value, size_t value_len)
{
    FILE *out = tally->streams[stream][d].out;
    fwrite(name, 1, name_len, out);
    fputc('=', out);
    fwrite(value, 1, value_len, out);
    fputc(';', out);
}

void tally_data(struct tally *tally, uint32_t stream, int d, const uint8_t *data, size_t len)
{
    tally->streams[stream][d].data_bytes += len;
    for (size_t i = 0; i < len; i++) {
        tally->streams[stream][d].data_sum = tally->streams[stream][d].data_sum * 31 + data[i];
    }
}

static void tell_fields(struct tally *tally, uint32_t stream, int d, Mitm__Header **fields, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        tally_field(tally, stream, d, fields[i]->name.data, fields[i]->name.len, fields[i]->value.data,
                    fields[i]->value.len);
    }
    if (n > 0) {
        fputs("| ", tally->streams[stream][d].out);
    }
}

static void tell_end(struct tally *tally, uint32_t stream, int d, Mitm__HttpEndCause cause, Mitm__Header **fields,
                     size_t n)
{
    tell_fields(tally, stream, d, fields, n);
    fputs(cause == MITM__HTTP_END_CAUSE__END_STREAM ? "end " : "", tally->streams[stream][d].out);
}

static int index_of(Mitm__Direction direction)
{
    return direction == MITM__DIRECTION__TO_SERVER ? 0 : 1;
}

static void tell_settings(struct tally *tally, const Mitm__Http2Settings *ev)
{
    FILE *out = tally->out[index_of(ev->direction)];
    fputs(ev->ack ? "settings ack" : "settings", out);
    for (size_t i = 0; i < ev->n_settings; i++) {
        fprintf(out, " %u=%u", ev->settings[i]->id, ev->settings[i]->value);
    }
    fputs("; ", out);
}

static void tell_connection(struct tally *tally, const Mitm__Record *r)
{
    switch ((int)r->event_case) {
    case MITM__RECORD__EVENT_HTTP2_SETTINGS:
        tell_settings(tally, r->http2_settings);
        break;
    case MITM__RECORD__EVENT_HTTP2_PING:
        fputs(r->http2_ping->ack ? "ping ack; " : "ping; ", tally->out[index_of(r->http2_ping->direction)]);
        break;
    case MITM__RECORD__EVENT_HTTP2_GO_AWAY:
        fprintf(tally->out[index_of(r->http2_go_away->direction)], "goaway %u %u %.*s; ", r->http2_go_away->last_stream,
                r->http2_go_away->error_code, (int)r->http2_go_away->debug.len, r->http2_go_away->debug.data);
        break;
    case MITM__RECORD__EVENT_HTTP2_PRIORITY:
        fprintf(tally->out[0], "priority %u %u %u %d; ", r->http2_priority->stream, r->http2_priority->weight,
                r->http2_priority->depends_on, r->http2_priority->exclusive);
        break;
    case MITM__RECORD__EVENT_HTTP2_RESET:
        fprintf(tally->streams[r->http2_reset->stream][index_of(r->http2_reset->direction)].out, "reset %u ",
                r->http2_reset->error_code);
        break;
    case MITM__RECORD__EVENT_HTTP2_STALL:
        tally->stalls += r->http2_stall->has_stream && r->http2_stall->direction == MITM__DIRECTION__TO_CLIENT;
        break;
    default:
        break;
    }
}

void tally_event(void *ctx, Mitm__Record *r)
{
    struct tally *tally = ctx;
    uint32_t stream = r->has_exchange ? tally->stream_of[r->exchange] : 0;
    switch ((int)r->event_case) {
    case MITM__RECORD__EVENT_VIOLATION:
        cr_assert(false, "%s", r->violation->detail);
        break;
    case MITM__RECORD__EVENT_HTTP_REQUEST_START:
        tally->stream_of[r->exchange] = r->http_request_start->stream;
        break;
    case MITM__RECORD__EVENT_HTTP_REQUEST_HEADERS:
        tell_fields(tally, stream, 0, r->http_request_headers->headers, r->http_request_headers->n_headers);
        break;
    case MITM__RECORD__EVENT_HTTP_RESPONSE_HEADERS:
        tell_fields(tally, stream, 1, r->http_response_headers->headers, r->http_response_headers->n_headers);
        break;
    case MITM__RECORD__EVENT_HTTP_INFORMATIONAL:
        tell_fields(tally, stream, 1, r->http_informational->headers, r->http_informational->n_headers);
        break;
    case MITM__RECORD__EVENT_HTTP_REQUEST_BODY:
        tally->streams[stream][0].data_frames += r->http_request_body->chunks;
        tally_data(tally, stream, 0, r->http_request_body->data.data, r->http_request_body->data.len);
        break;
    case MITM__RECORD__EVENT_HTTP_RESPONSE_BODY:
        tally->streams[stream][1].data_frames += r->http_response_body->chunks;
        tally_data(tally, stream, 1, r->http_response_body->data.data, r->http_response_body->data.len);
        break;
    case MITM__RECORD__EVENT_HTTP_REQUEST_END:
        tell_end(tally, stream, 0, r->http_request_end->cause, r->http_request_end->trailers,
                 r->http_request_end->n_trailers);
        break;
    case MITM__RECORD__EVENT_HTTP_RESPONSE_END:
        tell_end(tally, stream, 1, r->http_response_end->cause, r->http_response_end->trailers,
                 r->http_response_end->n_trailers);
        break;
    default:
        tell_connection(tally, r);
    }
}
