/*
 * Events: time-stamped facts, the one vocabulary of capture, session file, replay and analysis.
 *
 * Each kind of event is defined in proto/session.proto, and only there. Its C type is the message that protobuf-c
 * generates from it (Mitm__HttpRequestStart and so on); a Mitm__Record carries one event with its time and its
 * connection. Other folders fill in and read these structures; protobuf-c's functions are called in proto/ alone.
 */
#ifndef MITM_PROTO_EVENT_H
#define MITM_PROTO_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "session.pb-c.h"

/* Greatest length of an encoded record, without its length prefix (session.proto). */
#define EVENT_MAX_BYTES ((size_t)1048576)
/* Greatest length of the length prefix of such a record. */
#define EVENT_MAX_PREFIX_BYTES ((size_t)3)
/* Length of the trailer that every record ends with: the tag of crc32c and its value. */
#define EVENT_TRAILER_BYTES ((size_t)6)

/*
 * Where events go. `emit` takes a record that, with everything it points to, belongs to the caller and is valid only
 * during the call; the receiver may set record->connection and record->t_slack_ns, nothing else.
 */
struct event_sink {
    void (*emit)(void *ctx, Mitm__Record *record);
    void *ctx;
};

/* Give `record` to `sink`. */
static inline void event_emit(const struct event_sink *sink, Mitm__Record *record)
{
    sink->emit(sink->ctx, record);
}

/*
 * Initialise a record and its event on the stack and tie them together:
 *
 *     EVENT_NEW(record, ev, t_ns, HttpRequestStart, HTTP_REQUEST_START, http_request_start);
 *     ev.has_offset_bytes = true;
 *     ev.offset_bytes = 0;
 *     event_emit(sink, &record);
 */
#define EVENT_NEW(record, ev, t, Type, CASE, field)                                                                    \
    Mitm__##Type ev = MITM__##CASE##__INIT;                                                                            \
    Mitm__Record record = MITM__RECORD__INIT;                                                                          \
    record.has_t_ns = true;                                                                                            \
    record.t_ns = (t);                                                                                                 \
    record.event_case = MITM__RECORD__EVENT_##CASE;                                                                    \
    record.field = &ev

/* Set an optional scalar field of an event: EVENT_SET(ev, len_bytes, 17). */
#define EVENT_SET(ev, field, value) ((ev).has_##field = true, (ev).field = (value))
/* Set an optional bytes field of an event; it points to `p`, which is not copied. */
#define EVENT_SET_BYTES(ev, field, p, n)                                                                               \
    ((ev).has_##field = true, (ev).field.data = (uint8_t *)(uintptr_t)(p), (ev).field.len = (n))

/* Return the greatest number of bytes that event_encode() needs for `record`. */
size_t event_encoded_size(const Mitm__Record *record);

/*
 * Encode `record`, with length prefix and CRC, into `out`, which has room for event_encoded_size(record) bytes.
 * record->t_ns must be set (bug otherwise). Return the number of bytes written, or 0 if the record is longer than
 * EVENT_MAX_BYTES; nothing is written then.
 */
size_t event_encode(const Mitm__Record *record, uint8_t *out) __attribute__((warn_unused_result));

/* Memory that decoded records live in: one block, used again for each record. */
struct event_arena;

/* Return a new arena, or abort when there is no memory. The caller frees it with event_arena_free(). */
struct event_arena *event_arena_new(void);
void event_arena_free(struct event_arena *arena);

/*
 * Decode the `len` bytes at `data`, a record without length prefix whose CRC the caller has checked. Return the record,
 * which lives in `arena` until the next call with it or its end; NULL if the bytes are no valid record.
 */
Mitm__Record *event_decode(struct event_arena *arena, const uint8_t *data, size_t len);

/* Return whether `data`, `len` bytes, is a record that ends in a valid CRC trailer. */
bool event_crc_valid(const uint8_t *data, size_t len);

/* Return the name of the record's event as the schema has it ("HttpRequestStart"), or "Unknown" for one that is not in
 * this version's schema. The string is static. */
const char *event_name(const Mitm__Record *record);

/*
 * Print the record to `out` as its one canonical line, newline included:
 *     `sss.mmm connection event field=value …` (time in seconds, "-" where there is no connection)
 * Text stands in double quotes; what is not printable ASCII, quotes and backslashes become \xHH. Data of bodies are shown
 * by their length only.
 */
void event_print_text(FILE *out, const Mitm__Record *record);

/*
 * Print the record to `out` as one JSON object on one line, newline included:
 *     {"t_ns":249000000,"connection":435,"event":"SocksRequestStart","host":"freedomboxblog.nl","port":80}
 * Bytes that are valid UTF-8 become a string, others {"base64":"…"}; `data` is always base64. Enums are their names.
 */
void event_print_json(FILE *out, const Mitm__Record *record);

/* Print `len` bytes at `data` to `out` as a JSON string or, if they are not valid UTF-8, as {"base64":"…"}. */
void event_print_json_bytes(FILE *out, const uint8_t *data, size_t len);

/* Return the name of the value `value` of the enum described by `descriptor`, or NULL. */
const char *event_enum_name(const ProtobufCEnumDescriptor *descriptor, int value);

#endif
