#include "analyze/stats_protocols.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/words.h"

static void add_words(struct sheet *sheet, const char *words)
{
    sheet_text(sheet, (struct text){(const uint8_t *)words, words ? (uint32_t)strlen(words) : 0});
}

/* Add a name, or the code where it has none; 0 is not known. */
static void add_code(struct sheet *sheet, const char *name, const char *prefix, uint32_t code)
{
    char *text;
    size_t len;
    if (code == 0) {
        add_words(sheet, NULL);
        return;
    }
    FILE *out = open_memstream(&text, &len);
    if (!out)
        abort();
    words_print_code(out, name, prefix, code);
    if (fclose(out) != 0)
        abort();
    add_words(sheet, text);
    free(text);
}

/* ---------------------------------------------------------------- connections */

static void add_protocol(struct sheet *sheet, const struct measure_subject *s)
{
    char protocol[WORDS_PROTOCOL_BYTES];
    words_connection_protocol(protocol, s->session, s->connection);
    add_words(sheet, protocol[0] ? protocol : NULL);
}

static void add_version(struct sheet *sheet, const struct measure_subject *s)
{
    uint32_t version = s->connection->tls ? s->connection->tls->version : 0;
    add_code(sheet, words_tls_version(version), "", version);
}

static void add_cipher_suite(struct sheet *sheet, const struct measure_subject *s)
{
    uint32_t suite = s->connection->tls ? s->connection->tls->cipher_suite : 0;
    add_code(sheet, words_tls_cipher_suite(suite), "", suite);
}

static void add_group(struct sheet *sheet, const struct measure_subject *s)
{
    uint32_t group = s->connection->tls ? s->connection->tls->group : 0;
    add_code(sheet, words_tls_group(group), "", group);
}

static void add_resumed(struct sheet *sheet, const struct measure_subject *s)
{
    const struct model_tls *tls = s->connection->tls;
    add_words(sheet, !tls || !tls->has_resumed ? NULL : tls->resumed ? "yes" : "no");
}

static void add_server_name(struct sheet *sheet, const struct measure_subject *s)
{
    sheet_text(sheet, s->connection->tls ? s->connection->tls->server_name : (struct text){0});
}

static void add_alpn(struct sheet *sheet, const struct measure_subject *s)
{
    sheet_text(sheet, s->connection->tls ? s->connection->tls->alpn : (struct text){0});
}

static void add_handshake(struct sheet *sheet, const struct measure_subject *s)
{
    const struct model_tls *tls = s->connection->tls;
    add_words(sheet, !tls || tls->end_ns == MODEL_NONE ? NULL : tls->end_inferred ? "inferred" : "exact");
}

static void add_decrypted(struct sheet *sheet, const struct measure_subject *s)
{
    const struct model_tls *tls = s->connection->tls;
    add_words(sheet, !tls ? NULL : !tls->decrypted ? "no" : tls->failure != 0 ? "in part" : "yes");
}

static void add_resets(struct sheet *sheet, const struct measure_subject *s)
{
    sheet_number(sheet, s->connection->http2 ? (double)s->connection->http2->resets : (double)NAN);
}

static void add_pushes(struct sheet *sheet, const struct measure_subject *s)
{
    sheet_number(sheet, s->connection->http2 ? (double)s->connection->http2->pushes : (double)NAN);
}

/* ---------------------------------------------------------------- requests */

static void add_stream(struct sheet *sheet, const struct measure_subject *s)
{
    const struct model_h2 *h2 = s->exchange->h2;
    sheet_number(sheet, h2 && h2->stream != 0 ? (double)h2->stream : (double)NAN);
}

static void add_scheme(struct sheet *sheet, const struct measure_subject *s)
{
    sheet_text(sheet, s->exchange->h2 ? s->exchange->h2->scheme : (struct text){0});
}

