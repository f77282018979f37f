/*
 * Two sessions of libnghttp2, a client and a server, talk in memory. What each of them received is the expected value
 * of what the decoder tells about the bytes between them.
 */
#include <criterion/criterion.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/decode/http2/http2.h"
#include "event_log.h"
#include "http2_tally.h"

#define UPLOAD     5000
#define DOWNLOAD   50000
#define WINDOW     1000
#define COOKIE_LEN 20000

/* ---- the sessions */

struct block {
    int direction;
    size_t at, len;
};

/* What went from one session to the other. */
static struct {
    uint8_t bytes[1 << 20];
    size_t len;
    struct block blocks[4096];
    size_t n;
} wire;

struct peer {
    nghttp2_session *session;
    struct tally *tally;
    int receives; /* the direction that it receives: 0 is the server's */
};

static nghttp2_nv nv(const char *name, const char *value)
{
    return (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name), strlen(value), 0};
}

static ssize_t read_body(nghttp2_session *session, int32_t stream, uint8_t *buf, size_t len, uint32_t *flags,
                         nghttp2_data_source *source, void *user)
{
    (void)session, (void)stream, (void)user;
    size_t *left = source->ptr;
    size_t n = *left < len ? *left : len;
    for (size_t i = 0; i < n; i++) {
        buf[i] = (uint8_t)(*left - i);
    }
    *left -= n;
    if (*left == 0) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    }
    return (ssize_t)n;
}

static ssize_t read_body_with_trailers(nghttp2_session *session, int32_t stream, uint8_t *buf, size_t len,
                                       uint32_t *flags, nghttp2_data_source *source, void *user)
{
    ssize_t n = read_body(session, stream, buf, len, flags, source, user);
    if (*flags & NGHTTP2_DATA_FLAG_EOF) {
        nghttp2_nv trailer = nv("checksum", "12345");
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        nghttp2_submit_trailer(session, stream, &trailer, 1);
    }
    return n;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_len,
                     const uint8_t *value, size_t value_len, uint8_t flags, void *user)
{
    (void)session, (void)flags;
    struct peer *peer = user;
    bool push = frame->hd.type == NGHTTP2_PUSH_PROMISE;
    uint32_t stream = (uint32_t)(push ? frame->push_promise.promised_stream_id : frame->hd.stream_id);
    tally_field(peer->tally, stream, push ? 0 : peer->receives, name, name_len, value, value_len);
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *data, size_t len, void *user)
{
    (void)session, (void)flags;
    struct peer *peer = user;
    tally_data(peer->tally, (uint32_t)stream, peer->receives, data, len);
    return 0;
}

static size_t download_left[TALLY_STREAMS];

/* The server's answers: by the stream, so that each kind is there. */
static void answer(nghttp2_session *session, int32_t stream)
{
    nghttp2_nv head[] = {nv(":status", "200"), nv("server", "test"), nv("content-type", "text/plain")};
    nghttp2_nv hints[] = {nv(":status", "103"), nv("link", "</style.css>; rel=preload")};
    nghttp2_nv promise[] = {nv(":method", "GET"), nv(":scheme", "http"), nv(":path", "/pushed"),
                            nv(":authority", "a.example")};
    nghttp2_data_provider body = {.source.ptr = &download_left[stream], .read_callback = read_body};
    download_left[stream] = DOWNLOAD;
    switch (stream) {
    case 1:
        nghttp2_submit_response(session, stream, head, 3, NULL);
        break;
    case 3:
        nghttp2_submit_headers(session, 0, stream, NULL, hints, 2, NULL);
        body.read_callback = read_body_with_trailers;
        nghttp2_submit_response(session, stream, head, 3, &body);
        break;
    case 5: {
        int32_t pushed = nghttp2_submit_push_promise(session, 0, stream, promise, 4, NULL);
        cr_assert(pushed > 0);
        nghttp2_submit_response(session, stream, head, 3, NULL);
        nghttp2_data_provider pushed_body = {.source.ptr = &download_left[pushed], .read_callback = read_body};
        download_left[pushed] = 300;
        nghttp2_submit_response(session, pushed, head, 3, &pushed_body);
        break;
    }
    case 7:
        nghttp2_submit_rst_stream(session, 0, stream, NGHTTP2_REFUSED_STREAM);
        break;
    default:
        nghttp2_submit_response(session, stream, head, 3, &body);
    }
}

