#include "capture/decode/http1.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "capture/decode/body.h"
#include "capture/decode/chunk.h"
#include "capture/decode/exchanges.h"
#include "capture/decode/grow.h"
#include "capture/decode/head.h"
#include "capture/decode/hold.h"
#include "capture/decode/message.h"
#include "capture/decode/opaque.h"

enum state {
    STATE_IDLE,     /* between messages */
    STATE_HEAD,     /* in a head */
    STATE_LENGTH,   /* in a body of known length */
    STATE_CHUNKS,   /* in a chunked body */
    STATE_TRAILERS, /* in the trailer section behind it */
    STATE_CLOSE,    /* in a body that lasts until the close */
    STATE_HELD,     /* requests only: behind a request for a tunnel that has not been answered */
    STATE_TUNNEL,   /* in a tunnel */
    STATE_OPAQUE,   /* not followed, or ended */
    STATES
};

/* One direction. */
struct stream {
    struct message message; /* the current one */
    enum state state;
    bool started; /* the message's Start was emitted, and not its End */
    bool lost;    /* by a Violation */
    bool ended;   /* by http1_end(), with these: */
    Mitm__EndCause end_cause;
    uint64_t end_t_ns;
    uint64_t offset; /* of the first byte not yet decoded */
    uint64_t message_offset;
    uint64_t message_t_ns;
    uint64_t body_bytes; /* those before body included */
    uint64_t left;       /* STATE_LENGTH: bytes to come */
    struct chunk chunk;
    struct head *head; /* while in a head or trailer section */
    struct body body;  /* of the message, in the piece being decoded */
};

/* A request for a tunnel. */
struct offer {
    enum { OFFER_NONE, OFFER_WAITING, OFFER_ACCEPTED } state;
    bool connect; /* the method is CONNECT */
    bool h2c;     /* Upgrade: h2c */
    uint32_t exchange;
};

struct http1 {
    const struct event_sink *sink;
    uint64_t body_limit_bytes;
    struct stream requests;
    struct stream responses;
    struct exchanges exchanges;
    uint32_t answered;  /* the latest exchange whose final response's head is complete */
    struct offer offer; /* the latest */
    struct hold hold;   /* the client's bytes behind it */
    struct http1_tunnel tunnel;
};

static bool is_request(const struct stream *stream)
{
    return stream->message.direction == MITM__DIRECTION__TO_SERVER;
}

static bool is_tunnel_request(const struct http1 *http1, uint32_t exchange)
{
    return http1->offer.exchange == exchange && exchange != 0;
}

static void set_state(struct stream *stream, enum state state)
{
    head_free(stream->head);
    stream->head = NULL;
    stream->state = state;
}

/* ---- ends of messages */

static void emit_body(struct stream *stream, uint64_t t_ns)
{
    uint64_t before = stream->body_bytes - stream->body.len;
    bool chunked = stream->state == STATE_CHUNKS || stream->state == STATE_TRAILERS;
    body_emit(&stream->body, &stream->message, t_ns, before, chunked);
}

/* Emit the message's End, if it had a Start. */
static void emit_end(struct stream *stream, uint64_t t_ns, Mitm__HttpEndCause cause)
{
    emit_body(stream, t_ns);
    if (stream->started) {
        message_emit_end(&stream->message, t_ns, stream->body_bytes, cause);
        stream->started = false;
    }
}

/* The client's held bytes, and those behind them, are nothing that is looked into here: STATE_OPAQUE, STATE_TUNNEL. */
static void release_as(struct http1 *http1, enum state state)
{
    struct stream *requests = &http1->requests;
    set_state(requests, state);
    for (uint32_t i = 0; i < http1->hold.pieces; i++) {
        struct piece piece = hold_piece(&http1->hold, i);
        if (state == STATE_TUNNEL) {
            http1->tunnel.feed(http1->tunnel.ctx, requests->message.direction, piece.t_ns, piece.data, piece.len);
        } else {
            opaque_emit(http1->sink, requests->message.direction, &piece);
        }
        requests->offset += piece.len;
    }
    hold_fini(&http1->hold);
}

static bool responses_are_lost(const struct http1 *http1)
{
    return http1->responses.state == STATE_OPAQUE || http1->responses.state == STATE_TUNNEL;
}

static void give_up_hold(struct http1 *http1, uint64_t t_ns);

