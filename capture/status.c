#include "capture/status.h"

#include <stdio.h>

#include "capture/log.h"

#define SIZE_TEXT 32

/* Write `bytes` with a unit (powers of 1000, as for traffic) to `text` and return it. */
static const char *size_text(uint64_t bytes, char text[SIZE_TEXT])
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    size_t unit = 0;
    double value = (double)bytes;
    while (value >= 999.5 && unit < sizeof units / sizeof units[0] - 1) {
        value /= 1000;
        unit++;
    }
    snprintf(text, SIZE_TEXT, "%.*f %s", unit > 0 && value < 9.95 ? 1 : 0, value, units[unit]);
    return text;
}

void status_show(const struct proxy *proxy)
{
    const struct proxy_stats *stats = &proxy->stats;
    struct recorder_stats recorded = recorder_stats(proxy->recorder);
    char received[SIZE_TEXT], sent[SIZE_TEXT], file[SIZE_TEXT], lost[64] = "", line[256];
    if (recorded.lost_events > 0)
        snprintf(lost, sizeof lost, "  %llu EVENTS LOST", (unsigned long long)recorded.lost_events);
    snprintf(line, sizeof line, "connections %llu open/%llu  requests %llu  received %s  sent %s  recorded %s%s",
             (unsigned long long)stats->open, (unsigned long long)stats->connections,
             (unsigned long long)stats->requests, size_text(stats->to_client_bytes, received),
             size_text(stats->to_server_bytes, sent), size_text(recorded.file_bytes, file), lost);
    log_status(line);
}

void status_summary(const struct proxy_stats *stats, const struct recorder_stats *recorded, uint64_t t_ns,
                    const char *path)
{
    char received[SIZE_TEXT], sent[SIZE_TEXT], file[SIZE_TEXT];
    log_status("");
    log_line("%llu connection%s, %llu HTTP request%s, %s received, %s sent in %.1f s; recorded in %s (%s)",
             (unsigned long long)stats->connections, stats->connections == 1 ? "" : "s",
             (unsigned long long)stats->requests, stats->requests == 1 ? "" : "s",
             size_text(stats->to_client_bytes, received), size_text(stats->to_server_bytes, sent), (double)t_ns / 1e9,
             path, size_text(recorded->file_bytes, file));
    if (recorded->lost_events > 0)
        log_line("%llu of %llu events could not be written and are missing from the session",
                 (unsigned long long)recorded->lost_events, (unsigned long long)recorded->events);
}
