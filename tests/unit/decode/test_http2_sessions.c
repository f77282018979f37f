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

#define STREAMS    64
#define UPLOAD     5000
#define DOWNLOAD   50000
#define WINDOW     1000
#define COOKIE_LEN 20000

/* ---- what was received, of each stream in each direction */

struct tally {
    struct {
        char *text; /* heads, ends and resets, in their order */
        size_t len;
        FILE *out;
        uint64_t data_bytes, data_frames, data_sum;
    } streams[STREAMS][2];
    FILE *out[2]; /* frames of the connection, for each direction */
    char *connection[2];
    size_t connection_len[2];
    uint32_t stream_of[STREAMS]; /* by the number of the exchange */
    uint64_t stalls;
};

static void tally_init(struct tally *tally)
{
    *tally = (struct tally){0};
    for (int d = 0; d < 2; d++) {
        tally->out[d] = open_memstream(&tally->connection[d], &tally->connection_len[d]);
        for (int i = 0; i < STREAMS; i++) {
            tally->streams[i][d].out = open_memstream(&tally->streams[i][d].text, &tally->streams[i][d].len);
        }
    }
}

/* Return the tally as text; the caller frees it. */
static char *tally_finish(struct tally *tally)
{
    char *text;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    for (int d = 0; d < 2; d++) {
        fclose(tally->out[d]);
        fprintf(out, "connection %d: %s\n", d, tally->connection[d]);
        free(tally->connection[d]);
        for (int i = 0; i < STREAMS; i++) {
            fclose(tally->streams[i][d].out);
            if (tally->streams[i][d].len > 0) {
                fprintf(out, "%d %d: %s data %lu in %lu, %lu\n", i, d, tally->streams[i][d].text,
                        (unsigned long)tally->streams[i][d].data_bytes, (unsigned long)tally->streams[i][d].data_frames,
                        (unsigned long)tally->streams[i][d].data_sum);
            }
            free(tally->streams[i][d].text);
        }
    }
    fclose(out);
    return text;
}

static void tally_field(struct tally *tally, uint32_t stream, int d, const uint8_t *name, size_t name_len,
                        const uint8_t *value, size_t value_len)
{
    FILE *out = tally->streams[stream][d].out;
    fwrite(name, 1, name_len, out);
    fputc('=', out);
    fwrite(value, 1, value_len, out);
    fputc(';', out);
}

static void tally_data(struct tally *tally, uint32_t stream, int d, const uint8_t *data, size_t len)
{
    tally->streams[stream][d].data_bytes += len;
    for (size_t i = 0; i < len; i++) {
        tally->streams[stream][d].data_sum = tally->streams[stream][d].data_sum * 31 + data[i];
    }
}

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

static size_t download_left[STREAMS];

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

static void peer_init(struct peer *peer, struct tally *tally, int receives)
{
    nghttp2_session_callbacks *callbacks;
    *peer = (struct peer){.tally = tally, .receives = receives};
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_select_padding_callback(callbacks, select_padding);
    if (receives == 0) {
        nghttp2_session_server_new(&peer->session, callbacks, peer);
    } else {
        nghttp2_session_client_new(&peer->session, callbacks, peer);
    }
    nghttp2_session_callbacks_del(callbacks);
}

