#include "event_log.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Body and OpaqueData events are kept as figures until they are shown, so that further ones can be added to them. */
struct event_log_entry {
    char *text; /* the line without its time; NULL for body and OpaqueData */
    uint64_t t_ns;
    Mitm__Record__EventCase kind;
    uint32_t exchange;
    Mitm__Direction direction;
    uint64_t offset, len;
    bool has_chunks;
    uint64_t chunks;
    uint8_t *data;
    size_t data_len;
};

static int index_of(Mitm__Direction direction)
{
    assert(direction == MITM__DIRECTION__TO_SERVER || direction == MITM__DIRECTION__TO_CLIENT);
    return direction == MITM__DIRECTION__TO_SERVER ? 0 : 1;
}

static void print_escaped(FILE *out, const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (data[i] == '\r') {
            fputs("\\r", out);
        } else if (data[i] == '\n') {
            fputs("\\n", out);
        } else if (data[i] == '\t') {
            fputs("\\t", out);
        } else if (data[i] < ' ' || data[i] > '~' || data[i] == '"' || data[i] == '\\') {
            fprintf(out, "\\x%02x", data[i]);
        } else {
            fputc(data[i], out);
        }
    }
}

static void print_bytes(FILE *out, ProtobufCBinaryData bytes)
{
    fputs(" \"", out);
    print_escaped(out, bytes.data, bytes.len);
    fputc('"', out);
}

static void print_fields(FILE *out, Mitm__Header **fields, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        assert(fields[i]->has_name && fields[i]->has_value);
        fputs(" \"", out);
        print_escaped(out, fields[i]->name.data, fields[i]->name.len);
        fputs(": ", out);
        print_escaped(out, fields[i]->value.data, fields[i]->value.len);
        fputc('"', out);
    }
}

static void print_head(FILE *out, uint64_t head_bytes, bool has_omitted, uint32_t omitted, Mitm__Header **fields,
                       size_t n)
{
    fprintf(out, " %" PRIu64, head_bytes);
    if (has_omitted) {
        fprintf(out, " omitted=%" PRIu32, omitted);
    }
    print_fields(out, fields, n);
}

static void print_end(FILE *out, uint64_t body_bytes, Mitm__HttpEndCause cause, Mitm__Header **trailers, size_t n)
{
    fprintf(out, " %" PRIu64 " %s", body_bytes, event_enum_name(&mitm__http_end_cause__descriptor, cause));
    print_fields(out, trailers, n);
}

static void print_request_start(FILE *out, const Mitm__HttpRequestStart *ev)
{
    print_bytes(out, ev->method);
    print_bytes(out, ev->target);
    fprintf(out, " %s @%" PRIu64, ev->version, ev->offset_bytes);
    if (ev->has_target_omitted_bytes) {
        fprintf(out, " omitted=%" PRIu64, ev->target_omitted_bytes);
    }
    if (ev->has_stream) {
        fprintf(out, " stream=%" PRIu32, ev->stream);
        print_bytes(out, ev->scheme);
        print_bytes(out, ev->authority);
        fputs(ev->has_pushed && ev->pushed ? " pushed" : "", out);
    }
}

static void print_status(FILE *out, const char *version, uint32_t status, ProtobufCBinaryData reason)
{
    fprintf(out, " %s %" PRIu32, version, status);
    print_bytes(out, reason);
}

static void print_violation(FILE *out, struct event_log *log, const Mitm__Violation *ev)
{
    int i = index_of(ev->direction);
    bool stream =
        ev->kind == MITM__VIOLATION_KIND__WEB_SOCKET_FRAME || ev->kind == MITM__VIOLATION_KIND__WEB_SOCKET_FLOOD;
    assert(stream || !log->violated[i]); /* one for each direction, but several WebSockets can share an HTTP/2 one */
    log->violated[i] |= !stream;
    assert(ev->detail && *ev->detail && !strchr(ev->detail, '\n'));
    log->violation_offset[i] = ev->offset_bytes;
    fprintf(out, " %s %c @%" PRIu64, event_enum_name(&mitm__violation_kind__descriptor, ev->kind), "><"[i],
            ev -> offset_bytes);
}

