/*
 * A recorded TLS connection (see record.py, which tells the format), and runs of the decoder over it. Everything that a
 * run does and gets is collected: as text, and the plaintext as bytes.
 */
#ifndef MITM_TESTS_UNIT_DECODE_TLS_CONNECTION_H
#define MITM_TESTS_UNIT_DECODE_TLS_CONNECTION_H

#include "../event_log.h"
#include "capture/decode/tls/tls.h"

#define CONNECTION_BLOCKS_MAX 64
#define CONNECTION_LINES_MAX  16

struct bytes {
    uint8_t *data;
    size_t len;
};

/* What one side sent and the relay read at once; without data: the end of the direction. */
struct block {
    Mitm__Direction direction;
    struct bytes bytes; /* points into the connection */
};

struct connection {
    struct bytes file;
    struct block blocks[CONNECTION_BLOCKS_MAX];
    size_t blocks_n;
    struct bytes lines[CONNECTION_LINES_MAX]; /* of the key log; without the ends */
    size_t lines_n;
    struct bytes sent[2]; /* what the programs were given to send, by the direction: 0 to the server */
    size_t wire_bytes;
};

/* Read the connection `name`; a file that is none ends the program. Free it with connection_free(). */
struct connection *connection_read(const char *name);
void connection_free(struct connection *connection);

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

/* Begin a run; `decrypts`: with an (empty) key log. End it with run_fini(). */
void run_init(struct run *run, bool decrypts);
void run_fini(struct run *run);

/* Give the run all lines of the key log, without the line `without` (-1: all). */
void run_add_keys(struct run *run, const struct connection *connection, int without);

/* Feed a copy of exactly this size, at run->t_ns, so that the sanitizer sees a read outside of it. */
void run_feed(struct run *run, Mitm__Direction direction, const uint8_t *data, size_t len);

/* Feed or end what `block` says at a time of its own, in pieces of at most `piece` bytes (0: whole). */
void run_block(struct run *run, const struct block *block, size_t piece);

/* run_block() for all blocks from `first` up to, but not with, `end`. */
void run_blocks(struct run *run, const struct connection *connection, size_t first, size_t end, size_t piece);

/*
 * Return all events as text (event_log.h), followed by the calls of tls_plain: "start T ALPN", "feed D T LEN" (adjacent
 * ones of the same time taken together), "end D T CAUSE". The caller frees it. Ends the collection.
 */
char *run_text(struct run *run);

#endif
