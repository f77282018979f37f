/* What the parts of a TLS decoder tell about a direction within limits: alerts, floods, and one violation. */
#ifndef MITM_CAPTURE_DECODE_TLS_WATCH_H
#define MITM_CAPTURE_DECODE_TLS_WATCH_H

#include "capture/decode/flood.h"
#include "proto/event.h"

#define TLS_ALERTS_MAX 16
/* So many records that carry no data are taken, at once and in a second. */
#define TLS_FLOOD_BURST 2000
#define TLS_FLOOD_PER_S 500
/* A KeyUpdate, with its three derivations, takes as long as so many of them. */
#define TLS_FLOOD_KEY_UPDATE 16

/* One direction; only `sink` and `direction` are not zero at the beginning. */
struct tls_watch {
    const struct event_sink *sink;
    Mitm__Direction direction;
    uint8_t alerts;
    bool violated; /* this direction is not looked into any more */
};

static inline size_t tls_index(Mitm__Direction direction)
{
    return direction == MITM__DIRECTION__TO_SERVER ? 0 : 1;
}

/* Emit the alert of the two bytes at `alert`, which arrived at `t_ns`; NULL: it is encrypted. */
void tls_watch_alert(struct tls_watch *watch, uint64_t t_ns, const uint8_t *alert);

/* Emit a Violation of `kind` with `detail` at `offset`, unless there was one. */
void tls_watch_violation(struct tls_watch *watch, uint64_t t_ns, Mitm__ViolationKind kind, uint64_t offset,
                         const char *detail);

/* Count a record at `offset` that carries no data. Return whether it is one too many: the Violation is emitted then. */
bool tls_watch_flood(struct tls_watch *watch, struct flood *flood, uint64_t t_ns, uint64_t offset);

#endif
