#include "capture/decode/websocket.h"

#include <assert.h>
#include <stdlib.h>

#include "capture/decode/flood.h"
#include "capture/decode/grow.h"
#include "capture/decode/message.h"
#include "capture/decode/piece.h"

enum { FIN = 0x80, RSV1 = 0x40, RSV2_RSV3 = 0x30, OPCODE = 0x0f };
enum { MASKED = 0x80, LENGTH = 0x7f };
enum { CONTINUATION = 0, TEXT = 1, BINARY = 2, CLOSE = 8, PONG = 10 };
enum { CONTROL_MAX_BYTES = 125, LENGTH_16 = 126, LENGTH_64 = 127 };
enum { MASK_BYTES = 4, HEADER_MAX_BYTES = 2 + 8 + MASK_BYTES };

/* One direction. */
struct half {
    struct message message; /* where its events go */
    uint64_t offset;        /* of the next byte */
    struct flood flood;
    uint64_t credit_bytes; /* of payload for which no frame has come yet */
    uint64_t message_t_ns; /* arrival of the first byte of the message begun */
    uint64_t frame_t_ns;   /* the same of the frame begun */
    uint64_t len_bytes;    /* of the message so far */
    uint64_t left;         /* bytes of the frame's payload to come */
    uint32_t frames;       /* of the message so far */
    uint16_t close_code;
    uint8_t opcode; /* of the message begun; 0: none is */
    bool compressed;
    bool closed; /* a close frame has begun */
    bool lost;   /* by a Violation */
    uint8_t header_len;
    uint8_t header[HEADER_MAX_BYTES]; /* of the current frame, as far as it is there */
};

struct websocket {
    struct half halves[2];
};

static_assert(sizeof(struct websocket) < 256, "the bound of the contract");

struct websocket *websocket_new(const struct event_sink *sink, uint32_t exchange, const uint64_t offsets[2])
{
    struct websocket *websocket = grow_new(1, sizeof *websocket);
    for (int i = 0; i < 2; i++) {
        Mitm__Direction direction = i == 0 ? MITM__DIRECTION__TO_SERVER : MITM__DIRECTION__TO_CLIENT;
        websocket->halves[i].message = (struct message){.sink = sink, .direction = direction, .exchange = exchange};
        websocket->halves[i].offset = offsets[i];
    }
    return websocket;
}

void websocket_free(struct websocket *websocket)
{
    free(websocket);
}

static bool is_control(const struct half *half)
{
    return (half->header[0] & OPCODE) >= CLOSE;
}

/* ---- headers of frames (RFC 6455, 5.2) */

/* Return what is wrong with a frame that begins with `byte`; NULL: nothing. */
static const char *first_byte_problem(const struct half *half, uint8_t byte)
{
    uint8_t opcode = byte & OPCODE;
    if ((opcode > BINARY && opcode < CLOSE) || opcode > PONG)
        return "a frame with a reserved opcode";
    if (byte & RSV2_RSV3)
        return "a frame with a reserved bit";
    if (byte & RSV1 && opcode != TEXT && opcode != BINARY)
        return "a control or continuation frame that says that it is compressed";
    if (opcode >= CLOSE)
        return byte & FIN ? NULL : "a control frame that is fragmented";
    if (half->closed)
        return "a data frame behind a close frame";
    if (opcode == CONTINUATION)
        return half->opcode ? NULL : "a continuation of no message";
    return half->opcode ? "a new message within another one" : NULL;
}

static const char *second_byte_problem(const struct half *half, uint8_t byte)
{
    bool from_client = half->message.direction == MITM__DIRECTION__TO_SERVER;
    if (from_client != ((byte & MASKED) != 0))
        return from_client ? "a frame of the client that is not masked" : "a frame of the server that is masked";
    return is_control(half) && (byte & LENGTH) > CONTROL_MAX_BYTES ? "a control frame that is too long" : NULL;
}