/* Count how often the server has used up a window that the client gave it. */
static void look_at_windows(struct peer *server)
{
    static bool blocked[STREAMS];
    for (int32_t id = 1; id < STREAMS; id++) {
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

/* ---- what the decoder tells */

static void tell_fields(struct tally *tally, uint32_t stream, int d, Mitm__Header **fields, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        tally_field(tally, stream, d, fields[i]->name.data, fields[i]->name.len, fields[i]->value.data,
                    fields[i]->value.len);
    }
    if (n > 0) {
        fputs("| ", tally->streams[stream][d].out);
    }
}

static void tell_end(struct tally *tally, uint32_t stream, int d, Mitm__HttpEndCause cause, Mitm__Header **fields,
                     size_t n)
{
    tell_fields(tally, stream, d, fields, n);
    fputs(cause == MITM__HTTP_END_CAUSE__END_STREAM ? "end " : "", tally->streams[stream][d].out);
}

static int index_of(Mitm__Direction direction)
{
    return direction == MITM__DIRECTION__TO_SERVER ? 0 : 1;
}

static void tell_settings(struct tally *tally, const Mitm__Http2Settings *ev)
{
    FILE *out = tally->out[index_of(ev->direction)];
    fputs(ev->ack ? "settings ack" : "settings", out);
    for (size_t i = 0; i < ev->n_settings; i++) {
        fprintf(out, " %u=%u", ev->settings[i]->id, ev->settings[i]->value);
    }
    fputs("; ", out);
}

static void tell_connection(struct tally *tally, const Mitm__Record *r)
{
    switch ((int)r->event_case) {
    case MITM__RECORD__EVENT_HTTP2_SETTINGS:
        tell_settings(tally, r->http2_settings);
        break;
    case MITM__RECORD__EVENT_HTTP2_PING:
        fputs(r->http2_ping->ack ? "ping ack; " : "ping; ", tally->out[index_of(r->http2_ping->direction)]);
        break;
    case MITM__RECORD__EVENT_HTTP2_GO_AWAY:
        fprintf(tally->out[index_of(r->http2_go_away->direction)], "goaway %u %u %.*s; ", r->http2_go_away->last_stream,
                r->http2_go_away->error_code, (int)r->http2_go_away->debug.len, r->http2_go_away->debug.data);
        break;
    case MITM__RECORD__EVENT_HTTP2_PRIORITY:
        fprintf(tally->out[0], "priority %u %u %u %d; ", r->http2_priority->stream, r->http2_priority->weight,
                r->http2_priority->depends_on, r->http2_priority->exclusive);
        break;
    case MITM__RECORD__EVENT_HTTP2_RESET:
        fprintf(tally->streams[r->http2_reset->stream][index_of(r->http2_reset->direction)].out, "reset %u ",
                r->http2_reset->error_code);
        break;
    case MITM__RECORD__EVENT_HTTP2_STALL:
        tally->stalls += r->http2_stall->has_stream && r->http2_stall->direction == MITM__DIRECTION__TO_CLIENT;
        break;
    default:
        break;
    }
}

static void tell(void *ctx, Mitm__Record *r)
{
    struct tally *tally = ctx;
    uint32_t stream = r->has_exchange ? tally->stream_of[r->exchange] : 0;
    switch ((int)r->event_case) {
    case MITM__RECORD__EVENT_VIOLATION:
        cr_assert(false, "%s", r->violation->detail);
        break;
    case MITM__RECORD__EVENT_HTTP_REQUEST_START:
        tally->stream_of[r->exchange] = r->http_request_start->stream;
        break;
    case MITM__RECORD__EVENT_HTTP_REQUEST_HEADERS:
        tell_fields(tally, stream, 0, r->http_request_headers->headers, r->http_request_headers->n_headers);
        break;
    case MITM__RECORD__EVENT_HTTP_RESPONSE_HEADERS:
        tell_fields(tally, stream, 1, r->http_response_headers->headers, r->http_response_headers->n_headers);
        break;
    case MITM__RECORD__EVENT_HTTP_INFORMATIONAL:
        tell_fields(tally, stream, 1, r->http_informational->headers, r->http_informational->n_headers);
        break;
    case MITM__RECORD__EVENT_HTTP_REQUEST_BODY:
        tally->streams[stream][0].data_frames += r->http_request_body->chunks;
        tally_data(tally, stream, 0, r->http_request_body->data.data, r->http_request_body->data.len);
        break;
    case MITM__RECORD__EVENT_HTTP_RESPONSE_BODY:
        tally->streams[stream][1].data_frames += r->http_response_body->chunks;
        tally_data(tally, stream, 1, r->http_response_body->data.data, r->http_response_body->data.len);
        break;
    case MITM__RECORD__EVENT_HTTP_REQUEST_END:
        tell_end(tally, stream, 0, r->http_request_end->cause, r->http_request_end->trailers,
                 r->http_request_end->n_trailers);
        break;
    case MITM__RECORD__EVENT_HTTP_RESPONSE_END:
        tell_end(tally, stream, 1, r->http_response_end->cause, r->http_response_end->trailers,
                 r->http_response_end->n_trailers);
        break;
    default:
        tell_connection(tally, r);
    }
}

/* Feed what went over the wire to `sink`, in pieces of `most` bytes, or (0) of random ones. */
static void decode(const struct event_sink *sink, size_t most, unsigned seed)
{
    struct http2 *http2 = http2_new(sink, UINT64_MAX);
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
    decode(&log.sink, most, seed);
    char *text = event_log_text(&log);
    event_log_fini(&log);
    return text;
}

static void converse(struct tally *tally)
{
    struct peer client, server;
    tally_init(tally);
    peer_init(&client, tally, 1);
    peer_init(&server, tally, 0);
    talk(&client, &server);
    nghttp2_session_del(client.session);
    nghttp2_session_del(server.session);
}

Test(http2_sessions, what_the_peers_received)
{
    struct tally expected, actual;
    converse(&expected);
    tally_init(&actual);
    decode(&(struct event_sink){.emit = tell, .ctx = &actual}, SIZE_MAX, 0);
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
