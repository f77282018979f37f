/* The lines of TLS, HTTP/2 and WebSocket. */
#include <inttypes.h>

#include "analyze/connections_parts.h"
#include "analyze/format.h"
#include "analyze/metrics.h"
#include "analyze/words.h"

static const char *const directions[MODEL_DIRECTIONS] = {"to server", "to client"};

/* "REFUSED_STREAM (7)" */
static void put_code(struct connections_lines *lines, const char *name, uint32_t code)
{
    fprintf(lines->value, "%s (%" PRIu32 ")", name ? name : "unknown code", code);
}

/* ---------------------------------------------------------------- TLS */

static void add_hellos(struct connections_lines *lines, const struct model_tls *tls)
{
    if (connections_begin(lines, tls->client_hello_ns, "TlsClientHello", NULL)) {
        if (tls->server_name.data)
            connections_put(lines, tls->server_name);
        else
            fputs("no server name", lines->value);
        if (tls->offered_alpn.len > 0) {
            fputs("; ", lines->value);
            connections_put(lines, tls->offered_alpn);
        }
        fprintf(lines->value, "%s%s%s", tls->resumption_offered ? "; resumption" : "",
                tls->early_data_offered ? "; early data" : "", tls->ech ? "; encrypted ClientHello, or GREASE" : "");
        connections_end(lines);
    }
    connections_add(lines, tls->retry_ns, "TlsHelloRetryRequest", "%s", "");
    if (connections_begin(lines, tls->server_hello_ns, "TlsServerHello", NULL)) {
        words_print_code(lines->value, words_tls_version(tls->version), "version ", tls->version);
        fputs(", ", lines->value);
        words_print_code(lines->value, words_tls_cipher_suite(tls->cipher_suite), "cipher suite ", tls->cipher_suite);
        if (tls->group != 0) {
            fputs(", ", lines->value);
            words_print_code(lines->value, words_tls_group(tls->group), "group ", tls->group);
        }
        connections_end(lines);
    }
}

static void add_handshake_end(struct connections_lines *lines, const struct model_connection *c)
{
    const struct model_tls *tls = c->tls;
    char duration[FORMAT_BYTES];
    if (!connections_begin(lines, tls->end_ns, "TlsHandshakeEnd", NULL))
        return;
    fputs(tls->end_inferred ? "inferred" : "exact", lines->value);
    if (metrics_tls_ns(c) != MODEL_NONE)
        fprintf(lines->value, ", after %s", format_seconds(duration, metrics_tls_ns(c)));
    if (tls->has_resumed)
        fputs(tls->resumed ? ", resumed" : ", not resumed", lines->value);
    if (tls->alpn.len > 0) {
        fputs(", ", lines->value);
        connections_put(lines, tls->alpn);
    }
    if (tls->has_early_data_accepted)
        fputs(tls->early_data_accepted ? ", early data accepted" : ", early data refused", lines->value);
    connections_end(lines);
}

static void add_alert(struct connections_lines *lines, const struct model_alert *alert, int direction)
{
    if (!connections_begin(lines, alert->t_ns, "TlsAlert", NULL))
        return;
    fprintf(lines->value, "%s: ", directions[direction]);
    if (alert->readable)
        put_code(lines, words_tls_alert(alert->description), alert->description);
    else
        fputs("encrypted", lines->value);
    connections_end(lines);
}

static void add_decryption(struct connections_lines *lines, const struct model_tls *tls)
{
    const char *words = words_tls_decryption(tls->failure);
    if (!connections_begin(lines, tls->failure_ns, "TlsDecryption", NULL))
        return;
    fprintf(lines->value, "%s: %s", tls->decrypted ? "no longer decrypted" : "not decrypted",
            words ? words : "unknown");
    if (tls->failure_detail.len > 0) {
        fputs(" (", lines->value);
        connections_put(lines, tls->failure_detail);
        putc(')', lines->value);
    }
    connections_end(lines);
}

