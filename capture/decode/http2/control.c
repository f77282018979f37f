/* The frames that carry no message, and RST_STREAM (RFC 9113, 6.3 to 6.9; RFC 9218, 7.1). */
#include "capture/decode/http2/http2_parts.h"

#define SETTINGS_MAX            64
#define SETTING_BYTES           6
#define SETTINGS_INITIAL_WINDOW 0x4
#define TEXT_MAX_BYTES          1024
/* A change of so many streams' windows counts as one more frame that carries nothing. */
#define WINDOWS_PER_FRAME 64

static uint32_t get_32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static size_t cut(size_t len)
{
    return len < TEXT_MAX_BYTES ? len : TEXT_MAX_BYTES;
}

static void set_exchange(struct http2 *http2, Mitm__Record *record, uint32_t id)
{
    const struct stream *stream = streams_find(&http2->streams, id);
    if (stream && stream->exchange != 0) {
        EVENT_SET(*record, exchange, stream->exchange);
    }
}

/* Change the window of `stream`, or of the connection (NULL), for the data in the direction of `data`. */
static void change_window(struct http2 *http2, struct side *data, struct stream *stream, int64_t change, uint64_t t_ns)
{
    struct window *window = stream ? &stream->halves[side_index(data)].window : &data->window;
    if (flow_change(window, change)) {
        flow_end_stall(window, &http2->ordered, data->direction, stream ? stream->id : 0, stream ? stream->exchange : 0,
                       t_ns);
    }
}

/* Return by how much SETTINGS_INITIAL_WINDOW_SIZE `initial` changes all streams' windows for the data of `data`. */
static int64_t change_of_windows(const struct side *data, uint32_t initial)
{
    return initial > FLOW_MAX_BYTES ? 0 : (int64_t)initial - data->window_initial;
}

/* SETTINGS_INITIAL_WINDOW_SIZE: RFC 9113, 6.9.2. */
static void change_windows(struct http2 *http2, struct side *data, int64_t change, uint64_t t_ns)
{
    data->window_initial += change;
    for (uint32_t i = 0; i < http2->streams.n; i++) {
        change_window(http2, data, http2->streams.list[i], change, t_ns);
    }
}

/* Return whether `side` has changed all windows too often. */
static bool is_flood_of_changes(const struct http2 *http2, struct side *side, uint64_t t_ns)
{
    for (uint32_t n = WINDOWS_PER_FRAME; n <= http2->streams.n; n += WINDOWS_PER_FRAME) {
        if (flood_count(&side->flood, t_ns, HTTP2_CONTROL_PER_S, HTTP2_CONTROL_BURST)) {
            return true;
        }
    }
    return false;
}

/* Of a setting that is there more than once the last value counts. */
static void complete_settings(struct http2 *http2, struct side *side, uint64_t t_ns)
{
    size_t n = side->control_len / SETTING_BYTES;
    uint32_t initial = UINT32_MAX;
    Mitm__Http2Setting settings[SETTINGS_MAX];
    Mitm__Http2Setting *list[SETTINGS_MAX];
    EVENT_NEW(record, ev, t_ns, Http2Settings, HTTP2_SETTINGS, http2_settings);
    EVENT_SET(ev, direction, side->direction);
    EVENT_SET(ev, ack, side->frame.flags & FRAME_FLAG_ACK);
    ev.settings = list;
    for (size_t i = 0; i < n; i++) {
        const uint8_t *at = side->control + i * SETTING_BYTES;
        uint32_t id = (uint32_t)at[0] << 8 | at[1];
        uint32_t value = get_32(at + 2);
        initial = id == SETTINGS_INITIAL_WINDOW ? value : initial;
        if (i < SETTINGS_MAX) {
            settings[i] = (Mitm__Http2Setting)MITM__HTTP2_SETTING__INIT;
            EVENT_SET(settings[i], id, id);
            EVENT_SET(settings[i], value, value);
            list[ev.n_settings++] = &settings[i];
        }
    }
    struct side *data = &http2->sides[1 - side_index(side)];
    int64_t change = change_of_windows(data, initial);
    if (change != 0 && is_flood_of_changes(http2, side, t_ns)) {
        http2_violate(http2, side, t_ns, MITM__VIOLATION_KIND__HTTP2_FLOOD, "Too many changes of all streams' windows");
        return;
    }
    event_emit(&http2->ordered, &record);
    change_windows(http2, data, change, t_ns);
}