static void tally_connection_frame(struct tally *tally, int d, const nghttp2_frame *frame)
{
    FILE *out = tally->out[d];
    if (frame->hd.type == NGHTTP2_SETTINGS) {
        fputs(frame->hd.flags & NGHTTP2_FLAG_ACK ? "settings ack" : "settings", out);
        for (size_t i = 0; i < frame->settings.niv; i++) {
            fprintf(out, " %d=%u", frame->settings.iv[i].settings_id, frame->settings.iv[i].value);
        }
        fputs("; ", out);
    } else if (frame->hd.type == NGHTTP2_PING) {
        fputs(frame->hd.flags & NGHTTP2_FLAG_ACK ? "ping ack; " : "ping; ", out);
    } else if (frame->hd.type == NGHTTP2_GOAWAY) {
        fprintf(out, "goaway %d %u %.*s; ", frame->goaway.last_stream_id, frame->goaway.error_code,
                (int)frame->goaway.opaque_data_len, (const char *)frame->goaway.opaque_data);
    } else if (frame->hd.type == NGHTTP2_PRIORITY) {
        fprintf(out, "priority %d %d %d %d; ", frame->hd.stream_id, frame->priority.pri_spec.weight,
                frame->priority.pri_spec.stream_id, frame->priority.pri_spec.exclusive);
    } else if (frame->hd.type == NGHTTP2_HEADERS && frame->hd.flags & NGHTTP2_FLAG_PRIORITY) {
        fprintf(out, "priority %d %d %d %d; ", frame->hd.stream_id, frame->headers.pri_spec.weight,
                frame->headers.pri_spec.stream_id, frame->headers.pri_spec.exclusive);
    }
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct peer *peer = user;
    struct tally *tally = peer->tally;
    int d = peer->receives;
    uint32_t stream = (uint32_t)frame->hd.stream_id;
    tally_connection_frame(tally, d, frame);
    bool end = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
    if (frame->hd.type == NGHTTP2_HEADERS) {
        fputs(end ? "| end " : "| ", tally->streams[stream][d].out);
    } else if (frame->hd.type == NGHTTP2_DATA) {
        tally->streams[stream][d].data_frames++;
        fputs(end ? "end " : "", tally->streams[stream][d].out);
    } else if (frame->hd.type == NGHTTP2_PUSH_PROMISE) {
        fputs("| end ", tally->streams[frame->push_promise.promised_stream_id][0].out);
    } else if (frame->hd.type == NGHTTP2_RST_STREAM) {
        fprintf(tally->streams[stream][d].out, "reset %u ", frame->rst_stream.error_code);
    }
    if (d == 0 && end && (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA)) {
        answer(session, frame->hd.stream_id);
    }
    return 0;
}

static ssize_t select_padding(nghttp2_session *session, const nghttp2_frame *frame, size_t max, void *user)
{
    (void)session, (void)user;
    size_t padded = frame->hd.length + (size_t)frame->hd.stream_id % 4 * 50;
    return (ssize_t)(padded < max ? padded : max);
}

/* `holds_back`: a client gives no windows by itself. */
static void peer_init(struct peer *peer, struct tally *tally, int receives, bool holds_back)
{
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *option;
    nghttp2_option_new(&option);
    nghttp2_option_set_no_auto_window_update(option, holds_back);
    *peer = (struct peer){.tally = tally, .receives = receives};
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_select_padding_callback(callbacks, select_padding);
    if (receives == 0) {
        nghttp2_session_server_new(&peer->session, callbacks, peer);
    } else {
        nghttp2_session_client_new2(&peer->session, callbacks, peer, option);
    }
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_option_del(option);
}

