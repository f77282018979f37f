/* Recognises a connection's protocol by the first bytes that the client sends, and by those of a server before that. */
#ifndef MITM_CAPTURE_DECODE_SNIFF_H
#define MITM_CAPTURE_DECODE_SNIFF_H

#include <stddef.h>
#include <stdint.h>

/* So many bytes decide in every case: the length of HTTP/2's connection preface (RFC 9113, 3.4). */
#define SNIFF_MAX_BYTES ((size_t)24)

enum sniff_result {
    SNIFF_UNDECIDED, /* the bytes are the beginning of more than one thing: more are needed */
    SNIFF_HTTP1,     /* a method known to the HTTP/1 parser, and a space (RFC 9112, 3); empty lines before it (2.2) */
    SNIFF_HTTP2,     /* the whole connection preface */
    SNIFF_TLS,       /* a handshake record of version 3.x: 16 03 (RFC 8446, 5.1) */
    SNIFF_UNKNOWN    /* none of these */
};

/*
 * Return what the client's first `len` bytes at `data` show. The answer is given as early as it is certain, and no
 * longer changes when bytes are added; with SNIFF_MAX_BYTES or more it is not SNIFF_UNDECIDED.
 */
enum sniff_result sniff(const uint8_t *data, size_t len) __attribute__((warn_unused_result));

/* So many bytes of the server decide: the length of a frame's header (RFC 9113, 4.1). */
#define SNIFF_SERVER_MAX_BYTES ((size_t)9)

/*
 * The same for what the server sends before the client is known: SNIFF_HTTP2 is the header of SETTINGS, with which an
 * HTTP/2 server may begin before it has seen the client's preface (RFC 9113, 3.4); anything else is SNIFF_UNKNOWN.
 */
enum sniff_result sniff_server(const uint8_t *data, size_t len) __attribute__((warn_unused_result));

#endif