static void print_websocket_message(FILE *out, struct event_log *log, const Mitm__WebSocketMessage *ev)
{
    int i = index_of(ev->direction);
    char direction = "><"[i];
    log->told_bytes[i] += ev->len_bytes;
    fprintf(out, " %c %" PRIu32 " %" PRIu64 " frames=%" PRIu32 " first=%" PRIu64, direction, ev->opcode, ev->len_bytes,
            ev->frames, ev->first_t_ns);
    if (ev->has_compressed)
        fprintf(out, " compressed=%d", ev->compressed);
    if (ev->has_close_code)
        fprintf(out, " close=%" PRIu32, ev->close_code);
}

static void print_settings(FILE *out, const Mitm__Http2Settings *ev)
{
    fprintf(out, " %c%s", "><"[index_of(ev->direction)], ev -> ack ? " ack" : "");
    for (size_t i = 0; i < ev->n_settings; i++) {
        fprintf(out, " %" PRIu32 "=%" PRIu32, ev->settings[i]->id, ev->settings[i]->value);
    }
}

static void print_priority(FILE *out, const Mitm__Http2Priority *ev)
{
    fprintf(out, " %" PRIu32, ev->stream);
    if (ev->has_field_value) {
        print_bytes(out, ev->field_value);
    } else {
        fprintf(out, " weight=%" PRIu32 " depends=%" PRIu32 "%s", ev->weight, ev->depends_on,
                ev->exclusive ? " exclusive" : "");
    }
}

static void print_go_away(FILE *out, const Mitm__Http2GoAway *ev)
{
    fprintf(out, " %c %" PRIu32 " %" PRIu32, "><"[index_of(ev->direction)], ev -> last_stream, ev -> error_code);
    if (ev->has_debug) {
        print_bytes(out, ev->debug);
    }
}

/* Return whether the event is one of HTTP/2's own. */
static bool print_http2(FILE *out, const Mitm__Record *r)
{
    switch ((int)r->event_case) {
    case MITM__RECORD__EVENT_HTTP2_SETTINGS:
        print_settings(out, r->http2_settings);
        return true;
    case MITM__RECORD__EVENT_HTTP2_RESET:
        fprintf(out, " %c %" PRIu32 " %" PRIu32, "><"[index_of(r->http2_reset->direction)], r -> http2_reset -> stream,
                r -> http2_reset -> error_code);
        return true;
    case MITM__RECORD__EVENT_HTTP2_GO_AWAY:
        print_go_away(out, r->http2_go_away);
        return true;
    case MITM__RECORD__EVENT_HTTP2_PING:
        fprintf(out, " %c%s", "><"[index_of(r->http2_ping->direction)], r -> http2_ping -> ack ? " ack" : "");
        return true;
    case MITM__RECORD__EVENT_HTTP2_PRIORITY:
        print_priority(out, r->http2_priority);
        return true;
    case MITM__RECORD__EVENT_HTTP2_STALL:
        fprintf(out, " %c %" PRIu32 " first=%" PRIu64, "><"[index_of(r->http2_stall->direction)],
                r -> http2_stall -> stream, r -> http2_stall -> first_t_ns);
        return true;
    default:
        return false;
    }
}

static void print_numbers(FILE *out, const char *name, const uint32_t *numbers, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        fprintf(out, "%s%04" PRIx32, i == 0 ? name : ",", numbers[i]);
    }
}

static void print_client_hello(FILE *out, const Mitm__TlsClientHello *ev)
{
    fprintf(out, " %" PRIu64, ev->len_bytes);
    if (ev->has_server_name) {
        print_bytes(out, ev->server_name);
    }
    for (size_t i = 0; i < ev->n_alpn; i++) {
        fputs(i == 0 ? " alpn=\"" : ",\"", out);
        print_escaped(out, ev->alpn[i].data, ev->alpn[i].len);
        fputc('"', out);
    }
    print_numbers(out, " versions=", ev->versions, ev->n_versions);
    print_numbers(out, " suites=", ev->cipher_suites, ev->n_cipher_suites);
    print_numbers(out, " groups=", ev->groups, ev->n_groups);
    fprintf(out, "%s%s%s", ev->ech ? " ech" : "", ev->resumption ? " resumption" : "", ev->early_data ? " early" : "");
}

/* Print the fields that messages of TLS share, as far as they are there. */
static void print_tls(FILE *out, const uint32_t *group, const protobuf_c_boolean *resumed,
                      const ProtobufCBinaryData *alpn, const protobuf_c_boolean *early)
{
    if (group) {
        print_numbers(out, " group=", group, 1);
    }
    if (resumed) {
        fprintf(out, " resumed=%d", *resumed);
    }
    if (alpn) {
        fputs(" alpn=\"", out);
        print_escaped(out, alpn->data, alpn->len);
        fputc('"', out);
    }
    if (early) {
        fprintf(out, " early=%d", *early);
    }
}

