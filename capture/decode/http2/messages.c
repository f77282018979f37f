/* Streams and the messages that they carry: what a complete header section means (RFC 9113, 8), and their ends. */
#include <string.h>

#include "capture/decode/http2/http2_parts.h"

static const char version[] = "2";

static struct message message_of(const struct http2 *http2, const struct stream *stream, int i)
{
    return (struct message){
        .sink = &http2->ordered, .direction = http2->sides[i].direction, .exchange = stream->exchange};
}

static void end_stall(struct http2 *http2, struct stream *stream, int i, uint64_t t_ns)
{
    flow_end_stall(&stream->halves[i].window, &http2->ordered, http2->sides[i].direction, stream->id, stream->exchange,
                   t_ns);
}

/* ---- ends */

static void end_message(struct http2 *http2, struct stream *stream, int i, uint64_t t_ns, Mitm__HttpEndCause cause,
                        const struct head_fields *trailers)
{
    static const struct head_fields none = {0};
    struct half *half = &stream->halves[i];
    if (half->started) {
        struct message message = message_of(http2, stream, i);
        message_emit_end_fields(&message, t_ns, half->body_bytes, cause, trailers ? trailers : &none);
        half->started = false;
        http2->sides[i].messages--;
    }
}

static Mitm__EndCause end_cause_of(Mitm__HttpEndCause cause)
{
    switch ((int)cause) {
    case MITM__HTTP_END_CAUSE__END_STREAM:
        return MITM__END_CAUSE__FIN;
    case MITM__HTTP_END_CAUSE__STREAM_RESET:
        return MITM__END_CAUSE__RESET;
    default:
        return MITM__END_CAUSE__SESSION_ENDED;
    }
}

void http2_close_half(struct http2 *http2, struct stream *stream, int i, uint64_t t_ns, Mitm__HttpEndCause cause,
                      const struct head_fields *trailers)
{
    struct half *half = &stream->halves[i];
    struct side *side = &http2->sides[i];
    if (half->closed) {
        return;
    }
    end_stall(http2, stream, i, t_ns);
    end_message(http2, stream, i, t_ns, cause, trailers);
    if (stream->websocket) {
        websocket_end(stream->websocket, side->direction, t_ns, end_cause_of(cause));
    }
    half->closed = true;
    if (side->messages == 0) {
        flow_end_stall(&side->window, &http2->ordered, side->direction, 0, 0, t_ns);
    }
}

void http2_release(struct http2 *http2, struct stream *stream)
{
    if (stream->halves[0].closed && stream->halves[1].closed) {
        streams_remove(&http2->streams, stream);
    }
}

void http2_close_all(struct http2 *http2, int i, uint64_t t_ns, Mitm__HttpEndCause cause)
{
    for (uint32_t k = 0; k < http2->streams.n; k++) {
        http2_close_half(http2, http2->streams.list[k], i, t_ns, cause, NULL);
    }
    streams_sweep(&http2->streams);
}

/* ---- requests */

/* Open the stream of the section of `side`, for an exchange or (0) for a response that is all that is known of one. */
static struct stream *open_stream(struct http2 *http2, struct side *side, uint32_t exchange, uint64_t t_ns)
{
    if (http2->streams.n == HTTP2_STREAMS_MAX) {
        http2_violate(http2, side, t_ns, MITM__VIOLATION_KIND__HTTP2_STREAM, "4096 streams are open");
        return NULL;
    }
    struct stream *stream = streams_add(&http2->streams, side->section.stream);
    stream->exchange = exchange;
    for (int i = 0; i < 2; i++) {
        stream->halves[i].window.left = http2->sides[i].window_initial;
        stream->halves[i].closed = http2->sides[i].lost || http2->sides[i].ended;
    }
    return stream;
}

/* What the text of a request is about: of CONNECT without a path of its own (RFC 8441, 4) the authority. */
static enum block_pseudo target_of(const struct block *block)
{
    bool authority = block_text_is(block, BLOCK_METHOD, "CONNECT") && !block->pseudos[BLOCK_PATH].present;
    return authority ? BLOCK_AUTHORITY : BLOCK_PATH;
}

