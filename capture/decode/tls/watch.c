#include "capture/decode/tls/watch.h"

void tls_watch_alert(struct tls_watch *watch, uint64_t t_ns, const uint8_t *alert)
{
    if (watch->alerts == TLS_ALERTS_MAX) {
        return;
    }
    watch->alerts++;
    EVENT_NEW(record, ev, t_ns, TlsAlert, TLS_ALERT, tls_alert);
    EVENT_SET(ev, direction, watch->direction);
    if (alert) {
        EVENT_SET(ev, level, alert[0]);
        EVENT_SET(ev, description, alert[1]);
    }
    event_emit(watch->sink, &record);
}

void tls_watch_violation(struct tls_watch *watch, uint64_t t_ns, Mitm__ViolationKind kind, uint64_t offset,
                         const char *detail)
{
    if (watch->violated) {
        return;
    }
    watch->violated = true;
    EVENT_NEW(record, ev, t_ns, Violation, VIOLATION, violation);
    EVENT_SET(ev, kind, kind);
    EVENT_SET(ev, direction, watch->direction);
    EVENT_SET(ev, offset_bytes, offset);
    ev.detail = (char *)(uintptr_t)detail;
    event_emit(watch->sink, &record);
}

bool tls_watch_flood(struct tls_watch *watch, struct flood *flood, uint64_t t_ns, uint64_t offset)
{
    if (!flood_count(flood, t_ns, TLS_FLOOD_PER_S, TLS_FLOOD_BURST)) {
        return false;
    }
    tls_watch_violation(watch, t_ns, MITM__VIOLATION_KIND__TLS_FLOOD, offset, "Too many records without data");
    return true;
}
