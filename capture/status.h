/* What the user is told about the recording: the status line while it runs, the summary at its end. */
#ifndef MITM_CAPTURE_STATUS_H
#define MITM_CAPTURE_STATUS_H

#include "capture/proxy.h"

/* Show the figures of `proxy` as the status line. */
void status_show(const struct proxy *proxy);

/* Print the summary of the session in `path`, which lasted `t_ns`. */
void status_summary(const struct proxy_stats *stats, const struct recorder_stats *recorded, uint64_t t_ns,
                    const char *path);

#endif
