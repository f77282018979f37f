/* What the user did while recording: marks, changed settings, pauses. */
#ifndef MITM_REPORT_NOTES_H
#define MITM_REPORT_NOTES_H

#include "analyze/model.h"

/* A note: one of the session's marks, settings or pauses. */
struct note {
    int64_t t_ns;
    enum { NOTE_SETTINGS, NOTE_MARK, NOTE_PAUSE } kind;
    size_t index;
};

bool notes_exist(const struct model_session *session);

/* Return the session's notes, as far as they are kept, in the order of their times, and store their number in *count;
 * the caller frees them. */
struct note *notes_collect(const struct model_session *session, size_t *count);

#endif
