#include "analyze/format.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#define NS_PER_S UINT64_C(1000000000)

const char *format_moment(char to[FORMAT_BYTES], int64_t t_ns)
{
    uint64_t ms = ((uint64_t)t_ns + 500000) / 1000000;
    snprintf(to, FORMAT_BYTES, "%03" PRIu64 ".%03" PRIu64, ms / 1000, ms % 1000);
    return to;
}

const char *format_seconds(char to[FORMAT_BYTES], int64_t ns)
{
    uint64_t ms = ((uint64_t)ns + 500000) / 1000000;
    if (ms < 10)
        return format_duration(to, ns);
    snprintf(to, FORMAT_BYTES, "%" PRIu64 ".%03" PRIu64 " s", ms / 1000, ms % 1000);
    return to;
}

const char *format_duration(char to[FORMAT_BYTES], int64_t ns)
{
    uint64_t t = (uint64_t)ns;
    if (t < 999500)
        snprintf(to, FORMAT_BYTES, "%" PRIu64 " µs", (t + 500) / 1000);
    else if (t < 999950000)
        snprintf(to, FORMAT_BYTES, "%" PRIu64 ".%" PRIu64 " ms", (t + 50000) / 1000000, (t + 50000) / 100000 % 10);
    else if (t < 600 * NS_PER_S)
        format_seconds(to, ns);
    else if (t < 7200 * NS_PER_S)
        snprintf(to, FORMAT_BYTES, "%" PRIu64 " min %" PRIu64 " s", t / NS_PER_S / 60, t / NS_PER_S % 60);
    else
        snprintf(to, FORMAT_BYTES, "%" PRIu64 " h %" PRIu64 " min", t / NS_PER_S / 3600, t / NS_PER_S / 60 % 60);
    return to;
}

const char *format_count(char to[FORMAT_BYTES], uint64_t count)
{
    char digits[FORMAT_BYTES];
    int n = snprintf(digits, sizeof digits, "%" PRIu64, count);
    char *p = to;
    for (int i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0)
            *p++ = ',';
        *p++ = digits[i];
    }
    *p = '\0';
    return to;
}

const char *format_size(char to[FORMAT_BYTES], uint64_t bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    size_t unit = 0;
    double value = (double)bytes;
    for (; value >= 999.5 && unit + 1 < sizeof units / sizeof *units; unit++)
        value /= 1000;
    int decimals = unit == 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
    snprintf(to, FORMAT_BYTES, "%.*f %s", decimals, value, units[unit]);
    return to;
}

const char *format_date(char to[FORMAT_BYTES], uint64_t wall_clock_ns)
{
    time_t seconds = (time_t)(wall_clock_ns / NS_PER_S);
    struct tm tm;
    if (!gmtime_r(&seconds, &tm) || strftime(to, FORMAT_BYTES, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
        to[0] = '\0';
    return to;
}

const char *format_iso_date(char to[FORMAT_BYTES], uint64_t wall_clock_ns)
{
    time_t seconds = (time_t)(wall_clock_ns / NS_PER_S);
    struct tm tm;
    size_t n = gmtime_r(&seconds, &tm) ? strftime(to, FORMAT_BYTES, "%Y-%m-%dT%H:%M:%S", &tm) : 0;
    snprintf(to + n, FORMAT_BYTES - n, ".%09" PRIu64 "Z", wall_clock_ns % NS_PER_S);
    return to;
}
