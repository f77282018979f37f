/* A small session in memory, for tests. */
#ifndef TEST_PROTO_SAMPLE_H
#define TEST_PROTO_SAMPLE_H

#include "proto/event.h"

enum { SAMPLE_RECORDS = 6, SAMPLE_SIZE = 4096 };

struct sample {
    uint8_t bytes[SAMPLE_SIZE];
    size_t len;
    size_t end[SAMPLE_RECORDS]; /* where each record ends */
};

/* Fill in `sample`: SessionStart, three events (one of them with the data of a body), Loss, SessionEnd; all of
 * `session`. The data of the body is `body`. */
void sample_make(struct sample *sample, uint32_t session, const uint8_t *body, size_t body_len);

#endif