static void complete_ping(struct http2 *http2, struct side *side, uint64_t t_ns)
{
    EVENT_NEW(record, ev, t_ns, Http2Ping, HTTP2_PING, http2_ping);
    EVENT_SET(ev, direction, side->direction);
    EVENT_SET(ev, ack, side->frame.flags & FRAME_FLAG_ACK);
    event_emit(&http2->ordered, &record);
}

static void complete_go_away(struct http2 *http2, struct side *side, uint64_t t_ns)
{
    EVENT_NEW(record, ev, t_ns, Http2GoAway, HTTP2_GO_AWAY, http2_go_away);
    EVENT_SET(ev, direction, side->direction);
    EVENT_SET(ev, last_stream, frame_get_31(side->control));
    EVENT_SET(ev, error_code, get_32(side->control + 4));
    if (side->control_len > 8) {
        EVENT_SET_BYTES(ev, debug, side->control + 8, cut(side->control_len - 8));
    }
    event_emit(&http2->ordered, &record);
}

static void complete_reset(struct http2 *http2, struct side *side, uint64_t t_ns)
{
    uint32_t id = side->frame.stream;
    struct stream *stream = http2_find_answered(http2, id, t_ns);
    EVENT_NEW(record, ev, t_ns, Http2Reset, HTTP2_RESET, http2_reset);
    set_exchange(http2, &record, id);
    EVENT_SET(ev, direction, side->direction);
    EVENT_SET(ev, stream, id);
    EVENT_SET(ev, error_code, get_32(side->control));
    event_emit(&http2->ordered, &record);
    if (stream) {
        http2_close_half(http2, stream, 0, t_ns, MITM__HTTP_END_CAUSE__STREAM_RESET, NULL);
        http2_close_half(http2, stream, 1, t_ns, MITM__HTTP_END_CAUSE__STREAM_RESET, NULL);
        http2_release(http2, stream);
    }
}

void http2_emit_priority(struct http2 *http2, uint32_t stream, const uint8_t *fields, uint64_t t_ns)
{
    EVENT_NEW(record, ev, t_ns, Http2Priority, HTTP2_PRIORITY, http2_priority);
    set_exchange(http2, &record, stream);
    EVENT_SET(ev, stream, stream);
    EVENT_SET(ev, exclusive, fields[0] >> 7);
    EVENT_SET(ev, depends_on, frame_get_31(fields));
    EVENT_SET(ev, weight, fields[4] + UINT32_C(1));
    event_emit(&http2->ordered, &record);
}

static void complete_priority_update(struct http2 *http2, struct side *side, uint64_t t_ns)
{
    uint32_t stream = frame_get_31(side->control);
    EVENT_NEW(record, ev, t_ns, Http2Priority, HTTP2_PRIORITY, http2_priority);
    set_exchange(http2, &record, stream);
    EVENT_SET(ev, stream, stream);
    EVENT_SET_BYTES(ev, field_value, side->control + 4, cut(side->control_len - 4));
    event_emit(&http2->ordered, &record);
}

static void complete_window_update(struct http2 *http2, struct side *side, uint64_t t_ns)
{
    struct stream *stream = streams_find(&http2->streams, side->frame.stream);
    if (side->frame.stream == 0 || stream) {
        change_window(http2, &http2->sides[1 - side_index(side)], stream, frame_get_31(side->control), t_ns);
    }
}

void http2_complete_control(struct http2 *http2, struct side *side, uint64_t t_ns)
{
    switch (side->frame.type) {
    case FRAME_PRIORITY:
        http2_emit_priority(http2, side->frame.stream, side->control, t_ns);
        break;
    case FRAME_RST_STREAM:
        complete_reset(http2, side, t_ns);
        break;
    case FRAME_SETTINGS:
        complete_settings(http2, side, t_ns);
        break;
    case FRAME_PING:
        complete_ping(http2, side, t_ns);
        break;
    case FRAME_GOAWAY:
        complete_go_away(http2, side, t_ns);
        break;
    case FRAME_WINDOW_UPDATE:
        complete_window_update(http2, side, t_ns);
        break;
    case FRAME_PRIORITY_UPDATE:
        complete_priority_update(http2, side, t_ns);
        break;
    default:
        break;
    }
}
