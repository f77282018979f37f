#include "analyze/progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "analyze/format.h"

static const uint64_t first_after_ns = 1000000000, then_every_ns = 100000000;

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void progress_init(struct progress *progress, bool prints)
{
    bool terminal = isatty(STDERR_FILENO) && !(prints && isatty(STDOUT_FILENO));
    *progress = (struct progress){.terminal = terminal, .due_ns = now_ns() + first_after_ns};
}

static void show(uint64_t done, uint64_t total)
{
    enum { CELLS = 30 };
    char bar[CELLS + 1], a[FORMAT_BYTES], b[FORMAT_BYTES];
    if (total == 0) {
        fprintf(stderr, "\r%s read\033[K", format_size(a, done));
        return;
    }
    double part = done >= total ? 1.0 : (double)done / (double)total;
    for (int i = 0; i < CELLS; i++)
        bar[i] = i < (int)(part * CELLS) ? '#' : '.';
    bar[CELLS] = '\0';
    fprintf(stderr, "\r[%s] %3d %%  %s of %s\033[K", bar, (int)(part * 100), format_size(a, done),
            format_size(b, total));
}

void progress_update(struct progress *progress, const struct source *source)
{
    /* The clock is asked now and then only. */
    if (!progress->terminal || ++progress->calls % 1024 != 0)
        return;
    uint64_t t_ns = now_ns();
    if (t_ns < progress->due_ns)
        return;
    progress->due_ns = t_ns + then_every_ns;
    progress->shown = true;
    uint64_t total, done = source_progress(source, &total);
    show(done, total);
}

void progress_clear(struct progress *progress)
{
    if (progress->shown)
        fputs("\r\033[K", stderr);
    progress->shown = false;
}
