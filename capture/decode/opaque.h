/* OpaqueData: bytes that are counted and timed, but not looked into. */
#ifndef MITM_CAPTURE_DECODE_OPAQUE_H
#define MITM_CAPTURE_DECODE_OPAQUE_H

#include "capture/decode/piece.h"
#include "proto/event.h"

/* Emit an OpaqueData event for `piece`, which arrived in `direction`, to `sink`. */
static inline void opaque_emit(const struct event_sink *sink, Mitm__Direction direction, const struct piece *piece)
{
    EVENT_NEW(record, ev, piece->t_ns, OpaqueData, OPAQUE_DATA, opaque_data);
    EVENT_SET(ev, direction, direction);
    EVENT_SET(ev, len_bytes, piece->len);
    event_emit(sink, &record);
}

#endif
