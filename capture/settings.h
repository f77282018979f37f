/*
 * The settings that can be changed while recording: one parser for the command line and for the live view
 * (view/control.h), and the Settings event.
 */
#ifndef MITM_CAPTURE_SETTINGS_H
#define MITM_CAPTURE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/event.h"

/* The longest delay that can be asked for, and the highest rate. */
#define SETTINGS_DELAY_MAX_NS UINT64_C(3600000000000)
#define SETTINGS_RATE_MAX     (UINT64_C(1) << 40)
/* Text of a Mark. */
#define SETTINGS_MARK_MAX_BYTES ((size_t)200)

/* A delay, drawn anew each time from the whole nanoseconds min_ns … max_ns; {0, 0}: none. */
struct settings_delay {
    uint64_t min_ns, max_ns;
};

struct settings {
    struct settings_delay connect_delay, request_delay;
    bool seeded; /* `seed` was given, or drawn */
    uint64_t seed;
    /* Bytes per second; 0: no limit. For each connection, and for all together. */
    uint64_t rate_down, rate_up, rate_down_total, rate_up_total;
    bool direct; /* the built-in SOCKS5 server, not the upstream */
    bool all_headers;
};

/*
 * Set what is called `name` (view/control.h, but for mark and recording) in `settings` to `value`. Return false if
 * there is no such setting, or if the value is wrong; then `settings` is unchanged and the `size` bytes at `error` hold
 * one line that says what would be right.
 */
bool settings_set(struct settings *settings, const char *name, const char *value, char *error, size_t size)
    __attribute__((warn_unused_result));

/* Whether `text` is one of a Mark: not empty, short enough, without control characters. */
bool settings_is_mark(const char *text);

/* Whether a delay of `settings` is random, so that a seed is needed. */
bool settings_are_random(const struct settings *settings);

/* Whether `a` and `b` are the same. */
bool settings_equal(const struct settings *a, const struct settings *b);

/* Emit `settings` as a Settings event of `t_ns` to `sink`; they come from `origin`, and `upstream` is the SOCKS5
 * proxy's "ADDRESS:PORT". */
void settings_emit(const struct settings *settings, const struct event_sink *sink, uint64_t t_ns,
                   Mitm__SettingsOrigin origin, const char *upstream);

#endif