static void emit_request_start(struct http2 *http2, const struct side *side, const struct stream *stream)
{
    const struct section *section = &side->section;
    const struct block *block = &side->block;
    const struct block_text *pseudos = block->pseudos;
    enum block_pseudo target = target_of(block);
    struct message message = message_of(http2, stream, 0);
    EVENT_NEW(record, ev, section->t_ns, HttpRequestStart, HTTP_REQUEST_START, http_request_start);
    EVENT_SET_BYTES(ev, method, block_text(block, BLOCK_METHOD), pseudos[BLOCK_METHOD].len);
    EVENT_SET_BYTES(ev, target, block_text(block, target), pseudos[target].len);
    if (pseudos[target].omitted != 0) {
        EVENT_SET(ev, target_omitted_bytes, pseudos[target].omitted);
    }
    ev.version = (char *)(uintptr_t)version;
    EVENT_SET(ev, offset_bytes, section->offset);
    EVENT_SET(ev, stream, stream->id);
    if (pseudos[BLOCK_SCHEME].present) {
        EVENT_SET_BYTES(ev, scheme, block_text(block, BLOCK_SCHEME), pseudos[BLOCK_SCHEME].len);
    }
    if (pseudos[BLOCK_AUTHORITY].present) {
        EVENT_SET_BYTES(ev, authority, block_text(block, BLOCK_AUTHORITY), pseudos[BLOCK_AUTHORITY].len);
    }
    if (section->promise) {
        EVENT_SET(ev, pushed, true);
    }
    message_emit(&message, &record);
}

static void emit_headers(struct http2 *http2, const struct side *side, const struct stream *stream, int i,
                         uint64_t t_ns)
{
    struct head_fields fields;
    struct message message = message_of(http2, stream, i);
    block_get_fields(&side->block, &fields);
    message_emit_headers_fields(&message, t_ns, &fields, side->section.head_bytes);
}

/* A request in the client's HEADERS, or the server's PUSH_PROMISE, opens a stream: return it, NULL if it cannot. */
static struct stream *begin_request(struct http2 *http2, struct side *side, uint64_t t_ns)
{
    const struct section *section = &side->section;
    uint32_t *last = section->promise ? &http2->last_promised : &http2->last_client;
    bool odd = section->stream % 2 == 1;
    if (odd == section->promise || section->stream <= *last) {
        http2_violate(http2, side, t_ns, MITM__VIOLATION_KIND__HTTP2_STREAM,
                      "The identifier of a new stream is not greater than those before");
        return NULL;
    }
    if (!side->block.pseudos[BLOCK_METHOD].present) {
        http2_violate(http2, side, t_ns, MITM__VIOLATION_KIND__HTTP2_HEADERS, "A request without :method");
        return NULL;
    }
    struct stream *stream = open_stream(http2, side, http2->exchanges + 1, t_ns);
    if (!stream) {
        return NULL;
    }
    *last = section->stream;
    http2->exchanges++;
    if (block_text_is(&side->block, BLOCK_METHOD, "CONNECT")) {
        bool websocket = block_text_is(&side->block, BLOCK_PROTOCOL, "websocket");
        stream->tunnel = websocket ? TUNNEL_ASKED_WEBSOCKET : TUNNEL_ASKED;
    }
    emit_request_start(http2, side, stream);
    stream->halves[0].closed = false; /* also of a promise when the requests are not followed */
    stream->halves[0].started = true;
    http2->sides[0].messages++;
    return stream;
}

/* Whether `side` can begin the request whose header section is not complete yet, without a violation. */
static bool can_begin(const struct http2 *http2, const struct side *side)
{
    const struct section *section = &side->section;
    bool followed = section->open && !side->lost && !side->ended;
    bool opens = section->stream % 2 == 1 && section->stream > http2->last_client;
    return followed && opens && side->block.pseudos[BLOCK_METHOD].present && http2->streams.n < HTTP2_STREAMS_MAX;
}

struct stream *http2_find_answered(struct http2 *http2, uint32_t id, uint64_t t_ns)
{
    struct side *side = &http2->sides[0];
    struct stream *stream = streams_find(&http2->streams, id);
    if (!stream && side->section.stream == id && can_begin(http2, side)) {
        stream = begin_request(http2, side, t_ns);
        side->section.begun = true;
    }
    return stream;
}

/* The header section of a request is complete. */
static void read_request(struct http2 *http2, struct side *side, uint64_t t_ns)
{
    const struct section *section = &side->section;
    struct stream *stream =
        section->begun ? streams_find(&http2->streams, section->stream) : begin_request(http2, side, t_ns);
    if (!stream) {
        return;
    }
    if (stream->halves[0].started) {
        emit_headers(http2, side, stream, 0, t_ns);
    }
    if (section->has_priority) {
        http2_emit_priority(http2, stream->id, section->priority, t_ns);
    }
    if (section->promise || section->end_stream) {
        http2_close_half(http2, stream, 0, t_ns, MITM__HTTP_END_CAUSE__END_STREAM, NULL);
        http2_release(http2, stream);
    }
}

/* ---- responses */

static void emit_informational(struct http2 *http2, const struct side *side, const struct stream *stream,
                               uint32_t status, uint64_t t_ns)
{
    struct head_fields fields;
    struct head_line line = {.version = "2", .status = status, .text = (const uint8_t *)""};
    struct message message = message_of(http2, stream, 1);
    block_get_fields(&side->block, &fields);
    message_emit_informational_fields(&message, t_ns, &line, &fields, side->section.head_bytes);
}