static void print_alert(FILE *out, const Mitm__TlsAlert *ev)
{
    fprintf(out, " %c", "><"[index_of(ev->direction)]);
    assert(ev->has_level == ev->has_description);
    if (ev->has_level) {
        fprintf(out, " %" PRIu32 " %" PRIu32, ev->level, ev->description);
    } else {
        fputs(" encrypted", out);
    }
}

static void print_decryption(FILE *out, const Mitm__TlsDecryption *ev)
{
    fprintf(out, " %s", event_enum_name(&mitm__tls_decryption_status__descriptor, (int)ev->status));
    if (ev->has_direction) {
        fprintf(out, " %c", "><"[index_of(ev->direction)]);
    }
    assert((ev->status == MITM__TLS_DECRYPTION_STATUS__DECRYPTED) == !ev->detail);
    assert(!ev->detail || (*ev->detail && !strchr(ev->detail, '\n')));
}

/* Print the fields of an event of TLS; return whether it is one. */
static bool print_tls_event(FILE *out, const Mitm__Record *r)
{
    switch ((int)r->event_case) {
    case MITM__RECORD__EVENT_TLS_CLIENT_HELLO:
        print_client_hello(out, r->tls_client_hello);
        return true;
    case MITM__RECORD__EVENT_TLS_HELLO_RETRY_REQUEST: {
        const Mitm__TlsHelloRetryRequest *ev = r->tls_hello_retry_request;
        print_numbers(out, " ", &ev->cipher_suite, 1);
        print_tls(out, ev->has_group ? &ev->group : NULL, NULL, NULL, NULL);
        return true;
    }
    case MITM__RECORD__EVENT_TLS_SERVER_HELLO: {
        const Mitm__TlsServerHello *ev = r->tls_server_hello;
        print_numbers(out, " ", &ev->version, 1);
        print_numbers(out, " ", &ev->cipher_suite, 1);
        print_tls(out, ev->has_group ? &ev->group : NULL, ev->has_resumed ? &ev->resumed : NULL,
                  ev->has_alpn ? &ev->alpn : NULL, NULL);
        return true;
    }
    case MITM__RECORD__EVENT_TLS_HANDSHAKE_END: {
        const Mitm__TlsHandshakeEnd *ev = r->tls_handshake_end;
        fputs(ev->inferred ? " inferred" : "", out);
        print_tls(out, ev->has_group ? &ev->group : NULL, ev->has_resumed ? &ev->resumed : NULL,
                  ev->has_alpn ? &ev->alpn : NULL, ev->has_early_data_accepted ? &ev->early_data_accepted : NULL);
        return true;
    }
    case MITM__RECORD__EVENT_TLS_ALERT:
        print_alert(out, r->tls_alert);
        return true;
    case MITM__RECORD__EVENT_TLS_DECRYPTION:
        print_decryption(out, r->tls_decryption);
        return true;
    default:
        return false;
    }
}

static void add_tls_data(struct event_log *log, const Mitm__TlsData *ev)
{
    int i = index_of(ev->direction);
    assert(ev->has_len_bytes && ev->has_largest_bytes == (ev->records > 0) && (!ev->early || ev->records > 0));
    log->tls_data[i].events++;
    log->tls_data[i].len_bytes += ev->len_bytes;
    log->tls_data[i].records += ev->records;
    log->tls_data[i].early |= ev->early;
    if (ev->largest_bytes > log->tls_data[i].largest_bytes) {
        log->tls_data[i].largest_bytes = ev->largest_bytes;
    }
}

static void print_tls_data(FILE *out, const struct event_log *log)
{
    for (int i = 0; i < 2; i++) {
        if (log->tls_data[i].events > 0) {
            fprintf(out, "* - TlsData %c %" PRIu64 " records=%" PRIu64 " largest=%" PRIu32 "%s\n", "><"[i],
                    log -> tls_data[i].len_bytes, log->tls_data[i].records, log->tls_data[i].largest_bytes,
                    log->tls_data[i].early ? " early" : "");
        }
    }
}

