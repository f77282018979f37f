/* The appendix of a report on paper: TLS, HTTP/2 and WebSocket. */
#include <inttypes.h>

#include "analyze/format.h"
#include "analyze/metrics.h"
#include "analyze/words.h"
#include "report/pdf_parts.h"

enum { MOST_ROWS = 20000 };

/* Begin a row: the connection's number, which leads to the table of connections. */
static void add_id(struct grid *grid, const struct model_connection *connection)
{
    grid_printf(grid, "%" PRIu32, connection->id);
    grid_link(grid, "connection-%" PRIu32, connection->id);
}

/* Add what `text`, which is ended, says. */
static void add_written(struct grid *grid, struct pdf_text *text)
{
    struct figure_text value = pdf_text(text);
    grid_bytes(grid, value.bytes, value.len_bytes);
    pdf_text_end(text);
}

/* Return the connection number `i` of the selection. */
static const struct model_connection *selected(const struct chapter *chapter, size_t i)
{
    return model_connection(chapter->session, chapter->selection.connections[i]);
}

/* ---------------------------------------------------------------- TLS */

/* "TLS 1.3, TLS_AES_128_GCM_SHA256, x25519, resumed, early data accepted" */
static void add_parameters(struct grid *grid, const struct model_tls *tls)
{
    struct pdf_text text;
    pdf_text_begin(&text);
    FILE *out = text.out;
    if (tls->version == 0)
        fputs("not agreed", out);
    else
        words_print_code(out, words_tls_version(tls->version), "version ", tls->version);
    if (tls->cipher_suite != 0) {
        fputs(", ", out);
        words_print_code(out, words_tls_cipher_suite(tls->cipher_suite), "suite ", tls->cipher_suite);
    }
    if (tls->group != 0) {
        fputs(", ", out);
        words_print_code(out, words_tls_group(tls->group), "group ", tls->group);
    }
    if (tls->has_resumed && tls->resumed)
        fputs(", resumed", out);
    if (tls->has_early_data_accepted)
        fputs(tls->early_data_accepted ? ", early data accepted" : ", early data refused", out);
    else if (tls->early_bytes > 0)
        fputs(", early data", out);
    if (tls->ech)
        fputs(", ECH (or GREASE)", out);
    add_written(grid, &text);
}

/* Add the time of the handshake, or why it failed. "≈": its end is inferred. */
static void add_handshake(struct grid *grid, const struct model_connection *c)
{
    const struct model_tls *tls = c->tls;
    char buffer[FORMAT_BYTES];
    int64_t ns = metrics_tls_ns(c);
    struct pdf_text text;
    pdf_text_begin(&text);
    if (tls->end_ns == MODEL_NONE)
        fputs(model_connection_open(c) ? "not complete" : "failed", text.out);
    else if (ns != MODEL_NONE)
        fprintf(text.out, "%s%s", tls->end_inferred ? "≈ " : "", format_duration(buffer, ns));
    for (int direction = 0; direction < MODEL_DIRECTIONS; direction++) {
        const struct model_alert *alert = &tls->alerts[direction];
        const char *words = words_tls_alert(alert->description);
        if (alert->t_ns != MODEL_NONE && model_alert_fatal(alert))
            fprintf(text.out, "; alert of the %s: %s", direction == MODEL_TO_SERVER ? "client" : "server",
                    words ? words : "unknown");
    }
    add_written(grid, &text);
}

static void add_decryption(struct grid *grid, const struct model_tls *tls)
{
    const char *words = words_tls_decryption(tls->failure);
    if (tls->failure == 0)
        grid_printf(grid, "%s", tls->decrypted ? "yes" : "no");
    else
        grid_printf(grid, "%s: %s", tls->decrypted ? "in part" : "no", words ? words : "unknown");
}

static void add_tls(const struct chapter *chapter)
{
    static const struct paper_column columns[] = {PDF_RIGHT("Id"),  PDF_LEFT("Server name"), PDF_LEFT("Agreed"),
                                                  PDF_LEFT("ALPN"), PDF_LEFT("Handshake"),   PDF_LEFT("Decrypted")};
    struct grid *grid = grid_new(columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < chapter->selection.count && grid_rows(grid) < MOST_ROWS; i++) {
        const struct model_connection *c = selected(chapter, i);
        if (!c->tls)
            continue;
        add_id(grid, c);
        grid_text(grid, c->tls->server_name);
        add_parameters(grid, c->tls);
        grid_text(grid, c->tls->alpn);
        add_handshake(grid, c);
        add_decryption(grid, c->tls);
    }
    grid_add(grid, chapter->paper, "TLS; ≈: the end of the handshake is inferred, since it is encrypted");
}

