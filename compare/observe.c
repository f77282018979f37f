/* The values of a measure, with what they belong to; see compare/parts.h. */
#include <stdlib.h>

#include "base/memory.h"
#include "compare/parts.h"

static bool has_level(const struct comparison *comparison, enum measure_level level)
{
    for (size_t i = 0; i < comparison->options->measure_count; i++) {
        if (comparison->options->measures[i]->level == level)
            return true;
    }
    return false;
}

void observe_keys_init(struct observe_keys *keys, struct comparison *comparison)
{
    const struct compare_group *groups = comparison->groups;
    size_t n = comparison->group_count;
    enum compare_by by = comparison->options->by;
    bool paired = comparison->options->paired && by != COMPARE_SESSION;
    *keys = (struct observe_keys){0};
    if (by == COMPARE_PAGE || by == COMPARE_SERVER)
        keys->subjects = keys_new(by == COMPARE_PAGE ? KEYS_PAGE : KEYS_SERVER, groups, n, &comparison->texts);
    if (paired && has_level(comparison, MEASURE_OF_PAGE))
        keys->pages = keys_new(KEYS_PAGE, groups, n, &comparison->texts);
    if (paired && has_level(comparison, MEASURE_OF_CONNECTION))
        keys->connections = keys_new(KEYS_CONNECTION, groups, n, &comparison->texts);
    if (paired && has_level(comparison, MEASURE_OF_REQUEST))
        keys->requests = keys_new(KEYS_REQUEST, groups, n, &comparison->texts);
}

void observe_keys_fini(struct observe_keys *keys)
{
    keys_free(keys->subjects);
    keys_free(keys->pages);
    keys_free(keys->connections);
    keys_free(keys->requests);
}

static void add(struct observations *all, struct observation observation)
{
    all->values = memory_grow(all->values, all->count, &all->capacity, sizeof *all->values);
    all->values[all->count++] = observation;
}

/* Set *id to the subject of the value; return false if it has none. */
static bool subject_of(const struct comparison *comparison, const struct observe_keys *keys,
                       const struct measure_value *value, size_t group, size_t session, uint32_t *id)
{
    *id = 0;
    if (!keys->subjects)
        return true;
    bool page = comparison->options->by == COMPARE_PAGE;
    if (page ? value->page == 0 : value->server == MODEL_NO_INDEX)
        return false;
    *id = keys_at(keys->subjects, group, session, page ? value->page - 1 : value->server)->id;
    return true;
}

/* Return what makes the value a pair with one of another group: the name of what it belongs to, and the how-manieth of
 * this name. */
static uint64_t pair_of(const struct observe_keys *keys, const struct measure *measure,
                        const struct measure_value *value, size_t group, size_t session)
{
    const struct keys *by = measure->level == MEASURE_OF_PAGE         ? keys->pages
                            : measure->level == MEASURE_OF_CONNECTION ? keys->connections
                            : measure->level == MEASURE_OF_REQUEST    ? keys->requests
                                                                      : NULL;
    if (!by)
        return session;
    size_t index = measure->level == MEASURE_OF_PAGE         ? value->page - 1
                   : measure->level == MEASURE_OF_CONNECTION ? value->connection
                                                             : value->exchange;
    const struct name *name = keys_at(by, group, session, index);
    return (uint64_t)name->id << 32 | name->k;
}

/* Return the median of the `n` values, which are sorted by this. */
static double median_of(const struct comparison *comparison, double *values, size_t n)
{
    quantile_sort(values, n);
    return quantile(values, n, 0.5, comparison->options->quantile_type);
}

/* Each session is one value: the median of its values. */
static void add_median(const struct comparison *comparison, struct observations *all,
                       const struct measure_values *values, size_t session)
{
    if (values->count == 0) {
        all->missing++;
        return;
    }
    double *sorted = memory_new(values->count, sizeof *sorted);
    for (size_t i = 0; i < values->count; i++)
        sorted[i] = values->values[i].value;
    double median = median_of(comparison, sorted, values->count);
    free(sorted);
    add(all, (struct observation){.session = (uint32_t)session, .pair = session, .value = median});
}

/* Return whether each page load is one value: connections and requests of one load are not independent of each other.
 */
static bool is_per_load(const struct comparison *comparison, const struct measure *measure)
{
    return !comparison->options->paired &&
           (measure->level == MEASURE_OF_CONNECTION || measure->level == MEASURE_OF_REQUEST);
}

/* By subject, then by what is in `pair`: the page load. */
static int by_load(const void *a, const void *b)
{
    const struct observation *x = a, *y = b;
    if (x->subject != y->subject)
        return x->subject < y->subject ? -1 : 1;
    return x->pair < y->pair ? -1 : x->pair > y->pair;
}

/* Replace the values from index `first` on, of one session, by their medians for each subject and page load. */
static void take_medians(const struct comparison *comparison, struct observations *all, size_t first)
{
    size_t n = all->count - first, kept = first;
    if (n == 0)
        return;
    struct observation *values = all->values + first;
    double *sorted = memory_new(n, sizeof *sorted);
    qsort(values, n, sizeof *values, by_load);
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i; end < n && by_load(&values[i], &values[end]) == 0; end++)
            sorted[end - i] = values[end].value;
        struct observation median = values[i];
        median.value = median_of(comparison, sorted, end - i);
        median.pair = 0;
        all->values[kept++] = median;
    }
    all->count = kept;
    free(sorted);
}

static int by_subject(const void *a, const void *b)
{
    const struct observation *x = a, *y = b;
    if (x->subject != y->subject)
        return x->subject < y->subject ? -1 : 1;
    if (x->pair != y->pair)
        return x->pair < y->pair ? -1 : 1;
    return x->session < y->session ? -1 : x->session > y->session;
}

struct observations observe(const struct comparison *comparison, const struct observe_keys *keys,
                            const struct measure *measure, size_t group)
{
    struct observations all = {0};
    const struct compare_group *g = &comparison->groups[group];
    for (size_t s = 0; s < model_session_count(g->model); s++) {
        struct measure_values values = measures_collect(measure, model_session(g->model, s), g->pages[s]);
        if (comparison->options->by == COMPARE_SESSION) {
            add_median(comparison, &all, &values, s);
            measures_free(&values);
            continue;
        }
        all.missing += values.missing;
        size_t first = all.count;
        for (size_t i = 0; i < values.count; i++) {
            const struct measure_value *value = &values.values[i];
            struct observation o = {.session = (uint32_t)s, .value = value->value};
            if (!subject_of(comparison, keys, value, group, s, &o.subject))
                continue;
            if (comparison->options->paired)
                o.pair = pair_of(keys, measure, value, group, s);
            else
                o.pair = value->page;
            add(&all, o);
        }
        if (is_per_load(comparison, measure))
            take_medians(comparison, &all, first);
        measures_free(&values);
    }
    if (all.count > 0 && (keys->subjects || comparison->options->paired))
        qsort(all.values, all.count, sizeof *all.values, by_subject);
    return all;
}