/* Return how many bytes behind the second one give the length. */
static size_t length_len(const struct half *half)
{
    uint8_t length = half->header[1] & LENGTH;
    return length == LENGTH_16 ? 2 : length == LENGTH_64 ? 8 : 0;
}

static uint64_t payload_len(const struct half *half)
{
    size_t n = length_len(half);
    uint64_t length = n == 0 ? half->header[1] & LENGTH : 0;
    for (size_t i = 0; i < n; i++)
        length = length << 8 | half->header[2 + i];
    return length;
}

/* The same for a byte behind the second one, which is the header's latest. */
static const char *later_byte_problem(const struct half *half)
{
    size_t n = length_len(half);
    if (n == 8 && half->header_len == 3 && half->header[2] & 0x80)
        return "a length above 2^63 - 1";
    if (n == 0 || half->header_len != 2 + n)
        return NULL;
    return payload_len(half) < (n == 2 ? LENGTH_16 : UINT64_C(0x10000)) ? "a length not in its shortest form" : NULL;
}

/* Take `byte` as the header's next one. Return what is wrong with it; NULL: nothing. */
static const char *add_byte(struct half *half, uint8_t byte)
{
    half->header[half->header_len++] = byte;
    if (half->header_len == 1)
        return first_byte_problem(half, byte);
    return half->header_len == 2 ? second_byte_problem(half, byte) : later_byte_problem(half);
}

static bool header_is_complete(const struct half *half)
{
    if (half->header_len < 2)
        return false;
    size_t mask_len = half->header[1] & MASKED ? MASK_BYTES : 0;
    return half->header_len == 2 + length_len(half) + mask_len;
}

/* ---- events */

static void emit_message(const struct half *half, uint64_t t_ns)
{
    EVENT_NEW(record, ev, t_ns, WebSocketMessage, WEB_SOCKET_MESSAGE, web_socket_message);
    EVENT_SET(ev, direction, half->message.direction);
    EVENT_SET(ev, opcode, half->opcode);
    EVENT_SET(ev, len_bytes, half->len_bytes);
    EVENT_SET(ev, frames, half->frames);
    EVENT_SET(ev, first_t_ns, half->message_t_ns);
    EVENT_SET(ev, compressed, half->compressed);
    message_emit(&half->message, &record);
}

static void emit_control(const struct half *half, uint64_t t_ns)
{
    EVENT_NEW(record, ev, t_ns, WebSocketMessage, WEB_SOCKET_MESSAGE, web_socket_message);
    EVENT_SET(ev, direction, half->message.direction);
    EVENT_SET(ev, opcode, half->header[0] & OPCODE);
    EVENT_SET(ev, len_bytes, payload_len(half));
    EVENT_SET(ev, frames, 1);
    EVENT_SET(ev, first_t_ns, half->frame_t_ns);
    if ((half->header[0] & OPCODE) == CLOSE && payload_len(half) >= 2)
        EVENT_SET(ev, close_code, half->close_code);
    message_emit(&half->message, &record);
}

static void emit_opaque(const struct half *half, const struct piece *piece)
{
    EVENT_NEW(record, ev, piece->t_ns, OpaqueData, OPAQUE_DATA, opaque_data);
    EVENT_SET(ev, direction, half->message.direction);
    EVENT_SET(ev, len_bytes, piece->len);
    message_emit(&half->message, &record);
}

/* Stop following `half` at its next byte. */
static void violate(struct half *half, uint64_t t_ns, Mitm__ViolationKind kind, const char *detail)
{
    EVENT_NEW(record, ev, t_ns, Violation, VIOLATION, violation);
    EVENT_SET(ev, kind, kind);
    EVENT_SET(ev, direction, half->message.direction);
    EVENT_SET(ev, offset_bytes, half->offset);
    ev.detail = (char *)(uintptr_t)detail;
    message_emit(&half->message, &record);
    half->lost = true;
}

/* ---- frames */

static void skip(struct half *half, struct piece *piece, size_t n)
{
    piece_skip(piece, n);
    half->offset = piece->offset;
}

