/*
 * The proxy: listens for clients and owns what their connections share: loop, clock, recorder, resolver, read buffer.
 */
#ifndef MITM_CAPTURE_PROXY_H
#define MITM_CAPTURE_PROXY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "capture/clock.h"
#include "capture/credentials.h"
#include "capture/decrypting.h"
#include "capture/input.h"
#include "capture/random.h"
#include "capture/recorder.h"
#include "capture/resolve.h"
#include "capture/settings.h"
#include "capture/throttle.h"
#include "proto/event.h"

/* One read takes at most so much. */
#define PROXY_READ_BYTES ((size_t)131072)
/* Lines of proxy_change() may be so long in all (view/control.h). */
#define PROXY_CHANGE_MAX_BYTES 4096
/* What settings.handshake_ms usually is. */
#define PROXY_HANDSHAKE_MS 60000

struct conn;
TAILQ_HEAD(conn_list, conn);

struct proxy_settings {
    struct sockaddr_storage listen;
    struct settings live;             /* what can be changed: as it is now */
    struct sockaddr_storage upstream; /* unless live.direct */
    uint64_t body_limit_bytes;        /* APP_BODY_UNLIMITED: all */
    unsigned handshake_ms;            /* that a client may take for its part of the handshake, and we for connecting */
    const char *keylog_path;          /* decrypt TLS with the keys in this file; NULL: do not */
    const char *view_path;            /* Unix socket of the live view's process; NULL: there is no live view */
    const char *label;                /* NULL: none */
    const char *mark;                 /* a Mark at the start; NULL: none */
    bool paused;                      /* nothing is recorded until proxy_change() says so */
    char *const *command;             /* NULL-terminated words of the command under measurement; NULL: none */
};

/* Counters for status line and summary; connections to the live view are not in them. */
struct proxy_stats {
    uint64_t connections, open;
    uint64_t requests; /* HTTP */
    uint64_t to_server_bytes, to_client_bytes;
};

struct proxy {
    struct event_base *base;
    struct clock clock;
    struct recorder *recorder;
    struct resolver *resolver; /* NULL until it is needed: nothing is looked up for connections with an upstream */
    struct credentials *credentials;
    struct decrypting *decrypting; /* NULL: TLS is not decrypted */
    struct proxy_settings settings;
    struct proxy_stats stats;
    uint64_t undecided; /* connections open that may be in the statistics or not: conn_measure() */
    bool stamps;        /* the kernel stamps what arrives */
    bool paused;
    uint64_t resumed_t_ns; /* the end of the latest pause; 0: there was none */
    uint64_t unrecorded;   /* events of this pause */
    struct throttle throttle;
    struct random connect_random, request_random;

    /* For the connections. */
    struct conn_list conns;
    struct conn_list dead;     /* to be freed when their callbacks have returned */
    uint8_t *buffer;           /* PROXY_READ_BYTES */
    struct event_arena *arena; /* for what was held */
    bool upstream_reported;    /* the user has been told that the upstream cannot be used, and it has not been since */
    uint64_t arrival_ns;       /* of what is being read, */
    uint64_t slack_ns;         /* and how much before that its first byte may have come (Record.t_slack_ns) */

    int listen_fd;
    struct event accept_event, accept_again, flush_timer;
    bool flush_armed;
    uint64_t shortage_t_ns, stall_t_ns, stranger_t_ns; /* when the user was last told of these; 0: never */
    int recorder_error;                                /* as last told to the user */
    struct {
        uint64_t count, sum_ns, max_ns;
        uint64_t since_ns;
    } delay;                /* ProxyDelay in the making */
    uint64_t turn_began_ns; /* when the loop began to work in this turn; 0: not yet */
    uint64_t last_turn_ns;  /* how long the turn before took from there on */
};

/*
 * Open the listening socket of `settings` (copied; its pointers must outlive the proxy), so that proxy_listen_address()
 * is known. Return NULL and store errno in *error if that fails. The caller frees the proxy with proxy_free().
 */
struct proxy *proxy_new(const struct proxy_settings *settings, int *error) __attribute__((warn_unused_result));

/* Write "ADDRESS:PORT" of the listening socket to `text`. */
void proxy_listen_address(const struct proxy *proxy, char *text, size_t size);

