/* The exchanges of a connection that wait for their response, in the order of their requests, and which are HEAD. */
#ifndef MITM_CAPTURE_DECODE_EXCHANGES_H
#define MITM_CAPTURE_DECODE_EXCHANGES_H

#include <stdbool.h>
#include <stdint.h>

#define EXCHANGES_MAX UINT32_C(1024)

/* All zero at the beginning. */
struct exchanges {
    uint32_t last;    /* number of the latest exchange: 0 before the first */
    uint32_t waiting; /* the latest so many wait */
    uint64_t heads[EXCHANGES_MAX / 64];
};

/* Return whether no further exchange can wait. */
static inline bool exchanges_full(const struct exchanges *exchanges)
{
    return exchanges->waiting == EXCHANGES_MAX;
}

/* Add an exchange and return its number; `head` says whether the method is HEAD. There must be room. */
uint32_t exchanges_add(struct exchanges *exchanges, bool head);

/* Return the number of the exchange that has waited longest, 0 if there is none. */
uint32_t exchanges_first(const struct exchanges *exchanges);

/* Return whether the method of the exchange that has waited longest is HEAD. There must be one. */
bool exchanges_first_is_head(const struct exchanges *exchanges);

/* Remove the exchange that has waited longest. There must be one. */
void exchanges_remove_first(struct exchanges *exchanges);

#endif