static void end_frame(struct half *half, uint64_t t_ns)
{
    half->header_len = 0;
    if (is_control(half)) {
        emit_control(half, t_ns);
    } else if (half->header[0] & FIN) {
        emit_message(half, t_ns);
        half->opcode = 0;
    }
}

/* The frame's header is complete. */
static void begin_payload(struct half *half, uint64_t t_ns)
{
    uint8_t opcode = half->header[0] & OPCODE;
    half->left = payload_len(half);
    if (opcode == CLOSE) {
        half->closed = true;
        half->close_code = 0;
    } else if (opcode == TEXT || opcode == BINARY) {
        half->opcode = opcode;
        half->compressed = half->header[0] & RSV1;
        half->message_t_ns = half->frame_t_ns;
        half->len_bytes = 0;
        half->frames = 0;
    }
    if (opcode < CLOSE)
        half->frames++;
    if (half->left == 0)
        end_frame(half, t_ns);
}

/* Return whether the frame that begins at `t_ns` is one too many. */
static bool is_flood(struct half *half, uint64_t t_ns)
{
    if (half->credit_bytes >= WEBSOCKET_FRAME_BYTES) {
        half->credit_bytes -= WEBSOCKET_FRAME_BYTES;
        return false;
    }
    return flood_count(&half->flood, t_ns, WEBSOCKET_PER_S, WEBSOCKET_BURST);
}

static void read_header_byte(struct half *half, struct piece *piece)
{
    if (half->header_len == 0) {
        half->frame_t_ns = piece->t_ns;
        if (is_flood(half, piece->t_ns)) {
            violate(half, piece->t_ns, MITM__VIOLATION_KIND__WEB_SOCKET_FLOOD, "too many frames");
            return;
        }
    }
    const char *problem = add_byte(half, *piece->data);
    if (problem) {
        violate(half, piece->t_ns, MITM__VIOLATION_KIND__WEB_SOCKET_FRAME, problem);
        return;
    }
    skip(half, piece, 1);
    if (header_is_complete(half))
        begin_payload(half, piece->t_ns);
}

/* Take the status code (RFC 6455, 7.4) from the first bytes of a close frame's payload, the next of which is `data`. */
static void read_close_code(struct half *half, const uint8_t *data, size_t n)
{
    const uint8_t *mask = half->header[1] & MASKED ? half->header + 2 : NULL;
    uint64_t at = payload_len(half) - half->left;
    for (size_t i = 0; i < n && at + i < 2; i++)
        half->close_code = (uint16_t)(half->close_code << 8 | (data[i] ^ (mask ? mask[at + i] : 0)));
}

static void read_payload(struct half *half, struct piece *piece)
{
    size_t n = half->left < piece->len ? (size_t)half->left : piece->len;
    if ((half->header[0] & OPCODE) == CLOSE)
        read_close_code(half, piece->data, n);
    else if (!is_control(half))
        half->len_bytes += n;
    half->left -= n;
    half->credit_bytes += n;
    skip(half, piece, n);
    if (half->left == 0)
        end_frame(half, piece->t_ns);
}

void websocket_feed(struct websocket *websocket, Mitm__Direction direction, uint64_t t_ns, const uint8_t *data,
                    size_t len)
{
    struct half *half = &websocket->halves[direction == MITM__DIRECTION__TO_SERVER ? 0 : 1];
    struct piece piece = {.t_ns = t_ns, .offset = half->offset, .data = data, .len = len};
    while (piece.len > 0 && !half->lost) {
        if (half->left > 0)
            read_payload(half, &piece);
        else
            read_header_byte(half, &piece);
    }
    if (piece.len > 0)
        emit_opaque(half, &piece);
}

void websocket_end(struct websocket *websocket, Mitm__Direction direction, uint64_t t_ns, Mitm__EndCause cause)
{
    /* Nothing is held back. */
    (void)websocket;
    (void)direction;
    (void)t_ns;
    (void)cause;
}
