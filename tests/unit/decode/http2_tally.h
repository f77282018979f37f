/*
 * What an HTTP/2 connection carried, as text that an independent program can make, too:
 *     connection 0: settings 4=1000; ping; …           the frames of the connection that the client sent (1: the
 * server) 3 1: :status=200;server=test;| end  data 50000 in 50, 1234 A line for each stream and direction: the header
 * sections, each with its fields and "|", END_STREAM, resets; then the bytes of data, the number of their frames, and a
 * sum over them (sum × 31 + byte, modulo 2^64).
 */
#ifndef MITM_TESTS_UNIT_DECODE_HTTP2_TALLY_H
#define MITM_TESTS_UNIT_DECODE_HTTP2_TALLY_H

#include <stdio.h>

#include "proto/event.h"

#define TALLY_STREAMS 64

struct tally {
    struct {
        char *text; /* heads, ends and resets, in their order */
        size_t len;
        FILE *out;
        uint64_t data_bytes, data_frames, data_sum;
    } streams[TALLY_STREAMS][2];
    FILE *out[2]; /* frames of the connection, for each direction */
    char *connection[2];
    size_t connection_len[2];
    uint32_t stream_of[TALLY_STREAMS]; /* by the number of the exchange */
    uint64_t stalls;
};

/* Initialise `tally`; tally_finish() frees what it holds. */
void tally_init(struct tally *tally);

/* Return the tally as text; the caller frees it. */
char *tally_finish(struct tally *tally);

/* Add a field to the header section of `stream` in the direction `d` (0: to the server). */
void tally_field(struct tally *tally, uint32_t stream, int d, const uint8_t *name, size_t name_len,
                 const uint8_t *value, size_t value_len);

/* Add data of `stream`. */
void tally_data(struct tally *tally, uint32_t stream, int d, const uint8_t *data, size_t len);

/* Add an event of the decoder: the `emit` of a sink whose `ctx` is a tally. A Violation fails the test. */
void tally_event(void *ctx, Mitm__Record *record);

#endif