static void print_fields_of(FILE *out, struct event_log *log, const Mitm__Record *r)
{
    switch ((int)r->event_case) {
    case MITM__RECORD__EVENT_PROTOCOL_DETECTED:
        fprintf(out, " %s", event_enum_name(&mitm__protocol__descriptor, r->protocol_detected->protocol));
        break;
    case MITM__RECORD__EVENT_VIOLATION:
        print_violation(out, log, r->violation);
        break;
    case MITM__RECORD__EVENT_WEB_SOCKET_MESSAGE:
        print_websocket_message(out, log, r->web_socket_message);
        break;
    case MITM__RECORD__EVENT_HTTP_REQUEST_START:
        print_request_start(out, r->http_request_start);
        break;
    case MITM__RECORD__EVENT_HTTP_RESPONSE_START:
        print_status(out, r->http_response_start->version, r->http_response_start->status,
                     r->http_response_start->reason);
        fprintf(out, " @%" PRIu64, r->http_response_start->offset_bytes);
        break;
    case MITM__RECORD__EVENT_HTTP_REQUEST_HEADERS:
        log->told_bytes[0] += r->http_request_headers->head_bytes;
        print_head(out, r->http_request_headers->head_bytes, r->http_request_headers->has_omitted,
                   r->http_request_headers->omitted, r->http_request_headers->headers,
                   r->http_request_headers->n_headers);
        break;
    case MITM__RECORD__EVENT_HTTP_RESPONSE_HEADERS:
        log->told_bytes[1] += r->http_response_headers->head_bytes;
        print_head(out, r->http_response_headers->head_bytes, r->http_response_headers->has_omitted,
                   r->http_response_headers->omitted, r->http_response_headers->headers,
                   r->http_response_headers->n_headers);
        break;
    case MITM__RECORD__EVENT_HTTP_INFORMATIONAL:
        log->told_bytes[1] += r->http_informational->head_bytes;
        print_status(out, r->http_informational->version, r->http_informational->status, r->http_informational->reason);
        print_head(out, r->http_informational->head_bytes, r->http_informational->has_omitted,
                   r->http_informational->omitted, r->http_informational->headers, r->http_informational->n_headers);
        break;
    case MITM__RECORD__EVENT_HTTP_REQUEST_END:
        print_end(out, r->http_request_end->body_bytes, r->http_request_end->cause, r->http_request_end->trailers,
                  r->http_request_end->n_trailers);
        break;
    case MITM__RECORD__EVENT_HTTP_RESPONSE_END:
        print_end(out, r->http_response_end->body_bytes, r->http_response_end->cause, r->http_response_end->trailers,
                  r->http_response_end->n_trailers);
        break;
    default:
        if (!print_http2(out, r) && !print_tls_event(out, r)) {
            assert(false && "an event that these decoders do not emit");
        }
    }
}

/* Get the figures of a body or OpaqueData event; return whether it is one. Its data are not copied. */
static bool get_figures(const Mitm__Record *r, struct event_log_entry *entry)
{
    ProtobufCBinaryData data = {0, NULL};
    if (r->event_case == MITM__RECORD__EVENT_OPAQUE_DATA) {
        entry->direction = r->opaque_data->direction;
        entry->len = r->opaque_data->len_bytes;
    } else if (r->event_case == MITM__RECORD__EVENT_HTTP_REQUEST_BODY) {
        const Mitm__HttpRequestBody *ev = r->http_request_body;
        entry->direction = MITM__DIRECTION__TO_SERVER;
        entry->offset = ev->offset_bytes;
        entry->len = ev->len_bytes;
        entry->has_chunks = ev->has_chunks;
        entry->chunks = ev->chunks;
        data = ev->has_data ? ev->data : data;
    } else if (r->event_case == MITM__RECORD__EVENT_HTTP_RESPONSE_BODY) {
        const Mitm__HttpResponseBody *ev = r->http_response_body;
        entry->direction = MITM__DIRECTION__TO_CLIENT;
        entry->offset = ev->offset_bytes;
        entry->len = ev->len_bytes;
        entry->has_chunks = ev->has_chunks;
        entry->chunks = ev->chunks;
        data = ev->has_data ? ev->data : data;
    } else {
        return false;
    }
    entry->data = data.data;
    entry->data_len = data.len;
    return true;
}

static bool belong_together(const struct event_log_entry *a, const struct event_log_entry *b)
{
    return !a->text && a->kind == b->kind && a->exchange == b->exchange && a->direction == b->direction &&
           a->has_chunks == b->has_chunks &&
           (a->exchange != 0 || a->kind == MITM__RECORD__EVENT_OPAQUE_DATA || b->offset == a->offset + a->len);
}

