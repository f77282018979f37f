#include "capture/decode/http2/http2.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "capture/decode/grow.h"
#include "capture/decode/http2/http2_parts.h"

/* RFC 9113, 3.4. */
static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/* So many bytes of data may be answered with a WINDOW_UPDATE that is not counted as a flood. */
#define CREDIT_BYTES 1024

/* ---- what is collected of a body comes before any other event */

static void flush_body(struct http2 *http2)
{
    body_emit(&http2->body, &http2->body_message, http2->body_t_ns, http2->body_offset, true);
}

static void emit_ordered(void *ctx, Mitm__Record *record)
{
    struct http2 *http2 = ctx;
    flush_body(http2);
    event_emit(http2->sink, record);
}

/* ---- violations */

static void emit_violation(struct http2 *http2, const struct side *side, uint64_t t_ns, Mitm__ViolationKind kind,
                           uint64_t offset, const char *detail)
{
    EVENT_NEW(record, ev, t_ns, Violation, VIOLATION, violation);
    EVENT_SET(ev, kind, kind);
    EVENT_SET(ev, direction, side->direction);
    EVENT_SET(ev, offset_bytes, offset);
    ev.detail = (char *)(uintptr_t)detail;
    event_emit(&http2->ordered, &record);
}

/* The windows of the data in the other direction than that of `side` are known no longer. */
static void forget_windows(struct http2 *http2, const struct side *side)
{
    int data = 1 - side_index(side);
    http2->sides[data].window.stalled = false;
    for (uint32_t i = 0; i < http2->streams.n; i++) {
        http2->streams.list[i]->halves[data].window.stalled = false;
    }
}

void http2_violate(struct http2 *http2, struct side *side, uint64_t t_ns, Mitm__ViolationKind kind, const char *detail)
{
    assert(!side->lost);
    side->lost = true;
    side->offset = side->frame.offset;
    emit_violation(http2, side, t_ns, kind, side->offset, detail);
    forget_windows(http2, side);
    http2_close_all(http2, side_index(side), t_ns, MITM__HTTP_END_CAUSE__NOT_FOLLOWED);
    block_end(&side->block);
}

/* The first frame of a header section opens a stream (RFC 9113, 5.1). */
bool http2_is_idle(const struct http2 *http2, uint32_t id)
{
    bool promised = id % 2 == 0;
    const struct side *side = &http2->sides[promised ? 1 : 0];
    bool opening = side->section.open && side->section.stream == id;
    return id > (promised ? http2->last_promised : http2->last_client) && !opening && !side->lost;
}

/* ---- frame headers */

/* Where a type of frame may stand. */
enum place { PLACE_ANY, PLACE_CONNECTION, PLACE_STREAM };

/* What RFC 9113, 6 and RFC 9218, 7.1 say about the type of a frame. */
struct rule {
    enum place place;
    uint32_t min_bytes, max_bytes; /* of the payload; max_bytes 0: no limit */
    bool opened;                   /* the stream must have been opened */
};

static const struct rule rules[FRAME_PRIORITY_UPDATE + 1] = {
    [FRAME_DATA] = {.place = PLACE_STREAM, .opened = true},
    [FRAME_HEADERS] = {.place = PLACE_STREAM},
    [FRAME_PRIORITY] = {.place = PLACE_STREAM, .min_bytes = 5, .max_bytes = 5},
    [FRAME_RST_STREAM] = {.place = PLACE_STREAM, .min_bytes = 4, .max_bytes = 4, .opened = true},
    [FRAME_SETTINGS] = {.place = PLACE_CONNECTION},
    [FRAME_PUSH_PROMISE] = {.place = PLACE_STREAM, .opened = true},
    [FRAME_PING] = {.place = PLACE_CONNECTION, .min_bytes = 8, .max_bytes = 8},
    [FRAME_GOAWAY] = {.place = PLACE_CONNECTION, .min_bytes = 8},
    [FRAME_WINDOW_UPDATE] = {.min_bytes = 4, .max_bytes = 4, .opened = true},
    [FRAME_CONTINUATION] = {.place = PLACE_STREAM, .opened = true},
    [FRAME_PRIORITY_UPDATE] = {.place = PLACE_CONNECTION, .min_bytes = 4},
};

