#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/recorder.h"
#include "proto/reader.h"

static char dir[] = "/tmp/mitm-recorder-XXXXXX";
static char path[64];

static void make_dir(void)
{
    cr_assert_not_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/s", dir);
}

static void remove_dir(void)
{
    unlink(path);
    rmdir(dir);
}

TestSuite(recorder, .init = make_dir, .fini = remove_dir, .timeout = 60);

static void take(struct recorder *recorder, uint64_t t_ns, const uint8_t *data, size_t len)
{
    EVENT_NEW(record, ev, t_ns, HttpResponseBody, HTTP_RESPONSE_BODY, http_response_body);
    EVENT_SET_BYTES(ev, data, data, len);
    recorder_take(recorder, &record);
}

static struct recorder_stats close_recorder(struct recorder *recorder)
{
    Mitm__SessionEnd end = MITM__SESSION_END__INIT;
    struct recorder_stats stats;
    EVENT_SET(end, cause, MITM__SESSION_END_CAUSE__SIGNAL);
    cr_assert_eq(recorder_close(recorder, UINT64_MAX, &end, &stats), 0);
    return stats;
}

/* What the bytes from `file` hold. */
struct content {
    uint64_t bodies, lost, records_said, records;
    uint64_t last_body_t_ns;
    bool in_order;
    Mitm__LossCause cause; /* of the last Loss */
};

static struct content read_content(FILE *file)
{
    struct content content = {.in_order = true};
    struct reader *reader = reader_new();
    for (;;) {
        struct reader_item item;
        enum reader_result result = reader_next(reader, &item);
        if (result == READER_END)
            break;
        if (result == READER_MORE) {
            size_t got;
            uint8_t *room = reader_reserve(reader, 65536, &got);
            size_t n = fread(room, 1, got, file);
            reader_commit(reader, n);
            if (n == 0)
                reader_finish(reader);
            continue;
        }
        cr_assert_eq(result, READER_RECORD, "the file is whole");
        content.records++;
        const Mitm__Record *record = item.record;
        if (record->event_case == MITM__RECORD__EVENT_HTTP_RESPONSE_BODY) {
            /* Every event is there, or counted where it is missing: times are 0, 1, 2 … */
            if (record->t_ns != content.bodies + content.lost)
                content.in_order = false;
            content.bodies++;
        } else if (record->event_case == MITM__RECORD__EVENT_LOSS) {
            cr_assert_eq(record->loss->first_t_ns, content.bodies + content.lost);
            content.lost += record->loss->events;
            content.cause = record->loss->cause;
            cr_assert_eq(record->loss->last_t_ns, content.bodies + content.lost - 1);
        } else {
            cr_assert_eq(record->event_case, MITM__RECORD__EVENT_SESSION_END);
            content.records_said = record->session_end->records;
        }
    }
    reader_free(reader);
    return content;
}

Test(recorder, everything_is_written_in_order)
{
    enum { EVENTS = 20000 };
    static const uint8_t data[1000];
    int error;
    struct recorder *recorder = recorder_open(path, false, &error);
    cr_assert_not_null(recorder);
    for (uint64_t i = 0; i < EVENTS; i++) {
        take(recorder, i, data, i % sizeof data);
        /* Let the disk keep up, whatever it is: this test is about order. */
        while (recorder_stats(recorder).file_bytes + ((size_t)8 << 20) < i * 500)
            usleep(100);
    }
    struct recorder_stats stats = close_recorder(recorder);
    cr_assert_eq(stats.events, EVENTS);
    cr_assert_eq(stats.lost_events, 0);
    FILE *file = fopen(path, "rb");
    struct content content = read_content(file);
    fclose(file);
    cr_assert(content.in_order);
    cr_assert_eq(content.bodies, EVENTS);
    cr_assert_eq(content.records, EVENTS + 1);
    cr_assert_eq(content.records_said, content.records);
}

static FILE *pipe_reader;
static struct content pipe_content;

static void *drain(void *arg)
{
    (void)arg;
    pipe_content = read_content(pipe_reader);
    return NULL;
}

