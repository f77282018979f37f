/*
 * What failed in a session, in words and in the order of time: for who wants to know why a page does not load.
 */
#ifndef MITM_ANALYZE_FAILURES_H
#define MITM_ANALYZE_FAILURES_H

#include <stdio.h>

#include "analyze/model.h"

enum failure_kind {
    FAILURE_SOCKS,          /* the SOCKS request was refused, or never answered */
    FAILURE_CONNECTION,     /* the connection failed, or was reset, after its SOCKS request had not */
    FAILURE_TLS_END,        /* the connection ended before its TLS handshake did */
    FAILURE_TLS_CLIENT,     /* TLS: a fatal alert of the client … */
    FAILURE_TLS_SERVER,     /* … or of the server */
    FAILURE_RESPONSE,       /* a response was cut off, or never came */
    FAILURE_STREAM_CLIENT,  /* HTTP/2: the client reset a stream with an error before its response was complete, … */
    FAILURE_STREAM_SERVER,  /* … or the server did */
    FAILURE_GO_AWAY_CLIENT, /* HTTP/2: the client gave up the connection with an error … */
    FAILURE_GO_AWAY_SERVER, /* … or the server did */
    FAILURE_PROTOCOL,       /* a peer broke the protocol */
    FAILURE_STATUS,         /* HTTP status 400 and above: the server said so; nothing on the way failed */
    FAILURE_CANCELED,       /* HTTP/2: the client did not want the response any more; nothing failed */
    FAILURE_KINDS
};

struct failure {
    int64_t t_ns; /* when that was known */
    enum failure_kind kind;
    uint32_t connection; /* id */
    size_t index;        /* of the connection in the session */
    char *server;        /* "www.example.org:80"; "" if no request was seen. */
    char *sentence;      /* "The SOCKS request failed: host unreachable (04)." */
    size_t server_len, sentence_len;
};

struct failures {
    struct failure *list; /* in the order of t_ns, then of the connections */
    size_t count;
    uint64_t left_out; /* the later ones are left out if there are more than asked for */
};

/*
 * Find the failures of `session` and store them in *failures; at most `max` of them, the first (0: all). With `shown`,
 * only of connections for whose index it says true; NULL: of all. `server` and `sentence` hold recorded text as it is,
 * NUL bytes included: it must be escaped before it is shown. The caller frees them with failures_fini().
 */
void failures_init(struct failures *failures, const struct model_session *session, const bool *shown, size_t max);
void failures_fini(struct failures *failures);

/* Failures of one kind, with the same code, of the same server. */
struct failure_class {
    uint32_t server; /* index, or MODEL_NO_INDEX: connections without a request */
    enum failure_kind kind;
    /* FAILURE_SOCKS: the reply; FAILURE_STATUS: the status; FAILURE_RESPONSE: 1: it was cut off, 0: it never came;
     * FAILURE_CONNECTION: EndCause; FAILURE_PROTOCOL: ViolationKind. FAILURE_NO_REPLY: a SOCKS request without one.
     * FAILURE_TLS_CLIENT and _SERVER: the alert's description; FAILURE_STREAM_… and FAILURE_GO_AWAY_…: the error code;
     * others: 0. */
    uint32_t code;
    uint64_t count;
};

#define FAILURE_NO_REPLY UINT32_MAX

/* Return the classes of all failures of `session`, *count of them, by server, kind and code. The caller frees them. */
struct failure_class *failures_classes(const struct model_session *session, size_t *count);

/* Return whether failures of this kind happen to connections as a whole, not to requests. */
bool failures_of_connections(enum failure_kind kind);

/* Print what the class is: "SOCKS: host unreachable (04)", "HTTP status 404". */
void failures_print_class(FILE *out, const struct failure_class *class);

#endif