/* Return what is wrong with the length or place of the frame that begins, NULL if nothing is. */
static const char *find_error(const struct http2 *http2, const struct side *side)
{
    const struct frame *frame = &side->frame;
    const struct section *section = &side->section;
    struct rule rule = frame->type <= FRAME_PRIORITY_UPDATE ? rules[frame->type] : (struct rule){0};
    bool continuation = frame->type == FRAME_CONTINUATION;
    if (continuation != section->open || (continuation && frame->stream != section->received)) {
        return continuation ? "CONTINUATION without a header block" : "A frame within a header block";
    }
    if ((rule.place == PLACE_CONNECTION && frame->stream != 0) || (rule.place == PLACE_STREAM && frame->stream == 0)) {
        return "A frame of this type cannot be of this stream";
    }
    if (frame->len < rule.min_bytes || (rule.max_bytes != 0 && frame->len > rule.max_bytes)) {
        return "A frame of this type cannot have this length";
    }
    if (frame->type == FRAME_SETTINGS && (frame->flags & FRAME_FLAG_ACK ? frame->len != 0 : frame->len % 6 != 0)) {
        return "SETTINGS of a wrong length";
    }
    if (frame->type == FRAME_PUSH_PROMISE && side_index(side) == 0) {
        return "PUSH_PROMISE by the client";
    }
    bool opened = rule.opened || (frame->type == FRAME_HEADERS && side_index(side) == 1);
    if (opened && !continuation && frame->stream != 0 && http2_is_idle(http2, frame->stream)) {
        return "A frame on a stream that was not opened";
    }
    return NULL;
}

/* Return whether the frame that begins is one too many of those that carry nothing. */
static bool is_flood(struct side *side, uint64_t t_ns)
{
    const struct frame *frame = &side->frame;
    if (frame->type == FRAME_HEADERS || frame->type == FRAME_PUSH_PROMISE) {
        return false;
    }
    if (frame->type == FRAME_CONTINUATION && frame->len > 0) {
        return false;
    }
    if (frame->type == FRAME_DATA && (frame->len > 0 || frame->flags & FRAME_FLAG_END_STREAM)) {
        return false;
    }
    if (frame->type == FRAME_WINDOW_UPDATE && side->data_credit >= CREDIT_BYTES) {
        side->data_credit -= CREDIT_BYTES;
        return false;
    }
    return flood_count(&side->flood, t_ns, HTTP2_CONTROL_PER_S, HTTP2_CONTROL_BURST);
}

static void begin_section(struct side *side)
{
    const struct frame *frame = &side->frame;
    bool promise = frame->type == FRAME_PUSH_PROMISE;
    side->section = (struct section){
        .open = true,
        .promise = promise,
        .end_stream = !promise && frame->flags & FRAME_FLAG_END_STREAM,
        .has_priority = !promise && frame->flags & FRAME_FLAG_PRIORITY,
        .stream = frame->stream,
        .received = frame->stream,
        .offset = frame->offset,
        .t_ns = frame->t_ns,
    };
    block_begin(&side->block);
}

/* ---- DATA */

/* Return the stream whose DATA are being read, NULL if they are not told: it is closed, or was not begun. */
static struct stream *find_data_stream(struct http2 *http2, const struct side *side)
{
    struct stream *stream = streams_find(&http2->streams, side->frame.stream);
    const struct half *half = stream ? &stream->halves[side_index(side)] : NULL;
    return half && !half->closed && (half->started || stream->tunnel == TUNNEL_OPEN) ? stream : NULL;
}

/* Collect what follows of the body of `stream`. */
static void turn_body(struct http2 *http2, const struct side *side, const struct stream *stream,
                      const struct piece *piece)
{
    const struct message *message = &http2->body_message;
    uint64_t before = stream->halves[side_index(side)].body_bytes;
    bool same = message->exchange == stream->exchange && message->direction == side->direction &&
                http2->body_offset + http2->body.len == before;
    if (!same) {
        flush_body(http2);
    }
    if (http2->body.len == 0 && http2->body.chunks == 0) {
        http2->body_message =
            (struct message){.sink = http2->sink, .direction = side->direction, .exchange = stream->exchange};
        http2->body_offset = before;
        http2->body_t_ns = piece->t_ns;
    }
}