static void emit_violation(const struct http1 *http1, struct stream *stream, uint64_t t_ns, Mitm__ViolationKind kind,
                           uint64_t offset, const char *detail)
{
    EVENT_NEW(record, ev, t_ns, Violation, VIOLATION, violation);
    EVENT_SET(ev, kind, kind);
    EVENT_SET(ev, direction, stream->message.direction);
    EVENT_SET(ev, offset_bytes, offset);
    ev.detail = (char *)(uintptr_t)detail;
    event_emit(http1->sink, &record);
    stream->lost = true;
}

/* Stop following `stream` at `offset`. */
static void violate(struct http1 *http1, struct stream *stream, uint64_t t_ns, Mitm__ViolationKind kind,
                    uint64_t offset, const char *detail)
{
    emit_body(stream, t_ns);
    emit_violation(http1, stream, t_ns, kind, offset, detail);
    emit_end(stream, t_ns, MITM__HTTP_END_CAUSE__NOT_FOLLOWED);
    set_state(stream, STATE_OPAQUE);
    if (!is_request(stream)) {
        give_up_hold(http1, t_ns);
    }
}

/* The held bytes cannot be told any more: nobody says whether there is a tunnel. */
static void violate_held(struct http1 *http1, uint64_t t_ns, const char *detail)
{
    struct stream *requests = &http1->requests;
    violate(http1, requests, t_ns, MITM__VIOLATION_KIND__HTTP_OTHER, requests->offset, detail);
    release_as(http1, STATE_OPAQUE);
}

/* The responses are no longer followed: what is held for one is not either. */
static void give_up_hold(struct http1 *http1, uint64_t t_ns)
{
    if (http1->requests.state == STATE_HELD && http1->hold.len > 0) {
        violate_held(http1, t_ns, "The answer to CONNECT or Upgrade cannot be seen");
    }
}

static size_t run(struct http1 *http1, struct stream *stream, struct piece piece);
static void finish(struct http1 *http1, struct stream *stream);

/* The tunnel was refused: the held bytes are requests, up to one that asks for a tunnel again. */
static void release_requests(struct http1 *http1)
{
    struct hold *hold = &http1->hold;
    set_state(&http1->requests, STATE_IDLE);
    while (hold->len > 0 && http1->requests.state != STATE_HELD) {
        hold_skip(hold, run(http1, &http1->requests, hold_piece(hold, 0)));
    }
    if (http1->requests.ended) {
        finish(http1, &http1->requests);
    }
}

static void end_message(struct http1 *http1, struct stream *stream, Mitm__HttpEndCause cause, uint64_t t_ns)
{
    uint32_t exchange = stream->message.exchange;
    emit_end(stream, t_ns, cause);
    if (!is_request(stream)) {
        if (exchange != 0) {
            exchanges_remove_first(&http1->exchanges);
        }
        set_state(stream, STATE_IDLE);
    } else if (!is_tunnel_request(http1, exchange) || http1->offer.state == OFFER_NONE) {
        set_state(stream, STATE_IDLE);
    } else {
        set_state(stream, http1->offer.state == OFFER_WAITING ? STATE_HELD : STATE_TUNNEL);
    }
}

/* ---- heads */

/* Begin a message at the first byte of `piece`. */
static void begin_message(struct http1 *http1, struct stream *stream, const struct piece *piece)
{
    stream->message.exchange = 0;
    if (is_request(stream)) {
        if (responses_are_lost(http1)) {
            http1->exchanges.waiting = 0;
        }
        if (exchanges_full(&http1->exchanges)) {
            violate(http1, stream, piece->t_ns, MITM__VIOLATION_KIND__HTTP_TOO_MANY_REQUESTS, piece->offset,
                    "1024 requests wait for their response");
            return;
        }
    } else {
        stream->message.exchange = exchanges_first(&http1->exchanges);
        if (stream->message.exchange == 0 && !http1->requests.lost) {
            violate(http1, stream, piece->t_ns, MITM__VIOLATION_KIND__HTTP_UNREQUESTED_RESPONSE, piece->offset,
                    "No request waits for this response");
            return;
        }
    }
    set_state(stream, STATE_HEAD);
    stream->head = head_new(is_request(stream) ? HEAD_REQUEST : HEAD_RESPONSE, piece->offset);
    stream->message_offset = piece->offset;
    stream->message_t_ns = piece->t_ns;
    stream->body_bytes = 0;
}

