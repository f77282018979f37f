#include "capture/decode/http2/flow.h"

void flow_end_stall(struct window *window, const struct event_sink *sink, Mitm__Direction direction, uint32_t stream,
                    uint32_t exchange, uint64_t t_ns)
{
    if (!window->stalled) {
        return;
    }
    window->stalled = false;
    EVENT_NEW(record, ev, t_ns, Http2Stall, HTTP2_STALL, http2_stall);
    record.has_exchange = exchange != 0;
    record.exchange = exchange;
    EVENT_SET(ev, direction, direction);
    if (stream != 0) {
        EVENT_SET(ev, stream, stream);
    }
    EVENT_SET(ev, first_t_ns, window->stall_t_ns);
    event_emit(sink, &record);
}
