/* Recorded TLS connections (see record.py, which tells the format), and runs of the decoder over them. */
#ifndef MITM_TESTS_UNIT_DECODE_TLS_CONNECTION_H
#define MITM_TESTS_UNIT_DECODE_TLS_CONNECTION_H

#include "run.h"

#define CONNECTION_BLOCKS_MAX 64
#define CONNECTION_LINES_MAX  16

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

/* Give the run all lines of the key log, without the line `without` (-1: all). */
void run_add_keys(struct run *run, const struct connection *connection, int without);

/* Feed or end what `block` says at a time of its own, in pieces of at most `piece` bytes (0: whole). */
void run_block(struct run *run, const struct block *block, size_t piece);

/* run_block() for all blocks from `first` up to, but not with, `end`. */
void run_blocks(struct run *run, const struct connection *connection, size_t first, size_t end, size_t piece);

#endif
