/* Words for TLS, HTTP/2 and WebSocket. */
#include <inttypes.h>
#include <string.h>

#include "analyze/metrics.h"
#include "analyze/model.h"
#include "analyze/words.h"
#include "base/suites.h"

#define LOOK_UP(table, index) ((index) < sizeof(table) / sizeof *(table) ? (table)[index] : NULL)

/* A code with gaps between its values. */
struct named {
    uint32_t code;
    const char *name;
};

static const char *find(const struct named *table, size_t n, uint32_t code)
{
    for (size_t i = 0; i < n; i++) {
        if (table[i].code == code)
            return table[i].name;
    }
    return NULL;
}

#define FIND(table, code) find(table, sizeof(table) / sizeof *(table), code)

const char *words_tls_version(uint32_t version)
{
    static const struct named table[] = {
        {0x0300, "SSL 3.0"}, {0x0301, "TLS 1.0"}, {0x0302, "TLS 1.1"}, {0x0303, "TLS 1.2"}, {0x0304, "TLS 1.3"}};
    return FIND(table, version);
}

const char *words_tls_cipher_suite(uint32_t suite)
{
    return suites_name(suite);
}

const char *words_tls_group(uint32_t group)
{
    static const struct named table[] = {
        {0x0017, "secp256r1"},
        {0x0018, "secp384r1"},
        {0x0019, "secp521r1"},
        {0x001d, "x25519"},
        {0x001e, "x448"},
        {0x0100, "ffdhe2048"},
        {0x0101, "ffdhe3072"},
        {0x0102, "ffdhe4096"},
        {0x11eb, "SecP256r1MLKEM768"},
        {0x11ec, "X25519MLKEM768"},
        {0x11ed, "SecP384r1MLKEM1024"},
        {0x6399, "X25519Kyber768Draft00"},
    };
    return FIND(table, group);
}

const char *words_tls_alert(uint32_t description)
{
    static const struct named table[] = {
        {0, "close_notify"},
        {10, "unexpected_message"},
        {20, "bad_record_mac"},
        {21, "decryption_failed"},
        {22, "record_overflow"},
        {30, "decompression_failure"},
        {40, "handshake_failure"},
        {41, "no_certificate"},
        {42, "bad_certificate"},
        {43, "unsupported_certificate"},
        {44, "certificate_revoked"},
        {45, "certificate_expired"},
        {46, "certificate_unknown"},
        {47, "illegal_parameter"},
        {48, "unknown_ca"},
        {49, "access_denied"},
        {50, "decode_error"},
        {51, "decrypt_error"},
        {60, "export_restriction"},
        {70, "protocol_version"},
        {71, "insufficient_security"},
        {80, "internal_error"},
        {86, "inappropriate_fallback"},
        {90, "user_canceled"},
        {100, "no_renegotiation"},
        {109, "missing_extension"},
        {110, "unsupported_extension"},
        {111, "certificate_unobtainable"},
        {112, "unrecognized_name"},
        {113, "bad_certificate_status_response"},
        {114, "bad_certificate_hash_value"},
        {115, "unknown_psk_identity"},
        {116, "certificate_required"},
        {120, "no_application_protocol"},
        {121, "ech_required"},
    };
    return FIND(table, description);
}

const char *words_tls_decryption(uint32_t status)
{
    static const char *const table[] = {
        [MITM__TLS_DECRYPTION_STATUS__DECRYPTED] = "decrypted",
        [MITM__TLS_DECRYPTION_STATUS__NO_KEYS] = "no keys came",
        [MITM__TLS_DECRYPTION_STATUS__KEYS_TOO_LATE] = "keys came too late",
        [MITM__TLS_DECRYPTION_STATUS__KEYS_INCOMPLETE] = "some keys never came",
        [MITM__TLS_DECRYPTION_STATUS__DECRYPTION_FAILED] = "keys are wrong, or records missing",
        [MITM__TLS_DECRYPTION_STATUS__NOT_SUPPORTED] = "version or cipher suite not supported",
    };
    return LOOK_UP(table, status);
}

const char *words_http2_error(uint32_t code)
{
    static const char *const table[] = {"NO_ERROR",
                                        "PROTOCOL_ERROR",
                                        "INTERNAL_ERROR",
                                        "FLOW_CONTROL_ERROR",
                                        "SETTINGS_TIMEOUT",
                                        "STREAM_CLOSED",
                                        "FRAME_SIZE_ERROR",
                                        "REFUSED_STREAM",
                                        "CANCEL",
                                        "COMPRESSION_ERROR",
                                        "CONNECT_ERROR",
                                        "ENHANCE_YOUR_CALM",
                                        "INADEQUATE_SECURITY",
                                        "HTTP_1_1_REQUIRED"};
    return LOOK_UP(table, code);
}

const char *words_websocket_opcode(uint32_t opcode)
{
    static const char *const table[] = {
        [0] = "continuation", [1] = "text", [2] = "binary", [8] = "close", [9] = "ping", [10] = "pong"};
    return LOOK_UP(table, opcode);
}

void words_print_code(FILE *out, const char *name, const char *prefix, uint32_t code)
{
    if (name)
        fputs(name, out);
    else
        fprintf(out, "%s%04" PRIX32, prefix, code);
}

/* ---------------------------------------------------------------- what a connection speaks */

/* "HTTP/1.1", as its first request says. */
static const char *http1(const struct model_session *session, const struct model_connection *c)
{
    const struct model_exchange *x = model_first_exchange(session, c);
    struct text version = x ? x->request.version : (struct text){0};
    if (version.len == 3 && memcmp(version.data, "1.1", 3) == 0)
        return "HTTP/1.1";
    return version.len == 3 && memcmp(version.data, "1.0", 3) == 0 ? "HTTP/1.0" : "HTTP/1";
}

static const char *name_of(const struct model_session *session, const struct model_connection *c, uint32_t protocol)
{
    if (protocol != MITM__PROTOCOL__HTTP1)
        return words_protocol(protocol);
    return c->http2 ? "HTTP/1.1 and HTTP/2" : http1(session, c);
}

const char *words_connection_protocol(char to[WORDS_PROTOCOL_BYTES], const struct model_session *session,
                                      const struct model_connection *c)
{
    const struct model_tls *tls = c->tls;
    if (!tls) {
        const char *name = name_of(session, c, c->protocol);
        snprintf(to, WORDS_PROTOCOL_BYTES, "%s", name ? name : "");
        return to;
    }
    const char *inner = c->inner_protocol_ns != MODEL_NONE ? name_of(session, c, c->inner_protocol) : NULL;
    const char *version = words_tls_version(tls->version);
    bool not_decrypted = (session->decrypted || tls->failure != 0) && metrics_hidden(c) && !tls->decrypted;
    bool in_part = tls->decrypted && tls->failure != 0;
    const char *how = not_decrypted ? " (not decrypted)" : in_part ? " (decrypted in part)" : "";
    snprintf(to, WORDS_PROTOCOL_BYTES, "%s%s%s%s", inner ? inner : "", inner ? " over " : "", version ? version : "TLS",
             how);
    return to;
}
