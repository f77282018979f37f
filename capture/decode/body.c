#include "capture/decode/body.h"

#include <stdlib.h>
#include <string.h>

#include "capture/decode/grow.h"

void body_add(struct body *body, const struct piece *piece, size_t n, uint64_t record_max)
{
    body->len += n;
    if (n > record_max) {
        n = (size_t)record_max;
    }
    if (n == 0) {
        return;
    }
    if (body->recorded_len == 0) {
        body->recorded = piece->data;
    } else {
        if (!body->gathered) {
            /* The rest of the piece is all that can be added. */
            uint32_t room = 0;
            body->gathered = grow(NULL, &room, (uint32_t)(body->recorded_len + piece->len), 1);
            memcpy(body->gathered, body->recorded, body->recorded_len);
            body->recorded = body->gathered;
        }
        memcpy(body->gathered + body->recorded_len, piece->data, n);
    }
    body->recorded_len += n;
}

/* Fill in the fields that HttpRequestBody and HttpResponseBody have in common. */
#define FILL(ev)                                                                                                       \
    do {                                                                                                               \
        EVENT_SET(ev, offset_bytes, offset);                                                                           \
        EVENT_SET(ev, len_bytes, body->len);                                                                           \
        if (chunked) {                                                                                                 \
            EVENT_SET(ev, chunks, body->chunks);                                                                       \
        }                                                                                                              \
        if (body->recorded_len > 0) {                                                                                  \
            EVENT_SET_BYTES(ev, data, body->recorded, body->recorded_len);                                             \
        }                                                                                                              \
    } while (0)

void body_emit(struct body *body, const struct message *message, uint64_t t_ns, uint64_t offset, bool chunked)
{
    if (body->len == 0 && body->chunks == 0) {
        return;
    }
    if (message->direction == MITM__DIRECTION__TO_SERVER) {
        EVENT_NEW(record, ev, t_ns, HttpRequestBody, HTTP_REQUEST_BODY, http_request_body);
        FILL(ev);
        message_emit(message, &record);
    } else {
        EVENT_NEW(record, ev, t_ns, HttpResponseBody, HTTP_RESPONSE_BODY, http_response_body);
        FILL(ev);
        message_emit(message, &record);
    }
    free(body->gathered);
    *body = (struct body){0};
}
