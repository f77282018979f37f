#include "analyze/words.h"

#include <stddef.h>

#include "proto/event.h"

#define LOOK_UP(table, index) ((index) < sizeof(table) / sizeof *(table) ? (table)[index] : NULL)

const char *words_socks_reply(uint32_t reply)
{
    static const char *const rfc1928[] = {"succeeded",           "general failure",       "not allowed by ruleset",
                                          "network unreachable", "host unreachable",      "connection refused",
                                          "TTL expired",         "command not supported", "address type not supported"};
    static const char *const tor[] = {"onion service descriptor not found",
                                      "onion service descriptor invalid",
                                      "onion service introduction failed",
                                      "onion service rendezvous failed",
                                      "onion service client authorization missing",
                                      "onion service client authorization wrong",
                                      "onion service address invalid",
                                      "onion service introduction timed out"};
    return reply >= 0xF0 ? LOOK_UP(tor, reply - 0xF0) : LOOK_UP(rfc1928, reply);
}

const char *words_socks_method(uint32_t method)
{
    static const char *const table[] = {"no authentication", "GSSAPI", "user name and password"};
    return method == 0xFF ? "none acceptable" : LOOK_UP(table, method);
}

const char *words_socks_command(uint32_t command)
{
    static const char *const rfc1928[] = {NULL, "CONNECT", "BIND", "UDP ASSOCIATE"};
    static const char *const tor[] = {"RESOLVE", "RESOLVE_PTR"};
    return command >= 0xF0 ? LOOK_UP(tor, command - 0xF0) : LOOK_UP(rfc1928, command);
}

const char *words_end_cause(uint32_t cause)
{
    static const char *const table[] = {
        [MITM__END_CAUSE__FIN] = "closed",
        [MITM__END_CAUSE__RESET] = "reset",
        [MITM__END_CAUSE__CONNECTION_ERROR] = "failed",
        [MITM__END_CAUSE__PROXY_ENDED] = "ended by mitm-proxy",
        [MITM__END_CAUSE__SESSION_ENDED] = "still open when the recording ended",
    };
    return LOOK_UP(table, cause);
}

const char *words_http_end_cause(uint32_t cause)
{
    static const char *const table[] = {
        [MITM__HTTP_END_CAUSE__TRUNCATED] = "cut off",
        [MITM__HTTP_END_CAUSE__TUNNEL] = "became a tunnel",
        [MITM__HTTP_END_CAUSE__NOT_FOLLOWED] = "could not be followed to its end",
        [MITM__HTTP_END_CAUSE__STREAM_RESET] = "stream reset",
    };
    return LOOK_UP(table, cause);
}

const char *words_violation(uint32_t kind)
{
    static const char *const table[] = {
        [MITM__VIOLATION_KIND__SOCKS_VERSION] = "not SOCKS5",
        [MITM__VIOLATION_KIND__SOCKS_AUTH] = "bad SOCKS authentication",
        [MITM__VIOLATION_KIND__SOCKS_REQUEST] = "bad SOCKS request",
        [MITM__VIOLATION_KIND__SOCKS_REPLY] = "bad SOCKS reply",
        [MITM__VIOLATION_KIND__SOCKS_TIMEOUT] = "SOCKS time limit",
        [MITM__VIOLATION_KIND__SOCKS_TRUNCATED] = "SOCKS message cut off",
        [MITM__VIOLATION_KIND__HTTP_START_LINE] = "bad HTTP start line",
        [MITM__VIOLATION_KIND__HTTP_HEADER] = "bad HTTP header field",
        [MITM__VIOLATION_KIND__HTTP_FRAMING] = "bad HTTP framing",
        [MITM__VIOLATION_KIND__HTTP_CHUNK] = "bad HTTP chunk",
        [MITM__VIOLATION_KIND__HTTP_TOO_MANY_REQUESTS] = "too many HTTP requests at once",
        [MITM__VIOLATION_KIND__HTTP_UNREQUESTED_RESPONSE] = "HTTP response without a request",
        [MITM__VIOLATION_KIND__HTTP_TRUNCATED] = "HTTP message cut off",
        [MITM__VIOLATION_KIND__HTTP_OTHER] = "bad HTTP",
        [MITM__VIOLATION_KIND__TLS_RECORD] = "bad TLS record",
        [MITM__VIOLATION_KIND__TLS_HANDSHAKE] = "bad TLS handshake message",
        [MITM__VIOLATION_KIND__TLS_FLOOD] = "flood of TLS records",
        [MITM__VIOLATION_KIND__HTTP2_PREFACE] = "no HTTP/2 preface",
        [MITM__VIOLATION_KIND__HTTP2_FRAME] = "bad HTTP/2 frame",
        [MITM__VIOLATION_KIND__HTTP2_HEADERS] = "bad HTTP/2 header block",
        [MITM__VIOLATION_KIND__HTTP2_STREAM] = "bad HTTP/2 stream",
        [MITM__VIOLATION_KIND__HTTP2_FLOOD] = "flood of HTTP/2 frames",
        [MITM__VIOLATION_KIND__HTTP2_TRUNCATED] = "HTTP/2 frame cut off",
        [MITM__VIOLATION_KIND__WEB_SOCKET_FRAME] = "bad WebSocket frame",
        [MITM__VIOLATION_KIND__WEB_SOCKET_FLOOD] = "flood of WebSocket frames",
    };
    return LOOK_UP(table, kind);
}

const char *words_protocol(uint32_t protocol)
{
    static const char *const table[] = {
        [MITM__PROTOCOL__HTTP1] = "HTTP/1",
        [MITM__PROTOCOL__HTTP2] = "HTTP/2",
        [MITM__PROTOCOL__TLS] = "TLS",
        [MITM__PROTOCOL__UNKNOWN] = "unknown protocol",
    };
    return LOOK_UP(table, protocol);
}

const char *words_loss_cause(uint32_t cause)
{
    static const char *const table[] = {
        [MITM__LOSS_CAUSE__QUEUE_FULL] = "the disk was slower than the traffic",
        [MITM__LOSS_CAUSE__DISK_FULL] = "the disk was full",
        [MITM__LOSS_CAUSE__WRITE_ERROR] = "the disk reported an error",
        [MITM__LOSS_CAUSE__DAMAGE] = "the file is damaged",
    };
    return LOOK_UP(table, cause);
}

const char *words_session_end_cause(uint32_t cause)
{
    static const char *const table[] = {
        [MITM__SESSION_END_CAUSE__SIGNAL] = "stopped by the user",
        [MITM__SESSION_END_CAUSE__COMMAND_ENDED] = "the command ended",
        [MITM__SESSION_END_CAUSE__WRITTEN] = "written by a program",
    };
    return LOOK_UP(table, cause);
}

void words_print_socks_reply(FILE *out, uint32_t reply)
{
    const char *words = words_socks_reply(reply);
    fprintf(out, "%s (%02X)", words ? words : "unknown reply", reply);
}
