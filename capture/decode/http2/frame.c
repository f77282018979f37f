#include "capture/decode/http2/frame.h"

#include <string.h>

static bool has_padding(const struct frame *frame)
{
    bool padded = frame->type == FRAME_DATA || frame->type == FRAME_HEADERS || frame->type == FRAME_PUSH_PROMISE;
    return padded && frame->flags & FRAME_FLAG_PADDED;
}

static uint8_t prefix_len(const struct frame *frame)
{
    uint8_t len = has_padding(frame) ? 1 : 0;
    if (frame->type == FRAME_HEADERS && frame->flags & FRAME_FLAG_PRIORITY) {
        len += FRAME_PRIORITY_BYTES;
    } else if (frame->type == FRAME_PUSH_PROMISE) {
        len += 4;
    }
    return len;
}

static enum frame_result complete_header(struct frame *frame)
{
    const uint8_t *bytes = frame->bytes;
    frame->len = (uint32_t)bytes[0] << 16 | (uint32_t)bytes[1] << 8 | bytes[2];
    frame->left = frame->len;
    frame->type = bytes[3];
    frame->flags = bytes[4];
    frame->stream = frame_get_31(bytes + 5);
    frame->need = FRAME_HEADER_BYTES + prefix_len(frame);
    return frame->len < prefix_len(frame) ? FRAME_INVALID : FRAME_HEADER;
}

static enum frame_result complete_prefix(struct frame *frame)
{
    if (has_padding(frame)) {
        frame->padding = frame->bytes[FRAME_HEADER_BYTES];
    }
    return frame->padding > frame->left ? FRAME_INVALID : FRAME_MORE;
}

/* Read bytes of header or prefix. */
static enum frame_result read_fields(struct frame *frame, const struct piece *piece, size_t *used)
{
    size_t missing = (size_t)frame->need - frame->have;
    size_t n = piece->len < missing ? piece->len : missing;
    bool header = frame->have < FRAME_HEADER_BYTES;
    memcpy(frame->bytes + frame->have, piece->data, n);
    frame->have += (uint8_t)n;
    *used = n;
    if (!header) {
        frame->left -= (uint32_t)n;
    }
    if (frame->have < frame->need) {
        return FRAME_MORE;
    }
    return header ? complete_header(frame) : complete_prefix(frame);
}

enum frame_result frame_read(struct frame *frame, const struct piece *piece, size_t *used)
{
    if (frame_is_between(frame)) {
        *frame = (struct frame){.offset = piece->offset, .t_ns = piece->t_ns, .need = FRAME_HEADER_BYTES};
    }
    if (frame->have < frame->need) {
        return read_fields(frame, piece, used);
    }
    bool content = frame->left > frame->padding;
    size_t left = content ? frame->left - frame->padding : frame->left;
    *used = piece->len < left ? piece->len : left;
    frame->left -= (uint32_t)*used;
    return content ? FRAME_CONTENT : FRAME_MORE;
}
