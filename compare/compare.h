/*
 * Comparing recordings: groups of sessions, each against the first group, measure by measure. What is compared, how,
 * and what the data cannot say: mitm-analyze(1). Statistics are those of statistics/; nothing is rounded here.
 */
#ifndef MITM_COMPARE_COMPARE_H
#define MITM_COMPARE_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/measures.h"
#include "analyze/model.h"
#include "analyze/pages.h"
#include "statistics/quantile.h"
#include "statistics/ranks.h"

/* What rows there are, and what one value is. */
enum compare_by {
    COMPARE_ALL,    /* a row per measure; each request, connection, page load or session is a value */
    COMPARE_PAGE,   /* a row per page (its address) and measure */
    COMPARE_SERVER, /* a row per server and measure */
    COMPARE_SESSION /* a row per measure; each session is one value: the median of its values */
};

extern const char *const compare_by_words[];
enum { COMPARE_BYS = 4 };

struct compare_group {
    const char *name; /* "before" */
    const char **files;
    size_t file_count, file_capacity;
    /* Filled by compare_load(). */
    struct model *model;
    struct pages **pages; /* of each of the model's sessions */
};

struct compare_options {
    enum compare_by by;
    bool paired;
    double confidence, alpha;
    unsigned quantile_type;
    int64_t gap_ns; /* pages_options.gap_ns */
    const struct measure **measures;
    size_t measure_count;
    bool usual; /* the user named none: they are the usual ones */
};

/* One side of a row. */
struct compare_side {
    double *values; /* sorted */
    size_t n;
    size_t missing; /* the group's requests, connections, page loads or sessions without a value, of all subjects */
    double median;
    struct interval interval;
};

struct compare_row {
    const struct measure *measure;
    struct text subject; /* page or server; no data: all */
    uint32_t subject_id; /* of its name */
    size_t order;        /* in which it was made */
    size_t group;        /* index of the group that is compared with the first */
    struct compare_side before, after;
    size_t unpaired_before, unpaired_after; /* values without a partner, which are left out; paired only */
    struct ranks_shift shift;
    double change, change_low, change_high; /* the shift and its interval relative to the median before; NAN: none */
    struct rank_test test;
    double p_holm;
    double delta;        /* Cliff's; of the pairs' values */
    const char *effect;  /* word for delta; NULL: none */
    const char *verdict; /* "faster", "slower", "more", "less", "longer", "shorter"; "~": nothing is proven */
};

/* What the data cannot say. Texts are plain: what was recorded is escaped in them. */
struct compare_note {
    const char *code; /* "few-samples" */
    char *text;
};

struct comparison {
    const struct compare_options *options;
    const struct compare_group *groups;
    size_t group_count;
    struct compare_row *rows;
    size_t row_count, row_capacity;
    struct compare_note *notes;
    size_t note_count, note_capacity;
    struct texts texts; /* of subjects */
};

/* Read the files of all groups, and divide their sessions into page loads. Return CLI_OK, or CLI_IO after a message.
 * Free with compare_unload() in either case. */
int compare_load(struct compare_group *groups, size_t count, const struct compare_options *options)
    __attribute__((warn_unused_result));
void compare_unload(struct compare_group *groups, size_t count);

/* Compare the loaded groups (at least 2); they and `options` must outlive the result. Free it with compare_free(). */
struct comparison *compare_new(const struct compare_group *groups, size_t count, const struct compare_options *options);
void compare_free(struct comparison *comparison);

/* Return whether a measure has values in rows of this kind: by server only requests and connections, by page not what
 * is of a session. */
bool compare_fits(const struct measure *measure, enum compare_by by);

/* Return whether the row's shift is proven: its adjusted p is below alpha, and its interval excludes 0. */
bool compare_proven(const struct comparison *comparison, const struct compare_row *row);

#endif