/* Return whether a response of `stream` with `status` is an informational one: 101 only where HTTP/2 follows. */
static bool is_informational(const struct http1 *http1, const struct stream *stream, uint32_t status)
{
    bool h2c =
        http1->offer.h2c && http1->offer.state == OFFER_WAITING && is_tunnel_request(http1, stream->message.exchange);
    return status < 200 && (status != 101 || h2c);
}

/* The start line is complete. */
static void start_message(struct http1 *http1, struct stream *stream, const struct piece *piece)
{
    struct head_line line;
    head_get_line(stream->head, piece, &line);
    if (!is_request(stream) && is_informational(http1, stream, line.status)) {
        return;
    }
    if (is_request(stream)) {
        stream->message.exchange = exchanges_add(&http1->exchanges, strcmp(line.method, "HEAD") == 0);
        if (strcmp(line.method, "CONNECT") == 0) {
            http1->offer =
                (struct offer){.state = OFFER_WAITING, .connect = true, .exchange = stream->message.exchange};
        }
    }
    message_emit_start(&stream->message, stream->message_t_ns, stream->message_offset, &line);
    stream->started = true;
}

/* The head of a message with content is complete with the byte before `end`: RFC 9112, 6.3, rules 3 to 8. */
static void begin_body(struct http1 *http1, struct stream *stream, const struct head_framing *framing,
                       const struct piece *piece, uint64_t end)
{
    if (framing->chunked) {
        set_state(stream, STATE_CHUNKS);
        stream->chunk = (struct chunk){0};
    } else if (framing->transfer_encoding && is_request(stream)) {
        violate(http1, stream, piece->t_ns, MITM__VIOLATION_KIND__HTTP_FRAMING, end,
                "Transfer-Encoding of a request does not end in chunked");
    } else if (framing->content_length && !framing->transfer_encoding) {
        set_state(stream, STATE_LENGTH);
        stream->left = framing->length;
        if (framing->length == 0) {
            end_message(http1, stream, MITM__HTTP_END_CAUSE__CONTENT_LENGTH, piece->t_ns);
        }
    } else if (is_request(stream)) {
        end_message(http1, stream, MITM__HTTP_END_CAUSE__NO_BODY, piece->t_ns);
    } else {
        set_state(stream, STATE_CLOSE);
    }
}

static void complete_request(struct http1 *http1, struct stream *stream, const struct piece *piece, uint64_t end)
{
    uint32_t exchange = stream->message.exchange;
    struct head_framing framing = head_get_framing(stream->head);
    message_emit_headers(&stream->message, stream->head, piece, end - stream->message_offset);
    if (is_tunnel_request(http1, exchange)) {
        end_message(http1, stream, MITM__HTTP_END_CAUSE__NO_BODY, piece->t_ns);
        return;
    }
    if (framing.upgrade && exchange > http1->answered) {
        http1->offer = (struct offer){
            .state = OFFER_WAITING, .h2c = head_upgrades_to(stream->head, piece, "h2c"), .exchange = exchange};
    }
    begin_body(http1, stream, &framing, piece, end);
}

/* Return whether the response with the status `status` to `exchange` makes the connection a tunnel. */
static bool is_tunnel(const struct http1 *http1, uint32_t exchange, uint32_t status)
{
    if (exchange == 0) {
        return status == 101;
    }
    return is_tunnel_request(http1, exchange) && http1->offer.state == OFFER_WAITING &&
           (http1->offer.connect ? status / 100 == 2 : status == 101);
}

static enum http1_tunnel_kind tunnel_kind(const struct http1 *http1, const struct piece *piece)
{
    struct head *head = http1->responses.head;
    bool in_body = http1->requests.state != STATE_HELD && http1->requests.state != STATE_OPAQUE;
    if (http1->offer.connect || in_body) {
        return HTTP1_TUNNEL_OTHER;
    }
    bool known = http1->responses.message.exchange != 0; /* which exchange is that of stream 1 */
    if (known && http1->offer.h2c && head_upgrades_to(head, piece, "h2c")) {
        return HTTP1_TUNNEL_H2C;
    }
    return head_upgrades_to(head, piece, "websocket") ? HTTP1_TUNNEL_WEBSOCKET : HTTP1_TUNNEL_OTHER;
}