static void add_turn(struct connections_lines *lines, const struct model_connection *c, const struct model_turn *turn)
{
    char bytes[FORMAT_BYTES], duration[FORMAT_BYTES];
    if (!connections_begin(lines, turn->request_first_ns, "Turn (inferred)", NULL))
        return;
    fprintf(lines->value, "%s bytes to server", format_count(bytes, turn->request_bytes));
    if (turn->response_first_ns == MODEL_NONE)
        fputs(", not answered", lines->value);
    else
        fprintf(lines->value, ", %s to client", format_count(bytes, turn->response_bytes));
    int64_t waiting_ns = metrics_turn_waiting_ns(c, turn), transfer_ns = metrics_turn_transfer_ns(c, turn);
    if (waiting_ns != MODEL_NONE)
        fprintf(lines->value, "; waiting %s", format_seconds(duration, waiting_ns));
    if (transfer_ns != MODEL_NONE)
        fprintf(lines->value, ", transfer %s", format_seconds(duration, transfer_ns));
    connections_end(lines);
}

static void add_tls(struct connections_lines *lines, const struct model_connection *c)
{
    const struct model_tls *tls = c->tls;
    add_hellos(lines, tls);
    add_handshake_end(lines, c);
    for (int direction = 0; direction < MODEL_DIRECTIONS; direction++)
        add_alert(lines, &tls->alerts[direction], direction);
    add_decryption(lines, tls);
    for (size_t i = 0; !tls->decrypted && tls->turns && i < tls->turns->count; i++)
        add_turn(lines, c, &tls->turns->turns[i]);
}

/* ---------------------------------------------------------------- HTTP/2 and WebSocket */

void connections_add_protocols(struct connections_lines *lines, const struct model_connection *c)
{
    const char *inner = words_protocol(c->inner_protocol);
    if (c->tls)
        add_tls(lines, c);
    connections_add(lines, c->inner_protocol_ns, "ProtocolDetected", "%s within TLS", inner ? inner : "unknown");
    for (int direction = 0; c->http2 && direction < MODEL_DIRECTIONS; direction++) {
        if (!connections_begin(lines, c->http2->go_away_ns[direction], "Http2GoAway", NULL))
            continue;
        fprintf(lines->value, "%s: ", directions[direction]);
        put_code(lines, words_http2_error(c->http2->go_away_error[direction]), c->http2->go_away_error[direction]);
        connections_end(lines);
    }
}

void connections_put_number(struct connections_lines *lines, const struct model_exchange *x)
{
    if (x->h2 && x->h2->stream > 0)
        fprintf(lines->value, ", stream %" PRIu32, x->h2->stream);
}

void connections_put_stream(struct connections_lines *lines, const struct model_exchange *x)
{
    connections_put_number(lines, x);
    if (!x->h2 || x->h2->stream == 0)
        return;
    if (x->h2->authority.len > 0) {
        fputs(" of ", lines->value);
        connections_put(lines, x->h2->authority);
    }
    fputs(x->h2->pushed ? ", pushed" : "", lines->value);
}

void connections_add_stream(struct connections_lines *lines, const struct model_exchange *x)
{
    char count[FORMAT_BYTES], bytes[FORMAT_BYTES], until[FORMAT_BYTES];
    const struct model_h2 *h2 = x->h2;
    if (!h2)
        return;
    if (connections_begin(lines, h2->reset_ns, "Http2Reset", NULL)) {
        fprintf(lines->value, "%s, stream %" PRIu32 ": ", directions[h2->reset_direction], h2->stream);
        put_code(lines, words_http2_error(h2->reset_error), h2->reset_error);
        connections_end(lines);
    }
    for (int direction = 0; direction < MODEL_DIRECTIONS; direction++) {
        const struct model_messages *messages = &h2->messages[direction];
        if (messages->count > 0)
            connections_add(lines, messages->first_ns, "WebSocketMessage", "%s: %s %s, %s bytes, until %s",
                            directions[direction], format_count(count, messages->count),
                            messages->count == 1 ? "message" : "messages", format_count(bytes, messages->bytes),
                            format_moment(until, messages->last_ns));
    }
}