static void append_data(struct event_log_entry *entry, const uint8_t *data, size_t len)
{
    if (len > 0) {
        entry->data = realloc(entry->data, entry->data_len + len);
        assert(entry->data);
        memcpy(entry->data + entry->data_len, data, len);
        entry->data_len += len;
    }
}

static struct event_log_entry *new_entry(struct event_log *log)
{
    if (log->n == log->room) {
        log->room = log->room ? log->room * 2 : 16;
        log->entries = realloc(log->entries, log->room * sizeof *log->entries);
        assert(log->entries);
    }
    return &log->entries[log->n++];
}

static void add_figures(struct event_log *log, struct event_log_entry entry)
{
    const uint8_t *data = entry.data;
    size_t data_len = entry.data_len;
    entry.data = NULL;
    entry.data_len = 0;
    log->told_bytes[index_of(entry.direction)] += entry.len;
    if (entry.kind == MITM__RECORD__EVENT_OPAQUE_DATA) {
        log->opaque_bytes[index_of(entry.direction)] += entry.len;
    }
    struct event_log_entry *last = log->n > 0 ? &log->entries[log->n - 1] : NULL;
    if (last && belong_together(last, &entry)) {
        assert(entry.kind == MITM__RECORD__EVENT_OPAQUE_DATA || entry.offset == last->offset + last->len);
        assert(data_len == 0 || last->data_len == last->len); /* data are recorded without gaps */
        last->len += entry.len;
        last->chunks += entry.chunks;
    } else {
        last = new_entry(log);
        *last = entry;
    }
    append_data(last, data, data_len);
}

static void add_line(struct event_log *log, struct event_log_entry entry, const Mitm__Record *record)
{
    size_t len;
    FILE *out = open_memstream(&entry.text, &len);
    assert(out);
    fprintf(out, " %s", event_name(record));
    print_fields_of(out, log, record);
    fclose(out);
    *new_entry(log) = entry;
}

static void emit(void *ctx, Mitm__Record *record)
{
    struct event_log *log = ctx;
    struct event_log_entry entry = {.t_ns = record->t_ns, .kind = record->event_case, .exchange = record->exchange};
    assert(record->has_t_ns && !record->has_connection && (!record->has_exchange || record->exchange != 0));
    log->emitted++;
    size_t size = event_encoded_size(record);
    if (size > log->largest_bytes) {
        log->largest_bytes = size;
    }
    if (record->event_case == MITM__RECORD__EVENT_TLS_DATA) {
        add_tls_data(log, record->tls_data);
    } else if (get_figures(record, &entry)) {
        add_figures(log, entry);
    } else {
        add_line(log, entry, record);
    }
}

void event_log_init(struct event_log *log)
{
    *log = (struct event_log){.sink = {.emit = emit, .ctx = log}, .violation_offset = {UINT64_MAX, UINT64_MAX}};
}

void event_log_fini(struct event_log *log)
{
    for (size_t i = 0; i < log->n; i++) {
        free(log->entries[i].text);
        free(log->entries[i].data);
    }
    free(log->entries);
}

static void print_figures(FILE *out, const struct event_log_entry *entry)
{
    if (entry->kind == MITM__RECORD__EVENT_OPAQUE_DATA) {
        fprintf(out, " OpaqueData %c %" PRIu64, "><"[index_of(entry->direction)], entry -> len);
        return;
    }
    fprintf(out, " Http%sBody %" PRIu64 "+%" PRIu64,
            entry->kind == MITM__RECORD__EVENT_HTTP_REQUEST_BODY ? "Request" : "Response", entry->offset, entry->len);
    if (entry->has_chunks) {
        fprintf(out, " chunks=%" PRIu64, entry->chunks);
    }
    if (entry->data_len > 0) {
        print_bytes(out, (ProtobufCBinaryData){entry->data_len, entry->data});
    }
}

static void print_entry(FILE *out, const struct event_log_entry *entry)
{
    if (entry->text) {
        fprintf(out, "%" PRIu64, entry->t_ns);
    } else {
        fputc('*', out);
    }
    if (entry->exchange != 0) {
        fprintf(out, " %" PRIu32, entry->exchange);
    } else {
        fputs(" -", out);
    }
    if (entry->text) {
        fputs(entry->text, out);
    } else {
        print_figures(out, entry);
    }
    fputc('\n', out);
}

char *event_log_text(const struct event_log *log)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert(out);
    for (size_t i = 0; i < log->n; i++) {
        print_entry(out, &log->entries[i]);
    }
    print_tls_data(out, log);
    fclose(out);
    return text;
}
