#include "capture/decode/message.h"

void message_emit_start(const struct message *message, uint64_t t_ns, uint64_t offset, struct head_line *line)
{
    if (message->direction == MITM__DIRECTION__TO_SERVER) {
        EVENT_NEW(record, ev, t_ns, HttpRequestStart, HTTP_REQUEST_START, http_request_start);
        EVENT_SET_BYTES(ev, method, line->method, line->method_len);
        EVENT_SET_BYTES(ev, target, line->text, line->text_len);
        ev.version = line->version;
        EVENT_SET(ev, offset_bytes, offset);
        if (line->text_omitted != 0) {
            EVENT_SET(ev, target_omitted_bytes, line->text_omitted);
        }
        message_emit(message, &record);
    } else {
        EVENT_NEW(record, ev, t_ns, HttpResponseStart, HTTP_RESPONSE_START, http_response_start);
        ev.version = line->version;
        EVENT_SET(ev, status, line->status);
        EVENT_SET_BYTES(ev, reason, line->text, line->text_len);
        EVENT_SET(ev, offset_bytes, offset);
        message_emit(message, &record);
    }
}

/* Fill in the fields that all events with header fields have in common. */
#define FILL(ev)                                                                                                       \
    do {                                                                                                               \
        (ev).n_headers = fields->n;                                                                                    \
        (ev).headers = fields->fields;                                                                                 \
        EVENT_SET(ev, head_bytes, head_bytes);                                                                         \
        if (fields->omitted != 0) {                                                                                    \
            EVENT_SET(ev, omitted, fields->omitted);                                                                   \
        }                                                                                                              \
    } while (0)

void message_emit_headers_fields(const struct message *message, uint64_t t_ns, struct head_fields *fields,
                                 uint64_t head_bytes)
{
    if (message->direction == MITM__DIRECTION__TO_SERVER) {
        EVENT_NEW(record, ev, t_ns, HttpRequestHeaders, HTTP_REQUEST_HEADERS, http_request_headers);
        FILL(ev);
        message_emit(message, &record);
    } else {
        EVENT_NEW(record, ev, t_ns, HttpResponseHeaders, HTTP_RESPONSE_HEADERS, http_response_headers);
        FILL(ev);
        message_emit(message, &record);
    }
}

void message_emit_informational_fields(const struct message *message, uint64_t t_ns, struct head_line *line,
                                       struct head_fields *fields, uint64_t head_bytes)
{
    EVENT_NEW(record, ev, t_ns, HttpInformational, HTTP_INFORMATIONAL, http_informational);
    ev.version = line->version;
    EVENT_SET(ev, status, line->status);
    EVENT_SET_BYTES(ev, reason, line->text, line->text_len);
    FILL(ev);
    message_emit(message, &record);
}

void message_emit_headers(const struct message *message, struct head *head, const struct piece *piece,
                          uint64_t head_bytes)
{
    struct head_fields fields;
    head_get_fields(head, piece, &fields);
    message_emit_headers_fields(message, piece->t_ns, &fields, head_bytes);
}

void message_emit_informational(const struct message *message, struct head *head, const struct piece *piece,
                                uint64_t head_bytes)
{
    struct head_fields fields;
    head_get_fields(head, piece, &fields);
    struct head_line line;
    head_get_line(head, piece, &line);
    message_emit_informational_fields(message, piece->t_ns, &line, &fields, head_bytes);
}

#define FILL_TRAILERS(ev)                                                                                              \
    do {                                                                                                               \
        ev.n_trailers = trailers->n;                                                                                   \
        ev.trailers = (Mitm__Header **)(uintptr_t)trailers->fields;                                                    \
        if (trailers->omitted != 0) {                                                                                  \
            EVENT_SET(ev, omitted, trailers->omitted);                                                                 \
        }                                                                                                              \
    } while (0)

void message_emit_end_fields(const struct message *message, uint64_t t_ns, uint64_t body_bytes,
                             Mitm__HttpEndCause cause, const struct head_fields *trailers)
{
    if (message->direction == MITM__DIRECTION__TO_SERVER) {
        EVENT_NEW(record, ev, t_ns, HttpRequestEnd, HTTP_REQUEST_END, http_request_end);
        EVENT_SET(ev, body_bytes, body_bytes);
        EVENT_SET(ev, cause, cause);
        FILL_TRAILERS(ev);
        message_emit(message, &record);
    } else {
        EVENT_NEW(record, ev, t_ns, HttpResponseEnd, HTTP_RESPONSE_END, http_response_end);
        EVENT_SET(ev, body_bytes, body_bytes);
        EVENT_SET(ev, cause, cause);
        FILL_TRAILERS(ev);
        message_emit(message, &record);
    }
}

void message_emit_end(const struct message *message, uint64_t t_ns, uint64_t body_bytes, Mitm__HttpEndCause cause)
{
    static const struct head_fields none = {0};
    message_emit_end_fields(message, t_ns, body_bytes, cause, &none);
}

void message_emit_end_trailers(const struct message *message, const struct piece *piece, uint64_t body_bytes,
                               struct head *trailers)
{
    struct head_fields fields;
    head_get_fields(trailers, piece, &fields);
    message_emit_end_fields(message, piece->t_ns, body_bytes, MITM__HTTP_END_CAUSE__LAST_CHUNK, &fields);
}
