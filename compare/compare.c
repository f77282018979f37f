#include "compare/compare.h"

#include <stdlib.h>

#include "analyze/cli.h"
#include "analyze/load.h"
#include "base/memory.h"
#include "compare/parts.h"

const char *const compare_by_words[] = {"all", "page", "server", "session"};

int compare_load(struct compare_group *groups, size_t count, const struct compare_options *options)
{
    int code = CLI_OK;
    for (size_t g = 0; g < count; g++) {
        struct compare_group *group = &groups[g];
        group->model = model_new(&(struct model_options){0});
        if (load_files(group->model, group->files, group->file_count) != CLI_OK)
            code = CLI_IO;
        size_t n = model_session_count(group->model);
        group->pages = memory_new(n, sizeof *group->pages);
        for (size_t s = 0; s < n; s++)
            group->pages[s] =
                pages_new(model_session(group->model, s), &(struct pages_options){.gap_ns = options->gap_ns});
    }
    return code;
}

void compare_unload(struct compare_group *groups, size_t count)
{
    for (size_t g = 0; g < count && groups[g].model; g++) {
        for (size_t s = 0; s < model_session_count(groups[g].model); s++)
            pages_free(groups[g].pages[s]);
        free(groups[g].pages);
        model_free(groups[g].model);
    }
}

bool compare_fits(const struct measure *measure, enum compare_by by)
{
    if (by == COMPARE_SERVER)
        return measure->level == MEASURE_OF_REQUEST || measure->level == MEASURE_OF_CONNECTION;
    return by != COMPARE_PAGE || measure->level != MEASURE_OF_SESSION;
}

/* The part of the observations that has one subject. */
struct part {
    const struct observation *values;
    size_t count;
};

static double *values_of(struct part part)
{
    double *values = memory_new(part.count, sizeof *values);
    for (size_t i = 0; i < part.count; i++)
        values[i] = part.values[i].value;
    return values;
}

static struct compare_row *new_row(struct comparison *c, const struct measure *measure, size_t group)
{
    c->rows = memory_grow(c->rows, c->row_count, &c->row_capacity, sizeof *c->rows);
    struct compare_row *row = &c->rows[c->row_count++];
    *row = (struct compare_row){.measure = measure, .group = group};
    return row;
}

static void compute_pairs(struct compare_row *row, const struct compare_options *options, struct part before,
                          struct part after)
{
    size_t most = before.count < after.count ? before.count : after.count, n = 0;
    double *x = memory_new(most, sizeof *x), *y = memory_new(most, sizeof *y);
    for (size_t i = 0, j = 0; i < before.count && j < after.count;) {
        uint64_t a = before.values[i].pair, b = after.values[j].pair;
        if (a == b) {
            x[n] = before.values[i].value;
            y[n++] = after.values[j].value;
        }
        i += a <= b;
        j += b <= a;
    }
    row->unpaired_before = before.count - n;
    row->unpaired_after = after.count - n;
    row_compute(row, options, x, n, y, n);
}

static void compare_parts(struct comparison *c, const struct measure *measure, size_t group, struct part before,
                          struct part after, struct text subject)
{
    struct compare_row *row = new_row(c, measure, group);
    row->subject = subject;
    if (c->options->paired)
        compute_pairs(row, c->options, before, after);
    else
        row_compute(row, c->options, values_of(before), before.count, values_of(after), after.count);
}

/* Split off what belongs to `subject` from the front of `all`. */
static struct part take(struct part *all, uint32_t subject)
{
    size_t n = 0;
    while (n < all->count && all->values[n].subject == subject)
        n++;
    struct part part = {all->values, n};
    if (n > 0)
        *all = (struct part){all->values + n, all->count - n};
    return part;
}

static void compare_groups(struct comparison *c, const struct observe_keys *keys, const struct measure *measure,
                           size_t group, const struct observations *before, const struct observations *after)
{
    struct part x = {before->values, before->count}, y = {after->values, after->count};
    const struct text whole = {0}, *names = &whole;
    size_t n = keys->subjects ? keys_distinct(keys->subjects, &names) : 1;
    for (size_t id = 0; id < n; id++) {
        struct part a = take(&x, (uint32_t)id), b = take(&y, (uint32_t)id);
        bool both = !keys->subjects || (keys_present(keys->subjects, (uint32_t)id, 0) &&
                                        keys_present(keys->subjects, (uint32_t)id, group));
        if (both && a.count + b.count > 0) {
            compare_parts(c, measure, group, a, b, names[id]);
            struct compare_row *row = &c->rows[c->row_count - 1];
            row->subject_id = (uint32_t)id;
            row->before.missing = before->missing;
            row->after.missing = after->missing;
        }
    }
}

/* Order rows by subject, measure, group. They were made by measure, group, subject: `order` tells which came first. */
static int by_subject(const void *a, const void *b)
{
    const struct compare_row *x = a, *y = b;
    if (x->subject_id != y->subject_id)
        return x->subject_id < y->subject_id ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

struct comparison *compare_new(const struct compare_group *groups, size_t count, const struct compare_options *options)
{
    struct comparison *c = memory_new(1, sizeof *c);
    *c = (struct comparison){.options = options, .groups = groups, .group_count = count};
    struct observe_keys keys;
    observe_keys_init(&keys, c);
    for (size_t i = 0; i < options->measure_count; i++) {
        const struct measure *measure = options->measures[i];
        struct observations first = observe(c, &keys, measure, 0);
        for (size_t g = 1; g < count; g++) {
            struct observations other = observe(c, &keys, measure, g);
            compare_groups(c, &keys, measure, g, &first, &other);
            free(other.values);
        }
        free(first.values);
    }
    for (size_t i = 0; i < c->row_count; i++)
        c->rows[i].order = i;
    if (c->row_count > 0)
        qsort(c->rows, c->row_count, sizeof *c->rows, by_subject);
    rows_judge(c);
    notes_find(c, &keys);
    observe_keys_fini(&keys);
    return c;
}

void compare_free(struct comparison *c)
{
    for (size_t i = 0; i < c->row_count; i++) {
        free(c->rows[i].before.values);
        free(c->rows[i].after.values);
    }
    free(c->rows);
    for (size_t i = 0; i < c->note_count; i++)
        free(c->notes[i].text);
    free(c->notes);
    texts_fini(&c->texts);
    free(c);
}