/* Count how often the server has used up a window that the client gave it. */
static void look_at_windows(struct peer *server)
{
    static bool blocked[TALLY_STREAMS];
    for (int32_t id = 1; id < TALLY_STREAMS; id++) {
        bool open = nghttp2_session_get_stream_local_close(server->session, id) == 0;
        bool now = open && nghttp2_session_get_stream_remote_window_size(server->session, id) <= 0;
        server->tally->stalls += now && !blocked[id];
        blocked[id] = now;
    }
}

/* Let `from` send one piece to `to`; return whether there was any. */
static bool send_one(struct peer *from, struct peer *to)
{
    const uint8_t *data;
    ssize_t n = nghttp2_session_mem_send(from->session, &data);
    cr_assert(n >= 0 && wire.len + (size_t)n <= sizeof wire.bytes && wire.n < 4096);
    if (n == 0) {
        return false;
    }
    memcpy(wire.bytes + wire.len, data, (size_t)n);
    wire.blocks[wire.n++] = (struct block){.direction = to->receives, .at = wire.len, .len = (size_t)n};
    cr_assert_eq(nghttp2_session_mem_recv(to->session, wire.bytes + wire.len, (size_t)n), n);
    wire.len += (size_t)n;
    return true;
}

static void pump(struct peer *client, struct peer *server)
{
    for (;;) {
        bool any = false;
        while (send_one(client, server)) {
            look_at_windows(server);
            any = true;
        }
        while (send_one(server, client)) {
            look_at_windows(server);
            any = true;
        }
        if (!any) {
            return;
        }
    }
}

static int32_t request(struct peer *client, const char *method, const char *path, const char *cookie,
                       const nghttp2_priority_spec *priority, nghttp2_data_provider *body)
{
    nghttp2_nv head[] = {nv(":method", method),       nv(":scheme", "http"),
                         nv(":path", path),           nv(":authority", "a.example"),
                         nv("user-agent", "nghttp2"), nv("cookie", cookie ? cookie : "")};
    int32_t id = nghttp2_submit_request(client->session, priority, head, cookie ? 6 : 5, body, NULL);
    cr_assert(id > 0);
    return id;
}

/* The conversation: everything that a browser and a server say to each other. */
static void talk(struct peer *client, struct peer *server)
{
    nghttp2_settings_entry small[] = {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, WINDOW},
                                      {NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, 65536}};
    nghttp2_settings_entry limit[] = {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 100}};
    nghttp2_settings_entry large[] = {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 20000}};
    nghttp2_priority_spec priority;
    static char cookie[COOKIE_LEN + 1];
    size_t upload_left = UPLOAD;
    nghttp2_data_provider upload = {.source.ptr = &upload_left, .read_callback = read_body_with_trailers};
    memset(cookie, '~', COOKIE_LEN); /* long in Huffman's code: CONTINUATION */
    nghttp2_priority_spec_init(&priority, 1, 200, 1);
    nghttp2_submit_settings(client->session, 0, small, 2);
    nghttp2_submit_settings(server->session, 0, limit, 1);
    pump(client, server);
    request(client, "HEAD", "/head", NULL, NULL, NULL);
    pump(client, server);
    request(client, "GET", "/hints-and-trailers", NULL, &priority, NULL);
    request(client, "POST", "/upload", cookie, NULL, &upload);
    request(client, "GET", "/refused", cookie, NULL, NULL);
    pump(client, server);
    request(client, "GET", "/a", NULL, NULL, NULL);
    request(client, "GET", "/b", NULL, NULL, NULL);
    nghttp2_submit_ping(client->session, 0, NULL);
    pump(client, server);
    nghttp2_submit_settings(client->session, 0, large, 1);
    nghttp2_submit_priority(client->session, 0, 21, &priority);
    int32_t cancelled = request(client, "GET", "/cancelled", NULL, NULL, NULL);
    for (int i = 0; i < 3; i++) {
        send_one(client, server);
        send_one(server, client);
        look_at_windows(server);
    }
    nghttp2_submit_rst_stream(client->session, 0, cancelled, NGHTTP2_CANCEL);
    pump(client, server);
    nghttp2_submit_goaway(server->session, 0, 13, NGHTTP2_NO_ERROR, (const uint8_t *)"bye", 3);
    pump(client, server);
}

