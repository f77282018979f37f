/* Numbers for people, written into buffers of FORMAT_BYTES. Each function returns `to`. */
#ifndef MITM_ANALYZE_FORMAT_H
#define MITM_ANALYZE_FORMAT_H

#include <stddef.h>
#include <stdint.h>

enum { FORMAT_BYTES = 40 };

/* A time within a session as the 2011 tool wrote it: "004.293" (seconds, rounded to milliseconds). */
const char *format_moment(char to[FORMAT_BYTES], int64_t t_ns);

/* A duration with a unit that fits: "412 µs", "12.4 ms", "1.042 s", "17 min 5 s". */
const char *format_duration(char to[FORMAT_BYTES], int64_t ns);

/* A duration in seconds with milliseconds, "0.230 s"; below 10 ms as format_duration() has it. */
const char *format_seconds(char to[FORMAT_BYTES], int64_t ns);

/* A number with its thousands set apart: "20,522". */
const char *format_count(char to[FORMAT_BYTES], uint64_t count);

/* A size: "812 B", "20.5 kB", "1.21 MB" (powers of ten). */
const char *format_size(char to[FORMAT_BYTES], uint64_t bytes);

/* A moment of the calendar: "2011-09-23 14:05:06 UTC". */
const char *format_date(char to[FORMAT_BYTES], uint64_t wall_clock_ns);

/* The same as ISO 8601 has it: "2011-09-23T14:05:06.123456789Z". */
const char *format_iso_date(char to[FORMAT_BYTES], uint64_t wall_clock_ns);

#endif
