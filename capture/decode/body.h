/*
 * What one piece holds of the body of one message: collected, then emitted as one HttpRequestBody or HttpResponseBody.
 * Data that lie in the piece in one stretch are not copied; those of several chunks are, into memory that is freed with
 * the emission and never larger than the piece.
 */
#ifndef MITM_CAPTURE_DECODE_BODY_H
#define MITM_CAPTURE_DECODE_BODY_H

#include <stdbool.h>

#include "capture/decode/message.h"
#include "capture/decode/piece.h"

/* All zero while there is nothing; body_emit() leaves it so. */
struct body {
    uint64_t len;
    uint32_t chunks;
    size_t recorded_len;
    const uint8_t *recorded;
    uint8_t *gathered; /* is `recorded` when that is a copy */
};

/* Add the first `n` bytes of `piece`, of whose data `record_max` bytes are to be recorded at most. */
void body_add(struct body *body, const struct piece *piece, size_t n, uint64_t record_max);

/*
 * Emit the event of `message` unless there is nothing, with the time `t_ns`. `offset` is the number of the message's
 * body bytes before; `chunked` says whether there are chunks to count.
 */
void body_emit(struct body *body, const struct message *message, uint64_t t_ns, uint64_t offset, bool chunked);

#endif