/* ---------------------------------------------------------------- HTTP/2, WebSocket */

static void add_stalls(struct grid *grid, const struct chapter *chapter, const struct model_connection *c)
{
    int64_t ns = c->http2->stalled_ns[MODEL_TO_CLIENT];
    uint64_t stalls = c->http2->stalls[MODEL_TO_CLIENT];
    char count[FORMAT_BYTES], duration[FORMAT_BYTES];
    for (const struct model_exchange *x = model_first_exchange(chapter->session, c); x;
         x = model_next_exchange(chapter->session, x)) {
        if (!x->h2 || x->h2->stalls[MODEL_TO_CLIENT] == 0)
            continue;
        stalls = rate_sum(stalls, x->h2->stalls[MODEL_TO_CLIENT]);
        ns = model_number(rate_sum((uint64_t)ns, (uint64_t)x->h2->stalled_ns[MODEL_TO_CLIENT]));
    }
    if (stalls == 0)
        grid_printf(grid, "0");
    else
        grid_printf(grid, "%s: %s", format_count(count, stalls), format_duration(duration, ns));
}

static void add_http2(const struct chapter *chapter)
{
    static const struct paper_column columns[] = {PDF_RIGHT("Id"),     PDF_RIGHT("Streams"),   PDF_RIGHT("Pushed"),
                                                  PDF_RIGHT("Resets"), PDF_RIGHT("Held back"), PDF_RIGHT("Mean ping"),
                                                  PDF_LEFT("GOAWAY")};
    struct grid *grid = grid_new(columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < chapter->selection.count && grid_rows(grid) < MOST_ROWS; i++) {
        const struct model_connection *c = selected(chapter, i);
        if (!c->http2)
            continue;
        add_id(grid, c);
        grid_count(grid, c->exchange_count);
        grid_count(grid, c->http2->pushes);
        grid_count(grid, c->http2->resets);
        add_stalls(grid, chapter, c);
        grid_duration(grid, metrics_ping_ns(c));
        int sender = c->http2->go_away_ns[MODEL_TO_CLIENT] != MODEL_NONE ? MODEL_TO_CLIENT : MODEL_TO_SERVER;
        const char *words = words_http2_error(c->http2->go_away_error[sender]);
        if (c->http2->go_away_ns[sender] == MODEL_NONE)
            grid_printf(grid, "–");
        else
            grid_printf(grid, "of the %s: %s", sender == MODEL_TO_CLIENT ? "server" : "client",
                        words ? words : "unknown");
    }
    grid_add(grid, chapter->paper, "HTTP/2; held back: data to the client, by flow control, summed over streams");
}

static void add_web_sockets(const struct chapter *chapter)
{
    static const struct paper_column columns[] = {PDF_RIGHT("Id"),       PDF_LEFT("Target"),
                                                  PDF_RIGHT("Sent"),     PDF_RIGHT("Bytes sent"),
                                                  PDF_RIGHT("Received"), PDF_RIGHT("Bytes received")};
    struct grid *grid = grid_new(columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < chapter->selection.count; i++) {
        const struct model_connection *c = selected(chapter, i);
        for (const struct model_exchange *x = model_first_exchange(chapter->session, c);
             x && grid_rows(grid) < MOST_ROWS; x = model_next_exchange(chapter->session, x)) {
            const struct model_messages *messages = x->h2 ? x->h2->messages : NULL;
            if (!messages || messages[MODEL_TO_SERVER].count + messages[MODEL_TO_CLIENT].count == 0)
                continue;
            add_id(grid, c);
            grid_text(grid, x->target);
            for (int direction = 0; direction < MODEL_DIRECTIONS; direction++) {
                grid_count(grid, messages[direction].count);
                grid_size(grid, model_number(messages[direction].bytes));
            }
        }
    }
    grid_add(grid, chapter->paper, "WebSocket: messages, control frames included");
}

void pdf_protocols(const struct chapter *chapter)
{
    add_tls(chapter);
    add_http2(chapter);
    add_web_sockets(chapter);
}