/* Write "ADDRESS:PORT" of `address` to `text`; an IPv6 address stands in brackets. */
void proxy_address_text(const struct sockaddr_storage *address, char *text, size_t size);

/*
 * Decrypt TLS with the key log of the settings, if there is one: to be called once, before proxy_start(). Return 0, or
 * the errno that says why the file cannot be followed.
 */
int proxy_decrypt(struct proxy *proxy) __attribute__((warn_unused_result));

/* Start the session: its clock, its SessionStart event in `recorder` (owned by the caller until proxy_finish()),
 * accepting. */
void proxy_start(struct proxy *proxy, struct recorder *recorder);

/* Run one turn of the loop: wait for events (until a timer at the latest) and handle them. */
void proxy_turn(struct proxy *proxy);

/* Stop accepting, end all connections (EndOfStream with SESSION_ENDED), hand the last events to the recorder. */
void proxy_finish(struct proxy *proxy);

void proxy_free(struct proxy *proxy);

enum proxy_change {
    PROXY_CHANGE_REFUSED, /* a line is wrong; nothing has been changed */
    PROXY_CHANGE_NONE,    /* all was so already: no event is recorded */
    PROXY_CHANGE_MADE
};

/*
 * Change settings as the `len` bytes at `lines` ("NAME=VALUE" and a newline each: view/control.h) say, and record that:
 * Settings, Mark, Pause, Resume. If a line is wrong, nothing is changed, and the `error_size` bytes at `error` hold one
 * line that says which, and what would be right.
 */
enum proxy_change proxy_change(struct proxy *proxy, const char *lines, size_t len, char *error, size_t error_size)
    __attribute__((warn_unused_result));

/* ---------------------------------------------------------------- for change.c */

/* Take `settings`, from `origin`, and record them; a seed is drawn if they need one and have none. */
void proxy_set(struct proxy *proxy, const struct settings *settings, Mitm__SettingsOrigin origin);

void proxy_mark(struct proxy *proxy, const char *text);

/* Pause or resume recording, as `origin` wants it; nothing happens if it is so. */
void proxy_pause(struct proxy *proxy, bool paused, Mitm__SettingsOrigin origin);

/* ---------------------------------------------------------------- for conn.c */

/* Return the resolver, which is made now if there is none. */
struct resolver *proxy_resolver(struct proxy *proxy);

/*
 * Read at most `size` bytes (≤ PROXY_READ_BYTES) from `fd` into proxy->buffer; sets proxy->slack_ns and reports a step
 * of the wall clock. Bytes may have waited on `fd` since `left_t_ns`; UINT64_MAX: none had been left when the loop last
 * looked. None of them arrived before those of the last read, `last_t_ns` (0: there was none): the kernel's stamp of
 * one segment, converted at each of the reads that it takes, would differ by some nanoseconds.
 */
struct input proxy_read(struct proxy *proxy, int fd, size_t size, uint64_t left_t_ns, uint64_t last_t_ns);

/* Say that the loop is at work now, with something other than proxy_read(), and so looks at no socket. */
void proxy_busy(struct proxy *proxy);

/* Count that bytes of `input` have been passed on by now. */
void proxy_passed_on(struct proxy *proxy, const struct input *input);

/* Whether what is being read may have come so much before its time that this is recorded (Record.t_slack_ns). */
bool proxy_has_slack(const struct proxy *proxy);

/* Set t_slack_ns of `record` if it is of what is being read, which may have come before that. */
void proxy_set_slack(const struct proxy *proxy, Mitm__Record *record);

/* Record `record`, unless there is a pause: then it is counted if it is none that is recorded even so. */
void proxy_record(struct proxy *proxy, Mitm__Record *record);

/* Tell the user, once, that the upstream cannot be used because of `error` (errno); with 0, that it can be again. */
void proxy_report_upstream(struct proxy *proxy, int error);

/* Tell the user, at most once in a minute, that somebody else asked for the live view and was refused. */
void proxy_report_stranger(struct proxy *proxy);

/*
 * Return whether `error` (errno) means that there are no file descriptors or no memory for another socket; then tell
 * the user, at most once in a minute.
 */
bool proxy_report_shortage(struct proxy *proxy, int error);

#endif
