#include "vector_run.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event_log.h"

#define UNCUT SIZE_MAX

/* How the input is cut: block `block` before its byte `at`; or all blocks after every byte. */
struct cut {
    bool every_byte;
    size_t block, at;
};

struct run {
    const struct vector *vector;
    const struct vector_decoder *decoder;
    void *object;
    struct event_log log;
    uint64_t t_ns; /* the latest time given: each piece has its own */
    uint64_t *times[2];
};

static void feed(struct run *run, const struct vector_block *block, size_t from, size_t to)
{
    if (from == to) {
        return;
    }
    int i = block->direction == MITM__DIRECTION__TO_SERVER ? 0 : 1;
    run->t_ns++;
    for (size_t at = from; at < to; at++) {
        run->times[i][block->offset + at] = run->t_ns;
    }
    /* Memory of exactly this size, so that a sanitizer sees a read outside of it. */
    uint8_t *data = malloc(to - from);
    cr_assert(data);
    memcpy(data, block->data + from, to - from);
    run->decoder->feed(run->object, block->direction, run->t_ns, data, to - from);
    free(data);
}

static void feed_block(struct run *run, size_t number, const struct cut *cut)
{
    const struct vector_block *block = &run->vector->blocks[number];
    if (block->len == 0) {
        int i = block->direction == MITM__DIRECTION__TO_SERVER ? 0 : 1;
        run->times[i][run->vector->sent[i]] = ++run->t_ns;
        run->decoder->end(run->object, block->direction, run->t_ns, block->end);
    } else if (cut->every_byte) {
        for (size_t at = 0; at < block->len; at++) {
            feed(run, block, at, at + 1);
        }
    } else if (cut->block == number) {
        feed(run, block, 0, cut->at);
        feed(run, block, cut->at, block->len);
    } else {
        feed(run, block, 0, block->len);
    }
}

/* No byte may be lost or counted twice, and behind a Violation all are OpaqueData. */
static bool bytes_are_told(const struct run *run)
{
    bool good = true;
    for (int i = 0; i < 2; i++) {
        uint64_t sent = run->vector->sent[i];
        uint64_t violation = run->log.violation_offset[i];
        good = good && (!run->decoder->tells_all || run->log.told_bytes[i] + run->vector->untold_bytes[i] == sent);
        good = good && (violation == UINT64_MAX || violation + run->log.opaque_bytes[i] == sent);
    }
    return good;
}

/* Feed `vector` cut in this way; return whether the events are the expected ones, and print them if not. */
static bool passes(const struct vector *vector, const struct vector_decoder *decoder, struct cut cut)
{
    struct run run = {.vector = vector, .decoder = decoder};
    uint64_t times[2][VECTOR_MAX_BYTES + 1] = {{0}};
    run.times[0] = times[0];
    run.times[1] = times[1];
    event_log_init(&run.log);
    run.object = decoder->create(&run.log.sink, vector->body_limit_bytes);
    for (size_t i = 0; i < vector->blocks_n; i++) {
        feed_block(&run, i, &cut);
    }
    decoder->destroy(run.object);
    char *expected = vector_expected(vector, run.times);
    char *actual = event_log_text(&run.log);
    bool good = strcmp(expected, actual) == 0;
    if (!good) {
        fprintf(stderr, "%s: block %zu cut at %zu%s\n--- expected\n%s--- actual\n%s", vector->name, cut.block, cut.at,
                cut.every_byte ? " (every byte)" : "", expected, actual);
    }
    if (!bytes_are_told(&run)) {
        good = false;
        fprintf(stderr, "%s: sent %zu %zu, told %llu %llu, opaque %llu %llu\n", vector->name, vector->sent[0],
                vector->sent[1], (unsigned long long)run.log.told_bytes[0], (unsigned long long)run.log.told_bytes[1],
                (unsigned long long)run.log.opaque_bytes[0], (unsigned long long)run.log.opaque_bytes[1]);
    }
    free(expected);
    free(actual);
    event_log_fini(&run.log);
    return good;
}

static bool passes_cut_anywhere(const struct vector *vector, const struct vector_decoder *decoder)
{
    for (size_t block = 0; block < vector->blocks_n; block++) {
        for (size_t at = 1; at < vector->blocks[block].len; at++) {
            if (!passes(vector, decoder, (struct cut){.block = block, .at = at})) {
                return false;
            }
        }
    }
    return true;
}

static bool passes_cut(const struct vector *vector, const struct vector_decoder *decoder, enum vector_cut cut)
{
    if (cut == VECTOR_ANYWHERE) {
        return passes_cut_anywhere(vector, decoder);
    }
    return passes(vector, decoder, (struct cut){.every_byte = cut == VECTOR_BYTE_BY_BYTE, .block = UNCUT});
}

int vector_failures(const char *path, int least, const struct vector_decoder *decoder, enum vector_cut cut)
{
    struct dirent **entries;
    int n = scandir(path, &entries, NULL, alphasort);
    int vectors = 0, failed = 0;
    cr_assert(n > 0);
    for (int i = 0; i < n; i++) {
        char file[4096];
        snprintf(file, sizeof file, "%s/%s", path, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.') {
            struct vector *vector = vector_read(file);
            vectors++;
            failed += !passes_cut(vector, decoder, cut);
            vector_free(vector);
        }
        free(entries[i]);
    }
    free(entries);
    cr_assert(vectors >= least, "only %d vectors", vectors);
    return failed;
}
