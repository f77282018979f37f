/* Makes the events of HTTP messages out of their heads. `exchange` is 0 where it is not known. */
#ifndef MITM_CAPTURE_DECODE_MESSAGE_H
#define MITM_CAPTURE_DECODE_MESSAGE_H

#include "capture/decode/head.h"
#include "proto/event.h"

/* Where the events of one message go, and what they have in common. */
struct message {
    const struct event_sink *sink;
    Mitm__Direction direction;
    uint32_t exchange;
};

/* Emit `record` as an event of `message`. */
static inline void message_emit(const struct message *message, Mitm__Record *record)
{
    record->has_exchange = message->exchange != 0;
    record->exchange = message->exchange;
    event_emit(message->sink, record);
}

/* Emit HttpRequestStart or HttpResponseStart: the message began at `offset`, and that byte arrived at `t_ns`. */
void message_emit_start(const struct message *message, uint64_t t_ns, uint64_t offset, struct head_line *line);

/*
 * Emit HttpRequestHeaders or HttpResponseHeaders for the complete head `head` of `head_bytes` bytes, whose last byte
 * lies in `piece`, the last one read.
 */
void message_emit_headers(const struct message *message, struct head *head, const struct piece *piece,
                          uint64_t head_bytes);

/* Emit HttpInformational; see message_emit_headers(). */
void message_emit_informational(const struct message *message, struct head *head, const struct piece *piece,
                                uint64_t head_bytes);

/* The same three for fields that are there already: HttpRequestHeaders or HttpResponseHeaders, */
void message_emit_headers_fields(const struct message *message, uint64_t t_ns, struct head_fields *fields,
                                 uint64_t head_bytes);

/* HttpInformational with the start line `line`, */
void message_emit_informational_fields(const struct message *message, uint64_t t_ns, struct head_line *line,
                                       struct head_fields *fields, uint64_t head_bytes);

/* and HttpRequestEnd or HttpResponseEnd with trailers; see message_emit_end(). */
void message_emit_end_fields(const struct message *message, uint64_t t_ns, uint64_t body_bytes,
                             Mitm__HttpEndCause cause, const struct head_fields *trailers);

/* Emit HttpRequestEnd or HttpResponseEnd: the body had `body_bytes` bytes and ended at `t_ns` because of `cause`. */
void message_emit_end(const struct message *message, uint64_t t_ns, uint64_t body_bytes, Mitm__HttpEndCause cause);

/* The same, with LAST_CHUNK and the fields of `trailers`, whose last byte lies in `piece`, the last one read. */
void message_emit_end_trailers(const struct message *message, const struct piece *piece, uint64_t body_bytes,
                               struct head *trailers);

#endif