static void begin_data(struct http2 *http2, const struct side *side, const struct piece *piece)
{
    const struct stream *stream = find_data_stream(http2, side);
    if (stream && stream->tunnel != TUNNEL_OPEN) {
        turn_body(http2, side, stream, piece);
        http2->body.chunks++;
    }
}

static void emit_opaque(struct http2 *http2, const struct side *side, uint32_t exchange, uint64_t t_ns, uint64_t len)
{
    EVENT_NEW(record, ev, t_ns, OpaqueData, OPAQUE_DATA, opaque_data);
    record.has_exchange = exchange != 0;
    record.exchange = exchange;
    EVENT_SET(ev, direction, side->direction);
    EVENT_SET(ev, len_bytes, len);
    event_emit(&http2->ordered, &record);
}

/* The first `n` bytes of `piece` are content of DATA. */
static void read_data(struct http2 *http2, const struct side *side, const struct piece *piece, size_t n)
{
    struct stream *stream = find_data_stream(http2, side);
    if (!stream) {
        return;
    }
    if (stream->websocket) {
        websocket_feed(stream->websocket, side->direction, piece->t_ns, piece->data, n);
    } else if (stream->tunnel == TUNNEL_OPEN) {
        emit_opaque(http2, side, stream->exchange, piece->t_ns, n);
    } else {
        uint64_t *body_bytes = &stream->halves[side_index(side)].body_bytes;
        uint64_t limit = http2->body_limit_bytes;
        turn_body(http2, side, stream, piece);
        body_add(&http2->body, piece, n, limit > *body_bytes ? limit - *body_bytes : 0);
        *body_bytes += n;
    }
}

/* `n` bytes of the payload of DATA have arrived, padding included (RFC 9113, 6.9.1). */
static void count_data(struct http2 *http2, struct side *side, size_t n)
{
    struct stream *stream = streams_find(&http2->streams, side->frame.stream);
    flow_use(&side->window, n);
    if (stream) {
        flow_use(&stream->halves[side_index(side)].window, n);
    }
    http2->sides[1 - side_index(side)].data_credit += n;
}

static void complete_data(struct http2 *http2, struct side *side, uint64_t t_ns)
{
    int i = side_index(side);
    struct stream *stream = streams_find(&http2->streams, side->frame.stream);
    bool windows_are_known = !http2->sides[1 - i].lost;
    if (stream && side->frame.flags & FRAME_FLAG_END_STREAM) {
        http2_close_half(http2, stream, i, t_ns, MITM__HTTP_END_CAUSE__END_STREAM, NULL);
        http2_release(http2, stream);
    } else if (stream && windows_are_known && !stream->halves[i].closed) {
        flow_want(&stream->halves[i].window, t_ns);
    }
    if (windows_are_known && side->messages > 0) {
        flow_want(&side->window, t_ns);
    }
}

/* ---- frames */

static void violate_headers(struct http2 *http2, struct side *side, uint64_t t_ns, const char *detail)
{
    http2_violate(http2, side, t_ns, MITM__VIOLATION_KIND__HTTP2_HEADERS, detail);
}

static bool carries_block(const struct frame *frame)
{
    return frame->type == FRAME_HEADERS || frame->type == FRAME_PUSH_PROMISE || frame->type == FRAME_CONTINUATION;
}