/* 64 MB are offered, at most 16 MiB may wait. */
enum { EVENTS = 1000, DATA = 65000 };
static uint8_t data[DATA];

/* Return a recorder to a FIFO that nobody reads, which is a disk that has stalled, with its queue full. */
static struct recorder *stalled_recorder(void)
{
    cr_assert_eq(mkfifo(path, 0600), 0);
    pipe_reader = fopen(path, "r+b"); /* r+: does not wait for a writer, and holds the FIFO open */
    cr_assert_not_null(pipe_reader);
    int error;
    struct recorder *recorder = recorder_open(path, true, &error);
    cr_assert_not_null(recorder, "errno %d", error);
    cr_assert_not(recorder_stats(recorder).stalled);
    for (uint64_t i = 0; i < EVENTS; i++)
        take(recorder, i, data, sizeof data);
    struct recorder_stats stats = recorder_stats(recorder);
    cr_assert(stats.stalled);
    cr_assert_gt(stats.lost_events, EVENTS / 2);
    cr_assert_gt(EVENTS - stats.lost_events, ((size_t)15 << 20) / DATA, "what fits into the queue is kept");
    return recorder;
}

/* The disk goes on: from a file opened for reading alone, so that the end of the writer is the end of the file. */
static pthread_t go_on(void)
{
    FILE *reader = fopen(path, "rb");
    fclose(pipe_reader);
    pipe_reader = reader;
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, drain, NULL), 0);
    return thread;
}

Test(recorder, a_disk_that_stalls_until_the_end_costs_counted_events)
{
    struct recorder *recorder = stalled_recorder();
    pthread_t thread = go_on();
    struct recorder_stats stats = close_recorder(recorder);
    pthread_join(thread, NULL);
    fclose(pipe_reader);
    cr_assert_eq(pipe_content.bodies + pipe_content.lost, EVENTS);
    cr_assert_eq(pipe_content.lost, stats.lost_events);
    cr_assert_eq(pipe_content.cause, MITM__LOSS_CAUSE__QUEUE_FULL);
    cr_assert_eq(pipe_content.records_said, pipe_content.records);
}

Test(recorder, a_disk_that_stalls_costs_counted_events)
{
    struct recorder *recorder = stalled_recorder();
    pthread_t thread = go_on();
    while (recorder_stats(recorder).file_bytes < (size_t)8 << 20)
        usleep(100);
    for (uint64_t i = EVENTS; i < EVENTS + 10; i++)
        take(recorder, i, data, sizeof data);
    cr_assert_not(recorder_stats(recorder).stalled);
    struct recorder_stats stats = close_recorder(recorder);
    pthread_join(thread, NULL);
    fclose(pipe_reader);
    cr_assert_eq(pipe_content.cause, MITM__LOSS_CAUSE__QUEUE_FULL);
    cr_assert_eq(stats.events, EVENTS + 10);
    cr_assert(pipe_content.in_order);
    cr_assert_eq(pipe_content.bodies + pipe_content.lost, EVENTS + 10);
    cr_assert_eq(pipe_content.lost, stats.lost_events);
    cr_assert_eq(pipe_content.records_said, pipe_content.records);
}

Test(recorder, a_stall_and_then_a_broken_disk_are_counted_as_one)
{
    /* The reader of the FIFO goes away while the queue is full: what waits is lost as well, with EPIPE. */
    signal(SIGPIPE, SIG_IGN);
    struct recorder *recorder = stalled_recorder();
    fclose(pipe_reader);
    take(recorder, EVENTS, data, sizeof data);
    while (recorder_stats(recorder).stalled)
        take(recorder, EVENTS, data, sizeof data);
    Mitm__SessionEnd end = MITM__SESSION_END__INIT;
    struct recorder_stats stats;
    cr_assert_eq(recorder_close(recorder, UINT64_MAX, &end, &stats), EPIPE);
    cr_assert_eq(stats.lost_events, stats.events, "each event once, and no other record");
}
