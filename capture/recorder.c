#include "capture/recorder.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/random.h>

#include "proto/writer.h"

/* Blocks are large enough that a full one costs little per event, and at most 16 MiB of them exist. */
#define BLOCK_BYTES ((size_t)256 << 10)
enum { BLOCKS_MAX = 64 };

/* Events that are missing from one place of the file. */
struct loss {
    Mitm__LossCause cause;
    int error; /* errno; 0 with QUEUE_FULL */
    uint64_t events;
    uint64_t len_bytes;
    uint64_t first_t_ns, last_t_ns;
};

struct block {
    struct block *next;
    size_t len_bytes;
    uint64_t events;
    uint64_t first_t_ns, last_t_ns;
    struct loss before; /* events that were dropped before those of this block */
    uint8_t data[BLOCK_BYTES];
};

struct recorder {
    /* The relay's thread. */
    struct block *current; /* NULL: none taken from the pool yet */
    struct loss dropped;   /* since all blocks were waiting */
    uint64_t events;
    uint32_t session;

    /* Shared. */
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    struct block *queue_first, **queue_end; /* to be written, in order */
    struct block *free_blocks;              /* used before: their memory is warm */
    unsigned blocks;
    bool closing;
    _Atomic uint64_t lost_events;
    _Atomic uint64_t file_bytes;
    _Atomic int error;

    /* The writing thread. */
    pthread_t thread;
    struct writer *writer;
    struct loss unwritten;
    uint64_t records_written;
};

/* Add `more` to `loss`; its first cause counts. */
static void loss_add(struct loss *loss, const struct loss *more)
{
    if (more->events == 0)
        return;
    struct loss sum = loss->events > 0 ? *loss : *more;
    sum.events = loss->events + more->events;
    sum.len_bytes = loss->len_bytes + more->len_bytes;
    sum.last_t_ns = more->last_t_ns;
    *loss = sum;
}

/* ---------------------------------------------------------------- the writing thread */

/* Write a Loss event for what is missing, if anything is. Return 0 or errno. */
static int write_loss(struct recorder *recorder, bool last_resort)
{
    const struct loss *loss = &recorder->unwritten;
    if (loss->events == 0)
        return 0;
    EVENT_NEW(record, ev, loss->last_t_ns, Loss, LOSS, loss);
    EVENT_SET(record, session, recorder->session);
    EVENT_SET(ev, cause, loss->cause);
    EVENT_SET(ev, events, loss->events);
    EVENT_SET(ev, len_bytes, loss->len_bytes);
    EVENT_SET(ev, first_t_ns, loss->first_t_ns);
    EVENT_SET(ev, last_t_ns, loss->last_t_ns);
    if (loss->error)
        EVENT_SET(ev, error, (uint32_t)loss->error);
    uint8_t bytes[256];
    assert(event_encoded_size(&record) <= sizeof bytes);
    size_t len = event_encode(&record, bytes);
    int error = writer_write(recorder->writer, bytes, len, last_resort);
    if (error == 0) {
        recorder->records_written++;
        recorder->unwritten = (struct loss){0};
    }
    return error;
}

/* `block` could not be written because of `error` (errno). */
static void lose_block(struct recorder *recorder, const struct block *block, int error)
{
    bool full = error == ENOSPC || error == EDQUOT;
    struct loss loss = {.cause = full ? MITM__LOSS_CAUSE__DISK_FULL : MITM__LOSS_CAUSE__WRITE_ERROR,
                        .error = error,
                        .events = block->events,
                        .len_bytes = block->len_bytes,
                        .first_t_ns = block->first_t_ns,
                        .last_t_ns = block->last_t_ns};
    loss_add(&recorder->unwritten, &loss);
    atomic_fetch_add(&recorder->lost_events, block->events);
}

static void write_block(struct recorder *recorder, const struct block *block)
{
    loss_add(&recorder->unwritten, &block->before);
    int error = write_loss(recorder, false);
    if (error == 0)
        error = writer_write(recorder->writer, block->data, block->len_bytes, false);
    if (error == 0)
        recorder->records_written += block->events;
    else
        lose_block(recorder, block, error);
    atomic_store(&recorder->error, error);
    atomic_store(&recorder->file_bytes, writer_size_bytes(recorder->writer));
}

static void *writing_thread(void *arg)
{
    struct recorder *recorder = arg;
    pthread_mutex_lock(&recorder->mutex);
    for (;;) {
        while (!recorder->queue_first && !recorder->closing)
            pthread_cond_wait(&recorder->wake, &recorder->mutex);
        struct block *block = recorder->queue_first;
        if (!block)
            break;
        recorder->queue_first = block->next;
        if (!recorder->queue_first)
            recorder->queue_end = &recorder->queue_first;
        pthread_mutex_unlock(&recorder->mutex);
        write_block(recorder, block);
        pthread_mutex_lock(&recorder->mutex);
        block->next = recorder->free_blocks;
        recorder->free_blocks = block;
    }
    pthread_mutex_unlock(&recorder->mutex);
    return NULL;
}

/* ---------------------------------------------------------------- the relay's thread */

