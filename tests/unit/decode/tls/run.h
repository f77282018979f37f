/* A run of the TLS decoder: everything that it emits and decrypts is collected, as text and as bytes. */
#ifndef MITM_TESTS_UNIT_DECODE_TLS_RUN_H
#define MITM_TESTS_UNIT_DECODE_TLS_RUN_H

#include "../event_log.h"
#include "capture/decode/tls/tls.h"

struct bytes {
    uint8_t *data;
    size_t len;
};

struct run {
    struct event_log log;
    struct tls_keys *keys;
    struct tls *tls;
    uint64_t t_ns;
    struct bytes plain[2];
    size_t ends;
    char *text; /* of the calls of `tls_plain`; see run_text() */
    size_t text_len;
    FILE *out;
    Mitm__Direction last; /* direction and time of the last feed, and how much came with them */
    uint64_t last_t_ns;
    size_t last_bytes;
};

/* Begin a run; `decrypts`: with an (empty) key log; `gather_bytes`: see tls_new(), else 0. End it with run_fini(). */
void run_init(struct run *run, bool decrypts);
void run_init_gathering(struct run *run, bool decrypts, size_t gather_bytes);
void run_fini(struct run *run);

/* Feed a copy of exactly this size, at run->t_ns, so that the sanitizer sees a read outside of it. */
void run_feed(struct run *run, Mitm__Direction direction, const uint8_t *data, size_t len);

/*
 * Return all events as text (event_log.h), followed by the calls of tls_plain: "start T ALPN", "feed D T LEN" (adjacent
 * ones of the same time taken together), "end D T CAUSE". The caller frees it. Ends the collection.
 */
char *run_text(struct run *run);

#endif
