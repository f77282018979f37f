#include "capture/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

static bool status_shown;

static void clear_status(void)
{
    if (status_shown)
        fputs("\r\033[K", stderr);
    status_shown = false;
}

void log_line(const char *format, ...)
{
    va_list args;
    clear_status();
    fputs("mitm-proxy: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    putc('\n', stderr);
}

void log_status(const char *text)
{
    clear_status();
    if (!*text)
        return;
    fputs(text, stderr);
    fflush(stderr);
    status_shown = true;
}