/* Feed what went over the wire to `http2`, in pieces of `most` bytes, or (0) of random ones; then free it. */
static void decode(struct http2 *http2, size_t most, unsigned seed)
{
    srand(seed);
    for (size_t i = 0; i < wire.n; i++) {
        const struct block *block = &wire.blocks[i];
        for (size_t at = 0; at < block->len;) {
            size_t n = most ? most : 1 + (size_t)rand() % 40;
            n = n < block->len - at ? n : block->len - at;
            http2_feed(http2, block->direction == 0 ? MITM__DIRECTION__TO_SERVER : MITM__DIRECTION__TO_CLIENT, i,
                       wire.bytes + block->at + at, n);
            at += n;
        }
    }
    http2_end(http2, MITM__DIRECTION__TO_SERVER, wire.n, MITM__END_CAUSE__FIN);
    http2_end(http2, MITM__DIRECTION__TO_CLIENT, wire.n, MITM__END_CAUSE__FIN);
    http2_free(http2);
}

static char *decode_to_text(size_t most, unsigned seed)
{
    struct event_log log;
    event_log_init(&log);
    decode(http2_new(&log.sink, UINT64_MAX), most, seed);
    char *text = event_log_text(&log);
    event_log_fini(&log);
    return text;
}

static void converse(struct tally *tally)
{
    struct peer client, server;
    tally_init(tally);
    peer_init(&client, tally, 1, false);
    peer_init(&server, tally, 0, false);
    talk(&client, &server);
    nghttp2_session_del(client.session);
    nghttp2_session_del(server.session);
}

Test(http2_sessions, what_the_peers_received)
{
    struct tally expected, actual;
    converse(&expected);
    tally_init(&actual);
    decode(http2_new(&(struct event_sink){.emit = tally_event, .ctx = &actual}, UINT64_MAX), SIZE_MAX, 0);
    char *expected_text = tally_finish(&expected);
    char *actual_text = tally_finish(&actual);
    cr_assert_str_eq(actual_text, expected_text, "--- expected\n%s--- actual\n%s", expected_text, actual_text);
    cr_assert(expected.stalls > 10);
    cr_assert_eq(actual.stalls, expected.stalls, "%lu stalls, not %lu", (unsigned long)actual.stalls,
                 (unsigned long)expected.stalls);
    free(expected_text);
    free(actual_text);
}

Test(http2_sessions, cut_in_any_way)
{
    struct tally tally;
    converse(&tally);
    free(tally_finish(&tally));
    char *whole = decode_to_text(SIZE_MAX, 0);
    for (unsigned i = 0; i < 20; i++) {
        char *cut = decode_to_text(i == 0 ? 1 : 0, i);
        cr_assert_str_eq(cut, whole);
        free(cut);
    }
    free(whole);
}