/* The response's head, complete with the byte before `end`, makes the connection a tunnel. */
static void begin_tunnel(struct http1 *http1, const struct piece *piece, uint64_t end)
{
    struct stream *requests = &http1->requests, *responses = &http1->responses;
    uint32_t exchange = responses->message.exchange;
    struct http1_tunnel_start start = {
        .kind = tunnel_kind(http1, piece), .exchange = exchange, .offsets = {requests->offset, end}};
    emit_end(responses, piece->t_ns, MITM__HTTP_END_CAUSE__TUNNEL);
    set_state(responses, STATE_TUNNEL);
    http1->offer.state = OFFER_ACCEPTED;
    http1->tunnel.begin(http1->tunnel.ctx, &start);
    if (requests->state == STATE_HELD) {
        release_as(http1, STATE_TUNNEL);
        if (requests->ended) {
            http1->tunnel.end(http1->tunnel.ctx, MITM__DIRECTION__TO_SERVER, requests->end_t_ns, requests->end_cause);
        }
    }
}

static void complete_final_response(struct http1 *http1, struct stream *stream, uint32_t status,
                                    const struct piece *piece, uint64_t end)
{
    uint32_t exchange = stream->message.exchange;
    bool head = exchange != 0 && exchanges_first_is_head(&http1->exchanges);
    struct head_framing framing = head_get_framing(stream->head);
    http1->answered = exchange != 0 ? exchange : http1->answered;
    if (head || status == 204 || status == 304) {
        end_message(http1, stream, MITM__HTTP_END_CAUSE__NO_BODY, piece->t_ns);
    } else {
        begin_body(http1, stream, &framing, piece, end);
    }
    if (is_tunnel_request(http1, exchange) && http1->offer.state == OFFER_WAITING) {
        http1->offer.state = OFFER_NONE;
        if (http1->requests.state == STATE_HELD) {
            release_requests(http1);
        }
    }
}

static void complete_response(struct http1 *http1, struct stream *stream, const struct piece *piece, uint64_t end)
{
    uint64_t head_bytes = end - stream->message_offset;
    struct head_line line;
    head_get_line(stream->head, piece, &line);
    bool informational = is_informational(http1, stream, line.status);
    if (informational && line.status == 101 && tunnel_kind(http1, piece) != HTTP1_TUNNEL_H2C) {
        message_emit_start(&stream->message, stream->message_t_ns, stream->message_offset, &line);
        stream->started = true;
        informational = false;
    }
    if (informational) {
        message_emit_informational(&stream->message, stream->head, piece, head_bytes);
        if (line.status == 101) {
            begin_tunnel(http1, piece, end);
        } else {
            set_state(stream, STATE_IDLE);
        }
        return;
    }
    message_emit_headers(&stream->message, stream->head, piece, head_bytes);
    if (is_tunnel(http1, stream->message.exchange, line.status)) {
        begin_tunnel(http1, piece, end);
    } else if (line.status == 101) {
        violate(http1, stream, piece->t_ns, MITM__VIOLATION_KIND__HTTP_OTHER, end,
                "101 to a request that offered no Upgrade");
    } else {
        complete_final_response(http1, stream, line.status, piece, end);
    }
}

/* ---- one reader for each state: returns how many of the piece's bytes were read, 0 only when the state has changed */

static size_t read_idle(struct http1 *http1, struct stream *stream, const struct piece *piece)
{
    size_t n = 0;
    while (n < piece->len && (piece->data[n] == '\r' || piece->data[n] == '\n')) {
        n++;
    }
    if (n < piece->len) {
        struct piece rest = *piece;
        piece_skip(&rest, n);
        begin_message(http1, stream, &rest);
    }
    return n;
}

static size_t read_head(struct http1 *http1, struct stream *stream, const struct piece *piece)
{
    size_t used = piece->len;
    struct head_error error;
    enum head_result result = head_read(stream->head, piece, &used, &error);
    if (!stream->started && head_has_line(stream->head)) {
        start_message(http1, stream, piece);
    }
    if (result == HEAD_INVALID) {
        violate(http1, stream, piece->t_ns, error.kind, error.offset, error.detail);
        return (size_t)(error.offset - piece->offset);
    }
    if (result == HEAD_COMPLETE && is_request(stream)) {
        complete_request(http1, stream, piece, piece->offset + used);
    } else if (result == HEAD_COMPLETE) {
        complete_response(http1, stream, piece, piece->offset + used);
    }
    return used;
}

