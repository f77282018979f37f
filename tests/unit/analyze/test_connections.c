#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/connections.h"
#include "analyze/load.h"
#include "scene_tls.h"

/* Return what is printed of a session's connection; the caller frees it. */
static char *print(const struct model *model, size_t connection, bool all_headers)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    cr_assert_not_null(out);
    const struct model_session *session = model_session(model, 0);
    connections_print(out, session, model_connection(session, connection), all_headers);
    fclose(out);
    return text;
}

/* Connection 435 of the article of 23 September 2011, as it was printed there. */
Test(connections, of_the_article)
{
    struct model *model = model_new(&(struct model_options){0});
    static const char *const paths[] = {SAMPLES "/article.mitm"};
    cr_assert_eq(load_files(model, paths, 1), 0);
    cr_assert_eq(model_session_count(model), 1);
    char *text = print(model, 0, false);
    cr_expect_str_eq(text,
                     "435  freedomboxblog.nl  80  (open)\n"
                     "000.249  SocksRequestStart    freedomboxblog.nl\n"
                     "001.291  SocksResponseEnd     freedomboxblog.nl\n"
                     "001.292  HttpRequestStart     GET / HTTP/1.1\n"
                     "004.293  HttpResponseStart    HTTP/1.1 200 OK\n"
                     "005.332  HttpResponseEnd      20522\n"
                     "005.333  HttpRequestStart     GET /wp-includes/js/l10n.js?ver=20101110 HTTP/1.1\n"
                     "007.318  HttpResponseStart    HTTP/1.1 200 OK\n"
                     "007.318  HttpResponseEnd      221\n"
                     "010.390  HttpRequestStart     GET /wp-content/themes/graphene/images/sprite_h.png HTTP/1.1\n"
                     "012.338  HttpResponseStart    HTTP/1.1 200 OK\n"
                     "012.338  HttpResponseEnd      1378\n");
    free(text);
    model_free(model);
}

Test(connections, everything_else_that_matters)
{
    struct model *model = model_new(&(struct model_options){.keep_headers = true});
    struct event_sink sink = scene_to_model(model);
    scene_connection_start(&sink, 1, 1);
    EVENT_NEW(offered, offered_ev, 2000000, SocksMethodsOffered, SOCKS_METHODS_OFFERED, socks_methods_offered);
    EVENT_SET_BYTES(offered_ev, methods, "\x00\x02\x80", 3);
    offered.has_connection = true;
    offered.connection = 1;
    event_emit(&sink, &offered);
    EVENT_NEW(chosen, chosen_ev, 3000000, SocksMethodChosen, SOCKS_METHOD_CHOSEN, socks_method_chosen);
    EVENT_SET(chosen_ev, method, 2);
    chosen.has_connection = true;
    chosen.connection = 1;
    event_emit(&sink, &chosen);
    scene_socks(&sink, 1, 4, 1, "evil\x1b[31m.example", 80);
    scene_reply(&sink, 1, 5, 0);
    scene_request(&sink, 1, 1, 6, "/a\r\nb");
    scene_request_head(&sink, 1, 1, 6);
    scene_opaque(&sink, 1, 7, MITM__DIRECTION__TO_CLIENT, 1000);
    scene_opaque(&sink, 1, 9, MITM__DIRECTION__TO_CLIENT, 234);
    EVENT_NEW(violation, violation_ev, 7000000, Violation, VIOLATION, violation);
    EVENT_SET(violation_ev, kind, MITM__VIOLATION_KIND__HTTP_START_LINE);
    EVENT_SET(violation_ev, direction, MITM__DIRECTION__TO_CLIENT);
    EVENT_SET(violation_ev, offset_bytes, 0);
    violation_ev.detail = (char[]){"not HTTP"};
    violation.has_connection = true;
    violation.connection = 1;
    event_emit(&sink, &violation);
    scene_connection_end(&sink, 1, 10, MITM__END_CAUSE__RESET);
    char *text = print(model, 0, true);
    cr_expect_str_eq(text, "1  evil\\x1B[31m.example  80  (closed)\n"
                           "000.001  ConnectionStart      127.0.0.1:40000\n"
                           "000.002  SocksMethodsOffered  no authentication, user name and password, method 80\n"
                           "000.003  SocksMethodChosen    user name and password\n"
                           "000.004  SocksRequestStart    evil\\x1B[31m.example\n"
                           "000.005  SocksResponseEnd     evil\\x1B[31m.example\n"
                           "000.006  HttpRequestStart     GET /a\\x0D\\x0Ab HTTP/1.1\n"
                           "           Host: a.example\\x0D\\x0A evil\\x1B[2J\n"
                           "000.007  OpaqueData           to client: 1,234 bytes in 2 pieces, until 000.009\n"
                           "000.007  Violation            to client: bad HTTP start line at byte 0: not HTTP\n"
                           "000.010  ConnectionEnd        reset; 100 bytes to server, 1,234 to client\n");
    free(text);
    model_free(model);
}

