/* What the rows cannot say. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/plain.h"
#include "compare/notes_parts.h"

enum { POWER_PERCENT = 80, MANY = 12 };
#define NEGLIGIBLE 0.147 /* Cliff's delta: see ranks_delta_word() */

/* Print which row is meant: "page load time of a.example/ ('before', 'after')". */
static void print_row_name(FILE *out, const struct comparison *c, const struct compare_row *row)
{
    fputs(row->measure->label, out);
    if (row->subject.data) {
        fputs(" of ", out);
        plain_print(out, row->subject.data, row->subject.len);
    }
    if (c->group_count > 2)
        fprintf(out, " ('%s')", c->groups[row->group].name);
}

static size_t least_n(const struct compare_row *row)
{
    return row->before.n < row->after.n ? row->before.n : row->after.n;
}

/* With Holm's correction the smallest of m p-values must be below alpha / m. */
static size_t samples_needed(const struct comparison *c)
{
    size_t tests = 0;
    for (size_t i = 0; i < c->row_count; i++)
        tests += !isnan(c->rows[i].test.p);
    return ranks_least_samples(c->options->alpha / (double)(tests > 0 ? tests : 1), c->options->paired);
}

static bool is_constant(const struct compare_row *row)
{
    const struct compare_side *a = &row->before, *b = &row->after;
    return a->n > 0 && b->n > 0 && a->values[0] == a->values[a->n - 1] && b->values[0] == b->values[b->n - 1] &&
           a->values[0] == b->values[0];
}

typedef bool (*is_so)(const struct comparison *c, const struct compare_row *row, size_t needed);

static bool is_few(const struct comparison *c, const struct compare_row *row, size_t needed)
{
    (void)c;
    return least_n(row) < needed && !is_constant(row);
}

static bool is_same(const struct comparison *c, const struct compare_row *row, size_t needed)
{
    (void)c;
    (void)needed;
    return is_constant(row);
}

/* The rank test and the interval disagree only where many values are equal, or at the very edge. */
static bool is_tied(const struct comparison *c, const struct compare_row *row, size_t needed)
{
    return row->p_holm < c->options->alpha && !compare_proven(c, row) && least_n(row) >= needed;
}

static bool is_undecided(const struct comparison *c, const struct compare_row *row, size_t needed)
{
    return row->p_holm >= c->options->alpha && least_n(row) >= needed && !is_constant(row) &&
           fabs(row->delta) >= NEGLIGIBLE;
}

static void say_few(FILE *out, const struct comparison *c, const struct compare_row *row, size_t needed)
{
    size_t alone = ranks_least_samples(c->options->alpha, c->options->paired);
    const char *what = c->options->paired ? "pairs" : "values on each side";
    fprintf(out, ": %zu and %zu values are too few to prove anything; it takes at least %zu %s for p < %g",
            row->before.n, row->after.n, needed, what, c->options->alpha);
    if (needed > alone)
        fprintf(out, " after the correction for all rows (%zu for a single one)", alone);
}

static void say_same(FILE *out, const struct comparison *c, const struct compare_row *row, size_t needed)
{
    (void)c;
    (void)row;
    (void)needed;
    fputs(": there is no variation: all values on both sides are equal", out);
}

static void say_tied(FILE *out, const struct comparison *c, const struct compare_row *row, size_t needed)
{
    (void)c;
    (void)row;
    (void)needed;
    fputs(": the distributions differ, but the interval of the shift does not exclude 0 (many values are equal)", out);
}

static void say_undecided(FILE *out, const struct comparison *c, const struct compare_row *row, size_t needed)
{
    (void)needed;
    size_t n = ranks_samples_for(row->delta, c->options->alpha, POWER_PERCENT / 100.0);
    fprintf(out,
            ": nothing is proven; to show an effect as large as the one seen (Cliff's delta %.2f), about %zu values on "
            "each "
            "side would do with a probability of %d %%",
            row->delta, n, POWER_PERCENT);
}

static const struct kind {
    const char *code;
    is_so is;
    void (*say)(FILE *out, const struct comparison *c, const struct compare_row *row, size_t needed);
} kinds[] = {{"few-samples", is_few, say_few},
             {"no-variation", is_same, say_same},
             {"ties", is_tied, say_tied},
             {"undecided", is_undecided, say_undecided}};

/* Return what is said of `row` behind its name. */
static char *sentence(const struct comparison *c, const struct kind *kind, const struct compare_row *row, size_t needed)
{
    struct note_writer w;
    note_begin(&w);
    kind->say(w.out, c, row, needed);
    fputc('.', w.out);
    if (fclose(w.out) != 0)
        abort();
    return w.text;
}