static void add_authority(struct sheet *sheet, const struct measure_subject *s)
{
    sheet_text(sheet, s->exchange->h2 ? s->exchange->h2->authority : (struct text){0});
}

static void add_pushed(struct sheet *sheet, const struct measure_subject *s)
{
    const struct model_h2 *h2 = s->exchange->h2;
    add_words(sheet, !h2 || h2->stream == 0 ? NULL : h2->pushed ? "yes" : "no");
}

static bool was_reset(const struct model_exchange *x)
{
    return x->h2 && x->h2->reset_ns != MODEL_NONE;
}

static void add_reset_by(struct sheet *sheet, const struct measure_subject *s)
{
    bool client = was_reset(s->exchange) && s->exchange->h2->reset_direction == MODEL_TO_SERVER;
    add_words(sheet, !was_reset(s->exchange) ? NULL : client ? "client" : "server");
}

static void add_reset_error(struct sheet *sheet, const struct measure_subject *s)
{
    sheet_number(sheet, was_reset(s->exchange) ? (double)s->exchange->h2->reset_error : (double)NAN);
}

/* ---------------------------------------------------------------- the columns */

static const struct stats_protocol columns[] = {
    {{"protocol", "protocol", TABLE_WORDS}, MEASURE_OF_CONNECTION, true, add_protocol},
    {{"tls_version", "TLS version", TABLE_WORDS}, MEASURE_OF_CONNECTION, false, add_version},
    {{"cipher_suite", "cipher suite", TABLE_WORDS}, MEASURE_OF_CONNECTION, false, add_cipher_suite},
    {{"group", "group", TABLE_WORDS}, MEASURE_OF_CONNECTION, false, add_group},
    {{"resumed", "resumed", TABLE_WORDS}, MEASURE_OF_CONNECTION, false, add_resumed},
    {{"server_name", "server name", TABLE_WORDS}, MEASURE_OF_CONNECTION, false, add_server_name},
    {{"alpn", "ALPN", TABLE_WORDS}, MEASURE_OF_CONNECTION, false, add_alpn},
    {{"handshake", "handshake", TABLE_WORDS}, MEASURE_OF_CONNECTION, false, add_handshake},
    {{"decrypted", "decrypted", TABLE_WORDS}, MEASURE_OF_CONNECTION, false, add_decrypted},
    {{"http2_resets", "resets", TABLE_COUNT}, MEASURE_OF_CONNECTION, true, add_resets},
    {{"http2_pushes", "pushes", TABLE_COUNT}, MEASURE_OF_CONNECTION, true, add_pushes},
    {{"protocol", "protocol", TABLE_WORDS}, MEASURE_OF_REQUEST, true, add_protocol},
    {{"stream", "stream", TABLE_COUNT}, MEASURE_OF_REQUEST, true, add_stream},
    {{"scheme", "scheme", TABLE_WORDS}, MEASURE_OF_REQUEST, true, add_scheme},
    {{"authority", "authority", TABLE_WORDS}, MEASURE_OF_REQUEST, true, add_authority},
    {{"pushed", "pushed", TABLE_WORDS}, MEASURE_OF_REQUEST, true, add_pushed},
    {{"reset_by", "reset by", TABLE_WORDS}, MEASURE_OF_REQUEST, true, add_reset_by},
    {{"reset_error", "reset error", TABLE_COUNT}, MEASURE_OF_REQUEST, true, add_reset_error},
};

size_t stats_protocols_count(void)
{
    return sizeof columns / sizeof *columns;
}

const struct stats_protocol *stats_protocols_get(size_t index)
{
    assert(index < stats_protocols_count());
    return &columns[index];
}

bool stats_protocols_occur(const struct stats_protocol *column, enum measure_level level, unsigned present)
{
    unsigned wanted = 1u << MEASURE_WITH_TLS | (column->without_tls ? 1u << MEASURE_WITH_HTTP2 : 0);
    return column->level == level && (present & wanted) != 0;
}