Test(connections, failures_in_words)
{
    struct model *model = model_new(&(struct model_options){0});
    struct event_sink sink = scene_to_model(model);
    scene_socks(&sink, 1, 1, 1, "x.onion", 80);
    scene_reply(&sink, 1, 2, 0xF6);
    scene_socks(&sink, 2, 3, 0xF0, "name.example", 0);
    EVENT_NEW(reply, reply_ev, 4000000, SocksResponseEnd, SOCKS_RESPONSE_END, socks_response_end);
    EVENT_SET(reply_ev, reply, 0);
    EVENT_SET_BYTES(reply_ev, bound_address, "192.0.2.7", 9);
    reply.has_connection = true;
    reply.connection = 2;
    event_emit(&sink, &reply);
    char *text = print(model, 0, false);
    cr_expect_str_eq(text, "1  x.onion  80  (open)\n"
                           "000.001  SocksRequestStart    x.onion\n"
                           "000.002  SocksResponseEnd     onion service address invalid (F6)\n");
    free(text);
    text = print(model, 1, false);
    cr_expect_str_eq(text, "2  name.example  0  (open)\n"
                           "000.003  SocksRequestStart    RESOLVE name.example\n"
                           "000.004  SocksResponseEnd     192.0.2.7\n");
    free(text);
    model_free(model);
}

Test(connections, delays_and_rate_limits)
{
    struct model *model = model_new(&(struct model_options){0});
    struct event_sink sink = scene_to_model(model);
    scene_socks(&sink, 1, 100, 1, "a.example", 80);
    scene_delay(&sink, 1, 0, 100, 400);
    scene_reply(&sink, 1, 450, 0);
    scene_request(&sink, 1, 1, 500, "/");
    scene_delay(&sink, 1, 1, 500, 700);
    scene_rate_limited(&sink, 1, MITM__DIRECTION__TO_CLIENT, 800, 900);
    scene_rate_limited(&sink, 1, MITM__DIRECTION__TO_CLIENT, 1800, 1950);
    char *text = print(model, 0, false);
    cr_expect_str_eq(text,
                     "1  a.example  80  (open)\n"
                     "000.100  SocksRequestStart    a.example\n"
                     "000.400  Delay                held back for 0.300 s, as set\n"
                     "000.450  SocksResponseEnd     a.example\n"
                     "000.500  HttpRequestStart     GET / HTTP/1.1\n"
                     "000.700  Delay                held back for 0.200 s, as set\n"
                     "000.800  RateLimited          to client: held back for 0.250 s in all, until 001.950, as set\n");
    free(text);
    model_free(model);
}

static const Mitm__Direction UP = MITM__DIRECTION__TO_SERVER, DOWN = MITM__DIRECTION__TO_CLIENT;

