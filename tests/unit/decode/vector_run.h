/* Feeds vectors to a decoder, whole and cut in every way, and compares the events. */
#ifndef MITM_TESTS_UNIT_DECODE_VECTOR_RUN_H
#define MITM_TESTS_UNIT_DECODE_VECTOR_RUN_H

#include <stdbool.h>

#include "vector.h"

/* The decoder that the vectors are for; see app.h. */
struct vector_decoder {
    void *(*create)(const struct event_sink *sink, uint64_t body_limit_bytes);
    void (*feed)(void *decoder, Mitm__Direction direction, uint64_t t_ns, const uint8_t *data, size_t len);
    void (*end)(void *decoder, Mitm__Direction direction, uint64_t t_ns, Mitm__EndCause cause);
    void (*destroy)(void *decoder);
    bool tells_all; /* every byte but the untold ones of the vector is told by an event */
};

enum vector_cut {
    VECTOR_WHOLE,
    VECTOR_BYTE_BY_BYTE,
    VECTOR_ANYWHERE /* once at every place */
};

/*
 * Return how many vectors of the directory `path` do not give the expected events when they are cut like `cut`, and
 * print what they give. Fails the test if there are less than `least`.
 */
int vector_failures(const char *path, int least, const struct vector_decoder *decoder, enum vector_cut cut);

#endif