static void begin_frame(struct http2 *http2, struct side *side, const struct piece *piece)
{
    const struct frame *frame = &side->frame;
    if (!side->greeted && (frame->type != FRAME_SETTINGS || frame->flags & FRAME_FLAG_ACK)) {
        http2_violate(http2, side, piece->t_ns, MITM__VIOLATION_KIND__HTTP2_PREFACE, "The first frame is not SETTINGS");
        return;
    }
    side->greeted = true;
    const char *error = find_error(http2, side);
    if (error) {
        http2_violate(http2, side, piece->t_ns, MITM__VIOLATION_KIND__HTTP2_FRAME, error);
    } else if (is_flood(side, piece->t_ns)) {
        http2_violate(http2, side, piece->t_ns, MITM__VIOLATION_KIND__HTTP2_FLOOD,
                      "Too many frames that carry nothing");
    } else if (frame->type == FRAME_DATA) {
        begin_data(http2, side, piece);
    } else if (frame->type == FRAME_HEADERS || frame->type == FRAME_PUSH_PROMISE) {
        begin_section(side);
    }
    side->control_len = 0;
}

/* The first `n` bytes of `piece` are content. */
static void read_content(struct http2 *http2, struct side *side, const struct piece *piece, size_t n)
{
    if (side->frame.type == FRAME_DATA) {
        read_data(http2, side, piece, n);
    } else if (carries_block(&side->frame)) {
        const char *error = block_read(&side->block, piece->data, n, false);
        if (error) {
            violate_headers(http2, side, piece->t_ns, error);
        }
    } else {
        size_t room = CONTROL_MAX_BYTES - side->control_len;
        n = n < room ? n : room;
        memcpy(side->control + side->control_len, piece->data, n);
        side->control_len += (uint32_t)n;
    }
}

static void complete_block_frame(struct http2 *http2, struct side *side, uint64_t t_ns)
{
    const struct frame *frame = &side->frame;
    struct section *section = &side->section;
    section->head_bytes += FRAME_HEADER_BYTES + frame->len;
    if (frame->type == FRAME_PUSH_PROMISE) {
        section->stream = frame_get_31(frame_prefix(frame));
    } else if (frame->type == FRAME_HEADERS && section->has_priority) {
        memcpy(section->priority, frame_prefix(frame), FRAME_PRIORITY_BYTES);
    }
    if (!(frame->flags & FRAME_FLAG_END_HEADERS)) {
        return;
    }
    const char *error = block_read(&side->block, (const uint8_t *)"", 0, true);
    if (error) {
        violate_headers(http2, side, t_ns, error);
        return;
    }
    section->open = false;
    http2_complete_section(http2, side, t_ns);
    block_end(&side->block);
}

static void complete_frame(struct http2 *http2, struct side *side, uint64_t t_ns)
{
    if (side->frame.type == FRAME_DATA) {
        complete_data(http2, side, t_ns);
    } else if (carries_block(&side->frame)) {
        complete_block_frame(http2, side, t_ns);
    } else {
        http2_complete_control(http2, side, t_ns);
    }
}

/* Read from `piece` and return how many of its bytes that were, at least 1. */
static size_t read_frames(struct http2 *http2, struct side *side, const struct piece *piece)
{
    size_t used;
    bool header = side->frame.have < FRAME_HEADER_BYTES || frame_is_complete(&side->frame);
    enum frame_result result = frame_read(&side->frame, piece, &used);
    if (result == FRAME_INVALID) {
        http2_violate(http2, side, piece->t_ns, MITM__VIOLATION_KIND__HTTP2_FRAME,
                      "A frame that is shorter than its fields or its padding");
        return used;
    }
    if (!header && side->frame.type == FRAME_DATA) {
        count_data(http2, side, used);
    }
    if (result == FRAME_HEADER) {
        begin_frame(http2, side, piece);
    } else if (result == FRAME_CONTENT) {
        read_content(http2, side, piece, used);
    }
    if (!side->lost && frame_is_complete(&side->frame)) {
        complete_frame(http2, side, piece->t_ns);
    }
    return used;
}

static size_t read_preface(struct http2 *http2, struct side *side, const struct piece *piece)
{
    size_t n = piece->len < side->preface_left ? piece->len : side->preface_left;
    if (memcmp(piece->data, preface + sizeof preface - 1 - side->preface_left, n) != 0) {
        http2_violate(http2, side, piece->t_ns, MITM__VIOLATION_KIND__HTTP2_PREFACE,
                      "The client's connection preface is missing");
    }
    side->preface_left -= (uint8_t)n;
    return n;
}

/* ---- the connection */