/* Count `n` bytes of the body. */
static void add_body(const struct http1 *http1, struct stream *stream, const struct piece *piece, size_t n)
{
    uint64_t limit = http1->body_limit_bytes;
    body_add(&stream->body, piece, n, limit > stream->body_bytes ? limit - stream->body_bytes : 0);
    stream->body_bytes += n;
}

static size_t read_length(struct http1 *http1, struct stream *stream, const struct piece *piece)
{
    size_t n = piece->len < stream->left ? piece->len : (size_t)stream->left;
    add_body(http1, stream, piece, n);
    stream->left -= n;
    if (stream->left == 0) {
        end_message(http1, stream, MITM__HTTP_END_CAUSE__CONTENT_LENGTH, piece->t_ns);
    }
    return n;
}

static size_t read_chunks(struct http1 *http1, struct stream *stream, const struct piece *piece)
{
    size_t used = 0;
    switch (chunk_read(&stream->chunk, piece->data, piece->len, &used)) {
    case CHUNK_MORE:
        break;
    case CHUNK_HEADER:
        stream->body.chunks++;
        break;
    case CHUNK_LAST:
        stream->body.chunks++;
        set_state(stream, STATE_TRAILERS);
        break;
    case CHUNK_DATA:
        add_body(http1, stream, piece, used);
        break;
    case CHUNK_INVALID:
        violate(http1, stream, piece->t_ns, MITM__VIOLATION_KIND__HTTP_CHUNK, piece->offset + used,
                chunk_error(&stream->chunk));
        break;
    }
    return used;
}

static size_t read_trailers(struct http1 *http1, struct stream *stream, const struct piece *piece)
{
    if (!stream->head) {
        if (piece->len >= 2 && memcmp(piece->data, "\r\n", 2) == 0) {
            end_message(http1, stream, MITM__HTTP_END_CAUSE__LAST_CHUNK, piece->t_ns);
            return 2;
        }
        stream->head = head_new(HEAD_TRAILERS, piece->offset);
    }
    size_t used = piece->len;
    struct head_error error;
    enum head_result result = head_read(stream->head, piece, &used, &error);
    if (result == HEAD_INVALID) {
        violate(http1, stream, piece->t_ns, error.kind, error.offset, error.detail);
        return (size_t)(error.offset - piece->offset);
    }
    if (result == HEAD_COMPLETE) {
        emit_body(stream, piece->t_ns);
        message_emit_end_trailers(&stream->message, piece, stream->body_bytes, stream->head);
        stream->started = false;
        end_message(http1, stream, MITM__HTTP_END_CAUSE__LAST_CHUNK, piece->t_ns);
    }
    return used;
}

static size_t read_close(struct http1 *http1, struct stream *stream, const struct piece *piece)
{
    add_body(http1, stream, piece, piece->len);
    return piece->len;
}

static size_t read_tunnel(struct http1 *http1, struct stream *stream, const struct piece *piece)
{
    http1->tunnel.feed(http1->tunnel.ctx, stream->message.direction, piece->t_ns, piece->data, piece->len);
    return piece->len;
}

static size_t read_opaque(struct http1 *http1, struct stream *stream, const struct piece *piece)
{
    opaque_emit(http1->sink, stream->message.direction, piece);
    return piece->len;
}

/* Hold the piece back; where that cannot be, the state has changed. */
static bool hold_back(struct http1 *http1, const struct piece *piece)
{
    if (responses_are_lost(http1)) {
        violate_held(http1, piece->t_ns, "The answer to CONNECT or Upgrade cannot be seen");
        return false;
    }
    if (piece->len > HTTP1_HOLD_MAX_BYTES - http1->hold.len) {
        violate_held(http1, piece->t_ns, "Too much data before the answer to CONNECT or Upgrade");
        return false;
    }
    hold_add(&http1->hold, piece);
    return true;
}

