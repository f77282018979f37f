/* What the parts of a comparison share. Inside of compare/ alone. */
#ifndef MITM_COMPARE_PARTS_H
#define MITM_COMPARE_PARTS_H

#include "compare/compare.h"
#include "compare/keys.h"

/* A value, and what it belongs to. */
struct observation {
    uint32_t subject; /* id of the page or server; 0 where rows have none */
    uint32_t session;
    uint64_t pair; /* equal on both sides: a pair */
    double value;
};

struct observations {
    struct observation *values; /* by subject, then pair */
    size_t count, capacity;
    size_t missing; /* of so many things there is no value */
};

/* The names that observations need; those not needed are NULL. */
struct observe_keys {
    struct keys *subjects;                       /* pages or servers */
    struct keys *pages, *connections, *requests; /* whose occurrences make pairs */
};

/* Make and free the names that the comparison needs. */
void observe_keys_init(struct observe_keys *keys, struct comparison *comparison);
void observe_keys_fini(struct observe_keys *keys);

/* Collect the values of a measure in a group. Free `values` of the result. */
struct observations observe(const struct comparison *comparison, const struct observe_keys *keys,
                            const struct measure *measure, size_t group);

/* Compute what the row's values amount to. `before` and `after` are unsorted; of pairs if the comparison is paired.
 * The row takes them. */
void row_compute(struct compare_row *row, const struct compare_options *options, double *before, size_t before_count,
                 double *after, size_t after_count);

/* Correct the p-values of all rows, and set the verdicts. */
void rows_judge(struct comparison *comparison);

/* Add what the data cannot say. `keys` may be used to name pages and servers. */
void notes_find(struct comparison *comparison, const struct observe_keys *keys);

#endif
