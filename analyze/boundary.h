/*
 * Tells where one session ends and the next begins in a stream of events. SessionStart does; so does a record with
 * another session number, which shows that the next one's SessionStart is lost.
 */
#ifndef MITM_ANALYZE_BOUNDARY_H
#define MITM_ANALYZE_BOUNDARY_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/event.h"

/* All zero: no session has begun. */
struct boundary {
    bool in_session, has_id, started, ended;
    uint32_t id;
};

/* Take in `record`; return whether it is the first of another session. */
static inline bool boundary_crossed(struct boundary *boundary, const Mitm__Record *record)
{
    bool start = record->event_case == MITM__RECORD__EVENT_SESSION_START;
    bool same_id = record->has_session == boundary->has_id && record->session == boundary->id;
    /* Without numbers only first and last records tell sessions apart. */
    bool behind_end = !boundary->has_id && boundary->ended;
    bool second_start = start && (boundary->started || !boundary->has_id);
    bool crossed = !boundary->in_session || !same_id || behind_end || second_start;
    if (crossed)
        *boundary = (struct boundary){.in_session = true, .has_id = record->has_session, .id = record->session};
    boundary->started |= start;
    boundary->ended |= record->event_case == MITM__RECORD__EVENT_SESSION_END;
    return crossed;
}

#endif
