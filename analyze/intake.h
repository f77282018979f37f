/*
 * Reads files of sessions from the first to the last event, and judges them on the way: whole, cut off, damaged, or no
 * session at all. All verbs of mitm-analyze read with it.
 */
#ifndef MITM_ANALYZE_INTAKE_H
#define MITM_ANALYZE_INTAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/event.h"

enum intake_state {
    INTAKE_WHOLE,
    INTAKE_CUT_OFF,       /* an end is missing, nothing else */
    INTAKE_DAMAGED,       /* something within is missing */
    INTAKE_NOT_A_SESSION, /* it is something else: see `problem` */
    INTAKE_UNREADABLE     /* see `problem` */
};

/* What is known of a file. */
struct intake_verdict {
    const char *file;
    enum intake_state state;
    char problem[512];     /* one line, or empty */
    uint64_t records;      /* those that could be read */
    uint64_t stream_bytes; /* length of the (decompressed) file, as far as it was read */
    uint64_t sessions;
    uint64_t sessions_without_start, sessions_without_end;
    uint64_t missing_records; /* that the sessions' ends count, but that are not there */
    uint64_t duration_ns;     /* that the sessions cover, in all */
    uint64_t damage_count, damage_bytes, first_damage_offset_bytes;
    bool truncated; /* the last record is incomplete */
    uint64_t truncated_offset_bytes, truncated_bytes;
    uint64_t loss_count, lost_events; /* Loss events that the file holds */
};

/* A place without records. */
struct intake_damage {
    uint64_t offset_bytes, len_bytes;
    bool truncated;      /* at the end of the file */
    const char *message; /* more about it, or NULL */
};

/* Who is told. Every function may be NULL. What the pointers point to is valid only during the call. */
struct intake_handler {
    void *ctx;
    void (*begin_file)(void *ctx, const char *file);
    /* `made`: a Loss that stands for damage of the file, which does not hold it. */
    void (*record)(void *ctx, const Mitm__Record *record, bool made);
    void (*damage)(void *ctx, const struct intake_damage *damage);
    void (*end_file)(void *ctx, const struct intake_verdict *verdict);
    /* Return whether to go on; asked after each record. If not, the file has no verdict. */
    bool (*go_on)(void *ctx);
    bool prints; /* record() writes to stdout: where that is a terminal, there is no progress bar */
};

/*
 * Read the `n` files named in `paths` ("-": standard input) and tell `handler`. On a terminal, a progress bar is shown
 * on stderr when it takes longer than a second. Return the worst state of all files.
 */
enum intake_state intake_run(const char *const *paths, size_t n, const struct intake_handler *handler);

/* The same step by step, for who has something else to do in between. */
struct intake;

enum intake_step {
    INTAKE_MORE,  /* there may be more at once */
    INTAKE_AGAIN, /* following: nothing more until the file has grown */
    INTAKE_END    /* all has been read, and every file has its verdict */
};

/* Open the files; with `follow` the last one still grows. `paths` and `handler` must outlive the result, which the
 * caller frees with intake_free(). */
struct intake *intake_new(const char *const *paths, size_t n, bool follow, const struct intake_handler *handler);
void intake_free(struct intake *intake);

/* Read one record, or find what else is there, and tell the handler. Neither go_on() nor a progress bar is used. */
enum intake_step intake_next(struct intake *intake) __attribute__((warn_unused_result));

/* Store in *verdict what is known of the current file if it ended here. Return false before the first of it is read. */
bool intake_so_far(const struct intake *intake, struct intake_verdict *verdict);

/* Write to `text` (of `room` bytes) one line that says what is wrong with a file, without its name: empty for a whole
 * one. Return whether there is something. */
bool intake_describe(const struct intake_verdict *verdict, char *text, size_t room);

/* Print this line, with the file's name, to stderr; nothing for a whole file. */
void intake_warn(const struct intake_verdict *verdict);

#endif