static struct side *side_of(struct http2 *http2, Mitm__Direction direction)
{
    return &http2->sides[direction == MITM__DIRECTION__TO_SERVER ? 0 : 1];
}

static void init_side(struct side *side, Mitm__Direction direction, uint64_t offset)
{
    side->direction = direction;
    side->offset = offset;
    side->frame.offset = offset;
    side->window.left = FLOW_INITIAL_BYTES;
    side->window_initial = FLOW_INITIAL_BYTES;
    block_init(&side->block);
}

static struct http2 *new_connection(const struct event_sink *sink, uint64_t body_limit_bytes, const uint64_t offsets[2])
{
    struct http2 *http2 = grow_new(1, sizeof *http2);
    http2->sink = sink;
    http2->ordered = (struct event_sink){.emit = emit_ordered, .ctx = http2};
    http2->body_limit_bytes = body_limit_bytes;
    init_side(&http2->sides[0], MITM__DIRECTION__TO_SERVER, offsets[0]);
    init_side(&http2->sides[1], MITM__DIRECTION__TO_CLIENT, offsets[1]);
    http2->sides[0].preface_left = sizeof preface - 1;
    return http2;
}

struct http2 *http2_new(const struct event_sink *sink, uint64_t body_limit_bytes)
{
    static const uint64_t offsets[2] = {0, 0};
    return new_connection(sink, body_limit_bytes, offsets);
}

struct http2 *http2_new_upgraded(const struct event_sink *sink, uint64_t body_limit_bytes, uint32_t exchange,
                                 const uint64_t offsets[2])
{
    struct http2 *http2 = new_connection(sink, body_limit_bytes, offsets);
    struct stream *stream = streams_add(&http2->streams, 1);
    stream->exchange = exchange;
    stream->halves[0].closed = true;
    stream->halves[1].window.left = FLOW_INITIAL_BYTES;
    http2->exchanges = exchange;
    http2->last_client = 1;
    return http2;
}

void http2_free(struct http2 *http2)
{
    if (http2) {
        block_fini(&http2->sides[0].block);
        block_fini(&http2->sides[1].block);
        streams_fini(&http2->streams);
        free(http2);
    }
}

void http2_feed(struct http2 *http2, Mitm__Direction direction, uint64_t t_ns, const uint8_t *data, size_t len)
{
    struct side *side = side_of(http2, direction);
    struct piece piece = {.t_ns = t_ns, .offset = side->offset, .data = data, .len = len};
    uint64_t end = side->offset + len;
    assert(!side->ended);
    while (piece.len > 0 && !side->lost) {
        size_t (*read)(struct http2 *, struct side *, const struct piece *) =
            side->preface_left > 0 ? read_preface : read_frames;
        piece_skip(&piece, read(http2, side, &piece));
    }
    flush_body(http2);
    if (side->lost) {
        emit_opaque(http2, side, 0, t_ns, end - side->offset);
    }
    side->offset = end;
}

/* Return whether the direction cannot end here without loss of a frame that is no DATA. */
static bool is_within_frame(const struct side *side)
{
    const struct frame *frame = &side->frame;
    bool data = frame->have >= FRAME_HEADER_BYTES && frame->type == FRAME_DATA;
    bool greeting = side->preface_left > 0 && side->preface_left < sizeof preface - 1;
    return greeting || side->section.open || (!frame_is_between(frame) && !data);
}

void http2_end(struct http2 *http2, Mitm__Direction direction, uint64_t t_ns, Mitm__EndCause cause)
{
    struct side *side = side_of(http2, direction);
    bool peer =
        cause == MITM__END_CAUSE__FIN || cause == MITM__END_CAUSE__RESET || cause == MITM__END_CAUSE__CONNECTION_ERROR;
    assert(!side->ended);
    if (peer && !side->lost && is_within_frame(side)) {
        emit_violation(http2, side, t_ns, MITM__VIOLATION_KIND__HTTP2_TRUNCATED, side->offset,
                       "The direction ended within a frame");
    }
    side->ended = true;
    http2_close_all(http2, side_index(side), t_ns, MITM__HTTP_END_CAUSE__TRUNCATED);
}
