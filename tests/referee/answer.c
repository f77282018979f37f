/*
 * Answers the questions of referee.R: reads lines from the standard input, writes one line of numbers for each
 * question.
 *
 *   x NUMBER…   y NUMBER…   p NUMBER…   set one of the three lists
 *   quantiles                           of x at each of p, by the types 1 to 9
 *   sum         signed                  test of x and y, of the differences x: statistic, p, exact
 *   shift C     paired C                from x to y, of the differences x: estimate, low, high, level reached, exact
 *   delta       mean                    of x and y, of x
 *   holm                                p adjusted
 *   ecdf C                              x, y, low, high of each step
 *   median C                            low, high, level reached
 *
 * All numbers are hexadecimal, so nothing is lost on the way.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "statistics/ecdf.h"
#include "statistics/quantile.h"
#include "statistics/ranks.h"

struct list {
    double *values;
    size_t n;
};

static struct list x, y, p;

static void put(double value)
{
    if (isnan(value))
        fputs(" NaN", stdout);
    else if (isinf(value))
        fputs(value > 0 ? " Inf" : " -Inf", stdout);
    else
        printf(" %a", value);
}

static void put_interval(struct interval interval)
{
    put(interval.low);
    put(interval.high);
}

static void put_test(struct rank_test test)
{
    put(test.statistic);
    put(test.p);
    put(test.exact);
}

static void put_shift(struct ranks_shift shift)
{
    put(shift.estimate);
    put_interval(shift.interval);
    put(shift.reached);
    put(shift.exact);
}

/* Replace the list by the numbers of `text`, whose places at least it needs. */
static void read_list(struct list *list, char *text)
{
    free(list->values);
    list->values = calloc(strlen(text) + 1, sizeof *list->values);
    list->n = 0;
    if (!list->values)
        abort();
    for (char *end;; text = end) {
        double value = strtod(text, &end);
        if (end == text)
            return;
        list->values[list->n++] = value;
    }
}

static struct list sorted_x(void)
{
    struct list copy = {.values = calloc(x.n + 1, sizeof *copy.values), .n = x.n};
    if (!copy.values)
        abort();
    for (size_t i = 0; i < x.n; i++)
        copy.values[i] = x.values[i];
    quantile_sort(copy.values, copy.n);
    return copy;
}

/* Answer what needs x sorted. Return whether that was the question. */
static bool answer_sorted(const char *question, double confidence)
{
    bool known = true;
    struct list sorted = sorted_x();
    if (strcmp(question, "quantiles") == 0) {
        for (unsigned type = 1; type <= 9; type++)
            for (size_t i = 0; i < p.n; i++)
                put(quantile(sorted.values, sorted.n, p.values[i], type));
    } else if (strcmp(question, "ecdf") == 0) {
        size_t count;
        struct ecdf_step *steps = ecdf_steps(sorted.values, sorted.n, confidence, &count);
        for (size_t i = 0; i < count; i++) {
            put(steps[i].x);
            put(steps[i].y);
            put(steps[i].low);
            put(steps[i].high);
        }
        free(steps);
    } else if (strcmp(question, "median") == 0) {
        double reached;
        put_interval(quantile_median_interval(sorted.values, sorted.n, confidence, &reached));
        put(reached);
    } else {
        known = false;
    }
    free(sorted.values);
    return known;
}

static bool answer_ranks(const char *question, double confidence)
{
    if (strcmp(question, "sum") == 0) {
        put_test(ranks_sum_test(x.values, x.n, y.values, y.n));
    } else if (strcmp(question, "signed") == 0) {
        put_test(ranks_signed_test(x.values, x.n));
    } else if (strcmp(question, "shift") == 0) {
        put_shift(ranks_shift(x.values, x.n, y.values, y.n, confidence));
    } else if (strcmp(question, "paired") == 0) {
        put_shift(ranks_paired_shift(x.values, x.n, confidence));
    } else if (strcmp(question, "delta") == 0) {
        put(ranks_cliffs_delta(x.values, x.n, y.values, y.n));
    } else if (strcmp(question, "mean") == 0) {
        put(quantile_mean(x.values, x.n));
    } else if (strcmp(question, "holm") == 0) {
        ranks_holm(p.values, p.n);
        for (size_t i = 0; i < p.n; i++)
            put(p.values[i]);
    } else {
        return false;
    }
    return true;
}

/* Set a list or answer a question. Return whether the line is either. */
static bool handle(char *line)
{
    char *rest = line + strcspn(line, " \n");
    if (*rest)
        *rest++ = '\0';
    if (strcmp(line, "x") == 0 || strcmp(line, "y") == 0 || strcmp(line, "p") == 0) {
        read_list(*line == 'x' ? &x : *line == 'y' ? &y : &p, rest);
        return true;
    }
    double confidence = strtod(rest, NULL);
    bool known = answer_sorted(line, confidence) || answer_ranks(line, confidence);
    putchar('\n');
    return known;
}

int main(void)
{
    char *line = NULL;
    size_t capacity = 0;
    int code = 0;
    while (code == 0 && getline(&line, &capacity, stdin) > 0)
        if (!handle(line)) {
            fprintf(stderr, "answer: no such question: %s\n", line);
            code = 2;
        }
    free(line);
    free(x.values);
    free(y.values);
    free(p.values);
    return code;
}