/* Read from `piece` up to STATE_HELD; return how many of its bytes that were. */
static size_t run(struct http1 *http1, struct stream *stream, struct piece piece)
{
    static size_t (*const readers[STATES])(struct http1 *, struct stream *, const struct piece *) = {
        [STATE_IDLE] = read_idle,     [STATE_HEAD] = read_head,         [STATE_LENGTH] = read_length,
        [STATE_CHUNKS] = read_chunks, [STATE_TRAILERS] = read_trailers, [STATE_CLOSE] = read_close,
        [STATE_TUNNEL] = read_tunnel, [STATE_OPAQUE] = read_opaque,
    };
    uint64_t start = stream->offset;
    piece.offset = start;
    while (piece.len > 0 && stream->state != STATE_HELD) {
        size_t n = readers[stream->state](http1, stream, &piece);
        piece_skip(&piece, n);
        stream->offset += n;
    }
    emit_body(stream, piece.t_ns);
    return (size_t)(stream->offset - start);
}

/* ---- the end of a direction */

/* The direction has ended and all its bytes are decoded, or held. */
static void finish(struct http1 *http1, struct stream *stream)
{
    bool fin = stream->end_cause == MITM__END_CAUSE__FIN;
    bool peer =
        fin || stream->end_cause == MITM__END_CAUSE__RESET || stream->end_cause == MITM__END_CAUSE__CONNECTION_ERROR;
    if (stream->state == STATE_HELD) {
        return;
    }
    if (stream->state == STATE_TUNNEL) {
        http1->tunnel.end(http1->tunnel.ctx, stream->message.direction, stream->end_t_ns, stream->end_cause);
        return;
    }
    if (stream->state == STATE_HEAD && peer) {
        emit_violation(http1, stream, stream->end_t_ns, MITM__VIOLATION_KIND__HTTP_TRUNCATED, stream->offset,
                       "The direction ended within a head");
    }
    bool closed = stream->state == STATE_CLOSE && fin;
    emit_end(stream, stream->end_t_ns, closed ? MITM__HTTP_END_CAUSE__UNTIL_CLOSE : MITM__HTTP_END_CAUSE__TRUNCATED);
    set_state(stream, STATE_OPAQUE);
}

static struct stream *stream_of(struct http1 *http1, Mitm__Direction direction)
{
    return direction == MITM__DIRECTION__TO_SERVER ? &http1->requests : &http1->responses;
}

struct http1 *http1_new(const struct event_sink *sink, uint64_t body_limit_bytes, const struct http1_tunnel *tunnel)
{
    struct http1 *http1 = grow_new(1, sizeof *http1);
    http1->sink = sink;
    http1->body_limit_bytes = body_limit_bytes;
    http1->tunnel = *tunnel;
    http1->requests.message = (struct message){.sink = sink, .direction = MITM__DIRECTION__TO_SERVER};
    http1->responses.message = (struct message){.sink = sink, .direction = MITM__DIRECTION__TO_CLIENT};
    return http1;
}

void http1_free(struct http1 *http1)
{
    if (http1) {
        head_free(http1->requests.head);
        head_free(http1->responses.head);
        hold_fini(&http1->hold);
        free(http1);
    }
}

void http1_feed(struct http1 *http1, Mitm__Direction direction, uint64_t t_ns, const uint8_t *data, size_t len)
{
    struct stream *stream = stream_of(http1, direction);
    assert(!stream->ended);
    struct piece piece = {.t_ns = t_ns, .data = data, .len = len};
    piece_skip(&piece, run(http1, stream, piece));
    if (piece.len > 0 && !hold_back(http1, &piece)) {
        (void)run(http1, stream, piece);
    }
}

void http1_end(struct http1 *http1, Mitm__Direction direction, uint64_t t_ns, Mitm__EndCause cause)
{
    struct stream *stream = stream_of(http1, direction);
    assert(!stream->ended);
    stream->ended = true;
    stream->end_t_ns = t_ns;
    stream->end_cause = cause;
    finish(http1, stream);
    if (!is_request(stream)) {
        give_up_hold(http1, t_ns);
    }
}

bool http1_pending(const struct http1 *http1, uint64_t *offset_bytes, uint64_t *t_ns)
{
    const struct stream *requests = &http1->requests;
    if (requests->state == STATE_HEAD && !requests->started) {
        *offset_bytes = requests->message_offset;
        *t_ns = requests->message_t_ns;
        return true;
    }
    if (requests->state == STATE_HELD && http1->hold.len > 0) {
        *offset_bytes = requests->offset;
        *t_ns = hold_piece(&http1->hold, 0).t_ns;
        return true;
    }
    return false;
}