/* CONNECT was accepted: from here on the stream carries a tunnel. */
static void begin_tunnel(struct http2 *http2, struct stream *stream, uint64_t t_ns)
{
    static const uint64_t offsets[2] = {0, 0};
    end_message(http2, stream, 1, t_ns, MITM__HTTP_END_CAUSE__TUNNEL, NULL);
    end_message(http2, stream, 0, t_ns, MITM__HTTP_END_CAUSE__TUNNEL, NULL);
    if (stream->tunnel == TUNNEL_ASKED_WEBSOCKET) {
        stream->websocket = websocket_new(&http2->ordered, stream->exchange, offsets);
        if (stream->halves[0].closed) {
            websocket_end(stream->websocket, MITM__DIRECTION__TO_SERVER, t_ns, MITM__END_CAUSE__FIN);
        }
    }
    stream->tunnel = TUNNEL_OPEN;
}

static void begin_response(struct http2 *http2, struct side *side, struct stream *stream, uint32_t status,
                           uint64_t t_ns)
{
    struct head_line line = {.version = "2", .status = status, .text = (const uint8_t *)""};
    struct message message = message_of(http2, stream, 1);
    message_emit_start(&message, side->section.t_ns, side->section.offset, &line);
    stream->halves[1].started = true;
    side->messages++;
    emit_headers(http2, side, stream, 1, t_ns);
    bool asked = stream->tunnel == TUNNEL_ASKED || stream->tunnel == TUNNEL_ASKED_WEBSOCKET;
    if (asked && status / 100 == 2 && !side->section.end_stream) {
        begin_tunnel(http2, stream, t_ns);
    } else if (asked) {
        stream->tunnel = TUNNEL_NONE;
    }
}

/* The head of a response, informational or final, on a stream that waits for it. */
static void read_response(struct http2 *http2, struct side *side, struct stream *stream, uint64_t t_ns)
{
    uint32_t status = block_status(&side->block);
    if (status == 0) {
        http2_violate(http2, side, t_ns, MITM__VIOLATION_KIND__HTTP2_HEADERS, "A response without :status");
        return;
    }
    if (status < 200 && status != 101) {
        emit_informational(http2, side, stream, status, t_ns);
    } else {
        begin_response(http2, side, stream, status, t_ns);
    }
    if (side->section.has_priority) {
        http2_emit_priority(http2, stream->id, side->section.priority, t_ns);
    }
    if (side->section.end_stream) {
        http2_close_half(http2, stream, 1, t_ns, MITM__HTTP_END_CAUSE__END_STREAM, NULL);
        http2_release(http2, stream);
    }
}

/* ---- header sections */

/* Trailers: with END_STREAM (RFC 9113, 8.1); without, they are malformed, and the peer will reset the stream. */
static void read_trailers(struct http2 *http2, struct side *side, struct stream *stream, uint64_t t_ns)
{
    if (side->section.end_stream) {
        struct head_fields fields;
        block_get_fields(&side->block, &fields);
        http2_close_half(http2, stream, side_index(side), t_ns, MITM__HTTP_END_CAUSE__END_STREAM, &fields);
        http2_release(http2, stream);
    }
}

/* Return whether the section, on a stream that is not open, is a response to a request that was not followed. */
static bool is_unknown_response(const struct http2 *http2, const struct side *side)
{
    uint32_t id = side->section.stream;
    return side_index(side) == 1 && http2->sides[0].lost && id % 2 == 1 && id > http2->last_client &&
           block_status(&side->block) != 0;
}

void http2_complete_section(struct http2 *http2, struct side *side, uint64_t t_ns)
{
    int i = side_index(side);
    uint32_t id = side->section.stream;
    struct stream *stream = i == 0 ? streams_find(&http2->streams, id) : http2_find_answered(http2, id, t_ns);
    if (side->section.promise || side->section.begun ||
        (i == 0 && !stream && side->block.pseudos[BLOCK_METHOD].present) ||
        (i == 0 && id > http2->last_client && id % 2 == 1)) {
        read_request(http2, side, t_ns);
        return;
    }
    if (!stream && is_unknown_response(http2, side)) {
        stream = open_stream(http2, side, 0, t_ns);
    }
    if (!stream || stream->halves[i].closed) {
        return;
    }
    bool waits = i == 1 && !stream->halves[1].started && stream->tunnel != TUNNEL_OPEN;
    if (waits) {
        read_response(http2, side, stream, t_ns);
    } else {
        read_trailers(http2, side, stream, t_ns);
    }
}
