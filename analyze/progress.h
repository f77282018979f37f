/* A progress bar on stderr, if that is a terminal, for work that takes longer than a second. */
#ifndef MITM_ANALYZE_PROGRESS_H
#define MITM_ANALYZE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "replay/source.h"

struct progress {
    bool terminal, shown;
    unsigned calls;
    uint64_t due_ns; /* when to look next */
};

/* `prints`: what is read is written to stdout meanwhile; there is no bar if both are terminals. */
void progress_init(struct progress *progress, bool prints);

/* Show how far `source` is; cheap enough to be called for each record. */
void progress_update(struct progress *progress, const struct source *source);

/* Remove the bar, until the next update: before something else is written. */
void progress_clear(struct progress *progress);

#endif