/* What can be seen of TLS without keys, said to be inferred where it is. */
Test(connections, tls_without_keys)
{
    struct model *model = model_new(&(struct model_options){0});
    struct event_sink sink = scene_to_model(model);
    scene_session_start(&sink, 1);
    scene_socks(&sink, 1, 10, 1, "www.example", 443);
    scene_reply(&sink, 1, 900, 0);
    scene_handshake(&sink, 1, 1000, true);
    scene_tls_data(&sink, 1, 1110, UP, 300, 1, 300);
    scene_tls_data(&sink, 1, 1300, DOWN, 5000, 1, 4000);
    scene_tls_data(&sink, 1, 1320, DOWN, 5000, 0, 0);
    scene_tls_data(&sink, 1, 1500, UP, 300, 1, 300);
    scene_alert(&sink, 1, 1600, UP, 0, 0);
    char *text = print(model, 0, false);
    cr_expect_str_eq(text, "1  www.example  443  (open)  TLS 1.3\n"
                           "000.010  SocksRequestStart    www.example\n"
                           "000.900  SocksResponseEnd     www.example\n"
                           "001.000  ProtocolDetected     TLS\n"
                           "001.000  TlsClientHello       www.example; h2,http/1.1\n"
                           "001.000  TlsData              to server: 1,180 bytes in 4 pieces, until 001.500\n"
                           "001.100  TlsServerHello       TLS 1.3, TLS_AES_128_GCM_SHA256, x25519\n"
                           "001.100  TlsData              to client: 13,000 bytes in 3 pieces, until 001.320\n"
                           "001.101  TlsHandshakeEnd      inferred, after 0.101 s, not resumed\n"
                           "001.110  Turn (inferred)      300 bytes to server, 10,000 to client; waiting 0.190 s, "
                           "transfer 0.020 s\n"
                           "001.500  Turn (inferred)      300 bytes to server, not answered\n"
                           "001.600  TlsAlert             to server: encrypted\n");
    free(text);
    model_free(model);
}

Test(connections, http2_within_tls)
{
    struct model *model = model_new(&(struct model_options){0});
    struct event_sink sink = scene_to_model(model);
    scene_decrypted_session(&sink, 1);
    scene_socks(&sink, 1, 10, 1, "www.example", 443);
    scene_reply(&sink, 1, 900, 0);
    scene_client_hello(&sink, 1, 1000, "\x1b[2J");
    scene_server_hello(&sink, 1, 1100);
    scene_handshake_end(&sink, 1, 1101, false);
    scene_decryption(&sink, 1, 1102, MITM__TLS_DECRYPTION_STATUS__DECRYPTED, 0);
    scene_protocol(&sink, 1, 1102, MITM__PROTOCOL__HTTP2, true);
    scene_stream(&sink, 1, 1, 1110, 1, "cdn.example\n", "/x");
    scene_reset(&sink, 1, 1200, DOWN, 1, 7);
    scene_go_away(&sink, 1, 1300, DOWN, 11);
    scene_alert(&sink, 1, 1400, DOWN, 2, 40);
    scene_decryption(&sink, 1, 1500, MITM__TLS_DECRYPTION_STATUS__DECRYPTION_FAILED, 0);
    scene_message(&sink, 1, 1, 1600, 1700, UP, 1000);
    char *text = print(model, 0, false);
    cr_expect_str_eq(text, "1  www.example  443  (open)  HTTP/2 over TLS 1.3 (decrypted in part)\n"
                           "000.010  SocksRequestStart    www.example\n"
                           "000.900  SocksResponseEnd     www.example\n"
                           "001.000  TlsClientHello       \\x1B[2J; h2,http/1.1\n"
                           "001.100  TlsServerHello       TLS 1.3, TLS_AES_128_GCM_SHA256, x25519\n"
                           "001.101  TlsHandshakeEnd      exact, after 0.101 s, not resumed, h2\n"
                           "001.102  ProtocolDetected     HTTP/2 within TLS\n"
                           "001.110  HttpRequestStart     GET /x HTTP/2, stream 1 of cdn.example\\x0A\n"
                           "001.200  Http2Reset           to client, stream 1: REFUSED_STREAM (7)\n"
                           "001.300  Http2GoAway          to client: ENHANCE_YOUR_CALM (11)\n"
                           "001.400  TlsAlert             to client: handshake_failure (40)\n"
                           "001.500  TlsDecryption        no longer decrypted: keys are wrong, or records missing\n"
                           "001.600  WebSocketMessage     to server: 1 message, 1,000 bytes, until 001.700\n");
    free(text);
    model_free(model);
}