static void say_of_many(struct comparison *c, const struct kind *kind, size_t needed, size_t count, size_t first)
{
    const struct compare_row *row = &c->rows[first];
    char *text = sentence(c, kind, row, needed);
    struct note_writer w;
    note_begin(&w);
    fprintf(w.out, "%zu of %zu rows, the first: ", count, c->row_count);
    print_row_name(w.out, c, row);
    fputs(text, w.out);
    note_end(&w, c, kind->code);
    free(text);
}

/* Say of the `count` rows what is the case, together of those of which it is the same. */
static void say_of_few(struct comparison *c, const struct kind *kind, size_t needed, const size_t *rows, size_t count)
{
    char *texts[MANY];
    for (size_t i = 0; i < count; i++)
        texts[i] = sentence(c, kind, &c->rows[rows[i]], needed);
    for (size_t i = 0; i < count; i++) {
        if (!texts[i])
            continue;
        struct note_writer w;
        note_begin(&w);
        print_row_name(w.out, c, &c->rows[rows[i]]);
        for (size_t k = i + 1; k < count; k++) {
            if (!texts[k] || strcmp(texts[i], texts[k]) != 0)
                continue;
            fputs(", ", w.out);
            print_row_name(w.out, c, &c->rows[rows[k]]);
            free(texts[k]);
            texts[k] = NULL;
        }
        fputs(texts[i], w.out);
        note_end(&w, c, kind->code);
        free(texts[i]);
    }
}

/* Say of each row what is the case; of many rows, of how many, and of the first of them. */
static void say_of_rows(struct comparison *c, const struct kind *kind, size_t needed)
{
    size_t rows[MANY], count = 0;
    for (size_t i = 0; i < c->row_count; i++) {
        if (!kind->is(c, &c->rows[i], needed))
            continue;
        if (count < MANY)
            rows[count] = i;
        count++;
    }
    if (count > MANY)
        say_of_many(c, kind, needed, count, rows[0]);
    else
        say_of_few(c, kind, needed, rows, count);
}

static void say_unpaired(struct comparison *c)
{
    size_t before = 0, after = 0;
    for (size_t i = 0; i < c->row_count; i++) {
        before += c->rows[i].unpaired_before;
        after += c->rows[i].unpaired_after;
    }
    if (before + after == 0)
        return;
    struct note_writer w;
    note_begin(&w);
    fprintf(w.out, "%zu and %zu values (of all rows) have no partner on the other side; they are left out.", before,
            after);
    note_end(&w, c, "unpaired");
}

static void say_dependent(struct comparison *c)
{
    if (c->options->by == COMPARE_SESSION)
        return;
    for (size_t i = 0; i < c->row_count; i++) {
        const struct compare_row *row = &c->rows[i];
        if (row->before.n <= model_session_count(c->groups[0].model) &&
            row->after.n <= model_session_count(c->groups[row->group].model))
            continue;
        struct note_writer w;
        note_begin(&w);
        fputs(
            "Values of the same session are not independent of each other, so that p-values and intervals may look too "
            "good; --by session takes one value of each session.",
            w.out);
        note_end(&w, c, "dependent-samples");
        return;
    }
}

static bool has_row(const struct comparison *c, const struct measure *measure)
{
    for (size_t i = 0; i < c->row_count; i++) {
        if (c->rows[i].measure == measure)
            return true;
    }
    return false;
}

static void say_without_values(struct comparison *c)
{
    struct note_writer w;
    note_begin(&w);
    fputs("No values: ", w.out);
    struct note_list list = {.out = w.out};
    for (size_t i = 0; i < c->options->measure_count; i++) {
        const struct measure *measure = c->options->measures[i];
        const char *name = measure->name;
        bool expected = !c->options->usual || measure->where == MEASURE_ANYWHERE;
        if (expected && !has_row(c, measure))
            note_list_add(&list, (struct text){(const uint8_t *)name, (uint32_t)strlen(name)});
    }
    note_list_end(&list);
    fputc('.', w.out);
    if (list.count > 0) {
        note_end(&w, c, "no-values");
        return;
    }
    fclose(w.out);
    free(w.text);
}

/* Page loads that never ended count against nobody, unless one says so. */
static void say_missing(struct comparison *c)
{
    for (size_t i = 0; i < c->row_count; i++) {
        const struct compare_row *row = &c->rows[i];
        if (strcmp(row->measure->name, "load-time") != 0 || row->before.missing + row->after.missing == 0)
            continue;
        struct note_writer w;
        note_begin(&w);
        fprintf(
            w.out,
            "Page loads without a load time, as they were not finished or brought nothing: %zu in '%s', %zu in '%s'.",
            row->before.missing, c->groups[0].name, row->after.missing, c->groups[row->group].name);
        note_end(&w, c, "missing-values");
        return;
    }
}

void notes_of_rows(struct comparison *c)
{
    size_t needed = samples_needed(c);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        say_of_rows(c, &kinds[i], needed);
    if (c->options->paired)
        say_unpaired(c);
    say_dependent(c);
    say_missing(c);
    say_without_values(c);
}