struct recorder *recorder_open(const char *path, bool force, int *error)
{
    struct writer *writer = writer_open(path, force, error);
    if (!writer)
        return NULL;
    struct recorder *recorder = calloc(1, sizeof *recorder);
    if (!recorder)
        abort();
    recorder->writer = writer;
    recorder->queue_end = &recorder->queue_first;
    if (getrandom(&recorder->session, sizeof recorder->session, 0) != sizeof recorder->session)
        abort();
    pthread_mutex_init(&recorder->mutex, NULL);
    pthread_cond_init(&recorder->wake, NULL);
    int rc = pthread_create(&recorder->thread, NULL, writing_thread, recorder);
    if (rc == 0)
        return recorder;
    *error = rc;
    int ignored = writer_close(writer);
    (void)ignored;
    free(recorder);
    return NULL;
}

/* Return an empty block, or NULL when all of them are waiting to be written. */
static struct block *take_block(struct recorder *recorder)
{
    pthread_mutex_lock(&recorder->mutex);
    struct block *block = recorder->free_blocks;
    if (block)
        recorder->free_blocks = block->next;
    pthread_mutex_unlock(&recorder->mutex);
    if (!block && recorder->blocks < BLOCKS_MAX) {
        block = malloc(sizeof *block);
        if (block)
            recorder->blocks++;
    }
    if (!block)
        return NULL;
    block->next = NULL;
    block->len_bytes = 0;
    block->events = 0;
    block->before = recorder->dropped;
    recorder->dropped = (struct loss){0};
    return block;
}

static void add_to_block(struct block *block, uint64_t t_ns, size_t len)
{
    if (block->events == 0)
        block->first_t_ns = t_ns;
    block->events++;
    block->last_t_ns = t_ns;
    block->len_bytes += len;
}

/* Make recorder->current a block with room for `need` bytes. Return false if there is none. */
static bool make_room(struct recorder *recorder, size_t need)
{
    if (need > BLOCK_BYTES)
        return false;
    if (recorder->current && BLOCK_BYTES - recorder->current->len_bytes < need)
        recorder_flush(recorder);
    if (recorder->current)
        return true;
    recorder->current = take_block(recorder);
    return recorder->current != NULL;
}

void recorder_take(struct recorder *recorder, Mitm__Record *record)
{
    EVENT_SET(*record, session, recorder->session);
    recorder->events++;
    size_t need = event_encoded_size(record);
    if (!make_room(recorder, need)) {
        struct loss loss = {.cause = MITM__LOSS_CAUSE__QUEUE_FULL,
                            .events = 1,
                            .len_bytes = need,
                            .first_t_ns = record->t_ns,
                            .last_t_ns = record->t_ns};
        loss_add(&recorder->dropped, &loss);
        atomic_fetch_add(&recorder->lost_events, 1);
        return;
    }
    struct block *block = recorder->current;
    size_t len = event_encode(record, block->data + block->len_bytes);
    assert(len > 0); /* it would not have fitted into a block */
    add_to_block(block, record->t_ns, len);
}

void recorder_flush(struct recorder *recorder)
{
    if (!recorder->current)
        return;
    pthread_mutex_lock(&recorder->mutex);
    *recorder->queue_end = recorder->current;
    recorder->queue_end = &recorder->current->next;
    pthread_cond_signal(&recorder->wake);
    pthread_mutex_unlock(&recorder->mutex);
    recorder->current = NULL;
}

struct recorder_stats recorder_stats(struct recorder *recorder)
{
    return (struct recorder_stats){.events = recorder->events,
                                   .lost_events = atomic_load(&recorder->lost_events),
                                   .file_bytes = atomic_load(&recorder->file_bytes),
                                   .error = atomic_load(&recorder->error),
                                   .stalled = recorder->dropped.events > 0};
}

/* Write the SessionEnd event. The thread has ended: its part of `recorder` is ours now. Return 0 or errno. */
static int write_end(struct recorder *recorder, uint64_t t_ns, Mitm__SessionEnd *end)
{
    loss_add(&recorder->unwritten, &recorder->dropped);
    int error = write_loss(recorder, true);
    if (error)
        return error;
    EVENT_SET(*end, records, recorder->records_written + 1);
    Mitm__Record record = MITM__RECORD__INIT;
    EVENT_SET(record, t_ns, t_ns);
    EVENT_SET(record, session, recorder->session);
    record.event_case = MITM__RECORD__EVENT_SESSION_END;
    record.session_end = end;
    uint8_t bytes[256];
    assert(event_encoded_size(&record) <= sizeof bytes);
    size_t len = event_encode(&record, bytes);
    return writer_write(recorder->writer, bytes, len, true);
}

static void free_blocks(struct block *block)
{
    while (block) {
        struct block *next = block->next;
        free(block);
        block = next;
    }
}

int recorder_close(struct recorder *recorder, uint64_t t_ns, Mitm__SessionEnd *end, struct recorder_stats *stats)
{
    recorder_flush(recorder);
    pthread_mutex_lock(&recorder->mutex);
    recorder->closing = true;
    pthread_cond_signal(&recorder->wake);
    pthread_mutex_unlock(&recorder->mutex);
    pthread_join(recorder->thread, NULL);

    int error = write_end(recorder, t_ns, end);
    *stats = recorder_stats(recorder);
    stats->file_bytes = writer_size_bytes(recorder->writer);
    int close_error = writer_close(recorder->writer);
    pthread_cond_destroy(&recorder->wake);
    pthread_mutex_destroy(&recorder->mutex);
    free_blocks(recorder->free_blocks);
    free(recorder);
    return error ? error : close_error;
}
