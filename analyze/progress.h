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

void progress_init(struct progress *progress);

/* Show how far `source` is; cheap enough to be called for each record. */
void progress_update(struct progress *progress, const struct source *source);

/* Remove the bar. */
void progress_fini(struct progress *progress);

#endif