/* RFC 7540, 3.2: the request went over HTTP/1.1; here it is the connection's exchange 7. */
Test(http2_sessions, upgraded)
{
    static const uint8_t settings[6] = {0, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0, 0, 0x20, 0};
    static const uint64_t offsets[2] = {100, 200};
    struct tally before, expected, actual;
    struct peer client, server;
    tally_init(&before);
    tally_init(&expected);
    tally_init(&actual);
    peer_init(&client, &expected, 1, false);
    peer_init(&server, &before, 0, false);
    cr_assert_eq(nghttp2_session_upgrade2(client.session, settings, sizeof settings, 0, NULL), 0);
    cr_assert_eq(nghttp2_session_upgrade2(server.session, settings, sizeof settings, 0, NULL), 0);
    free(tally_finish(&before)); /* HTTP2-Settings, a field of the request before */
    server.tally = &expected;
    nghttp2_submit_settings(server.session, 0, NULL, 0);
    answer(server.session, 1);
    pump(&server, &client);
    request(&client, "GET", "/a", NULL, NULL, NULL);
    pump(&client, &server);
    nghttp2_session_del(client.session);
    nghttp2_session_del(server.session);
    actual.stream_of[7] = 1;
    decode(http2_new_upgraded(&(struct event_sink){.emit = tally_event, .ctx = &actual}, UINT64_MAX, 7, offsets), 1, 0);
    char *expected_text = tally_finish(&expected);
    char *actual_text = tally_finish(&actual);
    cr_assert_str_eq(actual_text, expected_text, "--- expected\n%s--- actual\n%s", expected_text, actual_text);
    cr_assert(strstr(actual_text, "1 1: :status=200;"));
    cr_assert_eq(actual.stream_of[8], 3);
    free(expected_text);
    free(actual_text);
}

/* The stalls of the connection. */
static struct {
    int n;
    uint64_t first_t_ns, t_ns;
} stalls;

static void note_stall(void *ctx, Mitm__Record *record)
{
    (void)ctx;
    if (record->event_case == MITM__RECORD__EVENT_HTTP2_STALL && !record->http2_stall->has_stream) {
        cr_assert_eq(record->http2_stall->direction, MITM__DIRECTION__TO_CLIENT);
        cr_assert(!record->has_exchange);
        stalls.n++;
        stalls.first_t_ns = record->http2_stall->first_t_ns;
        stalls.t_ns = record->t_ns;
    }
}

/*
 * Two downloads of 50,000 bytes use up the connection's window of 65,535 bytes, until the client opens it again or,
 * with `reset`, gives both up.
 */
static void check_connection_stall(bool reset)
{
    nghttp2_settings_entry large = {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1 << 20};
    struct tally tally;
    struct peer client, server;
    tally_init(&tally);
    peer_init(&client, &tally, 1, true);
    peer_init(&server, &tally, 0, false);
    nghttp2_submit_settings(client.session, 0, &large, 1);
    nghttp2_submit_settings(server.session, 0, NULL, 0);
    nghttp2_session_set_next_stream_id(client.session, 9);
    int32_t a = request(&client, "GET", "/a", NULL, NULL, NULL);
    int32_t b = request(&client, "GET", "/b", NULL, NULL, NULL);
    pump(&client, &server);
    cr_assert(nghttp2_session_get_remote_window_size(server.session) == 0);
    size_t used_up = wire.n - 1;
    while (wire.blocks[used_up].direction == 0) { /* the client acknowledges the settings */
        used_up--;
    }
    size_t before = wire.n;
    if (reset) {
        nghttp2_submit_rst_stream(client.session, 0, a, NGHTTP2_CANCEL);
        nghttp2_submit_rst_stream(client.session, 0, b, NGHTTP2_CANCEL);
    } else {
        nghttp2_submit_window_update(client.session, 0, 0, 100000);
    }
    pump(&client, &server);
    nghttp2_session_del(client.session);
    nghttp2_session_del(server.session);
    free(tally_finish(&tally));
    decode(http2_new(&(struct event_sink){.emit = note_stall}, 0), SIZE_MAX, 0);
    cr_assert_eq(stalls.n, 1);
    cr_assert_eq(stalls.first_t_ns, used_up);
    cr_assert_eq(stalls.t_ns, before + (reset ? 1 : 0)); /* the second of two frames, or the only one */
}

Test(http2_sessions, connection_stall_until_window_update)
{
    check_connection_stall(false);
}

Test(http2_sessions, connection_stall_until_the_streams_end)
{
    check_connection_stall(true);
}
